"""The provisional point: four parameters per closure, found by least squares on four figures of 2020.

Closures A and B search registration_imitation (qS), certification_cost (Ccert), shock_depth_2020 (D0) and backlog_share
(betaB); in closure C the cap on new certificates takes the place of Ccert, which that closure cannot identify. All other
parameters stay at their values. The objective is the distance of medians over fixed luck seeds from the figures, in
units of the error model. The point validates nothing: it has as many parameters as figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from kechuang.calibrate.summaries import figures, summarise
from kechuang.parameters import Closure, Draw, default_draw, load_parameters
from kechuang.scenario import Scenario

FITTED = ("high_tech_2020", "tech_sme_2020", "value_added_q1", "value_added_november")
"""Summaries of the four figures; value and discrepancy of each stand in calibration/evidence.yaml."""
SEEDS = tuple(range(101, 125))
"""Luck seeds of the search: 24, apart from those of projections."""
_SEARCHED = {
    "A": ("registration_imitation", "certification_cost", "shock_depth_2020", "backlog_share"),
    "B": ("registration_imitation", "certification_cost", "shock_depth_2020", "backlog_share"),
    "C": ("registration_imitation", "listing_cap_2015", "shock_depth_2020", "backlog_share"),
}
_EXTREME = 0.005
STEPS = 5


def bounds(name: str) -> tuple[float, float]:
    """Return the range in which a parameter is searched: the central 99 % of its prior."""
    prior = load_parameters()[name].prior
    if prior is None:
        raise ValueError(f"{name} has no prior")
    return float(prior.quantile(_EXTREME)), float(prior.quantile(1.0 - _EXTREME))


def medians(draw: Draw, scenario: Scenario, seeds: Sequence[int], executor: Executor | None = None) -> dict[str, float]:
    """Return the median of every summary over luck seeds."""
    work = partial(_summaries, scenario, draw)
    runs = list(executor.map(work, seeds) if executor else map(work, seeds))
    return {name: float(np.median([run[name] for run in runs])) for name in runs[0]}


def _summaries(scenario: Scenario, draw: Draw, seed: int) -> dict[str, float]:
    from kechuang.world.simulate import simulate

    return summarise(simulate(scenario, draw, seed))


def search(
    closure: Closure,
    scenario: Scenario,
    executor: Executor | None = None,
    seeds: Sequence[int] = SEEDS,
    report: Callable[[str], None] = print,
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the point of a closure and its medians: damped Gauss-Newton steps inside the prior's central range."""
    names, wanted = _SEARCHED[closure], {key: figures()[key] for key in FITTED}
    limits = np.array([bounds(name) for name in names])
    base = default_draw(closure)
    theta = np.array([float(base.values[name]) for name in names])  # type: ignore[arg-type]

    def residuals(at: NDArray[np.float64]) -> tuple[NDArray[np.float64], dict[str, float]]:
        draw = base.with_values(**{name: float(value) for name, value in zip(names, at, strict=True)})
        found = medians(draw, scenario, seeds, executor)
        return np.array([(found[key] - value) / sd for key, (value, sd) in wanted.items()]), found

    best, found = residuals(theta)
    for step in range(STEPS):
        slopes = np.column_stack(
            [
                (residuals(_moved(theta, k, limits))[0] - best) / (_moved(theta, k, limits)[k] - theta[k])
                for k in range(theta.size)
            ]
        )
        target = theta + np.linalg.lstsq(slopes, -best, rcond=None)[0]
        for damping in (1.0, 0.5, 0.25):
            trial = np.clip(theta + damping * (target - theta), limits[:, 0], limits[:, 1])
            value, medians_there = residuals(trial)
            if value @ value < best @ best:
                theta, best, found = trial, value, medians_there
                break
        else:
            break
        report(
            f"closure {closure}, step {step + 1}: distance {math.sqrt(best @ best):.2f} at "
            + ", ".join(f"{name} {value:.4g}" for name, value in zip(names, theta, strict=True))
        )
        if best @ best < 0.02:
            break
    return {name: round(float(value), 5) for name, value in zip(names, theta, strict=True)}, found


def _moved(theta: NDArray[np.float64], position: int, limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the point with one coordinate moved by a tenth of its range, inwards."""
    out = theta.copy()
    width = 0.1 * (limits[position, 1] - limits[position, 0])
    out[position] += width if theta[position] + width <= limits[position, 1] else -width
    return out
