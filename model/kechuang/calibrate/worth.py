"""What one further dated figure would teach: how much narrower the posterior would be if it were known.

The table holds indicators of every year's end that nobody has reported. If one of them, x, were printed with an error e like
that of its sibling figure, the posterior variance of a quantity y would on average fall by the share

    cov(x, y)^2 / (var(x) + var(e)) / var(y)

(Bayes' rule where x and y are jointly normal; elsewhere what a straight line takes, the least that the figure is worth).
Variances are those of the weighted rows inside each closure; shares are averaged over closures by the variance of y. Weighted
rows are few, and few rows correlate by chance: the squared correlation of noise, known for given weights, is taken out, so
that a figure that says nothing scores 0 on average. What noise itself scores at its luckiest tells which scores are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kechuang.calibrate.numbers import short
from kechuang.calibrate.rows import LAST, columns
from kechuang.calibrate.scores import drawn
from kechuang.calibrate.summaries import summaries
from kechuang.calibrate.table import Table
from kechuang.calibrate.weights import Weights, effective_size

Array = NDArray[np.float64]

USUAL_ERROR = 0.02
"""Relative error of a figure without a sibling among the fitted ones."""
LEAST = 20.0
"""Effective size of a closure below which correlations of rows mean nothing."""
BRINGS = 0.1
"""Share of its variance that a figure must take from a parameter that is set by prior to be said to teach it."""
_GROUPS, _NOISE, _BATCH, _FALSE_ALARM = 20, 2000, 250, 0.05


@dataclass(frozen=True)
class Candidate:
    """A figure that might be asked for: a column of the table, on logs, and the standard deviation of its error there."""

    column: str
    error: float


@dataclass(frozen=True)
class Part:
    """The rows of one closure: weights adding up to 1, candidates [rows, candidates] and quantities [rows, quantities]."""

    weights: Array
    figures: Array
    wanted: Array

    def without(self, group: int) -> Part:
        """Return the part without every `_GROUPS`-th row."""
        kept = np.arange(self.weights.size) % _GROUPS != group
        return Part(self.weights[kept] / self.weights[kept].sum(), self.figures[kept], self.wanted[kept])

    def with_figures(self, figures: Array) -> Part:
        """Return the part with other candidates."""
        return Part(self.weights, figures, self.wanted)


def worth(table: Table, weights: Weights, learnt: Sequence[str], seed: int) -> dict[str, Any]:
    """Return what each candidate would take from the variances of learnt parameters and of unfitted numbers of 2020.

    `figures` is sorted, best first; it is empty where a closure has too few rows to say anything.
    """
    asked, unfitted = candidates(table, weights), quantities(table, weights)
    parts = _parts(table, weights, [one.column for one in asked], unfitted)
    parameters = list(drawn())
    places = [*(parameters.index(key) for key in learnt), *range(len(parameters), len(parameters) + len(unfitted))]
    about: dict[str, Any] = {"wanted": [*learnt, *unfitted], "figures": []}
    if not asked or not places or min(effective_size(part.weights) for part in parts) < LEAST:
        return about
    errors = np.array([one.error for one in asked])
    found, spread = shares(parts, errors), _jackknife(parts, errors)
    score, score_error = found[:, places].mean(axis=1), _jackknife(parts, errors, places)[:, 0]
    bar = _noise_bar(parts, places, seed, _FALSE_ALARM / len(asked))
    unlearnt = [place for place, key in enumerate(parameters) if key not in learnt]
    names = [*parameters, *unfitted]
    entries = [
        {
            "figure": one.column,
            "error": short(one.error),
            "score": short(score[k]),
            "score_error": short(score_error[k]),
            "above_noise": bool(score[k] > bar),
            "shares": {names[place]: short(found[k, place]) for place in places},
            "teaches": [names[place] for place in unlearnt if found[k, place] - 2.0 * spread[k, place] >= BRINGS],
        }
        for k, one in enumerate(asked)
    ]
    return {**about, "noise": short(bar), "figures": sorted(entries, key=lambda entry: -entry["score"])}


def candidates(table: Table, weights: Weights) -> list[Candidate]:
    """Return the indicators of year ends before 2020, with the error of the fitted figure of the same indicator."""
    siblings = {summaries()[error.summary][0]: error for error in table.design.errors if error.summary in summaries()}
    found = []
    for name, (key, quarter) in columns().items():
        if "@" in name and quarter < LAST and _is_whole(table, weights, name):
            sibling = siblings.get(key)
            relative = sibling is not None and sibling.relative
            found.append(Candidate(name, float(np.sqrt(sibling.variance)) if sibling and relative else USUAL_ERROR))
    return found


def quantities(table: Table, weights: Weights) -> list[str]:
    """Return the columns of the end of 2020 that no figure of the table speaks to."""
    fitted = {summaries().get(error.summary) for error in table.design.errors}
    return [
        name
        for name, (key, quarter) in columns().items()
        if "@" in name and quarter == LAST and (key, quarter) not in fitted and _is_whole(table, weights, name)
    ]


def shares(parts: Sequence[Part], errors: Array) -> Array:
    """Return the share of variance that every candidate takes from every quantity [candidates, quantities]; noise gives 0."""
    inside = [_shares_inside(part, errors) for part in parts]
    taken = np.sum([share * variance for share, variance in inside], axis=0)
    whole = np.broadcast_to(np.sum([variance for _, variance in inside], axis=0), taken.shape)
    return np.asarray(np.divide(taken, whole, out=np.zeros_like(taken), where=whole > 0.0))


def noise_level(weights: Array) -> float:
    """Return the expected squared correlation of two unrelated normal columns under weights that add up to 1.

    It is the trace of the square of the weighted centring, over what centring takes from both variances; for n equal
    weights 1 / (n - 1).
    """
    two, three = np.square(weights).sum(), (weights**3).sum()
    return float((two - 2.0 * three + two**2) / (1.0 - two) ** 2)


def _shares_inside(part: Part, errors: Array) -> tuple[Array, Array]:
    """Return shares [candidates, quantities] and variances [quantities] of one closure."""
    weights = part.weights
    figures, wanted = part.figures - weights @ part.figures, part.wanted - weights @ part.wanted
    freed = 1.0 - np.square(weights).sum()
    own, theirs = weights @ np.square(figures) / freed, weights @ np.square(wanted) / freed
    covariance = (weights[:, None] * figures).T @ wanted / freed
    product = np.outer(own, theirs)
    squared = np.divide(np.square(covariance), product, out=np.zeros_like(product), where=product > 0.0)
    level = noise_level(weights)
    signal = np.divide(own, own + np.square(errors), out=np.zeros_like(own), where=own > 0.0)
    return signal[:, None] * (squared - level) / (1.0 - level), theirs


def _parts(table: Table, weights: Weights, asked: Sequence[str], unfitted: Sequence[str]) -> list[Part]:
    """Return the closures' rows that count at all; quantities are all scores, then the unfitted numbers on logs."""
    parts = []
    for number in range(len(table.design.closures)):
        mine = np.flatnonzero(table.of_closure(number) & _used(weights))
        scores, own = table.rows.scores[mine], weights.values[mine]
        figures, numbers = (_logs(table.rows.columns, names, mine) for names in (asked, unfitted))
        parts.append(Part(own / own.sum(), figures, np.column_stack([scores, numbers])))
    return parts


def _logs(held: Mapping[str, Array], names: Sequence[str], rows: NDArray[np.int64]) -> Array:
    return np.column_stack([np.empty((rows.size, 0)), *(np.log(held[name][rows]) for name in names)])


def _is_whole(table: Table, weights: Weights, name: str) -> bool:
    """Whether the table has the column, with a positive number in every row that counts."""
    values = table.rows.columns.get(name)
    return values is not None and bool((np.nan_to_num(values[_used(weights)]) > 0.0).all())


def _used(weights: Weights) -> NDArray[np.bool_]:
    """Return the rows that are not a billion times lighter than the heaviest."""
    return np.asarray(weights.values > 1e-9 * weights.largest)


def _jackknife(parts: Sequence[Part], errors: Array, together: Sequence[int] | None = None) -> Array:
    """Return standard errors of shares, or of the mean over some quantities [candidates, 1], by leaving groups of rows out."""
    again = np.stack([shares([part.without(group) for part in parts], errors) for group in range(_GROUPS)])
    if together is not None:
        again = again[:, :, list(together)].mean(axis=2, keepdims=True)
    return np.asarray(np.sqrt((_GROUPS - 1.0) / _GROUPS * np.square(again - again.mean(axis=0)).sum(axis=0)))


def _noise_bar(parts: Sequence[Part], places: Sequence[int], seed: int, chance: float) -> float:
    """Return the score that a figure of pure noise, exactly known, exceeds with this chance."""
    generator = np.random.Generator(np.random.PCG64([seed, 6]))
    wanted = [Part(part.weights, part.figures, part.wanted[:, list(places)]) for part in parts]
    scores = [
        shares([part.with_figures(generator.standard_normal((part.weights.size, _BATCH))) for part in wanted], np.zeros(_BATCH))
        for _ in range(_NOISE // _BATCH)
    ]
    return float(np.quantile(np.concatenate(scores).mean(axis=1), 1.0 - chance))
