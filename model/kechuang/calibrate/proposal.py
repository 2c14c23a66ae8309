"""Where rows of the table are spent: many candidates of parameters and luck, of which an emulator picks one.

The aim is the prior times  g = defence + sum of shares * L / Z,  L the emulator's likelihood under all figures, and under all
but each one, Z its mean over the prior. What the emulator leaves unexplained counts `inflation` times in L. A candidate is a
vector from a mixture of Gaussians (the tangents of the emulator at the most likely points: Bayes' rule gives their density
over the prior's, q / p, in the dimension of the figures) with a luck seed of its own. One of M candidates is picked with chances
r = p / q * g; then  mean(r) / g  is its exact importance weight towards the prior, whatever the emulator is worth, for any M
(sampling-importance-resampling with its weights kept).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from kechuang.calibrate.emulator import Emulator
from kechuang.calibrate.error_model import FigureError

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
LuckScores = Callable[[Labels], Array]
"""Reads the luck scores [seeds, scores] of luck seeds."""
ALL_FIGURES = 0
"""The component that rests on all figures."""
SEED_LIMIT = 2**40
_STEPS, _DAMPING = 12, 0.6
_BATCH = 2000


@dataclass(frozen=True)
class Mixture:
    """How rows are shared out: to the prior, to the posterior of all figures, and equally to those without one figure."""

    defence: float
    all_figures: float
    inflation: float
    candidates: int

    def shares(self, figures: int) -> Array:
        """Return the shares of the components: all figures first, then each figure left out; the prior has the rest."""
        if figures == 1:
            return np.array([1.0 - self.defence])
        rest = (1.0 - self.defence - self.all_figures) / figures
        return np.array([self.all_figures, *[rest] * figures])


@dataclass(frozen=True)
class Tangent:
    """The Gaussian posterior of scores under a + A z = wanted with a normal error."""

    intercepts: Array
    slopes: Array
    error: Array
    wanted: Array

    @cached_property
    def _error(self) -> Array:
        return whitener(self.error)

    @cached_property
    def _evidence(self) -> Array:
        return whitener(self.slopes @ self.slopes.T + self.error)

    @cached_property
    def _root(self) -> Array:
        return np.asarray(np.linalg.cholesky(self.error), dtype=float)

    def log_ratio(self, scores: Array) -> Array:
        """Return the log of this density over the prior's at some scores [rows, scores]: likelihood over evidence."""
        missed = self.wanted - self.intercepts - scores @ self.slopes.T
        constant = log_normal(self._evidence, (self.wanted - self.intercepts)[None, :])[0]
        return np.asarray(log_normal(self._error, missed) - constant)

    def condition(self, scores: Array, noise: Array) -> Array:
        """Turn prior samples [rows, scores] and standard normal noise [rows, figures] into samples of this density."""
        missed = self.wanted - self.intercepts - scores @ self.slopes.T - noise @ self._root.T
        return np.asarray(scores + missed @ self._evidence.T @ (self._evidence @ self.slopes))


@dataclass(frozen=True)
class Proposal:
    """The proposal for one closure; without an emulator it is the prior, and the first candidate is taken."""

    mixture: Mixture
    emulator: Emulator | None = None
    errors: tuple[FigureError, ...] = ()
    tangents: tuple[Tangent, ...] = ()
    log_means: Array = field(default_factory=lambda: np.empty(0))
    """Log of Z for every component."""

    @cached_property
    def kept(self) -> list[list[int]]:
        """Figures of every component."""
        everything = list(range(len(self.errors)))
        return [everything, *([j for j in everything if j != left] for left in everything if len(everything) > 1)]

    def log_base(self, scores: Array) -> Array:
        """Return log q / p of vectors, q the mixture of tangents that candidates come from."""
        parts = [np.zeros(scores.shape[0]), *(tangent.log_ratio(scores) for tangent in self.tangents)]
        return np.asarray(logsumexp(np.stack(parts, axis=1), b=self._all_shares(), axis=1))

    @property
    def _emulator(self) -> Emulator:
        if self.emulator is None:
            raise ValueError("the prior has no components")
        return self.emulator

    @cached_property
    def _whiteners(self) -> list[Array]:
        """Whiteners of every component's figures."""
        remainder = self._emulator.remainder
        spread = np.diag([error.variance for error in self.errors]) + self.mixture.inflation * remainder
        return [whitener(spread[np.ix_(chosen, chosen)]) for chosen in self.kept]

    def log_components(self, inputs: Array) -> Array:
        """Return log L of every component at scores of parameters and luck [rows, components]."""
        missed = np.array([error.mean for error in self.errors]) - self._emulator.predict(inputs)
        parts = [log_normal(one, missed[:, chosen]) for one, chosen in zip(self._whiteners, self.kept, strict=True)]
        return np.stack(parts, axis=1)

    def log_aim(self, inputs: Array) -> Array:
        """Return log g at scores of parameters and luck."""
        parts = self.log_components(inputs) - self.log_means
        return np.asarray(logsumexp(np.column_stack([np.zeros(inputs.shape[0]), parts]), b=self._all_shares(), axis=1))

    def vectors(self, generator: np.random.Generator, count: int, dimension: int) -> Array:
        """Draw vectors of parameters from the mixture of tangents."""
        scores = generator.standard_normal((count, dimension))
        if not self.tangents:
            return scores
        noise = generator.standard_normal((count, len(self.errors)))
        number = np.searchsorted(np.cumsum(self._all_shares()), generator.random(count), side="right") - 1
        for c, tangent in enumerate(self.tangents):
            mine = number == c
            scores[mine] = tangent.condition(scores[mine], noise[mine, : tangent.wanted.size])
        return scores

    def pick(self, generator: np.random.Generator, dimension: int, luck: LuckScores) -> tuple[Array, int, float]:
        """Return a vector, a luck seed, and the log of prior over proposal, from keyed numbers."""
        count = self.mixture.candidates if self.tangents else 1
        seeds = generator.integers(0, SEED_LIMIT, size=count)
        scores = self.vectors(generator, count, dimension)
        if not self.tangents:
            return scores[0], int(seeds[0]), 0.0
        aim = self.log_aim(np.column_stack([scores, luck(seeds)]))
        chances = aim - self.log_base(scores)
        total = logsumexp(chances)
        steps = np.cumsum(np.exp(chances - total))
        picked = min(int(np.searchsorted(steps, generator.random() * steps[-1], side="right")), count - 1)
        return scores[picked], int(seeds[picked]), float(total - np.log(count) - aim[picked])

    def _all_shares(self) -> Array:
        shares = self.mixture.shares(len(self.errors)) if self.tangents else np.empty(0)
        return np.array([1.0 - shares.sum(), *shares])


def build_proposal(
    emulator: Emulator, errors: Sequence[FigureError], mixture: Mixture, dimension: int, generator: np.random.Generator
) -> Proposal:
    """Return the proposal that an emulator and the figures call for; the first `dimension` scores are parameters."""
    draft = Proposal(mixture, emulator, tuple(errors))
    tangents = tuple(_tangent(emulator, errors, chosen, mixture.inflation, dimension) for chosen in draft.kept)
    draft = Proposal(mixture, emulator, tuple(errors), tangents, np.zeros(len(tangents)))
    scores = draft.vectors(generator, _BATCH, dimension)
    luck = generator.standard_normal((_BATCH, emulator.slopes.shape[1] - dimension))
    inputs, base = np.column_stack([scores, luck]), draft.log_base(scores)
    means = logsumexp(draft.log_components(inputs) - base[:, None], axis=0) - np.log(_BATCH)
    return Proposal(mixture, emulator, tuple(errors), tangents, np.asarray(means))


def _tangent(
    emulator: Emulator, errors: Sequence[FigureError], chosen: list[int], inflation: float, dimension: int
) -> Tangent:
    """Return the tangent at the most likely point (by damped Gauss-Newton steps), luck scores counted as luck."""
    wanted = np.array([errors[j].mean for j in chosen])
    error = np.diag([errors[j].variance for j in chosen]) + inflation * emulator.remainder[np.ix_(chosen, chosen)]
    at = np.zeros(emulator.slopes.shape[1])
    for _ in range(_STEPS):
        constant, slopes = (part[chosen] for part in emulator.linearised(at))
        gain = np.linalg.solve(slopes @ slopes.T + error, wanted - constant)
        at = (1.0 - _DAMPING) * at + _DAMPING * (slopes.T @ gain)
    constant, slopes = (part[chosen] for part in emulator.linearised(at))
    luck = slopes[:, dimension:]
    return Tangent(constant, slopes[:, :dimension], error + luck @ luck.T, wanted)


def whitener(covariance: Array) -> Array:
    """Return the lower triangular W for which W covariance W' is the identity."""
    return np.asarray(np.tril(np.linalg.inv(np.linalg.cholesky(covariance))))


def log_normal(white: Array, missed: Array) -> Array:
    """Return the log density of N(0, covariance) at rows, without the constant of 2 pi, which cancels out."""
    return np.asarray(-0.5 * np.square(missed @ white.T).sum(axis=1) + np.log(np.diag(white)).sum())
