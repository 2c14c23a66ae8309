"""The same table under other assumptions, above all another date of a figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from kechuang.calibrate.sensitivity import (
    AS_IS,
    FEW,
    date_names,
    dated_error,
    log_agreement,
    sensitivity,
    variant_weights,
)
from kechuang.calibrate.study import OtherDate, Study, find_studies, read_study
from kechuang.calibrate.table import Table
from kechuang.calibrate.weights import Weights, effective_size, weigh
from kechuang.errors import InputError
from small_study import ANOTHER_DATE, study_text
from synthetic_table import synthetic_table

STUDY = study_text("high_tech_2020, tech_sme_2020, carriers", 50, [1500], dates=ANOTHER_DATE)
DATE = OtherDate("tz_hte_2015", "high_tech_firms", "2016Q4", 0.15)
ALONE, BOTH = "430 is still the number of 2016Q4", "430 of 2015-12 (0.85) or still of 2016Q4 (0.15)"


def study_of(folder: Path, text: str = STUDY) -> Study:
    file = folder / "study.yaml"
    file.write_text(text, encoding="utf-8")
    return read_study(file, "study.yaml")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return study_of(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def table(study: Study) -> Table:
    """Return a table in which score 7 decides the number of the end of 2016: 450 times exp(0.04 z), and a little luck."""
    made = synthetic_table(study)
    luck = np.random.Generator(np.random.PCG64(11)).standard_normal(made.rows.ids.size)
    made.rows.columns["high_tech_firms@2016Q4"][:] = 450.0 * np.exp(0.04 * made.rows.scores[:, 7] + 0.01 * luck)
    return made


def mean_of(weights: np.ndarray, values: np.ndarray) -> float:
    return float(weights @ values / weights.sum())


def test_agreement_is_the_density_of_the_figures_own_error(study: Study, table: Table) -> None:
    # 430 is exact with a relative discrepancy of 2 %: a normal law of logs.
    found = log_agreement(table, study, DATE)
    assert found == pytest.approx(norm.logpdf(np.log(table.rows.columns["high_tech_firms@2016Q4"]), np.log(430.0), 0.02))
    assert dated_error(study, DATE).printed == 430.0


@pytest.mark.statistical
def test_another_date_teaches_what_a_normal_law_teaches(study: Study, table: Table) -> None:
    """Score 7 is N(0, 1) otherwise: afterwards its mean is that of Bayes' rule, within 4 standard errors (6e-5; seeded)."""
    weights = dict(variant_weights(table, study, weigh(table)))
    assert set(weights) == {AS_IS, "discrepancy x 2", ALONE, BOTH, "closures weighted by evidence"}
    score = table.rows.scores[:, 7]
    wanted, error = np.log(430.0 / 450.0), 0.02**2 + 0.01**2
    mean, variance = 0.04 * wanted / (0.04**2 + error), error / (0.04**2 + error)
    size = effective_size(weights[ALONE])
    assert size > FEW
    assert abs(mean_of(weights[ALONE], score) - mean) < 4.0 * np.sqrt(variance / size)
    assert abs(mean_of(weights[AS_IS], score)) < 4.0 / np.sqrt(effective_size(weights[AS_IS]))


def test_both_dates_are_mixed_with_their_shares_in_every_closure(study: Study, table: Table) -> None:
    weights = dict(variant_weights(table, study, weigh(table)))
    assert weights[BOTH] == pytest.approx(0.85 * weights[AS_IS] + 0.15 * weights[ALONE])
    for closure in range(3):
        assert weights[BOTH][table.of_closure(closure)].sum() == pytest.approx(1.0 / 3.0)
    assert date_names(DATE) == (ALONE, BOTH)


def test_envelope_holds_every_variant_with_rows_enough(study: Study, table: Table) -> None:
    key = "tide_scale"
    found = sensitivity(table, study, weigh(table), [key])
    entry = found["dates"]["high_tech_firms@2016Q4"]
    assert entry["effective"] == found["variants"][ALONE]["effective"] > FEW
    assert entry["as_read"]["q50"] < entry["as_is"]["q50"]
    assert found["counted"] == list(found["variants"])
    ranges = [variant["parameters"][key] for variant in found["variants"].values()]
    assert found["envelope"][key]["q05"] == min(one["q05"] for one in ranges)
    assert found["envelope"][key]["q95"] == max(one["q95"] for one in ranges)


def test_a_variant_without_rows_is_shown_and_left_out_of_the_envelope(study: Study) -> None:
    # Numbers of about 100 are 70 errors away from 430: whichever rows agree best are a handful.
    table = synthetic_table(study)
    found = sensitivity(table, study, weigh(table), ["selection"])
    assert found["variants"][ALONE]["effective"] < FEW
    assert ALONE not in found["counted"]
    assert AS_IS in found["counted"]
    low = found["variants"][ALONE]["parameters"]["selection"]
    ranges = [found["variants"][name]["parameters"]["selection"] for name in found["counted"]]
    assert found["envelope"]["selection"]["q95"] == max(one["q95"] for one in ranges)
    assert low["q05"] <= low["q50"] <= low["q95"]


def test_the_study_of_the_posterior_tries_the_date_of_430() -> None:
    studies = {name: read_study(file, str(file)) for name, file in find_studies().items()}
    assert studies["posterior"].checks.dates == (DATE,)
    assert studies["demo"].checks.dates == ()


def test_problems_of_a_date_are_named_with_their_place(tmp_path: Path) -> None:
    for old, new, message in (
        ("tz_hte_2015", "tz_hte_2051", 'did you mean "tz_hte_2015"'),
        ("date: 2016Q4", "date: 2016Q3", "the table has no high_tech_firms@2016Q3"),
        ("share: 0.15", "share: 1.5", "study.yaml:14"),
    ):
        with pytest.raises(InputError, match=message):
            study_of(tmp_path, STUDY.replace(old, new))


# A round that has no answer


def test_a_round_in_which_no_row_agrees_counts_for_nothing(study: Study) -> None:
    table = synthetic_table(study)
    kernel = np.zeros(table.rows.ids.size)
    pilot = table.rows.round == 0
    kernel[pilot] = -400.0 - np.arange(pilot.sum())  # one row is a little less wrong than all others
    weights: Weights = weigh(table, log_ratio=kernel)
    assert weights.values[pilot].sum() < 0.02
    assert weights.values.sum() == pytest.approx(1.0)


def test_effective_size_of_hardly_any_weight() -> None:
    assert effective_size(np.array([0.0, 0.0])) == 0.0
    assert effective_size(np.array([1e-200, 1e-200, 0.0])) == pytest.approx(2.0)
