"""What one run says, draw by draw, in the form that comparisons need: arrays [draws, quarters] in draw order.

Costs are sorted by who pays. The city pays cash and administration of its own levers, its share of tax forgone, and
the expected loss of what it stands for; `all` is the consolidated public purse: every lever's cash and all tax forgone.

Certified by relabelling: a certified firm whose reported R&D over sales reaches the threshold of its size class while
the R&D it does stays below. Relabelled expenses are never negative, so their number is exactly

    firms with real R&D below the threshold - firms with reported R&D below it

which the histograms of a run give at their dates, where the threshold is an edge of their bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kechuang.clock import QUARTERS_PER_YEAR, quarter_index, quarter_label

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from kechuang.ensemble.result import Ensemble

    Numbers = NDArray[np.float64]

PAYERS = ("city", "all")
COMPONENTS = ("cash", "forgone", "contingent")
PRICE_BASE = quarter_index("2020Q4")
NOT_COMPARED = frozenset({"ledger_residual"})
"""Indicators that describe the run and not the city."""


@dataclass(frozen=True)
class Outcome:
    """One scenario's run: indicators and costs (亿元 of the day) as [draws, quarters], the price level likewise.

    `costs` is keyed by (payer, component); `prices` is 1 in 2020Q4; `relabelled` gives the number of firms certified
    by relabelling, one per draw, at the dates for which it is known.
    """

    label: str
    quarters: tuple[str, ...]
    draws: tuple[int, ...]
    closures: NDArray[np.str_]
    indicators: Mapping[str, Numbers]
    costs: Mapping[tuple[str, str], Numbers]
    prices: Numbers
    relabelled: Mapping[str, Numbers] = field(default_factory=dict)

    def at(self, key: str, date: str) -> Numbers:
        """Return an indicator at a date, one number per draw."""
        return self.indicators[key][:, self.quarters.index(date)]


def outcome_of(run: Ensemble, label: str) -> Outcome:
    """Read a run folder into an outcome."""
    frame = run.indicators
    quarters = tuple(sorted(set(frame["quarter"])))
    draws = run.draws.sort_values("draw")
    return Outcome(
        label,
        quarters,
        tuple(int(draw) for draw in draws["draw"]),
        draws["closure"].to_numpy(dtype=str),
        _indicators(frame, len(draws), len(quarters)),
        _costs(run.costs, len(draws), len(quarters)),
        _prices(draws["deflator_growth"].to_numpy(dtype=float), quarters),
        _relabelled(run, quarters),
    )


def _indicators(frame: pd.DataFrame, draws: int, quarters: int) -> dict[str, Numbers]:
    from kechuang.world.indicators import KEYS

    ordered = frame.sort_values(["draw", "replicate", "quarter"])
    return {key: ordered[key].to_numpy(dtype=float).reshape(draws, quarters) for key in KEYS if key not in NOT_COMPARED}


def _costs(frame: pd.DataFrame, draws: int, quarters: int) -> dict[tuple[str, str], Numbers]:
    ordered = frame.sort_values(["lever", "draw", "replicate", "quarter"])
    levers = sorted(set(ordered["lever"]))

    def column(name: str) -> Numbers:
        return ordered[name].to_numpy(dtype=float).reshape(len(levers), draws, quarters)

    # Cash and contingent cost of every lever are the city's: nation and province pay theirs outside the cost ledger.
    cash, contingent = (column("cash") + column("administration")).sum(axis=0), column("contingent").sum(axis=0)
    return {
        ("city", "cash"): cash,
        ("all", "cash"): cash,
        ("city", "forgone"): column("forgone_local").sum(axis=0),
        ("all", "forgone"): column("forgone_total").sum(axis=0),
        ("city", "contingent"): contingent,
        ("all", "contingent"): contingent,
    }


def _prices(growth: Numbers, quarters: tuple[str, ...]) -> Numbers:
    """Return the price level over that of 2020Q4, as the world moves it: steady growth, a parameter of the draw."""
    import numpy as np

    years = np.array([quarter_index(label) - PRICE_BASE for label in quarters]) / QUARTERS_PER_YEAR
    return np.asarray(np.exp(np.log1p(growth)[:, None] * years[None, :]))


def _relabelled(run: Ensemble, quarters: tuple[str, ...]) -> dict[str, Numbers]:
    """Return date -> number per draw of firms certified by relabelling, where the histograms tell it."""
    import numpy as np

    from kechuang.world.measure.pictures import SIZE_CLASSES, SNAPSHOT_QUARTERS

    pictures = run.snapshots
    names = [f"{kind}_intensity_{k}" for kind in ("real", "reported") for k in range(len(SIZE_CLASSES))]
    if not set(names) <= set(pictures):
        return {}

    def below(kind: str, row: int, bins: list[int]) -> Numbers:
        counts = [pictures[f"{kind}_intensity_{k}"][:, row, :count].sum(axis=1) for k, count in enumerate(bins)]
        return np.asarray(np.sum(counts, axis=0))

    found = {}
    for row, quarter in enumerate(SNAPSHOT_QUARTERS):
        bins = _bins_below(run, quarter) if quarter_label(quarter) in quarters else None
        if bins is not None:
            found[quarter_label(quarter)] = below("real", row, bins) - below("reported", row, bins)
    return found


def _bins_below(run: Ensemble, quarter: int) -> list[int] | None:
    """Return how many bins lie below the threshold of each size class, None where it is no edge of the bins."""
    from kechuang.world.measure.pictures import INTENSITY_BINS, SIZE_CLASSES

    shock = run.record["scenario"]["shocks"].get("certification_tightening")
    rise = shock["notch"] / 100.0 if shock and quarter_index(shock["from"]) <= quarter else 0.0
    edges = []
    for k in range(len(SIZE_CLASSES)):
        threshold = float(run.draws[f"notch_rates[{k}]"].iloc[0]) + rise
        edge = next((number for number, low in enumerate(INTENSITY_BINS) if abs(low - threshold) < 1e-9), None)
        if edge is None:
            return None
        edges.append(edge)
    return edges
