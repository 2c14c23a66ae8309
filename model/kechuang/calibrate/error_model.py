"""The error model: how probable a simulated summary is, given the figure that was printed.

Two errors lie between a printed figure and a run. The true value lies somewhere about the printed one (rounding, "more
than 5500", "50-odd"): the reading. The model lies somewhere about the truth: the discrepancy, lognormal where it is a
share of the figure, normal where it is in percentage points. On the scale of the discrepancy (logs, or points) the
density of a summary is the reading convolved with a normal; a reading is held as a few nodes with weights, so that
the convolution is a sum, exact for integers and to many digits for the rest. Both stand in calibration/evidence.yaml.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from kechuang.errors import InputError, Problem, did_you_mean
from kechuang.evidence import FILE, Evidence, ReadingError, load_evidence

Array = NDArray[np.float64]

_NODES = 16
"""Gauss-Legendre nodes per piece of a density: readings are narrow and smooth beside the discrepancy."""
_LEAST_SHARE = 0.02
"""A run without a single project has no logarithm: it counts as this share of the figure, far outside any error."""


@dataclass(frozen=True)
class FigureError:
    """The error model of one figure, on its own scale: `nodes` and `weights` of the reading, `sd` of the discrepancy."""

    summary: str
    printed: float
    relative: bool
    nodes: tuple[float, ...]
    weights: tuple[float, ...]
    sd: float

    def on_scale(self, values: Array | float) -> Array:
        """Return values of the indicator on the scale of the error: logs of counts and money, points as they are."""
        raw = np.asarray(values, dtype=float)
        return np.log(np.maximum(raw, _LEAST_SHARE * self.printed)) if self.relative else raw

    def off_scale(self, values: Array) -> Array:
        """Return what `on_scale` was given."""
        return np.exp(values) if self.relative else values

    @property
    def mean(self) -> float:
        """Mean of the truth on the scale of the error."""
        return float(np.dot(self.weights, self.nodes))

    @property
    def variance(self) -> float:
        """Variance of a summary given the figure: reading and discrepancy together."""
        return float(np.dot(self.weights, np.square(np.subtract(self.nodes, self.mean)))) + self.sd**2

    def log_density(self, values: Array, shift: float = 0.0) -> Array:
        """Return the log density of summaries (on the scale) given the figure; NaN, a run without it, has density 0.

        `shift` moves the figure on the scale, to what another city would have printed.
        """
        distance = (values[..., None] - shift - np.asarray(self.nodes)) / self.sd
        found = logsumexp(-0.5 * distance**2, b=np.asarray(self.weights), axis=-1)
        return np.where(np.isnan(values), -np.inf, found - math.log(self.sd * math.sqrt(2.0 * math.pi)))

    def offsets(self, generator: np.random.Generator, count: int) -> Array:
        """Draw by how much a printed figure lies above a summary on the scale: discrepancy and reading."""
        truth = generator.choice(np.asarray(self.nodes), size=count, p=np.asarray(self.weights))
        printed = float(self.on_scale(self.printed))
        return printed - truth + self.sd * generator.standard_normal(count)

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Return the central interval of a summary given the figure, on the scale."""
        from scipy.optimize import brentq
        from scipy.special import ndtr

        def below(value: float) -> float:
            return float(np.dot(self.weights, ndtr((value - np.asarray(self.nodes)) / self.sd)))

        low, high = min(self.nodes) - 9.0 * self.sd, max(self.nodes) + 9.0 * self.sd
        tail = 0.5 * (1.0 - level)
        return (
            float(brentq(lambda value: below(value) - tail, low, high)),
            float(brentq(lambda value: below(value) - 1.0 + tail, low, high)),
        )

    def with_discrepancy(self, factor: float) -> FigureError:
        """Return the same figure with a discrepancy so many times as large."""
        return FigureError(self.summary, self.printed, self.relative, self.nodes, self.weights, factor * self.sd)


def figure_errors(names: Sequence[str], factor: float = 1.0) -> tuple[FigureError, ...]:
    """Return the error models of the figures that belong to these summaries; InputError names what is missing."""
    records = {record.summary: record for record in load_evidence().values() if record.role == "fit"}
    problems = []
    for name in names:
        if name not in records:
            message = f'no figure to fit speaks to "{name}"{did_you_mean(name, records)}'
            problems.append(Problem(FILE, message=message))
        elif (error := records[name].error) is None or error.discrepancy is None:
            problems.append(Problem(FILE, key=records[name].id, message="has no discrepancy: it cannot be fitted"))
    if problems:
        raise InputError(problems)
    return tuple(figure_error(records[name]).with_discrepancy(factor) for name in names)


def figure_error(record: Evidence) -> FigureError:
    """Return the error model of a figure to fit, which has a discrepancy."""
    error = record.error
    if error is None or error.discrepancy is None:
        raise ValueError(f"{record.id} has no discrepancy")
    printed = float(record.value if record.value is not None else record.low or 0.0)
    values, weights = reading_nodes(error, printed)
    relative = error.scale == "relative"
    if relative and min(values) <= 0.0:
        raise ValueError(f"{record.id}: a relative discrepancy needs a positive figure")
    nodes = np.log(values) if relative else values
    return FigureError(record.summary, printed, relative, tuple(nodes), tuple(weights), error.discrepancy)


def reading_nodes(error: ReadingError, printed: float) -> tuple[Array, Array]:
    """Return where the true value may lie, and the weights of these places, which add up to 1."""
    low, high = error.low or 0.0, error.high or 0.0
    if error.reading == "exact":
        return np.array([printed]), np.ones(1)
    if error.reading == "uniform integer":
        values = np.arange(math.ceil(low), math.floor(high) + 1, dtype=float)
        return values, np.full(values.size, 1.0 / values.size)
    if error.reading == "mixture":
        return np.asarray(error.choices), np.asarray(error.weights)
    if error.reading == "uniform":
        return _quadrature([(low, high)], np.ones_like)
    if error.reading == "triangular":
        return _quadrature(
            [(low, printed), (printed, high)],
            lambda x: np.where(x < printed, (x - low) / (printed - low), (high - x) / (high - printed)),
        )
    mean = error.mean or 0.0
    if error.reading == "relative excess":
        mean *= printed
    # Without a limit the tail beyond 12 means holds less than a hundred-thousandth.
    reach = error.limit or 12.0 * mean
    pieces = [(printed + left * reach, printed + right * reach) for left, right in ((0.0, 0.25), (0.25, 1.0))]
    return _quadrature(pieces, lambda x: np.exp(-(x - printed) / mean))


def log_kernel(errors: Sequence[FigureError], on_scale: Array, shifts: Array | None = None) -> Array:
    """Return the log densities [rows, figures] of summaries given each figure (moved by its shift)."""
    moved = np.zeros(len(errors)) if shifts is None else shifts
    return np.stack(
        [error.log_density(on_scale[:, j], float(moved[j])) for j, error in enumerate(errors)], axis=1
    )


def scaled(errors: Sequence[FigureError], summaries: Mapping[str, Array]) -> Array:
    """Return the summaries [rows, figures] on the scales of their figures."""
    return np.stack([error.on_scale(summaries[error.summary]) for error in errors], axis=1)


def _quadrature(pieces: Sequence[tuple[float, float]], density: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Return Gauss-Legendre nodes on the pieces of a density, with weights that add up to 1."""
    points, base = np.polynomial.legendre.leggauss(_NODES)
    values = np.concatenate([0.5 * (high - low) * points + 0.5 * (high + low) for low, high in pieces])
    widths = np.concatenate([0.5 * (high - low) * base for low, high in pieces])
    weights = widths * density(values)
    return values, weights / weights.sum()
