"""The certification ladder above the list: what a certificate is worth, who applies, passes, renews and rises."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from kechuang.randomness import logistic, uniform, uniforms
from kechuang.world.mechanisms import certification
from kechuang.world.mechanisms.certification import (
    CertificationParameters,
    annuity,
    decide,
    evaluate,
    gap_cost,
    gap_split,
    pass_probability,
    promotion_rate,
    research_price,
)
from kechuang.world.mechanisms.research import ResearchParameters
from kechuang.world.population.firms import NO_CERTIFICATE, Firms
from worlds import certification_setting, everywhere, firms_of, law_of, record, research_setting

P = record(
    CertificationParameters,
    cost=36.0,
    taste_scale=8.0,
    taste_permanent_share=0.7,
    tide_pull=5.0,
    discount_factor=0.93,
    relabelling_curvature=25.0,
    research_price_floor=0.05,
    knowledge_floor_share=0.02,
    knowledge_elasticity=0.1,
    pass_base=-1.0,
    pass_patents=0.8,
    pass_staff=5.0,
    pass_relabelling=40.0,
    renewal_pass=0.75,
    renewal_cost_share=0.4,
    certificate_quarters=12.0,
    leader_base=-6.5,
    leader_size=0.6,
    leader_patents=0.3,
    leader_rate_max=0.1,
)
RESEARCH = record(
    ResearchParameters,
    notch_rates=(0.05, 0.04, 0.03),
    notch_bounds=(5000.0, 20_000.0),
    intensity_max=0.5,
)
LAW = law_of(2019)
ANNUITY = 1 + 0.93 + 0.93**2  # 2.7949
TASTE_KEY, OTHER_KEY = np.uint64(0x1234_5678_9ABC), np.uint64(0xFEDC_BA98)


# Rules ----------------------------------------------------------------------------------------------------------------


def test_annuity_of_three_years() -> None:
    assert annuity(0.93) == pytest.approx(2.7949)
    assert annuity(1.0) == 3.0


def test_price_of_research_after_tax_and_its_own_gain() -> None:
    """1 - 0.25 x 1.75 = 0.5625; gain 0.12 x 10 000 x 0.1 / 2000 = 0.06. Without a stock: 200 = 2 % of sales, gain 0.6."""
    assert research_price(0.25, 0.75, 0.12, 10_000.0, 2000.0, P) == pytest.approx(0.5025)
    assert research_price(0.25, 0.75, 0.12, 10_000.0, 400.0, P) == pytest.approx(0.2625)
    assert research_price(0.25, 0.75, 0.12, 10_000.0, 0.0, P) == 0.05  # the floor


@pytest.mark.parametrize(
    ("gap", "relabelled", "added"),
    [
        (0.0, 0.0, 0.0),
        (0.01, 0.01, 0.0),  # below c/cL = 0.5625/25 = 0.0225 all is relabelled
        (0.0225, 0.0225, 0.0),
        (0.05, 0.0225, 0.0275),  # above it the rest is real
    ],
)
def test_gap_split_has_a_corner(gap: float, relabelled: float, added: float) -> None:
    assert gap_split(gap, 0.5625, P) == pytest.approx((relabelled, added), abs=1e-15)


@pytest.mark.parametrize("gap", [0.004, 0.02, 0.03, 0.05])
@pytest.mark.parametrize("price", [0.05, 0.3, 0.5625])
def test_gap_split_is_the_cheapest_of_all_splits(gap: float, price: float) -> None:
    """Cost of a split per yuan of sales: price (gap - l) + 25/2 l^2, tried at 5001 points."""
    tried = np.linspace(0.0, gap, 5001)
    costs = price * (gap - tried) + 12.5 * tried**2
    relabelled, added = gap_split(gap, price, P)
    assert relabelled == pytest.approx(tried[np.argmin(costs)], abs=gap / 5000)
    assert gap_cost(1.0, price, relabelled, added, P) <= ANNUITY * costs.min() * (1 + 1e-12)


def test_gap_cost_by_hand() -> None:
    """2.7949 x 10 000 x (0.5625 x 0.0275 + 12.5 x 0.0225^2) = 27 949 x 0.021796875 = 609.2万元."""
    assert gap_cost(10_000.0, 0.5625, 0.0225, 0.0275, P) == pytest.approx(609.20, abs=0.01)
    assert gap_cost(10_000.0, 0.5625, 0.0, 0.0, P) == 0.0


def test_pass_probability_by_hand() -> None:
    """8 patents, 12 % R&D staff, 0.8 % relabelled: -1 + 0.8 ln 9 + 0.6 - 0.32 = 1.0378, probability 0.738."""
    assert pass_probability(8.0, 0.12, 0.008, P) == pytest.approx(0.7384, abs=1e-4)
    assert pass_probability(0.0, 0.0, 0.0, P) == pytest.approx(1 / (1 + math.e))
    assert pass_probability(8.0, 0.12, 0.02, P) < pass_probability(8.0, 0.12, 0.008, P)


def test_promotion_rate_by_hand() -> None:
    """e^-6.5 = 0.0015034 a year at 1亿 of sales; 2^0.6 as much at 2亿; 9 patents add 0.3 ln 10; never above 0.1."""
    assert promotion_rate(10_000.0, 0.0, 1.0, P) == pytest.approx(0.0015034, rel=1e-4)
    assert promotion_rate(20_000.0, 9.0, 1.0, P) == pytest.approx(math.exp(-6.5) * 2**0.6 * 10**0.3)
    assert promotion_rate(4e6, 500.0, 1.0, P) == 0.1


# The value of a certificate -------------------------------------------------------------------------------------------

SETTING = certification_setting(log_tide=0.5)
FIRM: dict[str, Any] = {
    "staff": 63.0,
    "identity": 77,
    "industry": 2,
    "place": 4,
    "ladder": 1,
    "sales": 1250.0,
    "margin": 0.12,
    "research_intensity": 0.02,
    "does_research": 1,
    "knowledge": 800.0,
    "soft_benefit": 7.0,
    "taste": 0.4,
    "certified": NO_CERTIFICATE,
}


def one_firm(**changes: Any) -> Firms:
    return firms_of(1, **{**FIRM, **changes})


def soft_by_hand(taste: float = 0.4, soft: float = 7.0) -> float:
    """soft_i + kT ln(T/T0) + sigma (0.7 z_i + 0.3 z_i,year)"""
    return soft + 5.0 * 0.5 + 8.0 * (0.7 * taste + 0.3 * logistic(TASTE_KEY, 77))


def test_value_of_a_first_certificate_by_hand() -> None:
    """Sales 5000 a year, 63 workers, R&D 2 %, notch 5 %.

    tax     taxable 5000 (0.12 - 0.02 x 1.75) = 425, above 300: (25 - 15) % = 42.5 a year, 118.78 in three years
    bonus   20 (1 + 0.5 x 0.93^3 x 0.75) = 20 x 1.301634 = 26.03
    cost    36
    gap     0.03; price 0.5625 - 0.12 x 5000 x 0.1/800 = 0.4875; relabelled 0.4875/25 = 0.0195, added 0.0105
            2.7949 x 5000 x (0.4875 x 0.0105 + 12.5 x 0.0195^2) = 13 974.5 x 0.009871875 = 137.95
    """
    found = evaluate(one_firm().columns, 1, TASTE_KEY, SETTING, LAW, RESEARCH, P)[0]
    value = 42.5 * ANNUITY + 20 * (1 + 0.5 * 0.93**3 * 0.75) - 36.0 - 137.9545 + soft_by_hand()
    assert found == pytest.approx([value, 0.0195, 0.0105], rel=1e-6)
    assert pytest.approx(118.78, abs=0.01) == 42.5 * ANNUITY


def test_value_of_a_small_firm_has_no_tax_part_and_no_gap() -> None:
    """Sales 1500: taxable 1500 (0.12 - 0.06 x 1.75) = 22.5, taxed at 5 %: nothing to gain; R&D 6 % is above the notch."""
    firms = one_firm(sales=375.0, research_intensity=0.06)
    found = evaluate(firms.columns, 1, TASTE_KEY, SETTING, LAW, RESEARCH, P)[0]
    assert found == pytest.approx([20 * (1 + 0.5 * 0.93**3 * 0.75) - 36.0 + soft_by_hand(), 0.0, 0.0])


def renewal_value(**changes: Any) -> tuple[float, ...]:
    columns = one_firm(ladder=2, **changes).columns
    return tuple(decide(columns, 0, True, logistic(TASTE_KEY, 77), SETTING, LAW, RESEARCH, P))


def test_value_of_a_renewal_by_hand() -> None:
    """Half the bonus and 0.4 of the cost; what is relabelled already counts: 3.5 % + 1.5 % meets the notch."""
    found = renewal_value(research_intensity=0.035, relabelled=0.015)
    # Taxable 5000 (0.12 - 0.06125) = 293.75 is small profit, at 5 and 10 %: no tax to gain.
    assert found == pytest.approx((10.0 - 14.4 + soft_by_hand(), 0.0, 0.0))
    # With a margin of 20 % it is 693.75, and a tenth of it is gained.
    richer = renewal_value(research_intensity=0.035, relabelled=0.015, margin=0.2)
    assert richer[0] - found[0] == pytest.approx(69.375 * ANNUITY)


def test_value_rises_with_what_it_is_made_of() -> None:
    def value(setting: Any = SETTING, **changes: Any) -> float:
        return float(evaluate(one_firm(**changes).columns, 1, TASTE_KEY, setting, LAW, RESEARCH, P)[0, 0])

    base = value()
    assert value(SETTING._replace(bonus=everywhere(21.0))) == pytest.approx(base + 1.301634, abs=1e-5)
    assert value(SETTING._replace(log_tide=0.7)) == pytest.approx(base + 1.0)
    assert value(soft_benefit=8.0) == pytest.approx(base + 1.0)
    assert value(taste=1.4) == pytest.approx(base + 5.6)
    # A rate of 10 % instead of 15 % saves another 5 % of 425 a year.
    assert value(SETTING._replace(tax_rate=everywhere(0.10))) == pytest.approx(base + 21.25 * ANNUITY)
    # Just above 5000 a year a firm is asked for 4 % instead of 5 %.
    assert value(sales=1250.01) > base + 50.0


# Applying, passing, renewing ------------------------------------------------------------------------------------------


def apply_with(firms: Firms, window: int, window_key: int = 5) -> int:
    return int(
        certification.apply_for_certification(
            firms.columns, firms.count, window, np.uint64(window_key), TASTE_KEY, SETTING, LAW, RESEARCH, P
        )
    )


def test_each_firm_applies_in_its_own_window_of_the_year() -> None:
    n = 400
    firms = firms_of(n, **{**FIRM, "identity": np.arange(n), "soft_benefit": 1e6})
    early = uniforms(np.uint64(5), np.arange(n)) < 0.5
    assert apply_with(firms, 0) == early.sum()
    assert np.array_equal(firms.columns.applied[:n] == 1, early)
    assert apply_with(firms, 1) == n - early.sum()
    assert firms.columns.applied[:n].all()


@pytest.mark.parametrize(
    ("columns", "applies"),
    [
        ({"ladder": 1}, True),
        ({"ladder": 1, "certified": -4}, False),  # holds a certificate
        ({"ladder": 3}, True),  # a leader that lost it
        ({"ladder": 0}, False),  # ordinary firms do not
        ({"ladder": 0, "above_scale": 1}, False),  # unaware
        ({"ladder": 0, "above_scale": 1, "aware": 1}, True),  # aware and above scale: straight to the certificate
        ({"ladder": 0, "aware": 1}, False),
        ({"ladder": 1, "alive": 0}, False),
    ],
)
def test_who_may_apply(columns: dict[str, int], applies: bool) -> None:
    firms = one_firm(**{"soft_benefit": 1e6, **columns})
    assert apply_with(firms, 0) + apply_with(firms, 1) == int(applies)
    assert firms[0].applied == int(applies)


@pytest.mark.parametrize("soft", [-1e6, 1e6])
def test_an_application_pays_or_is_left(soft: float) -> None:
    """The applicant raises its R&D by what it must add, at once; weighing it makes a direct applicant know (2)."""
    firms = one_firm(soft_benefit=soft, ladder=0, above_scale=1, aware=1, does_research=0)
    apply_with(firms, 0)
    apply_with(firms, 1)
    pays = soft > 0
    assert (firms[0].applied, firms[0].does_research, firms[0].aware) == (int(pays), int(pays), 2)
    assert firms[0].relabelled == pytest.approx(0.0195 if pays else 0.0)
    assert firms[0].research_intensity == pytest.approx(0.0305 if pays else 0.02)


def test_review_draws_against_the_probability_and_failures_give_up_relabelling() -> None:
    """Researchers 0.02 x 5000 / 20 = 5 of 63 workers."""
    n = 300
    patents = np.arange(n) % 10
    firms = firms_of(n, **{**FIRM, "identity": np.arange(n), "applied": 1, "relabelled": 0.01, "patents": patents})
    firms.columns.applied[0] = 0
    staff_share = 5.0 / 63.0
    score = -1.0 + 0.8 * np.log(1.0 + patents) + 5.0 * staff_share - 40.0 * 0.01
    chance = 1 / (1 + np.exp(-score))
    passes = (uniforms(OTHER_KEY, np.arange(n)) < chance) & (np.arange(n) > 0)
    rows, scores = certification.review(firms.columns, n, OTHER_KEY, SETTING, P)
    assert np.array_equal(rows, np.flatnonzero(passes))
    assert scores == pytest.approx(chance[passes])
    assert 0.2 < passes.mean() < 0.9
    assert not firms.columns.applied[:n].any()
    assert firms.columns.relabelled[1:n] == pytest.approx(np.where(passes[1:], 0.01, 0.0))


def renewed(pass_rate: float, quarter: int = 16, **changes: Any) -> tuple[list[int], Firms]:
    firms = one_firm(**{"ladder": 2, "certified": 4, "soft_benefit": 1e6, **changes})
    p = P._replace(renewal_pass=pass_rate)
    setting = SETTING._replace(quarter=quarter)
    return list(certification.renew(firms.columns, 1, OTHER_KEY, TASTE_KEY, setting, LAW, RESEARCH, p)), firms


def test_a_certificate_lasts_twelve_quarters() -> None:
    early, firms = renewed(1.0, quarter=15)
    assert early == []
    assert firms[0].certified == 4
    due, firms = renewed(1.0)
    assert due == [0]
    assert (firms[0].certified, firms[0].ladder) == (16, 2)


def test_a_renewed_firm_closes_its_new_gap_and_a_lapsed_one_gives_up() -> None:
    """R&D 2 % and 1 % relabelled leave a gap of 2 %, of which 0.0195 is relabelled."""
    _, firms = renewed(1.0, relabelled=0.01)
    assert firms[0].relabelled == pytest.approx(0.0295)
    for pass_rate, soft in ((0.0, 1e6), (1.0, -1e6)):
        _, firms = renewed(pass_rate, soft_benefit=soft, relabelled=0.01)
        assert (firms[0].certified, firms[0].ladder, firms[0].relabelled) == (NO_CERTIFICATE, 1, 0.0)


def test_a_leader_without_certificate_stays_a_leader() -> None:
    _, firms = renewed(0.0, ladder=3)
    assert (firms[0].certified, firms[0].ladder) == (NO_CERTIFICATE, 3)


def test_renewal_passes_where_the_draw_lies_below_the_rate() -> None:
    n = 500
    firms = firms_of(n, **{**FIRM, "identity": np.arange(n), "ladder": 2, "certified": 4, "soft_benefit": 1e6})
    setting = SETTING._replace(quarter=16)
    due = certification.renew(firms.columns, n, OTHER_KEY, TASTE_KEY, setting, LAW, RESEARCH, P)
    assert due.size == n
    expected = np.where(uniforms(OTHER_KEY, np.arange(n)) < 0.75, 16, NO_CERTIFICATE)
    assert np.array_equal(firms.columns.certified[:n], expected)


def test_promotion_takes_certified_firms_by_their_own_draw() -> None:
    n = 4000
    firms = firms_of(n, **{**FIRM, "identity": np.arange(n), "ladder": 2, "sales": 5000.0})
    firms.columns.ladder[:10] = 1
    rate = math.exp(-6.5) * 2**0.6
    rises = (uniforms(OTHER_KEY, np.arange(n)) < 1 - math.exp(-rate / 4)) & (np.arange(n) >= 10)
    assert certification.promote(firms.columns, n, OTHER_KEY, 1.0, P) == rises.sum()
    assert np.array_equal(firms.columns.ladder[:n] == 3, rises)
    assert uniform(OTHER_KEY, int(np.flatnonzero(rises)[0])) < rate


def test_settings_of_research_and_certification_speak_of_the_same_policy() -> None:
    assert np.array_equal(research_setting().tax_rate, SETTING.tax_rate)
    assert np.array_equal(research_setting().extra_deduction, SETTING.extra_deduction)
