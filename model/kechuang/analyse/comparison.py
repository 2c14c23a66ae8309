"""Paired differences of scenarios: every table of a comparison follows from the outcomes of its runs.

The first scenario is the base; `kechuang.compare` (kechuang.analyse.compare) makes the runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.analyse.compare_outcome import Outcome
from kechuang.analyse.compare_statistics import ORDER_SHARE, Difference, difference, orders
from kechuang.errors import InputError, Problem, did_you_mean
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from kechuang.analyse.attribution import Attribution
    from kechuang.ensemble.result import Ensemble

STANDARD_DATE = "2026Q4"
"""Compared at this date, the first of the corridor plan, and in the last quarter, unless other dates are named."""
MAIN = (
    "high_tech_firms",
    "tech_sme_firms",
    "leading_firms",
    "gdp_four_quarters",
    "employment",
    "rd_real",
    "rd_reported",
    "rd_relabelled",
    "rd_intensity",
    "local_revenue",
    "lever_cost_cash",
    "lever_cost_forgone",
)
"""Indicators that are shown unless others are named; tables hold all."""
CANNOT_ORDER = "the evidence cannot order these"
"""Verdict where no order of the scenarios reaches 0.8 of the draws."""


class Comparison:
    """Paired differences of scenarios from the first of them; everything follows from the outcomes of their runs."""

    def __init__(
        self,
        outcomes: Sequence[Outcome],
        dates: Sequence[str],
        runs: Sequence[Ensemble] = (),
        folder: Path | None = None,
        attributions: Sequence[Attribution] = (),
    ) -> None:
        for outcome in outcomes[1:]:
            if (outcome.draws, outcome.quarters) != (outcomes[0].draws, outcomes[0].quarters):
                message = f"has other draws or quarters than {outcomes[0].label}"
                raise InputError(Problem(outcome.label, message=message))
        self.outcomes = {outcome.label: outcome for outcome in outcomes}
        self.labels = tuple(self.outcomes)
        self.dates = tuple(dates)
        self.runs = tuple(runs)
        self.folder = folder
        self.attributions = tuple(attributions)

    def __repr__(self) -> str:
        others = " and ".join(repr(label) for label in self.others)
        return f"Comparison({others} against {self.base!r}, {self.draws} draws, {', '.join(self.dates)})"

    @property
    def base(self) -> str:
        """Name of the scenario that the others are compared with."""
        return self.labels[0]

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the scenarios compared with the base."""
        return self.labels[1:]

    @property
    def draws(self) -> int:
        """Number of draws."""
        return len(self.outcomes[self.base].draws)

    def at(self, key: str, date: str, scenario: str = "") -> Difference:
        """Return the difference in an indicator at any quarter; with several scenarios, name the one."""
        self._demand_known(key, date)
        base, other = self.outcomes[self.base], self.outcomes[self._other(scenario)]
        return difference(base.at(key, date), other.at(key, date), base.closures)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per scenario, date and indicator: means, difference with interval, quantiles, P, variance ratio."""
        import pandas as pd

        return pd.DataFrame(list(self._differences()))

    def _differences(self) -> Iterator[dict[str, Any]]:
        for scenario in self.others:
            for date in self.dates:
                for key in self.outcomes[self.base].indicators:
                    about = {"scenario": scenario, "base": self.base, "date": date, "indicator": key}
                    yield {**about, "unit": INDICATORS[key].unit, **vars(self.at(key, date, scenario))}

    @cached_property
    def rankings(self) -> pd.DataFrame:
        """One row per date, indicator and order that occurs, the most frequent first; with more than two scenarios
        also per order of each two (`kind` pair). `verdict` is the most frequent order, or that the evidence cannot
        order them; `within_error` says that the verdict is an order by less than the Monte-Carlo error of its share.
        """
        import pandas as pd

        return pd.DataFrame(list(self._orders()))

    def _orders(self) -> Iterator[dict[str, Any]]:
        groups = [("ranking", self.labels)]
        if len(self.labels) > 2:
            pairs = [(one, two) for number, one in enumerate(self.labels) for two in self.labels[number + 1 :]]
            groups += [("pair", pair) for pair in pairs]
        for date in self.dates:
            for key in self.outcomes[self.base].indicators:
                for kind, labels in groups:
                    found = orders({label: self.outcomes[label].at(key, date) for label in labels})
                    clear = bool(found) and found[0].share >= ORDER_SHARE
                    about = {"date": date, "indicator": key, "kind": kind, "scenarios": ", ".join(labels)}
                    close = clear and found[0].share - found[0].error < ORDER_SHARE
                    verdict = {"verdict": found[0].text if clear else CANNOT_ORDER, "within_error": close}
                    for order in found:
                        shares = {"share": order.share, "error": order.error, "draws": order.draws}
                        yield {**about, "order": order.text, **shares, **verdict}

    @cached_property
    def costs(self) -> pd.DataFrame:
        """Costs up to each date in 2020 prices, who pays, and what they buy; see kechuang.analyse.compare_costs."""
        import pandas as pd

        from kechuang.analyse.compare_costs import COLUMNS, cost_rows

        base = self.outcomes[self.base]
        rows = [row for label in self.others for row in cost_rows(base, self.outcomes[label], self.dates)]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @cached_property
    def flows(self) -> pd.DataFrame:
        """Differences of counts as those of the flows that made them; see kechuang.analyse.compare_flows."""
        import pandas as pd

        from kechuang.analyse.compare_flows import COLUMNS, flow_rows

        base = self.outcomes[self.base]
        dates = sorted({*self.dates, *(date for found in self.attributions for date in found.plan.dates)})
        rows = [row for label in self.others for row in flow_rows(base, self.outcomes[label], dates)]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @cached_property
    def targets(self) -> pd.DataFrame:
        """The targets of the first scenario under every one; see kechuang.analyse.compare_tables (empty without runs)."""
        import pandas as pd

        from kechuang.analyse.compare_tables import TARGET_COLUMNS, target_rows

        runs = dict(zip(self.labels, self.runs, strict=True)) if self.runs else {}
        return pd.DataFrame(list(target_rows(runs)) if runs else [], columns=list(TARGET_COLUMNS))

    @cached_property
    def paths(self) -> pd.DataFrame:
        """Differences in every quarter of the indicators that are drawn over time; see kechuang.analyse.compare_tables."""
        import pandas as pd

        from kechuang.analyse.compare_tables import PATH_COLUMNS, path_rows

        base = self.outcomes[self.base]
        rows = [row for label in self.others for row in path_rows(base, self.outcomes[label])]
        return pd.DataFrame(rows, columns=list(PATH_COLUMNS))

    @cached_property
    def attribution(self) -> pd.DataFrame:
        """Differences split over levers and channels (without rows unless asked for); see kechuang.analyse.attribution."""
        import pandas as pd

        from kechuang.analyse.attribution import COLUMNS

        rows = [row for attribution in self.attributions for row in attribution.rows()]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def plot(self, key: str, scenario: str = "", axes: Axes | None = None) -> Axes:
        """Draw the difference over time: median, 25-75 % and 5-95 % of the draws, for one scenario or all."""
        from kechuang.analyse.compare_plot import plot_differences

        base = self.outcomes[self.base]
        self._demand_known(key, base.quarters[-1])
        labels = [self._other(scenario)] if scenario else self.others
        return plot_differences(base, [self.outcomes[label] for label in labels], key, axes)

    def _other(self, scenario: str) -> str:
        if not scenario and len(self.others) == 1:
            return self.others[0]
        if scenario not in self.others:
            known = f"compared with {self.base}: {', '.join(self.others)}{did_you_mean(scenario, self.others)}"
            raise InputError(Problem(scenario or "scenario", message=f"name the scenario; {known}"))
        return scenario

    def _demand_known(self, key: str, date: str) -> None:
        base = self.outcomes[self.base]
        if key not in base.indicators:
            near = did_you_mean(key, base.indicators)
            raise InputError(Problem(key, message=f"is not an indicator that can be compared{near}"))
        if date not in base.quarters:
            raise InputError(
                Problem(date, message=f"is not a quarter between {base.quarters[0]} and {base.quarters[-1]}")
            )
