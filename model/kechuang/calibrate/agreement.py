"""Do two calibrations with different seeds say the same? Their difference, in standard errors of what luck alone would do.

Compared are the mean of every parameter (on the scale on which its prior is normal), the mean of every fitted figure as the model
makes it (on the scale of its error), and every contraction. Standard errors come from the effective sizes of the closures and
from the number of draws; with so many comparisons the bar is Bonferroni's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.analyse.findings import read_plain
from kechuang.calibrate.error_model import FigureError, scaled
from kechuang.calibrate.export import DRAWS, RESULT
from kechuang.calibrate.numbers import short
from kechuang.calibrate.scores import drawn, scores_of
from kechuang.posterior import read_draws

Array = NDArray[np.float64]
FALSE_ALARMS = 0.05
"""How often two calibrations of the same kind would be said to disagree."""


class Calibration(NamedTuple):
    """What one calibration says: draws' closures, scores and figures on their scales, and its result file."""

    closure: NDArray[np.str_]
    scores: Array
    figures: Array
    result: Mapping[str, Any]


def read_calibration(folder: Path, errors: Sequence[FigureError]) -> Calibration:
    """Read draws and result of a calibration from its folder."""
    import pyarrow.parquet as pq

    file = folder / DRAWS
    draws, table = read_draws(file, str(file)), pq.read_table(file)
    summaries = {error.summary: table[f"summary {error.summary}"].to_numpy() for error in errors}
    return Calibration(
        np.array([draw.closure for draw in draws]),
        np.array([scores_of(draw) for draw in draws]),
        scaled(errors, summaries),
        read_plain(folder / RESULT),
    )


def agreement(first: Calibration, second: Calibration, errors: Sequence[FigureError]) -> dict[str, Any]:
    """Return the largest difference in standard errors, what it is of, the bar, and how many were compared."""
    from scipy.stats import norm

    keys, figures = list(drawn()), [error.summary for error in errors]
    names = [f"mean of {key}" for key in keys] + [f"mean of {name}" for name in figures]
    names += [f"contraction of {key}" for key in keys]
    differences = np.concatenate([
        _of_means(first, second, first.scores, second.scores),
        _of_means(first, second, first.figures, second.figures),
        _of_contractions(first.result["parameters"], second.result["parameters"], keys),
    ])
    bar = float(norm.isf(0.5 * FALSE_ALARMS / differences.size))
    largest = int(np.argmax(np.abs(differences)))
    return {
        "comparisons": int(differences.size),
        "largest": short(abs(differences[largest])),
        "of": names[largest],
        "bar": short(bar),
        "agrees": bool(abs(differences[largest]) <= bar),
        "mean_square": short(np.square(differences).mean()),
    }


def _of_means(first: Calibration, second: Calibration, ours: Array, theirs: Array) -> Array:
    (one, variance), (other, their_variance) = _mean(first, ours), _mean(second, theirs)
    error = np.sqrt(variance + their_variance)
    return np.asarray(np.divide(one - other, error, out=np.zeros_like(one), where=error > 0.0))


def _mean(calibration: Calibration, values: Array) -> tuple[Array, Array]:
    """Return the mean over closures of each column and its variance: draws repeat what the table is worth in each closure."""
    means, variances = [], []
    for name, entry in calibration.result["closures"].items():
        mine = values[calibration.closure == name]
        means.append(mine.mean(axis=0))
        variances.append(mine.var(axis=0) * (1.0 / entry["effective"] + 1.0 / len(mine)))
    return np.mean(means, axis=0), np.sum(variances, axis=0) / len(means) ** 2


def _of_contractions(ours: Mapping[str, Any], theirs: Mapping[str, Any], keys: Sequence[str]) -> Array:
    return np.array([
        (ours[key]["contraction"] - theirs[key]["contraction"]) / np.hypot(ours[key]["error"], theirs[key]["error"])
        for key in keys
    ])
