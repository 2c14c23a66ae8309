"""`run_ensemble`: from a scenario to a complete run folder, resumable until the last rename."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kechuang.ensemble import store, workfolder
from kechuang.ensemble.draws import draws_for, most_draws, parameters_or_default
from kechuang.ensemble.executor import execute
from kechuang.ensemble.plan import AGAIN, Engine, RunPlan, can_travel, default_engine, own_engine
from kechuang.ensemble.record import write_record
from kechuang.ensemble.result import Ensemble
from kechuang.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.scenario import Scenario
    from kechuang.world.policy.own import Events, OwnLever

DerivedTable = Callable[["Scenario", "pd.DataFrame"], str]
"""Makes the text of one more file of the run folder (such as targets.csv) from scenario and indicators, among them
those of draws that ran a second time, as replicate 1."""
Enough = Callable[["Scenario", "pd.DataFrame"], bool]
"""Says from the indicators of the draws run so far whether more of them are needed."""


def run_ensemble(
    scenario: Scenario,
    draws: int | None = None,
    seed: int | None = None,
    *,
    parameters: str | None = None,
    workers: int | None = None,
    out: Path | str | None = None,
    audit: bool = False,
    progress: bool = True,
    scale: float = 1.0,
    derived: Mapping[str, DerivedTable] | None = None,
    finish: Callable[[Path], None] | None = None,
    levers: Iterable[OwnLever] = (),
    events: Events | None = None,
    engine: Engine | None = None,
    again: int = 0,
    enough: Enough | None = None,
    most: int | None = None,
    files: Mapping[str, Path] | None = None,
) -> Ensemble:
    """Run a scenario over many draws and return the finished run.

    `draws` and `seed` default to the scenario's own; `workers` to the number of processors (1 runs in this
    process); `parameters` to the posterior where one is committed for the present parameters, else to the provisional
    point. `scale` below 1 runs a smaller city. `derived` adds tables computed from the indicators, by file
    name; `finish` is called with the folder when all its other files stand, before it gets its final name.
    `levers` and `events` are an analyst's own Python (kechuang.world.policy.own); functions that no other process can import,
    as those of a notebook, run in this one.
    `again` draws run a second time with other luck. With a stopping rule (`enough`), batches of as many draws follow until it is
    content, or `most` are run (default: 1000, or all committed ones); the result is that of a run with this number of draws.
    `files` are the scenario files that a planner wrote, by name (kechuang.ensemble.own_files): the record binds their bytes.
    The bytes of the folder depend on scenario, these files, draws, seed, parameters, scale, audit, code and package
    versions, and on nothing else.
    """
    scenario = scenario.with_run(draws=draws, seed=seed)
    _check(scenario, workers, scale, again)
    parameters = parameters_or_default(parameters)
    built, own = own_engine(engine or default_engine(), levers, events)

    def plan_of(count: int) -> RunPlan:
        chosen, vectors = scenario.with_run(draws=count), draws_for(parameters, count, scenario.seed)
        return RunPlan(chosen, vectors, scenario.seed, parameters, audit, scale, own, again, files or {})

    home = (Path(out) if out is not None else default_out()) / scenario.name
    processes = 1 if own and not can_travel(built) else workers or available_processors()
    plan = plan_of(scenario.draws)
    # With a stopping rule the work folder is that of the longest run, so that every batch finds what the last one did.
    limit = max(most_draws(parameters) if most is None else most, scenario.draws)
    work = home / f".work-{(plan_of(limit) if enough else plan).key()}"
    simulate_all(plan, built, work, processes, progress)
    while enough and len(plan.draws) < limit and not enough(plan.scenario, _so_far(plan, work)):
        plan = plan_of(min(limit, len(plan.draws) + scenario.draws))
        simulate_all(plan, built, work, processes, progress)
    folder = _assemble(plan, home, work, derived or {}, finish)
    return Ensemble(folder)


def available_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_out() -> Path:
    """Return `outputs/` of the checkout when the working directory lies in it, else `outputs/` right here."""
    checkout = Path(__file__).resolve().parents[3]
    here = Path.cwd()
    inside = here.is_relative_to(checkout) and (checkout / "pyproject.toml").is_file()
    return (checkout if inside else here) / "outputs"


def _check(scenario: Scenario, workers: int | None, scale: float, again: int) -> None:
    problems = []
    if not re.fullmatch(r"\w[\w.-]*", scenario.name):
        problems.append(Problem("scenario", key="name", message=f'"{scenario.name}" cannot name a folder'))
    if not 0 <= again <= scenario.draws:
        message = f"is a number of draws from 0 to all {scenario.draws}, not {again}"
        problems.append(Problem("--again", message=message))
    if workers is not None and workers < 1:
        problems.append(Problem("--workers", message=f"needs at least 1 process, not {workers}"))
    if not 0.0 < scale <= 1.0:
        problems.append(Problem("--scale", message=f"is a share above 0 and up to 1, not {scale:g}"))
    if problems:
        raise InputError(problems)


def _so_far(plan: RunPlan, work: Path) -> pd.DataFrame:
    return store.indicator_frame(workfolder.load(work, draw.id) for draw in plan.draws)


def simulate_all(plan: RunPlan, engine: Engine, work: Path, workers: int, progress: bool) -> None:
    """Run every draw of a plan that has no result in the work folder, with a bar; Interrupted keeps what is finished."""
    jobs = plan.jobs()
    with progress_bar(len(jobs), plan.scenario.name, progress) as (announce, advance):
        announce("preparing the model (compiled on first use, under a minute)")
        engine.warm_up()
        announce(f"running {plan.scenario.name}")
        execute(jobs, engine, work, workers, advance)


@contextmanager
def progress_bar(
    total: int, name: str, visible: bool, unit: str = "draws"
) -> Iterator[tuple[Callable[[str], None], Callable[[int], None]]]:
    """Yield two functions, one that changes the text of the bar and one that sets how many are done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not visible,
    )
    with bar:
        task = bar.add_task(name, total=total)
        yield (
            lambda text: bar.update(task, description=text),
            lambda done: bar.update(task, completed=done),
        )


def _assemble(
    plan: RunPlan,
    home: Path,
    work: Path,
    derived: Mapping[str, DerivedTable],
    finish: Callable[[Path], None] | None,
) -> Path:
    """Write the run folder beside its final place, then rename; on failure the finished draws are still there."""
    staging = home / f".new-{plan.key()}-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        content = staging / "content"
        content.mkdir(parents=True)
        run_id = write_record(content, plan, _write_outputs(content, plan, work, derived))
        # The folder bears its id before the report is built: the report may show it.
        folder = content.rename(staging / run_id)
        if finish is not None:
            finish(folder)
        final = _put_in_place(folder, home / run_id)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    return final


def _write_outputs(content: Path, plan: RunPlan, work: Path, derived: Mapping[str, DerivedTable]) -> list[Path]:
    from kechuang.city import load_city

    city = load_city(plan.scenario.city)
    places, industries = [place.key for place in city.places], [industry.key for industry in city.industries]
    results = (workfolder.load(work, draw.id) for draw in plan.draws)
    outputs = store.write_tables(content, results, places, industries)
    draws = content / "draws.parquet"
    store.write_draws(draws, plan.draws, plan.luck_seeds())
    if plan.again:
        twice = content / f"{AGAIN}.parquet"
        store.write_again(twice, (workfolder.load(work / AGAIN, draw.id) for draw in plan.draws[: plan.again]))
        outputs.append(twice)
    return [*outputs, draws, *_write_derived(content, plan, derived)]


def _write_derived(content: Path, plan: RunPlan, derived: Mapping[str, DerivedTable]) -> list[Path]:
    import pandas as pd
    import pyarrow.parquet as pq

    files = []
    names = ("indicators", AGAIN) if plan.again else ("indicators",)
    for name, make in derived.items():
        indicators = pd.concat([pq.read_table(content / f"{one}.parquet").to_pandas() for one in names])
        file = content / name
        file.write_text(make(plan.scenario, indicators), encoding="utf-8", newline="\n")
        files.append(file)
    return files


def _put_in_place(folder: Path, final: Path) -> Path:
    """Rename a complete folder to its final name; an earlier copy of the same run makes way."""
    if final.exists():
        # Same id, same data: only its report can differ, or a file was altered since.
        final.rename(folder.parent / "replaced")
    return folder.rename(final)
