"""A finished table as plain data: what is learnt, what is not, and how far the answer can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kechuang.calibrate.adjustment import adjusted
from kechuang.calibrate.diagnostics import (
    Prediction,
    Recovery,
    history,
    left_out,
    moved_by,
    predict,
    recover,
    synthetic_cities,
)
from kechuang.calibrate.numbers import named, short
from kechuang.calibrate.scores import drawn, values_of
from kechuang.calibrate.sensitivity import sensitivity
from kechuang.calibrate.study import Study
from kechuang.calibrate.table import Table
from kechuang.calibrate.weights import Contraction, Weights, contraction, effective_size, quantiles, weigh
from kechuang.calibrate.worth import worth

Array = NDArray[np.float64]
LEARNT, NOT_LEARNT = 0.5, 0.1
"""Contraction from which a parameter is called identified, and below which it is called set by prior."""
ANSWERED = 30.0
"""Effective size from which the table is said to have an answer for a synthetic city."""
_TRIES = 5
"""How many cities are looked at for each that is wanted, at most."""
IDENTIFIED, PARTLY, SET_BY_PRIOR = "identified", "partly identified", "set by prior"


def assess(table: Table, study: Study) -> dict[str, Any]:
    """Return everything that the page and the result file of a study show."""
    weights, keys = weigh(table), list(drawn())
    parameters = learnt(table, weights, study.seed)
    identified = [key for key, entry in parameters.items() if entry["status"].startswith(IDENTIFIED)]
    known = [key for key, entry in parameters.items() if entry["status"] != SET_BY_PRIOR]
    return {
        "rows": {"pilot": study.pilot, "rounds": list(study.rounds), "all": int(table.rows.ids.size)},
        "effective": short(weights.effective),
        "largest_weight": short(weights.largest),
        "closures": dict(_closures(table, weights)),
        "not_ruled_out": {name: _shortened(shares) for name, shares in history(table)},
        "moved_by": {name: {keys[place]: short(value) for place, value in found.items()} for name, found in moved_by(table)},
        "left_to_luck": _left_to_luck(table),
        "parameters": parameters,
        "figures": {one.name: _plain(one) for one in _predictions(table, weights, study.seed)},
        "left_out": {one.name: _plain(one) for one in left_out(table, study.seed)},
        "recovery": _recovery(table, study, identified),
        "sensitivity": sensitivity(table, study, weights, identified),
        "worth": worth(table, weights, known, study.seed),
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
            "prior": named([prior.quantile(level) for level in (0.05, 0.5, 0.95)]),
            "posterior": named(values_of(quantiles(table.rows.scores[:, place], weights.values), key)),
            "adjusted": named(values_of(quantiles(second[0][:, place], second[1]), key)),
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
        return IDENTIFIED
    sure = narrower.by_closure[:, place] - 2.0 * narrower.by_closure_error[:, place]
    where = [name for name, value in zip(closures, sure, strict=True) if value >= LEARNT]
    if where:
        return f"{IDENTIFIED} in {', '.join(where)}"
    return PARTLY if mean - 2.0 * error >= NOT_LEARNT else SET_BY_PRIOR


def by_status(parameters: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the parameters of a result by status, the most contracted first; 'identified in A' counts as identified."""
    order = sorted(parameters, key=lambda key: -max(parameters[key]["contraction"], *parameters[key]["by_closure"]))
    groups: dict[str, list[str]] = {IDENTIFIED: [], PARTLY: [], SET_BY_PRIOR: []}
    for key in order:
        word = parameters[key]["status"]
        groups[IDENTIFIED if word.startswith(IDENTIFIED) else word].append(key)
    return groups


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


def _recovery(table: Table, study: Study, identified: list[str]) -> dict[str, Any]:
    """Return coverage and ranks of synthetic cities; without numbers where the table has no answer for any of them."""
    exact = _recovered(table, study.checks.cities, study.seed)
    wider = _with_discrepancies(table, study.checks.cities_discrepancy)
    few = _recovered(wider, study.checks.cities, study.seed)
    many = _recovered(wider, study.checks.ranks, study.seed + 1)
    about: dict[str, Any] = {
        "least": ANSWERED,
        "discrepancy": study.checks.cities_discrepancy,
        "exact_answered": int(exact.effective.size),
        "exact_tried": exact.tried,
        "cities": int(few.effective.size),
        "cities_tried": few.tried,
        "ranks": int(many.effective.size),
        "ranks_tried": many.tried,
        "parameters": {},
    }
    if not few.effective.size or not many.effective.size:
        return about
    keys = list(drawn())
    p_values, covered = many.p_values(), few.covered()
    return {
        **about,
        "effective_median": short(float(np.median(few.effective))),
        "effective_least": short(float(few.effective.min())),
        "parameters": {
            key: {"covered": short(float(covered[keys.index(key)])), "p_value": short(float(p_values[keys.index(key)]))}
            for key in identified
        },
        "covered_all": short(float(covered.mean())),
        "least_p_value_all": short(float(p_values.min())),
    }


def _recovered(table: Table, count: int, seed: int) -> Recovery:
    return recover(table, synthetic_cities(table, _TRIES * count, seed), seed, least=ANSWERED, enough=count)


def _with_discrepancies(table: Table, factor: float) -> Table:
    """Return the table for figures whose discrepancies are so many times as large."""
    errors = tuple(error.with_discrepancy(factor) for error in table.design.errors)
    return replace(table, design=replace(table.design, errors=errors))


def _adjusted(table: Table, seed: int) -> tuple[Array, Array]:
    parts = [adjusted(table, number, seed) for number in range(len(table.design.closures))]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _plain(one: Prediction) -> dict[str, Any]:
    return {
        "printed": one.printed,
        "model": named(one.model),
        "predicted": named(one.figure),
        "inside": one.inside,
        "width": short(one.width),
        "rank": short(one.rank),
        "effective": short(one.effective),
    }


def _shortened(values: Any) -> dict[str, float]:
    return {name: short(value) for name, value in values.items()}
