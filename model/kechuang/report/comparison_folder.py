"""Reading the folder of a comparison: its tables as `kechuang.analyse.compare_folder` writes them, and its record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

KIND = "comparison"
"""What the record of such a folder calls it."""
_COLUMNS = {
    "comparison": ("scenario", "date", "indicator", "base_mean", "mean", "low", "high", "q05", "q50", "q95", "probability"),
    "costs": ("scenario", "date", "rate", "payer", "item", "value", "low", "high", "status", "reading"),
    "rankings": ("date", "indicator", "kind", "order", "share", "error", "verdict", "within_error"),
    "flows": ("scenario", "date", "stock", "kind", "item", "en", "zh", "mean", "low", "high"),
    "targets": ("scenario", "id", "kind", "title_en", "title_zh", "date", "probability", "error", "difference", "status"),
    "paths": ("scenario", "indicator", "quarter", "q05", "q25", "q50", "q75", "q95"),
    "attribution": ("scenario", "date", "indicator", "kind", "key", "en", "zh", "channel", "mean", "low", "high", "method"),
}
_OPTIONAL = "attribution"
_OF_A_RUN = ("label", "levers", "shocks", "run", "folder")


@dataclass(frozen=True)
class Compared:
    """One of the scenarios: its label in the tables, titles, what it sets, and the run behind it."""

    label: str
    title: Mapping[str, str]
    summary: Mapping[str, str]
    levers: Mapping[str, Any]
    shocks: Mapping[str, Any]
    settings: Mapping[str, str]
    run: str
    folder: str


@dataclass(frozen=True)
class ComparisonFolder:
    """Everything the report of a comparison is made of."""

    path: Path
    record: Mapping[str, Any]
    record_hash: str
    scenarios: tuple[Compared, ...]
    differences: pd.DataFrame
    costs: pd.DataFrame
    rankings: pd.DataFrame
    flows: pd.DataFrame
    targets: pd.DataFrame
    paths: pd.DataFrame
    attribution: pd.DataFrame | None

    @property
    def base(self) -> Compared:
        """The scenario that the others are compared with."""
        return self.scenarios[0]

    @property
    def others(self) -> tuple[Compared, ...]:
        """The scenarios compared with the base."""
        return self.scenarios[1:]

    @property
    def dates(self) -> tuple[str, ...]:
        """The quarters of the tables."""
        return tuple(str(date) for date in self.record["dates"])

    @property
    def draws(self) -> int:
        """Number of draws."""
        return int(self.record["draws"])

    @property
    def parameters(self) -> str:
        """Which parameters the runs used."""
        return str(self.record["parameters"])

    @property
    def scale(self) -> float:
        """Which share of the city was simulated."""
        return float(self.record["scale"])


def read_comparison(folder: Path, record: Mapping[str, Any], content: bytes) -> ComparisonFolder:
    """Read the tables of a comparison; InputError names every file that cannot be used.

    `record` is the content of its record.json, `content` the bytes of it.
    """
    problems: list[Problem] = []
    tables: dict[str, pd.DataFrame | None] = {}
    for name, columns in _COLUMNS.items():
        file = folder / f"{name}.csv"
        if not file.is_file() and name == _OPTIONAL:
            tables[name] = None
            continue
        try:
            tables[name] = _read(file, columns)
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    found = {name: table for name, table in tables.items() if table is not None}
    return ComparisonFolder(
        folder, record, hashlib.sha256(content).hexdigest(), tuple(_compared(folder, run) for run in record.get("runs", ())),
        found["comparison"], found["costs"], found["rankings"], found["flows"], found["targets"], found["paths"],
        tables[_OPTIONAL],
    )


def _compared(folder: Path, run: Mapping[str, Any]) -> Compared:
    try:
        settings = {key: str(run[key]) for key in ("law", "tide", "nodes", "support_ceiling")}
        said = {name: run.get(name, {}) for name in ("title", "summary")}  # a scenario may be without a text of its own
        return Compared(settings=settings, **said, **{name: run[name] for name in _OF_A_RUN})
    except KeyError as error:
        message = f"{error} is missing; if another version of kechuang made it, compare the scenarios again"
        raise InputError(Problem(str(folder / "record.json"), message=message)) from error


def _read(file: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    if not file.is_file():
        raise InputError(Problem(str(file), message="no such file; compare the scenarios again"))
    try:
        # Only empty cells are missing: "NA" would be a legitimate text.
        table = pd.read_csv(file, keep_default_na=False, na_values=[""])
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(Problem(str(file), message=f"cannot be read ({error}); compare the scenarios again")) from error
    absent = [column for column in columns if column not in table.columns]
    if absent:
        message = f"columns are missing: {', '.join(absent)}; if another version of kechuang made it, compare again"
        raise InputError(Problem(str(file), message=message))
    return table
