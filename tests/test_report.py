"""The report: complete in both languages, alone in one file, the same bytes each time, safe, legible, honest."""

from __future__ import annotations

import os
import re
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as Tree

import matplotlib.image as images
import numpy as np
import pandas as pd
import pytest

from kechuang.errors import InputError
from kechuang.report import (
    build,
    figures,
    pictures,
    sources,
    target_detail,
    wording,
)
from kechuang.report.context import Context
from kechuang.report.folder import COST_KINDS, read_folder
from kechuang.report.summary import at
from kechuang.report.text import Texts, table
from kechuang.world.indicators import INDICATORS
from report_folder import write_run_folder
from report_page import Page, visible

REPORT = Path(pictures.__file__).parent
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def text(reported_run: Path) -> str:
    return (reported_run / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


# --- one file, alone, well formed -------------------------------------------------------------------------


def test_well_formed(page: Page) -> None:
    assert not page.faults
    assert not page.open


def test_no_request_leaves_the_page(page: Page, text: str) -> None:
    for name in ("src", "srcset", "href", "xlink:href", "action", "data", "poster", "background"):
        assert {value for value in page.values(name) if not value.startswith("#")} <= {"data:,"}, name
    assert not re.search(r"url\((?!#)|@import", text)
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object", "embed", "form", "base"}
    policy = next(attributes for tag, attributes in page.tags if "http-equiv" in attributes)
    assert policy["content"].startswith("default-src 'none'")


def test_every_link_leads_somewhere_and_ids_are_unique(page: Page) -> None:
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for name in ("href", "xlink:href") for value in page.values(name) if value.startswith("#")}
    wanted |= {part for value in page.values("aria-labelledby") for part in value.split()}
    assert wanted <= set(ids)


def test_titles_are_escaped(text: str) -> None:
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_figures_stand_beside_the_page_and_are_xml(reported_run: Path) -> None:
    files = sorted((reported_run / "figures").glob("*"))
    assert len(files) >= 40
    for file in files:
        root = Tree.fromstring(file.read_bytes())
        assert root.tag.endswith("svg")
        assert any(element.tag.endswith("text") for element in root.iter()), f"{file.name}: text was turned into outlines"


# --- the same bytes ---------------------------------------------------------------------------------------


def test_same_bytes_elsewhere_with_other_settings(reported_run: Path, tmp_path: Path) -> None:
    """Another folder, another process, another order of hashes, and a reader's own taste in figures."""
    copy = tmp_path / "elsewhere"
    shutil.copytree(reported_run, copy, ignore=shutil.ignore_patterns("report.html", "figures"))
    settings = tmp_path / "matplotlibrc"
    settings.write_text("font.size: 20\nsvg.fonttype: path\naxes.grid: True\nlines.linewidth: 9\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONHASHSEED": "7", "MATPLOTLIBRC": str(settings)}
    command = "import sys; from pathlib import Path; from kechuang.report import build; build(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", command, str(copy)], check=True, env=environment, timeout=300)
    ours = sorted(file.relative_to(reported_run) for file in reported_run.rglob("*") if file.is_file())
    assert ours == sorted(file.relative_to(copy) for file in copy.rglob("*") if file.is_file())
    for name in ours:
        assert (reported_run / name).read_bytes() == (copy / name).read_bytes(), name


# --- both languages ---------------------------------------------------------------------------------------


def test_texts_are_complete() -> None:
    for key, both in table().items():
        if key.startswith("definition."):
            assert both.get("zh"), key
            continue
        assert set(both) == {"en", "zh"}, key
        assert bool(both["en"]) == bool(both["zh"]), key
        names = [{name for _, name, _, _ in string.Formatter().parse(both[language]) if name} for language in ("en", "zh")]
        assert names[0] == names[1], key


def test_chinese_is_set_as_chinese() -> None:
    for key, both in table().items():
        assert not re.search("[\u4e00-\u9fff\u201d][\x2c\x3b\x3a\x28\x29\x3f\x21]", both["zh"]), f"{key}: half-width punctuation"


def test_every_text_is_used() -> None:
    files = [*REPORT.glob("*.py"), *REPORT.glob("templates/*.j2")]
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    whole = set(re.findall(r"[\"']([\w.-]+)[\"']", code))
    # Keys put together at run time: f"chart.reported_{role}", "section." ~ name
    stems = set(re.findall(r"[\"']([\w-]+\.\w*)(?:\{|[\"'] ~)", code))
    unused = [key for key in table() if key not in whole and not any(key.startswith(stem) for stem in stems)]
    assert not unused


def test_indicators_are_defined_in_chinese() -> None:
    assert {key for key in INDICATORS if not CHINESE.search(Texts("zh").definition(key))} == set()


def test_both_languages_are_there_with_a_switch(page: Page, text: str) -> None:
    articles = [attributes for tag, attributes in page.tags if tag == "article"]
    assert [(article["id"], article["lang"]) for article in articles] == [("en", "en"), ("zh", "zh-CN")]
    assert '<a href="#zh" lang="zh-CN"' in text
    assert '<a href="#en" lang="en"' in text
    english, chinese = (visible(part) for part in text.split('<article class="language ')[1:])
    assert len(CHINESE.findall(chinese)) > 5 * len(CHINESE.findall(english))
    sections = [set(re.findall(rf'id="{language}-section-(\w+)"', text)) for language in ("en", "zh")]
    assert sections[0] == sections[1]
    assert len(sections[0]) == 17


@pytest.mark.usefixtures("few_figures")
def test_one_language_alone(tmp_path: Path) -> None:
    run = write_run_folder(tmp_path / "run")
    (run / "figures").mkdir()
    (run / "figures" / "map.en.svg").write_text("left over", encoding="utf-8")
    html = build(run, ("zh",)).read_text(encoding="utf-8")
    assert html.startswith('<!doctype html>\n<html lang="zh-CN">')
    assert html.count("<article") == 1
    assert not list((run / "figures").glob("*.en.svg"))
    with pytest.raises(InputError, match="languages of a report"):
        build(run, ("fr",))


def test_english_figures_need_no_chinese_font(reported_run: Path) -> None:
    for file in (reported_run / "figures").glob("*.en.svg"):
        assert not CHINESE.search(file.read_text(encoding="utf-8")), file.name


# --- what it says -----------------------------------------------------------------------------------------


def test_first_page_says_what_the_run_found(reported_run: Path, text: str) -> None:
    run = read_folder(reported_run)
    found = at(run.indicators, "high_tech_firms", "2026Q4")
    said = visible(text)
    for value in (found.q05, found.q50, found.q95):
        assert wording.rounded(value) in said
    ahead = [target for target in run.targets if target.kind == "target" and target.closure == "all" and target.judged]
    likely = sum(target.probability > 0.5 for target in ahead)
    assert 0 < likely < len(ahead)
    assert f"{likely} of the {len(ahead)} targets" in re.sub(r"\s+", " ", said)
    for target in ahead:
        assert wording.probability(target.probability, run.draws, "en") in said
        assert f"{target.probability:.2f} ± {target.error:.2f}" in said


def test_provisional_runs_are_called_provisional(text: str) -> None:
    assert "Provisional point: bands show luck and model closure, not parameter uncertainty." in text
    assert table()["mode.provisional"]["zh"] in text


def test_every_target_is_accounted_for(reported_run: Path, text: str) -> None:
    run = read_folder(reported_run)
    for target in run.targets:
        if target.kind == "target":
            assert f'id="en-target-{target.id}"' in text


def test_every_number_of_the_first_sentences_is_linked(text: str) -> None:
    """What is no link is a date, the share of an interval, or a count of draws or targets."""
    allowed = r"(?<!\d)20\d\d(年末?)?|\d+ different draws|\d+次|\d+项|over the \d+ targets|over \d+ targets"
    for language in ("en", "zh"):
        part = text[text.index(f'<article class="language {"first" if language == "en" else "other"}"'):]
        said = re.findall(r"<li>(.*?)</li>", part[: part.index("</ul>")], flags=re.DOTALL)
        assert len(said) >= 4
        for sentence in said:
            bare = unescape(re.sub(r"<a .*?</a>", "", sentence)).replace("\u00a0", " ")
            assert not re.search(r"\d", re.sub(allowed, "", bare)), bare


def test_every_row_of_targets_leads_to_its_indicator_and_its_source(text: str) -> None:
    rows = re.findall(r"<tr>\n<th scope=\"row\">.*?</tr>", text, flags=re.DOTALL)
    assert len(rows) >= 20
    for row in rows:
        joint = "All in the same draw" in row or "同一次抽样中全部达成" in row
        assert joint or re.search(r'href="#(en|zh)-indicator-', row), row
        assert joint or re.search(r'href="#(en|zh)-target-', row), row
    for anchor in set(re.findall(r'href="#(en-target-[\w-]+)"', text)):
        line = re.search(rf'<tr id="{anchor}">.*?</tr>', text, flags=re.DOTALL)
        assert line is not None
        assert 'href="#en-evidence-' in line[0], "and from there to the figure that names it"


def test_a_joint_event_names_its_members(text: str) -> None:
    said = unescape(visible(text)).replace("\u00a0", " ")
    assert "All in the same draw, end of 2025: High-tech firms double, Technology SMEs double" in said
    assert "同一次抽样中全部达成：高新技术企业翻一番、科技型中小企业翻一番" in said


def test_targets_say_when_and_what_their_spread_is_made_of(reported_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(reported_run, run, ignore=shutil.ignore_patterns("report.html", "figures"))
    lines = ["id,closure,parameters,luck,within", "high-tech-doubling-2025,0.5,0.3,0.2,0.5", "gdp-2026,0.25,,,0.75"]
    (run / "spread.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    contexts = {language: Context(read_folder(run), sources.Sources(), language) for language in ("en", "zh")}
    table = target_detail.detail(contexts["en"])
    assert table is not None
    rows = {re.sub("<[^>]+>", "", str(row[0])): [str(cell).replace("\u00a0", " ") for cell in row[1:]] for row in table.rows}
    found = next(cells for title, cells in rows.items() if title.startswith("High-tech firms double"))
    assert found[2:] == ["50 %", "30 %", "20 %"]
    target = next(one for one in contexts["en"].run.targets if one.id == "high-tech-doubling-2025" and one.closure == "all")
    assert found[1] == wording.quarter(target.first_quarter, "en")
    assert found[0].removesuffix(" %") == f"{100 * target.ever:.0f}"
    together = next(cells for title, cells in rows.items() if title.startswith("GDP"))
    assert together[2:] == ["25 %", "with luck 75 %", ""]
    assert target_detail.detail(contexts["zh"]) is not None


def test_cost_table_holds_the_medians(reported_run: Path, text: str) -> None:
    costs = read_folder(reported_run).costs
    assert costs is not None
    late = costs[costs["quarter"].between("2021Q1", "2026Q4")]
    cash = late[late["lever"] == "certification_bonus"].groupby("draw")["cash"].sum().median()
    row = re.search(r'Reward for a first high-tech certificate</th><td>2021–2026</td><td class="n">([\d.]+)</td>', text)
    assert row is not None
    assert float(row[1]) == pytest.approx(float(cash), abs=0.005)
    assert all(str(table()[f"cost.{kind}"]["en"]) in text for kind in COST_KINDS)


def test_prior_predictive_ranks_are_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    study = tmp_path / "prior.yaml"
    study.write_text("figures:\n  high_tech_2020: {q05: 400, q50: 1100.5, q95: 4000, rank: 0.53}\n", encoding="utf-8")
    monkeypatch.setattr("kechuang.resources.find", lambda name: study)
    found = sources.Sources().prior_predictive
    assert found["high_tech_2020"] == sources.PriorPredictive(400, 1100.5, 4000, 0.53)
    study.write_text("figures:\n  high_tech_2020: {q05: 400}\n", encoding="utf-8")
    with pytest.raises(InputError, match="q05, q50, q95 and rank"):
        _ = sources.Sources().prior_predictive


def test_reported_figures_exist_and_count_what_the_indicator_counts() -> None:
    found = sources.Sources()
    assert set(sources.SAME_QUANTITY) <= set(found.evidence)
    assert {figure.indicator for figure in found.known_figures} <= set(INDICATORS)
    for figure in found.known_figures:
        assert figure.evidence.unit == INDICATORS[figure.indicator].unit, figure.evidence.id
        assert figure.evidence.region == "taizhou", figure.evidence.id
        assert figure.quarter <= figures.LAST_REPORTED, "no figure later than 2020 may be drawn in"
    assert [mark.value for mark in found.reported("high_tech_firms")] == [430, 1190]


@pytest.mark.usefixtures("few_figures")
def test_a_bare_run_folder_is_enough(tmp_path: Path) -> None:
    bare = ("breakdown.parquet", "costs.parquet", "targets.csv", "snapshots.parquet")
    run = write_run_folder(tmp_path / "run", scale=0.1, leave_out=bare)
    frame = pd.read_parquet(run / "indicators.parquet")
    frame["ledger_residual"] = 0.01
    frame.to_parquet(run / "indicators.parquet")
    html = build(run, ("en",)).read_text(encoding="utf-8")
    assert "breakdown.parquet, costs.parquet, targets.csv" in html
    assert "follows only 10\u00a0% of the firms" in html
    assert "The accounts do not close" in html
    assert 'id="en-section-costs"' not in html
    page = Page(html)
    assert not page.faults
    ids = set(page.values("id"))
    assert {value[1:] for value in page.values("href") if value.startswith("#")} <= ids


@pytest.mark.usefixtures("few_figures")
def test_a_run_that_ends_early(tmp_path: Path) -> None:
    run = write_run_folder(tmp_path / "run", leave_out=("targets.csv", "snapshots.parquet"))
    for name in ("indicators", "breakdown", "costs"):
        frame = pd.read_parquet(run / f"{name}.parquet")
        frame[frame["quarter"] <= "2018Q2"].to_parquet(run / f"{name}.parquet")
    html = build(run, ("en",)).read_text(encoding="utf-8")
    assert "2016Q1 to 2018Q2" in html
    assert not Page(html).faults


@pytest.mark.usefixtures("few_figures")
def test_a_finished_run_of_the_model(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    html = build(run, ("en",)).read_text(encoding="utf-8")
    assert not Page(html).faults
    assert "The accounts close" in html
    assert "Prior draws" in html


# --- accessible -------------------------------------------------------------------------------------------


def _luminance(colour: str) -> float:
    channels = [int(colour[k: k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_stands_out_from_its_ground() -> None:
    css = (REPORT / "templates" / "style.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css))
    grounds = [colours[name] for name in ("paper", "wash", "warn-wash")]
    for name in ("ink", "muted", "accent", "warn", "good"):
        for ground in grounds:
            light, dark = _luminance(ground) + 0.05, _luminance(colours[name]) + 0.05
            assert light / dark >= 4.5, f"{name} on {ground}"


def test_figures_and_tables_speak_to_a_screen_reader(page: Page) -> None:
    drawn = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(drawn) >= 40
    assert all(attributes["role"] == "img" and attributes["aria-labelledby"] for attributes in drawn)
    tables = sum(tag == "table" for tag, _ in page.tags)
    assert tables == sum(tag == "caption" for tag, _ in page.tags)
    assert all(attributes["scope"] for tag, attributes in page.tags if tag == "th")
    regions = [attributes for _, attributes in page.tags if attributes.get("role") == "region"]
    assert all(attributes["tabindex"] == "0" and attributes["aria-label"] for attributes in regions)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 2 for before, after in pairwise(levels))


# --- in a browser -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> str:
    found = pictures.find_browser()
    if not found:
        pytest.skip(pictures.INSTALL_BROWSER)
    return found


def test_a_browser_without_network_shows_it_and_has_nothing_to_say(reported_run: Path, browser: str, tmp_path: Path) -> None:
    address = (reported_run / "report.html").resolve().as_uri()
    shots: dict[str, np.ndarray] = {}
    for name, fragment in (("plain", ""), ("english", "#en"), ("chinese", "#zh")):
        file = tmp_path / f"{name}.png"
        seen = pictures.visit(browser, address + fragment, "--window-size=700,900", f"--screenshot={file}")
        assert seen.finished
        assert seen.console == ()
        shots[name] = images.imread(file)[..., :3]
    apart = {name: float((np.abs(shots["plain"] - shots[name]).max(axis=2) > 0.1).mean()) for name in ("english", "chinese")}
    # A busy browser smooths an edge differently now and then, so pictures are compared and not their bytes.
    assert apart["english"] < 0.002, "the page opens in its first language"
    assert apart["chinese"] > 0.02, "the switch shows the other one"


def test_pictures_say_what_to_install(reported_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(pictures, "find_browser", lambda: "")
    assert pictures.main([str(reported_run), str(tmp_path / "out")]) == 0
    assert "apt-get install" in capsys.readouterr().err
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["fan-chart.en.png", "fan-chart.zh.png"]
    monkeypatch.chdir(tmp_path)
    assert pictures.main([]) == 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_answer_is_one_sheet_of_paper(reported_run: Path, browser: str, language: str, tmp_path: Path) -> None:
    """Printed on A4, the second sheet begins with the section after the answer, however many targets there are."""
    reader = shutil.which("pdftotext")
    if not reader:
        pytest.skip(pictures.INSTALL_POPPLER)
    sheet = tmp_path / "report.pdf"
    address = f"{(reported_run / 'report.html').resolve().as_uri()}#{language}"
    assert pictures.visit(browser, address, "--no-pdf-header-footer", f"--print-to-pdf={sheet}").finished
    said = subprocess.run([reader, "-f", "1", "-l", "2", str(sheet), "-"], check=True, capture_output=True, text=True).stdout
    first, second = said.split("\f")[:2]
    assert str(table()["target.note"][language])[:12] in "".join(first.split("\n"))
    assert second.strip().startswith(table()["section.past"][language])


# --- light --------------------------------------------------------------------------------------------------


def _loaded_by(statement: str) -> Iterator[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    yield from subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_importing_the_report_loads_nothing_heavy() -> None:
    assert not set(_loaded_by("import kechuang.report")) & {"matplotlib", "pandas", "numpy", "jinja2", "mesa", "numba"}
