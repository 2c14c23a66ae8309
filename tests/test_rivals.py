"""The dumb forecasts against values worked out by hand and against their own laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from kechuang.analyse import known_counts, rivals
from kechuang.errors import InputError

YEARS = (2023, 2026, 2035)


def exactly(count: int = 1) -> known_counts.Known:
    """430 at the end of 2015 and 1190 at the end of 2020, without any error."""
    return known_counts.Known(np.full(count, 430.0), np.full(count, 1190.0), np.full(count, 5.0))


def luck() -> np.random.Generator:
    return np.random.default_rng(7)


class Still:
    """Luck that never moves anything: every forecast becomes its median path."""

    def normal(self, size):
        return np.zeros(size)

    def uniform(self, size):
        return np.full(size, 0.5)


@pytest.mark.parametrize(
    ("forecast", "expected"),
    [(rivals.random_walk, (2192, 4037, 25222)), (rivals.straight_line, (1646, 2102, 3470))],
)
def test_median_paths_of_growth_and_line(forecast, expected):
    assert np.round(forecast(exactly(), YEARS, Still())[0]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("curve", "ceiling", "expected"),
    [
        (rivals.logistic_curve, 2000, (1602, 1834, 1991)),
        (rivals.logistic_curve, 5000, (1954, 2843, 4598)),
        (rivals.logistic_curve, 15000, (2112, 3565, 10230)),
        (rivals.gompertz_curve, 2000, (1526, 1737, 1960)),
        (rivals.gompertz_curve, 5000, (1766, 2351, 3751)),
        (rivals.gompertz_curve, 15000, (1894, 2768, 5977)),
    ],
)
def test_curves_through_both_counts(curve, ceiling, expected):
    assert np.round(curve(exactly(), YEARS, np.array([float(ceiling)]))[0]) == pytest.approx(expected, abs=1)


def test_share_rival_of_wenzhou_by_hand():
    found = rivals.ratio(exactly(), np.array([[12067.0]]), np.array([5500.0]), Still())
    assert found[0, 0] == pytest.approx(1190 / 5500 * 12067)  # 2611: the upper value of the table


def test_damped_growth_by_hand():
    growth, path = np.log(1190 / 430) / 5, []
    for _ in range(6):
        growth = 0.6 * growth + 0.4 * 0.06
        path.append(growth)
    found = rivals.damped_growth(exactly(), (2021, 2026), Still())[0]
    assert found == pytest.approx([1190 * np.exp(path[0]), 1190 * np.exp(sum(path))])


def test_national_tide_by_hand():
    # Growth of 28 % in 2020 falls towards 4.5 % by 0.6 a year.
    rates = [0.045 + 0.235 * 0.6**k for k in (1, 2, 3)]
    found = rivals.national_tide(exactly(), (2023,), Still())[0, 0]
    assert found == pytest.approx(1190 * np.prod([1 + rate for rate in rates]))


def test_bass_share_solves_its_equation():
    p, q, start = 0.02, 0.38, 0.086
    exact = solve_ivp(lambda _, x: (p + q * x) * (1 - x), (0, 9), [start], rtol=1e-10, atol=1e-12).y[0, -1]
    assert rivals.bass_share(np.array([start]), p, q, 9.0)[0] == pytest.approx(exact, rel=1e-6)


@pytest.mark.statistical
def test_bass_goes_through_the_last_count_within_its_error():
    # n = 2000 draws from 100 000 weighted candidates, kernel 2 %: the level of 2020 stays within 2 % + 5 standard errors
    # of 1190 in the mean of the logs (sd 0.02, error 0.0005); false-alarm rate below 1e-6.
    found = rivals.bass(exactly(2000), (2020, 2026), luck())
    assert abs(np.log(found[:, 0] / 1190).mean()) < 0.0225
    assert np.log(found[:, 0] / 1190).std() < 0.03
    assert (found[:, 1] > found[:, 0]).all()


@pytest.mark.statistical
def test_walk_widens_as_its_law_says():
    # n = 4000; sd of the log after h years is 0.06 sqrt(h + h^2); 5 standard errors of an sd are 5.6 %: alarm rate 6e-7.
    found = np.log(rivals.random_walk(exactly(4000), YEARS, luck()))
    ahead = np.array(YEARS) - 2020
    assert found.std(axis=0) == pytest.approx(0.06 * np.sqrt(ahead + ahead**2), rel=0.056)


def test_no_change_holds_nine_in_ten_within_a_tenth():
    found = rivals.no_change(exactly(4000), YEARS, luck())
    inside = (np.abs(np.log(found[:, 0] / 1190)) < 0.1).mean()
    assert inside == pytest.approx(0.9, abs=5 * np.sqrt(0.09 / 4000))  # five standard errors
    assert np.ptp(found[0]) == 0


def test_ceilings_lie_above_the_last_count():
    known = exactly(2000)
    found = rivals.logistic(known, (2020, 2100), luck())
    assert found[:, 0] == pytest.approx(1190.0)
    assert (found[:, 1] > 1.04 * 1190).all()


def test_pool_takes_whole_paths_in_equal_parts():
    parts = [np.full((10, 2), float(k)) for k in range(5)]
    mixed = rivals.pool(parts, luck())
    assert (mixed[:, 0] == mixed[:, 1]).all()
    assert np.bincount(mixed[:, 0].astype(int)).tolist() == [2] * 5


def test_known_counts_follow_their_reading_errors():
    known = known_counts.known_count("tz_tsme_2015", "tz_tsme_2020_press", 4000, luck())
    assert np.median(known.first) == pytest.approx(1012, rel=0.003)
    assert np.log(known.first).std() == pytest.approx(0.02, rel=0.06)
    # 5500 and an exponential excess of mean 60: the mean lies near 5560.
    assert known.last.mean() == pytest.approx(5560, rel=0.004)
    assert set(known.years) == {4.0, 5.0}
    assert (known.years == 4.0).mean() == pytest.approx(0.15, abs=5 * np.sqrt(0.15 * 0.85 / 4000))


def test_all_rivals_give_draws_for_both_counts_and_the_same_ones_twice():
    known = [known_counts.known_count(*names, 50, luck()) for names in
             (("tz_hte_2015", "tz_hte_2020_press"), ("tz_tsme_2015", "tz_tsme_2020_press"))]
    first, again = (rivals.rival_forecasts(*known, YEARS, 3) for _ in range(2))
    assert set(first) == set(rivals.NAMES)
    for rival, counts in first.items():
        for key, draws in counts.items():
            assert draws.shape == (50, 3), rival
            assert (draws > 0).all(), rival
            assert np.array_equal(draws, again[rival][key]), rival


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(InputError):
        known_counts.Known(np.array([0.0]), np.array([5.0]), np.array([5.0]))
