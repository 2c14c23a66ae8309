"""A world for tests of the ensemble: plain numbers from the seed, and faults on order.

The environment variable FAULTS names a folder. A file `kill-3` there makes the process that runs draw 3 die
once; a file `slow` makes every draw take a fifth of a second; a file `fail-2` makes draw 2 raise an error.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kechuang.world.indicators import BREAKDOWN_KEYS, KEYS

PLACES, INDUSTRIES = 13, 8
LEVERS = ("high_tech_tax_rate", "certification_bonus")


@dataclass(frozen=True)
class FakeResult:
    draw_id: int
    closure: str
    seed: int
    indicators: Any
    breakdown: dict[str, Any]
    costs: Any
    lever_keys: tuple[str, ...]
    snapshots: dict[str, Any]
    diagnostics: dict[str, float]


def warm_up() -> None:
    """Nothing to compile."""


def simulate(scenario: Any, draw: Any, seed: int, audit: bool = False, scale: float = 1.0) -> FakeResult:
    _obey_faults(draw.id)
    numbers = np.random.Generator(np.random.PCG64(seed))
    years = scenario.until // 4
    indicators = numbers.uniform(0.0, 1000.0 * scale, (scenario.until, len(KEYS)))
    indicators[:3, KEYS.index("rd_november_growth")] = np.nan
    indicators[0, KEYS.index("high_tech_firms")] = np.nan
    return FakeResult(
        draw_id=draw.id,
        closure=draw.closure,
        seed=seed,
        indicators=indicators,
        breakdown={key: numbers.integers(0, 50, (years, PLACES, INDUSTRIES)) for key in BREAKDOWN_KEYS},
        costs=numbers.uniform(0.0, 1.0, (scenario.until, len(LEVERS), 5)),
        lever_keys=LEVERS,
        snapshots={"2017Q4": {"size_bins": [0.0, 2.0, 4.0], "ladder": numbers.integers(0, 9, (4, 3))}},
        diagnostics={"agents": float(numbers.integers(0, 9)), "largest_residual": 1e-12},
    )


def _obey_faults(draw_id: int) -> None:
    folder = os.environ.get("FAULTS")
    if folder is None:
        return
    order = Path(folder)
    if (order / "slow").exists():
        time.sleep(0.2)
    if (order / f"fail-{draw_id}").exists():
        raise ArithmeticError(f"draw {draw_id} fails on order")
    if (order / f"kill-{draw_id}").exists():
        (order / f"kill-{draw_id}").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    if (order / f"always-kill-{draw_id}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
