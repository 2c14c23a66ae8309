"""Cells of the reservoir: size bins against an integral, births and deaths by count, money that leaves with a unit."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from kechuang.parameters import default_draw
from kechuang.world.mechanisms.demography import AGES, DemographyParameters, stationary_ages
from kechuang.world.population.reservoir import Reservoir, SizeBins
from worlds import record

BOUNDS = np.array([100.0, 300.0, 800.0, 2000.0])
SD, CUT = 1.1, 2000.0
BINS = SizeBins(BOUNDS, SD, CUT, 20.0, 4000.0)
HAZARD = np.concatenate([[0.016, 0.063, 0.095, 0.088, 0.086], np.full(AGES - 5, 0.07)])
P = record(DemographyParameters, exit_hazard=HAZARD, reservoir_exit_size=0.5)
YOUNG = np.eye(AGES)[0]


def cells(units: list[list[int]], ages: np.ndarray = YOUNG, mean_size: float = 400.0) -> Reservoir:
    return Reservoir(np.array(units, dtype=np.int64), ages, mean_size, BINS, liquidity=0.1, tangible=0.35)


def density(size: float, median: float) -> float:
    return float(norm.pdf(math.log(size / median) / SD) / (SD * size))


# Sizes inside a cell --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, 80, 200, 333, 399])
def test_shares_and_mean_of_a_cut_lognormal(k: int) -> None:
    """Integrals of the density over the bins, as shares of what lies below 2000万."""
    median = 20.0 * 200.0 ** (k / 399)
    edges = [0.0, 100.0, 300.0, 800.0, 2000.0]
    parts = [quad(density, low, high, args=(median,))[0] for low, high in pairwise(edges)]
    assert BINS.shares[k] == pytest.approx(np.array(parts) / sum(parts), rel=1e-6)
    mean = quad(lambda size: size * density(size, median), 0.0, 2000.0)[0] / sum(parts)
    assert BINS.means[k] == pytest.approx(mean, rel=1e-6)
    assert BINS.mean_at(median, 20.0, 4000.0) == pytest.approx(mean, rel=1e-6)


def test_bins_end_at_the_above_scale_threshold() -> None:
    assert list(BINS.upper) == [100.0, 300.0, 800.0, 2000.0]
    assert list(BINS.lower) == [25.0, 100.0, 300.0, 800.0]
    lower = SizeBins(BOUNDS, SD, 500.0, 20.0, 4000.0)
    assert list(lower.upper) == [100.0, 300.0, 500.0]


def test_shares_follow_the_mean_of_a_cell() -> None:
    """On a point of the table its row, between two points a mixture; larger cells have more large units."""
    assert BINS.at(BINS.means[[7, 100]]) == pytest.approx(BINS.shares[[7, 100]])
    middle = 0.3 * BINS.means[50] + 0.7 * BINS.means[51]
    assert BINS.at(np.array([middle]))[0] == pytest.approx(0.3 * BINS.shares[50] + 0.7 * BINS.shares[51])
    means = np.linspace(1.0, 3000.0, 400).reshape(20, 20)
    shares = BINS.at(means)
    assert shares.shape == (20, 20, 4)
    assert shares.sum(axis=-1) == pytest.approx(np.ones((20, 20)))
    assert (np.diff(shares.reshape(400, 4)[:, -1]) >= -1e-12).all()
    assert (np.diff(shares.reshape(400, 4)[:, 0]) <= 1e-12).all()
    assert BINS.at(np.array([1e9]))[0] == pytest.approx(BINS.shares[-1]), "beyond the table its last row"


# Births, deaths, ages -------------------------------------------------------------------------------------------------


def test_a_cell_starts_with_its_money_in_proportion_to_sales() -> None:
    reservoir = cells([[100, 0]])
    assert reservoir.sales == pytest.approx(np.array([[10_000.0, 0.0]]))  # 100 x 400 / 4
    assert reservoir.deposits == pytest.approx(np.array([[4000.0, 0.0]]))
    assert reservoir.capital == pytest.approx(np.array([[14_000.0, 0.0]]))
    assert reservoir.mean_size()[0] == pytest.approx([400.0, BINS.means[0]])


def test_closures_take_whole_units_at_half_the_mean_size() -> None:
    reservoir = cells([[4000, 30, 0]], stationary_ages(0.065, HAZARD))
    sales = reservoir.sales.copy()
    closed = reservoir.close_units(5, 3, P)
    assert closed.dtype == np.int64
    assert np.array_equal(reservoir.units, np.array([[4000, 30, 0]]) - closed)
    assert 30 < closed[0, 0] < 130  # about 4000 x 6.5 % / 4
    assert reservoir.sales[0, :2] == pytest.approx((sales * (1 - 0.5 * closed / [4000, 30, 1]))[0, :2])
    assert reservoir.age_mix.sum(axis=2) == pytest.approx(np.ones((1, 3)))


def test_closures_thin_each_age_by_its_own_hazard() -> None:
    """Units of two ages: those of age 2 (9.5 %) lose share to those of age 0 (1.6 %)."""
    mix = np.zeros(AGES)
    mix[[0, 2]] = 0.5
    reservoir = cells([[100_000]], mix)
    closed = int(reservoir.close_units(5, 3, P)[0, 0])
    risk = -np.expm1(-0.25 * HAZARD[[0, 2]])
    old, young = 0.5 * risk[1] / risk.sum() * 2, 0.5 * risk[0] / risk.sum() * 2
    left = np.array([0.5 - closed / 1e5 * young, 0.5 - closed / 1e5 * old])
    assert reservoir.age_mix[0, 0, [0, 2]] == pytest.approx(left / left.sum())


@pytest.mark.statistical
def test_five_year_survival_of_a_cohort() -> None:
    """n = 400 000 new units: e^-(0.016 + 0.063 + 0.095 + 0.088 + 0.086) = 0.706 live five years.

    Closures are Poisson, so the survivors vary a little more than a binomial; 4.5 x sqrt(0.35/n), false alarm 7e-6.
    """
    n = 400_000
    reservoir = cells([[n]])
    for quarter in range(1, 21):
        if quarter % 4 == 1 and quarter > 1:
            reservoir.age_one_year()
        reservoir.close_units(3, quarter, P)
    assert reservoir.units[0, 0] / n == pytest.approx(math.exp(-0.348), abs=4.5 * math.sqrt(0.35 / n))
    assert reservoir.age_mix[0, 0, 4] == pytest.approx(1.0)


@pytest.mark.statistical
def test_the_stationary_mix_stays_put() -> None:
    """n = 1 000 000 units in balance: after 20 years of births of 6.5 % more than deaths the mix is where it was.

    Within a year births fall into age 0 in all quarters, which the yearly law of ages has at its start: 0.01 in all.
    """
    hazard = DemographyParameters.of(default_draw()).exit_hazard
    p = P._replace(exit_hazard=hazard)
    start = stationary_ages(0.065, hazard)
    reservoir = cells([[1_000_000]], start)
    for quarter in range(1, 81):
        if quarter % 4 == 1:
            reservoir.age_one_year()
        closed = reservoir.close_units(3, quarter, p)
        rate = (closed + 0.065 / 4 * reservoir.units) / np.maximum(reservoir.units, 1)
        reservoir.open_units(3, quarter, rate, 150.0)
    now = reservoir.age_mix[0, 0]
    assert now[:5].sum() == pytest.approx(start[:5].sum(), abs=0.01)
    assert now[10:].sum() == pytest.approx(start[10:].sum(), abs=0.01)


def test_births_add_young_units_and_their_sales() -> None:
    reservoir = cells([[2000, 0]], np.eye(AGES)[9])
    born = reservoir.open_units(5, 3, np.full((1, 2), 0.03), 150.0)
    assert 30 < born[0, 0] < 95
    assert born[0, 1] == 0, "births come from units"
    assert reservoir.units[0, 0] == 2000 + born[0, 0]
    assert reservoir.sales[0, 0] == pytest.approx(200_000 + born[0, 0] * 150 / 4)
    assert reservoir.age_mix[0, 0, 0] == pytest.approx(born[0, 0] / (2000 + born[0, 0]))
    assert reservoir.age_mix.sum(axis=2) == pytest.approx(np.ones((1, 2)))


def test_a_higher_rate_of_births_never_has_fewer() -> None:
    born = [cells([[500, 20]]).open_units(5, 3, np.full((1, 2), rate), 150.0) for rate in np.linspace(0, 0.2, 50)]
    assert (np.diff(born, axis=0) >= 0).all()


def test_january_makes_everybody_a_year_older() -> None:
    mix = np.arange(1.0, AGES + 1) / sum(range(1, AGES + 1))
    reservoir = cells([[10]], mix)
    reservoir.age_one_year()
    now = reservoir.age_mix[0, 0]
    assert now[0] == 0.0
    assert now[1:-1] == pytest.approx(mix[:-2])
    assert now[-1] == pytest.approx(mix[-2] + mix[-1]), "the last class keeps the oldest"


def test_sales_grow_by_industry() -> None:
    reservoir = cells([[10, 20], [30, 40]])
    before = reservoir.sales.copy()
    reservoir.grow(np.array([0.1, -0.2]))
    assert reservoir.sales == pytest.approx(before * np.exp([0.1, -0.2]))


# Units that become firms ----------------------------------------------------------------------------------------------


def test_a_unit_takes_the_owners_money_in_proportion_to_its_sales() -> None:
    """Cell of 100 units, sales 10 000: two units of 400 and 1200 a year leave with 1 % and 3 % of deposits and capital."""
    reservoir = cells([[100, 50]])
    place, industry = np.array([0, 0, 0]), np.array([0, 1, 0])
    deposits, capital = reservoir.take(place, industry, np.array([400.0, 2000.0, 1200.0]))
    assert deposits == pytest.approx([40.0, 200.0, 120.0])  # 4000 x 1 %, 2000 x 10 %, 4000 x 3 %
    assert capital == pytest.approx([140.0, 700.0, 420.0])
    assert np.array_equal(reservoir.units, [[98, 49]])
    assert reservoir.sales == pytest.approx(np.array([[9600.0, 4500.0]]))
    assert reservoir.deposits == pytest.approx(np.array([[3840.0, 1800.0]]))
    assert reservoir.capital == pytest.approx(np.array([[13_440.0, 6300.0]]))


def test_no_money_is_lost_or_made_when_units_leave() -> None:
    reservoir = cells([[300, 40], [20, 3]])
    before = (reservoir.deposits.sum(), reservoir.capital.sum(), reservoir.sales.sum(), reservoir.units.sum())
    place, industry = np.array([0, 1, 1, 0, 0]), np.array([0, 1, 0, 1, 0])
    sizes = np.array([50.0, 900.0, 1500.0, 77.0, 1999.0])
    deposits, capital = reservoir.take(place, industry, sizes)
    assert reservoir.deposits.sum() + deposits.sum() == pytest.approx(before[0], rel=1e-14)
    assert reservoir.capital.sum() + capital.sum() == pytest.approx(before[1], rel=1e-14)
    assert reservoir.sales.sum() + sizes.sum() / 4 == pytest.approx(before[2], rel=1e-14)
    assert reservoir.units.sum() + 5 == before[3]


def test_an_empty_cell_sells_nothing() -> None:
    """Neither when its last unit leaves with a part of the sales nor when it closes at half the mean size."""
    reservoir = cells([[1, 9]])
    reservoir.take(np.array([0]), np.array([0]), np.array([150.0]))
    assert reservoir.units.tolist() == [[0, 9]]
    assert reservoir.sales.tolist() == [[0.0, 900.0]]
    certain = P._replace(exit_hazard=np.full(AGES, 1e9))
    for quarter in range(1, 20):
        reservoir.close_units(3, quarter, certain)
    assert reservoir.units.tolist() == [[0, 0]]
    assert reservoir.sales.tolist() == [[0.0, 0.0]]


def test_nobody_leaves_nothing_changes() -> None:
    reservoir = cells([[300, 40]])
    empty = np.zeros(0, dtype=np.int64)
    deposits, capital = reservoir.take(empty, empty, np.zeros(0))
    assert deposits.size == capital.size == 0
    assert np.array_equal(reservoir.units, [[300, 40]])
