"""R&D, knowledge and patents: numbers by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import poisson

from kechuang.parameters import default_draw
from kechuang.randomness import Purpose, poisson_from_uniform, poissons, stream_key, uniforms
from kechuang.world.mechanisms import knowledge, research
from kechuang.world.mechanisms.knowledge import KnowledgeParameters, next_knowledge, patent_mean
from kechuang.world.mechanisms.research import (
    ResearchParameters,
    adjusted_intensity,
    desired_log_intensity,
    grant_takers,
    notch,
)
from kechuang.world.population.firms import Firms
from worlds import everywhere, firms_of, law_of, record, research_setting

LEVELS: dict[str, Any] = {
    "participation_base": (-3.3,) * 8,
    "participation_size": 0.6,
    "participation_listed": 2.5,
    "participation_peers": 1.0,
    "log_median_intensity": (math.log(0.02),) * 8,
    "user_cost_elasticity": 1.2,
    "user_cost_reference": 0.833,
    "trend": 0.03,
    "adjustment": 0.4,
    "intensity_max": 0.5,
    "notch_rates": (0.05, 0.04, 0.03),
    "notch_bounds": (5000.0, 20_000.0),
    "rationed_research_loss": 0.2,
    "grant_additionality": 0.25,
}
P = record(ResearchParameters, **LEVELS)


def test_median_intensity_follows_from_mean_and_spread() -> None:
    """Mean 3.2 % with a log spread of 0.6 has its median at 3.2 % x exp(-0.18)."""
    draw = default_draw().with_values(
        research_intensity_mean=[0.06, 0.032, 0.035, 0.025, 0.05, 0.03, 0.018, 0.08],
        research_heterogeneity=0.6,
        research_participation_base=-4.2,
        research_participation_industry=[0.9, 0.1, 0.3, -0.1, 0.7, 0.2, -0.6, 0.9],
    )
    p = ResearchParameters.of(draw)
    assert math.exp(p.log_median_intensity[1]) == pytest.approx(0.032 * math.exp(-0.18))
    assert p.participation_base == pytest.approx([-3.3, -4.1, -3.9, -4.3, -3.5, -4.0, -4.8, -3.3])


@pytest.mark.parametrize(
    ("annual", "share"),
    [(1.0, 0.05), (5000.0, 0.05), (5000.01, 0.04), (20_000.0, 0.04), (20_000.01, 0.03), (4e6, 0.03)],
)
def test_notch_by_size(annual: float, share: float) -> None:
    assert notch(annual, P) == share


def test_participation_by_hand() -> None:
    """-3.3 + 0.6 ln 100 + 2.5 + 0.35 = 2.31310. Less than one worker counts as one."""
    assert research.participation_index(0, 100.0, True, 0.35, P) == pytest.approx(2.31310, abs=1e-5)
    assert research.participation_index(0, 100.0, False, 0.0, P) == pytest.approx(0.6 * math.log(100.0) - 3.3)
    assert research.participation_index(0, 0.01, False, 0.0, P) == pytest.approx(-3.3)


def desired_intensity(*arguments: Any) -> float:
    """Return the desired intensity itself."""
    return math.exp(desired_log_intensity(*arguments))


def test_desired_intensity_by_hand() -> None:
    """0.02 x e^0.5 x e^(0.03 x 5) x (0.75/0.833)^-1.2."""
    expected = 0.02 * math.exp(0.65) * (0.833 / 0.75) ** 1.2
    assert desired_intensity(2, 0.5, 0.75, 0.0, 5.0, P) == pytest.approx(expected)
    assert desired_intensity(2, 0.0, 0.833, 0.0, 0.0, P) == pytest.approx(0.02)
    assert desired_intensity(2, 9.0, 0.75, 0.0, 5.0, P) == pytest.approx(0.5, rel=1e-15)  # cut


def test_lower_user_cost_raises_research_by_the_elasticity() -> None:
    """-1.2 times the log change of the user cost."""
    low, high = (desired_intensity(2, 0.0, cost, 0.0, 0.0, P) for cost in (0.75, 0.868))
    assert math.log(low / high) == pytest.approx(1.2 * math.log(0.868 / 0.75))


def test_a_firm_whose_wish_for_a_loan_was_cut_wants_less_research() -> None:
    """gamma_f 0.2: a firm that is rationed in full does e^-0.2 of the R&D, one that is half rationed e^-0.1."""
    usual = desired_intensity(2, 0.0, 0.75, 0.0, 5.0, P)
    assert desired_intensity(2, 0.0, 0.75, 1.0, 5.0, P) == pytest.approx(usual * math.exp(-0.2))
    assert desired_intensity(2, 0.0, 0.75, 0.5, 5.0, P) == pytest.approx(usual * math.exp(-0.1))


def test_a_quarter_closes_a_tenth_of_the_log_gap() -> None:
    """Speed 0.4 a year: 0.02 x 2^0.1 towards 0.04; after many quarters the gap is 0.9^n."""
    assert adjusted_intensity(0.02, math.log(0.04), P) == pytest.approx(0.02 * 2**0.1)
    value = 0.02
    for _ in range(20):
        value = adjusted_intensity(value, math.log(0.04), P)
    assert math.log(0.04 / value) == pytest.approx(math.log(2.0) * 0.9**20)


STAFF = 75.6
INDEX = 0.6 * math.log(STAFF) - 3.3


def chosen(**columns: Any) -> Firms:
    """Let one firm of 6000 a year, margin 12 %, in industry 2 choose; above 300 of profit it pays 25 %."""
    standard = {"industry": 2, "place": 4, "sales": 1500.0, "staff": STAFF, "margin": 0.12, "participation": 0.0}
    firms = firms_of(1, **{**standard, **columns})
    research.choose_research(firms.columns, 1, research_setting(years=5.0), law_of(2019), P)
    return firms


def test_a_firm_starts_when_its_own_number_falls_below_the_index() -> None:
    """Without R&D taxable profit is 720 at 25 %, user cost 0.75; it starts at the desired level at once."""
    below, above = chosen(participation=INDEX - 1e-9), chosen(participation=INDEX + 1e-9)
    assert (below[0].does_research, above[0].does_research) == (1, 0)
    assert below[0].research_intensity == pytest.approx(0.02 * math.exp(0.15) * (0.833 / 0.75) ** 1.2)
    assert above[0].research_intensity == 0.0


def test_being_listed_and_having_peers_makes_firms_start() -> None:
    listed = chosen(ladder=1, participation=1.4)
    assert listed[0].does_research == 1
    firms = firms_of(1, industry=2, place=4, sales=1500.0, staff=STAFF, margin=0.12, participation=INDEX + 0.5)
    peers = np.zeros((13, 8))
    peers[4, 2] = 0.6
    research.choose_research(firms.columns, 1, research_setting(years=5.0, peers=peers), law_of(2019), P)
    assert firms[0].does_research == 1


def test_a_doer_moves_part_of_the_way_and_never_stops() -> None:
    """R&D 1 %: taxable 6000 x (0.12 - 0.0175) = 615 at 25 %."""
    firm = chosen(does_research=1, research_intensity=0.01, participation=5.0)[0]
    desired = 0.02 * math.exp(0.15) * (0.833 / 0.75) ** 1.2
    assert firm.does_research == 1
    assert firm.research_intensity == pytest.approx(0.01 * (desired / 0.01) ** 0.1)


def test_certified_firms_hold_the_notch_at_once() -> None:
    """6000 a year asks for 4 %; 1.5 % is relabelled, so real R&D is at least 2.5 %. So for an applicant."""
    for status in ({"certified": -4, "ladder": 2}, {"applied": 1, "ladder": 1}):
        firm = chosen(does_research=1, research_intensity=0.01, relabelled=0.015, **status)[0]
        assert firm.research_intensity == pytest.approx(0.025)
    above = chosen(does_research=1, research_intensity=0.06, certified=-4, ladder=2)[0]
    assert above.research_intensity < 0.06, "above the notch the choice is free"


def test_the_dead_do_not_choose() -> None:
    assert chosen(alive=0, participation=-9.0)[0].does_research == 0


def test_tax_rate_of_the_certificate_lowers_user_cost_only_for_the_certified() -> None:
    """At 15 % the deduction is worth less, so a certified firm wants less R&D; a lever on the rate moves only it."""
    free = {"does_research": 1, "research_intensity": 0.06}
    cheap = research_setting(years=5.0, tax_rate=everywhere(0.05))
    for status, moves in (({"certified": -4, "ladder": 2}, True), ({"ladder": 1}, False)):
        firms = firms_of(1, industry=2, sales=1500.0, margin=0.2, **free, **status)
        other = firms_of(1, industry=2, sales=1500.0, margin=0.2, **free, **status)
        research.choose_research(firms.columns, 1, research_setting(years=5.0), law_of(2019), P)
        research.choose_research(other.columns, 1, cheap, law_of(2019), P)
        assert bool(firms[0].research_intensity > other[0].research_intensity) is moves


# Knowledge and patents ------------------------------------------------------------------------------------------------

K = record(
    KnowledgeParameters,
    knowledge_depreciation=0.15,
    patent_productivity=np.full(8, 0.8),
    patent_elasticity=0.5,
    patent_decay=0.05,
)


def test_knowledge_loses_a_quarter_of_a_years_depreciation() -> None:
    """1000 x 0.85^0.25 = 960.19, plus the R&D of two quarters ago."""
    assert next_knowledge(1000.0, 30.0, 0.15) == pytest.approx(990.19, abs=0.01)
    stock = 1000.0
    for _ in range(4):
        stock = next_knowledge(stock, 0.0, 0.15)
    assert stock == pytest.approx(850.0)


def test_research_enters_the_stock_two_quarters_later() -> None:
    """R&D of 2 % of 500 = 10 a quarter (season 1.2: 12) from now on; none before."""
    firms = firms_of(1, sales=500.0, research_intensity=0.02, does_research=1, knowledge=100.0)
    stocks = []
    for quarter in range(1, 5):
        key = stream_key(1, quarter, int(Purpose.PATENTS))
        knowledge.accumulate_knowledge(firms.columns, 1, key, 1.2, 1.0, K)
        stocks.append(firms[0].knowledge)
    fade = 0.85**0.25
    by_hand = [100 * fade, 100 * fade**2, 100 * fade**3 + 12, (100 * fade**3 + 12) * fade + 12]
    assert stocks == pytest.approx(by_hand)


def test_expected_patents_by_hand() -> None:
    """0.8 a year at 100万 of R&D, twice as many at 400万; a quarter of it in a quarter."""
    assert patent_mean(100.0, 0.8, 0.5) == pytest.approx(0.2)
    assert patent_mean(400.0, 0.8, 0.5) == pytest.approx(0.4)
    assert patent_mean(0.0, 0.8, 0.5) == 0.0


def test_patent_stock_decays_and_takes_up_the_quarters_count() -> None:
    """Real R&D = 4 x 0.05 x 5000 / 1.25 = 800: mean 0.2 x sqrt 8 = 0.5657 patents a quarter."""
    n = 200
    firms = firms_of(n, sales=5000.0, research_intensity=0.05, does_research=1, patents=10.0)
    key = stream_key(4, 9, int(Purpose.PATENTS))
    granted = knowledge.accumulate_knowledge(firms.columns, n, key, 1.0, 1.25, K)
    counts = poisson.ppf(uniforms(key, np.arange(n)), 0.2 * math.sqrt(8.0))
    assert firms.columns.patents[:n] == pytest.approx(9.5 + counts)
    assert granted == counts.sum() > 50


def test_firms_without_research_keep_what_they_have() -> None:
    firms = firms_of(1, sales=500.0, research_intensity=0.02, knowledge=100.0, patents=3.0)
    assert knowledge.accumulate_knowledge(firms.columns, 1, np.uint64(1), 1.0, 1.0, K) == 0.0
    assert (firms[0].knowledge, firms[0].patents) == (100.0, 3.0)


# Poisson counts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [1e-9, 1e-3, 0.1, 0.7, 1.0, 3.3, 12.0, 59.5, 240.0, 599.0])
def test_counts_are_poisson_quantiles(mean: float) -> None:
    u = np.concatenate([np.linspace(0.0005, 0.9995, 1000), 10.0 ** -np.arange(4, 13), 1 - 10.0 ** -np.arange(4, 13)])
    found = [poisson_from_uniform(float(one), mean) for one in u]
    assert np.array_equal(found, poisson.ppf(u, mean))


@pytest.mark.parametrize("mean", [0.5, 33.0, 120.0, 599.0])
def test_counts_stay_near_the_mean_at_the_last_number_below_one(mean: float) -> None:
    assert poisson_from_uniform(1.0 - 2.0**-53, mean) < mean + 12.0 * math.sqrt(mean) + 12.0


def test_large_counts_are_normal_to_a_hundredth_of_their_spread() -> None:
    """Beyond 600 the rounded normal: its error is that of the skew, (z^2 - 1)/6, and the rounding."""
    u = np.linspace(0.001, 0.999, 999)
    for mean in (601.0, 5000.0, 1e6):
        gap = np.abs([poisson_from_uniform(float(one), mean) for one in u] - poisson.ppf(u, mean))
        assert gap.max() <= 1.0 + (3.1**2 - 1.0) / 6.0


def test_counts_rise_with_the_draw_and_with_the_mean() -> None:
    means = np.concatenate([[0.0, 1e-9], np.geomspace(0.01, 500.0, 200)])
    for u in (0.01, 0.4, 0.999):
        counts = [poisson_from_uniform(u, float(mean)) for mean in means]
        assert counts == sorted(counts)
    assert poisson_from_uniform(0.9999, 0.0) == 0.0


@pytest.mark.statistical
def test_counts_of_many_cells_have_mean_and_variance() -> None:
    """n = 20 000 for each mean; 4.5 standard errors, false alarm 7e-6 each; var of the sample variance (m + 2m^2)/n."""
    n = 20_000
    for purpose, mean in ((Purpose.CELL_ENTRY, 0.4), (Purpose.CELL_EXIT, 7.0), (Purpose.CROSSING_COUNT, 900.0)):
        counts = poissons(stream_key(8, 3, int(purpose)), np.arange(n), np.full(n, mean))
        assert np.mean(counts) == pytest.approx(mean, abs=4.5 * math.sqrt(mean / n))
        assert np.var(counts) == pytest.approx(mean, abs=4.5 * math.sqrt((mean + 2 * mean**2) / n) + 0.1)


def test_who_takes_grants() -> None:
    """Everybody at place 0, nobody at place 1, half on step 2; never without R&D, never the dead."""
    firms = firms_of(
        400, place=np.repeat([0, 1, 2, 0], 100), ladder=np.repeat([0, 0, 2, 0], 100),
        does_research=np.repeat([1, 1, 1, 0], 100), alive=(np.arange(400) % 10 != 0).astype(np.int8),
    )  # fmt: skip
    take_up, key = np.zeros((3, 1, 4)), stream_key(1, 0, 206)
    take_up[0], take_up[2, 0, 2] = 1.0, 0.5
    rows = grant_takers(firms.columns, 400, key, take_up)
    draws = uniforms(key, np.arange(400))
    assert rows.tolist() == [i for i in range(300) if i % 10 and (i < 100 or (i >= 200 and draws[i] < 0.5))]
