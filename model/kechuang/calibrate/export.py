"""The files of a posterior: draws as Parquet, for runs; and netCDF in ArviZ's layout, for whoever knows Bayesian tools.

The layout (groups `posterior`, `prior`, `posterior_predictive`, `observed_data`, `sample_stats` with dimensions chain and draw) is
written with h5netcdf alone, so that every version of ArviZ can read it and none is needed to write it.
"""

from __future__ import annotations

import datetime
import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kechuang.calibrate.error_model import log_kernel
from kechuang.calibrate.scores import draw_of, drawn
from kechuang.calibrate.sensitivity import AS_IS, variant_weights
from kechuang.calibrate.study import Study
from kechuang.calibrate.table import Table
from kechuang.calibrate.weights import Weights, resampled
from kechuang.errors import InputError, Problem
from kechuang.posterior import origin

if TYPE_CHECKING:
    import pyarrow as pa

VARIANT = "variant "
"""Head of the columns that hold what other assumptions (kechuang.calibrate.sensitivity) make of a draw's weight."""
DRAWS, LAYOUT, RESULT, AGAIN = "draws.parquet", "posterior.nc", "result.yaml", "again.yaml"


def draws_table(table: Table, weights: Weights, study: Study) -> pa.Table:
    """Return the committed draws: closures in turn, each row of the table as often as its weight asks for.

    Every draw counts the same. `importance` is the weight of its row in the table, `distance` the mean squared distance of its
    summaries from the figures in standard deviations of the error, `log_kernel` their log density. Columns that begin with
    `variant` hold how many times as much the draw counts under another assumption.
    """
    import pyarrow as pa

    chosen = resampled(table, weights, study.draws, study.seed)
    rows = table.rows
    vectors = [
        draw_of(rows.scores[row], table.design.closures[int(rows.closure[row])])  # type: ignore[arg-type]
        for row in chosen
    ]
    errors, near = table.design.errors, table.on_scale[chosen]
    variants = {name: values for name, values in variant_weights(table, study, weights) if name != AS_IS}
    means = np.array([error.mean for error in errors])
    spread = np.sqrt([error.variance for error in errors])
    return pa.table(
        {
            "draw": pa.array(range(chosen.size), pa.int64()),
            "closure": pa.array([vector.closure for vector in vectors], pa.string()),
            "luck": pa.array(rows.luck[chosen], pa.int64()),
            "row": pa.array(rows.ids[chosen], pa.int64()),
            "weight": pa.array(np.full(chosen.size, 1.0 / chosen.size), pa.float64()),
            "importance": pa.array(weights.values[chosen], pa.float64()),
            "distance": pa.array(np.square((near - means) / spread).mean(axis=1), pa.float64()),
            "log_kernel": pa.array(log_kernel(errors, near).sum(axis=1), pa.float64()),
            **{key: pa.array([vector.number(key) for vector in vectors], pa.float64()) for key in drawn()},
            **{f"summary {error.summary}": pa.array(rows.columns[error.summary][chosen]) for error in errors},
            **{f"{VARIANT}{name}": pa.array(one[chosen] / weights.values[chosen]) for name, one in variants.items()},
        }
    ).replace_schema_metadata({"study": study.name, "date": datetime.date.today().isoformat(), **origin()})


def same_draws(table: pa.Table, file: Path) -> bool:
    """Say whether a file holds these draws already, whatever its head says about when and by which code they were made."""
    import pyarrow.parquet as pq

    return file.is_file() and pq.read_table(file).replace_schema_metadata().equals(table.replace_schema_metadata())


def write_draws(table: pa.Table, file: Path) -> None:
    """Write the draws; the file appears when it is whole."""
    import pyarrow.parquet as pq

    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    pq.write_table(table, beside, compression="zstd", compression_level=3)
    beside.replace(file)


def demand_layout_tools() -> None:
    """Raise InputError if netCDF cannot be written: said before hours of runs, not after."""
    missing = [name for name in ("h5netcdf", "h5py") if importlib.util.find_spec(name) is None]
    if missing:
        message = f"needs {' and '.join(missing)}: pip install 'kechuang[calibrate]', or leave --netcdf out"
        raise InputError(Problem("--netcdf", message=message))


def write_layout(draws: pa.Table, table: Table, file: Path) -> None:
    """Write the draws in ArviZ's layout, one chain; closures stand in `sample_stats` (0 for A)."""
    import h5netcdf

    names = [error.summary for error in table.design.errors]
    pilot = table.rows.round == 0
    stats = {name: draws[name].to_numpy() for name in ("luck", "row", "importance", "distance")}
    stats["lp"] = draws["log_kernel"].to_numpy()
    stats["closure"] = np.array([table.design.closures.index(name) for name in draws["closure"].to_pylist()])
    beside = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    with h5netcdf.File(beside, "w") as book:
        _group(book, "posterior", {key: draws[key].to_numpy() for key in drawn()})
        _group(book, "posterior_predictive", {name: draws[f"summary {name}"].to_numpy() for name in names})
        _group(book, "sample_stats", stats)
        _group(book, "prior", _values(table.rows.scores[pilot]))
        _group(book, "prior_predictive", {name: table.rows.columns[name][pilot] for name in names})
        observed = book.create_group("observed_data")
        for error in table.design.errors:
            observed.create_variable(error.summary, (), float, data=np.array(error.printed))
        for key, text in (draws.schema.metadata or {}).items():
            book.attrs[key.decode()] = text.decode()
    beside.replace(file)


def _values(scores: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    vectors = [draw_of(row, "A") for row in scores]
    return {key: np.array([vector.number(key) for vector in vectors]) for key in drawn()}


def _group(book: Any, name: str, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write columns as variables of one chain."""
    count = len(next(iter(columns.values())))
    group = book.create_group(name)
    group.dimensions = {"chain": 1, "draw": count}
    group.create_variable("chain", ("chain",), int, data=np.zeros(1, dtype=int))
    group.create_variable("draw", ("draw",), int, data=np.arange(count))
    for key, values in columns.items():
        group.create_variable(key, ("chain", "draw"), values.dtype, data=values[None, :])
