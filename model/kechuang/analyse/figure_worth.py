"""What one further dated figure would be worth: by how much knowing it would narrow the targets of a finished run.

For every figure that an office publishes and that is not known yet, and every target: r is the correlation of the normal scores of
both over the draws (closures together: a figure also speaks to which of them holds), r^2 adjusted for luck as in
kechuang.analyse.influence. The figure would be printed with an error of variance e, on the scale of its error model (logs, or
points), on which the draws have the variance s; what it tells is then r^2 s / (s + e), and knowing it takes the standard deviation
of the target, in normal scores, down by 1 - sqrt(1 - r^2 s / (s + e)) on average over what it might turn out to be (linear-Gaussian
preposterior analysis: Raiffa and Schlaifer 1961).

The error is that of the sibling figure of 2020 in calibration/evidence.yaml, reading and discrepancy together, or 2 % where there
is none. Only what passes Holm's correction over all figures and targets at once counts; the rest is worth nothing as far as the
draws can tell. Figures of years after 2020 are worth what they are in this scenario.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from kechuang.analyse import association
from kechuang.clock import QUARTERS_PER_YEAR, quarter_index, quarter_label

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from kechuang.analyse.influence import Vectors
    from kechuang.targets import Target

    Numbers = NDArray[np.float64]

Office = Literal["statistics", "science", "industry", "finance", "money", "intellectual property"]
PAST, LATER = ("2016Q4", "2017Q4", "2018Q4", "2019Q4"), ("2021Q4", "2022Q4", "2023Q4")
"""Year ends between the figures of 2015 and 2020, and after them."""
PLAIN_ERROR = 0.02
"""Relative error of a figure that has no sibling."""
LEAST_SHARE = 0.02
"""Share of its mean as which a count of nothing enters the logs."""


@dataclass(frozen=True)
class Candidate:
    """A yearly figure that an office publishes: the indicator that counts the same thing, and its sibling among summaries.

    `yearly` figures are sums over the four quarters of a year; the others are read off its last quarter.
    """

    indicator: str
    office: Office
    sibling: str = ""
    yearly: bool = False


CANDIDATES = (
    Candidate("high_tech_firms", "science", "high_tech_2020"),
    Candidate("tech_sme_firms", "science", "tech_sme_2020"),
    Candidate("certificates_new", "science", yearly=True),
    Candidate("registrations", "science", yearly=True),
    Candidate("carriers", "science", "carriers"),
    Candidate("academician_projects", "science", "academician_projects"),
    Candidate("technology_turnover", "science"),
    Candidate("leading_firms", "industry"),
    Candidate("digital_key_projects", "industry", "digital_key_projects"),
    Candidate("digital_investment", "industry", "digital_investment"),
    Candidate("digital_core_value_added", "statistics"),
    Candidate("above_scale_firms", "statistics"),
    Candidate("above_scale_sales", "statistics"),
    Candidate("industrial_value_added", "statistics", yearly=True),
    Candidate("industrial_value_added_ytd_growth", "statistics", "value_added_november"),
    Candidate("gdp_four_quarters", "statistics"),
    Candidate("employment", "statistics"),
    Candidate("rd_intensity", "statistics"),
    Candidate("rd_growth_ytd", "statistics", "research_november"),
    Candidate("talent_researchers", "statistics"),
    Candidate("patents", "intellectual property", yearly=True),
    Candidate("local_revenue", "finance", yearly=True),
    Candidate("fund_called", "finance"),
    Candidate("fund_projects", "finance", "fund_projects"),
    Candidate("platform_users", "money", "platform_users"),
    Candidate("platform_financing", "money", "platform_financing"),
)
"""What the offices of a prefecture city publish and the model counts as they do."""


@dataclass(frozen=True)
class Worth:
    """One figure for one target: how much narrower the target would be (share of its standard deviation), 90 % interval."""

    target: str
    candidate: Candidate
    quarter: str
    narrower: float
    low: float
    high: float
    p_value: float
    clear: bool = False


@cache
def error_of(sibling: str) -> tuple[float, bool]:
    """Return the variance of a figure's error and whether it is one of logs (else of points)."""
    if not sibling:
        return PLAIN_ERROR**2, True
    from kechuang.calibrate.error_model import figure_errors

    error = figure_errors([sibling])[0]
    return error.variance, error.relative


def worths(
    vectors: Vectors,
    targets: Sequence[Target],
    values: Mapping[str, Numbers],
    indicators: pd.DataFrame,
    known: Collection[tuple[str, str]] = (),
) -> tuple[Worth, ...]:
    """Return what every candidate is worth for every target that has values; `known` (indicator, quarter) are no candidates."""
    figures = [figure for figure in _figures(vectors, indicators) if (figure.candidate.indicator, figure.quarter) not in known]
    dates = {target.id: target.date for target in targets}
    found: list[Worth] = []
    for name, numbers in values.items():
        there = np.isfinite(numbers)
        if there.sum() < 2 or not association.varies_enough(numbers[there], vectors.simulation[there]):
            continue
        outcome = _Outcome(name, there, association.normal_scores(numbers[there]),
                           association.effective_count(vectors.simulation[there]) - 2.0)
        # What stands at the date of the target itself is the answer, not a figure that tells it.
        found += [_worth(outcome, figure) for figure in figures if figure.quarter < dates[name]]
    passed = association.clear([worth.p_value for worth in found])
    return tuple(replace(worth, clear=clear) for worth, clear in zip(found, passed, strict=True))


def best(found: Sequence[Worth], target: str, quarters: Collection[str], count: int) -> list[Worth]:
    """Return the figures that are worth most for a target and clearly something, each at its best date."""
    chosen: dict[str, Worth] = {}
    for worth in sorted(found, key=lambda one: (-one.narrower, one.quarter, one.candidate.indicator)):
        if worth.target == target and worth.clear and worth.narrower > 0.0 and worth.quarter in quarters:
            chosen.setdefault(worth.candidate.indicator, worth)
    return list(chosen.values())[:count]


def average_worth(found: Sequence[Worth], quarters: Collection[str]) -> list[tuple[Candidate, str, float]]:
    """Return the figures that are clearly worth something with their mean over all targets, the best first."""
    targets = {worth.target for worth in found}
    sums: dict[tuple[Candidate, str], float] = {}
    for worth in found:
        if worth.clear and worth.quarter in quarters:
            place = (worth.candidate, worth.quarter)
            sums[place] = sums.get(place, 0.0) + worth.narrower
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0][1], pair[0][0].indicator))
    return [(candidate, quarter, total / len(targets)) for (candidate, quarter), total in ordered]


@dataclass(frozen=True)
class _Figure:
    """A dated figure over the draws: normal scores, and which part of its variance its error would leave to be seen."""

    candidate: Candidate
    quarter: str
    scores: Numbers
    told: float


@dataclass(frozen=True)
class _Outcome:
    """The value of a target over the draws that have one: which they are, normal scores, degrees of freedom."""

    target: str
    there: NDArray[np.bool_]
    scores: Numbers
    freedom: float


def _figures(vectors: Vectors, indicators: pd.DataFrame) -> list[_Figure]:
    """Return every candidate at every year end at which all draws have it and half of them are off its most common value."""
    found = []
    # A run of an older version may lack some of them.
    known = [candidate for candidate in CANDIDATES if candidate.indicator in indicators.columns]
    chosen = indicators[indicators["quarter"].between(_quarters(PAST[0], True)[0], LATER[-1])]
    keys = [candidate.indicator for candidate in known]
    table = chosen.pivot(index="draw", columns="quarter", values=keys).reindex(vectors.draws)
    for candidate in known:
        by_quarter = dict(zip(table[candidate.indicator].columns, table[candidate.indicator].to_numpy(dtype=float).T, strict=True))
        for quarter in (*PAST, *LATER):
            labels = _quarters(quarter, candidate.yearly)
            if not set(labels) <= set(by_quarter):
                continue
            numbers = np.sum([by_quarter[label] for label in labels], axis=0)
            if np.isfinite(numbers).all() and association.off_the_usual(numbers).mean() >= 0.5:
                found.append(_Figure(candidate, quarter, association.normal_scores(numbers), _told(candidate, numbers)))
    return found


def _quarters(quarter: str, yearly: bool) -> list[str]:
    """Return the quarters of the year that ends with this one, or it alone."""
    last = quarter_index(quarter)
    return [quarter_label(t) for t in range(last - QUARTERS_PER_YEAR + 1 if yearly else last, last + 1)]


def _told(candidate: Candidate, numbers: Numbers) -> float:
    """Return the variance of a figure over draws, relative to that with its error added, on the scale of the error."""
    error, logs = error_of(candidate.sibling)
    # Nothing has no logarithm: it counts as a small share of what is usual.
    scale = np.log(np.maximum(numbers, LEAST_SHARE * numbers.mean())) if logs else numbers
    spread = float(scale.var())
    return spread / (spread + error)


def _worth(outcome: _Outcome, figure: _Figure) -> Worth:
    found = association.correlation(figure.scores[outcome.there], outcome.scores)
    low, high = association.squared_interval(found, outcome.freedom)
    return Worth(
        outcome.target,
        figure.candidate,
        figure.quarter,
        _narrower(association.adjusted_square(found, outcome.freedom) * figure.told),
        _narrower(low * figure.told),
        _narrower(high * figure.told),
        association.correlation_p_value(found, outcome.freedom),
    )


def _narrower(explained: float) -> float:
    return 1.0 - math.sqrt(1.0 - min(explained, 1.0))
