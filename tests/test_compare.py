"""Comparisons: known answers by hand on synthetic runs, exact zeros, flipped signs, honest words, and the command."""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

import kechuang as kc
from kechuang.analyse import compare_costs, compare_runs, projection
from kechuang.analyse.compare_costs import flow_of, present_value, relabelled_share
from kechuang.analyse.compare_outcome import NOT_COMPARED, Outcome, outcome_of
from kechuang.analyse.compare_statistics import UNDEFINED, difference, mean_interval, orders, ratio
from kechuang.analyse.comparison import CANNOT_ORDER, MAIN, Comparison
from kechuang.clock import quarter_label
from kechuang.commands.compare_table import comparison_view, label_of
from kechuang.ensemble.record import verify
from kechuang.errors import InputError
from kechuang.world.indicators import INDICATORS, KEYS
from worlds import status_of

SMALL = {"parameters": "prior", "workers": 1, "scale": 0.05, "progress": False}
DRAWS, UNTIL = 6, "2026Q4"
NOTHING = "levers: {certification_bonus: {value: 0, from: 2021Q1}}"
BONUS = "levers: {certification_bonus: {value: 10, from: 2021Q1}}"
STRICTER = "shocks: {certification_tightening: {from: 2024Q1, notch: 1, audit: 2, renewal: -0.15}}"


# Statistics by hand


def test_difference_by_hand() -> None:
    base, plan = np.array([10.0, 20.0, 30.0, 40.0]), np.array([13.0, 20.0, 32.0, 47.0])
    found = difference(base, plan, np.array(["A", "A", "B", "B"]))
    gap = [3.0, 0.0, 2.0, 7.0]
    assert found.mean == 3.0
    deviation = math.sqrt(sum((value - 3.0) ** 2 for value in gap) / 3.0)
    assert found.error == pytest.approx(deviation / 2.0)
    # 3.182446 is the 97.5 % point of Student's t with 3 degrees of freedom.
    assert found.interval == pytest.approx((3.0 - 3.182446 * found.error, 3.0 + 3.182446 * found.error), rel=1e-6)
    assert (found.q05, found.q50, found.q95) == pytest.approx((0.3, 2.5, 6.4))
    assert (found.probability, found.lower) == (0.75, 0.0)
    assert found.probability_error == pytest.approx(math.sqrt(0.75 * 0.25 / 4 + 0.25 / 16) / 1.25)
    assert found.variance_ratio == pytest.approx((base.var(ddof=1) + plan.var(ddof=1)) / np.var(gap, ddof=1))
    # Inside closures: 50 + 50 and 24.5 + 112.5 apart, 4.5 and 12.5 paired.
    assert found.variance_ratio_within == pytest.approx((50 + 50 + 24.5 + 112.5) / (4.5 + 12.5))
    assert not found.told_from_zero


def test_difference_leaves_out_draws_without_a_value_in_both() -> None:
    found = difference(np.array([1.0, math.nan, 3.0]), np.array([2.0, 5.0, math.nan]), np.array(["A", "B", "C"]))
    assert (found.draws, found.mean, found.probability) == (1, 1.0, 1.0)
    assert math.isnan(found.low), "one draw has no interval"
    empty = difference(np.array([math.nan]), np.array([1.0]), np.array(["A"]))
    assert empty.draws == 0
    assert math.isnan(empty.mean)


def test_interval_of_equal_values_is_a_point() -> None:
    assert mean_interval(np.full(5, 2.0)) == (2.0, 2.0)


@pytest.mark.statistical
def test_intervals_cover_what_they_claim() -> None:
    """2000 samples of 12: coverage 0.95 within 4 standard errors (0.0049 each), false alarm below 1e-4."""
    numbers = np.random.Generator(np.random.PCG64(20))
    inside = sum(low <= 1.0 <= high for low, high in map(mean_interval, numbers.normal(1.0, 3.0, (2000, 12))))
    assert abs(inside / 2000 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 2000)
    covered = 0
    for _ in range(300):
        effect = numbers.normal(10.0, 3.0, 40)
        found = ratio(2.0 * effect + numbers.normal(5.0, 2.0, 40), effect)
        covered += found.low <= 2.5 <= found.high
    # A percentile bootstrap of 40 draws falls short of 0.95 by about a hundredth.
    assert abs(covered / 300 - 0.94) < 4 * math.sqrt(0.94 * 0.06 / 300)


def test_ratio_is_that_of_the_means_and_reproducible() -> None:
    cost, effect = np.array([2.0, 4.0, 6.0, 9.0, 5.0]), np.array([1.0, 2.0, 2.0, 4.0, 3.0])
    found = ratio(cost, effect)
    assert found.value == pytest.approx(26.0 / 12.0)
    assert found.low < found.value < found.high
    assert ratio(cost, effect) == found
    assert ratio(cost, -effect).value == -found.value
    exact = ratio(3.0 * effect, effect)
    assert (exact.value, exact.low, exact.high) == pytest.approx((3.0, 3.0, 3.0))


@pytest.mark.parametrize("effect", [[1.0, -1.2, 0.4, -0.1], [0.0] * 4, [5.0]])
def test_ratio_to_an_effect_around_zero_is_undefined(effect: list[float]) -> None:
    found = ratio(np.arange(1.0, len(effect) + 1.0), np.array(effect))
    assert found.status == UNDEFINED
    assert math.isnan(found.value)


def test_orders_count_ties_as_ties() -> None:
    nan = math.nan
    values = {"a": np.array([1.0, 1, 1, 2, nan]), "b": np.array([2.0, 2, 1, 1, 3]), "c": np.array([0.0, 0, 0, 2, 9])}
    found = orders(values)
    assert [(order.text, order.share) for order in found] == [
        ("b > a > c", 0.5),
        ("a = b > c", 0.25),
        ("a = c > b", 0.25),
    ]
    assert {order.draws for order in found} == {4}


# Comparisons of synthetic runs


def outcome(label: str, draws: int = 4, **columns: object) -> Outcome:
    """Return draws of eight quarters from 2020Q1 on, all zero but for these indicators."""
    quarters = tuple(quarter_label(t) for t in range(17, 25))
    shape = (draws, len(quarters))
    given = {key: np.broadcast_to(np.asarray(values, dtype=float), shape) for key, values in columns.items()}
    costs = {(payer, name): np.zeros(shape) for payer in ("city", "all") for name in ("cash", "forgone", "contingent")}
    indicators = {key: given.get(key, np.zeros(shape)) for key in KEYS if key not in NOT_COMPARED}
    prices = np.broadcast_to(1.02 ** ((np.arange(17, 25) - 20) / 4), shape)
    closures = np.array(["ABC"[draw % 3] for draw in range(draws)])
    return Outcome(label, quarters, tuple(range(draws)), closures, indicators, costs, prices)


def each_draw(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def row(table: pd.DataFrame, **conditions: object) -> pd.Series:
    for name, value in conditions.items():
        table = table[table[name] == value]
    assert len(table) == 1, conditions
    return table.iloc[0]


def test_known_answers_flip_with_the_order_of_arguments() -> None:
    base = outcome("base", high_tech_firms=each_draw(10, 20, 30, 40))
    plan = outcome("plan", high_tech_firms=each_draw(13, 20, 32, 47))
    there, back = Comparison([base, plan], ["2021Q4"]), Comparison([plan, base], ["2021Q4"])
    assert there.at("high_tech_firms", "2021Q1").mean == 3.0
    one, other = there.at("high_tech_firms", "2021Q4"), back.at("high_tech_firms", "2021Q4")
    assert (other.mean, other.low, other.high) == pytest.approx((-one.mean, -one.high, -one.low))
    assert (other.q05, other.q95) == pytest.approx((-one.q95, -one.q05))
    assert (other.probability, other.lower) == (one.lower, one.probability)
    assert other.variance_ratio == pytest.approx(one.variance_ratio)
    listed = row(there.table, indicator="high_tech_firms", date="2021Q4")
    assert (listed["scenario"], listed["base"], listed["mean"]) == ("plan", "base", 3.0)
    orders_seen = there.rankings[there.rankings["indicator"] == "high_tech_firms"]
    assert list(orders_seen["order"]) == ["plan > base", "base = plan"]
    assert set(orders_seen["verdict"]) == {CANNOT_ORDER}, "three of four draws are below 0.8"
    assert set(there.rankings.loc[there.rankings["indicator"] == "gdp", "verdict"]) == {"base = plan"}


@pytest.mark.parametrize(
    ("above", "draws", "verdict", "narrow"),
    [
        (10, 10, "plan > base", False),  # 1.00, error 0.05
        (8, 10, "plan > base", True),  # 0.80, error 0.12
        (85, 100, "plan > base", False),  # 0.85, error 0.04
        (79, 100, CANNOT_ORDER, False),
        (50, 100, CANNOT_ORDER, False),
    ],
)
def test_an_order_needs_four_fifths_and_says_when_that_is_within_the_error(
    above: int, draws: int, verdict: str, narrow: bool
) -> None:
    base = outcome("base", draws, gdp=1.0)
    plan = outcome("plan", draws, gdp=each_draw(*[2.0] * above, *[0.0] * (draws - above)))
    best = Comparison([base, plan], ["2021Q4"]).rankings.query("indicator == 'gdp'").iloc[0]
    assert (best["verdict"], best["within_error"]) == (verdict, narrow)


def test_three_scenarios_are_ranked_together_and_by_pairs() -> None:
    first = outcome("one", gdp=each_draw(1, 1, 1, 1))
    second = outcome("two", gdp=each_draw(2, 2, 2, 2))
    third = outcome("three", gdp=each_draw(3, 3, 0, 0))
    found = Comparison([first, second, third], ["2021Q4"])
    ranked = found.rankings[found.rankings["indicator"] == "gdp"]
    whole = ranked[ranked["kind"] == "ranking"]
    assert dict(zip(whole["order"], whole["share"], strict=True)) == {
        "three > two > one": 0.5,
        "two > one > three": 0.5,
    }
    assert set(whole["verdict"]) == {CANNOT_ORDER}
    pair = row(ranked, kind="pair", scenarios="one, two")
    assert (pair["verdict"], pair["share"]) == ("two > one", 1.0)
    assert set(ranked.loc[ranked["scenarios"] == "two, three", "verdict"]) == {CANNOT_ORDER}
    with pytest.raises(InputError, match="name the scenario"):
        found.at("gdp", "2021Q4")
    assert found.at("gdp", "2021Q4", "two").mean == 1.0


def test_present_value_by_hand() -> None:
    run = outcome("run")
    flow = np.zeros((4, 8))
    flow[:, 7] = 102.0  # 2021Q4, a year after the base: 102 in prices that are 2 % higher
    assert present_value(run, flow, "2021Q4", 0.04) == pytest.approx(np.full(4, 100.0 / 1.04))
    assert present_value(run, flow, "2021Q3", 0.04) == pytest.approx(np.zeros(4))
    flow[:, 3] = 7.0  # 2020Q4 is the base of prices and of discounting
    assert present_value(run, flow, "2020Q4", 0.06) == pytest.approx(np.full(4, 7.0))


def test_quarters_of_a_four_quarter_sum_are_recovered() -> None:
    numbers = np.random.Generator(np.random.PCG64(3)).uniform(1.0, 2.0, (4, 8))
    numbers[:, :4] = 1.5
    sums = np.full((4, 8), math.nan)
    for t in range(3, 8):
        sums[:, t] = numbers[:, t - 3 : t + 1].sum(axis=1)
    assert flow_of(outcome("run", rd_real=sums), "rd_real") == pytest.approx(numbers)


def test_costs_and_ratios_by_hand() -> None:
    base = outcome("base", high_tech_firms=100.0)
    plan = outcome("plan", high_tech_firms=each_draw(104, 105, 106, 105))
    paid = np.zeros((4, 8))
    paid[:, 3] = [1.0, 2.0, 3.0, 2.0]
    lost = np.zeros((4, 8))
    lost[:, 3] = 0.5
    plan = replace(plan, costs={**plan.costs, ("city", "cash"): paid, ("all", "cash"): paid, ("all", "forgone"): lost})
    costs = Comparison([base, plan], ["2021Q4"]).costs
    assert row(costs, rate=0.04, payer="city", item="total")["value"] == pytest.approx(2.0)
    assert row(costs, rate=0.04, payer="all", item="total")["value"] == pytest.approx(2.5)
    city = row(costs, rate=0.04, payer="city", item="per_high_tech_firm")
    # 2 亿元 for 5 firms
    assert (city["value"], city["unit"], city["status"]) == (pytest.approx(4000.0), "万元", "")
    assert city["low"] < city["value"] < city["high"]
    assert row(costs, rate=0.06, payer="all", item="per_high_tech_firm")["value"] == pytest.approx(5000.0)
    research = row(costs, rate=0.02, payer="city", item="per_real_rd")
    assert (research["status"], math.isnan(research["value"])) == (UNDEFINED, True)
    share = row(costs, item="relabelled_share")
    assert share["status"] == compare_costs.NOT_REPORTED
    reverse = Comparison([plan, base], ["2021Q4"]).costs
    saved = row(reverse, rate=0.04, payer="city", item="per_high_tech_firm")
    assert saved["value"] == pytest.approx(4000.0)
    assert saved["reading"] == compare_costs.SAVED


def test_share_certified_by_relabelling_by_hand() -> None:
    base = outcome("base", high_tech_firms=100.0)
    plan = outcome("plan", high_tech_firms=each_draw(110, 112, 108, 110))
    base = replace(base, relabelled={"2021Q4": np.full(4, 50.0)})
    plan = replace(plan, relabelled={"2021Q4": np.array([58.0, 59.0, 57.0, 58.0])})
    assert relabelled_share(base, plan, "2021Q4").value == pytest.approx(0.8)


def test_runs_that_do_not_match_are_refused() -> None:
    base, plan = outcome("base"), outcome("plan")
    with pytest.raises(InputError, match="other draws"):
        Comparison([base, replace(plan, draws=(0, 1, 2, 4))], ["2021Q4"])


def test_unknown_indicator_and_quarter_offer_the_nearest() -> None:
    found = Comparison([outcome("base"), outcome("plan")], ["2021Q4"])
    with pytest.raises(InputError, match='did you mean "high_tech_firms"'):
        found.at("high_tec_firms", "2021Q4")
    with pytest.raises(InputError, match="2020Q1 and 2021Q4"):
        found.at("gdp", "2022Q4")


# Comparisons of the model


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with scenario files and, as tests go on, the runs that they share."""
    folder = tmp_path_factory.mktemp("compare")
    for name, change in (("nothing", NOTHING), ("bonus", BONUS), ("stricter", STRICTER)):
        text = f"name: {name}\ntitle: {{en: {name}, zh: {name}}}\nextends: baseline\n{change}\nrun: {{seed: 5, draws: 2}}\n"
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def compared(place: Path, *names: str) -> Comparison:
    named = [name if name == "baseline" else str(place / f"{name}.yaml") for name in names]
    return kc.compare(*named, draws=DRAWS, until=UNTIL, out=place / "outputs", **SMALL)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def packages(place: Path) -> Comparison:
    """Return the comparison of three scenarios with the baseline."""
    return compared(place, "baseline", "nothing", "bonus", "stricter")


def numbers_of(table: pd.DataFrame, scenario: str) -> np.ndarray:
    rows = table[table["scenario"] == scenario]
    return rows[["mean", "low", "high", "error", "q05", "q50", "q95", "probability", "lower"]].fillna(0.0).to_numpy()


def test_a_scenario_and_itself_differ_by_exactly_nothing(place: Path, packages: Comparison) -> None:
    found = compared(place, "baseline", "baseline")
    assert found.labels == ("baseline", "baseline (2)")
    assert not numbers_of(found.table, "baseline (2)").any()
    quarters = found.outcomes["baseline"].quarters
    assert not any(found.at(key, quarter).mean for key in MAIN for quarter in quarters[3::4])
    costs = found.costs[found.costs["item"].isin(["cash", "forgone", "total"])]
    assert not costs[["value", "low", "high"]].to_numpy().any()
    assert set(found.costs.loc[found.costs["item"].str.startswith("per_"), "status"]) == {UNDEFINED}
    assert set(found.rankings["verdict"]) == {"baseline = baseline (2)"}


def test_a_lever_that_changes_nothing_differs_by_exactly_nothing(packages: Comparison) -> None:
    assert not numbers_of(packages.table, "nothing").any()


def test_real_scenarios_differ_and_pairing_pays(packages: Comparison) -> None:
    more = packages.at("high_tech_firms", UNTIL, "bonus")
    fewer = packages.at("high_tech_firms", UNTIL, "stricter")
    assert more.mean > 0.0 > fewer.mean
    for scenario in ("bonus", "stricter"):
        for key in ("high_tech_firms", "rd_real"):
            found = packages.at(key, UNTIL, scenario)
            assert found.variance_ratio > 1.0, (scenario, key)
            assert found.variance_ratio_within > 1.0, (scenario, key)
    cash = row(packages.costs, scenario="bonus", date=UNTIL, rate=0.04, payer="city", item="cash")
    assert cash["value"] > 0.0


def test_before_a_change_nothing_differs(packages: Comparison) -> None:
    for scenario, last in (("bonus", "2020Q4"), ("stricter", "2023Q4")):
        assert not any(packages.at(key, last, scenario).mean for key in MAIN)


def test_costs_add_up_to_the_tables_of_the_run(packages: Comparison) -> None:
    run = packages.runs[packages.labels.index("bonus")]
    outcome = packages.outcomes["bonus"]
    total = run.costs.groupby("draw")[["cash", "administration"]].sum().sum(axis=1).to_numpy()
    assert outcome.costs["all", "cash"].sum(axis=1) == pytest.approx(total)
    cash = outcome.costs["city", "cash"] + 0.0
    assert cash == pytest.approx(outcome.indicators["lever_cost_cash"])
    assert outcome.costs["city", "forgone"] == pytest.approx(outcome.indicators["lever_cost_forgone"])


def test_relabelled_firms_are_some_of_the_certified(packages: Comparison) -> None:
    for label, outcome in packages.outcomes.items():
        assert set(outcome.relabelled) == {"2020Q4", "2026Q4"}, label
        for date, counts in outcome.relabelled.items():
            assert (counts >= 0.0).all()
            assert (counts <= outcome.at("high_tech_firms", date)).all()
    before = packages.outcomes["baseline"].relabelled["2020Q4"]
    assert (packages.outcomes["bonus"].relabelled["2020Q4"] == before).all()


def test_seed_and_draws_of_the_first_scenario_hold_for_all(place: Path) -> None:
    loaded = [kc.load_scenario(str(place / "bonus.yaml")), kc.load_scenario("baseline").with_run(until="2030Q4")]
    found = compare_runs.aligned(loaded)
    assert {(scenario.draws, scenario.seed, quarter_label(scenario.until)) for scenario in found} == {(2, 5, "2030Q4")}
    other = compare_runs.aligned(loaded, draws=7, seed=9, until="2026Q4")
    assert {(scenario.draws, scenario.seed, quarter_label(scenario.until)) for scenario in other} == {(7, 9, "2026Q4")}
    assert compare_runs.dates_of((), found[0].until, "2026Q4") == ("2026Q4", "2030Q4")
    assert compare_runs.dates_of((), 40, "2026Q4") == ("2025Q4",)
    with pytest.raises(InputError, match="2031Q1 lies outside"):
        compare_runs.dates_of(("2031Q1", "2026Q4"), found[0].until, "2026Q4")


def test_finished_runs_are_used_again_unless_altered(
    place: Path, packages: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "outputs"
    shutil.copytree(place / "outputs", out)
    ran: list[str] = []
    real = projection.run

    def counted(scenario: kc.Scenario, **options: object) -> object:
        ran.append(scenario.name)
        return real(scenario, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(projection, "run", counted)
    options = {"draws": DRAWS, "until": UNTIL, "out": out, **SMALL}
    again = kc.compare("baseline", str(place / "bonus.yaml"), **options)  # type: ignore[arg-type]
    assert ran == []
    with (again.runs[1].folder / "costs.parquet").open("ab") as stream:
        stream.write(b"x")
    repaired = kc.compare("baseline", str(place / "bonus.yaml"), **options)  # type: ignore[arg-type]
    assert ran == ["bonus"]
    assert repaired.folder == again.folder, "the same comparison has the same id"


def test_folder_is_recorded_verified_and_reproducible(place: Path, packages: Comparison) -> None:
    folder = packages.folder
    assert folder is not None
    assert folder.parent.name == "compare-baseline-nothing-bonus-stricter"
    assert not [file for file in folder.parent.iterdir() if file.name.startswith(".")], "nothing half done is left"
    found = verify(folder)
    assert (found.altered, found.notes, found.run_id) == ([], [], folder.name)
    content = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert {"comparison.csv", "costs.csv", "rankings.csv", "record.json"} <= set(content)
    record = json.loads(content["record.json"])
    assert record["kind"] == "comparison"
    for named, run in zip(record["runs"], packages.runs, strict=True):
        assert (folder / named["folder"]).resolve() == run.folder.resolve()
    text = content["record.json"].decode()
    assert str(place) not in text
    back = pd.read_csv(StringIO(content["comparison.csv"].decode()))
    assert back["mean"].to_numpy() == pytest.approx(packages.table["mean"].to_numpy(), rel=1e-8, nan_ok=True)
    again = compared(place, "baseline", "nothing", "bonus", "stricter")
    assert again.folder == folder
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == content


def test_plot_shows_the_difference(packages: Comparison) -> None:
    axes = packages.plot("high_tech_firms", "bonus")
    line = axes.get_lines()[0]
    assert line.get_ydata()[-1] == packages.at("high_tech_firms", UNTIL, "bonus").q50  # type: ignore[index]
    assert line.get_xdata()[-1] == 2027.0  # type: ignore[index]
    assert len(packages.plot("gdp_four_quarters").get_legend().get_texts()) == 3  # type: ignore[union-attr]
    plt.close("all")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("count", [2, 4])
def test_tables_fit_into_80_columns_in_both_languages(packages: Comparison, language: str, count: int) -> None:
    found = packages
    if count == 2:
        pairs = [(0, "baseline"), (2, "bonus")]
        runs = [packages.runs[place] for place, _ in pairs]
        found = Comparison([outcome_of(packages.runs[place], label) for place, label in pairs], packages.dates, runs)
    console = Console(width=80, record=True, file=StringIO())
    console.print(comparison_view(found, language))
    text = console.export_text()
    assert all(cell_len(line.rstrip()) <= 80 for line in text.splitlines())
    assert "…" not in text
    squeezed = "".join(text.split())
    words = {"en": "evidence cannot order these", "zh": "现有证据无法排序"}[language]
    assert "".join(words.split()) in squeezed
    assert INDICATORS["high_tech_firms"].label(language).replace(" ", "") in squeezed
    undefined = {"en": "undefined:", "zh": "无法计算"}[language]
    assert count == 2 or undefined in text, "what changes nothing has no cost per effect"
    english = re.sub(r"[A-Z0-9&]+|baseline|nothing|bonus|stricter|t\b", "", text)
    assert language == "en" or not re.search("[a-z]{3}", english), "no English left in the Chinese table"


def test_labels_say_when_a_number_is_of_one_quarter() -> None:
    assert label_of("local_revenue", "en").endswith("亿元 a quarter")
    assert label_of("local_revenue", "zh").endswith("亿元/季")
    assert "a quarter" not in label_of("rd_real", "en")
    assert label_of("high_tech_firms", "zh") == "高新技术企业"


# The command


@pytest.mark.parametrize(
    "arguments",
    [
        ("baseline", "no-such-scenario"),
        ("baseline",),
        ("baseline", "seed-only", "--draws", "0"),
        ("baseline", "seed-only", "--at", "2036Q1"),
        ("baseline", "seed-only", "--at", "2026"),
        ("baseline", "seed-only", "--until", "soon"),
        ("baseline", "seed-only", "--indicator", "high_tech_firm"),
        ("baseline", "seed-only", "--parameters", "posteriors"),
        ("baseline", "seed-only", "--parameters", "prior", "--scale", "2"),
    ],
)
def test_wrong_input_is_status_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("compare", *arguments, "--quiet") == 2
    said = capsys.readouterr()
    assert said.err.strip()
    assert "Traceback" not in said.err
    assert not said.out


def test_command_prints_tables_and_folder(
    place: Path, packages: Comparison, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    options = ("--draws", str(DRAWS), "--until", UNTIL, "--parameters", "prior", "--scale", "0.05", "--workers", "1")
    command = ("compare", "baseline", str(place / "bonus.yaml"), *options, "--out", str(place / "outputs"), "--quiet")
    assert status_of(*command) == 0
    said = capsys.readouterr()
    assert not said.err
    report = Path(said.out.splitlines()[-1])
    folder = report.parent
    assert report.is_file()
    assert status_of("verify", str(folder)) == 0
    capsys.readouterr()
    assert status_of(*command, "--json", "--indicator", "rd_real") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["folder"], document["report"]) == (str(folder), str(report))
    assert document["dates"] == [UNTIL]
    assert {line["indicator"] for line in document["table"]} == {"rd_real"}
    assert document["table"][0]["mean"] == pytest.approx(packages.at("rd_real", UNTIL, "bonus").mean, rel=1e-12)
    assert {line["payer"] for line in document["costs"]} == {"", "city", "all"}


@pytest.mark.parametrize("said", ["interrupted: 3 of 9 draws are finished and kept", ""])
def test_interruption_is_status_130_and_says_so(
    said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kechuang.ensemble.executor import Interrupted

    def stopped(*_: object, **__: object) -> None:
        raise Interrupted(said) if said else KeyboardInterrupt

    monkeypatch.setattr("kechuang.analyse.compare.compare", stopped)
    assert status_of("compare", "baseline", "seed-only") == 130
    assert (said or "finished runs are kept") in capsys.readouterr().err
