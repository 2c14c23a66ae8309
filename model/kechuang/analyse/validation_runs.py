"""Runs of a validation: finished draws survive Ctrl-C, kill -9 and the loss of a machine, and the same command goes on."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kechuang.analyse.forecast_core import CORE_EVENTS, core_draw, core_scenario
from kechuang.clock import quarter_index
from kechuang.ensemble import workfolder
from kechuang.ensemble.plan import Engine, RunPlan, default_engine
from kechuang.ensemble.run import available_processors, default_out, simulate_all
from kechuang.parameters import Draw
from kechuang.scenario import Scenario
from kechuang.world.indicators import POSITION
from kechuang.world.policy.own import fingerprints

FOLDER = "validation"


@dataclass(frozen=True)
class Options:
    """How runs are made: share of the city, processes, where unfinished work stands, and whether a bar is shown."""

    scale: float = 1.0
    workers: int | None = None
    work: Path | None = None
    progress: bool = True


@dataclass(frozen=True)
class Runs:
    """Finished draws of one plan: `indicators` is [draws, quarters, indicators]; `folder` holds them until `clear`."""

    plan: RunPlan
    folder: Path
    indicators: NDArray[np.float64]

    def at(self, indicator: str, quarter: str) -> NDArray[np.float64]:
        """Return an indicator of all draws in a quarter such as '2020Q4'."""
        return np.asarray(self.indicators[:, quarter_index(quarter) - 1, POSITION[indicator]])

    def clear(self) -> None:
        """Remove the finished draws from disk: what they gave is stored elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)


def run_full(scenario: Scenario, draws: Sequence[Draw], parameters: str, options: Options) -> Runs:
    """Run the whole model for these draws."""
    plan = RunPlan(scenario, tuple(draws), scenario.seed, parameters, scale=options.scale)
    return _run(plan, default_engine(), options)


def run_core(scenario: Scenario, draws: Sequence[Draw], parameters: str, options: Options) -> Runs:
    """Run the ladder alone for these draws (kechuang.analyse.forecast_core), with the same luck."""
    engine = default_engine()
    own = fingerprints((), CORE_EVENTS)
    scenario = core_scenario(scenario)
    plan = RunPlan(scenario, tuple(map(core_draw, draws)), scenario.seed, parameters, scale=options.scale, own=own)
    return _run(plan, engine._replace(simulate=partial(engine.simulate, events=CORE_EVENTS)), options)


def _run(plan: RunPlan, engine: Engine, options: Options) -> Runs:
    folder = (options.work or default_out() / FOLDER) / f".work-{plan.key()}"
    simulate_all(plan, engine, folder, options.workers or available_processors(), options.progress)
    return Runs(plan, folder, np.stack([workfolder.load(folder, draw.id).indicators for draw in plan.draws]))
