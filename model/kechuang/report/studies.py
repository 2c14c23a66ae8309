"""The committed results of calibration and validation, as far as they exist: what they say in a few numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kechuang.errors import InputError, Problem

if TYPE_CHECKING:
    from kechuang.report.folder import RunFolder

FOLDER = "calibration/studies"
POSTERIOR, FACTS, FORECAST, TRANSFER = "posterior/result.yaml", "facts.yaml", "forecast.yaml", "transfer-*.yaml"
ENOUGH = 200.0
"""Effective sample size that a posterior must have."""

T = TypeVar("T")


@dataclass(frozen=True)
class Calibration:
    """What the study of the posterior found: sizes, status of each parameter, and figures that lie outside."""

    date: str
    scale: float
    figures: int
    rows: int
    effective: float
    statuses: Mapping[str, str]
    outside: tuple[str, ...]
    left_out: int
    not_predicted: tuple[str, ...]
    parameters_hash: str


@dataclass(frozen=True)
class Facts:
    """How many statistics of the stylised facts lie in their bands in enough runs, of how many, and over which runs."""

    passed: int
    judged: int
    runs: int
    parameters: str


@dataclass(frozen=True)
class Transfer:
    """The verdict of a transfer to another city: pass, partial or fail."""

    city: str
    verdict: str


@dataclass(frozen=True)
class Forecast:
    """The frozen forecast: when it was made, and over which draws."""

    date: str
    draws: int
    parameters: str


class Studies:
    """The files under calibration/studies, each read when first asked for; None where there is none."""

    @cached_property
    def calibration(self) -> Calibration | None:
        """The result of the posterior study."""
        return _read(POSTERIOR, _calibration)

    @cached_property
    def facts(self) -> Facts | None:
        """The study of the stylised facts."""
        return _read(FACTS, lambda content: Facts(
            int(content["verdicts"]["passed"]), int(content["verdicts"]["judged"]), int(content["runs"]),
            str(content["parameters_from"])))

    @cached_property
    def transfers(self) -> tuple[Transfer, ...]:
        """First results of transfers, by city."""
        from kechuang.resources import find

        folder = find(FOLDER)
        names = sorted(file.name for file in folder.glob(TRANSFER)) if folder is not None else []
        made = (_read(name, lambda content: Transfer(str(content["city"]), str(content["verdict"]))) for name in names)
        return tuple(transfer for transfer in made if transfer is not None)

    @cached_property
    def forecast(self) -> Forecast | None:
        """The frozen forecast."""
        return _read(FORECAST, lambda content: Forecast(
            str(content["date"]), int(content["draws"]), str(content["parameters_from"])))

    def statuses(self, run: RunFolder) -> Mapping[str, str]:
        """Return what the figures taught about each parameter of a run: nothing is said of one that did not use the posterior."""
        return self.calibration.statuses if run.parameters == "posterior" and self.calibration is not None else {}

    def status(self, run: RunFolder, parameter: str) -> str:
        """Return the status of a parameter in a run, '' where there is none."""
        return self.statuses(run).get(parameter, "")


def status_word(status: str) -> str:
    """Return which group a status belongs to: 'learnt' (also in some closures only), 'partly', 'prior', or '' for none."""
    if status.startswith("identified"):
        return "learnt"
    return {"partly identified": "partly", "set by prior": "prior"}.get(status, "")


def _calibration(content: Mapping[str, Any]) -> Calibration:
    def outside(entries: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(name) for name, entry in entries.items() if not entry["inside"])

    return Calibration(
        date=str(content["date"]), scale=float(content["study"]["scale"]), figures=len(content["figures"]),
        rows=int(content["rows"]["all"]), effective=float(content["effective"]),
        statuses={str(key): str(entry["status"]) for key, entry in content["parameters"].items()},
        outside=outside(content["figures"]), left_out=len(content["left_out"]), not_predicted=outside(content["left_out"]),
        parameters_hash=str(content["made_from"]["parameters"]),
    )


def _read(name: str, make: Callable[[Mapping[str, Any]], T]) -> T | None:
    """Read a study file, or return None if it does not exist; InputError if it does not hold what it should."""
    from kechuang.resources import find

    file: Path | None = find(f"{FOLDER}/{name}")
    if file is None:
        return None
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return make(YAML(typ="safe").load(file.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError, AttributeError, YAMLError) as error:
        message = f"is not a result that this version can show ({type(error).__name__}: {error}); make it again"
        raise InputError(Problem(f"{FOLDER}/{name}", message=message)) from error
