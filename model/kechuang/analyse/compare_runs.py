"""The runs behind a comparison: scenarios put onto the same draws, luck and horizon, and finished runs found again."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.clock import quarter_index, quarter_label
from kechuang.errors import InputError, Problem

if TYPE_CHECKING:
    from kechuang.ensemble.plan import RunPlan
    from kechuang.ensemble.result import Ensemble
    from kechuang.scenario import Scenario


def aligned(
    scenarios: Sequence[Scenario], draws: int | None = None, seed: int | None = None, until: str | None = None
) -> list[Scenario]:
    """Return the scenarios with the first one's draws and seed (or these) and the earliest of all last quarters."""
    if len(scenarios) < 2:
        raise InputError(Problem("compare", message="needs at least two scenarios"))
    last = min([scenario.until for scenario in scenarios] + ([_quarter("--until", until)] if until else []))
    count = scenarios[0].draws if draws is None else draws
    chosen = scenarios[0].seed if seed is None else seed
    # Numbers out of range are said by the scenario's own check.
    return [scenario.with_run(quarter_label(last), count, chosen) for scenario in scenarios]


def dates_of(wanted: Sequence[str], until: int, standard: str) -> tuple[str, ...]:
    """Return the dates to compare at: those wanted, or the standard one and the last quarter; in order of time."""
    last = quarter_label(until)
    found = {_quarter("--at", date) for date in wanted} or {min(quarter_index(standard), until), until}
    late = [quarter_label(quarter) for quarter in sorted(found) if not 1 <= quarter <= until]
    if late:
        raise InputError(Problem("--at", message=f"{', '.join(late)} lies outside the runs, which end in {last}"))
    return tuple(quarter_label(quarter) for quarter in sorted(found))


def labels_of(scenarios: Sequence[Scenario]) -> list[str]:
    """Return one name per scenario; a name that comes again is numbered: `baseline`, `baseline (2)`."""
    labels: list[str] = []
    for number, scenario in enumerate(scenarios):
        times = 1 + sum(earlier.name == scenario.name for earlier in scenarios[:number])
        labels.append(scenario.name if times == 1 else f"{scenario.name} ({times})")
    return labels


def run_or_reuse(
    scenario: Scenario,
    *,
    parameters: str,
    workers: int | None,
    out: Path,
    audit: bool,
    progress: bool,
    scale: float,
    files: Mapping[str, Path] | None = None,
) -> Ensemble:
    """Return the finished run of this scenario, from these files, if a whole one lies in its folder, else run it (resumable)."""
    from kechuang.analyse.projection import run
    from kechuang.ensemble.draws import draws_for
    from kechuang.ensemble.plan import RunPlan
    from kechuang.ensemble.result import Ensemble

    draws = draws_for(parameters, scenario.draws, scenario.seed)
    plan = RunPlan(scenario, draws, scenario.seed, parameters, audit, scale, files=files or {})
    found = finished_run(plan, out / scenario.name)
    if found is not None:
        return Ensemble(found)
    return run(
        scenario, parameters=parameters, workers=workers, out=out, audit=audit, progress=progress, scale=scale, files=files
    )


def finished_run(plan: RunPlan, home: Path) -> Path | None:
    """Return the folder of a run of this plan with this code, these packages and inputs, none of its files altered."""
    from kechuang.ensemble.record import input_files, package_versions, read_record, sha256_of, verify

    wanted = {
        "kind": "run",
        **plan.describe(),
        "packages": package_versions(),
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "inputs": {name: sha256_of(file) for name, file in input_files(plan).items()},
        "files": {name: sha256_of(file) for name, file in plan.files.items()} or None,
    }
    for file in sorted(home.glob("*/record.json")):
        try:
            record = read_record(file.parent)
        except InputError:
            continue  # damaged: not a run that could be used; `kechuang verify` says so
        same = _plain({key: record.get(key) for key in wanted}) == _plain(wanted)
        if same and "spread.csv" in record["outputs"] and not verify(file.parent).altered:
            return file.parent
    return None


def demand_same_draws(runs: Sequence[Ensemble]) -> None:
    """Raise if the runs did not meet the same parameter vectors and luck: their differences would mean nothing."""
    for name in ("draws", "seed", "parameters", "scale"):
        if any(run.record[name] != runs[0].record[name] for run in runs[1:]):
            folders = ", ".join(str(run.folder) for run in runs)
            message = f"these runs differ in their {name} and cannot be compared draw by draw"
            raise InputError(Problem(folders, message=message))


def _quarter(option: str, label: str) -> int:
    try:
        return quarter_index(label)
    except ValueError as error:
        raise InputError(Problem(option, message=str(error))) from None


def _plain(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True)
