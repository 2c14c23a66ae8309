"""How strongly two things go together over draws: ranks inside closures, normal scores, and tests that hold all at once.

Draws of a posterior may be the same simulation several times; n draws of which groups of m are the same count as
n^2 / sum of m^2 (source: Kish 1965, "Survey Sampling"). Sizes are therefore numbers, not counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

ALPHA = 0.05
"""Chance that anything at all is called clear where everything is luck."""
LEAST_FREEDOM = 10.0
"""Degrees of freedom below which nothing is tested: few ranks fall into line by chance, and the t-test calls that certain."""
LEAST_OFF = 8.0
"""Different draws that must be off the most common value of an outcome."""
_NORMAL_90 = 1.6448536269514722
"""Quantile of the normal distribution that leaves 5 % on each side."""


def effective_count(labels: NDArray[Any]) -> float:
    """Return how many different draws some draws are worth; draws with the same label are the same simulation."""
    counts = np.unique(labels, return_counts=True)[1].astype(float)
    return float(counts.sum() ** 2 / np.square(counts).sum()) if counts.size else 0.0


def off_the_usual(values: Numbers) -> NDArray[np.bool_]:
    """Return which values are not the most common one."""
    names, counts = np.unique(values, return_counts=True)
    return np.asarray(values != names[counts.argmax()])


def varies_enough(values: Numbers, labels: NDArray[Any]) -> bool:
    """Say whether values can be correlated: half of them, or those of at least eight different draws, are off the usual one.

    The t-test of a correlation is no test where a single draw makes it.
    """
    off = off_the_usual(values)
    return bool(off.any() and (off.mean() >= 0.5 or effective_count(labels[off]) >= LEAST_OFF))


def ranks(values: Numbers) -> Numbers:
    """Return ranks from 1 on, ties at their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - 0.5 * (counts - 1))[place])


def ranks_inside(values: Numbers, groups: NDArray[Any]) -> Numbers:
    """Return ranks inside each group, centred and over the size of the group, so that groups can be pooled."""
    found = np.zeros(values.size)
    for group in np.unique(groups):
        inside = groups == group
        size = int(inside.sum())
        found[inside] = (ranks(values[inside]) - 0.5 * (size + 1)) / size
    return found


def normal_scores(values: Numbers) -> Numbers:
    """Return the normal quantiles of ranks, ties at their mean rank (source: van der Waerden 1952)."""
    from scipy.special import ndtri

    return np.asarray(ndtri((ranks(values) - 0.5) / values.size))


def correlation(x: Numbers, y: Numbers) -> float:
    """Return the correlation of two lists of numbers, 0 where one of them does not vary."""
    x, y = x - x.mean(), y - y.mean()
    size = math.sqrt(float(x @ x) * float(y @ y))
    return max(-1.0, min(1.0, float(x @ y) / size)) if size > 0.0 else 0.0


def correlation_p_value(found: float, freedom: float) -> float:
    """Return the two-sided p-value of a correlation by the t-test; 1 where there are too few draws for one."""
    from scipy.special import stdtr

    if freedom < LEAST_FREEDOM:
        return 1.0
    if abs(found) >= 1.0:
        return 0.0
    return float(2.0 * stdtr(freedom, -abs(found) * math.sqrt(freedom / (1.0 - found * found))))


def squared_interval(found: float, freedom: float) -> tuple[float, float]:
    """Return the 90 % interval of a squared rank correlation (source: Bonett and Wright 2000); the lower end is 0 across 0."""
    if abs(found) >= 1.0:
        return 1.0, 1.0
    if freedom < LEAST_FREEDOM:
        return 0.0, 1.0
    reach = _NORMAL_90 * math.sqrt((1.0 + 0.5 * found * found) / (freedom - 1.0))
    centre = math.atanh(abs(found))
    return math.tanh(max(centre - reach, 0.0)) ** 2, math.tanh(centre + reach) ** 2


def adjusted_square(found: float, freedom: float) -> float:
    """Return the share of variance behind a correlation, less what luck alone would give on average; never below 0."""
    if freedom < LEAST_FREEDOM:
        return 0.0
    return max(0.0, 1.0 - (1.0 - found * found) * (freedom + 1.0) / freedom)


def groups_p_value(values: Numbers, groups: NDArray[Any], size: float) -> float:
    """Return the p-value that groups differ in their mean rank (analysis of variance on ranks of `size` different draws)."""
    from scipy.special import fdtrc

    names = np.unique(groups)
    between, within = names.size - 1.0, size - names.size
    if between < 1.0 or within < LEAST_FREEDOM:
        return 1.0
    placed = ranks(values)
    total = float(np.square(placed - placed.mean()).sum())
    left = sum(float(np.square(placed[groups == name] - placed[groups == name].mean()).sum()) for name in names)
    if total == 0.0:
        return 1.0
    if left == 0.0:
        return 0.0
    return float(fdtrc(between, within, (total - left) / between / (left / within)))


def clear(p_values: Sequence[float], alpha: float = ALPHA) -> list[bool]:
    """Return which of some tests are clear, with a chance of at most `alpha` of any false one (Holm's correction)."""
    from kechuang.analyse.lever_claims import holm

    return [corrected <= alpha for corrected in holm(p_values)]
