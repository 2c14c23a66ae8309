"""Histograms that a run keeps of its firms, brought into one shape.

`snapshots.json` holds groups such as `firm_sizes: {bins, counts_2020, counts_2035}`, `snapshots.parquet` one row per
draw and array under joined names (`firm_sizes_bins`). Both become: name -> array with one row per draw.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.errors import InputError, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILES = ("snapshots.json", "snapshots.parquet")
_COUNTS = re.compile(r"^firm_sizes?_counts_(\d{4})$")
_BINS = ("firm_sizes_bins", "firm_size_bins")


@dataclass(frozen=True)
class SizeHistogram:
    """Numbers of firms by yearly sales: `bins` are edges in 万元, `counts` by year have one row per draw."""

    bins: NDArray[np.float64]
    counts: dict[str, NDArray[np.float64]]


def read_snapshots(folder: Path) -> dict[str, Any]:
    """Return the arrays of a run folder by name, one row per draw; empty if the folder has none."""
    json_file, parquet_file = (folder / name for name in FILES)
    if json_file.is_file():
        return _from_json(json_file)
    if parquet_file.is_file():
        return _from_parquet(parquet_file)
    return {}


def size_histogram(arrays: dict[str, Any]) -> SizeHistogram | None:
    """Return the histogram of firm sizes, or None where the run kept none."""
    import numpy as np

    bins = next((np.asarray(arrays[name], dtype=float) for name in _BINS if name in arrays), None)
    years = sorted((found[1], name) for name in arrays if (found := _COUNTS.match(name)))
    if bins is None or not years:
        return None
    edges = np.atleast_2d(bins)[0]
    counts = {year: np.atleast_2d(np.asarray(arrays[name], dtype=float)) for year, name in years}
    width = next(iter(counts.values())).shape[1]
    if len(edges) == width:
        # Lower edges only: the last bin is taken to be as wide as the one before it (on the scale of logs).
        edges = np.append(edges, edges[-1] ** 2 / edges[-2])
    return SizeHistogram(edges, counts)


def _from_json(file: Path) -> dict[str, Any]:
    try:
        groups = json.loads(file.read_bytes())
    except ValueError as error:
        raise InputError(Problem(str(file), message=f"not valid JSON ({error}); run the scenario again")) from error
    arrays: dict[str, Any] = {}
    for group, content in groups.items():
        if isinstance(content, dict):
            arrays |= {f"{group}_{name}": values for name, values in content.items()}
        else:
            arrays[group] = content
    return arrays


def _from_parquet(file: Path) -> dict[str, Any]:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    try:
        table = pd.read_parquet(file).sort_values("draw", kind="stable")
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(Problem(str(file), message=f"cannot be read ({error}); run the scenario again")) from error
    return {
        str(name): np.stack([np.asarray(values, dtype=float) for values in rows["values"]])
        for name, rows in table.groupby("snapshot", sort=True)
        if rows["values"].map(len).nunique() == 1
    }
