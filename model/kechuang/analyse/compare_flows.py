"""Where additional firms come from: the difference of a stock as the difference of the flows that made it, exactly.

    stock_B - stock_A at a date = sum up to the date of (flows in_B - flows in_A) - (flows out_B - flows out_A)

since both runs begin with the same firms. High-tech firms come by new certificates, of firms promoted from the list of
technology SMEs or certified without listing first, and go by lapsed ones or because the firm closes; a renewal keeps a
firm where it is and is shown without a sign. Units of industry come by births and go by closures. Every flow is counted where
it happens, so that the sum is a check and no remainder hides in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kechuang.analyse.compare_outcome import Outcome
from kechuang.analyse.compare_statistics import mean_interval
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

STOCK, FLOW, PART, BESIDE = "stock", "flow", "part", "beside"
COLUMNS = ("scenario", "base", "date", "stock", "kind", "item", "en", "zh", "mean", "low", "high")
"""`kind`: the stock, a flow with its sign, a part of the flow above it, or a flow that stands beside and is not added."""


@dataclass(frozen=True)
class Balance:
    """A stock, the flows into it and out of it, and flows shown beside."""

    stock: str
    into: tuple[str, ...]
    out: tuple[str, ...]
    beside: tuple[str, ...] = ()
    parted: str = ""
    part: str = ""
    rest: str = ""
    rest_en: str = ""
    rest_zh: str = ""
    """The flow `parted` into one indicator, `part`, and the `rest` of it."""


BALANCES = (
    Balance(
        "high_tech_firms",
        ("certificates_new",),
        ("certificates_lapsed", "certificates_lost_by_exit"),
        ("certificates_renewed",),
        "certificates_new",
        "certificates_direct",
        "promoted",
        "Promoted from the list of technology SMEs",
        "由科技型中小企业升级",
    ),
    Balance("industrial_units", ("firms_entered",), ("firms_exited",)),
)


def flow_rows(base: Outcome, scenario: Outcome, dates: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table of flows for one scenario against the base; numbers out of a stock are negative."""
    for date in dates:
        for balance in BALANCES:
            about = {"scenario": scenario.label, "base": base.label, "date": date, "stock": balance.stock}
            for kind, item, values in differences(base, scenario, balance, date):
                mean, (low, high) = float(values.mean()), mean_interval(values)
                yield {**about, "kind": kind, "item": item, **_names(balance, item), "mean": mean, "low": low, "high": high}


def differences(
    base: Outcome, scenario: Outcome, balance: Balance, date: str
) -> Iterator[tuple[str, str, Numbers]]:
    """Yield (kind, item, one number per draw); the stock is the sum of the flows, in every draw."""
    stock = scenario.at(balance.stock, date) - base.at(balance.stock, date)
    yield STOCK, balance.stock, stock
    for sign, keys in ((1.0, balance.into), (-1.0, balance.out)):
        for key in keys:
            moved = sign * (_sum(scenario, key, date) - _sum(base, key, date))
            yield FLOW, key, moved + 0.0  # no negative zero
            if key == balance.parted:
                part = sign * (_sum(scenario, balance.part, date) - _sum(base, balance.part, date))
                yield PART, balance.rest, moved - part
                yield PART, balance.part, part + 0.0
    for key in balance.beside:
        yield BESIDE, key, _sum(scenario, key, date) - _sum(base, key, date)


def _sum(run: Outcome, key: str, date: str) -> Numbers:
    import numpy as np

    return np.asarray(run.indicators[key][:, : run.quarters.index(date) + 1].sum(axis=1))


def _names(balance: Balance, item: str) -> dict[str, str]:
    if item == balance.rest:
        return {"en": balance.rest_en, "zh": balance.rest_zh}
    return {"en": INDICATORS[item].en, "zh": INDICATORS[item].zh}
