"""What a scenario costs more than the base, and what a yuan of it buys.

    PV(x)   = sum over quarters t up to the date of x_t / P_t / (1 + r)^((t - 20) / 4)       in 2020 prices at 2020Q4
    cost    = PV(cash with administration) + PV(tax forgone) + PV(expected loss)             city share, or all public
    per high-tech firm   = mean(cost_B - cost_A) / mean(stock of firms_B - stock_A at the date)
    per yuan of real R&D = mean(cost_B - cost_A) / mean(PV(R&D done)_B - PV_A);   value added likewise

r = 4 % real, with 2 and 6 % beside it; P the price level of the draw. Intervals of costs and effects are paired t,
those of ratios are paired bootstraps; a ratio whose effect cannot be told from zero is undefined and says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kechuang.analyse.compare_outcome import COMPONENTS, PAYERS, PRICE_BASE, Outcome
from kechuang.analyse.compare_statistics import NO_VALUE, Ratio, mean_interval, ratio
from kechuang.clock import QUARTERS_PER_YEAR, quarter_index
from kechuang.units import WAN_PER_YI

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

RATES = (0.04, 0.02, 0.06)
"""Real discount rates; the first is the one that is read, the others show how much it matters."""
NOT_REPORTED = "not reported: the runs keep no histogram of R&D at this date and threshold"
COLUMNS = ("scenario", "base", "date", "rate", "payer", "item", "unit", "value", "low", "high", "status", "reading")
"""`item`: cash, forgone, contingent, total (differences); local_revenue, high_tech_firms, rd_real, value_added (effects);
per_... (cost over effect); relabelled_share (of the additional high-tech firms, those certified by relabelling).
`reading` says what the sign of a ratio hides, and is empty where a yuan more buys more."""
SAVED, BOTH_GOOD, BOTH_BAD = "saved per unit lost", "gains and saves", "costs and loses"
_YI, _WAN = "亿元", "万元"
EFFECTS = (("local_revenue", _YI), ("high_tech_firms", "firms"), ("rd_real", _YI), ("value_added", _YI))
RATIOS = (
    ("per_high_tech_firm", "high_tech_firms", _WAN, WAN_PER_YI),
    ("per_real_rd", "rd_real", "yuan", 1.0),
    ("per_value_added", "value_added", "yuan", 1.0),
)


def cost_rows(base: Outcome, scenario: Outcome, dates: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table of costs for one scenario against the base."""
    for date in dates:
        about = {"scenario": scenario.label, "base": base.label, "date": date}
        for rate in RATES:
            for row in _rows(base, scenario, date, rate):
                yield {**about, "rate": rate, **row}
        share = relabelled_share(base, scenario, date)
        yield {**about, "rate": math.nan, "payer": "", "item": "relabelled_share", "unit": "share", **_plain(share)}


def _rows(base: Outcome, scenario: Outcome, date: str, rate: float) -> Iterator[dict[str, Any]]:
    gained = effects(base, scenario, date, rate)
    for name, unit in EFFECTS:
        yield {"payer": "", "item": name, "unit": unit, **_mean(gained[name])}
    for payer in PAYERS:
        paid = {
            name: present_value(scenario, scenario.costs[payer, name], date, rate)
            - present_value(base, base.costs[payer, name], date, rate)
            for name in COMPONENTS
        }
        total: Numbers = paid["cash"] + paid["forgone"] + paid["contingent"]
        for name, values in (*paid.items(), ("total", total)):
            yield {"payer": payer, "item": name, "unit": _YI, **_mean(values)}
        for name, effect, unit, factor in RATIOS:
            found = ratio(factor * total, gained[effect])
            reading = "" if found.status else _reading(total, gained[effect])
            yield {"payer": payer, "item": name, "unit": unit, **_plain(found), "reading": reading}


def effects(base: Outcome, scenario: Outcome, date: str, rate: float) -> dict[str, Numbers]:
    """Return draw by draw what a scenario gains up to a date: firms at the date, present values of the other effects.

    Local revenue stands beside the costs, not in them: it moves with tax forgone for levers, with national law that is
    no lever, and with everything that firms do.
    """

    def gained(key: str) -> Numbers:
        values = [present_value(run, flow_of(run, key), date, rate) for run in (base, scenario)]
        return values[1] - values[0]

    return {
        "high_tech_firms": scenario.at("high_tech_firms", date) - base.at("high_tech_firms", date),
        "local_revenue": gained("local_revenue"),
        "rd_real": gained("rd_real"),
        "value_added": gained("gdp"),
    }


def flow_of(run: Outcome, key: str) -> Numbers:
    """Return an indicator as a flow of each quarter.

    `gdp` and `local_revenue` are. `rd_real` is the sum of the last four quarters; its quarters follow one from the other, but the
    first year is known as a whole only and is spread evenly (its sum, and so every whole year, is exact).
    """
    import numpy as np

    values = run.indicators[key]
    if key != "rd_real":
        return values
    quarters = np.zeros_like(values)
    year = QUARTERS_PER_YEAR
    if values.shape[1] < year:
        return np.full_like(values, math.nan)
    quarters[:, :year] = values[:, [year - 1]] / year
    for t in range(year, values.shape[1]):
        quarters[:, t] = values[:, t] - values[:, t - 1] + quarters[:, t - year]
    return quarters


def present_value(run: Outcome, flow: Numbers, date: str, rate: float) -> Numbers:
    """Return the flow up to a date as one sum per draw: in 2020 prices, discounted to the end of 2020."""
    import numpy as np

    count = run.quarters.index(date) + 1
    years = np.array([quarter_index(label) - PRICE_BASE for label in run.quarters[:count]]) / QUARTERS_PER_YEAR
    real = flow[:, :count] / run.prices[:, :count]
    return np.asarray(real @ (1.0 + rate) ** -years)


def relabelled_share(base: Outcome, scenario: Outcome, date: str) -> Ratio:
    """Return which share of the additional high-tech firms at a date is certified by relabelling, if that is known."""
    if date not in base.relabelled or date not in scenario.relabelled:
        return Ratio(status=NOT_REPORTED)
    firms = scenario.at("high_tech_firms", date) - base.at("high_tech_firms", date)
    return ratio(scenario.relabelled[date] - base.relabelled[date], firms)


def _reading(cost: Numbers, effect: Numbers) -> str:
    """Return in words what a ratio of this cost and this effect means when one of them is below zero."""
    dearer, more = cost.mean() > 0.0, effect.mean() > 0.0
    if dearer:
        return "" if more else BOTH_BAD
    return BOTH_GOOD if more else SAVED


def _mean(values: Numbers) -> dict[str, Any]:
    import numpy as np

    known = values[~np.isnan(values)]
    if known.size == 0:
        return _plain(Ratio(status=NO_VALUE))
    low, high = mean_interval(known)
    return {"value": float(known.mean()), "low": low, "high": high, "status": "", "reading": ""}


def _plain(found: Ratio) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "status": found.status, "reading": ""}
