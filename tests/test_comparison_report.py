"""The report of a comparison: every part that a planner needs, numbers as in the tables, links, one file, both languages."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kechuang as kc
from kechuang.analyse.compare_tables import PATH_KEYS
from kechuang.analyse.comparison import Comparison
from kechuang.commands.run_commands import build_report
from kechuang.errors import InputError
from kechuang.report import build, pictures
from kechuang.report.comparison_context import decimals
from test_report import CHINESE, Page, visible

BONUS = (
    "name: bonus\ntitle: {en: Bonus, zh: 提高奖励}\nextends: baseline\n"
    "levers: {certification_bonus: {value: 60, from: 2017Q1}}\n"
)
TWO = (
    "name: two\ntitle: {en: Two measures, zh: 两项举措}\nextends: baseline\ntargets: []\n"
    "levers: {certification_bonus: {value: 60, from: 2017Q1}, research_grant: {value: 2, from: 2017Q1}}\n"
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Three scenarios to 2021, split over their measures, with a report; one target is judged at 2020Q4."""
    place = tmp_path_factory.mktemp("compared")
    for name, text in (("bonus", BONUS), ("two", TWO)):
        (place / f"{name}.yaml").write_text(text, encoding="utf-8")
    base = kc.load_scenario("baseline", {"targets": ["set-2016-for-2020", "city-2025"]})
    return kc.compare(
        base, str(place / "bonus.yaml"), str(place / "two.yaml"), draws=6, until="2021Q4", dates=("2020Q4", "2021Q4"),
        parameters="prior", scale=0.03, workers=1, progress=False, out=place / "out", attribute=True, attribute_draws=2,
        finish=build_report,
    )


@pytest.fixture(scope="module")
def text(found: Comparison) -> str:
    assert found.folder is not None
    return (found.folder / "report.html").read_text(encoding="utf-8")


def sentences(text: str, language: str) -> Iterator[str]:
    """Yield the sentences of the first page in one language, as HTML."""
    part = text[text.index(f'id="{language}"'):]
    yield from re.findall(r"<li>(.*?)</li>", part[: part.index("</ul>")], flags=re.DOTALL)


def test_sections_and_links_are_whole_in_both_languages(text: str) -> None:
    page = Page(text)
    assert not page.faults
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in page.values("href") if value.startswith("#")} <= set(ids)
    names = ("answer", "differences", "costs", "orders", "flows", "shares", "plans", "definitions", "provenance")
    for language in ("en", "zh"):
        assert [name for name in names if f"{language}-section-{name}" not in ids] == []
    english, chinese = (visible(part) for part in text.split('<article class="language ')[1:])
    assert len(CHINESE.findall(chinese)) > 5 * len(CHINESE.findall(english))
    assert {value for value in page.values("href") if not value.startswith("#")} <= {"data:,"}


def test_numbers_are_those_of_the_tables(found: Comparison, text: str) -> None:
    said = unescape(visible(text)).replace("\u00a0", " ")
    for scenario in found.others:
        row = found.at("high_tech_firms", "2021Q4", scenario)
        half = (row.high - row.low) / 2.0
        assert row.mean != 0.0
        assert f"{row.mean:+.{decimals(half)}f}".replace("-", "−") in said.replace(",", "")
    shares = found.attribution
    total = shares[(shares["scenario"] == "two") & (shares["indicator"] == "high_tech_firms") & (shares["kind"] == "total")]
    assert set(total["method"]) == {"exact"}
    for words in ("Reward for a first high-tech certificate", "Channel: money", "Real R&D of firms"):
        assert words in said
    assert "the evidence cannot order these" in said or "ordered" in said
    assert "assumed" in said, "the ground of every dose is said"


def test_measures_before_they_begin_make_no_difference(found: Comparison) -> None:
    paths = found.paths
    assert set(paths["indicator"]) == set(PATH_KEYS)
    early = paths[paths["quarter"] <= "2016Q4"]
    assert len(early) == 2 * (4 * 4 + 2), "sums of four quarters are known from the fourth on"
    assert not early[["mean", "q05", "q25", "q50", "q75", "q95"]].to_numpy().any()
    last = paths[(paths["quarter"] == "2021Q4") & (paths["scenario"] == "bonus")].set_index("indicator")
    assert last.loc["high_tech_firms", "mean"] == pytest.approx(found.at("high_tech_firms", "2021Q4", "bonus").mean)


def test_targets_of_the_base_are_judged_under_all_in_pairs(found: Comparison) -> None:
    table = found.targets
    judged = table[table["status"] == "judged"]
    assert len(judged) > 0
    assert set(judged["scenario"]) == set(found.labels), "also under one that names no targets itself"
    for _, rows in judged.groupby("id"):
        base = rows.set_index("scenario").loc["baseline", "probability"]
        others = rows[rows["scenario"] != "baseline"]
        assert others["difference"].to_numpy() == pytest.approx((others["gained"] - others["lost"]).to_numpy())
        assert (others["probability"] - base).to_numpy() == pytest.approx(others["difference"].to_numpy())
        assert (others["difference_error"] > 0.0).all()
    assert (table.loc[table["date"] == "2025Q4", "status"] != "judged").all(), "lies outside the run, and keeps its row"


def test_paired_difference_of_a_target_by_hand() -> None:
    """Ten draws, three gained and one lost: +0.2, error sqrt(3 + 1 + 1 - 4 / 12) / 12 by Agresti and Min."""
    from kechuang.analyse.compare_tables import _paired

    base = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, np.nan, 0.0])
    other = np.array([1, 1, 0, 1, 1, 1, 0, 0, 0, 1.0, 0.0])
    assert _paired(base, other) == pytest.approx(
        {"gained": 0.3, "lost": 0.1, "difference": 0.2, "difference_error": np.sqrt(5 - 4 / 12) / 12})


def test_every_number_of_the_first_page_is_linked(text: str) -> None:
    """What is no link is a date, a share of an interval, or the bar of an order."""
    allowed = r"(?<!\d)20\d\d年?末?|95\s?%|80\s?%"
    for language in ("en", "zh"):
        said = list(sentences(text, language))
        assert len(said) >= 4
        for sentence in said:
            bare = re.sub(r"<a .*?</a>", "", sentence)
            assert "<a " in sentence
            assert not re.search(r"\d", re.sub(allowed, "", bare.replace("\u00a0", " "))), bare


def test_the_same_bytes_and_no_other_folder_needed(found: Comparison, tmp_path: Path) -> None:
    assert found.folder is not None
    alone = tmp_path / "alone"
    shutil.copytree(found.folder, alone, ignore=shutil.ignore_patterns("report.html", "figures"))
    build(alone)
    for file in (alone / "report.html", *sorted((alone / "figures").iterdir())):
        assert file.read_bytes() == (found.folder / file.relative_to(alone)).read_bytes(), file.name


def test_without_a_split_the_section_is_left_out_and_damage_is_named(found: Comparison, tmp_path: Path) -> None:
    assert found.folder is not None
    folder = tmp_path / "folder"
    shutil.copytree(found.folder, folder)
    (folder / "attribution.csv").unlink()
    html = build(folder, ("en",)).read_text(encoding="utf-8")
    assert "en-section-shares" not in html
    assert not Page(html).faults
    (folder / "costs.csv").unlink()
    pd.read_csv(folder / "paths.csv").drop(columns="q05").to_csv(folder / "paths.csv", index=False)
    with pytest.raises(InputError, match=r"costs\.csv(.|\n)*q05"):
        build(folder)
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    del record["runs"][0]["levers"]
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    shutil.copy(found.folder / "costs.csv", folder)
    shutil.copy(found.folder / "paths.csv", folder)
    with pytest.raises(InputError, match=r"levers.*compare the scenarios again"):
        build(folder)


def test_a_browser_without_network_has_nothing_to_say(found: Comparison) -> None:
    browser = pictures.find_browser()
    if not browser:
        pytest.skip(pictures.INSTALL_BROWSER)
    assert found.folder is not None
    seen = pictures.visit(browser, (found.folder / "report.html").resolve().as_uri() + "#zh", "--dump-dom")
    assert seen.finished
    assert seen.console == ()


@pytest.mark.parametrize(("size", "digits", "places"), [
    (0.777, 3, 3), (-0.777, 3, 3), (-12.3, 3, 1), (1234.0, 3, 0), (-0.00001, 2, 4), (0.0, 3, 0), (float("nan"), 3, 0),
])
def test_decimals_follow_the_size_whatever_the_sign(size: float, digits: int, places: int) -> None:
    """A cost per unit is below nothing where a plan saves money."""
    assert decimals(size, digits) == places
