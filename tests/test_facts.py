"""Stylised facts: every statistic against a sample whose answer is known, and those that mechanisms carry on a small city.

Samples are quantiles of a law at equally spaced probabilities, so nothing is drawn unless a test says so.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from kechuang.analyse import facts_funds, facts_space
from kechuang.analyse import facts_statistics as statistics
from kechuang.analyse.credit_panel import CreditYears, applications, correlation_with_debt, size_class
from kechuang.analyse.facts import FACTS, evaluate
from kechuang.analyse.facts_panel import CityYear, observe
from kechuang.analyse.facts_study import judge, study_content, study_page
from kechuang.ensemble.draws import draws_for
from kechuang.world.indicators import POSITION
from kechuang.world.model import Corridor
from worlds import scenario_of, status_of


def probabilities(number: int) -> np.ndarray:
    return (np.arange(number) + 0.5) / number


def normal(number: int = 20_000) -> np.ndarray:
    return np.asarray(ndtri(probabilities(number)))


def laplace(number: int = 20_000) -> np.ndarray:
    u = probabilities(number) - 0.5
    return np.asarray(-np.sign(u) * np.log1p(-2.0 * np.abs(u)))


def subbotin_with_shape_half(number: int = 40_000) -> np.ndarray:
    """Return quantiles of the law proportional to exp(-2 sqrt|x|): sqrt|x| is a Gamma(2) variable over 2."""
    from scipy.special import gammaincinv

    u = probabilities(number) - 0.5
    return np.asarray(np.sign(u) * (gammaincinv(2.0, 2.0 * np.abs(u)) / 2.0) ** 2)


# F1-F5 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [0.8, 1.05, 2.0])
def test_hill_exponent_of_an_exact_pareto_law(exponent: float) -> None:
    sizes = (1.0 - probabilities(20_000)) ** (-1.0 / exponent)
    assert statistics.hill_exponent(sizes) == pytest.approx(exponent, rel=0.01)
    assert statistics.hill_exponent(1000.0 * sizes) == pytest.approx(statistics.hill_exponent(sizes)), "unit-free"


def test_hill_exponent_takes_at_least_two_hundred_firms() -> None:
    body, tail = np.full(800, 1.0), 2.0 * (1.0 - probabilities(200)) ** -1.0
    assert statistics.hill_exponent(np.concatenate([body, tail])) < 1.0
    assert math.isnan(statistics.hill_exponent(np.array([1.0, 2.0])))


def test_skewness_and_distance_of_a_lognormal_law() -> None:
    sizes = np.exp(5.0 + 1.1 * normal())
    assert abs(statistics.log_skewness(sizes)) < 1e-9
    assert statistics.lognormal_distance(sizes) < 1e-3
    two = np.exp(np.array([0.0, 1.0]))
    # Weights 3 : 1 on two points: skewness of a Bernoulli(1/4) variable is (1 - 2p) / sqrt(p q).
    assert statistics.log_skewness(two, np.array([3.0, 1.0])) == pytest.approx(0.5 / math.sqrt(0.1875))
    exponential = np.exp(-np.log(1.0 - probabilities(20_000)))
    assert statistics.log_skewness(exponential) == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize(
    ("sample", "shape"), [(laplace(), 1.0), (normal(), 2.0), (subbotin_with_shape_half(), 0.5)], ids=str
)
def test_subbotin_shape_of_known_laws(sample: np.ndarray, shape: float) -> None:
    assert statistics.subbotin_shape(sample) == pytest.approx(shape, rel=0.01)
    assert statistics.subbotin_shape(7.0 * sample) == pytest.approx(shape, rel=0.01), "scale-free"


def test_laplace_growth_with_a_spread_that_falls_with_size_is_laplace_within_deciles() -> None:
    generator = np.random.Generator(np.random.PCG64(1))
    sizes = np.exp(generator.normal(7.0, 1.5, 40_000))
    growth = generator.laplace(0.0, 1.0, 40_000) * sizes**-0.15 + 0.3 * (np.arange(40_000) % 2)
    industry = np.arange(40_000, dtype=np.int64) % 2
    inside = statistics.demeaned(growth, industry * 10 + statistics.size_decile(sizes))
    assert abs(inside.mean()) < 1e-12
    # Spread still varies a little inside a decile, which thickens the tails.
    assert statistics.subbotin_shape(inside) == pytest.approx(0.95, abs=0.05)
    assert statistics.size_variance_slope(inside, sizes) == pytest.approx(-0.15, abs=0.01)


def test_size_effect_within_groups_ignores_what_groups_differ_in() -> None:
    groups = np.repeat(np.arange(50, dtype=np.int64), 20)
    size = np.tile(np.linspace(-1.0, 1.0, 20), 50) + groups
    growth = 0.04 * size + 5.0 * groups
    assert statistics.within_slope(growth, size, groups) == pytest.approx(0.04)
    assert statistics.slope(growth, size) > 1.0


def test_deciles_are_equally_filled() -> None:
    assert np.bincount(statistics.size_decile(np.arange(1000.0)[::-1])).tolist() == [100] * 10


# F7-F11 -------------------------------------------------------------------------------------------------------------


def test_survival_and_peak_from_a_hand_table() -> None:
    at_risk = np.full(12, 400.0)
    exits = np.array([4.0, 8, 12, 8, 8, 4, 4, 4, 4, 4, 400, 0])
    by_hand = (0.99 * 0.98 * 0.97 * 0.98 * 0.98) ** 4
    assert statistics.survival(exits, at_risk, 5) == pytest.approx(by_hand)
    assert statistics.peak_year(exits, at_risk) == 3.0, "the tenth year of the table is the last that counts"
    assert math.isnan(statistics.survival(exits, np.zeros(12), 5))


def test_top_share_and_variance_share() -> None:
    assert statistics.top_share(np.array([10.0] + [1.0] * 9)) == pytest.approx(10.0 / 19.0)
    groups = np.array([0, 0, 1, 1], dtype=np.int64)
    assert statistics.variance_share(np.array([0.0, 2.0, 4.0, 6.0]), groups) == pytest.approx(0.8)
    assert statistics.variance_share(np.array([1.0, 1.0, 3.0, 3.0]), groups) == pytest.approx(1.0)


# F12 ----------------------------------------------------------------------------------------------------------------


def smooth_intensity(number: int = 20_000) -> np.ndarray:
    return np.asarray(np.exp(math.log(0.03) + 0.7 * normal(number)))


@pytest.mark.parametrize("notch", [0.03, 0.04, 0.05])
def test_excess_mass_is_zero_without_and_right_with_bunching(notch: float) -> None:
    intensity = smooth_intensity()
    assert abs(statistics.excess_mass(intensity, notch)) < 0.02
    short = (intensity < notch) & (intensity > notch - 0.012)
    bunched = np.where(short, notch, intensity)
    there = ((intensity >= notch) & (intensity < notch + 0.005)).sum()
    assert statistics.excess_mass(bunched, notch) == pytest.approx(short.sum() / there, rel=0.03)
    assert statistics.excess_mass(bunched, notch, below=True) == pytest.approx(-1.0, abs=0.01)
    assert math.isnan(statistics.excess_mass(intensity[:20], notch)), "a handful of firms has no law"


def test_a_firm_a_hair_below_the_threshold_counts_as_at_it() -> None:
    """Real and relabelled R&D add up to the threshold only to the last bit."""
    lower, counts = statistics.intensity_counts(np.array([0.05 - 1e-12, 0.05, 0.05 - 1e-6]))
    assert counts[np.isclose(lower, 0.05)] == 2


# F13 ----------------------------------------------------------------------------------------------------------------


def test_s_shape_is_told_from_a_line_and_from_one_sided_bends() -> None:
    years = np.arange(21.0)
    assert statistics.is_s_shaped(100.0 / (1.0 + np.exp(-0.5 * (years - 9.0))))
    assert not statistics.is_s_shaped(5.0 * years)
    assert not statistics.is_s_shaped(np.exp(0.1 * years)), "convex to the end"
    assert not statistics.is_s_shaped(1.0 - np.exp(-0.1 * years)), "concave from the start"


# F15-F17 ------------------------------------------------------------------------------------------------------------


def credit_of(**changes: Any) -> CreditYears:
    """Return five years of credit that suit every band."""
    plain = {
        "first": 2016, "last": 2020,
        "approved": np.array([90.0, 46.0, 24.0]), "refused": np.array([10.0, 4.0, 1.0]),
        "loans": np.array([10.0, 40.0, 90.0]), "sales": np.array([100.0, 200.0, 300.0]),
        "counts": {"applicants": 175.0, "rationed": 21.0, "discouraged": 25.0},
        "correlations": (-0.1, -0.2, -0.3), "bad": (*[1.0] * 15, 0.9, 1.0, 1.7, 1.4, 1.2),
    }  # fmt: skip
    return CreditYears(**{**plain, **changes})


def measured(name: str, **changes: Any) -> tuple[float, bool]:
    """Return a statistic of credit and whether it lies in its band; CityYear is stood in for by what is looked at."""
    fact = next(fact for fact in FACTS if fact.name == name)
    value = fact.measure(SimpleNamespace(credit=credit_of(**changes)))  # type: ignore[arg-type]
    return value, fact.holds(value)


def test_approval_has_to_rise_with_size() -> None:
    """Approved: 90, 92 and 96 % of 100, 50 and 25 applications."""
    value, holds = measured("F15 approval")
    assert (value, holds) == (pytest.approx(0.02), True)
    value, holds = measured("F15 approval", refused=np.array([10.0, 4.0, 6.0]))
    assert (value, holds) == (pytest.approx(0.80 - 0.92), False)
    assert measured("F15 approval 3")[0] == pytest.approx(0.96)
    nobody = {"approved": np.array([90.0, 46.0, 0.0]), "refused": np.array([10.0, 4.0, 0.0])}
    value, holds = measured("F15 approval", **nobody)
    assert math.isnan(value)
    assert not holds


def test_debt_may_rise_or_fall_with_size_but_not_turn() -> None:
    """Loans over sales: .1, .2, .3; then .3, .2, .1; then .1, .2, .05."""
    assert measured("F15 debt") == (pytest.approx(0.1), True)
    assert measured("F15 debt", loans=np.array([30.0, 40.0, 30.0])) == (pytest.approx(0.1), True)
    value, holds = measured("F15 debt", loans=np.array([10.0, 40.0, 15.0]))
    assert (value, holds) == (pytest.approx(-0.1), False)


def test_rationed_and_constrained_shares_by_hand() -> None:
    assert measured("F15 rationed") == (pytest.approx(21 / 175), True)
    assert measured("F15 constrained") == (pytest.approx(46 / 200), True)
    assert math.isnan(measured("F15 rationed", counts={"applicants": 0.0, "rationed": 0.0, "discouraged": 3.0})[0])


def test_debt_goes_with_research_as_in_a_hand_made_sample() -> None:
    assert measured("F16 collateral") == (pytest.approx(-0.2), True)
    intensity, debt = np.array([0.0, 0.0, 0.02, 0.04, 0.06]), np.array([9.0, -9.0, 0.3, 0.1, 0.2])
    # Three doers, ranks 1, 2, 3 against 3, 1, 2 in equal steps.
    assert correlation_with_debt(intensity, debt) == pytest.approx(-0.5)
    assert math.isnan(correlation_with_debt(intensity[:4], debt[:4]))
    assert math.isnan(correlation_with_debt(intensity, np.zeros(5)))


def test_bad_loans_and_the_bump_of_the_pandemic() -> None:
    """0.9 % at the end of 2019, at most 1.7 % in 2020."""
    assert measured("F17 lowest") == (0.9, True)
    assert measured("F17 highest") == (1.7, True)
    assert measured("F17 bump") == (pytest.approx(0.8), True)
    assert measured("F17 bump", bad=(*[1.0] * 16, 1.0, 2.5, 1.0, 1.0)) == (1.5, False)
    assert not measured("F17 highest", bad=(*[1.0] * 19, 2.1))[1]
    assert next(fact for fact in FACTS if fact.name == "F17 bump").years == (2020,)


def test_classes_of_size_hold_their_upper_bound() -> None:
    assert size_class(np.array([1.0, 5000.0, 5000.1, 20_000.0, 20_000.1])).tolist() == [0, 0, 1, 1, 2]


def test_applications_read_off_the_firms_are_those_of_the_credit_market() -> None:
    """Twelve quarters of a small city: granted plus refused is what lending itself counts, in every quarter."""
    seen: list[tuple[int, ...]] = []

    def count(city: Corridor) -> None:
        granted, refused = applications(city)
        seen.append((int(granted.sum() + refused.sum()), int(refused.sum())))
        assert seen[-1] == (city.lending["applicants"], city.lending["refused"])

    Corridor(scenario_of("2018Q4"), seed=5, scale=0.05, collect=False, events={"credit": [count]}).run()
    assert len(seen) == 12
    assert min(total for total, _ in seen) > 0
    assert sum(refused for _, refused in seen) > 0


# F19 ----------------------------------------------------------------------------------------------------------------


def stakes_of(*deals: tuple[int, int, str, float, float, bool]) -> pd.DataFrame:
    """Return stakes of one fund from (firm, quarter, route, cost, proceeds, follow-on)."""
    frame = pd.DataFrame(deals, columns=["firm", "quarter", "route", "cost", "proceeds", "follow_on"])
    return frame.assign(fund="innovation fund", share=0.1, exit_quarter=-1)


def test_success_counts_deals_of_eight_years_and_more() -> None:
    stakes = stakes_of((1, 10, "listing", 5.0, 15.0, False), (2, 40, "write-off", 5.0, 0.5, False),
                       (3, 48, "", 5.0, 0.0, False), (4, 49, "sale", 5.0, 6.0, False))  # fmt: skip
    assert facts_funds.success_share(stakes, 80) == pytest.approx(1 / 3), "the fourth is 31 quarters old"
    assert facts_funds.success_share(stakes, 81) == pytest.approx(2 / 4)
    again = pd.concat([stakes, stakes.assign(follow_on=True, route="")])
    assert facts_funds.success_share(again, 81) == pytest.approx(2 / 4), "a follow-on is no deal of its own"
    assert math.isnan(facts_funds.success_share(stakes, 20)), "no deal is that old"
    assert math.isnan(facts_funds.success_share(stakes[:0], 80))
    for route, counts in (("term", 0.0), ("closure", 0.0), ("sale", 1.0)):
        assert facts_funds.success_share(stakes_of((1, 10, route, 5.0, 1.0, False)), 80) == counts


def test_gains_of_the_best_tenth() -> None:
    """Eleven ended deals: the best two (a tenth, rounded up) gain 30 + 10 of 30 + 10 + 8 x 1; losses do not count."""
    deals = [(k, 10, "sale", 5.0, 6.0, False) for k in range(8)]
    deals += [(8, 10, "sale", 5.0, 15.0, False), (9, 10, "write-off", 5.0, 0.0, False), (10, 10, "", 99.0, 0.0, False)]
    # The largest gain comes from a first stake of 10 and a follow-on of 20 in the same firm.
    deals += [(11, 10, "listing", 5.0, 15.0, False), (11, 14, "listing", 5.0, 25.0, True)]
    assert facts_funds.top_gains(stakes_of(*deals)) == pytest.approx(40 / 48)
    assert math.isnan(facts_funds.top_gains(stakes_of((1, 10, "", 5.0, 0.0, False)))), "nothing has ended"
    assert math.isnan(facts_funds.top_gains(stakes_of((1, 10, "write-off", 5.0, 0.5, False)))), "nothing was gained"


def test_stages_share_the_deals() -> None:
    stakes = stakes_of(*((k, 10, "", 5.0, 0.0, k == 4) for k in range(5)))
    stakes["stage"] = ["early", "growth", "late", "late", "late"]
    shares = [facts_funds.stage_share(stakes, stage) for stage in ("early", "growth", "late")]
    assert shares == [0.25, 0.25, 0.5]
    assert math.isnan(facts_funds.stage_share(stakes[:0], "early"))


# The table of facts -------------------------------------------------------------------------------------------------


def test_facts_are_declared_once_with_band_and_source() -> None:
    names = [fact.name for fact in FACTS]
    assert len(set(names)) == len(names)
    assert {fact.key for fact in FACTS} >= {f"F{k}" for k in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 22)}
    for fact in FACTS:
        assert fact.low < fact.high
        assert fact.source or not fact.has_band, f"{fact.name} has a band without a source"
    assert {fact.key for fact in FACTS if fact.built_in} == {"F1", "F3", "F4", "F7", "F8"}


def test_a_fact_passes_from_four_fifths_of_the_runs_on() -> None:
    """10 runs: 8 inside pass, 7 do not; a run without a value counts as outside."""
    inside, outside = {2020: {"F1 tail": 1.0}}, {2020: {"F1 tail": 2.0}}

    def verdict(runs: list[dict[int, dict[str, float]]]) -> Any:
        return next(item for item in judge(runs) if item.fact.name == "F1 tail" and item.year == 2020)

    assert verdict([inside] * 8 + [outside] * 2).passed
    assert not verdict([inside] * 7 + [outside] * 3).passed
    missing = verdict([inside] * 7 + [{2020: {"F1 tail": math.nan}}] * 3)
    assert (missing.missing, missing.passed) == (3, False)
    assert (missing.q05, missing.q95) == (1.0, 1.0)


def test_the_page_publishes_failures() -> None:
    about = {"draws": 2, "seeds": 1, "runs": 2, "parameters_from": "prior", "scenario": "baseline", "scale": 1.0}
    verdicts = judge([{2020: {"F1 tail": 2.0}, 2035: {"F1 tail": 1.0}}] * 2)
    page = study_page(verdicts, about)
    row = next(line for line in page.splitlines() if line.startswith("| F1 tail") and "| 2020 |" in line)
    assert "**fail**" in row
    assert "F1 tail 2020" in page.split("Failed:")[1].splitlines()[0]
    content = study_content(verdicts, about)
    assert content["facts"]["F1 tail"][2020]["passed"] is False
    assert content["facts"]["F2 body"]["band"] is None
    json.dumps(content)


# A small city -------------------------------------------------------------------------------------------------------

HALF = 0.5


@pytest.fixture(scope="module")
def small_city() -> CityYear:
    """Return half the city at the end of 2020, at the provisional point of closure B."""
    return observe(scenario_of("2020Q4"), draws_for("provisional", 3, 1)[1], 900, HALF, (2020,))[2020]


# Not F1: the exponent of the 200 largest of half the city has a standard error of 0.08.
CARRIED = ("F2 all units", "F3 shape", "F4 slope", "F5 size", "F6 dispersion", "F7 5 years", "F7 9 years",
           "F10 elasticity", "F12 reported 1", "F12 real 1", "F12 reported 2", "F22 staff")  # fmt: skip


def test_a_small_city_shows_the_facts_that_mechanisms_carry(small_city: CityYear) -> None:
    """Full-size verdicts stand in docs/studies/facts.md; half the city is too small for the noisy ones."""
    values = evaluate(small_city)
    assert set(values) == {fact.name for fact in FACTS if 2020 in fact.years}
    for fact in FACTS:
        if fact.name in CARRIED:
            assert fact.holds(values[fact.name]), f"{fact.name}: {values[fact.name]:.3g}"


def test_what_is_observed_agrees_with_the_city(small_city: CityYear) -> None:
    city = Corridor(scenario_of("2020Q4"), draws_for("provisional", 3, 1)[1], 900, scale=HALF, collect=False).run()
    row = city.indicators[-1]
    assert len(small_city.firms) == len(city.firms)
    assert small_city.units == city.reservoir.units.sum()
    assert small_city.unit_weights.sum() == pytest.approx(small_city.units)
    # Sizes that stand for the reservoir's units carry its sales (40 quantiles a cell: 3 %).
    assert small_city.unit_sizes @ small_city.unit_weights == pytest.approx(4.0 * city.reservoir.sales.sum(), rel=0.03)
    assert small_city.tech_smes[-1] == row[POSITION["tech_sme_firms"]]
    assert small_city.tech_smes[0] == pytest.approx(1012, rel=0.01)
    assert small_city.firms["certified"].sum() == round(HALF * row[POSITION["high_tech_firms"]])
    assert small_city.at_risk.sum() > small_city.exits.sum() > 0
    credit = small_city.credit
    assert (credit.first, credit.last, len(credit.bad), len(credit.correlations)) == (2016, 2020, 20, 5)
    assert credit.bad == tuple(city.indicators[:, POSITION["npl_ratio"]])
    assert credit.approved.sum() + credit.refused.sum() == credit.counts["applicants"] > 1000
    rationed = city.indicators[:, POSITION["credit_rationed_share"]] / 100
    assert rationed.min() <= credit.counts["rationed"] / credit.counts["applicants"] <= rationed.max()
    assert len(small_city.stakes) == len(city.funds.frame())
    floor = small_city.floor[small_city.floor["certified"]]
    reported = floor["research_intensity"] + floor["relabelled"]
    notch = np.select([floor["sales"] <= 5000, floor["sales"] <= 20000], [0.05, 0.04], 0.03)
    assert (reported > notch - 1e-9).all(), "the floor has acted on every certified firm"


@pytest.mark.parametrize("closure", [0, 1, 2], ids="ABC")
def test_no_pathology_of_the_ladder_and_of_adding_up(closure: int) -> None:
    """Whole city to 2020: congestion within its limit, terms end in Q4 alone, 80 to 200 new certificates in 2016."""
    city = Corridor(scenario_of("2020Q4"), draws_for("provisional", 3, 1)[closure], 901, collect=False)
    while city.quarter < 20:
        city.step()
        assert np.abs(city.congestion).max() <= 0.05
    ended = city.indicators[:, [POSITION["certificates_lapsed"], POSITION["certificates_renewed"]]].sum(axis=1)
    assert (ended.reshape(5, 4)[:, :3] == 0).all()
    assert ended[3::4].min() > 0
    assert 80 <= city.indicators[:4, POSITION["certificates_new"]].sum() <= 200
    assert city.rate_excess == 0


# Commands -----------------------------------------------------------------------------------------------------------


def test_validate_writes_table_and_page_and_exits_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ("validate", "--facts", "--draws", "1", "--seeds", "1", "--scale", "0.03", "--workers", "1", "--quiet")
    assert status_of(*common, "--out", str(tmp_path)) == 0
    assert (tmp_path / "facts.md").read_text(encoding="utf-8").startswith("# Stylised facts")
    assert "made by: kechuang validate --facts" in (tmp_path / "facts.yaml").read_text(encoding="utf-8").lower()
    assert "F12 reported 1" in capsys.readouterr().out
    assert status_of(*common, "--out", str(tmp_path), "--strict") == 3, "so small a city fails some fact"
    assert "outside their band" in capsys.readouterr().err


def test_validate_and_study_say_what_they_need(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("validate") == 2
    assert "--facts" in capsys.readouterr().err
    assert status_of("study", "lader") == 2
    assert 'did you mean "ladder"' in capsys.readouterr().err


# Places and persistence -----------------------------------------------------------------------------------------------


def test_locational_gini_by_hand() -> None:
    """Nothing where firms follow people; three quarters of firms with half of the people: 1/4; all in a tenth of them: .9."""
    assert facts_space.locational_gini(np.array([2.0, 3.0, 5.0]), np.array([20.0, 30.0, 50.0])) == pytest.approx(0.0)
    assert facts_space.locational_gini(np.array([3.0, 1.0]), np.array([5.0, 5.0])) == pytest.approx(0.25)
    assert facts_space.locational_gini(np.array([7.0, 0.0]), np.array([1.0, 9.0])) == pytest.approx(0.9)
    assert math.isnan(facts_space.locational_gini(np.zeros(2), np.ones(2)))


def three_years(second: np.ndarray, first: np.ndarray, sales: float = 100.0) -> Any:
    """Return what persistence looks at: firms whose log growth is given for two years, in two industries."""
    n = first.size
    frame = pd.DataFrame({"identity": np.arange(n), "industry": np.arange(n) % 2, "sales": sales})
    before = frame.assign(sales=sales * np.exp(first))
    return SimpleNamespace(earlier=frame, before=before, firms=before.assign(sales=before["sales"] * np.exp(second)))


def test_persistence_is_the_correlation_of_two_years() -> None:
    growth = 0.2 * normal(400)
    other = np.roll(growth, 200)
    assert facts_space.persistence(three_years(growth, growth)) == pytest.approx(1.0)
    assert facts_space.persistence(three_years(-0.5 * growth, growth)) == pytest.approx(-1.0)
    expected = float(np.corrcoef(growth, growth + 2 * other)[0, 1])
    assert facts_space.persistence(three_years(growth + 2 * other, growth)) == pytest.approx(expected, abs=0.02)
    shifted = growth + np.where(np.arange(400) % 2 == 0, 5.0, 0.0)  # an industry that grows is no persistence
    assert facts_space.persistence(three_years(shifted, shifted[::-1])) == pytest.approx(
        facts_space.persistence(three_years(growth, growth[::-1])), abs=0.02
    )
    assert math.isnan(facts_space.persistence(three_years(growth, growth), low=1000.0))


def test_founders_are_counted_against_the_staff_that_has_a_job() -> None:
    """20 and 30 founders in two years with 10 000 and 15 000 people: 2 a thousand and year."""
    years = SimpleNamespace(spin_offs=np.array([20.0, 30.0]), research_staff=np.array([1e4, 1.5e4]))
    fact = next(fact for fact in FACTS if fact.key == "F21")
    assert fact.measure(years) == pytest.approx(2.0)  # type: ignore[arg-type]
