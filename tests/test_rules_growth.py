"""Demand, luck, size and adding-up: numbers by hand, and the shape of annual growth by statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import laplace, norm

from kechuang.clock import quarter_index
from kechuang.randomness import Purpose, stream_key
from kechuang.world.mechanisms import growth
from kechuang.world.mechanisms.demand import Demand, DemandParameters, trend_growth
from kechuang.world.mechanisms.growth import (
    GrowthParameters,
    congestion_of,
    luck,
    staff,
    volatility,
    worker_sales,
    youth_factor,
)
from kechuang.world.model import Corridor
from worlds import city_of, firms_of, furthest, record, scenario_of

# Demand ---------------------------------------------------------------------------------------------------------------

QUIET = {"demand_noise": 0.0, "demand_trend": 0.06, "demand_trend_2030": 0.045, "demand_trend_2035": 0.035}
SHOCK = {"shock_depth_2020": 0.26, "shock_persistence": 0.1, "backlog_share": 0.65}


def path(until: str, recession: dict[int, float] | None = None, **changes: float) -> tuple[np.ndarray, np.ndarray]:
    """Return log index and log growth by quarter for two industries of exposure 1 and 0.5."""
    p = record(DemandParameters, **{**QUIET, **SHOCK, **changes})
    demand = Demand(p, np.array([1.0, 0.5]), seed=3)
    index, steps = [], []
    for quarter in range(1, quarter_index(until) + 1):
        demand.advance(quarter, (recession or {}).get(quarter, 0.0))
        index.append(demand.log_index.copy())
        steps.append(demand.log_growth.copy())
    return np.array(index), np.array(steps)


def test_demand_of_2020_by_hand() -> None:
    """Depth 0.26, persistence 0.1, backlog 0.65; the trend adds 0.015 a quarter.

    quarter  shock u    lost before  backlog B              delivered B/2  deviation
    Q1       -0.26      0            0                      0              -0.26
    Q2       -0.026     0.26         0.169                  0.0845         +0.0585
    Q3       -0.0026    0.026        0.0845+0.0169=0.1014   0.0507         +0.0481
    Q4       -0.00026   0.0026       0.0507+0.00169=0.05239 0.026195       +0.025935
    """
    index, _ = path("2020Q4")
    trend = 0.015 * np.arange(1, 21)
    deviation = np.array([-0.26, 0.0585, 0.0481, 0.025935])
    assert index[:16, 0] == pytest.approx(trend[:16], abs=1e-14)
    assert index[16:, 0] == pytest.approx(trend[16:] + deviation, abs=1e-14)
    assert index[16:, 1] == pytest.approx(trend[16:] + 0.5 * deviation, abs=1e-14)
    # Year on year: -18.1, +12.6, +11.4, +9.0 %.
    yearly = 100 * np.expm1(index[16:, 0] - index[12:16, 0])
    assert yearly == pytest.approx([-18.127, 12.581, 11.416, 8.974], abs=1e-3)


def test_growth_is_the_step_of_the_index() -> None:
    index, steps = path("2022Q4", recession={22: 0.1})
    assert np.cumsum(steps, axis=0) == pytest.approx(index, abs=1e-13)


def test_a_recession_lasts_as_long_as_it_is_said_and_then_fades() -> None:
    """Depth 0.1 in two quarters, then a tenth of the gap is left each quarter."""
    calm, _ = path("2023Q4")
    hit, _ = path("2023Q4", recession={25: 0.1, 26: 0.1})
    gap = (hit - calm)[:, 0]
    assert gap[:24] == pytest.approx(np.zeros(24), abs=1e-14)
    assert gap[24:30] == pytest.approx([-0.1, -0.1, -0.01, -0.001, -0.0001, -0.00001], abs=1e-12)
    assert (hit - calm)[:, 1] == pytest.approx(0.5 * gap, abs=1e-13)


def test_trend_slows_along_straight_lines() -> None:
    p = record(DemandParameters, **QUIET)
    assert trend_growth(1, p) == trend_growth(20, p) == 0.06
    assert trend_growth(40, p) == pytest.approx(0.0525)  # half way from 2020Q4 to 2030Q4
    assert trend_growth(60, p) == pytest.approx(0.045)
    assert trend_growth(70, p) == pytest.approx(0.040)
    assert trend_growth(80, p) == pytest.approx(0.035)


@pytest.mark.statistical
def test_demand_noise_has_its_standard_deviation() -> None:
    """n = 400 paths of 8 quarters; sd of the sample sd is 1/sqrt(2n 8); 4.5 of them, false alarm 7e-6."""
    p = record(DemandParameters, **{**QUIET, "demand_noise": 0.004})
    steps = []
    for seed in range(400):
        demand = Demand(p, np.ones(1), seed)
        for quarter in range(1, 9):
            demand.advance(quarter)
            steps.append(demand.log_growth[0] - 0.015)
    n = len(steps)
    assert abs(np.mean(steps)) < 4.5 * 0.004 / math.sqrt(n)
    assert np.std(steps) / 0.004 == pytest.approx(1.0, abs=4.5 / math.sqrt(2 * n))


# Luck -----------------------------------------------------------------------------------------------------------------

VOLATILITY = {
    "growth_volatility": 0.35,
    "size_variance_exponent": 0.15,
    "size_reference": 1000.0,
    "youth_dispersion": 0.5,
    "youth_decay_years": 5.0,
    "volatility_max": 1.0,
}


@pytest.mark.parametrize(
    ("annual", "age", "sd"),
    [
        (1000.0, 1e9, 0.35),
        (8000.0, 1e9, 0.35 * 8**-0.15),  # 0.2562
        (125.0, 1e9, 0.35 * 8**0.15),
        (1000.0, 0.0, 0.525),  # half as much again at birth
        (1000.0, 5.0, 0.35 * (1 + 0.5 / math.e)),
        (0.001, 1e9, 1.0),  # 0.35 x 1e6^0.15 = 2.78 is cut at 1
        (0.001, 0.0, 1.5),  # the youth comes on top of the cut
    ],
)
def test_volatility_falls_with_size_and_age(annual: float, age: float, sd: float) -> None:
    p = record(GrowthParameters, **VOLATILITY)
    assert volatility(annual, youth_factor(age, p), p) == pytest.approx(sd, rel=1e-12)


def test_staff_is_real_sales_over_sales_per_worker() -> None:
    """6500 a year at prices 1.25 is 5200; over 65 x e^(0.1 + 0.04 x 5) workers."""
    p = record(GrowthParameters, sales_per_worker=(1.0, 1.0, 65.0), labour_productivity_growth=0.04)
    assert staff(6500.0, 0.1, worker_sales(2, 1.25, 5.0, p)) == pytest.approx(80.0 / math.exp(0.3))


def test_new_firms_have_the_staff_and_volatility_of_their_size_and_age() -> None:
    p = record(GrowthParameters, **VOLATILITY, sales_per_worker=(50.0,) * 8, labour_productivity_growth=0.0)
    firms = firms_of(2, sales=[250.0, 2000.0], born=[5, -100_0], productivity=[0.0, 0.5])
    growth.describe(firms.columns, 2, 5, 1.0, p)
    assert firms.columns.staff[:2] == pytest.approx([20.0, 160.0 / math.exp(0.5)])
    assert firms.columns.volatility[:2] == pytest.approx([0.525, 0.35 * 8**-0.15], rel=1e-6)


def test_luck_of_a_quarter() -> None:
    assert luck(0.4, 2.25, -1.0) == pytest.approx(-0.3)  # 0.5 x 0.4 x 1.5 x -1


def growth_of_years(number: int, years: int, **changes: float) -> np.ndarray:
    """Return annual log growth [firms, years] of equal firms whose size stays put."""
    firms = firms_of(number, sales=250.0, born=-4000)
    p = record(GrowthParameters, **{**VOLATILITY, "selection": 0.0, **changes})
    total = np.zeros((number, years))
    for year in range(years):
        year_key = stream_key(5, 2016 + year, int(Purpose.GROWTH_VARIANCE))
        for position in range(4):
            quarter = 4 * year + position + 1
            quarter_key = stream_key(5, quarter, int(Purpose.GROWTH))
            growth.propose_growth(firms.columns, number, quarter, year_key, quarter_key, np.zeros(8), np.zeros(8), p)
            total[:, year] += firms.columns.growth[:number]
    return total


@pytest.mark.statistical
def test_annual_growth_is_laplace() -> None:
    """n = 60 000 firms in each of 2 years.

    Distance: below 2.7, false alarm 2 exp(-2 x 2.7^2) = 9e-7 a year; the normal law lies beyond it.
    Excess kurtosis 3: its sd is sqrt(1188/n) = 0.14; 4.5 of them, false alarm 7e-6; iid quarters would give 0.71.
    """
    n = 60_000
    both = growth_of_years(n, 2)
    for year in range(2):
        sample = both[:, year] / 0.35
        assert furthest(sample, laplace(scale=math.sqrt(0.5)).cdf) < 2.7
        assert furthest(sample, norm.cdf) > 10.0
        excess = float(np.mean(sample**4) / np.mean(sample**2) ** 2 - 3.0)
        assert excess == pytest.approx(3.0, abs=4.5 * math.sqrt(1188 / n))
    # Years are independent, also in size (variance is redrawn): |r| < 4.5 / sqrt(n); kurtosis widens r of squares.
    assert abs(np.corrcoef(both[:, 0], both[:, 1])[0, 1]) < 4.5 / math.sqrt(n)
    assert abs(np.corrcoef(np.abs(both[:, 0]), np.abs(both[:, 1]))[0, 1]) < 4.5 / math.sqrt(n)


def test_selection_favours_the_productive() -> None:
    """0.25 x 0.10 x (0.2 - 0.05) = 0.00375 a quarter; without luck nothing else differs."""
    firms = firms_of(2, sales=[300.0, 100.0], productivity=[0.2, -0.4], industry=3, born=-40)
    means = growth.industry_means(firms.columns, 2, 8)
    assert means[3] == pytest.approx((300 * 0.2 - 100 * 0.4) / 400)  # 0.05, weighted by sales
    assert means[0] == 0.0
    p = record(GrowthParameters, selection=0.10, growth_volatility=0.0)
    step = np.full(8, 0.01)
    proposed = growth.propose_growth(firms.columns, 2, 5, np.uint64(1), np.uint64(2), step, means, p)
    assert firms.columns.growth[:2] == pytest.approx([0.01 + 0.00375, 0.01 - 0.25 * 0.10 * 0.45])
    assert proposed[3] == pytest.approx(300 * math.exp(0.01375) + 100 * math.exp(-0.00125))


# Adding-up ------------------------------------------------------------------------------------------------------------


def test_congestion_by_hand() -> None:
    """ln(130/125) = 0.0392; ln(200/100) = 0.69 and ln(50/100) are cut at 0.05."""
    found = congestion_of(
        np.array([110.0, 150.0, 20.0]), np.array([20.0, 50.0, 30.0]), np.array([125.0, 100.0, 100.0]), 0.05
    )
    assert found == pytest.approx([math.log(1.04), 0.05, -0.05])


def test_two_firms_share_demand() -> None:
    """Proposed 110 and 20 against demand of 125: both end at 125/130 of what they proposed."""
    firms = firms_of(3, sales=[100.0, 20.0, 7.0], growth=[math.log(1.1), 0.0, 1.0], alive=[1, 1, 0])
    congestion = congestion_of(np.array([130.0]), np.zeros(1), np.array([125.0]), 0.05)
    growth.apply_growth(firms.columns, 3, congestion, 1.0, 0.0, record(GrowthParameters))
    assert firms.columns.sales[:3] == pytest.approx([110 * 125 / 130, 20 * 125 / 130, 7.0])


def test_firms_and_cells_add_up_to_demand_in_every_quarter() -> None:
    """Where n_s is not cut, sales after growth equal demand; where it is, they miss it on the side of the cut."""
    limit = record(GrowthParameters).adding_up_limit
    gaps: list[np.ndarray] = []

    def compare(city: Corridor) -> None:
        columns, count = city.firms.columns, city.firms.count
        alive = columns.alive[:count] == 1
        firms = np.bincount(columns.industry[:count][alive], columns.sales[:count][alive], minlength=8)
        gap = np.log((firms + city.reservoir.sales.sum(axis=0)) / city.target_sales)
        free = np.abs(city.congestion) < limit
        assert np.abs(gap[free]).max(initial=0.0) < 1e-12
        assert (np.sign(gap[~free]) == np.sign(city.congestion[~free])).all()
        gaps.append(gap)

    city_of(scenario_of("2021Q4"), scale=0.05, events={"growth": [compare]}).run()
    # A giant weighs much in a small city; the whole city is cut in one industry-quarter of a hundred.
    assert np.mean(np.abs(gaps) < 1e-12) > 0.5
