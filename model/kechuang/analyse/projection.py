"""`kechuang.run`: a scenario over many draws, with the judgement of its targets in the run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kechuang.analyse.precision import stopping_rule
from kechuang.analyse.target_spread import spread_csv
from kechuang.analyse.targets import targets_csv
from kechuang.ensemble.draws import parameters_or_default
from kechuang.ensemble.own_files import written_files
from kechuang.ensemble.run import run_ensemble
from kechuang.errors import InputError, Problem

if TYPE_CHECKING:
    from kechuang.ensemble.result import Ensemble
    from kechuang.scenario import Scenario
    from kechuang.world.policy.own import Events, OwnLever


def run(
    scenario: Scenario | str,
    draws: int | None = None,
    seed: int | None = None,
    *,
    parameters: str | None = None,
    workers: int | None = None,
    out: Path | str | None = None,
    audit: bool = False,
    progress: bool = True,
    scale: float = 1.0,
    levers: Iterable[OwnLever] = (),
    events: Events | None = None,
    finish: Callable[[Path], None] | None = None,
    again: int = 0,
    precision: float | None = None,
    max_draws: int | None = None,
    files: Mapping[str, Path] | None = None,
) -> Ensemble:
    """Run a scenario (or the one of this name or path) and return its result with `.targets`.

    See `kechuang.ensemble.run.run_ensemble` for the options. A run of the same scenario, seed, code and
    packages is the same run: it gets the same folder and the same bytes.

    `precision` adds batches of `draws` until the Monte-Carlo error of every judged target is no larger, or `max_draws` (1000; of
    the posterior all) are run. `again` draws run a second time with other luck, so that `spread.csv` can tell luck from parameters.
    `files` are the files that a scenario was loaded from (kechuang.ensemble.own_files.written_files); a name brings its own.
    """
    from kechuang.scenario import load_scenario
    from kechuang.targets import select_targets

    if isinstance(scenario, str):
        files = written_files(scenario)
        scenario = load_scenario(scenario)
    select_targets(scenario.targets)  # an unknown target is said before hours of runs, not after
    scenario, parameters = scenario.with_run(draws=draws, seed=seed), parameters_or_default(parameters)
    if precision is None and max_draws is not None:
        raise InputError(Problem("--max-draws", message="says where to stop; add --precision"))
    enough = stopping_rule(scenario, precision, max_draws) if precision is not None else None
    return run_ensemble(
        scenario,
        parameters=parameters,
        workers=workers,
        out=out,
        audit=audit,
        progress=progress,
        scale=scale,
        derived={"targets.csv": targets_csv, "spread.csv": partial(spread_csv, parameters)},
        levers=levers,
        events=events,
        finish=finish,
        again=again,
        enough=enough,
        most=max_draws,
        files=files,
    )
