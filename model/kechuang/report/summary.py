"""From draws to the few numbers that are shown: quantiles by quarter, spreads at a date, overlap of ranges.

Quantiles are over draws (every draw counts once, replicates are pooled with it) by linear interpolation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kechuang.clock import quarter_index, year_of

if TYPE_CHECKING:
    import pandas as pd

LEVELS = (0.05, 0.25, 0.50, 0.75, 0.95)
CLOSURES = ("A", "B", "C")
ALL_LEVERS = ""
"""Row of all levers together, beside those of the single ones."""


@dataclass(frozen=True)
class Spread:
    """5, 25, 50, 75 and 95 % of something over draws, and over how many."""

    q05: float
    q25: float
    q50: float
    q75: float
    q95: float
    draws: int

    @property
    def known(self) -> bool:
        """Whether there is anything to show."""
        return self.draws > 0 and math.isfinite(self.q50)


@dataclass(frozen=True)
class Overlap:
    """What several 5-95 % ranges have in common; `share` is the common part over the whole span."""

    low: float
    high: float
    share: float

    @property
    def exists(self) -> bool:
        """Whether all ranges share at least one value."""
        return self.low <= self.high


def spread(values: pd.Series[float]) -> Spread:
    """Return the spread of one number per draw, missing values left out."""
    import numpy as np

    found = values.to_numpy(dtype=float)
    known = found[~np.isnan(found)]
    if known.size == 0:
        return Spread(math.nan, math.nan, math.nan, math.nan, math.nan, 0)
    q05, q25, q50, q75, q95 = (float(value) for value in np.quantile(known, LEVELS))
    return Spread(q05, q25, q50, q75, q95, known.size)


def at(frame: pd.DataFrame, key: str, quarter: str, closure: str = "") -> Spread:
    """Return the spread of an indicator in one quarter, over all draws or those of one closure."""
    chosen = (frame["quarter"] == quarter).to_numpy()
    if closure:
        chosen = chosen & (frame["closure"] == closure).to_numpy()
    return spread(frame[key][chosen])


def bands(frame: pd.DataFrame, key: str, closure: str = "") -> pd.DataFrame:
    """Return quantiles (columns: LEVELS) by quarter (index t, rising), quarters without any value left out.

    Over all draws or those of one closure, as `at`.
    """
    values = frame[["quarter", key]].set_index("quarter")[key]
    table = grouped_quantiles(values[(frame["closure"] == closure).to_numpy()] if closure else values)
    table.index = table.index.map(quarter_index)
    return table.sort_index()


def closures_in(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the closures that occur in a run, in the order A, B, C."""
    present = set(frame["closure"].unique())
    return tuple(closure for closure in CLOSURES if closure in present)


def overlap(spreads: Sequence[Spread]) -> Overlap:
    """Return the part that all 5-95 % ranges share, and its length over the length of their union's span."""
    low, high = max(item.q05 for item in spreads), min(item.q95 for item in spreads)
    span = max(item.q95 for item in spreads) - min(item.q05 for item in spreads)
    share = max(0.0, high - low) / span if span > 0 else 1.0
    return Overlap(low, high, share)


def by_year(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return sums over the quarters of each year: one row per draw, replicate and year (columns closure, year, key)."""
    names = [name for name in ("draw", "closure", "replicate") if name in frame.columns]
    years = frame["quarter"].map({label: year_of(quarter_index(str(label))) for label in frame["quarter"].unique()})
    table = frame[[*names, key]].assign(year=years)
    return table.groupby([*names, "year"])[key].sum(min_count=1).reset_index()


def yearly_bands(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return quantiles (columns: LEVELS) of yearly sums by year."""
    return grouped_quantiles(by_year(frame, key).set_index("year")[key])


def grouped_quantiles(values: pd.Series[float]) -> pd.DataFrame:
    """Return quantiles (columns: LEVELS) of the values that share an index."""
    import numpy as np
    import pandas as pd

    known = values.dropna()
    codes, names = known.index.factorize(sort=True)
    numbers = known.to_numpy(dtype=float)[np.argsort(codes, kind="stable")]
    sizes = np.bincount(codes, minlength=len(names))
    starts = np.cumsum(sizes) - sizes
    rows = np.empty((len(names), len(LEVELS)))
    for size in np.unique(sizes):  # groups of one size make one table: a call per group takes longer than all the rest
        alike = np.flatnonzero(sizes == size)
        rows[alike] = np.quantile(numbers[starts[alike][:, None] + np.arange(size)], LEVELS, axis=1).T
    return pd.DataFrame(rows, index=names, columns=list(LEVELS))


def period_medians(costs: pd.DataFrame, kinds: Sequence[str], first_year: int, last_year: int) -> pd.DataFrame:
    """Return medians over draws of costs over whole years: one row per lever and one (ALL_LEVERS) for all of them together."""
    import pandas as pd

    years = costs["quarter"].map({label: year_of(quarter_index(str(label))) for label in costs["quarter"].unique()})
    totals = costs[(years >= first_year) & (years <= last_year)].groupby(["draw", "lever"])[list(kinds)].sum()
    together = totals.groupby(level="draw").sum().median().rename(ALL_LEVERS)
    return pd.concat([totals.groupby(level="lever").median(), together.to_frame().T])


def amounts_of(medians: pd.DataFrame, lever: str) -> list[float]:
    """Return the row of a lever, or of ALL_LEVERS, as numbers, one per kind of cost."""
    return [float(amount) for amount in medians.loc[[lever]].to_numpy(dtype=float)[0]]


def breakdown_totals(breakdown: pd.DataFrame, indicator: str, quarter: str, by: str) -> pd.DataFrame:
    """Return an indicator at the end of a year by 'place' or 'industry': one row per draw, one column per key."""
    chosen = breakdown[(breakdown["indicator"] == indicator) & (breakdown["quarter"] == quarter)]
    return chosen.groupby(["draw", by])["value"].sum().unstack(fill_value=0)
