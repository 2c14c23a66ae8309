"""The parts of the report: folders that cannot be read, words and numbers, figures, banks and money."""

from __future__ import annotations

import re
from pathlib import Path

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
    sources,
    wording,
)
from kechuang.report.folder import read_folder
from kechuang.report.networks import GROUPS, Networks, read_networks
from kechuang.report.summary import Spread, bands, overlap, spread
from kechuang.report.text import table
from kechuang.world.books.ledger import SECTORS, Ledger
from kechuang.world.measure.pictures import BANK_KINDS, FLOW
from kechuang.world.model import Corridor
from kechuang.world.simulate import RunResult, blank_scenario, simulate
from report_folder import DRAWS, PAYMENTS, write_run_folder
from report_page import amount, table_of, visible

REPORT = Path(pictures.__file__).parent


@pytest.fixture(scope="module")
def text(reported_run: Path) -> str:
    return (reported_run / "report.html").read_text(encoding="utf-8")


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


def test_pictures_fall_back_to_english_and_say_so(reported_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = read_folder(reported_run).indicators
    drawn: list[str] = []

    def make(language: str) -> object:
        drawn.append(language)
        return figures.fan_chart(frame, "gdp_four_quarters", language)

    monkeypatch.setattr(fonts, "chinese_family", lambda: "")
    notice = fonts.save_png(make, "zh", tmp_path / "fan.png", dpi=60)  # type: ignore[arg-type]
    assert drawn == ["en"]
    assert "in English" in notice
    assert (tmp_path / "fan.png").stat().st_size > 5000


def test_chinese_pictures_have_no_boxes(reported_run: Path, tmp_path: Path) -> None:
    if not fonts.chinese_family():
        pytest.skip("no font with Chinese glyphs is installed (on Debian or Ubuntu: fonts-noto-cjk)")
    frame = read_folder(reported_run).indicators
    # A missing glyph is a warning, and warnings fail the suite.
    assert fonts.save_png(lambda language: charts.ladder_flows(frame, language), "zh", tmp_path / "flows.png", dpi=60) == ""


def test_figures_in_notebooks_are_svg(reported_run: Path) -> None:
    figure = figures.range_chart(read_folder(reported_run).indicators, "high_tech_firms", "zh")
    assert figure._repr_svg_().startswith("<svg")  # type: ignore[attr-defined]


# --- banks and money --------------------------------------------------------------------------------------


def test_networks_are_means_over_draws(reported_run: Path) -> None:
    found = read_folder(reported_run).networks
    assert found is not None
    assert found.dates == ("2020Q4", "2026Q4", "2035Q4")
    rows = pd.read_parquet(reported_run / "snapshots.parquet")

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


def test_pictures_of_banks_and_money_agree_with_the_run(reported_run: Path, text: str) -> None:
    run = read_folder(reported_run)
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
