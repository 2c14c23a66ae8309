"""The error model against numerical convolution, and the figures that it is used for."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest, norm

from kechuang.calibrate.error_model import FigureError, figure_error, figure_errors, log_kernel
from kechuang.errors import InputError
from kechuang.evidence import ReadingError, load_evidence

FITTED = tuple(record.summary for record in load_evidence().values() if record.role == "fit")


def reading_density(error: ReadingError, printed: float) -> Callable[[float], float]:
    """Return the density of the true value, written down anew."""
    low, high, mean = error.low or 0.0, error.high or 0.0, error.mean or 0.0
    if error.reading == "uniform":
        return lambda x: 1.0 / (high - low)
    if error.reading == "triangular":
        return lambda x: 2.0 / (high - low) * ((x - low) / (printed - low) if x < printed else (high - x) / (high - printed))
    assert error.reading == "excess"
    mass = 1.0 - math.exp(-(error.limit or math.inf) / mean)
    return lambda x: math.exp(-(x - printed) / mean) / mean / mass


def convolution(error: ReadingError, printed: float, value: float) -> float:
    """Return the density of a summary (on its scale) given the figure, by numerical integration or by a sum."""
    scale: Callable[[float], float] = math.log if error.scale == "relative" else float
    assert error.discrepancy is not None

    def near(truth: float) -> float:
        return float(norm.pdf(value, scale(truth), error.discrepancy))

    if error.reading == "exact":
        return near(printed)
    if error.reading == "uniform integer":
        truths = range(int(error.low or 0), int(error.high or 0) + 1)
        return sum(near(truth) for truth in truths) / len(truths)
    low = printed if error.reading == "excess" else error.low or 0.0
    high = printed + (error.limit or 0.0) if error.reading == "excess" else error.high or 0.0
    density = reading_density(error, printed)
    return float(quad(lambda x: density(x) * near(x), low, high, points=[printed], epsabs=1e-13, limit=200)[0])


@pytest.mark.parametrize("name", FITTED)
def test_density_is_the_convolution_of_reading_and_discrepancy(name: str) -> None:
    record = next(record for record in load_evidence().values() if record.role == "fit" and record.summary == name)
    assert record.error is not None
    assert record.value is not None
    found = figure_error(record)
    for distance in (-3.0, -1.0, -0.2, 0.0, 0.5, 2.0):
        value = found.mean + distance * math.sqrt(found.variance)
        expected = convolution(record.error, record.value, value)
        assert math.exp(found.log_density(np.array([value]))[0]) == pytest.approx(expected, rel=1e-6)


def test_open_readings_keep_their_mean() -> None:
    # 超10亿: ten times one plus an exponential share of a tenth; the mean of the truth is 11.
    error = ReadingError(reading="relative excess", mean=0.1, discrepancy=0.2, scale="relative")
    from kechuang.calibrate.error_model import reading_nodes

    values, weights = reading_nodes(error, 10.0)
    assert weights.sum() == pytest.approx(1.0)
    assert values @ weights == pytest.approx(11.0, rel=1e-4)
    mixture = ReadingError(reading="mixture", choices=(4.0, 5.0), weights=(0.5, 0.5), discrepancy=0.03, scale="relative")
    values, weights = reading_nodes(mixture, 5.0)
    assert (values.tolist(), weights.tolist()) == ([4.0, 5.0], [0.5, 0.5])


def test_more_than_5500_lies_above_5500() -> None:
    (sme,) = figure_errors(["tech_sme_2020"])
    assert 5500.0 < math.exp(sme.mean) < 5600.0
    # Without any discrepancy the truth lies between 5500 and 6000.
    assert math.exp(min(sme.nodes)) > 5500.0
    assert math.exp(max(sme.nodes)) < 6000.0


def test_moments_and_interval_are_those_of_the_density() -> None:
    (projects,) = figure_errors(["fund_projects"])
    grid = np.linspace(projects.mean - 2.0, projects.mean + 2.0, 20001)
    density = np.exp(projects.log_density(grid))
    step = grid[1] - grid[0]
    assert density.sum() * step == pytest.approx(1.0, rel=1e-6)
    assert (grid * density).sum() * step == pytest.approx(projects.mean, rel=1e-6)
    assert ((grid - projects.mean) ** 2 * density).sum() * step == pytest.approx(projects.variance, rel=1e-6)
    low, high = projects.interval(0.9)
    assert density[(grid > low) & (grid < high)].sum() * step == pytest.approx(0.9, abs=1e-3)


@pytest.mark.statistical
@pytest.mark.parametrize("name", ["tech_sme_2020", "value_added_q1", "fund_projects"])
def test_offsets_are_drawn_from_the_kernel(name: str) -> None:
    # Kolmogorov-Smirnov, n = 4000, false alarm 0.001 for each of three figures; seeded.
    (error,) = figure_errors([name])
    offsets = error.offsets(np.random.Generator(np.random.PCG64(5)), 4000)
    printed = float(error.on_scale(error.printed))

    def below(offset: np.ndarray) -> np.ndarray:
        # A summary s prints s + offset, so the offset is at most x where the truth's place is at least printed - x.
        return sum(
            weight * norm.cdf((offset - printed + node) / error.sd)
            for node, weight in zip(error.nodes, error.weights, strict=True)
        )

    assert kstest(offsets, below).pvalue > 0.001


def test_a_shifted_figure_moves_the_kernel() -> None:
    (error,) = figure_errors(["carriers"])
    values = np.array([4.2, 4.4, 4.9])
    assert error.log_density(values + 0.3, 0.3) == pytest.approx(error.log_density(values))
    assert log_kernel([error], values[:, None] + 0.3, np.array([0.3]))[:, 0] == pytest.approx(error.log_density(values))


def test_a_run_without_the_figure_has_no_density_and_none_without_projects_is_an_error() -> None:
    (error,) = figure_errors(["fund_projects"])
    assert error.log_density(np.array([np.nan]))[0] == -np.inf
    assert np.isfinite(error.on_scale(np.array([0.0]))[0])
    assert error.log_density(error.on_scale(np.array([0.0])))[0] < -200.0


def test_discrepancy_can_be_halved_and_doubled() -> None:
    (error,) = figure_errors(["high_tech_2020"])
    assert error.sd == 0.02
    assert error.with_discrepancy(2.0).sd == 0.04
    assert figure_errors(["high_tech_2020"], 0.5)[0].sd == 0.01


def test_unknown_figures_are_named_together() -> None:
    with pytest.raises(InputError) as caught:
        figure_errors(["high_tech_2021", "carrier"])
    assert "high_tech_2020" in str(caught.value)
    assert "carriers" in str(caught.value)


def test_a_constant_factor_is_all_that_the_scale_adds() -> None:
    error = FigureError("x", 100.0, True, (math.log(100.0),), (1.0,), 0.1)
    assert float(error.on_scale(100.0)) == math.log(100.0)
    assert error.off_scale(error.on_scale(np.array([3.0, 80.0])))[1] == pytest.approx(80.0)
