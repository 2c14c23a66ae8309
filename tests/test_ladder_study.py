"""The study of the ladder: closures, dilution and bunching, by hand, on small cities, and from the command line."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kechuang.analyse.ladder_bunching import bunching_runs, bunching_summary
from kechuang.analyse.ladder_closures import common_mass, ranges
from kechuang.analyse.ladder_dilution import certification_rates, rates_summary, variant_jobs
from kechuang.analyse.ladder_jobs import prior_jobs, provisional_jobs
from kechuang.scenario import load_scenario
from test_facts import normal
from worlds import status_of


@pytest.mark.statistical
def test_bunching_below_5000_stands_in_reported_research_only() -> None:
    """n = 9 half cities, three a closure, end of 2020: the threshold of 5 % and the half point from it on.

    Reported R&D: at least three times the smooth counterfactual in every city. Real R&D: the mean excess lies within
    3 s.e. of a tenth of the counterfactual around zero, and never reaches a tenth of the reported one.
    """
    jobs = provisional_jobs(load_scenario("baseline"), 3)
    runs = bunching_runs(load_scenario("baseline"), jobs, 0.5, workers=1, progress=False, years=(2020,))
    reported, real = (
        np.array([run[2020]["classes"][0][f"excess_{kind}"] for run in runs]) for kind in ("reported", "real")
    )
    assert (reported > 3.0).all()
    assert abs(real.mean()) < 0.1 + 3.0 * real.std(ddof=1) / math.sqrt(real.size)
    assert (real < 0.1 * reported).all()
    summary = bunching_summary(runs)[2020]
    assert list(summary) == ["under_5000", "5000_to_20000", "over_20000"]


@pytest.mark.parametrize(("apart", "shared"), [(0.0, 1.0), (1.0, 0.6171), (2.0, 0.3173), (6.0, 0.0027)])
def test_common_mass_of_two_normal_laws(apart: float, shared: float) -> None:
    """Two normal laws d standard deviations apart share 2 Phi(-d/2); the kernel widens both by a few per cent."""
    one, other = np.exp(normal(2000)), np.exp(normal(2000) + apart)
    assert common_mass([one, other]) == pytest.approx(shared, abs=0.03)
    assert common_mass([one, one, other]) == pytest.approx(common_mass([one, other]), abs=1e-9)


def test_closures_share_vectors_and_luck_under_the_prior() -> None:
    jobs = prior_jobs(load_scenario("baseline"), 4)
    assert [job.draw.closure for job in jobs] == list("ABC") * 4
    for k in range(4):
        trio = jobs[3 * k : 3 * k + 3]
        assert len({job.seed for job in trio}) == 1
        assert trio[0].draw.values == trio[1].draw.values == trio[2].draw.values


def test_ranges_of_closures_by_label_step_and_date() -> None:
    high, low = 1000.0 * np.exp(0.1 * normal(200)), 300.0 * np.exp(0.1 * normal(200))
    frames = [
        pd.DataFrame({"label": "prior", "draw": range(200), "closure": closure, "quarter": "2026Q4",
                      "high_tech_firms": high if closure == "B" else low, "tech_sme_firms": high})
        for closure in "ABC"
    ]  # fmt: skip
    entry = ranges(pd.concat(frames))["prior"]["high_tech_firms"]["2026Q4"]
    assert entry["B"] == pytest.approx({"q05": 848.3, "q50": 1000.0, "q95": 1178.8}, rel=0.005)
    assert entry["common_mass"] == {"AB": 0.0, "AC": 1.0, "BC": 0.0, "ABC": 0.0}
    assert entry["all"]["q50"] < 500


def test_rates_of_small_cities_with_and_without_differences_of_firms() -> None:
    scenario = load_scenario("baseline")
    rates = certification_rates(scenario, variant_jobs(scenario, 1), 0.03, workers=1, progress=False)
    summary = rates_summary(rates)
    assert set(summary) == {"on", "off", "off_with_yearly_taste", "on_law_of_2016", "off_law_of_2016"}
    first = rates[(rates["variant"] == "on") & (rates["year"] == 2016)]
    assert (first["tech_smes_before"] == 1012).all()
    np.testing.assert_allclose(rates["rate"], rates["certificates_new"] / rates["tech_smes_before"])
    held, now = (rates[(rates["variant"] == name) & (rates["year"] < 2017)] for name in ("on_law_of_2016", "on"))
    np.testing.assert_array_equal(held["certificates_new"], now["certificates_new"])


@pytest.mark.slow
def test_study_ladder_writes_page_and_figures(tmp_path: Path) -> None:
    arguments = ("--draws", "2", "--seeds", "2", "--scale", "0.03", "--workers", "1", "--quiet", "--out", str(tmp_path))
    assert status_of("study", "ladder", *arguments) == 0
    page = (tmp_path / "ladder.md").read_text(encoding="utf-8")
    for name in ("ranges", "dilution", "bunching"):
        assert f"ladder-{name}.en.svg" in page
        for language in ("en", "zh"):
            assert (tmp_path / f"ladder-{name}.{language}.svg").read_text(encoding="utf-8").startswith("<svg")
            assert (tmp_path / f"ladder-{name}.{language}.png").stat().st_size > 5000
    assert "高新技术企业" in (tmp_path / "ladder-ranges.zh.svg").read_text(encoding="utf-8")
    assert (tmp_path / "ladder.yaml").is_file()
