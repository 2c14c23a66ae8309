"""Normal scores: a full parameter vector as independent standard normal numbers, one for each parameter with a prior.

A parameter is the quantile of u = Phi(z) under its prior, so the prior of all scores together is N(0, I), bounds are kept
whatever is done to z, and linear algebra on z means what it says.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from kechuang.parameters import Closure, Draw, load_parameters
from kechuang.priors import Prior

Array = NDArray[np.float64]

_FURTHEST = 8.0
"""Beyond eight standard deviations Phi(z) is 1 in double precision, and 1 has no quantile."""


@cache
def drawn() -> dict[str, Prior]:
    """Return the parameters that have a prior, in the order of the file: the coordinates of a score vector."""
    return {key: parameter.prior for key, parameter in load_parameters().items() if parameter.prior is not None}


def draw_of(scores: Array, closure: Closure, identity: int = -1, luck: int | None = None) -> Draw:
    """Return the draw with these scores; parameters without a prior have the value of the file."""
    if scores.shape != (len(drawn()),):
        raise ValueError(f"{scores.shape} scores for {len(drawn())} parameters")
    chances = ndtr(np.clip(scores, -_FURTHEST, _FURTHEST))
    values = {key: parameter.value for key, parameter in load_parameters().items()}
    values |= {key: prior.quantile(float(u)) for (key, prior), u in zip(drawn().items(), chances, strict=True)}
    return Draw(identity, closure, values, luck)


def scores_of(draw: Draw) -> Array:
    """Return the scores of a draw; the spike of a prior, where many scores give one value, answers with its edge."""
    chances = np.array([prior.cdf(draw.number(key)) for key, prior in drawn().items()])
    return np.asarray(np.clip(ndtri(chances), -_FURTHEST, _FURTHEST))


def values_of(scores: Array, key: str) -> Array:
    """Return the values of one parameter at some of its scores."""
    prior = drawn()[key]
    return np.array([prior.quantile(float(u)) for u in ndtr(np.clip(scores, -_FURTHEST, _FURTHEST))])


def log_prior_ratio(scores: Array, key: str, other: Prior) -> Array:
    """Return the log density of a parameter's scores under another prior relative to its own."""
    own, chances = drawn()[key], ndtr(np.clip(scores, -_FURTHEST, _FURTHEST))
    found = np.empty(chances.size)
    for position, u in enumerate(chances):
        # Both densities over the same short span of values: the span cancels out.
        step = 1e-4 * min(u, 1.0 - u)
        mass = other.cdf(own.quantile(float(u + step))) - other.cdf(own.quantile(float(u - step)))
        found[position] = np.log(mass / (2.0 * step)) if mass > 0.0 else -np.inf
    return found
