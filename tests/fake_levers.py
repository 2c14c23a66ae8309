"""A world for tests of attributions: levers add to counts, meet in pairs, and how much depends on the luck of the draw.

    high_tech_firms at t = 1000 + t + the draw's own factor times what is set is worth together

A file `stop-5` in the folder named by the environment variable FAULTS interrupts the fifth run from then on, once.
"""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from kechuang.ensemble.workfolder import StoredResult
from kechuang.world.indicators import KEYS, POSITION

calls: list[tuple[int, frozenset[str]]] = []
"""The runs of this process: draw and what was set."""


def warm_up() -> None:
    """Nothing to compile."""


def must_not_run(*_: Any, **__: Any) -> StoredResult:
    """Stand in for the world where nothing has to be run."""
    raise ArithmeticError("a run that was already there")


def simulate(scenario: Any, draw: Any, seed: int, audit: bool = False, scale: float = 1.0) -> StoredResult:
    """Return counts that follow from what the scenario sets."""
    present = frozenset(change.key for change in scenario.levers if change.amount) | _others(scenario)
    calls.append((draw.id, present))
    _obey_faults(len(calls))
    numbers = np.random.Generator(np.random.PCG64(seed))
    factor, noise = numbers.uniform(0.5, 1.5), numbers.normal(0.0, 5.0, len(KEYS))
    gain = factor * worth(present)
    indicators = np.zeros((scenario.until, len(KEYS))) + noise
    indicators[:, POSITION["high_tech_firms"]] = 1000.0 + np.arange(scenario.until) + gain
    indicators[:, POSITION["rd_real"]] = noise[0] + 0.1 * gain
    indicators[:, POSITION["rd_november_growth"]] = np.nan
    return StoredResult(draw.id, draw.closure, seed, indicators, {}, np.zeros((scenario.until, 1, 5)), ("x",), {}, {})


def worth(present: frozenset[str]) -> float:
    """Return what settings add together: each the length of its name, some pairs more or less, and any three more."""
    alone = float(sum(len(name) for name in present))
    pairs = (len(one) * len(two) for one, two in combinations(sorted(present), 2))
    three = sum(len(one) for trio in combinations(sorted(present), 3) for one in trio[:1])
    return alone + 0.2 * sum(product if product % 2 == 0 else -product for product in pairs) + 3.0 * three


def _others(scenario: Any) -> frozenset[str]:
    found = {shock.key for shock in scenario.shocks}
    return frozenset(found | ({"law"} if scenario.law == "known" else set()))


def _obey_faults(number: int) -> None:
    folder = os.environ.get("FAULTS")
    if folder is not None and (Path(folder) / f"stop-{number}").exists():
        (Path(folder) / f"stop-{number}").unlink()
        raise KeyboardInterrupt
