"""Regression adjustment, as a second opinion on the weights: local-linear and heteroscedastic, on normal scores.

The error kernel is part of the model, so adjusting the weighted rows towards the figures would take the error out again.
Instead every row prints a figure of its own (its summaries plus a draw of the error), rows whose printed figures lie near the
real ones are taken, nearest most, and their scores are moved along the regression of scores on printed figures and
rescaled by the spread that the regression expects here and there. Scores have no bounds, so parameters keep theirs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kechuang.calibrate.table import Table
from kechuang.calibrate.weights import effective_size

Array = NDArray[np.float64]


def adjusted(table: Table, closure: int, seed: int, effective: float = 300.0) -> tuple[Array, Array]:
    """Return adjusted scores [kept rows, parameters] of a closure and their weights.

    The neighbourhood is the smallest whose effective size reaches `effective` (or a third of the rows' own).
    """
    mine = table.of_closure(closure)
    scores, base = table.rows.scores[mine], np.exp(table.rows.log_ratio[mine])
    away = _printed(table, mine, seed)
    whole = np.isfinite(away).all(axis=1)
    scores, base, away = scores[whole], base[whole], away[whole]
    distance = np.sqrt(np.square(away).sum(axis=1))
    weights = _near(distance, base, min(effective, effective_size(base) / 3.0))
    kept = weights > 0.0
    return _moved(scores[kept], away[kept], weights[kept]), weights[kept] / weights.sum()


def _printed(table: Table, mine: NDArray[np.bool_], seed: int) -> Array:
    """Return how far each row's printed figures lie from the real ones, in standard deviations of the error."""
    generator = np.random.Generator(np.random.PCG64([seed, 2]))
    found = []
    for j, error in enumerate(table.design.errors):
        offsets = error.offsets(generator, table.rows.ids.size)[mine]
        printed = table.on_scale[mine, j] + offsets
        found.append((printed - float(error.on_scale(error.printed))) / np.sqrt(error.variance))
    return np.stack(found, axis=1)


def _near(distance: Array, base: Array, wanted: float) -> Array:
    """Return base weights times an Epanechnikov kernel, just wide enough for the wanted effective size."""
    order = np.sort(distance)
    low, high = 1, order.size - 1
    while low < high:
        middle = (low + high) // 2
        weights = base * np.maximum(0.0, 1.0 - np.square(distance / order[middle]))
        if effective_size(weights) >= wanted:
            high = middle
        else:
            low = middle + 1
    return np.asarray(base * np.maximum(0.0, 1.0 - np.square(distance / order[high])))


def _moved(scores: Array, away: Array, weights: Array) -> Array:
    """Move scores along their regression on the printed figures to the real ones, mean and log spread alike."""
    design = np.column_stack([np.ones(away.shape[0]), away])
    root = np.sqrt(weights)[:, None]
    slopes = np.linalg.lstsq(root * design, root * scores, rcond=None)[0]
    residuals = scores - design @ slopes
    logs = np.log(np.square(residuals) + 1e-12)
    spread = np.linalg.lstsq(root * design, root * logs, rcond=None)[0]
    ratio = np.exp(0.5 * (spread[0] - design @ spread))
    # A spread extrapolated by more than threefold says that the regression is out of its depth.
    return np.asarray(slopes[0] + residuals * np.clip(ratio, 1.0 / 3.0, 3.0))
