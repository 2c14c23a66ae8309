"""What the report says would change the answer, what the figures taught about parameters, and how far to trust the model."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

import kechuang.resources
from kechuang.analyse.influence import Influence, Unknown
from kechuang.errors import InputError
from kechuang.parameters import load_parameters, parameters_hash
from kechuang.posterior import POSTERIOR
from kechuang.report import change, validation
from kechuang.report.context import Context
from kechuang.report.folder import read_folder
from kechuang.report.page import render
from kechuang.report.sources import Sources
from kechuang.report.studies import FACTS, FOLDER, FORECAST, Studies, status_word
from kechuang.report.studies import POSTERIOR as RESULT
from kechuang.report.text import table
from report_folder import write_run_folder

STATUSES = {"registration_imitation": "identified", "demand_trend": "identified in A, C", "research_trend": "partly identified"}


def result(**changes: Any) -> dict[str, Any]:
    """Return the result of a posterior study as `kechuang calibrate` writes it, as far as a report reads it."""
    drawn = [key for key, item in load_parameters().items() if item.prior is not None]
    inside = {"high_tech_2020": True, "carriers": False}
    return {
        "date": "2026-11-20", "study": {"name": "posterior", "scale": 1},
        "made_from": {"parameters": parameters_hash(), "figures": "", "simulation": ""},
        "rows": {"pilot": 600, "rounds": [1000], "all": 21300}, "effective": 231.4,
        "parameters": {key: {"contraction": 0.1, "status": STATUSES.get(key, "set by prior")} for key in drawn},
        "figures": {name: {"inside": held} for name, held in inside.items()},
        "left_out": {name: {"inside": True} for name in inside},
        **changes,
    }


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that stands in for calibration/studies; what is put there is found, nothing else of it is."""
    folder = tmp_path / "studies"
    (folder / "posterior").mkdir(parents=True)
    find = kechuang.resources.find

    def found(name: str) -> Path | None:
        if not name.startswith(FOLDER):
            return find(name)
        file = folder / name.removeprefix(FOLDER).lstrip("/")
        return file if file.exists() else None

    monkeypatch.setattr(kechuang.resources, "find", found)
    return folder


def write(folder: Path, name: str, content: dict[str, Any]) -> None:
    with (folder / name).open("w", encoding="utf-8") as stream:
        YAML().dump(content, stream)


@pytest.fixture(scope="module")
def posterior_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run_folder(tmp_path_factory.mktemp("change") / "run", parameters="posterior")


def context_of(folder: Path, language: str = "en") -> Context:
    return Context(read_folder(folder), Sources(), language)


def plain(markup: object) -> str:
    return unescape(re.sub(r"<[^>]+>", "", str(markup))).replace("\u00a0", " ")


def rows_of(context: Context, place: int) -> dict[str, list[str]]:
    """Return the rows of a table of the section by the title of the target."""
    return {plain(row[0]): [plain(cell) for cell in row[1:]] for row in change.change(context)["tables"][place]["table"].rows}


def draw_closures_apart(run: Path) -> None:
    """Let the high-tech firms of a run hang on the closure far more than on anything else."""
    frame = pd.read_parquet(run / "indicators.parquet")
    frame["high_tech_firms"] *= frame["closure"].map({"A": 1.0, "B": 3.0, "C": 9.0})
    frame.to_parquet(run / "indicators.parquet")


# --- what would change the answer -------------------------------------------------------------------------


@pytest.mark.usefixtures("shipped")
def test_the_unknowns_that_made_the_run_are_named(posterior_run: Path) -> None:
    """The corridor's share hangs on one parameter alone, the GDP of 2026 on another; the made-up run has no other cause."""
    found = rows_of(context_of(posterior_run), 0)
    share = next(cells for title, cells in found.items() if title.startswith("High-tech firms gather in the corridor"))
    name = load_parameters()["corridor_firm_share"].meaning.en
    assert share[1].startswith(f"{name} (+): ")
    gdp = next(cells for title, cells in found.items() if title.startswith("GDP of 8000"))
    assert gdp[1].startswith(f"{load_parameters()['demand_trend'].meaning.en} (+): ")


def test_near_misses_are_few_and_in_order() -> None:
    """Of what is not clear, only what would stand out alone, the nearest first."""
    unknowns = tuple(Unknown(f"key{k}", 0.1, 0.0, 0.2, 1, 0.002 * k, clear=k == 0) for k in range(9))
    found = change.near_misses([Influence("one", 50.0, unknowns), Influence("two", 50.0, unknowns[:2])])
    assert [(target, unknown.key) for target, unknown in found] == [
        ("one", "key1"), ("two", "key1"), ("one", "key2"), ("one", "key3"), ("one", "key4")]


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(("language", "words"), [("en", "perhaps luck"), ("zh", "可能只是偶然")])
def test_near_misses_stand_below_the_table(
    posterior_run: Path, language: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(posterior_run, language)
    target = context.findings.influences[0].target
    near = Unknown("demand_trend", 0.1, 0.0, 0.2, 1, 0.004)
    monkeypatch.setattr(change, "near_misses", lambda _: [(target, near)])
    note = change.change(context)["tables"][0]["note"]
    assert words in plain(note)
    assert f'href="#{language}-parameter-demand_trend"' in note
    assert "0.004" in plain(note)


@pytest.mark.usefixtures("shipped")
def test_the_closure_is_named_where_it_decides(posterior_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(posterior_run, run)
    draw_closures_apart(run)
    doubling = next(cells for title, cells in rows_of(context_of(run), 0).items() if title.startswith("High-tech firms double"))
    assert int(doubling[0].removesuffix(" %")) > 50


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_page_has_two_sentences_about_it(posterior_run: Path, language: str) -> None:
    context = context_of(posterior_run, language)
    hangs, ask = change.sentences(context)
    assert len(context.findings.open) > 0
    assert f'href="#{language}-section-change"' in hangs
    assert f'href="#{language}-section-change"' in ask
    assert f'href="#{language}-indicator-' in ask
    assert ("in this scenario" if language == "en" else "就本情景而言") in plain(ask)
    assert str(len(context.findings.open)) in plain(hangs)


@pytest.mark.usefixtures("shipped")
def test_a_provisional_run_says_that_parameters_do_not_vary(tmp_path: Path) -> None:
    run = write_run_folder(tmp_path / "run")
    draw_closures_apart(run)
    context = context_of(run)
    assert "parameters are held fixed" in plain(change.sentences(context)[0])
    unknowns, figures = change.change(context)["tables"]
    assert [plain(column) for column in unknowns["table"].columns] == ["Target", "Reading of certification"]
    assert "nothing can be said about parameters" in plain(unknowns["lead"])
    assert "Parameters do not vary in this run" in plain(figures["lead"])


@pytest.mark.usefixtures("shipped")
def test_figures_are_for_this_scenario_and_only_those_nobody_has(posterior_run: Path) -> None:
    context = context_of(posterior_run)
    lead = plain(change.change(context)["tables"][1]["lead"])
    assert "It is worth that much in this scenario, “Baseline: policy of 2020 goes on”" in lead
    assert not {(one.candidate.indicator, one.quarter) for one in context.findings.worths} & {
        (figure.indicator, figure.quarter) for figure in context.sources.known_figures}
    asked = "Leading firms, end of 2019 (economy and information technology bureau)"
    assert any(asked in cells[0] for cells in rows_of(context, 1).values())
    assert not any("last four quarters" in cell for cells in rows_of(context, 1).values() for cell in cells)


@pytest.mark.usefixtures("shipped")
def test_luck_has_a_column_where_the_run_could_tell_it(posterior_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(posterior_run, run)
    (run / "spread.csv").write_text("id,luck\ngdp-2026,0.125\nhigh-tech-doubling-2025,\n", encoding="utf-8")
    found = rows_of(context_of(run), 0)
    assert next(cells for title, cells in found.items() if title.startswith("GDP"))[2] == "12 %"
    assert next(cells for title, cells in found.items() if title.startswith("High-tech firms double"))[2] == "–"
    (run / "spread.csv").write_text("id,luck\ngdp-2026,much\n", encoding="utf-8")
    with pytest.raises(InputError, match="is not a number"):
        read_folder(run)


@pytest.mark.usefixtures("shipped")
def test_few_draws_or_no_targets_say_so(posterior_run: Path, small_run: Path, tmp_path: Path) -> None:
    three = [plain(sentence) for sentence in change.sentences(context_of(small_run))]
    assert three[0] == "What the answer hangs on cannot be told from luck with 3 different draws."
    assert three[1] == "No single further figure can be shown to narrow the targets with 3 different draws."
    run = tmp_path / "run"
    shutil.copytree(posterior_run, run)
    (run / "targets.csv").unlink()
    context = context_of(run)
    assert change.sentences(context) == []
    assert change.change(context)["tables"] == []
    assert len(change.change(context)["questions"]) == len(change.QUESTIONS)


@pytest.mark.usefixtures("shipped")
def test_draws_that_are_the_same_simulation_count_once(posterior_run: Path, tmp_path: Path) -> None:
    """Every draw four times, as a posterior with few different rows might have it: the same 18 simulations."""
    run = tmp_path / "run"
    shutil.copytree(posterior_run, run)
    for name in ("draws", "indicators"):
        frame = pd.read_parquet(run / f"{name}.parquet")
        copies = [frame.assign(draw=frame["draw"] + 18 * copy) for copy in range(4)]
        pd.concat(copies, ignore_index=True).to_parquet(run / f"{name}.parquet")
    context = context_of(run)
    assert context.run.draws == 72
    assert context.findings.different == pytest.approx(18.0)
    assert "18 different draws" in plain(change.change(context)["tables"][0]["lead"])


# --- what the figures taught ------------------------------------------------------------------------------


@pytest.mark.usefixtures("few_figures")
def test_statuses_mark_parameters_of_a_posterior_run(posterior_run: Path, shipped: Path) -> None:
    write(shipped, RESULT, result())
    context = context_of(posterior_run)
    html = render(context.run, [context])
    for key, words in (("registration_imitation", "identified"), ("demand_trend", "identified in closure A, C"),
                       ("research_trend", "partly identified"), ("certification_cost", "set by prior")):
        line = re.search(rf'<tr id="en-parameter-{key}">(.*?)</tr>', html)
        assert line is not None
        assert f'<td class="tight">{words}</td>' in line[1], key
    assert 'held fixed</td>' in html, "what is never drawn keeps its class"
    assert "; identified in closure A, C" in plain(change.change(context)["tables"][0]["table"].rows)
    assert "(identified in closure A, C)" in plain(change.sentences(context)[0])
    lists = change.change(context)["lists"]
    drawn = sum(item.prior is not None for item in load_parameters().values())
    assert [len(one["items"]) for one in lists] == [drawn - 3, 1, 2]
    assert plain(lists[0]["title"]) == table()["unknown.prior_status_title"]["en"]


def test_other_runs_and_other_times_mark_nothing(posterior_run: Path, shipped: Path, tmp_path: Path) -> None:
    assert Studies().calibration is None
    assert context_of(posterior_run).sources.studies.statuses(read_folder(posterior_run)) == {}
    write(shipped, RESULT, result())
    provisional = context_of(write_run_folder(tmp_path / "run"))
    assert provisional.sources.studies.status(provisional.run, "registration_imitation") == ""
    assert [plain(one["title"]) for one in change.change(provisional)["lists"]] == [
        table()[f"unknown.{name}_title"]["en"] for name in ("prior", "learnt")]


def test_words_of_a_status() -> None:
    assert [status_word(word) for word in ("identified", "identified in B", "partly identified", "set by prior", "")] == [
        "learnt", "learnt", "partly", "prior", ""]


def test_a_damaged_result_is_named(shipped: Path) -> None:
    write(shipped, RESULT, {"date": "2026-11-20"})
    with pytest.raises(InputError, match=r"posterior/result\.yaml.*is not a result"):
        _ = Studies().calibration
    (shipped / FACTS).write_text("verdicts: [", encoding="utf-8")
    with pytest.raises(InputError, match=r"facts\.yaml"):
        _ = Studies().facts


def test_another_posterior_than_that_of_the_run_is_said(shipped: Path) -> None:
    (shipped / "posterior" / "draws.parquet").write_bytes(b"others")
    record = {"inputs": {POSTERIOR: "00" * 32}}
    assert Sources().changed_since(record) == ["posterior/draws.parquet"]


# --- how far to trust it ----------------------------------------------------------------------------------


def verdicts(folder: Path, language: str = "en") -> dict[str, str]:
    return {plain(name): plain(text) for name, text in validation.validation(context_of(folder, language))["facts"]}


@pytest.mark.usefixtures("shipped")
def test_nothing_made_is_said(posterior_run: Path) -> None:
    found = verdicts(posterior_run)
    assert found == {
        "Calibration": "not calibrated: no posterior has been committed", "Stylised facts": "not made",
        "Transfer to another city": "not made", "Frozen forecast from 2020": "not made"}
    assert verdicts(posterior_run, "zh")["参数校准"].startswith("尚未校准")


def test_every_verdict_that_exists_is_said(posterior_run: Path, shipped: Path) -> None:
    write(shipped, RESULT, result())
    write(shipped, FACTS, {"verdicts": {"judged": 75, "passed": 46}, "runs": 102, "parameters_from": "prior"})
    write(shipped, FORECAST, {"date": "2026-11-21", "draws": 500, "parameters_from": "posterior"})
    write(shipped, "transfer-wenzhou.yaml", {"city": "wenzhou", "verdict": "partial"})
    found = verdicts(posterior_run)
    drawn = sum(item.prior is not None for item in load_parameters().values())
    assert found["Calibration"] == "Made on 2026-11-20 from 2 reported figures and 21,300 simulations. This run uses it."
    assert found["Effective size"] == "231 equally good simulations, enough (at least 200)"
    assert f"of {drawn} uncertain ones the figures identify 2, say something about 1 and leave {drawn - 3}" in found["Parameters"]
    assert found["Fitted figures"].startswith("1 of 2 lie")
    assert found["Fitted figures"].endswith("Outside: carriers of co-operation at the end of 2020.")
    assert found["Each figure from the others"] == "2 of 2 lie in the 90 % interval that the others give."
    assert found["Stylised facts"].startswith("46 of 75 statistics pass (102 runs, draws from the priors)")
    assert found["Transfer to another city"].startswith("Wenzhou, Zhejiang: partial (")
    assert "500 draws (draws from the posterior)" in found["Frozen forecast from 2020"]
    assert len(verdicts(posterior_run, "zh")) == len(found)


def test_doubts_about_a_calibration_are_said(posterior_run: Path, shipped: Path, tmp_path: Path) -> None:
    poor = result(effective=20.0, study={"name": "demo", "scale": 0.05}, made_from={"parameters": "of another time"})
    write(shipped, RESULT, poor)
    found = verdicts(write_run_folder(tmp_path / "run"))
    assert "This run does not use it." in found["Calibration"]
    assert "Only 5 % of the city was simulated" in found["Calibration"]
    assert "it holds no longer" in found["Calibration"]
    assert "nothing below should be quoted" in found["Effective size"]


def test_percentages_are_written_as_people_write_them() -> None:
    from kechuang.report.wording import percent

    shares = (0.0, 0.001, 0.124, 1.0)
    assert [percent(share, "en").replace("\u00a0", " ") for share in shares] == ["0 %", "< 1 %", "12 %", "100 %"]
    assert percent(0.124, "zh") == "12%"
    assert percent(float(np.nan), "en") == "–"
