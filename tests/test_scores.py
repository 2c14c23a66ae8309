"""Scores against closed forms and cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from kechuang.analyse import scores
from kechuang.errors import InputError


def normal_draws(count: int, mean: float = 0.0, sd: float = 1.0) -> np.ndarray:
    """Return the quantiles of a normal law at even steps: an ensemble without luck."""
    return norm.ppf((np.arange(count) + 0.5) / count, mean, sd)


def normal_crps(mean: float, sd: float, outcome: float) -> float:
    """Closed form of Gneiting and Raftery 2007."""
    z = (outcome - mean) / sd
    return sd * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi))


@pytest.mark.parametrize("outcome", [0.0, 0.7, -2.5])
def test_crps_of_a_normal_has_its_closed_form(outcome):
    found = scores.crps(normal_draws(4000, 0.3, 1.7), outcome)
    assert found == pytest.approx(normal_crps(0.3, 1.7, outcome), abs=0.002)


def test_crps_by_hand():
    # E|X - y| = (1 + 1 + 3) / 3; pairs |0-2|, |0-4|, |2-4| sum to 8, twice that over 3 x 2 is 8/3, half of it 4/3.
    assert scores.crps([0.0, 2.0, 4.0], 1.0) == pytest.approx(5 / 3 - 4 / 3)


@pytest.mark.statistical
def test_fair_score_does_not_depend_on_the_number_of_draws():
    # n = 4000 ensembles of 3 draws; mean score of the fair form is that of the law; tolerance 4 standard errors,
    # false-alarm rate 6e-5. The unfair form would be too high by 1/3 x 0.56 = 0.19, some twenty errors.
    luck = np.random.default_rng(5)
    found = np.array([scores.crps(luck.normal(size=3), 0.5) for _ in range(4000)])
    assert found.mean() == pytest.approx(normal_crps(0, 1, 0.5), abs=4 * found.std() / math.sqrt(found.size))


def test_energy_score_in_one_dimension_is_the_crps():
    draws = np.random.default_rng(1).gamma(2.0, size=40)
    mean = np.abs(draws - 1.3).mean()
    pairs = np.abs(draws[:, None] - draws[None, :]).sum() / (40 * 39)
    assert scores.energy_score(draws[:, None], [1.3]) == pytest.approx(mean - pairs / 2)
    assert scores.crps(draws, 1.3) == pytest.approx(mean - pairs / 2)


def test_energy_score_by_hand_in_two_dimensions():
    # Distances to (0, 0): 5 and 0; between the two draws 5: 2.5 - 5/2 = 0.
    assert scores.energy_score(np.array([[3.0, 4.0], [0.0, 0.0]]), [0.0, 0.0]) == pytest.approx(0.0)
    # A third dimension of nothing changes nothing.
    flat = np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert scores.energy_score(flat, [1.0, 1.0, 0.0]) == pytest.approx(scores.energy_score(flat[:, :2], [1.0, 1.0]))


def test_energy_score_sees_a_wrong_dependence():
    luck = np.random.default_rng(2)
    first, other = luck.normal(size=(2, 600))
    together = np.column_stack([first, 0.95 * first + math.sqrt(1 - 0.95**2) * other])
    truths = together[:200]
    apart = np.column_stack([first, other])
    right = np.mean([scores.energy_score(together[200:], truth) for truth in truths])
    wrong = np.mean([scores.energy_score(apart[200:], truth) for truth in truths])
    assert right < wrong


def test_log_scores_are_free_of_scale():
    draws = np.array([90.0, 100.0, 130.0])
    assert scores.log_crps(draws, 110) == pytest.approx(scores.log_crps(10 * draws, 1100))
    with pytest.raises(InputError, match="above 0"):
        scores.log_crps([0.0, 5.0], 3.0)


def test_weighted_interval_score_by_hand():
    # 0..100 in ones: median 50; intervals 25-75, 10-90, 5-95. Outcome 92 lies outside the first two.
    draws = np.arange(101.0)
    interval_part = 0.5 * 0.5 * 50 + 17 + 0.5 * 0.2 * 80 + 2 + 0.5 * 0.1 * 90
    assert scores.weighted_interval_score(draws, 92.0) == pytest.approx((0.5 * 42 + interval_part) / 3.5)


def test_weighted_interval_score_comes_near_half_the_crps_with_many_levels():
    # Source: Bracher and others 2021: with even levels the score is the CRPS over two times two quantile losses.
    draws = normal_draws(4000)
    levels = [k / 100 for k in range(1, 100)]
    assert scores.weighted_interval_score(draws, 0.4, levels) == pytest.approx(normal_crps(0, 1, 0.4), rel=0.02)


def test_coverage_counts_hits_and_gives_the_binomial_range():
    pairs = [(np.arange(101.0), outcome) for outcome in (50, 50, 60, 88, 93, 99, 20, 30, 70, 55)]
    half, most, nearly_all = scores.coverage(pairs)
    assert (half.hits, most.hits, nearly_all.hits) == (6, 8, 9)
    assert (nearly_all.low, nearly_all.high) == (7, 10)  # as the brief of the scores says for n = 10
    assert nearly_all.compatible
    assert not scores.Coverage(0.9, 10, 6, 7, 10).compatible


def test_skill_by_hand():
    assert scores.skill([0.1, 0.3], [0.4, 0.4]) == pytest.approx(0.5)
    with pytest.raises(InputError):
        scores.skill([], [])


def verdict_of(own: list[float], other: list[float]) -> scores.SkillVerdict:
    names = [f"target {k}" for k in range(len(own))]
    rival = dict(zip(names, other, strict=True))
    return scores.skill_verdict(dict(zip(names, own, strict=True)), {"B6": rival, "B9": rival})


def test_few_outcomes_carry_no_verdict():
    few = verdict_of([0.1, 0.1], [0.9, 0.9])
    assert few.beats is None
    assert scores.NO_VERDICT in few.words
    assert "n = 2" in few.words


def test_a_claim_survives_every_outcome_left_out():
    assert verdict_of([0.1] * 5, [0.2] * 5).beats is True
    # All the lead comes from one outcome: better on the whole, not without it.
    lucky = verdict_of([0.21, 0.21, 0.21, 0.21, 0.0], [0.2, 0.2, 0.2, 0.2, 0.9])
    assert lucky.skills["B6"] > 0
    assert lucky.beats is False


def test_a_claim_needs_both_rivals():
    names = [f"t{k}" for k in range(6)]
    own, weak, strong = (dict.fromkeys(names, value) for value in (0.2, 0.3, 0.1))
    assert scores.skill_verdict(own, {"B6": weak, "B9": strong}).beats is False


@pytest.mark.parametrize("draws", [[], [1.0], [1.0, math.nan]])
def test_draws_that_cannot_be_scored_are_refused(draws):
    with pytest.raises(InputError):
        scores.crps(draws, 1.0)
