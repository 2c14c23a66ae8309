"""Exit by age and size, stationary ages, and the state of the city at the end of 2015."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import logistic, norm

from kechuang.parameters import default_draw, prior_draw
from kechuang.randomness import happens, uniforms
from kechuang.world.mechanisms import demography, initial
from kechuang.world.mechanisms.demography import (
    AGES,
    DemographyParameters,
    exit_hazard,
    size_factor,
    stationary_ages,
)
from kechuang.world.mechanisms.initial import (
    InitialParameters,
    above_scale_sizes,
    choose_high_tech,
    pick,
    pick_one,
    spread,
)
from worlds import city_of, firms_of, furthest, record, scenario_of

TABLE = np.array([0.016, 0.063, 0.095, 0.088, 0.086, 0.084, 0.082, 0.078, 0.074, 0.070])
HAZARD = np.concatenate([TABLE, np.full(AGES - TABLE.size, 0.05)])
P = record(DemographyParameters, exit_hazard=HAZARD, exit_size_exponent=-0.15, size_reference=1000.0)


# Exit -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "annual", "normaliser", "hazard"),
    [
        (0.0, 1000.0, 1.0, 0.016),
        (0.99, 1000.0, 1.0, 0.016),
        (1.0, 1000.0, 1.0, 0.063),
        (2.75, 1000.0, 1.0, 0.095),
        (80.0, 1000.0, 1.0, 0.05),  # the last class
        (2.0, 8000.0, 1.0, 0.095 * 8**-0.15),
        (2.0, 1000.0, 1.25, 0.095 / 1.25),
    ],
)
def test_exit_hazard_of_a_quarter(age: float, annual: float, normaliser: float, hazard: float) -> None:
    factor = size_factor(annual, P.size_reference, P.exit_size_exponent) / normaliser
    by_age = P.exit_hazard[min(int(age), P.exit_hazard.size - 1)]
    assert exit_hazard(by_age, factor, 0.0) == pytest.approx(hazard / 4, rel=1e-12)
    left = max(0.0, hazard - 0.03)  # what default does not explain
    assert exit_hazard(by_age, factor, 0.03) == pytest.approx(left / 4, rel=1e-12)


def test_an_event_happens_with_the_probability_of_its_hazard() -> None:
    """A hazard of 0.5 happens with 1 - e^-0.5 = 0.3935; one without hazard never."""
    edge = 1.0 - math.exp(-0.5)
    assert happens(edge - 1e-12, 0.5)
    assert not happens(edge + 1e-12, 0.5)
    assert not happens(1e-300, 0.0)


def test_larger_firms_close_less_but_the_mean_hazard_stays() -> None:
    """Sizes 1 and 8 of the reference: factors 1 and 8^-0.15 over their mean; the dead firm does not count."""
    n = 40_000
    sales = np.where(np.arange(n) % 2 == 0, P.size_reference / 4, 2 * P.size_reference)
    firms = firms_of(n, sales=sales, born=-10)
    rows = demography.close_firms(firms.columns, n, 3, np.uint64(8), P)
    small, large = (1.0, 8**-0.15)
    mean = (small + large) / 2
    for parity, factor in ((0, small / mean), (1, large / mean)):
        chance = 1 - math.exp(-HAZARD[3] * factor / 4)
        spread = math.sqrt(n / 2 * chance * (1 - chance))  # 4 standard errors, false alarm 6e-5 each
        assert (rows % 2 == parity).sum() == pytest.approx(n / 2 * chance, abs=4 * spread)


def test_firms_close_where_their_draw_lies_below_the_probability() -> None:
    n = 2000
    firms = firms_of(n, sales=250.0, born=-10 + np.arange(n) % 5)
    firms.columns.alive[:100] = 0
    key, quarter = np.uint64(31), 3
    age = ((quarter - firms.columns.born[:n]) // 4).astype(int)
    closes = (uniforms(key, np.arange(n)) < 1 - np.exp(-HAZARD[age] / 4)) & (np.arange(n) >= 100)
    rows = demography.close_firms(firms.columns, n, quarter, key, P)
    assert np.array_equal(rows, np.flatnonzero(closes))
    assert 10 < rows.size < 100
    assert np.array_equal(firms.columns.alive[100:n] == 0, closes[100:])


def test_the_hazard_table_is_scaled_and_held_at_its_end() -> None:
    draw = default_draw().with_values(exit_hazard_scale=2.0)
    table = np.array(draw.vector("exit_hazard_by_age"))
    p = DemographyParameters.of(draw)
    assert p.exit_hazard.size == AGES
    assert p.exit_hazard[: table.size] == pytest.approx(2 * table)
    assert p.exit_hazard[table.size :] == pytest.approx(np.full(AGES - table.size, 2 * table[-1]))


# Ages -----------------------------------------------------------------------------------------------------------------


def test_stationary_ages_are_what_a_growing_population_comes_to() -> None:
    """Independent: follow a population year by year until its age mix stays put."""
    people = np.ones(AGES)
    for _ in range(2000):
        survive = people * np.exp(-HAZARD)
        people[1:] = survive[:-1]
        people[-1] += survive[-1]
        people[0] = 0.0
        people[0] = people[1:].sum() * 0.0 + births(people)
        people /= people.sum()
    assert stationary_ages(0.065, HAZARD) == pytest.approx(people, abs=1e-9)


def births(people: np.ndarray) -> float:
    """Return the youngest class that makes a population, of which these are the survivors of one year, grow by 6.5 %."""
    return float(math.exp(0.065) - people.sum())


def test_survival_and_age_mix_of_the_registry() -> None:
    """Registry: 0.70 live five years, 0.50 nine; at 6.5 % growth 49.4 % of units are under 5 years, 17.7 % over 10."""
    hazard = DemographyParameters.of(default_draw()).exit_hazard
    assert math.exp(-hazard[:5].sum()) == pytest.approx(0.70, abs=0.01)
    assert math.exp(-hazard[:9].sum()) == pytest.approx(0.51, abs=0.02)
    shares = stationary_ages(0.065, hazard)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[:5].sum() == pytest.approx(0.494, abs=0.02)
    assert 0.13 < shares[10:].sum() < 0.30
    # Deaths per unit and year that go with it: 6.5 %.
    assert (shares * -np.expm1(-hazard)).sum() == pytest.approx(0.065, abs=0.004)


# The start ------------------------------------------------------------------------------------------------------------


def test_pick_follows_shares() -> None:
    u = np.array([0.0, 0.19, 0.2, 0.49, 0.5, 0.999, 1.0])
    assert list(pick(u, np.array([2.0, 3.0, 5.0]))) == [0, 0, 1, 1, 2, 2, 2]
    assert list(pick(u, np.array([0.0, 1.0, 0.0])))[:6] == [1] * 6


def test_spread_gives_whole_numbers_by_largest_remainders() -> None:
    """10 over 0.44, 0.33, 0.23: 4.4, 3.3, 2.3, and the one left goes to 0.4."""
    assert list(spread(10, np.array([44.0, 33.0, 23.0]))) == [5, 3, 2]
    grid = spread(1234, np.outer(np.arange(1.0, 14.0), np.arange(1.0, 8.0)))
    assert grid.sum() == 1234
    assert np.abs(grid - 1234 * np.outer(np.arange(1, 14), np.arange(1, 8)) / (91 * 28)).max() < 1.0


SIZES = record(
    InitialParameters,
    above_scale_median=3500.0,
    above_scale_sd=1.1,
    above_scale_size=2000.0,
    tail_start=15_000.0,
    tail_exponent=1.05,
    size_max=4e6,
)


def test_sizes_above_the_threshold_have_a_lognormal_body_and_a_pareto_tail() -> None:
    """Independent: the distribution function of body and tail, evaluated at the quantiles."""
    u = np.linspace(0.0005, 0.9995, 1999)
    sizes = above_scale_sizes(u, SIZES)

    def below(size: float) -> float:
        return float(norm.cdf(math.log(size / 3500.0) / 1.1))

    low, start = below(2000.0), below(15_000.0)
    body = sizes <= 15_000.0
    assert [(below(s) - low) / (1 - low) for s in sizes[body]] == pytest.approx(list(u[body]))
    tail_share = (1 - start) / (1 - low)
    cut = (4e6 / 15_000.0) ** -1.05
    beyond = [((s / 15_000.0) ** -1.05 - cut) / (1 - cut) for s in sizes[~body]]
    assert [1 - tail_share * share for share in beyond] == pytest.approx(list(u[~body]))
    assert (np.diff(sizes) > 0).all()
    assert sizes[0] > 2000.0
    assert above_scale_sizes(np.array([1.0 - 1e-16]), SIZES)[0] <= 4e6


def test_ages_are_spread_inside_a_year() -> None:
    shares = np.array([0.5, 0.25, 0.25])
    ages = initial.draw_ages(np.array([0.0, 0.124, 0.126, 0.499, 0.5, 0.74, 0.75, 0.9999]), shares)
    assert list(ages) == [0, 0, 1, 3, 4, 7, 8, 11]


def test_first_high_tech_firms_are_the_best_of_the_list_and_willing_above_scale_firms() -> None:
    """Rows 0-4 on the list, 5-9 above scale; row 6 does not want, row 9 is below scale."""
    value = np.array([3.0, -1.0, 9.0, 5.0, 0.0, 2.0, -4.0, 1.0, 8.0, 7.0])
    above = np.array([True] * 9 + [False])
    annual, u = np.full(10, 4000.0), np.full(10, 0.5)
    chosen = choose_high_tech(value, 5, above, annual, u, 2, 3)
    assert list(chosen[:2]) == [2, 3]
    assert sorted(chosen[2:]) == [5, 7, 8]


@pytest.mark.statistical
def test_direct_high_tech_firms_are_drawn_with_the_root_of_their_size() -> None:
    """One of two firms, 4 times apart in size: the larger with probability 2/3; n = 4000, 4.5 se, false alarm 7e-6."""
    n = 4000
    u = uniforms(np.uint64(3), np.arange(2 * n)).reshape(n, 2)
    annual, above = np.array([1000.0, 4000.0]), np.array([True, True])
    larger = [int(choose_high_tech(np.ones(2), 0, above, annual, pair, 0, 1)[0] == 1) for pair in u]
    assert np.mean(larger) == pytest.approx(2 / 3, abs=4.5 * math.sqrt(2 / 9 / n))


def test_the_city_starts_at_its_reported_counts() -> None:
    city = city_of(scenario_of("2016Q1"), default_draw("B"), scale=1.0)
    columns, count = city.firms.columns, city.firms.count
    ladder = columns.ladder[:count]
    assert (ladder >= 1).sum() == 1012
    assert (ladder == 2).sum() == 430
    held = columns.certified[:count][ladder == 2]
    assert set(held.tolist()) == {0, -4, -8}, "so that no certificate ends outside a fourth quarter"
    # Ages of the others follow the stationary mix, sd 7 years; those with a certificate are 4 years older.
    age = -columns.born[:count] / 4
    older = age[ladder == 2].mean() - age[ladder != 2].mean()
    assert older == pytest.approx(4.0, abs=4.5 * 7.0 / math.sqrt(430))
    # 1 : 0.8 : 0.64 over 2.44; n = 430, 4.5 standard errors of a share near 0.4.
    assert np.mean(held == 0) == pytest.approx(1 / 2.44, abs=4.5 * math.sqrt(0.25 / 430))
    above = columns.above_scale[:count] == 1
    assert above.sum() == pytest.approx(3700, rel=0.02)
    assert (4 * columns.sales[:count][above] >= 2000.0).all()
    assert (columns.industry[:count][above] != initial.SOFTWARE).all()
    units = city.reservoir.units
    assert units[:, : initial.SOFTWARE].sum() + (columns.industry[:count] != initial.SOFTWARE).sum() == 45_000


@pytest.mark.parametrize("draw_id", [-1, 0, 1, 2, 8, 11])
def test_reported_research_of_the_panel_meets_its_back_cast(draw_id: int) -> None:
    """One level constant for all industries, found by repetition, since what the notch lifts does not move with it."""
    draw = default_draw("B") if draw_id < 0 else prior_draw(draw_id, 77)
    city = city_of(scenario_of("2016Q1"), draw, scale=1.0)
    columns, count = city.firms.columns, city.firms.count
    panel = (columns.above_scale[:count] == 1) & (columns.does_research[:count] == 1)
    share = columns.research_intensity[:count] + columns.relabelled[:count]
    reported = (4 * columns.sales[:count] * share)[panel].sum() / 1e4
    assert reported == pytest.approx(draw.number("research_reported_2015"), rel=0.02)


@pytest.mark.statistical
def test_traits_have_their_laws() -> None:
    """n = 5000 firms of one industry: Kolmogorov's distance below 2.7, false alarm 1e-6 each."""
    n = 5000
    firms = firms_of(n, industry=1)
    p = record(
        InitialParameters,
        productivity_sd=0.25,
        margin_productivity=0.08,
        margin_sd=0.03,
        research_heterogeneity=0.6,
        soft_benefit_sd=15.0,
    )
    initial.draw_traits(firms, slice(0, n), 77, np.full(8, 0.1), -0.1, p)
    columns = firms.columns
    assert furthest((columns.productivity[:n] + 0.1) / 0.25, norm.cdf) < 2.7
    assert furthest((columns.margin[:n] - 0.1 - 0.08 * columns.productivity[:n]) / 0.03, norm.cdf) < 2.7
    assert furthest(columns.intensity_effect[:n] / 0.6, norm.cdf) < 2.7
    assert furthest(columns.soft_benefit[:n] / 15.0, norm.cdf) < 2.7
    assert furthest(columns.participation[:n], logistic.cdf) < 2.7
    assert furthest(columns.taste[:n], lambda x: 1 / (1 + np.exp(-x))) < 2.7
    names = ("productivity", "intensity_effect", "soft_benefit", "participation", "taste")
    table = np.corrcoef([getattr(columns, name)[:n] for name in names])
    assert np.abs(table - np.eye(5)).max() < 4.9 / math.sqrt(n)  # 10 pairs, false alarm 1e-5


def test_one_draw_picks_what_many_pick() -> None:
    draws, weights = (np.arange(997) + 0.5) / 997, np.array([0.5, 0.0, 2.0, 1.0, 0.0])
    assert [pick_one(u, weights) for u in draws] == pick(draws, weights).tolist()
