"""Histograms that a run keeps of its firms: sizes by step of the ladder, R&D intensity done and reported.

`snapshots.parquet` has one row per draw and array: its name, its shape [dates, bins] and its values. Dates and edges of
bins are those of `kechuang.world.measure.pictures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kechuang.clock import quarter_label
from kechuang.errors import InputError, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "snapshots.parquet"


@dataclass(frozen=True)
class Histograms:
    """Arrays [draws, dates, bins] by name, the dates that a run reached, and the edges of the two kinds of bins."""

    dates: tuple[str, ...]
    size_edges: tuple[float, ...]
    intensity_edges: tuple[float, ...]
    steps: tuple[str, ...]
    classes: tuple[tuple[float, float], ...]
    arrays: dict[str, NDArray[np.float64]]

    def sizes(self, date: str, steps: tuple[str, ...] = ()) -> NDArray[np.float64]:
        """Return numbers of firms [draws, bins] by size at a date, on these steps of the ladder (all, if none is named)."""
        import numpy as np

        place = self.dates.index(date)
        total: NDArray[np.float64] = np.sum([self.arrays[f"sizes_{step}"][:, place] for step in steps or self.steps], axis=0)
        return total

    def intensity(self, kind: str, size_class: int, date: str) -> NDArray[np.float64]:
        """Return numbers of certified firms [draws, bins] by 'reported' or 'real' R&D over sales, in a size class."""
        return self.arrays[f"{kind}_intensity_{size_class}"][:, self.dates.index(date)]


def read_histograms(folder: Path) -> Histograms | None:
    """Return the histograms of a run folder, or None where the run kept none or ended before the first date."""
    file = folder / FILE
    if not file.is_file():
        return None
    from kechuang.world.measure.pictures import INTENSITY_BINS, LADDER_STEPS, SIZE_BINS, SIZE_CLASSES, SNAPSHOT_QUARTERS

    arrays = read_arrays(file)
    wanted = {*(f"sizes_{step}" for step in LADDER_STEPS),
              *(f"{kind}_intensity_{k}" for kind in ("reported", "real") for k in range(len(SIZE_CLASSES)))}
    if not wanted <= set(arrays):
        return None
    reached = dates_reached(arrays[f"sizes_{LADDER_STEPS[0]}"])
    dates = tuple(quarter_label(quarter) for quarter, known in zip(SNAPSHOT_QUARTERS, reached, strict=True) if known)
    kept = {name: arrays[name][:, [k for k, known in enumerate(reached) if known]] for name in sorted(wanted)}
    return Histograms(dates, SIZE_BINS, INTENSITY_BINS, LADDER_STEPS, SIZE_CLASSES, kept) if dates else None


def dates_reached(array: NDArray[np.float64]) -> list[bool]:
    """Return for each date whether the runs lasted that long; later dates hold NaN."""
    import numpy as np

    return [not np.isnan(array[:, place]).any() for place in range(array.shape[1])]


def read_arrays(file: Path) -> dict[str, NDArray[np.float64]]:
    """Return the arrays by name, one entry per draw along the first axis."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    try:
        table = pd.read_parquet(file).sort_values("draw", kind="stable")
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(Problem(str(file), message=f"cannot be read ({error}); run the scenario again")) from error
    return {
        str(name): np.stack([np.reshape(np.asarray(values, dtype=float), shape)
                             for values, shape in zip(rows["values"], rows["shape"], strict=True)])
        for name, rows in table.groupby("snapshot", sort=True)
    }
