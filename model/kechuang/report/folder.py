"""Reading a run folder: what stands in it, what is missing, and the few facts every section needs.

Columns and keys are those of the run record: `indicators.parquet` (draw, closure, replicate, quarter and one column
per indicator), `breakdown.parquet` (draw, quarter, indicator, place, industry, value), `costs.parquet` (draw,
lever, quarter, five amounts in 亿元), `targets.csv`, `spread.csv`, `draws.parquet` (draw, closure, seed and one column per
parameter), the snapshots (see snapshots.py) and `record.json`.
Only the record and the indicators are indispensable.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.errors import InputError, Problem
from kechuang.report.networks import Networks, read_networks
from kechuang.report.snapshots import Histograms, read_histograms
from kechuang.world.indicators import KEYS

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("record.json", "indicators.parquet")
OPTIONAL = ("breakdown.parquet", "costs.parquet", "targets.csv", "draws.parquet")
INDICATOR_COLUMNS = ("draw", "closure", "quarter")
BREAKDOWN_COLUMNS = ("draw", "quarter", "indicator", "place", "industry", "value")
COST_KINDS = ("cash", "forgone_local", "forgone_total", "contingent", "administration")
DRAW_COLUMNS = ("draw", "closure", "seed")
COST_COLUMNS = ("draw", "lever", "quarter", *COST_KINDS)


@dataclass(frozen=True)
class TargetResult:
    """One row of `targets.csv`; numbers that the run could not give are NaN.

    `kind` is target, alternative (another reading, its id is that of the target with /1, /2, ...) or joint.
    """

    id: str
    kind: str
    group: str
    title: dict[str, str]
    indicator: str
    unit: str
    basis: str
    operation: str
    threshold: float
    date: str
    closure: str
    probability: float
    error: float
    shortfall: tuple[float, float, float]
    ever: float
    """Share of draws that stand at or beyond the threshold in any quarter."""
    first_quarter: str
    """Median of the first such quarter, '' where there is none."""
    status: str

    @property
    def judged(self) -> bool:
        """Whether the run can say anything about the target."""
        return math.isfinite(self.probability)


@dataclass(frozen=True)
class SpreadResult:
    """One row of `spread.csv`: shares in the variance of a target; `within` is parameters and luck together."""

    closure: float
    parameters: float
    luck: float
    within: float


@dataclass(frozen=True)
class RunFolder:
    """Everything a report is made of, as read from disk."""

    path: Path
    record: dict[str, Any]
    record_hash: str
    indicators: pd.DataFrame
    breakdown: pd.DataFrame | None
    costs: pd.DataFrame | None
    draws_table: pd.DataFrame | None
    targets: tuple[TargetResult, ...]
    spreads: Mapping[str, SpreadResult]
    """What the variance of a target is made of, by id."""
    histograms: Histograms | None
    networks: Networks | None
    missing: tuple[str, ...]

    @property
    def luck(self) -> Mapping[str, float]:
        """Share of luck in the variance of a target, by id, where the run could tell it."""
        return {name: found.luck for name, found in self.spreads.items() if math.isfinite(found.luck)}

    @property
    def scenario(self) -> dict[str, Any]:
        """The resolved scenario as plain data."""
        return dict(self.record.get("scenario", {}))

    @property
    def parameters(self) -> str:
        """Which parameters the run used: 'provisional', 'prior' or 'posterior' ('' if the record does not say)."""
        return str(self.record.get("parameters", ""))

    @property
    def scale(self) -> float:
        """Which share of the city was simulated."""
        return float(self.record.get("scale", 1.0))

    @property
    def draws(self) -> int:
        """How many draws stand in the indicators."""
        return int(self.indicators["draw"].nunique())

    @property
    def seed(self) -> str:
        """The seed of the run as text."""
        return str(self.record.get("seed", ""))

    @property
    def quarters(self) -> tuple[str, str]:
        """First and last quarter of the run."""
        labels = self.indicators["quarter"]
        return str(labels.min()), str(labels.max())


def read_folder(folder: Path) -> RunFolder:
    """Read a run folder; InputError names every file that cannot be used."""
    absent = [name for name in REQUIRED if not (folder / name).is_file()]
    if absent:
        raise InputError([
            Problem(file=str(folder / name), message="no such file; a report is built from a run folder, "
                                                     "the one whose path `kechuang run` prints at its end")
            for name in absent
        ])
    record_bytes = (folder / "record.json").read_bytes()
    record = _parse_json(folder / "record.json", record_bytes)
    return RunFolder(
        path=folder,
        record=record,
        record_hash=hashlib.sha256(record_bytes).hexdigest(),
        indicators=_read_table(folder / "indicators.parquet", (*INDICATOR_COLUMNS, *KEYS)),
        breakdown=_read_optional_table(folder / "breakdown.parquet", BREAKDOWN_COLUMNS),
        costs=_read_optional_table(folder / "costs.parquet", COST_COLUMNS),
        draws_table=_read_parquet(folder / "draws.parquet", DRAW_COLUMNS) if (folder / "draws.parquet").is_file() else None,
        targets=_read_targets(folder / "targets.csv"),
        spreads=_read_spreads(folder / "spread.csv"),
        histograms=read_histograms(folder),
        networks=read_networks(folder),
        missing=tuple(name for name in OPTIONAL if not (folder / name).is_file()),
    )


def _parse_json(path: Path, content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise InputError(Problem(file=str(path), message=f"not valid JSON ({error}); run the scenario again")) from error
    if not isinstance(parsed, dict):
        raise InputError(Problem(file=str(path), message="not a JSON object; run the scenario again"))
    return parsed


def _read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    frame = _read_parquet(path, columns)
    frame["quarter"] = frame["quarter"].astype(str)
    return frame


def _read_parquet(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    try:
        frame = pd.read_parquet(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(Problem(file=str(path), message=f"cannot be read ({error}); run the scenario again")) from error
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        named = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
        message = f"columns are missing: {named}; if another version of kechuang made it, run the scenario again"
        raise InputError(Problem(file=str(path), message=message))
    if frame.empty:
        raise InputError(Problem(file=str(path), message="the table is empty; run the scenario again"))
    return frame


def _read_optional_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame | None:
    return _read_table(path, columns) if path.is_file() else None


def _read_targets(path: Path) -> tuple[TargetResult, ...]:
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as handle:
        return tuple(_target(path, line, row) for line, row in enumerate(csv.DictReader(handle), start=2))


def _read_spreads(path: Path) -> dict[str, SpreadResult]:
    """Return the rows of the table of spreads by target."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(enumerate(csv.DictReader(handle), start=2))
    names = ("closure", "parameters", "luck", "within")
    return {str(row.get("id")): SpreadResult(*(_number(path, line, row, name) for name in names)) for line, row in rows}


def _number(path: Path, line: int, row: dict[str, str], column: str) -> float:
    text = (row.get(column) or "").strip()
    try:
        return float(text) if text else math.nan
    except ValueError as error:
        raise InputError(Problem(str(path), line, 1, column, f'"{text}" is not a number')) from error


def _target(path: Path, line: int, row: dict[str, str]) -> TargetResult:
    def number(column: str) -> float:
        return _number(path, line, row, column)

    def text(column: str) -> str:
        return (row.get(column) or "").strip()

    return TargetResult(
        id=text("id"), kind=text("kind") or "target", group=text("group"),
        title={"en": text("title_en"), "zh": text("title_zh")}, indicator=text("indicator"), unit=text("unit"),
        basis=text("basis") or "level", operation=text("operation") or ">=", threshold=number("threshold"),
        date=text("date"), closure=text("closure") or "all", probability=number("probability"),
        error=number("error"), status=text("status"),
        ever=number("ever"), first_quarter=text("first_quarter"),
        shortfall=(number("shortfall_05"), number("shortfall_50"), number("shortfall_95")),
    )
