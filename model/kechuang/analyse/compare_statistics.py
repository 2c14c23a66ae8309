"""Statistics of paired runs: differences draw by draw, ratios of two mean differences, and orders of scenarios.

Two scenarios meet the same parameters and the same luck in draw k, so what is compared is B - A in that draw:

    mean      m = mean(B - A), interval m +- t(0.975, n - 1) s / sqrt(n), Monte-Carlo error s / sqrt(n)
    P(B > A)  share of draws, error by Wilson at one standard error; draws that tie count for neither side
    variance  [var(A) + var(B)] / var(B - A): how many times more draws independent runs (other parameters, other
    ratio     luck) would need for the same error; `within` takes the variances inside each closure, pooled, which is
              what independent runs that also give every closure its turn would face
    ratio of means: interval of 2.5 to 97.5 % over paired resamples of the draws (Efron's bootstrap), same resamples
              for every ratio; undefined where the interval of the denominator includes 0

The resamples come from a generator with a fixed seed: a comparison is a pure function of the runs compared.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from kechuang.analyse.targets import monte_carlo_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

COVERAGE = 0.95
"""Coverage of the intervals of means and ratios."""
LEVELS = (0.05, 0.50, 0.95)
"""Quantiles shown of the differences themselves."""
RESAMPLES = 4000
BOOTSTRAP_SEED = 20_201_231
ORDER_SHARE = 0.8
"""An order is called one only if at least this share of draws shows it."""
UNDEFINED = "undefined: the effect cannot be told from zero"
NO_VALUE = "no value"


@dataclass(frozen=True)
class Difference:
    """How a scenario differs from the base in one number: B - A over the draws that have a value in both.

    `low` and `high` bound the mean; `q05`, `q50`, `q95` are quantiles of the differences; `probability` is P(B > A)
    and `lower` is P(B < A), the rest ties. Numbers that so few draws cannot give are NaN.
    """

    draws: int
    base_mean: float
    scenario_mean: float
    mean: float
    low: float
    high: float
    error: float
    q05: float
    q50: float
    q95: float
    probability: float
    probability_error: float
    lower: float
    variance_ratio: float
    variance_ratio_within: float

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the mean (95 %, paired t)."""
        return self.low, self.high

    @property
    def told_from_zero(self) -> bool:
        """Whether the interval of the mean leaves 0 out (False where there is no interval)."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True)
class Ratio:
    """A ratio of two mean differences with its interval; `status` is empty or says why there is no number."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    status: str = ""


def difference(base: Numbers, scenario: Numbers, closures: NDArray[np.str_]) -> Difference:
    """Return what the draws say about scenario - base; one entry per draw in all three arrays."""
    import numpy as np

    known = ~(np.isnan(base) | np.isnan(scenario))
    a, b = base[known], scenario[known]
    n = int(a.size)
    if n == 0:
        return Difference(0, *[math.nan] * 14)
    gap = b - a
    low, high = mean_interval(gap)
    q05, q50, q95 = np.quantile(gap, LEVELS).tolist()
    above, below = float((gap > 0.0).sum()), float((gap < 0.0).sum())
    return Difference(
        draws=n,
        base_mean=float(a.mean()),
        scenario_mean=float(b.mean()),
        mean=float(gap.mean()),
        low=low,
        high=high,
        error=float(gap.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan,
        q05=q05,
        q50=q50,
        q95=q95,
        probability=above / n,
        probability_error=monte_carlo_error(above, n),
        lower=below / n,
        variance_ratio=variance_ratio(a, b),
        variance_ratio_within=_within(a, b, closures[known]),
    )


def mean_interval(values: Numbers) -> tuple[float, float]:
    """Return the t interval of a mean; NaN with fewer than two values, a point where all are equal."""
    from scipy.stats import t as student

    n = int(values.size)
    if n < 2:
        return math.nan, math.nan
    mean, half = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(n)
    half *= float(student.ppf(0.5 + COVERAGE / 2.0, n - 1))
    return mean - half, mean + half


def variance_ratio(a: Numbers, b: Numbers) -> float:
    """Return [var(a) + var(b)] / var(b - a); infinite where only the difference does not vary, NaN if undefined."""
    if a.size < 2:
        return math.nan
    return _over(float(a.var(ddof=1) + b.var(ddof=1)), float((b - a).var(ddof=1)))


def _within(a: Numbers, b: Numbers, closures: NDArray[np.str_]) -> float:
    """Return the variance ratio with deviations from the mean of each closure (closures of one draw say nothing)."""
    import numpy as np

    apart = paired = 0.0
    for closure in np.unique(closures):
        part = closures == closure
        for values in (a[part], b[part]):
            apart += float(((values - values.mean()) ** 2).sum())
        gap = (b - a)[part]
        paired += float(((gap - gap.mean()) ** 2).sum())
    return _over(apart, paired) if a.size > np.unique(closures).size else math.nan


def _over(above: float, below: float) -> float:
    if below > 0.0:
        return above / below
    return math.inf if above > 0.0 else math.nan


def ratio(numerator: Numbers, denominator: Numbers) -> Ratio:
    """Return mean(numerator) / mean(denominator) of paired draws with its bootstrap interval."""
    import numpy as np

    known = ~(np.isnan(numerator) | np.isnan(denominator))
    above, below = numerator[known], denominator[known]
    if above.size == 0:
        return Ratio(status=NO_VALUE)
    low, high = mean_interval(below)
    if not (low > 0.0 or high < 0.0):
        return Ratio(status=UNDEFINED)
    weights = _resamples(int(above.size))
    tops, bottoms = weights @ above, weights @ below
    tail = 0.5 - COVERAGE / 2.0
    sign = 1.0 if below.mean() > 0.0 else -1.0
    if np.quantile(sign * bottoms, tail) <= 0.0:
        return Ratio(status=UNDEFINED)
    # The few resamples whose denominator is 0 or on the other side would be beyond every bound.
    safe = sign * bottoms > 0.0
    low, high = (float(bound) for bound in np.quantile(tops[safe] / bottoms[safe], (tail, 1.0 - tail)))
    return Ratio(float(above.mean() / below.mean()), low, high)


@lru_cache(maxsize=4)
def _resamples(n: int) -> Numbers:
    """Return the weights of n draws in every resample, one row each; the same for every ratio of n draws."""
    import numpy as np

    numbers = np.random.Generator(np.random.PCG64(BOOTSTRAP_SEED))
    chosen = numbers.integers(0, n, (RESAMPLES, n))
    weights = np.zeros((RESAMPLES, n))
    np.add.at(weights, (np.arange(RESAMPLES)[:, None], chosen), 1.0 / n)
    return weights


@dataclass(frozen=True)
class Order:
    """One order of the scenarios, highest first, such as `plan > baseline = twin`, and how many draws show it."""

    text: str
    share: float
    error: float
    draws: int


def orders(values: Mapping[str, Numbers]) -> list[Order]:
    """Return every order that occurs, the most frequent first; equal numbers are joined by `=`, never split."""
    import numpy as np

    labels = list(values)
    matrix = np.array([values[label] for label in labels], dtype=float)
    matrix = matrix[:, ~np.isnan(matrix).any(axis=0)]
    n = matrix.shape[1]
    counts = Counter(_order_of(labels, matrix[:, draw]) for draw in range(n))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Order(text, count / n, monte_carlo_error(count, n), n) for text, count in ranked]


def _order_of(labels: list[str], numbers: Numbers) -> str:
    ranked = sorted(range(len(labels)), key=lambda place: (-float(numbers[place]), place))
    text = labels[ranked[0]]
    for before, place in pairwise(ranked):
        text += f" {'=' if numbers[place] == numbers[before] else '>'} {labels[place]}"
    return text
