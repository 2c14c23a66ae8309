"""The picture of a comparison: how far scenarios stand from the base over time, as bands of the paired draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kechuang.analyse.compare_outcome import Outcome
from kechuang.clock import quarter_index
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BANDS = ((0.05, 0.95, 0.15), (0.25, 0.75, 0.3))


def plot_differences(base: Outcome, scenarios: Sequence[Outcome], key: str, axes: Axes | None = None) -> Axes:
    """Draw the differences of an indicator from the base: median, 25-75 % and 5-95 % of the draws."""
    import matplotlib.pyplot as plt
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    if axes is None:
        axes = plt.subplots(figsize=(7, 4), layout="constrained")[1]
    years = np.array([quarter_index(label) for label in base.quarters]) / 4.0 + 2016.0
    for number, scenario in enumerate(scenarios):
        gap = scenario.indicators[key] - base.indicators[key]
        known = ~np.isnan(gap).any(axis=0)
        for low, high, opacity in _BANDS:
            lower, upper = np.quantile(gap[:, known], (low, high), axis=0)
            axes.fill_between(years[known], lower, upper, alpha=opacity, color=f"C{number}", linewidth=0)
        axes.plot(years[known], np.median(gap[:, known], axis=0), color=f"C{number}", label=scenario.label)
    axes.axhline(0.0, color="0.4", linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    parts = f"median, 25-75 % and 5-95 % of {len(base.draws)} paired draws"
    axes.set_title(f"{INDICATORS[key].en}, difference from {base.label}: {parts}", fontsize=10)
    # The unit is written in letters that every font has.
    axes.set_ylabel({"亿元": "100 million yuan"}.get(INDICATORS[key].unit, INDICATORS[key].unit))
    axes.legend(loc="upper left", frameon=False)
    return axes
