"""Checks that need no new run: every one of them reads the stored table.

Recovery and ranks: a row of the last round is taken as the truth of another city, its summaries plus a draw of the error are
the figures that city prints, and the other rows learn from them. The emulator's posterior under all figures serves as the
prior of these cities, so that they lie where the real one may lie; rows stand for it by their weights. With a right
engine the share of the posterior below the truth is uniform, for every parameter (simulation-based calibration).

A table serves cities that lie where its rows are. Where a handful of rows answers for a city, its intervals are those of a
handful of numbers, whatever the engine is worth; such cities can be passed over. That is decided by the figures they print
and never by their truth, and among cities chosen by their figures ranks are uniform as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from kechuang.analyse.association import ranks_inside
from kechuang.calibrate.error_model import FigureError, log_kernel
from kechuang.calibrate.proposal import ALL_FIGURES
from kechuang.calibrate.table import Table
from kechuang.calibrate.weights import Weights, effective_size, quantiles, weigh

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

@dataclass(frozen=True)
class Recovery:
    """Synthetic cities: shares of each posterior below the truth [cities, parameters], and effective sizes [cities]."""

    below: Array
    effective: Array
    tried: int = 0
    """Cities that were looked at, those included that had too few rows."""

    def covered(self, level: float = 0.9) -> Array:
        """Return for every parameter the share of cities whose central interval holds the truth."""
        tail = 0.5 * (1.0 - level)
        return np.asarray(((self.below > tail) & (self.below < 1.0 - tail)).mean(axis=0))

    def p_values(self) -> Array:
        """Return for every parameter the Kolmogorov-Smirnov p-value of uniform ranks."""
        from scipy.stats import kstest

        return np.array([kstest(column, "uniform").pvalue for column in self.below.T])


def synthetic_cities(table: Table, count: int, seed: int) -> Labels:
    """Return the positions of rows that stand for cities, drawn from the prior of cities, the closures in turn."""
    generator = np.random.Generator(np.random.PCG64([seed, 3]))
    closures = len(table.design.closures)
    cities = np.empty(count, dtype=np.int64)
    for closure in range(closures):
        able = _able(table, closure)
        logs = _log_city_prior(table, closure, able)
        chances = np.exp(logs - logs.max())
        turns = cities[closure::closures].size
        cities[closure::closures] = generator.choice(able, size=turns, p=chances / chances.sum())
    return cities


def recover(
    table: Table,
    cities: Labels,
    seed: int,
    errors: Sequence[FigureError] | None = None,
    least: float = 0.0,
    enough: int | None = None,
) -> Recovery:
    """Learn each city from the other rows of its closure; `errors` is what the learner believes about the figures.

    Cities with an effective size below `least` are passed over; it ends with `enough` cities learnt.
    """
    generator = np.random.Generator(np.random.PCG64([seed, 4]))
    own = table.design.errors
    believed = own if errors is None else errors
    below = [np.empty((0, table.design.dimension))]
    effective: list[float] = []
    tried = 0
    for city in cities:
        if len(effective) == enough:
            break
        tried += 1
        offsets = np.array([float(error.offsets(generator, 1)[0]) for error in own])
        printed = np.array([float(error.on_scale(error.printed)) for error in own])
        shifts = table.on_scale[city] + offsets - printed
        closure = int(table.rows.closure[city])
        able = _able(table, closure)
        others = able[able != city]
        logs = log_kernel(believed, table.on_scale[others], shifts).sum(axis=1)
        logs += _log_city_prior(table, closure, others)
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        if (size := effective_size(weights)) < least:
            continue
        below.append((weights @ (table.rows.scores[others] < table.rows.scores[city]))[None, :])
        effective.append(size)
    return Recovery(np.concatenate(below), np.array(effective), tried)


def _able(table: Table, closure: int) -> Labels:
    """Return the positions of a closure's rows of the last round that have every summary."""
    last = table.rows.round == table.rows.round.max()
    return np.flatnonzero(last & table.of_closure(closure) & np.isfinite(table.on_scale).all(axis=1))


def _log_city_prior(table: Table, closure: int, rows: Labels) -> Array:
    """Return the log weights with which rows stand for the prior of cities."""
    likelihood = table.proposals[closure].log_components(table.inputs[rows])[:, ALL_FIGURES]
    return np.asarray(likelihood + table.rows.log_ratio[rows])


@dataclass(frozen=True)
class Prediction:
    """What weighted rows say about one figure: quantiles 5, 50, 95 % of the summary and of the figure it would print."""

    name: str
    printed: float
    model: Array
    figure: Array
    width: float
    """Width of the figure's 90 % interval over that of the error model, on the scale of the error."""
    rank: float
    """Share of the predicted figures below the printed one."""
    effective: float

    @property
    def inside(self) -> bool:
        """Whether the 90 % interval holds the printed figure."""
        return bool(self.figure[0] <= self.printed <= self.figure[2])


def predict(table: Table, weights: Weights, number: int, seed: int) -> Prediction:
    """Return the prediction of a figure: the rows' summaries, and those with a draw of the error."""
    error = table.design.errors[number]
    known = np.isfinite(table.on_scale[:, number]) & (weights.values > 0.0)
    own, summary = weights.values[known], table.on_scale[known, number]
    generator = np.random.Generator(np.random.PCG64([seed, 5, number]))
    # Several errors for each row: the interval is that of the mixture, not of one draw.
    copies = 20
    figure = np.concatenate([summary + error.offsets(generator, summary.size) for _ in range(copies)])
    spread = np.tile(own, copies) / copies
    low, middle, high = quantiles(figure, spread)
    ends = error.interval()
    printed = float(error.on_scale(error.printed))
    return Prediction(
        error.summary,
        error.printed,
        error.off_scale(quantiles(summary, own)),
        error.off_scale(np.array([low, middle, high])),
        float((high - low) / (ends[1] - ends[0])),
        float(spread[figure < printed].sum() / spread.sum()),
        effective_size(weights.values),
    )


def left_out(table: Table, seed: int) -> list[Prediction]:
    """Return for every figure what the others predict."""
    return [
        predict(table, weigh(table, without=number), number, seed) for number in range(len(table.design.errors))
    ]


def moved_by(table: Table, most: int = 3) -> Iterator[tuple[str, Mapping[int, float]]]:
    """Yield for every figure the scores that move it most under the prior: rank correlations in the pilot, inside closures.

    Only what luck would not make is named (Bonferroni over all figures and parameters, 5 %); there may be none.
    """
    pilot, dimension = table.rows.round == 0, table.design.dimension
    closures = table.rows.closure[pilot]
    inputs = np.stack([ranks_inside(column, closures) for column in table.rows.scores[pilot].T], axis=1)
    bar = norm.isf(0.025 / (dimension * len(table.design.errors))) / np.sqrt(pilot.sum())
    for error, summary in zip(table.design.errors, table.on_scale[pilot].T, strict=True):
        known = np.isfinite(summary)
        ranked = ranks_inside(summary[known], closures[known])
        length = np.sqrt(np.square(inputs[known]).sum(axis=0) * np.square(ranked).sum())
        found = np.divide(ranked @ inputs[known], length, out=np.zeros(dimension), where=length > 0.0)
        first = np.argsort(-np.abs(found), kind="stable")[:most]
        yield error.summary, {int(place): float(found[place]) for place in first if abs(found[place]) > bar}


def history(table: Table) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Yield for every closure the share of the prior that the pilot's emulator does not rule out, by figure and by all."""
    for number, found in table.pilot_ruled_out.items():
        kept = found < table.design.cut
        shares = {error.summary: float(kept[:, j].mean()) for j, error in enumerate(table.design.errors)}
        yield table.design.closures[number], {**shares, "all": float(kept.all(axis=1).mean())}
