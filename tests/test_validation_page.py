"""The page of a calibration in plain words: every clause follows from the result, in both languages."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from kechuang.analyse.findings import FORECAST, TRANSFER, Finding, findings
from kechuang.analyse.forecast_page import core_score
from kechuang.calibrate.assess import assess
from kechuang.calibrate.page import validation_page
from kechuang.calibrate.plain_words import best_figure, column_words, failures, parameter_words, plain_words
from kechuang.calibrate.posterior_study import described, refresh_page
from kechuang.calibrate.studies import write_study
from kechuang.calibrate.study import read_study
from kechuang.commands import validate_commands
from kechuang.parameters import load_parameters
from kechuang.posterior import origin
from kechuang.world.indicators import INDICATORS
from small_study import ANOTHER_DATE, ANOTHER_PRIOR, study_text
from synthetic_table import synthetic_table

STUDY = study_text("high_tech_2020, value_added_q1, carriers", 20, [500], priors=ANOTHER_PRIOR, dates=ANOTHER_DATE)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the result of a synthetic table."""
    file = tmp_path_factory.mktemp("page") / "small" / "study.yaml"
    file.parent.mkdir()
    file.write_text(STUDY, encoding="utf-8")
    study = read_study(file, "study.yaml")
    result = assess(synthetic_table(study), study)
    return {"date": "2021-02-03", "study": described(study), "made_from": origin(), "distinct_draws": 12, **result}


@pytest.fixture
def result(made: dict[str, Any]) -> dict[str, Any]:
    """Return a copy in which everything is as it should be."""
    whole = copy.deepcopy(made)
    whole["effective"] = 250.0
    for one in (*whole["figures"].values(), *whole["left_out"].values()):
        one |= {"inside": True, "width": 1.2}
    known = {key: {"covered": 0.9, "p_value": 0.5} for key in whole["sensitivity"]["envelope"] if key != "pool_size"}
    whole["recovery"] |= {"cities": 40, "ranks": 200, "effective_median": 60.0, "effective_least": 31.0, "covered_all": 0.9,
                          "least_p_value_all": 0.2, "parameters": known}
    for one in whole["sensitivity"]["envelope"].values():
        one["moved"] = 0.1
    return whole


def chinese(text: str) -> str:
    return text.split("**摘要**：")[1].split("\n", maxsplit=1)[0]


def test_page_opens_with_what_the_model_knows_in_both_languages(result: dict[str, Any]) -> None:
    page = validation_page(result)
    assert page.index("**In plain words.**") < page.index("**摘要**") < page.index("## What is learnt")
    assert "Made on 2021-02-03" in page
    known = [key for key, one in result["parameters"].items() if one["status"].startswith("identified")]
    assert len(known) == 3
    words = plain_words(result)
    assert f"3 of {len(result['parameters'])} uncertain parameters well" in words
    assert all(parameter_words(key).en in words and parameter_words(key).zh in chinese(words) for key in known)
    assert "it makes all of them at once." in words
    assert "均可同时再现" in chinese(words)
    assert not re.search(r"[\u4e00-\u9fff][,;:!?()]", chinese(words)), "Chinese text has Chinese punctuation"


def test_a_table_that_is_too_small_says_nothing(result: dict[str, Any]) -> None:
    words = plain_words({**result, "effective": 199.0})
    assert "Too few simulations" in words
    assert "模拟太少" in words
    assert "statistics bureau" not in words


def test_every_failure_is_named_and_none_is_invented(result: dict[str, Any]) -> None:
    assert failures(result) == []
    assert "None of the checks below fails" in plain_words(result)
    result["figures"]["carriers"]["inside"] = False
    assert "at once but carriers of co-operation at the end of 2020" in plain_words(result)
    assert "除2020年末创新载体数外" in chinese(plain_words(result))
    result["figures"]["carriers"]["width"] = 1.6
    result["left_out"]["high_tech_2020"]["inside"] = False
    key = next(iter(result["recovery"]["parameters"]))
    result["recovery"]["parameters"][key]["covered"] = 0.7
    result["recovery"]["least_p_value_all"] = 1e-4
    result["sensitivity"]["envelope"]["pool_size"]["moved"] = 0.4
    found = failures(result)
    assert [part in one.en for part, one in zip(
        ("more vaguely", "would not have predicted high-tech firms", parameter_words(key).en, "not uniform", "could ever register"),
        found, strict=True,
    )] == [True] * 5
    assert all(one.zh in chinese(plain_words(result)) for one in found)


def test_a_table_that_cannot_learn_cities_says_so(result: dict[str, Any]) -> None:
    assert "40 simulations were taken as the truth" in validation_page(result)
    for name in ("covered_all", "least_p_value_all", "effective_median", "effective_least"):
        del result["recovery"][name]
    assert [one.en for one in failures(result)] == ["there are too few simulations to learn synthetic cities back"]
    assert "the table cannot tell whether its intervals are right" in validation_page(result)


def test_one_parameter_in_eleven_may_be_covered_badly(result: dict[str, Any]) -> None:
    entries = result["recovery"]["parameters"] = {key: {"covered": 0.9, "p_value": 0.5} for key in list(load_parameters())[:22]}
    for key in list(entries)[:2]:
        entries[key]["covered"] = 0.99
    assert failures(result) == []
    entries[list(entries)[2]]["covered"] = 0.75
    assert len(failures(result)) == 1


def test_the_figure_to_ask_for_is_the_best_that_can_be_told_from_noise(result: dict[str, Any]) -> None:
    entry = {"figure": "tech_sme_firms@2018Q4", "error": 0.04, "score": 0.12, "score_error": 0.02, "above_noise": True,
             "shares": {"pool_size": 0.02, "employment@2020Q4": 0.3}, "teaches": ["pool_growth"]}
    near = {**entry, "figure": "high_tech_firms@2018Q4", "score": 0.09}
    far = {**entry, "figure": "employment@2016Q4", "score": 0.001, "above_noise": False}
    result["worth"] = {"wanted": [], "noise": 0.01, "figures": [entry, near, far]}
    words = best_figure(result)
    assert "is technology SMEs at the end of 2018 (high-tech firms at the end of 2018: as good, within the error)" in words.en
    assert "take 12% " in words.en
    assert "employment at the end of 2020 (30%)" in words.en
    assert "索取的是2018年末的科技型中小企业数" in words.zh
    page = validation_page(result)
    assert "0.1% ± 2.0%, not told from 0" in page
    assert "`pool_growth`" in page
    result["worth"]["figures"] = [far]
    assert best_figure(result).en.startswith("None of 1 year-end figures")
    result["worth"]["figures"] = []
    assert "cannot be said" in validation_page(result)


def test_columns_have_names_in_both_languages() -> None:
    assert column_words("rd_intensity@2017Q4") == ("R&D / GDP at the end of 2017", "2017年末的研发经费占GDP比重")
    assert column_words("employment@2016Q4").zh == f"2016年末的{INDICATORS['employment'].zh}数"


def test_the_date_of_a_figure_is_told_with_what_it_cannot_say(result: dict[str, Any]) -> None:
    entry = result["sensitivity"]["dates"]["high_tech_firms@2016Q4"]
    entry["effective"] = 120.0
    result["sensitivity"]["counted"] = list(result["sensitivity"]["variants"])
    page = validation_page(result)
    assert "**The date of 430.**" in page
    assert "with a chance of 0.15 it is that of 2016Q4" in page
    assert "needs other simulations" in page
    assert "says nothing about this reading" not in page
    entry["effective"] = 4.0
    result["sensitivity"]["counted"].remove("430 is still the number of 2016Q4")
    page = validation_page(result)
    assert "says nothing about this reading" in page
    assert "| 430 is still the number of 2016Q4 * |" in page
    assert "not part of the envelope" in page


# What forecast and transfer have found


def forecast_study(core: float) -> dict[str, Any]:
    figures = {name: {"score": "logs", "full": {"crps": 0.1}, "core": {"crps": core}} for name in ("a", "b")}
    return {"in_sample": {"figures": {**figures, "points": {"score": "points", "full": {"crps": 9.0}, "core": {"crps": 9.0}}}}}


@pytest.fixture
def studies(tmp_path: Path) -> tuple[Path, Path]:
    data, pages = tmp_path / "studies", tmp_path / "pages"
    pages.mkdir()
    write_study(data / f"{FORECAST}.yaml", "test", forecast_study(0.104))
    write_study(data / f"{TRANSFER}.yaml", "test", {"verdict": "partial", "entries": [{"model": "full", "extrapolated": True}]})
    return data, pages


def test_only_studies_with_their_page_are_quoted(studies: tuple[Path, Path]) -> None:
    data, pages = studies
    assert findings(data, pages) == []
    (pages / "forecast.md").touch()
    one = findings(data, pages)
    assert [(finding.page, "does as well as the full model on the 2 fitted counts" in finding.en) for finding in one] == [
        ("forecast.md", True)
    ]
    (pages / "transfer.md").touch()
    assert [finding.page for finding in findings(data, pages)] == ["forecast.md", "transfer.md"]
    assert "passes in part" in findings(data, pages)[1].en
    assert "extrapolated: no draw has as many" in findings(data, pages)[1].en
    assert "部分通过" in findings(data, pages)[1].zh
    write_study(data / f"{TRANSFER}.yaml", "test", {"verdict": "partial", "entries": [{"model": "full", "extrapolated": False}]})
    assert "extrapolated" not in findings(data, pages)[1].en


def test_a_core_that_is_worse_is_called_worse(studies: tuple[Path, Path]) -> None:
    data, pages = studies
    (pages / "forecast.md").touch()
    write_study(data / f"{FORECAST}.yaml", "test", forecast_study(0.12))
    assert "does worse" in findings(data, pages)[0].en
    assert "不如完整模型" in findings(data, pages)[0].zh
    score = core_score(forecast_study(0.12)["in_sample"]["figures"])
    assert score is not None
    assert (score.counts, score.full, score.core) == (2, pytest.approx(0.1), pytest.approx(0.12))


def test_page_links_what_was_found_elsewhere(result: dict[str, Any]) -> None:
    words = plain_words(result, [Finding("The core does as well", "内核一样好", "forecast.md")])
    assert "The core does as well ([more](forecast.md))." in words
    assert "内核一样好（[详见](forecast.md)）。" in words
    assert "not part of this page yet" in plain_words(result)


def test_page_is_made_again_from_its_result_when_another_validation_speaks(
    result: dict[str, Any], studies: tuple[Path, Path]
) -> None:
    data, pages = studies
    assert refresh_page(data, pages) is None
    write_study(data / "posterior" / "result.yaml", "test", result)
    (pages / "README.md").write_text("old", encoding="utf-8")
    (pages / "transfer.md").touch()
    assert refresh_page(data, pages) == pages / "README.md"
    page = (pages / "README.md").read_text(encoding="utf-8")
    assert page == validation_page(YAML(typ="safe").load((data / "posterior" / "result.yaml").read_text(encoding="utf-8")),
                                   findings(data, pages))
    assert "Carried to Wenzhou" in page


def test_a_new_forecast_page_renews_the_page_of_the_posterior(
    result: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_study(tmp_path / "posterior" / "result.yaml", "test", result)
    write_study(tmp_path / f"{FORECAST}.yaml", "test", forecast_study(0.104))
    (tmp_path / "README.md").write_text("old", encoding="utf-8")
    validate_commands._publish(tmp_path / "forecast.md", "text", {}, validate_commands.Request(out=tmp_path))
    assert "(forecast.md)" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.strip() == str(tmp_path / "forecast.md")


def test_validations_take_the_posterior_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kechuang.posterior.is_current", lambda: True)
    assert validate_commands.Request().parameter_set() == "posterior"
    assert validate_commands.Request(parameters="prior").parameter_set() == "prior"
    monkeypatch.setattr("kechuang.posterior.is_current", lambda: False)
    assert validate_commands.Request().parameter_set() == "provisional"


def test_page_says_with_what_errors_synthetic_cities_print(result: dict[str, Any]) -> None:
    assert "as exactly as Taizhou" not in validation_page(result)
    result["recovery"] |= {"discrepancy": 2.0, "exact_answered": 3, "exact_tried": 200}
    page = validation_page(result)
    assert "discrepancies 2 times those of Taizhou" in page
    assert "of 200 cities that print as exactly as Taizhou the table can answer for 3" in page


def test_a_table_answers_for_more_cities_where_figures_are_rougher(tmp_path: Path) -> None:
    def recovery(factor: str) -> dict[str, Any]:
        file = tmp_path / factor / "study.yaml"
        file.parent.mkdir()
        file.write_text(STUDY.rstrip("\n") + f"\n  cities_discrepancy: {factor}\n", encoding="utf-8")
        study = read_study(file, "study.yaml")
        found: dict[str, Any] = assess(synthetic_table(study), study)["recovery"]
        return found

    same, rougher = recovery("1"), recovery("5")
    assert (same["discrepancy"], rougher["discrepancy"]) == (1.0, 5.0)
    assert (same["cities"], same["cities_tried"]) == (same["exact_answered"], same["exact_tried"])
    assert (rougher["exact_answered"], rougher["exact_tried"]) == (same["cities"], same["cities_tried"])
    assert rougher["cities"] / rougher["cities_tried"] > same["cities"] / same["cities_tried"]
