"""Importance weights of the table's rows, and what can be said with them: intervals, effective sizes, evidence.

The weight of a row is prior / proposal times the density of its summaries given the figures (the error kernel): with the
error model as kernel the weighted rows are the posterior itself, not an approximation to be sharpened. Every round of a
closure answers by itself; answers are averaged in proportion to their effective sizes less one: in a round where no row agrees,
one still agrees best, and that is no answer. Each closure then counts a third, whatever its evidence; the evidence is
reported beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kechuang.calibrate.error_model import FigureError, log_kernel
from kechuang.calibrate.table import Table
from kechuang.errors import CheckFailed

Array = NDArray[np.float64]

_NOTHING = 1e-9
"""What a round counts in which one row alone agrees: no more than that, unless there is no other round."""


@dataclass(frozen=True)
class Weights:
    """Weights of all rows, adding up to 1 (to an equal part in each closure), and the log evidence of each closure."""

    values: Array
    log_evidence: Array
    evidence_error: Array
    """Standard error of the log evidence."""

    @property
    def effective(self) -> float:
        """Kish's effective sample size."""
        return effective_size(self.values)

    @property
    def largest(self) -> float:
        """The largest weight as a share of all."""
        return float(self.values.max())

    def closure_shares(self) -> Array:
        """Return the posterior probability of each closure if all are as likely beforehand."""
        shares = np.exp(self.log_evidence - self.log_evidence.max())
        return np.asarray(shares / shares.sum())


def effective_size(weights: Array) -> float:
    """Return (sum w)^2 / sum w^2; 0 where no weight is above 0."""
    top = float(weights.max(initial=0.0))
    if top == 0.0:
        return 0.0
    # Weights of rows far from the figures are so small that their squares are 0.
    relative = weights / top
    return float(relative.sum() ** 2 / np.square(relative).sum())


def weigh(
    table: Table,
    errors: Sequence[FigureError] | None = None,
    without: int | None = None,
    log_ratio: Array | None = None,
) -> Weights:
    """Return the weights of a table's rows under its figures (or these), with one left out if so wished.

    `log_ratio` is the log density of another prior over the model's own, or that of one more figure, for every row.
    """
    chosen = list(errors or table.design.errors)
    terms = log_kernel(chosen, table.on_scale)
    if without is not None:
        terms = np.delete(terms, without, axis=1)
    logs = terms.sum(axis=1) + table.rows.log_ratio
    if log_ratio is not None:
        logs = logs + log_ratio
    return normalised(table, logs)


def normalised(table: Table, logs: Array) -> Weights:
    """Return weights from log weights: each closure for itself, then equal parts."""
    closures = range(len(table.design.closures))
    values, evidence, error = np.zeros(logs.size), np.empty(len(closures)), np.empty(len(closures))
    for number in closures:
        mine = np.flatnonzero(table.of_closure(number))
        top = logs[mine].max()
        if not np.isfinite(top):
            raise CheckFailed(
                f"no row of closure {table.design.closures[number]} agrees with the figures at all: "
                "the table is too small, or the model cannot make them"
            )
        weights, mean, spread = _averaged(np.exp(logs[mine] - top), table.rows.round[mine])
        values[mine] = weights / len(closures)
        evidence[number], error[number] = top + np.log(mean), spread / mean
    return Weights(values, evidence, error)


def _averaged(raw: Array, rounds: NDArray[np.int64]) -> tuple[Array, float, float]:
    """Return weights that average the answers of rounds, the average of their mean weights, and its standard error."""
    weights, sizes, means, errors = np.zeros(raw.size), [], [], []
    for number in np.unique(rounds):
        mine = rounds == number
        if raw[mine].sum() == 0.0:
            continue
        size = max(effective_size(raw[mine]) - 1.0, _NOTHING)
        weights[mine] = size * raw[mine] / raw[mine].sum()
        sizes.append(size)
        means.append(raw[mine].mean())
        errors.append(raw[mine].std() / np.sqrt(raw[mine].size))
    shares = np.array(sizes) / np.sum(sizes)
    return weights / np.sum(sizes), float(shares @ means), float(np.sqrt(np.square(shares) @ np.square(errors)))


def quantiles(values: Array, weights: Array, levels: Sequence[float] = (0.05, 0.5, 0.95)) -> Array:
    """Return weighted quantiles: the smallest values that have at least these shares of the weight at or below them."""
    order = np.argsort(values, kind="stable")
    steps = np.cumsum(weights[order])
    places = np.searchsorted(steps, np.asarray(levels) * steps[-1])
    return np.asarray(values[order][np.minimum(places, values.size - 1)])


def moments(scores: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Return weighted mean and variance of each column, and the standard error of the variance.

    The variance is freed of what a small effective size takes from it.
    """
    shares = weights / weights.sum()
    mean = shares @ scores
    squares = np.square(scores - mean)
    variance = shares @ squares / (1.0 - np.square(shares).sum())
    return mean, variance, np.sqrt(np.square(shares) @ np.square(squares - variance))


@dataclass(frozen=True)
class Contraction:
    """1 - posterior variance / prior variance of every score, with standard errors; by closure and as their mean.

    The mean is taken over variances inside closures: a parameter is not unlearnt because closures differ on it.
    """

    by_closure: Array
    by_closure_error: Array
    effective: Array
    """Effective sizes of the closures."""

    @property
    def mean(self) -> Array:
        """Mean over the closures [parameters]."""
        return np.asarray(self.by_closure.mean(axis=0))

    @property
    def error(self) -> Array:
        """Standard error of the mean."""
        return np.asarray(np.sqrt(np.square(self.by_closure_error).sum(axis=0)) / self.by_closure.shape[0])

    @property
    def error_if_unlearnt(self) -> float:
        """Standard error that the mean has where nothing is learnt: that of the variance of so many normal numbers."""
        return float(np.sqrt((2.0 / self.effective).sum()) / self.effective.size)


def contraction(table: Table, weights: Weights) -> Contraction:
    """Return how much narrower than its prior every score has become."""
    closures = [table.of_closure(number) for number in range(len(table.design.closures))]
    parts = [moments(table.rows.scores[mine], weights.values[mine])[1:] for mine in closures]
    return Contraction(
        1.0 - np.stack([part[0] for part in parts]),
        np.stack([part[1] for part in parts]),
        np.array([effective_size(weights.values[mine]) for mine in closures]),
    )


def resampled(table: Table, weights: Weights, count: int, seed: int) -> NDArray[np.int64]:
    """Return `count` positions of rows, the closures taking turns, by systematic resampling in each, then shuffled."""
    closures = len(table.design.closures)
    if count % closures:
        raise ValueError(f"{count} draws are no multiple of {closures} closures")
    generator = np.random.Generator(np.random.PCG64([seed, 1]))
    each = count // closures
    chosen = np.empty((each, closures), dtype=np.int64)
    for number in range(closures):
        positions = np.flatnonzero(table.of_closure(number))
        steps = np.cumsum(weights.values[positions])
        points = (generator.random() + np.arange(each)) / each * steps[-1]
        picked = positions[np.minimum(np.searchsorted(steps, points), positions.size - 1)]
        chosen[:, number] = generator.permutation(picked)
    return chosen.ravel()
