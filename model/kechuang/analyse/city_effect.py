"""After the verdict: how far two parameters of behaviour would have to move for the other city to come out right.

The two are those that make the counts: imitation in registration and the cost of certification. Draws say how they go together
with the predicted counts (covariances of logs); a linear update on the true counts, known as well as the same counts of the
first city, gives what they would be in the other one. A move of more than two standard deviations of what was learnt is called a
city effect: policy regimes then differ between cities, as they may between years, and the spread between cities belongs to
projections too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kechuang.analyse.forecast import FULL
from kechuang.analyse.transfer import Prediction
from kechuang.errors import InputError, Problem
from kechuang.evidence import load_evidence
from kechuang.parameters import Draw

Numbers = NDArray[np.float64]
PARAMETERS = ("registration_imitation", "certification_cost")
SIBLINGS = {"high_tech_firms": "tz_hte_2020_press", "tech_sme_firms": "tz_tsme_2020_press"}
"""The figures of the first city whose discrepancy, a share of the count, is the standard deviation of the log of the count here."""
FAR = 2.0
"""Standard deviations from which a move is called a city effect."""


def city_effect(
    predictions: Sequence[Prediction], draws: Sequence[Draw], truth: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Return for every variant of the full model where the parameters would have to stand, and how far off that is."""
    errors = np.array([_error_of(name) for name in SIBLINGS.values()])
    logs = np.log([[draw.number(key) for key in PARAMETERS] for draw in draws])
    found = []
    for one in predictions:
        if one.model != FULL:
            continue
        counts = np.log(np.column_stack([np.maximum(one.values[key], 0.5) for key in SIBLINGS]))
        actual = np.log([truth[key] for key in SIBLINGS])
        moved = linear_update(logs, counts, actual, np.square(errors))
        beyond = bool(((actual < counts.min(axis=0)) | (actual > counts.max(axis=0))).any())
        spread = logs.std(axis=0, ddof=1)
        parameters = {
            key: {
                "learnt": _short(np.exp(logs[:, place].mean())),
                "there": _short(np.exp(logs[:, place].mean() + moved[place])),
                "moved": _short(moved[place] / spread[place] if spread[place] > 0.0 else 0.0),
                "between_cities": _short(abs(moved[place]) / np.sqrt(2.0)),
            }
            for place, key in enumerate(PARAMETERS)
        }
        effect = any(abs(entry["moved"]) > FAR for entry in parameters.values())
        found.append({"variant": dict(one.variant), "parameters": parameters, "effect": effect, "extrapolated": beyond})
    return found


def linear_update(parameters: Numbers, predicted: Numbers, actual: Numbers, error_variance: Numbers) -> Numbers:
    """Return by how much the mean of the parameters [draws, p] moves when the predictions [draws, n] are known to be `actual`.

    Exact where both are jointly normal; `error_variance` [n] is that of the actual numbers.
    """
    off, spread = parameters - parameters.mean(axis=0), predicted - predicted.mean(axis=0)
    count = len(parameters) - 1
    together, among = off.T @ spread / count, spread.T @ spread / count
    return np.asarray(together @ np.linalg.solve(among + np.diag(error_variance), actual - predicted.mean(axis=0)))


def _error_of(figure: str) -> float:
    """Return the relative discrepancy of a figure; InputError if the evidence gives none."""
    error = load_evidence()[figure].error
    if error is None or error.discrepancy is None or error.scale != "relative":
        raise InputError(Problem("calibration/evidence.yaml", key=figure, message="has no relative discrepancy"))
    return error.discrepancy


def _short(value: float) -> float:
    return float(f"{value:.4g}")
