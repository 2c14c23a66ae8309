"""A finished table as plain data: what is learnt, what is not, and how far the answer can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kechuang.calibrate.adjustment import adjusted
from kechuang.calibrate.diagnostics import (
    Prediction,
    Recovery,
    history,
    left_out,
    predict,
    recover,
    synthetic_cities,
)
from kechuang.calibrate.scores import drawn, log_prior_ratio, values_of
from kechuang.calibrate.study import Study
from kechuang.calibrate.table import Table
from kechuang.calibrate.weights import Contraction, Weights, contraction, effective_size, quantiles, weigh

Array = NDArray[np.float64]
LEARNT, NOT_LEARNT = 0.5, 0.1
"""Contraction from which a parameter is called identified, and below which it is called set by prior."""
LEVELS = ("q05", "q50", "q95")


def assess(table: Table, study: Study) -> dict[str, Any]:
    """Return everything that the page and the result file of a study show."""
    weights = weigh(table)
    parameters = learnt(table, weights, study.seed)
    named = [key for key, entry in parameters.items() if entry["status"].startswith("identified")]
    return {
        "rows": {"pilot": study.pilot, "rounds": list(study.rounds), "all": int(table.rows.ids.size)},
        "effective": short(weights.effective),
        "largest_weight": short(weights.largest),
        "closures": dict(_closures(table, weights)),
        "not_ruled_out": {name: _shortened(shares) for name, shares in history(table)},
        "left_to_luck": _left_to_luck(table),
        "parameters": parameters,
        "figures": {one.name: _plain(one) for one in _predictions(table, weights, study.seed)},
        "left_out": {one.name: _plain(one) for one in left_out(table, study.seed)},
        "recovery": _recovery(table, study, named),
        "sensitivity": sensitivity(table, study, named),
    }


def learnt(table: Table, weights: Weights, seed: int) -> dict[str, dict[str, Any]]:
    """Return for every parameter its contraction, its status, and quantiles before, after and adjusted."""
    narrower = contraction(table, weights)
    second = _adjusted(table, seed)
    found = {}
    for place, (key, prior) in enumerate(drawn().items()):
        found[key] = {
            "contraction": short(narrower.mean[place]),
            "error": short(narrower.error[place]),
            "by_closure": [short(value) for value in narrower.by_closure[:, place]],
            "status": status(narrower, place, table.design.closures),
            "prior": _named([prior.quantile(level) for level in (0.05, 0.5, 0.95)]),
            "posterior": _named(values_of(quantiles(table.rows.scores[:, place], weights.values), key)),
            "adjusted": _named(values_of(quantiles(second[0][:, place], second[1]), key)),
        }
    return found


def status(narrower: Contraction, place: int, closures: tuple[str, ...]) -> str:
    """Return the word for a parameter's contraction: identified, partly identified, or set by prior.

    The burden of proof lies with the figures: what is not above the lower bar by two standard errors, those of a parameter
    that is not learnt, is set by prior, and one that acts in some closures only is identified there if it is above the
    upper bar by two of its own.
    """
    mean, error = narrower.mean[place], max(narrower.error[place], narrower.error_if_unlearnt)
    if mean >= LEARNT:
        return "identified"
    sure = narrower.by_closure[:, place] - 2.0 * narrower.by_closure_error[:, place]
    where = [name for name, value in zip(closures, sure, strict=True) if value >= LEARNT]
    if where:
        return f"identified in {', '.join(where)}"
    return "partly identified" if mean - 2.0 * error >= NOT_LEARNT else "set by prior"


def sensitivity(table: Table, study: Study, named: list[str]) -> dict[str, Any]:
    """Return how parameters move with other discrepancies and priors, and with closures weighted by evidence."""
    shown = [*named, *(key for key in dict.fromkeys(one.parameter for one in study.checks.priors) if key not in named)]
    variants: dict[str, Any] = {}
    for name, weights in _variants(table, study):
        variants[name] = {
            "effective": short(effective_size(weights)),
            "parameters": {key: _named(_quantiles_of(table, weights, key)) for key in shown},
        }
    envelope = {}
    for key in shown:
        ranges = [variant["parameters"][key] for variant in variants.values()]
        base = ranges[0]
        width = base["q95"] - base["q05"]
        moved = max(abs(one[level] - base[level]) for one in ranges for level in LEVELS)
        envelope[key] = {
            "q05": min(one["q05"] for one in ranges),
            "q95": max(one["q95"] for one in ranges),
            "moved": short(moved / width) if width > 0.0 else 0.0,
        }
    return {"variants": variants, "envelope": envelope}


def _variants(table: Table, study: Study) -> Iterator[tuple[str, Array]]:
    """Yield the weights of the study itself and of everything that is tried in its place."""
    weights = weigh(table)
    yield "as is", weights.values
    for factor in study.checks.discrepancy:
        errors = [error.with_discrepancy(factor) for error in table.design.errors]
        yield f"discrepancy x {factor:g}", weigh(table, errors).values
    for other in study.checks.priors:
        place = list(drawn()).index(other.parameter)
        ratio = log_prior_ratio(table.rows.scores[:, place], other.parameter, other.prior)
        yield str(other), weigh(table, log_ratio=ratio).values
    by_evidence = weights.values.copy()
    for number, share in enumerate(weights.closure_shares()):
        by_evidence[table.of_closure(number)] *= share * len(table.design.closures)
    yield "closures weighted by evidence", by_evidence


def _closures(table: Table, weights: Weights) -> Iterator[tuple[str, dict[str, float]]]:
    for number, name in enumerate(table.design.closures):
        yield name, {
            "effective": short(effective_size(weights.values[table.of_closure(number)])),
            "log_evidence": short(float(weights.log_evidence[number])),
            "error": short(float(weights.evidence_error[number])),
            "share_by_evidence": short(float(weights.closure_shares()[number])),
        }


def _left_to_luck(table: Table) -> dict[str, dict[str, float]]:
    """Return what the last emulator leaves unexplained over the error model's spread, by closure and figure."""
    found: dict[str, dict[str, float]] = {}
    for number, proposal in table.proposals.items():
        if proposal.emulator is not None:
            left = np.sqrt(np.diag(proposal.emulator.remainder))
            found[table.design.closures[number]] = {
                error.summary: short(float(value) / np.sqrt(error.variance))
                for error, value in zip(table.design.errors, left, strict=True)
            }
    return found


def _predictions(table: Table, weights: Weights, seed: int) -> Iterator[Prediction]:
    for number in range(len(table.design.errors)):
        yield predict(table, weights, number, seed)


def _recovery(table: Table, study: Study, named: list[str]) -> dict[str, Any]:
    few = _recovered(table, study.checks.cities, study.seed)
    many = _recovered(table, study.checks.ranks, study.seed + 1)
    keys = list(drawn())
    p_values, covered = many.p_values(), few.covered()
    return {
        "cities": int(few.effective.size),
        "ranks": int(many.effective.size),
        "effective_median": short(float(np.median(few.effective))),
        "effective_least": short(float(few.effective.min())),
        "parameters": {
            key: {"covered": short(float(covered[keys.index(key)])), "p_value": short(float(p_values[keys.index(key)]))}
            for key in named
        },
        "covered_all": short(float(covered.mean())),
        "least_p_value_all": short(float(p_values.min())),
    }


def _recovered(table: Table, count: int, seed: int) -> Recovery:
    return recover(table, synthetic_cities(table, count, seed), seed)


def _adjusted(table: Table, seed: int) -> tuple[Array, Array]:
    parts = [adjusted(table, number, seed) for number in range(len(table.design.closures))]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _quantiles_of(table: Table, weights: Array, key: str) -> Array:
    place = list(drawn()).index(key)
    return values_of(quantiles(table.rows.scores[:, place], weights), key)


def _plain(one: Prediction) -> dict[str, Any]:
    return {
        "printed": one.printed,
        "model": _named(one.model),
        "predicted": _named(one.figure),
        "inside": one.inside,
        "width": short(one.width),
        "rank": short(one.rank),
        "effective": short(one.effective),
    }


def _named(values: Any) -> dict[str, float]:
    return {name: short(float(value)) for name, value in zip(LEVELS, values, strict=True)}


def _shortened(values: Any) -> dict[str, float]:
    return {name: short(value) for name, value in values.items()}


def short(value: Any) -> float:
    """Return four significant digits: no more are known."""
    return float(f"{float(value):.4g}")
