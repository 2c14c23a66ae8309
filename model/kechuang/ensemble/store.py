"""The tables of a run folder: written draw by draw with flat memory, same bytes for the same numbers.

Column types are fixed by what is declared (kechuang.world.indicators), never by the data; rows stand in draw
order; the compressor and its level are fixed. Quarters are text such as `2020Q4`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.clock import QUARTERS_PER_YEAR, quarter_label
from kechuang.world.indicators import BREAKDOWN_KEYS, INDICATORS, KEYS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from kechuang.ensemble.plan import RunResult
    from kechuang.parameters import Draw

COST_COLUMNS = ("cash", "forgone_local", "forgone_total", "contingent", "administration")
"""亿元 per quarter, nominal; the order is that of the last axis of RunResult.costs."""
COUNT_UNITS = frozenset({"firms", "persons", "patents"})
TABLES = ("indicators", "breakdown", "costs", "snapshots", "diagnostics")
_DRAWS_PER_ROW_GROUP = 100


def write_tables(
    folder: Path, results: Iterable[RunResult], places: Sequence[str], industries: Sequence[str]
) -> list[Path]:
    """Write one parquet file per table from results that come in draw order; return the files."""
    import pyarrow.parquet as pq

    files = [folder / f"{name}.parquet" for name in TABLES]
    schemas = _schemas()
    with ExitStack() as stack:
        writers = {
            file.stem: stack.enter_context(
                pq.ParquetWriter(file, schemas[file.stem], compression="zstd", compression_level=3)
            )
            for file in files
        }
        batch: dict[str, list[pa.Table]] = {name: [] for name in TABLES}
        for count, result in enumerate(results, start=1):
            for name, columns in _columns(result, places, industries).items():
                batch[name].append(_table(schemas[name], result, columns))
            if count % _DRAWS_PER_ROW_GROUP == 0:
                _flush(writers, batch)
        _flush(writers, batch)
    return files


def indicator_frame(results: Iterable[RunResult]) -> pd.DataFrame:
    """Return the indicators of some results in the form of the table of a run."""
    frame: pd.DataFrame = _indicator_table(results, 0).to_pandas()
    return frame


def write_again(file: Path, results: Iterable[RunResult]) -> None:
    """Write the indicators of the draws that ran a second time, as replicate 1."""
    import pyarrow.parquet as pq

    pq.write_table(_indicator_table(results, 1), file, compression="zstd", compression_level=3)


def _indicator_table(results: Iterable[RunResult], replicate: int) -> pa.Table:
    import pyarrow as pa

    schema = _schemas()["indicators"]
    tables = [_table(schema, result, _indicator_columns(result), replicate) for result in results]
    return pa.concat_tables(tables).combine_chunks()


def write_draws(file: Path, draws: Sequence[Draw], seeds: Sequence[int]) -> None:
    """Write the parameter values: one row per draw, a list parameter as `name[0]`, `name[1]`, ..."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {
        "draw": pa.array([draw.id for draw in draws], pa.int32()),
        "closure": pa.array([draw.closure for draw in draws], pa.string()),
        "seed": pa.array(seeds, pa.int64()),
    }
    flat = [_flat_values(draw) for draw in draws]
    for name in sorted(set().union(*flat)):
        columns[name] = pa.array([values.get(name) for values in flat], pa.float64())
    pq.write_table(pa.table(columns), file, compression="zstd", compression_level=3)


def _flat_values(draw: Draw) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, value in draw.values.items():
        if isinstance(value, tuple):
            flat |= {f"{name}[{position}]": float(part) for position, part in enumerate(value)}
        else:
            flat[name] = float(value)
    return flat


def _schemas() -> dict[str, pa.Schema]:
    import pyarrow as pa

    keys = [("draw", pa.int32()), ("closure", pa.string()), ("replicate", pa.int32())]

    def schema(*fields: Any) -> pa.Schema:
        return pa.schema([*keys, *fields])

    return {
        "indicators": schema(("quarter", pa.string()), *(_indicator_field(key) for key in KEYS)),
        "breakdown": schema(
            ("quarter", pa.string()),
            ("place", pa.string()),
            ("industry", pa.string()),
            ("indicator", pa.string()),
            ("value", pa.int64()),
        ),
        "costs": schema(
            ("lever", pa.string()), ("quarter", pa.string()), *((name, pa.float64()) for name in COST_COLUMNS)
        ),
        "snapshots": schema(
            ("snapshot", pa.string()), ("shape", pa.list_(pa.int32())), ("values", pa.list_(pa.float64()))
        ),
        "diagnostics": schema(("name", pa.string()), ("value", pa.float64())),
    }


def _indicator_field(key: str) -> pa.Field:
    import pyarrow as pa

    unit = INDICATORS[key].unit
    kind = pa.int64() if unit in COUNT_UNITS else pa.float64()
    return pa.field(key, kind, metadata={"unit": unit})


def _columns(result: RunResult, places: Sequence[str], industries: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return the columns of every table for one result, without the key columns of the draw."""
    return {
        "indicators": _indicator_columns(result),
        "breakdown": _breakdown_columns(result, places, industries),
        "costs": _cost_columns(result),
        "snapshots": {
            "snapshot": sorted(result.snapshots),
            "shape": [list(result.snapshots[name].shape) for name in sorted(result.snapshots)],
            "values": [result.snapshots[name].ravel().astype(float) for name in sorted(result.snapshots)],
        },
        "diagnostics": {
            "name": sorted(result.diagnostics),
            "value": [float(result.diagnostics[name]) for name in sorted(result.diagnostics)],
        },
    }


def _indicator_columns(result: RunResult) -> dict[str, Any]:
    import numpy as np

    quarters, width = result.indicators.shape
    if width != len(KEYS):
        raise ValueError(f"a run result has {width} indicators, {len(KEYS)} are declared")
    columns: dict[str, Any] = {"quarter": [quarter_label(t) for t in range(1, quarters + 1)]}
    for position, key in enumerate(KEYS):
        values = result.indicators[:, position]
        columns[key] = np.rint(values) if INDICATORS[key].unit in COUNT_UNITS else values
    return columns


def _breakdown_columns(result: RunResult, places: Sequence[str], industries: Sequence[str]) -> dict[str, Any]:
    """Long form: indicator by indicator, then year-ends, places and industries in their declared order."""
    import numpy as np

    names = ("quarter", "place", "industry", "indicator", "value")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for key in BREAKDOWN_KEYS:
        if key not in result.breakdown:
            continue
        counts = np.asarray(result.breakdown[key])
        years = result.indicators.shape[0] // QUARTERS_PER_YEAR
        if counts.shape != (years, len(places), len(industries)):
            expected = (years, len(places), len(industries))
            raise ValueError(f"breakdown {key} has the shape {counts.shape}, expected {expected}")
        for year, place, industry in np.ndindex(counts.shape):
            columns["quarter"].append(quarter_label((year + 1) * QUARTERS_PER_YEAR))
            columns["place"].append(places[place])
            columns["industry"].append(industries[industry])
        columns["indicator"] += [key] * counts.size
        columns["value"] += counts.ravel().tolist()
    return columns


def _cost_columns(result: RunResult) -> dict[str, Any]:
    quarters = result.costs.shape[0]
    columns: dict[str, list[Any]] = {"lever": [], "quarter": [], **{name: [] for name in COST_COLUMNS}}
    labels = [quarter_label(t) for t in range(1, quarters + 1)]
    for position, lever in enumerate(result.lever_keys):
        columns["lever"] += [lever] * quarters
        columns["quarter"] += labels
        for kind, name in enumerate(COST_COLUMNS):
            columns[name] += result.costs[:, position, kind].tolist()
    return columns


def _table(schema: pa.Schema, result: RunResult, columns: Mapping[str, Any], replicate: int = 0) -> pa.Table:
    import pyarrow as pa

    rows = len(next(iter(columns.values())))
    keys = {"draw": [result.draw_id] * rows, "closure": [result.closure] * rows, "replicate": [replicate] * rows}
    arrays = [
        # from_pandas turns a missing number (NaN) into a null, which a column of counts can hold.
        pa.array({**keys, **columns}[field.name], field.type, from_pandas=True)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _flush(writers: Mapping[str, Any], batch: dict[str, list[pa.Table]]) -> None:
    import pyarrow as pa

    for name, tables in batch.items():
        if tables:
            writers[name].write_table(pa.concat_tables(tables).combine_chunks())
            tables.clear()
