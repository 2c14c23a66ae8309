"""What the three studies of the certification ladder share: points of the parameters under luck seeds, and quantiles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kechuang.ensemble.draws import draws_for, seed_of
from kechuang.parameters import CLOSURES, Draw, prior_draw
from kechuang.scenario import Scenario

LEVELS = {"q05": 0.05, "q50": 0.5, "q95": 0.95}


@dataclass(frozen=True)
class Job:
    """One run: a point of the parameters under a luck seed, and a label of its group."""

    draw: Draw
    seed: int
    label: str


def provisional_jobs(scenario: Scenario, seeds: int, label: str = "provisional") -> list[Job]:
    """Return jobs at the provisional point of every closure under the same luck seeds."""
    points = draws_for("provisional", len(CLOSURES), scenario.seed)
    return [Job(replace(point, id=k), seed_of(scenario.seed, k), label) for k in range(seeds) for point in points]


def prior_jobs(scenario: Scenario, draws: int) -> list[Job]:
    """Return jobs on draws from the priors, each vector and its luck under all three closures."""
    vectors = [prior_draw(k, scenario.seed) for k in range(draws)]
    return [
        Job(vector.with_closure(closure), seed_of(scenario.seed, vector.id), "prior")
        for vector in vectors
        for closure in CLOSURES
    ]


def quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the 5, 50 and 95 % of some values, to four digits."""
    known = values[np.isfinite(values)]
    return {name: float(f"{np.quantile(known, level):.4g}") for name, level in LEVELS.items()} if known.size else {}
