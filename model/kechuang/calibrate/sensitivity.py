"""The same table under other assumptions: discrepancies, priors, weights of closures, and the date of a figure.

Another date: a figure that is read as the number of the start may belong to a later quarter. Rows are then weighted again by
how well their number of that quarter agrees with the figure, under its own error model. The start itself stays as it is, so
this asks what would be learnt if the number had not changed until then; a lower start needs other simulations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kechuang.calibrate.error_model import FigureError, figure_error
from kechuang.calibrate.numbers import LEVELS, named, short
from kechuang.calibrate.scores import drawn, log_prior_ratio, values_of
from kechuang.calibrate.study import OtherDate, Study
from kechuang.calibrate.table import Table
from kechuang.calibrate.weights import Weights, effective_size, quantiles, weigh
from kechuang.evidence import load_evidence

Array = NDArray[np.float64]
FEW = 30.0
"""Effective size below which a variant is shown but says nothing: its 5 % quantile would rest on one or two rows."""
AS_IS = "as is"


def sensitivity(table: Table, study: Study, weights: Weights, learnt: list[str]) -> dict[str, Any]:
    """Return how parameters move under other assumptions, and the envelope of the variants that have rows enough."""
    shown = [*learnt, *(key for key in dict.fromkeys(one.parameter for one in study.checks.priors) if key not in learnt)]
    variants: dict[str, Any] = {}
    for name, values in variant_weights(table, study, weights):
        variants[name] = {
            "effective": short(effective_size(values)),
            "parameters": {key: named(_quantiles_of(table, values, key)) for key in shown},
        }
    counted = [name for name, one in variants.items() if name == AS_IS or one["effective"] >= FEW]
    envelope = {key: _envelope([variants[name]["parameters"][key] for name in counted]) for key in shown}
    dates = {other.column: _date_entry(table, study, weights, other) for other in study.checks.dates}
    return {"variants": variants, "envelope": envelope, "counted": counted, "dates": dates}


def variant_weights(table: Table, study: Study, weights: Weights) -> Iterator[tuple[str, Array]]:
    """Yield the weights of the study itself and of everything that is tried in its place."""
    yield AS_IS, weights.values
    for factor in study.checks.discrepancy:
        errors = [error.with_discrepancy(factor) for error in table.design.errors]
        yield f"discrepancy x {factor:g}", weigh(table, errors).values
    for other in study.checks.priors:
        place = list(drawn()).index(other.parameter)
        ratio = log_prior_ratio(table.rows.scores[:, place], other.parameter, other.prior)
        yield str(other), weigh(table, log_ratio=ratio).values
    for date in study.checks.dates:
        later = weigh(table, log_ratio=log_agreement(table, study, date)).values
        names = date_names(date)
        yield names[0], later
        # The shares are those of the evidence: the table may not judge between the dates, since it starts all rows from one.
        yield names[1], (1.0 - date.share) * weights.values + date.share * later
    by_evidence = weights.values.copy()
    for number, share in enumerate(weights.closure_shares()):
        by_evidence[table.of_closure(number)] *= share * len(table.design.closures)
    yield "closures weighted by evidence", by_evidence


def date_names(date: OtherDate) -> tuple[str, str]:
    """Return the names of the variants of another date: that date alone, and both dates with their shares."""
    record = load_evidence()[date.figure]
    return (
        f"{record.number} is still the number of {date.date}",
        f"{record.number} of {record.period} ({1.0 - date.share:g}) or still of {date.date} ({date.share:g})",
    )


def log_agreement(table: Table, study: Study, date: OtherDate) -> Array:
    """Return the log density of every row's number of the other date, given the figure under its own error model."""
    error = dated_error(study, date)
    return error.log_density(error.on_scale(table.rows.columns[date.column]))


def dated_error(study: Study, date: OtherDate) -> FigureError:
    """Return the error model of a figure as one of another date."""
    error = figure_error(load_evidence()[date.figure])
    return replace(error.with_discrepancy(study.discrepancy), summary=date.column)


def _date_entry(table: Table, study: Study, weights: Weights, date: OtherDate) -> dict[str, Any]:
    """Return what rows say about the other date as they are weighted, and with the figure read that way."""
    found = table.rows.columns[date.column]
    later = weigh(table, log_ratio=log_agreement(table, study, date))
    return {
        "figure": date.figure,
        "printed": dated_error(study, date).printed,
        "date": date.date,
        "share": date.share,
        "as_is": named(quantiles(found, weights.values)),
        "as_read": named(quantiles(found, later.values)),
        "effective": short(later.effective),
        "variants": list(date_names(date)),
    }


def _envelope(ranges: list[Mapping[str, float]]) -> dict[str, float]:
    """Return the widest interval, and the largest move of a quantile over the width of the first interval."""
    base = ranges[0]
    width = base["q95"] - base["q05"]
    moved = max(abs(one[level] - base[level]) for one in ranges for level in LEVELS)
    return {
        "q05": min(one["q05"] for one in ranges),
        "q95": max(one["q95"] for one in ranges),
        "moved": short(moved / width) if width > 0.0 else 0.0,
    }


def _quantiles_of(table: Table, weights: Array, key: str) -> Array:
    place = list(drawn()).index(key)
    return values_of(quantiles(table.rows.scores[:, place], weights), key)
