"""The provisional point meets the figures it was searched for, on luck that the search never saw."""

from __future__ import annotations

import statistics

import pytest
from ruamel.yaml import YAML

from kechuang.calibrate.provisional import FITTED, SEEDS, bounds
from kechuang.calibrate.summaries import CHECKED, figures, summaries, summarise
from kechuang.parameters import CLOSURES, default_draw, parameters_hash
from kechuang.provisional import PROVISIONAL, provisional_draw, provisional_values
from kechuang.resources import path
from kechuang.world.indicators import INDICATORS
from kechuang.world.simulate import blank_scenario, simulate

FRESH_SEEDS = range(9001, 9033)


@pytest.fixture(scope="module", params=CLOSURES)
def runs(request: pytest.FixtureRequest) -> list[dict[str, float]]:
    scenario, draw = blank_scenario("2020Q4"), provisional_draw(request.param)
    return [summarise(simulate(scenario, draw, seed)) for seed in FRESH_SEEDS]


def median(runs: list[dict[str, float]], name: str) -> float:
    return statistics.median(run[name] for run in runs)


def mean(runs: list[dict[str, float]], name: str) -> float:
    return statistics.fmean(run[name] for run in runs)


# n = 32 seeds. The spread of single runs is about 3.5 % (high-tech firms), 2.5 % (technology SMEs), 0.95 and 1.1 points
# (growth). Growth is symmetric about its median, and a mean knows it better than a median does: that of 32 has a standard
# error of .17 and .19 points, the median of the 24 seeds of the search one of .24 and .28. The bands are 7, 10, 3.4 and 2.9
# standard errors of the difference wide (false alarm 4 in 1000 for the last).
@pytest.mark.statistical
def test_fitted_figures_are_met_on_fresh_luck(runs: list[dict[str, float]]) -> None:
    assert median(runs, "high_tech_2020") == pytest.approx(1190, rel=0.05)
    assert median(runs, "tech_sme_2020") == pytest.approx(5500, rel=0.05)
    assert mean(runs, "value_added_q1") == pytest.approx(-18.3, abs=1.0)
    assert mean(runs, "value_added_november") == pytest.approx(3.4, abs=1.0)


@pytest.mark.statistical
def test_gdp_and_research_of_2020_agree_with_what_was_put_in(runs: list[dict[str, float]]) -> None:
    assert median(runs, "gdp_2020") == pytest.approx(5262.72, rel=0.03)
    assert median(runs, "research_share_2020") == pytest.approx(2.4, abs=0.2)


def test_the_search_and_this_test_share_no_luck() -> None:
    assert not set(SEEDS) & set(FRESH_SEEDS)


def test_the_study_rests_on_the_parameters_as_they_stand() -> None:
    study = YAML(typ="safe").load(path(PROVISIONAL).read_text(encoding="utf-8"))
    assert study["parameters"] == parameters_hash(), "parameters changed: run `kechuang calibrate provisional` again"
    assert study["figures"] == {name: figures()[name]._asdict() for name in FITTED}


@pytest.mark.parametrize("closure", CLOSURES)
def test_fitted_values_lie_inside_their_priors_and_nothing_else_moves(closure: str) -> None:
    fitted = provisional_values()[closure]
    assert len(fitted) == len(FITTED)
    for name, value in fitted.items():
        low, high = bounds(name)
        assert low <= float(value) <= high  # type: ignore[arg-type]
    draw, default = provisional_draw(closure), default_draw(closure)  # type: ignore[arg-type]
    assert {name for name in draw.values if draw.values[name] != default.values[name]} <= set(fitted)


def test_every_summary_reads_an_indicator_and_no_check_is_fitted() -> None:
    assert all(indicator in INDICATORS for indicator, _ in summaries().values())
    assert not set(CHECKED) & set(figures())
