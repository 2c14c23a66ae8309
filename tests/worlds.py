"""Small worlds for the tests: firms of a few rows, settings without places, scenarios, and cities of some hundred firms.

Hand-computed cases build their own columns and parameter records here, so that a number of the data files may change
without changing what a rule has to give.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kechuang.cli import main
from kechuang.law import small_profit_bands
from kechuang.parameters import Draw, default_draw
from kechuang.scenario import Scenario, scenario_from_plain
from kechuang.world.mechanisms.accounts import AccountSetting
from kechuang.world.mechanisms.certification import CertificationSetting
from kechuang.world.mechanisms.research import ResearchSetting
from kechuang.world.mechanisms.taxes import TaxLaw
from kechuang.world.model import Corridor, Event
from kechuang.world.population.firms import Firms
from kechuang.world.simulate import RunResult, simulate

PLACES, INDUSTRIES, STEPS = 13, 8, 4
SMALL = 0.03
"""Scale of most test cities: some two hundred firms and all cells."""
LIMIT = 1e-9
"""Largest allowed residual as a share of gross flows."""


def firms_of(number: int = 1, **columns: Any) -> Firms:
    """Return firms whose columns hold the given values (one for all, or one each) and zeros elsewhere."""
    firms = Firms(capacity=number)
    rows = firms.add(number)
    firms.columns.identity[rows] = np.arange(number)
    for name, values in columns.items():
        getattr(firms.columns, name)[rows] = values
    return firms


def record(kind: Any, **changes: Any) -> Any:
    """Return a parameter record of the default draw with the numbers of a hand-computed case."""
    return kind.of(default_draw())._replace(**changes)


def everywhere(value: float) -> np.ndarray:
    """Return a policy path of one quarter with one value in all places, industries and steps."""
    return np.full((PLACES, INDUSTRIES, STEPS), float(value))


def law_of(year: int, law: str = "2020") -> TaxLaw:
    """Return the corporate tax law of a year; assets are taken as 0.9 of yearly sales."""
    return TaxLaw.of(small_profit_bands(law, year), 0.25, 0.9)


def research_setting(**changes: Any) -> ResearchSetting:
    """Return a quarter without peers, grants and inflation, at 15 % for certified firms and 75 % super-deduction."""
    none = everywhere(0.0)
    setting = ResearchSetting(
        0.0, np.zeros((PLACES, INDUSTRIES)), everywhere(0.15), everywhere(0.75), none, none, none, np.uint64(1), 1.0
    )
    return setting._replace(**changes)


def certification_setting(**changes: Any) -> CertificationSetting:
    """Return a quarter with a bonus of 20万元, half of it for a renewal, and no tide."""
    setting = CertificationSetting(
        4, 0.0, 20.0, everywhere(20.0), everywhere(0.5), everywhere(0.15), everywhere(0.75)
    )
    return setting._replace(**changes)


def account_setting(**changes: Any) -> AccountSetting:
    """Return a first quarter without season, inflation and reporting drift; loans cost 6 %, guarantees 0.8 %."""
    setting = AccountSetting(0, 1.0, 0.0, 0.06, 0.008, everywhere(0.15), everywhere(0.75))
    return setting._replace(**changes)


NO_CEILING = {"support_ceiling_2020": 1e9}
"""For a draw: claims on the city are paid in full before 2021 as well, where no scenario can lift the ceiling."""


def scenario_of(until: str = "2018Q4", **parts: Any) -> Scenario:
    """Return a scenario without levers and shocks, with these parts of a scenario file in place of its own."""
    plain = {
        "name": "test",
        "title": {"en": "a test", "zh": "测试"},
        "law": "2020",
        "tide": "damped",
        "run": {"until": until, "draws": 1, "seed": 1},
        **parts,
    }
    return scenario_from_plain(plain, "test scenario")


def city_of(
    scenario: Scenario | None = None,
    draw: Draw | None = None,
    seed: int = 1,
    *,
    audit: bool = False,
    scale: float = SMALL,
    events: Mapping[str, Iterable[Event]] | None = None,
) -> Corridor:
    """Return a new small city that has not taken a step."""
    city = Corridor(scenario or scenario_of(), draw, seed, audit=audit, scale=scale, events=events, collect=False)
    city.release()  # Mesa 3.3 would keep every city of a test process; no test here looks for agents
    return city


@cache
def long_run() -> RunResult:
    """Return one small baseline run to 2035, audited, made once for all tests of a process."""
    return simulate(scenario_of("2035Q4"), default_draw("B"), 11, audit=True, scale=SMALL)


def furthest(sample: np.ndarray, cdf: Callable[[np.ndarray], np.ndarray]) -> float:
    """Return Kolmogorov's distance between a sample and a law, times the root of the sample size."""
    values, n = cdf(np.sort(sample)), sample.size
    steps = np.arange(n + 1) / n
    return float(n**0.5 * max(np.max(steps[1:] - values), np.max(values - steps[:-1])))


def status_of(*arguments: str) -> int:
    """Return the exit status of the command line with these arguments."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


def run_python(code: str, *arguments: str, **environment: str) -> str:
    """Run code in a fresh interpreter with warnings as errors and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        cwd=Path(__file__).parent,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
