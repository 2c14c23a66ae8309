"""Scores of predictive draws against outcomes: CRPS, energy score, weighted interval score, coverage, and what they carry.

All scores are losses: smaller is better. Ensemble scores are in their fair form, which does not reward many draws: the
mean distance between draws is taken over pairs of different draws (source: Ferro, Richardson and Weigel 2008; Gneiting
and Raftery 2007 for the scores themselves). Counts are scored on their logs, growth rates and shares in points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kechuang.errors import InputError

LEVELS = (0.5, 0.8, 0.9)
"""Central intervals whose coverage is counted."""
FEWEST_TARGETS = 5
"""Fewest outcomes that can carry a claim: five scores of one sign have a chance of 1/32 (3 %) by luck, four 1/16."""
SERIOUS_RIVALS = ("B6", "B9")
"""The rivals that a model has to beat before it may be called better: damped growth and the pool."""
NO_VERDICT = "no verdict on skill"
Draws = NDArray[np.float64]


def crps(draws: Draws | Sequence[float], outcome: float) -> float:
    """Return E|X - y| - E|X - X'| / 2 of an ensemble, in the unit of the draws; needs two draws or more."""
    return energy_score(np.asarray(draws, dtype=float)[:, None], [outcome])


def log_crps(draws: Draws | Sequence[float], outcome: float) -> float:
    """Return the CRPS on logs, for counts; 0.1 is about a tenth of the count."""
    values = np.asarray(draws, dtype=float)
    if outcome <= 0.0 or (values <= 0.0).any():
        raise InputError("a score on logs needs counts above 0")
    return crps(np.log(values), float(np.log(outcome)))


def energy_score(draws: Draws, outcome: Sequence[float] | Draws) -> float:
    """Return E||X - y|| - E||X - X'|| / 2 of draws [draws, dimensions]; in one dimension it is the CRPS."""
    values, truth = _finite(draws), np.asarray(outcome, dtype=float)
    if values.ndim != 2 or truth.shape != values.shape[1:]:
        raise InputError(f"draws {values.shape} do not fit an outcome of {truth.size} dimensions")
    if values.shape[0] < 2:
        raise InputError("a fair score needs two draws or more")
    count = values.shape[0]
    miss = np.linalg.norm(values - truth, axis=1).mean()
    return float(miss - 0.5 * _distances(values) / (count * (count - 1)))


def _distances(values: Draws) -> float:
    """Return the sum of distances between all ordered pairs of draws."""
    if values.shape[1] == 1:
        ordered = np.sort(values[:, 0])
        rank = 2.0 * np.arange(1, ordered.size + 1) - ordered.size - 1.0
        return float(2.0 * (rank * ordered).sum())
    from scipy.spatial.distance import pdist

    return float(2.0 * pdist(values).sum())


def interval(draws: Draws | Sequence[float], level: float) -> tuple[float, float]:
    """Return the central interval that holds this share of the draws."""
    low, high = np.quantile(_finite(draws), [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def weighted_interval_score(draws: Draws | Sequence[float], outcome: float, levels: Sequence[float] = LEVELS) -> float:
    """Return the mean of the median's error and of interval scores, weighted as Bracher and others 2021."""
    values = _finite(draws)
    total = 0.5 * abs(outcome - float(np.median(values)))
    for level in levels:
        low, high = interval(values, level)
        miss = max(low - outcome, 0.0, outcome - high)
        alpha = 1.0 - level
        total += 0.5 * alpha * (high - low) + miss
    return total / (len(levels) + 0.5)


@dataclass(frozen=True)
class Coverage:
    """How many of n outcomes lay in the central intervals of a level, and how many would if the intervals were right.

    `low` and `high` bound the central 95 % of the binomial law with n trials.
    """

    level: float
    n: int
    hits: int
    low: int
    high: int

    @property
    def compatible(self) -> bool:
        """Whether the number of hits is one that right intervals give."""
        return self.low <= self.hits <= self.high


def coverage(pairs: Sequence[tuple[Draws, float]], levels: Sequence[float] = LEVELS) -> list[Coverage]:
    """Return the coverage of each level over pairs of (draws, outcome)."""
    from scipy.stats import binom

    found = []
    for level in levels:
        inside = [low <= outcome <= high for (low, high), outcome in ((interval(x, level), y) for x, y in pairs)]
        low, high = (int(binom.ppf(share, len(pairs), level)) for share in (0.025, 0.975))
        found.append(Coverage(level, len(pairs), sum(inside), low, high))
    return found


def skill(model: Sequence[float], rival: Sequence[float]) -> float:
    """Return 1 - mean score of the model / mean score of the rival on the same outcomes; above 0 is better."""
    if len(model) != len(rival) or not model:
        raise InputError("skill compares two models on the same outcomes, one or more")
    worse = float(np.mean(rival))
    return float("nan") if worse == 0.0 else 1.0 - float(np.mean(model)) / worse


@dataclass(frozen=True)
class SkillVerdict:
    """What scores allow to say: `beats` is None where n outcomes carry no claim either way."""

    n: int
    skills: dict[str, float]
    beats: bool | None

    @property
    def words(self) -> str:
        """The verdict in plain words, with n."""
        if self.beats is None:
            return f"{NO_VERDICT} (n = {self.n}, at least {FEWEST_TARGETS} needed)"
        rivals = " and ".join(self.skills)
        return f"{'beats' if self.beats else 'does not beat'} {rivals} (n = {self.n}, each outcome left out once)"

    def to_plain(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return {"n": self.n, "skill": {key: round(x, 4) for key, x in self.skills.items()}, "verdict": self.words}


def skill_verdict(
    model: Mapping[str, float], rivals: Mapping[str, Mapping[str, float]], serious: Sequence[str] = SERIOUS_RIVALS
) -> SkillVerdict:
    """Judge scores by outcome: better needs skill above 0 against every serious rival, whichever outcome is left out."""
    outcomes = list(model)
    scores = {key: [rivals[key][outcome] for outcome in outcomes] for key in serious}
    own = [model[outcome] for outcome in outcomes]
    skills = {key: skill(own, rival) for key, rival in scores.items()} if outcomes else {}
    if len(outcomes) < FEWEST_TARGETS:
        return SkillVerdict(len(outcomes), skills, None)
    left_out = [
        skill(own[:k] + own[k + 1 :], rival[:k] + rival[k + 1 :])
        for rival in scores.values()
        for k in range(len(outcomes))
    ]
    return SkillVerdict(len(outcomes), skills, min([*skills.values(), *left_out]) > 0.0)


def _finite(draws: Draws | Sequence[float]) -> Draws:
    values = np.asarray(draws, dtype=float)
    if values.size == 0 or not np.isfinite(values).all():
        raise InputError("scores need finite draws, one or more")
    return values
