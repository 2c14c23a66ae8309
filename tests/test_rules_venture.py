"""Rules of the venture funds by hand: how many deals, in which firms, for which share, and the ways out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from kechuang.randomness import normal_from_uniform, poissons, stream_key, uniforms
from kechuang.world.mechanisms import venture
from kechuang.world.mechanisms.venture import VentureParameters
from worlds import record

KEY = stream_key(1, 1, 201)


def parameters(**changes: Any) -> VentureParameters:
    """Return the numbers that the cases below are computed with."""
    usual: dict[str, Any] = {
        "intensity": 1.0,
        "ticket": np.array([500.0, 2500.0, 8000.0]),
        "ticket_sd": 0.5,
        "stage_mix": np.array([0.2, 0.35, 0.45]),
        "stage_bounds": np.array([2000.0, 20_000.0]),
        "early_age": 8.0,
        "deployment_quarters": 20.0,
        "exit_rates": np.array([0.03, 0.04, 0.06]),
        "government_exit_ratio": 0.7,
        "multiple": np.array([3.0, 1.2, 0.1]),
        "multiple_sd": 0.6,
        "quality_weight": 1.0,
        "state_aversion": 0.5,
        "fund_shares": np.array([0.05, 0.1, 0.45, 0.4]),
    }
    return record(VentureParameters, **{**usual, **changes})  # type: ignore[no-any-return]


def test_the_draw_holds_what_the_rules_need() -> None:
    p = record(VentureParameters)
    assert p.fund_shares == pytest.approx(np.array([5.0, 10.0, 60.0, 52.0]) / 127.0)
    assert p.life_quarters == 40.0
    assert len(venture.FUNDS) == p.fund_shares.size
    assert len(venture.STAGES) == p.ticket.size == p.stage_mix.size == p.equity_share.size
    assert len(venture.ROUTES) == p.exit_rates.size == p.multiple.size


# Deals ----------------------------------------------------------------------------------------------------------------


def test_deals_follow_the_money_at_hand() -> None:
    """Mean ticket .2 x 500 + .35 x 2500 + .45 x 8000 = 4575; 91 500 of dry powder over 20 quarters is one deal."""
    p = parameters()
    assert venture.expected_deals(91_500.0, 1.0, p) == pytest.approx([0.2, 0.35, 0.45])
    assert venture.expected_deals(91_500.0, 1.25, p).sum() == pytest.approx(0.8)
    assert venture.expected_deals(91_500.0, 1.0, p._replace(intensity=2.0)).sum() == pytest.approx(2.0)
    assert venture.expected_deals(0.0, 1.0, p).sum() == 0.0


def test_more_money_never_means_fewer_deals() -> None:
    identity = np.arange(3000)
    few, many = (poissons(KEY, identity, np.full(3000, mean)) for mean in (1.2, 1.5))
    assert (many >= few).all()
    assert (many > few).any()


@pytest.mark.parametrize(
    ("annual", "age", "listed", "above", "stage"),
    [
        (1999.0, 7.9, True, False, 0),
        (1999.0, 8.0, True, False, -1),  # small and no longer young
        (1999.0, 1.0, False, False, -1),
        (2000.0, 30.0, True, True, 1),
        (20_000.0, 1.0, True, True, 1),
        (15_000.0, 1.0, False, True, -1),  # medium-sized, above-scale, but not on the list
        (20_001.0, 1.0, False, True, 2),
        (20_001.0, 1.0, True, False, 2),
        (20_001.0, 1.0, False, False, -1),
    ],
)
def test_stages(annual: float, age: float, listed: bool, above: bool, stage: int) -> None:
    p = parameters()
    assert venture.stage_of(annual, age, listed, above, p.early_age, *p.stage_bounds) == stage


def test_quality_is_the_standardised_sum_of_standardised_traits() -> None:
    """Traits (1, 3, 5), sd sqrt(8/3), and (2, 2, 8), sd sqrt(8)."""
    found = venture.quality((np.array([1.0, 3.0, 5.0]), np.array([2.0, 2.0, 8.0])))
    total = np.array([-2.0, 0.0, 2.0]) / math.sqrt(8 / 3) + np.array([-2.0, -2.0, 4.0]) / math.sqrt(8)
    assert found == pytest.approx(total / total.std())
    assert found.std() == pytest.approx(1.0)
    assert list(venture.quality((np.full(4, 7.0), np.zeros(4)))) == [0.0] * 4  # firms that do not differ
    assert venture.quality((np.zeros(0),)).size == 0


def test_good_firms_avoid_funds_that_the_government_leads() -> None:
    p = parameters(quality_weight=2.0, state_aversion=0.25)
    assert [venture.weight_of_quality(fund, p) for fund in range(4)] == [1.5, 1.5, 1.5, 2.0]


def test_the_best_come_first_and_one_more_changes_no_other() -> None:
    score, identity = np.array([0.3, 2.0, 1.0, 1.0, -4.0]), np.array([9, 8, 7, 6, 5])
    assert list(venture.best(score, identity, 5)) == [1, 3, 2, 0, 4]  # of equal scores the older identity
    for number in range(5):
        assert list(venture.best(score, identity, number + 1))[:number] == list(venture.best(score, identity, number))
    assert venture.best(score, identity, -1).size == 0


def test_gumbel_noise_chooses_in_proportion_to_the_exponential_of_scores() -> None:
    """Scores 0, ln 2, ln 4: chances 1/7, 2/7, 4/7. n = 20 000; four standard deviations: false alarm in 2 of 10 000."""
    n, score = 20_000, np.log([1.0, 2.0, 4.0])
    noise = venture.gumbel(uniforms(KEY, np.arange(3 * n))).reshape(n, 3)
    chosen = np.bincount((score[None, :] + noise).argmax(axis=1), minlength=3) / n
    chance = np.array([1.0, 2.0, 4.0]) / 7.0
    assert (np.abs(chosen - chance) < 4.0 * np.sqrt(chance * (1.0 - chance) / n)).all()


def test_a_firm_talks_to_a_fund_by_the_sizes_of_the_funds() -> None:
    draw = np.array([0.001, 0.0499, 0.0501, 0.1499, 0.1501, 0.5999, 0.6001, 0.999999])
    met = [venture.meets(draw, venture.part_of(fund, parameters())).tolist() for fund in range(4)]
    assert met == [[0, 1], [2, 3], [4, 5], [6, 7]]
    only = parameters(fund_shares=np.array([0.0, 0.0, 1.0, 0.0]))
    assert [venture.meets(draw, venture.part_of(fund, only)).size for fund in range(4)] == [0, 0, 8, 0]


def test_tickets_spread_around_their_stage_and_keep_its_mean() -> None:
    """The mean over 4000 evenly spaced quantiles is the ticket up to what their last tail leaves out."""
    p = parameters()
    z = [normal_from_uniform((k + 0.5) / 4000) for k in range(4000)]
    for stage, ticket in enumerate(p.ticket):
        assert np.mean([venture.ticket_of(stage, 1.1, x, p) for x in z]) == pytest.approx(1.1 * ticket, rel=1e-3)
    assert venture.ticket_of(1, 1.0, 0.0, p) == pytest.approx(2500.0 * math.exp(-0.125))
    assert venture.ticket_of(2, 2.0, 1.7, p._replace(ticket_sd=0.0)) == 16_000.0


def test_eight_quarters_of_chances_make_the_chance_of_a_second_round() -> None:
    chance = venture.quarterly_chance(0.35, 8)
    assert 1.0 - (1.0 - chance) ** 8 == pytest.approx(0.35)
    assert venture.quarterly_chance(0.0, 8) == 0.0


def test_a_second_round_dilutes_what_the_fund_has() -> None:
    """10 % after the first round; the second sells 10 % of the firm: .1 x .9 + .1 = .19, that is .09 more."""
    assert 0.1 + venture.added_share(0.1, 0.1) == pytest.approx(0.19)


# Ways out -------------------------------------------------------------------------------------------------------------


def test_government_funds_list_and_sell_less_and_write_off_alike() -> None:
    p = parameters()
    for fund in range(3):
        assert venture.exit_rates_of(fund, p) == pytest.approx([0.021, 0.028, 0.06])
    assert venture.exit_rates_of(venture.MARKET_LED, p) == pytest.approx([0.03, 0.04, 0.06])


def test_ways_out_by_hand() -> None:
    """A total rate of .13 a year: 1 - exp(-.0325) = .031978 leave in a quarter, 3/13, 4/13 and 6/13 of them each way."""
    rates = np.array([0.03, 0.04, 0.06])
    leaves = 1.0 - math.exp(-0.0325)
    cases = {0.0: "listing", 2.99 / 13: "listing", 3.01 / 13: "sale", 6.99 / 13: "sale", 7.01 / 13: "write-off"}
    for part, route in cases.items():
        assert venture.route_out(part * leaves, rates) == route
    assert venture.route_out(0.9999 * leaves, rates) == "write-off"
    assert venture.route_out(1.0001 * leaves, rates) == ""
    assert venture.route_out(1e-9, np.zeros(3)) == ""


def test_a_year_of_quarters_makes_the_yearly_rate() -> None:
    rates = np.array([0.03, 0.04, 0.06])
    draws = (np.arange(100_000) + 0.5) / 100_000
    kept = np.mean([venture.route_out(draw, rates) == "" for draw in draws])
    assert kept**4 == pytest.approx(math.exp(-0.13), abs=1e-4)


def test_multiples_by_route() -> None:
    p = parameters()
    assert venture.multiple_of("listing", 0.0, p) == 3.0
    assert venture.multiple_of("listing", 1.0, p) == pytest.approx(3.0 * math.exp(0.6))
    assert venture.multiple_of("sale", -1.0, p) == pytest.approx(1.2 * math.exp(-0.6))
    assert venture.multiple_of(venture.BUYBACK, 0.5, p) == pytest.approx(1.2 * math.exp(0.3))
    assert venture.multiple_of("write-off", 2.0, p) == 0.1  # no luck in it
    assert venture.multiple_of(venture.CLOSURE, 2.0, p) == 0.0
    assert venture.BUYBACK not in venture.SUCCESSES
