"""A linear-Gaussian simulator whose posterior is known, in the shape that the calibration engine takes.

Summaries are A z + luck with z ~ N(0, I); figures have Gaussian errors. Then the posterior is Gaussian, with mean
A'(A A' + V)^-1 y and covariance I - A'(A A' + V)^-1 A, V the variances of error and luck.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from kechuang.calibrate.error_model import FigureError
from kechuang.calibrate.proposal import Mixture
from kechuang.calibrate.table import Design, Pick, Request, Table, fill
from kechuang.randomness import stream_key, uniforms

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


def luck_of(seeds: Labels, figures: int) -> Array:
    """Return standard normal luck [seeds, figures], a function of the seed alone."""
    columns = [ndtri(uniforms(stream_key(99, j, 1), seeds)) for j in range(figures)]
    return np.column_stack([np.empty((seeds.size, 0)), *columns])


@dataclass(frozen=True)
class LinearCity:
    slopes: Array
    figures: Array
    error: float
    luck: float
    bend: float = 0.0
    """Curvature of the summaries; the analytic posterior holds without it."""
    read: int = 0
    """Figures whose luck can be read before a run."""

    @property
    def errors(self) -> tuple[FigureError, ...]:
        return tuple(
            FigureError(f"s{j}", float(y), False, (float(y),), (1.0,), self.error) for j, y in enumerate(self.figures)
        )

    def __call__(self, ids: Labels, pick: Pick) -> tuple[Request, dict[str, Array]]:
        request = pick(ids)
        expected = request.scores @ self.slopes.T
        luck = luck_of(request.luck, self.figures.size)
        found = expected + self.bend * expected**2 + self.luck * luck
        return request, {f"s{j}": found[:, j] for j in range(self.figures.size)}

    def readable(self, seeds: Labels) -> Array:
        """Return the luck of the first figures: what can be read before a run."""
        return luck_of(seeds, self.read)

    def design(self, rounds: tuple[int, ...] = (300, 1000, 1000), seed: int = 1) -> Design:
        return Design(
            seed, self.slopes.shape[1], self.errors, rounds, Mixture(0.1, 0.6, 2.0, 30), ("A", "B"), luck=self.readable
        )

    def table(self, rounds: tuple[int, ...] = (300, 1000, 1000), seed: int = 1) -> Table:
        return fill(self.design(rounds, seed), self)

    @property
    def spread(self) -> Array:
        return np.asarray(self.slopes @ self.slopes.T + (self.error**2 + self.luck**2) * np.eye(self.figures.size))

    @property
    def mean(self) -> Array:
        return np.asarray(self.slopes.T @ np.linalg.solve(self.spread, self.figures))

    @property
    def covariance(self) -> Array:
        return np.asarray(np.eye(self.slopes.shape[1]) - self.slopes.T @ np.linalg.solve(self.spread, self.slopes))

    @property
    def log_evidence(self) -> float:
        sign, size = np.linalg.slogdet(2.0 * np.pi * self.spread)
        assert sign > 0
        return float(-0.5 * self.figures @ np.linalg.solve(self.spread, self.figures) - 0.5 * size)


def linear_city(parameters: int = 12, figures: int = 5, error: float = 0.3, luck: float = 0.15) -> LinearCity:
    """Return a city in which every figure hangs on two parameters, some shared, and the last parameters on nothing."""
    slopes = np.zeros((figures, parameters))
    for j in range(figures):
        slopes[j, j], slopes[j, j + 1] = 0.9, 0.5
    truth = np.linspace(-1.0, 1.0, parameters)
    return LinearCity(slopes, slopes @ truth, error, luck)
