"""`kechuang.run`: a scenario over many draws, with the judgement of its targets in the run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kechuang.analyse.targets import targets_csv
from kechuang.ensemble.run import run_ensemble

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
) -> Ensemble:
    """Run a scenario (or the one of this name or path) and return its result with `.targets`.

    See `kechuang.ensemble.run.run_ensemble` for the options. A run of the same scenario, seed, code and
    packages is the same run: it gets the same folder and the same bytes.
    """
    from kechuang.scenario import load_scenario
    from kechuang.targets import select_targets

    if isinstance(scenario, str):
        scenario = load_scenario(scenario)
    select_targets(scenario.targets)  # an unknown target is said before hours of runs, not after
    return run_ensemble(
        scenario,
        draws,
        seed,
        parameters=parameters,
        workers=workers,
        out=out,
        audit=audit,
        progress=progress,
        scale=scale,
        derived={"targets.csv": targets_csv},
        levers=levers,
        events=events,
        finish=finish,
    )
