"""After the verdict: where two parameters of behaviour would have to stand for the other city to come out right.

The two are those that make the counts: imitation in registration and the cost of certification. The figures of the first city
tie them to everything else that was learnt, so that frozen draws cannot say what each of the two does. They are therefore drawn
anew from their priors, all else stays as it was learnt, and the city is run again. The counts are regressed on the two (their
normal scores, with squares and products), and what the regression leaves, with the error of the true counts, says how well any
pair of values explains them. A move of more than two standard deviations of what was learnt is called a city effect: policy
regimes then differ between cities, as they may between years, and the spread between cities belongs to projections too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.analyse.forecast import ORIGIN
from kechuang.analyse.transfer import COUNTS, city_scenario, test_of
from kechuang.analyse.validation_runs import Options, Runs, run_full
from kechuang.calibrate.emulator import Emulator, fit_emulator
from kechuang.calibrate.scores import drawn, values_of
from kechuang.city import load_city
from kechuang.city_numbers import adapted
from kechuang.errors import InputError, Problem
from kechuang.evidence import load_evidence
from kechuang.parameters import Draw, parameter_uniform

Numbers = NDArray[np.float64]
PARAMETERS = ("registration_imitation", "certification_cost")
SIBLINGS = {"high_tech_firms": "tz_hte_2020_press", "tech_sme_firms": "tz_tsme_2020_press"}
"""The figures of the first city whose discrepancy, a share of the count, is the standard deviation of the log of the count here."""
FAR = 2.0
"""Standard deviations from which a move is called a city effect."""
BEYOND = 9.21
"""Squared distance in two dimensions that right values exceed in one case of a hundred (chi-squared, 2 degrees of freedom)."""
BAR = 2.0
"""t-value from which on a term enters the regression."""
_GRID = np.linspace(-3.0, 3.0, 121)


class Variant(NamedTuple):
    """Runs of one combination of readings: scores of the two parameters [draws, 2] and counts at the end of 2020 [draws, 2]."""

    readings: dict[str, str]
    scores: Numbers
    counts: Numbers


def redrawn(draws: Sequence[Draw], seed: int) -> tuple[list[Draw], Numbers]:
    """Return the draws with the two parameters from their priors, and the normal scores of these [draws, 2]."""
    from scipy.special import ndtri

    chances = np.array([[parameter_uniform(key, draw.id, seed) for key in PARAMETERS] for draw in draws])
    priors = [drawn()[key] for key in PARAMETERS]
    moved = [
        draw.with_values(**{key: prior.quantile(float(u)) for key, prior, u in zip(PARAMETERS, priors, row, strict=True)})
        for draw, row in zip(draws, chances, strict=True)
    ]
    return moved, np.asarray(ndtri(chances))


def run_city(
    name: str, draws: Sequence[Draw], parameters: str, seed: int, options: Options
) -> tuple[list[Variant], list[Runs]]:
    """Run the city with the two parameters free, for all its readings; the runs come along so that they can be cleared."""
    city = load_city(name)
    test_of(name)
    scenario = city_scenario(name, len(draws), seed)
    free, scores = redrawn(draws, seed)
    found, done = [], []
    for readings in city.numbers.variants():
        runs = run_full(scenario, [adapted(draw, city, readings, seed) for draw in free], parameters, options)
        found.append(Variant(readings, scores, np.column_stack([runs.at(key, ORIGIN) for key in COUNTS])))
        done.append(runs)
    return found, done


def city_effect(variants: Sequence[Variant], learnt: Sequence[Draw], truth: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return for every combination of readings where the two parameters would have to stand, and how far off that is."""
    actual = np.log([truth[key] for key in COUNTS])
    errors = np.array([_error_of(SIBLINGS[key]) for key in COUNTS])
    logs = np.log([[draw.number(key) for key in PARAMETERS] for draw in learnt])
    return [_effect(one, actual, errors, logs) for one in variants]


def _effect(one: Variant, actual: Numbers, errors: Numbers, learnt: Numbers) -> dict[str, Any]:
    emulator = fit_emulator(one.scores, np.log(np.maximum(one.counts, 0.5)), BAR)
    weights, nearest = explained(emulator, actual, errors)
    parameters = {}
    for place, key in enumerate(PARAMETERS):
        there = np.log(values_of(_GRID, key))
        share = weights.sum(axis=1 - place)
        mean = float(share @ there)
        spread = float(np.sqrt(share @ np.square(there - mean)))
        before, deviation = float(learnt[:, place].mean()), float(learnt[:, place].std(ddof=1))
        parameters[key] = {
            "learnt": _short(np.exp(before)),
            "there": _short(np.exp(mean)),
            "low": _short(np.exp(mean - 1.645 * spread)),
            "high": _short(np.exp(mean + 1.645 * spread)),
            "moved": _short((mean - before) / deviation if deviation > 0.0 else 0.0),
            "between_cities": _short(abs(mean - before) / np.sqrt(2.0)),
        }
    return {
        "variant": dict(one.readings),
        "parameters": parameters,
        "effect": any(abs(entry["moved"]) > FAR for entry in parameters.values()),
        "nearest": _short(nearest),
        "explained": nearest <= BEYOND,
    }


def explained(emulator: Emulator, actual: Numbers, errors: Numbers) -> tuple[Numbers, float]:
    """Return the weight of every pair of scores on the grid [first, second], and the squared distance of the nearest pair.

    Distances are those of expected logs of counts from the actual ones [2], in the covariance of remainder and errors (sd [2]).
    """
    first, second = np.meshgrid(_GRID, _GRID, indexing="ij")
    scores = np.column_stack([first.ravel(), second.ravel()])
    off = actual - emulator.predict(scores)
    inverse = np.linalg.inv(emulator.remainder + np.diag(np.square(errors)))
    distance = np.einsum("ij,jk,ik->i", off, inverse, off)
    logs = -0.5 * (distance + np.square(scores).sum(axis=1))
    weights = np.exp(logs - logs.max()).reshape(first.shape)
    return np.asarray(weights / weights.sum()), float(distance.min())


def far_moved(effects: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the parameters that stand far from what was learnt in some combination of readings that explains the counts."""
    return [
        key
        for key in PARAMETERS
        if any(entry["explained"] and abs(entry["parameters"][key]["moved"]) > FAR for entry in effects)
    ]


def largest_move(effects: Sequence[Mapping[str, Any]]) -> tuple[str, float]:
    """Return the parameter that moves most where the counts are explained, and by how many standard deviations."""
    told = [entry["parameters"] for entry in effects if entry["explained"]]
    return max(((key, one[key]["moved"]) for one in told for key in PARAMETERS), key=lambda pair: abs(pair[1]))


def _error_of(figure: str) -> float:
    """Return the relative discrepancy of a figure; InputError if the evidence gives none."""
    error = load_evidence()[figure].error
    if error is None or error.discrepancy is None or error.scale != "relative":
        raise InputError(Problem("calibration/evidence.yaml", key=figure, message="has no relative discrepancy"))
    return error.discrepancy


def _short(value: float) -> float:
    return float(f"{value:.4g}")
