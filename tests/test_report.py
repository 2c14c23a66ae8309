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
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as Tree

import matplotlib.image as images
import numpy as np
import pandas as pd
import pytest

from kechuang.errors import InputError
from kechuang.parameters import default_draw
from kechuang.report import (
    bank_map,
    build,
    charts,
    figures,
    fonts,
    map_series,
    maps,
    money_figure,
    pictures,
    projections,
    sources,
    target_detail,
    wording,
)
from kechuang.report.context import Context
from kechuang.report.folder import COST_KINDS, read_folder
from kechuang.report.networks import GROUPS, Networks, read_networks
from kechuang.report.summary import Spread, at, bands, overlap, spread
from kechuang.report.text import Texts, table
from kechuang.world.books.ledger import SECTORS, Ledger
from kechuang.world.indicators import INDICATORS
from kechuang.world.measure.pictures import BANK_KINDS, FLOW
from kechuang.world.model import Corridor
from kechuang.world.simulate import RunResult, blank_scenario, simulate
from report_folder import DRAWS, PAYMENTS, write_run_folder

REPORT = Path(pictures.__file__).parent
CHINESE = re.compile(r"[\u4e00-\u9fff]")
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """What stands in a page: tags in order, ids, addresses, and every tag left open or closed twice."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at line {self.getpos()[0]}")

    def values(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = write_run_folder(tmp_path_factory.mktemp("report") / "run", title='Plan <script>alert("x")</script> & more')
    build(found)
    return found


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture
def few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projections, "FAN_KEYS", ("high_tech_firms",))
    monkeypatch.setattr(projections, "RANGE_KEYS", ("high_tech_firms",))


def visible(html: str) -> str:
    return re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]+>", " ", html, flags=re.DOTALL)


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


def test_figures_stand_beside_the_page_and_are_xml(folder: Path) -> None:
    files = sorted((folder / "figures").glob("*"))
    assert len(files) >= 40
    for file in files:
        root = Tree.fromstring(file.read_bytes())
        assert root.tag.endswith("svg")
        assert any(element.tag.endswith("text") for element in root.iter()), f"{file.name}: text was turned into outlines"


# --- the same bytes ---------------------------------------------------------------------------------------


def test_same_bytes_elsewhere_with_other_settings(folder: Path, tmp_path: Path) -> None:
    """Another folder, another process, another order of hashes, and a reader's own taste in figures."""
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("report.html", "figures"))
    settings = tmp_path / "matplotlibrc"
    settings.write_text("font.size: 20\nsvg.fonttype: path\naxes.grid: True\nlines.linewidth: 9\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONHASHSEED": "7", "MATPLOTLIBRC": str(settings)}
    command = "import sys; from pathlib import Path; from kechuang.report import build; build(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", command, str(copy)], check=True, env=environment, timeout=300)
    ours = sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    assert ours == sorted(file.relative_to(copy) for file in copy.rglob("*") if file.is_file())
    for name in ours:
        assert (folder / name).read_bytes() == (copy / name).read_bytes(), name


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


def test_english_figures_need_no_chinese_font(folder: Path) -> None:
    for file in (folder / "figures").glob("*.en.svg"):
        assert not CHINESE.search(file.read_text(encoding="utf-8")), file.name


# --- what it says -----------------------------------------------------------------------------------------


def test_first_page_says_what_the_run_found(folder: Path, text: str) -> None:
    run = read_folder(folder)
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


def test_every_target_is_accounted_for(folder: Path, text: str) -> None:
    run = read_folder(folder)
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


def test_targets_say_when_and_what_their_spread_is_made_of(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(folder, run, ignore=shutil.ignore_patterns("report.html", "figures"))
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


def test_cost_table_holds_the_medians(folder: Path, text: str) -> None:
    costs = read_folder(folder).costs
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


# --- what cannot be read ----------------------------------------------------------------------------------


def test_broken_folders_are_refused_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"record\.json(.|\n)*indicators\.parquet|indicators\.parquet(.|\n)*record\.json"):
        build(tmp_path)
    run = write_run_folder(tmp_path / "run")
    whole = {name: (run / name).read_bytes() for name in ("record.json", "costs.parquet", "targets.csv")}
    for name, content in (("record.json", b"{"), ("record.json", b"[]"), ("costs.parquet", whole["costs.parquet"][:900]),
                          ("targets.csv", whole["targets.csv"].replace(b",0.", b",zero."))):
        (run / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            build(run)
        (run / name).write_bytes(whole[name])
    frame = pd.read_parquet(run / "indicators.parquet")
    frame.drop(columns="closure").to_parquet(run / "indicators.parquet")
    with pytest.raises(InputError, match="closure"):
        build(run)


def test_a_run_of_another_version_is_named(tmp_path: Path) -> None:
    run = write_run_folder(tmp_path / "run")
    frame = pd.read_parquet(run / "indicators.parquet")
    frame.drop(columns=["platform_users"]).to_parquet(run / "indicators.parquet")
    with pytest.raises(InputError, match="platform_users; if another version of kechuang made it, run the scenario again"):
        build(run)


# --- words and numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "english", "chinese"), [
    (0.0, "in none of the 40 draws", "40次抽样均未达到"), (0.025, "less than 1 in 20", "不足半成"),
    (0.06, "about 1 in 20", "约半成"), (0.09, "about 1 in 10", "约一成"), (0.31, "about 3 in 10", "约三成"),
    (0.5, "about 5 in 10", "约五成"), (0.92, "about 9 in 10", "约九成"), (0.94, "about 19 in 20", "约九成五"),
    (0.975, "more than 19 in 20", "九成五以上"), (1.0, "in all of the 40 draws", "40次抽样全部达到"), (float("nan"), "–", "–"),
])
def test_probabilities_in_words(value: float, english: str, chinese: str) -> None:
    assert wording.probability(value, 40, "en") == english
    assert wording.probability(value, 40, "zh") == chinese


def test_numbers_are_written_as_people_write_them() -> None:
    assert wording.number(1234.5, 1) == "1,234.5"
    assert wording.number(1234.5, 1, "zh") == "1234.5"
    assert wording.number(-0.04, 1) == "0.0", "no minus before nothing"
    assert wording.number(-18.3, 1) == "−18.3"
    assert wording.rounded(13_314) == "13,300"
    assert wording.rounded(314.159, 2) == "314.2"
    assert wording.rounded(3.14159, 2) == "3.14"
    assert wording.quantity(1190, "high_tech_firms", "zh") == "1190家"
    assert wording.quantity(2.4, "rd_intensity", "en") == "2.40\u00a0%"
    assert wording.quarter("2026Q4", "en") == "end of 2026"
    assert wording.quarter("2023Q1", "zh") == "2023年一季度"
    assert wording.unbroken("Output of 10 000 亿元, 4 %") == "Output of 10\u00a0000\u00a0亿元, 4\u00a0%"
    assert wording.condition(">=", 0.95, 2, "en") == "≥\u00a00.95"
    assert wording.sales(2000, "en") == "20 m"
    assert wording.sales(500_000, "zh") == "50亿"


def test_summaries_by_hand() -> None:
    found = spread(pd.Series([1.0, 2.0, 3.0, 4.0, 5.0, float("nan")]))
    assert (found.q05, found.q25, found.q50, found.q95, found.draws) == pytest.approx((1.2, 2.0, 3.0, 4.8, 5))
    assert not spread(pd.Series([float("nan")])).known
    ranges = [Spread(0, 1, 2, 3, 6, 9), Spread(4, 5, 6, 7, 8, 9), Spread(5, 5, 6, 7, 10, 9)]
    shared = overlap(ranges)
    assert (shared.low, shared.high, shared.share) == pytest.approx((5, 6, 0.1))
    apart = overlap([Spread(0, 1, 2, 3, 4, 9), Spread(5, 6, 7, 8, 9, 9)])
    assert (apart.exists, apart.share) == (False, 0)
    frame = pd.DataFrame({"draw": [0, 1, 0, 1], "quarter": ["2016Q2", "2016Q2", "2016Q1", "2016Q1"], "x": [1.0, 3.0, None, None]})
    quantiles = bands(frame, "x")
    assert list(quantiles.index) == [2], "quarters without a value are left out"
    assert quantiles.loc[2, 0.5] == 2


# --- figures ----------------------------------------------------------------------------------------------


def test_names_on_the_map_do_not_cover_each_other() -> None:
    city = sources.Sources().city
    rooms = [(0.4, 0.35)] * len(city.places)
    middles = maps.spread_out([(place.x / 20, place.y / 20) for place in city.places], rooms)
    pairs = [(one, other) for k, one in enumerate(middles) for other in middles[:k]]
    assert min(max(abs(one[0] - other[0]) / 0.8, abs(one[1] - other[1]) / 0.7) for one, other in pairs) > 0.97


def test_small_maps_count_firms_and_nodes(text: str) -> None:
    described = re.search(r'<desc id="en-map-series-text">(.*?)</desc>', text)
    assert described is not None
    assert [date for date in ("end of 2016", "end of 2020", "end of 2023", "end of 2035") if date not in described[1]] == []
    assert "0 nodes open" in described[1]
    assert "No node of the corridor plan opens in this scenario" in text
    planned = map_series.open_nodes("plan", "2026Q4")
    assert sum(planned.values()) == 10, "two a year from 2022Q4 on, as the city's file says"
    assert sum(map_series.open_nodes("plan", "2035Q4").values()) == len(sources.Sources().city.nodes) == 14
    assert not map_series.open_nodes("none", "2035Q4")
    sites = [map_series.Site("core", 0, 0), map_series.Site("county", 9, 9)]
    panels = [map_series.Panel("2020Q4", (10.0, 0.0), (0, 0)), map_series.Panel("2026Q4", (40.0, 5.0), (3, 0))]
    drawn = map_series.map_series(sites, panels)._repr_svg_()  # type: ignore[attr-defined]
    assert "end of 2026: 45" in drawn
    assert "open nodes of the plan" in drawn


def test_pictures_fall_back_to_english_and_say_so(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = read_folder(folder).indicators
    drawn: list[str] = []

    def make(language: str) -> object:
        drawn.append(language)
        return figures.fan_chart(frame, "gdp_four_quarters", language)

    monkeypatch.setattr(fonts, "chinese_family", lambda: "")
    notice = fonts.save_png(make, "zh", tmp_path / "fan.png", dpi=60)  # type: ignore[arg-type]
    assert drawn == ["en"]
    assert "in English" in notice
    assert (tmp_path / "fan.png").stat().st_size > 5000


def test_chinese_pictures_have_no_boxes(folder: Path, tmp_path: Path) -> None:
    if not fonts.chinese_family():
        pytest.skip("no font with Chinese glyphs is installed (on Debian or Ubuntu: fonts-noto-cjk)")
    frame = read_folder(folder).indicators
    # A missing glyph is a warning, and warnings fail the suite.
    assert fonts.save_png(lambda language: charts.ladder_flows(frame, language), "zh", tmp_path / "flows.png", dpi=60) == ""


def test_figures_in_notebooks_are_svg(folder: Path) -> None:
    figure = figures.range_chart(read_folder(folder).indicators, "high_tech_firms", "zh")
    assert figure._repr_svg_().startswith("<svg")  # type: ignore[attr-defined]


# --- banks and money --------------------------------------------------------------------------------------


def table_of(text: str, caption: str) -> list[list[str]]:
    """Return the rows of a table of the page by a part of its caption, cells as text."""
    found = next(table for table in re.findall("<table>.*?</table>", text, flags=re.DOTALL) if caption in table)
    rows = re.findall(r"<tr.*?</tr>", found[found.index("<tbody>"):], flags=re.DOTALL)
    cells = (re.findall(r"<t[hd].*?</t[hd]>", row, flags=re.DOTALL) for row in rows)
    return [[unescape(re.sub("<[^>]+>", "", cell)) for cell in row] for row in cells]


def amount(cell: str) -> float:
    return float(cell.replace(",", "").replace("−", "-") or 0.0)


def test_networks_are_means_over_draws(folder: Path) -> None:
    found = read_folder(folder).networks
    assert found is not None
    assert found.dates == ("2020Q4", "2026Q4", "2035Q4")
    rows = pd.read_parquet(folder / "snapshots.parquet")

    def mean(name: str) -> np.ndarray:
        chosen = rows[rows["snapshot"] == name]
        return np.mean([np.reshape(values, shape) for values, shape in zip(chosen["values"], chosen["shape"], strict=True)], axis=0)

    for name, array in (("bank_links", found.links), ("bank_loans", found.loans), ("money_between", found.between),
                        ("flow consumption", found.flows["consumption"])):
        np.testing.assert_allclose(array, mean(name))
    assert found.shares("2035Q4").sum() == pytest.approx(1.0)


@pytest.mark.usefixtures("few_figures")
def test_a_flow_that_some_draws_never_saw_counts_as_nothing_there(tmp_path: Path) -> None:
    run = write_run_folder(tmp_path / "run")
    whole = read_networks(run)
    frame = pd.read_parquet(run / "snapshots.parquet")
    frame[(frame["snapshot"] != "flow new equity of firms") | (frame["draw"] >= DRAWS // 2)].to_parquet(run / "snapshots.parquet")
    half = read_networks(run)
    assert whole is not None
    assert half is not None
    ratio = half.flows["new equity of firms"][:, 0] / whole.flows["new equity of firms"][:, 0]
    assert ratio == pytest.approx([0.5] * 3, rel=0.1)
    frame[frame["snapshot"].str.contains("sizes|intensity")].to_parquet(run / "snapshots.parquet")
    html = build(run, ("en",)).read_text(encoding="utf-8")
    assert 'id="en-section-sizes"' in html
    assert 'id="en-section-banks"' not in html
    assert 'id="en-section-money"' not in html


def test_strongest_links_by_hand() -> None:
    shares = np.array([[0.4, 0.1, 0.0], [0.2, 0.1, 0.05], [0.1, 0.05, 0.0]])
    found = bank_map.strongest(shares, 4)
    assert [(link.home, link.seat) for link in found] == [(1, 0), (0, 1), (2, 0), (1, 2)]
    assert [link.share for link in found] == [0.2, 0.1, 0.1, 0.05]


def test_bands_of_a_hand_made_ledger() -> None:
    """Outside buys for 100 and sells for 60, and so on; unit .1 inch, a bar of .3 inches stands in a room of .33."""
    ledger = Ledger()
    for receiver, payer, paid in (
        ("firms", "outside", 100.0), ("outside", "firms", 60.0), ("households", "firms", 30.0),
        ("outside", "households", 25.0), ("firms", "science banks", 5.0), ("other banks", "firms", 2.0),
        ("guarantee fund", "government", 4.0),
    ):  # fmt: skip
        ledger.post("payment", receiver, payer, paid)
    nothing = np.zeros((1, 1, 1))
    networks = Networks(("2020Q4",), nothing, nothing, nothing, nothing, ledger.between[None], {})
    found = money_figure.lay_out(networks.net("2020Q4"), bars=9.8)
    assert [(bar.sector, bar.amount) for bar in found.payers] == [("outside", 40), ("banks", 3), ("firms", 30), ("households", 25)]
    assert [(bar.sector, bar.amount) for bar in found.receivers] == [("firms", 43), ("households", 30), ("outside", 25)]
    bands = {(band.payer, band.receiver): (band.amount, band.start, band.end, band.thickness) for band in found.bands}
    assert bands["outside", "firms"] == pytest.approx((40, 0.0, 0.0, 4.0))
    assert bands["banks", "firms"] == pytest.approx((3, 4.085, 4.0, 0.3))
    assert bands["firms", "households"] == pytest.approx((30, 4.47, 4.37, 3.0))
    assert bands["households", "outside"] == pytest.approx((25, 7.54, 7.44, 2.5))
    assert len(bands) == 4, "money that stays within the city budget is no band"
    assert found.depth == pytest.approx(10.04)


def test_pictures_of_banks_and_money_agree_with_the_run(folder: Path, text: str) -> None:
    run = read_folder(folder)
    networks = run.networks
    assert networks is not None
    said = visible(text)
    own = float(networks.shares("2020Q4").trace())
    assert f"{100 * own:.0f}\u00a0% of firms on the ladder bank in their own place" in said
    assert "along the 20 strongest links" in said
    places = table_of(text, "Banks, loans (亿元) and main banks of firms by place")
    assert len(places) == 13
    assert [amount(row[4]) for row in places] == pytest.approx(list(networks.loans[0]), rel=0.005, abs=0.05)
    balance = table_of(text, "Balance of payments between sectors in 2035")
    names, columns = list(GROUPS), list(money_figure.RECEIVERS)
    for payer, row in zip(money_figure.PAYERS, balance, strict=True):
        for receiver, cell in zip(columns, row[1:], strict=True):
            net = networks.net("2035Q4")[names.index(payer), names.index(receiver)]
            assert amount(cell) == pytest.approx(net, abs=0.051)


@pytest.mark.parametrize(("caption", "label", "last"), [
    ("Transaction-flow matrix of 2020", "Wages in production", "Change of deposits"),
    ("2035年交易流量矩阵", "生产人员工资", "存款变动"),
])
def test_the_matrix_of_flows_adds_up(text: str, caption: str, label: str, last: str) -> None:
    rows = table_of(text, caption)
    assert len(rows) == len(PAYMENTS) + 1
    assert rows[-1][0] == last
    numbers = np.array([[amount(cell) for cell in row[1:]] for row in rows])
    assert numbers.shape[1] == len(SECTORS)
    np.testing.assert_allclose(numbers.sum(axis=1)[:-1], 0.0, atol=0.011)
    np.testing.assert_allclose(numbers[:-1].sum(axis=0), numbers[-1], atol=0.005 * len(rows))
    assert label in [row[0] for row in rows]


def test_pictures_of_banks_and_money_say_what_they_show(text: str) -> None:
    for language, phrase in (("en", "Outside → Firms"), ("zh", "外部 → 企业")):
        for name in ("money-2020", "money-2035", "banks-2020", "banks-2035"):
            described = re.search(rf'<desc id="{language}-{name}-text">(.*?)</desc>', text)
            assert described is not None
            assert "→" in described[1]
            assert (phrase in described[1]) == name.startswith("money")


@pytest.fixture(scope="module")
def audited() -> tuple[RunResult, Corridor, np.ndarray]:
    """Return a small audited run to 2020, the same city stepped by hand, and what its ledger held in 2020 (万元)."""
    scenario = blank_scenario("2020Q4")
    city = Corridor(scenario, default_draw("B"), 3, scale=0.03, collect=False)
    between = np.zeros((len(SECTORS), len(SECTORS)))
    while city.quarter < scenario.until:
        city.step()
        if city.quarter > scenario.until - 4:
            between += city.ledger.between
    return simulate(scenario, default_draw("B"), 3, audit=True, scale=0.03), city, between


def test_a_run_keeps_its_networks(audited: tuple[RunResult, Corridor, np.ndarray]) -> None:
    result, city, between = audited
    pictured = result.snapshots
    np.testing.assert_allclose(pictured["money_between"][0], between / 1e4 / 0.03)
    assert np.isnan(pictured["money_between"][1:]).all(), "the run ends before the other dates"
    flows = {name: array[0] for name, array in pictured.items() if name.startswith(FLOW)}
    gained = pictured["money_between"][0].sum(axis=0) - pictured["money_between"][0].sum(axis=1)
    np.testing.assert_allclose(sum(flows.values()), gained, atol=1e-6)
    firms = city.firms.frame()
    listed = firms[firms["ladder"] > 0]
    seats = city.banks.columns.place[listed["main_bank"]]
    science = city.banks.columns.kind[listed["main_bank"]] == 0
    for name, chosen in (("bank_links", np.ones(len(listed), dtype=bool)), ("science_links", science)):
        counted = np.zeros((13, 13))
        for home, seat in zip(listed["place"][chosen], seats[chosen], strict=True):
            counted[home, seat] += 1 / 0.03
        np.testing.assert_allclose(pictured[name][0], counted)
    assert pictured["bank_loans"][0].sum() == pytest.approx(firms["loans"].sum() / 1e4 / 0.03)
    assert pictured["banks_open"][0].sum(axis=1).tolist() == [25, 3, 9]


def test_every_flow_of_money_has_a_name_in_both_languages(audited: tuple[RunResult, Corridor, np.ndarray]) -> None:
    names = {name.removeprefix(FLOW) for name in audited[0].snapshots if name.startswith(FLOW)}
    assert len(names) > 40
    assert {name for name in names if f"flow.{name}" not in table()} == set()
    world = "\n".join(file.read_text(encoding="utf-8") for file in (REPORT.parent / "world").rglob("*.py"))
    assert [key for key in table() if key.startswith("flow.") and f'"{key.removeprefix("flow.")}"' not in world] == []


def test_sectors_of_the_ledger_are_all_pictured() -> None:
    assert sorted(sector for members in GROUPS.values() for sector in members) == sorted(SECTORS)
    assert sorted(money_figure.PAYERS) == sorted(money_figure.RECEIVERS) == sorted(GROUPS) == sorted(money_figure.COLOURS)
    assert set(bank_map.MARKS) == set(BANK_KINDS)


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


def test_a_browser_without_network_shows_it_and_has_nothing_to_say(folder: Path, browser: str, tmp_path: Path) -> None:
    address = (folder / "report.html").resolve().as_uri()
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


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_answer_is_one_sheet_of_paper(folder: Path, browser: str, language: str, tmp_path: Path) -> None:
    """Printed on A4, the second sheet begins with the section after the answer, however many targets there are."""
    reader = shutil.which("pdftotext")
    if not reader:
        pytest.skip(pictures.INSTALL_POPPLER)
    sheet = tmp_path / "report.pdf"
    address = f"{(folder / 'report.html').resolve().as_uri()}#{language}"
    assert pictures.visit(browser, address, "--no-pdf-header-footer", f"--print-to-pdf={sheet}").finished
    said = subprocess.run([reader, "-f", "1", "-l", "2", str(sheet), "-"], check=True, capture_output=True, text=True).stdout
    first, second = said.split("\f")[:2]
    assert str(table()["target.note"][language])[:12] in "".join(first.split("\n"))
    assert second.strip().startswith(table()["section.past"][language])


def test_pictures_say_what_to_install(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(pictures, "find_browser", lambda: "")
    assert pictures.main([str(folder), str(tmp_path / "out")]) == 0
    assert "apt-get install" in capsys.readouterr().err
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["fan-chart.en.png", "fan-chart.zh.png"]
    monkeypatch.chdir(tmp_path)
    assert pictures.main([]) == 2


# --- light --------------------------------------------------------------------------------------------------


def _loaded_by(statement: str) -> Iterator[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    yield from subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_importing_the_report_loads_nothing_heavy() -> None:
    assert not set(_loaded_by("import kechuang.report")) & {"matplotlib", "pandas", "numpy", "jinja2", "mesa", "numba"}
