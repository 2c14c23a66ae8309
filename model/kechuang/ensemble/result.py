"""A finished run as data frames: `.indicators`, `.targets`, `.costs`, `.breakdown`, and `.plot(key)`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.ensemble.record import read_record
from kechuang.errors import InputError, Problem, did_you_mean
from kechuang.world.indicators import INDICATORS, KEYS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_BANDS = ((0.05, 0.95, 0.15), (0.25, 0.75, 0.3))
"""Lower and upper quantile and opacity of the bands of a fan chart."""


class Ensemble:
    """A run folder, read when asked; it holds no numbers that do not stand in the folder."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.record: dict[str, Any] = read_record(self.folder)

    def __repr__(self) -> str:
        draws = len(self.record["draws"])
        return f"Ensemble({self.scenario_name!r}, {draws} draws, {self.parameters}, {str(self.folder)!r})"

    @property
    def scenario_name(self) -> str:
        """Name of the scenario."""
        return str(self.record["scenario"]["name"])

    @property
    def parameters(self) -> str:
        """Where the parameter values come from: 'posterior', 'provisional' or 'prior'."""
        return str(self.record["parameters"])

    @cached_property
    def indicators(self) -> pd.DataFrame:
        """One row per draw, replicate and quarter (text, `2020Q4`), one column per indicator."""
        return self._table("indicators")

    @cached_property
    def breakdown(self) -> pd.DataFrame:
        """Counts at year-ends, long: draw, closure, replicate, quarter, place, industry, indicator, value."""
        return self._table("breakdown")

    @cached_property
    def costs(self) -> pd.DataFrame:
        """Cost of each lever by quarter (亿元): cash, forgone local and total, contingent, administration."""
        return self._table("costs")

    @cached_property
    def draws(self) -> pd.DataFrame:
        """Parameter values: one row per draw."""
        return self._table("draws")

    @cached_property
    def diagnostics(self) -> pd.DataFrame:
        """Numbers about the runs themselves, long: draw, closure, replicate, name, value."""
        return self._table("diagnostics")

    @cached_property
    def snapshots(self) -> dict[str, NDArray[np.float64]]:
        """Small distributions at fixed dates, by name; the first axis counts the draws."""
        import numpy as np

        found = {}
        for name, rows in self._table("snapshots").groupby("snapshot"):
            shapes, values = rows["shape"].to_list(), rows["values"].to_list()
            found[str(name)] = np.stack([np.reshape(*pair) for pair in zip(values, shapes, strict=True)])
        return found

    @cached_property
    def targets(self) -> pd.DataFrame:
        """One row per target and closure ('all' is their mixture): probability, error, shortfall."""
        return self._csv("targets")

    @cached_property
    def spread(self) -> pd.DataFrame:
        """One row per target: what share of its variance is that of closure, parameters and luck."""
        return self._csv("spread")

    def _csv(self, name: str) -> pd.DataFrame:
        import pandas as pd

        # "NA" would be a legitimate text; only empty cells are missing.
        return pd.read_csv(self.folder / f"{name}.csv", keep_default_na=False, na_values=[""])

    def _table(self, name: str) -> pd.DataFrame:
        import pyarrow.parquet as pq

        frame: pd.DataFrame = pq.read_table(self.folder / f"{name}.parquet").to_pandas()
        return frame

    def quantiles(self, key: str, levels: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)) -> pd.DataFrame:
        """Return the quantiles over draws of an indicator: one row per quarter, one column per level."""
        import numpy as np

        if key not in INDICATORS:
            raise InputError(Problem(key, message="is not an indicator" + did_you_mean(key, KEYS)))
        grouped = self.indicators.groupby("quarter", sort=True)[key]
        return grouped.quantile(np.array(levels)).unstack()

    def plot(self, key: str, axes: Axes | None = None) -> Axes:
        """Draw the fan chart of an indicator: median, 25-75 % and 5-95 % of the draws; return its axes."""
        import matplotlib.pyplot as plt

        table = self.quantiles(key)
        indicator = INDICATORS[key]
        if axes is None:
            axes = plt.subplots(figsize=(7, 4), layout="constrained")[1]
        position = range(len(table))
        for low, high, opacity in _BANDS:
            axes.fill_between(position, table[low], table[high], alpha=opacity, color="C0", linewidth=0)
        axes.plot(position, table[0.5], color="C0")
        ticks = [number for number, quarter in enumerate(table.index) if quarter.endswith("Q4")][::3]
        axes.set_xticks(ticks, [table.index[number][:4] for number in ticks])
        axes.set_title(f"{indicator.en}: median, 25-75 % and 5-95 % of {len(self.record['draws'])} draws")
        # The unit is written in letters that every font has.
        axes.set_ylabel({"亿元": "100 million yuan", "%": "%"}.get(indicator.unit, indicator.unit))
        return axes
