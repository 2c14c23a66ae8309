"""What is known of a count at the origin of a forecast: its first and last value with their reading errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kechuang.errors import InputError

Draws = NDArray[np.float64]
LATER_START = 0.15
"""Chance that a count 'at the beginning of the five years' is that of the end of 2016 (assumed)."""


@dataclass(frozen=True)
class Known:
    """What a rival knows of a count: draws of the first and last count and of the years between, and the error it is held to.

    `last_error` is the sd of the log error under which a model is fitted to the last count.
    """

    first: Draws
    last: Draws
    years: Draws
    last_error: float = 0.02

    def __post_init__(self) -> None:
        if not self.first.shape == self.last.shape == self.years.shape:
            raise InputError("draws of both counts and of the years between need one length")
        if (self.first <= 0).any() or (self.last <= 0).any() or (self.years <= 0).any():
            raise InputError("counts and years must lie above 0")

    @property
    def drift(self) -> Draws:
        """Mean growth of the log a year."""
        return np.asarray(np.log(self.last / self.first) / self.years)

    def take(self, rows: NDArray[np.int64]) -> Known:
        """Return some of the draws."""
        return Known(self.first[rows], self.last[rows], self.years[rows], self.last_error)


def known_count(first: str, last: str, count: int, luck: np.random.Generator) -> Known:
    """Return draws of what two evidence records say (their reading errors and discrepancies), and of the years between."""
    one, other = _reading(first, count, luck), _reading(last, count, luck)
    years = np.where(luck.uniform(size=count) < LATER_START, 4.0, 5.0)
    return Known(one[0], other[0], years, other[1])


def _reading(record: str, count: int, luck: np.random.Generator) -> tuple[Draws, float]:
    from kechuang.evidence import load_evidence

    figure = load_evidence()[record]
    error = figure.error
    if figure.value is None or error is None or error.discrepancy is None or error.reading not in ("exact", "excess"):
        raise InputError(f"{record} is not a count with a reading error that the rivals understand")
    values = np.full(count, figure.value)
    if error.mean is not None and error.limit is not None:
        below = -np.expm1(-error.limit / error.mean)
        values += -error.mean * np.log1p(-below * luck.uniform(size=count))
    return values * np.exp(error.discrepancy * luck.normal(size=count)), error.discrepancy
