"""An emulator of the summaries over scores, and the history-matching cut made with it.

Each summary, on the scale of its error model, is a constant, slopes of a few scores (of parameters, and of luck that can be read
beforehand), products of these, and a remainder with a covariance. A term enters by forward selection while its t-value is
above a bar, so that figures hang on what moves them and many scores can be screened with few rows. The emulator
only decides where rows of the table are spent; its faults cost efficiency, not truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kechuang.calibrate.error_model import FigureError

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Emulator:
    """Expected summaries a + A x + C p, p the products of pairs of scores; and the covariance of what is left.

    Shapes: [figures], [figures, scores], pairs [products, 2], [figures, products], [figures, figures].
    """

    intercepts: Array
    slopes: Array
    pairs: Labels
    curvature: Array
    remainder: Array

    def predict(self, scores: Array) -> Array:
        """Return expected summaries [rows, figures]."""
        products = scores[:, self.pairs[:, 0]] * scores[:, self.pairs[:, 1]]
        return np.asarray(self.intercepts + scores @ self.slopes.T + products @ self.curvature.T)

    def linearised(self, at: Array) -> tuple[Array, Array]:
        """Return constant [figures] and slopes [figures, scores] of the tangent at a point."""
        slopes = self.slopes.copy()
        for (first, second), bend in zip(self.pairs, self.curvature.T, strict=True):
            slopes[:, first] += bend * at[second]
            slopes[:, second] += bend * at[first]
        return self.predict(at[None, :])[0] - slopes @ at, slopes


def fit_emulator(scores: Array, summaries: Array, bar: float) -> Emulator:
    """Fit it to rows [rows, scores] and [rows, figures]; rows with a summary that is missing are left out."""
    whole = np.isfinite(summaries).all(axis=1)
    scores, summaries = scores[whole], summaries[whole]
    count, figures = summaries.shape
    if count < 8:
        raise ValueError(f"an emulator needs at least 8 rows, not {count}")
    intercepts, slopes = np.zeros(figures), np.zeros((figures, scores.shape[1]))
    residuals = np.empty_like(summaries)
    bends: dict[tuple[int, int, int], float] = {}
    for j in range(figures):
        chosen = _selected(np.ones((count, 1)), scores, summaries[:, j], bar)
        design = np.column_stack([np.ones(count), scores[:, chosen]])
        pairs = [(a, b) for place, a in enumerate(sorted(chosen)) for b in sorted(chosen)[place:]]
        products = np.column_stack([np.empty((count, 0)), *(scores[:, a] * scores[:, b] for a, b in pairs)])
        kept = _selected(design, products, summaries[:, j], bar)
        design = np.column_stack([design, products[:, kept]])
        coefficients = np.linalg.lstsq(design, summaries[:, j], rcond=None)[0]
        intercepts[j], slopes[j, chosen] = coefficients[0], coefficients[1 : 1 + len(chosen)]
        bends |= {(j, *pairs[k]): value for k, value in zip(kept, coefficients[1 + len(chosen) :], strict=True)}
        # Residuals at their full size: terms have been taken from the same rows.
        residuals[:, j] = (summaries[:, j] - design @ coefficients) * np.sqrt(count / max(1, count - design.shape[1]))
    # A little on the diagonal keeps a summary without any remainder invertible.
    remainder = np.atleast_2d(np.cov(residuals, rowvar=False)) + 1e-9 * np.eye(figures)
    return Emulator(intercepts, slopes, *_collected(bends, figures), remainder)


def _collected(bends: dict[tuple[int, int, int], float], figures: int) -> tuple[Labels, Array]:
    """Return all pairs that any figure uses, and every figure's coefficients of them."""
    pairs = sorted({(first, second) for _, first, second in bends})
    curvature = np.array([[bends.get((j, *pair), 0.0) for pair in pairs] for j in range(figures)])
    return np.array(pairs, dtype=np.int64).reshape(len(pairs), 2), curvature.reshape(figures, len(pairs))


def _selected(start: Array, candidates: Array, summary: Array, bar: float) -> list[int]:
    """Return the candidate columns that enter a regression beside those it starts with, strongest first."""
    chosen: list[int] = []
    while len(chosen) < candidates.shape[1]:
        design = np.column_stack([start, candidates[:, chosen]])
        freedom = summary.size - design.shape[1] - 1
        if freedom <= summary.size // 2:
            break
        best, value = _strongest(design, candidates, summary, freedom)
        if value < bar or best in chosen:
            break
        chosen.append(best)
    return chosen


def _strongest(design: Array, candidates: Array, summary: Array, freedom: int) -> tuple[int, float]:
    """Return the column that explains most of what a design leaves of a summary, and its t-value."""
    basis = np.linalg.qr(design)[0]
    residual = summary - basis @ (basis.T @ summary)
    free = candidates - basis @ (basis.T @ candidates)
    lengths = np.sqrt(np.square(free).sum(axis=0))
    shares = np.abs(free.T @ residual) / np.maximum(lengths, 1e-12)
    shares[lengths < 1e-6] = 0.0
    best = int(np.argmax(shares))
    left = max(float(residual @ residual) - shares[best] ** 2, 1e-300)
    return best, float(shares[best] / np.sqrt(left / freedom))


def implausibility(emulator: Emulator, errors: Sequence[FigureError], scores: Array) -> Array:
    """Return |E f - z| / sqrt(V) for vectors of parameters [rows, parameters] and every figure.

    V holds the error model's variance, the remainder's, and that of luck scores, which stand after the parameters.
    """
    dimension = scores.shape[1]
    hidden = emulator.slopes.shape[1] - dimension
    expected = emulator.predict(np.column_stack([scores, np.zeros((scores.shape[0], hidden))]))
    means = np.array([error.mean for error in errors])
    own = np.array([error.variance for error in errors])
    luck = np.square(emulator.slopes[:, dimension:]).sum(axis=1)
    return np.asarray(np.abs(expected - means) / np.sqrt(own + np.diag(emulator.remainder) + luck))
