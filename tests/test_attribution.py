"""Differences split over what makes them: players, shares by hand and sampled, exact sums, resuming, words, status."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

import fake_levers
import kechuang as kc
from kechuang.analyse.attribution import Attribution, Window, attribute, window_of
from kechuang.analyse.attribution_players import APART, CHANNEL_OF_MECHANISM, CHANNELS, game_of
from kechuang.analyse.attribution_shares import (
    coalitions_of,
    exact_shares,
    orders_of,
    sampled_shares,
    shares_of,
)
from kechuang.analyse.compare_flows import BALANCES, FLOW, STOCK, differences
from kechuang.analyse.comparison import Comparison
from kechuang.clock import quarter_index
from kechuang.commands.attribution_table import attribution_view
from kechuang.ensemble.draws import draws_for
from kechuang.ensemble.executor import Interrupted
from kechuang.ensemble.plan import Engine
from kechuang.ensemble.record import verify
from kechuang.errors import InputError
from kechuang.scenario import LEVERS, SHOCKS, Scenario, scenario_from_plain
from kechuang.world.indicators import INDICATORS, POSITION
from worlds import status_of

FAKE = Engine(fake_levers.simulate, fake_levers.warm_up)
FOUR = ("certification_bonus", "research_grant", "talent_subsidy", "joint_projects")
SEVEN = (*FOUR, "innovation_voucher", "graduate_training", "incubator_space")
HIGH_TECH = POSITION["high_tech_firms"]


def scenario(*levers: str, name: str = "plan", **extra: Any) -> Scenario:
    """Return a scenario that sets the standard value of these levers from 2021Q1 on."""
    doses = {key: {"value": 1.0, "from": "2021Q1"} for key in levers}
    run = {"until": "2024Q4", "draws": 4, "seed": 7}
    return scenario_from_plain({"name": name, "levers": doses, "run": run, **extra}, "test")


def split(place: Path, *levers: str, draws: int = 4, engine: Engine = FAKE, **extra: Any) -> Attribution:
    """Split what these levers do in the fake world."""
    window = Window(draws, quarter_index("2024Q4"), ("2022Q4", "2024Q4"))
    base, plan = scenario(name="base"), scenario(*levers, **extra)
    return attribute(base, plan, "plan", window, place, workers=1, progress=False, engine=engine)


# Who plays


def test_every_mechanism_of_a_lever_or_shock_has_a_channel() -> None:
    named = {lever.mechanism for lever in LEVERS.values()} | {kind.mechanism for kind in SHOCKS.values()}
    assert named == set(CHANNEL_OF_MECHANISM)
    assert set(CHANNEL_OF_MECHANISM.values()) == set(CHANNELS)


def test_players_are_what_differs_and_coalitions_take_it_over() -> None:
    shock = {"export_recession": {"from": "2022Q1", "depth": 0.1, "quarters": 4}}
    base = scenario("research_grant", "joint_projects", name="base")
    plan = scenario("joint_projects", "talent_subsidy", law="known", nodes="plan", support_ceiling="none", shocks=shock)
    game = game_of(base, plan, base.until)
    about = {player.key: (player.kind, player.channel) for player in game.players}
    assert about == {
        "research_grant": ("lever", "firms"),
        "talent_subsidy": ("lever", "people"),
        "export_recession": ("shock", "firms"),
        "law": ("setting", "firms"),
        "nodes": ("setting", "knowledge"),
        "support_ceiling": ("setting", APART),
    }
    assert not game.idle
    assert game.coalition(()) == game.base
    everyone = game.coalition(tuple(about))
    assert (everyone.levers, everyone.shocks, everyone.law, everyone.nodes) == (plan.levers, plan.shocks, "known", "plan")
    some = game.coalition({"research_grant", "law"})
    assert [change.key for change in some.levers] == ["joint_projects"], "the grant of the base is gone, nothing came"
    assert (some.law, some.nodes, some.shocks) == ("known", "none", ())


def test_what_cannot_change_anything_plays_no_part() -> None:
    levers = {
        "research_grant": {"value": 0, "from": "2021Q1"},
        "joint_projects": {"value": 15, "from": "2021Q1", "budget": 0},
        "talent_subsidy": {"value": 4, "from": "2030Q1"},
        "guarantee_coverage": {"value": 0, "capital": {"value": 5}, "from": "2021Q1"},
    }
    late = {"export_recession": {"from": "2030Q1", "depth": 0.1, "quarters": 4}}
    run = {"until": "2035Q4", "draws": 4, "seed": 7}
    plan = scenario_from_plain({"name": "plan", "levers": levers, "shocks": late, "run": run}, "test")
    base = scenario(name="base").with_run(until="2035Q4")
    early = game_of(base, plan, quarter_index("2026Q4"))
    assert [player.key for player in early.players] == ["guarantee_coverage"]
    assert {player.key for player in early.idle} == {*levers, "export_recession"} - {"guarantee_coverage"}
    assert early.base.until == early.other.until == quarter_index("2026Q4")
    whole = game_of(base, plan, base.until)
    assert {"talent_subsidy", "export_recession"} <= {player.key for player in whole.players}


# Shares


def value_of(worth: dict[str, float]) -> Any:
    return lambda members: np.array(worth["".join(sorted(members))])


def test_shapley_shares_by_hand() -> None:
    """One left and two right gloves, a pair is worth 1: 2/3, 1/6, 1/6."""
    worth = {"": 0.0, "l": 0.0, "r": 0.0, "s": 0.0, "lr": 1.0, "ls": 1.0, "rs": 0.0, "lrs": 1.0}
    found = exact_shares("lrs", value_of(worth))
    assert {player: float(share) for player, share in found.items()} == pytest.approx({"l": 2 / 3, "r": 1 / 6, "s": 1 / 6})
    every = [("l", "r", "s"), ("l", "s", "r"), ("r", "l", "s"), ("r", "s", "l"), ("s", "l", "r"), ("s", "r", "l")]
    assert {player: float(share) for player, share in sampled_shares(every, value_of(worth)).items()} == pytest.approx(
        {"l": 2 / 3, "r": 1 / 6, "s": 1 / 6}
    )
    two = {"": 5.0, "a": 7.0, "b": 6.0, "ab": 11.0}
    assert {player: float(share) for player, share in exact_shares("ab", value_of(two)).items()} == {"a": 3.5, "b": 2.5}


def test_orders_are_keyed_antithetic_and_differ_between_draws() -> None:
    forth, back = orders_of(SEVEN, seed=7, draw=3)
    assert back == forth[::-1]
    assert set(forth) == set(SEVEN)
    assert orders_of(SEVEN[::-1], 7, 3) == (forth, back), "the order does not depend on how the players are listed"
    assert len({orders_of(SEVEN, 7, draw)[0] for draw in range(20)}) == 20
    assert orders_of(SEVEN, 8, 3) != (forth, back)
    without = tuple(player for player in forth if player != "joint_projects")
    assert orders_of(without, 7, 3)[0] == without, "a player less leaves the order of the others"
    needed = coalitions_of(SEVEN, 7, 3)
    assert needed[0] == frozenset()
    assert needed[-1] == frozenset(SEVEN)
    assert len(needed) == 2 * (len(SEVEN) - 1) + 2
    assert len(coalitions_of(FOUR, 7, 3)) == 16


@pytest.mark.statistical
def test_each_player_is_first_equally_often() -> None:
    """7 players, 2100 orders: 300 times each, chi-square of 6 degrees below 22.5 (false alarm 0.001)."""
    first = [orders_of(SEVEN, 2026, draw)[0][0] for draw in range(2100)]
    chi = sum((first.count(player) - 300) ** 2 / 300 for player in SEVEN)
    assert chi < 22.5


@pytest.mark.parametrize("levers", [FOUR, SEVEN])
def test_shares_add_up_and_a_null_player_has_exactly_nothing(tmp_path: Path, levers: tuple[str, ...]) -> None:
    found = split(tmp_path, *levers, shocks={"certification_tightening": {"from": "2022Q1", "audit": 1.0}})
    assert len(found.plan.game.players) == len(levers) + 1
    added = np.sum(list(found.shares.values()), axis=0)[..., [HIGH_TECH, POSITION["rd_real"]]]
    total = found.total[..., [HIGH_TECH, POSITION["rd_real"]]]
    assert np.abs(total).min() > 1.0
    assert np.abs(added / total - 1.0).max() < 1e-9
    table = pd.DataFrame(found.rows())
    rows = table[(table["indicator"] == "high_tech_firms") & (table["date"] == "2024Q4")].set_index("key")
    players = rows[rows["kind"].isin(["lever", "shock"])]
    assert players["mean"].sum() == pytest.approx(rows.loc["total", "mean"], rel=1e-9)
    channels = rows[rows["kind"] == "channel"]
    assert channels["mean"].sum() == pytest.approx(rows.loc["total", "mean"], rel=1e-9)
    assert players["of_total"].sum() == pytest.approx(1.0, rel=1e-9)
    assert not table.loc[table["indicator"] == "rd_november_growth", "draws"].any()


def test_a_lever_that_the_world_ignores_has_exactly_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fake_levers.worth
    monkeypatch.setattr(fake_levers, "worth", lambda present: real(present - {"joint_projects"}))
    for levers in (FOUR, SEVEN):
        found = split(tmp_path / str(len(levers)), *levers)
        assert not np.nan_to_num(found.shares["joint_projects"]).any()
        assert found.shares["research_grant"][..., HIGH_TECH].all()


@pytest.mark.statistical
def test_sampled_shares_agree_with_those_of_all_coalitions(tmp_path: Path) -> None:
    """40 draws, 4 levers that meet in pairs and threes: mean gaps within 4 standard errors (false alarm 4 x 3e-4)."""
    found = split(tmp_path, *FOUR, draws=40)
    plan = found.plan
    gaps: dict[str, list[float]] = {player: [] for player in FOUR}
    for draw in plan.draws:
        orders = orders_of(plan.players, plan.seed, draw.id)
        worth = partial(found.worth, draw.id)
        sampled, exact = sampled_shares(orders, worth), shares_of(plan.players, plan.seed, draw.id, worth)
        for player in FOUR:
            gaps[player].append(float((sampled[player] - exact[player])[0, POSITION["rd_real"]]))
    for player, values in gaps.items():
        error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
        assert error > 0.0
        assert abs(float(np.mean(values))) <= 4 * error, player


def test_an_order_and_its_reverse_are_exact_where_only_pairs_meet() -> None:
    def pairs(members: frozenset[str]) -> np.ndarray:
        return np.array(3.0 * len(members) + 2.0 * ({"a", "b"} <= members) - 5.0 * ({"b", "d"} <= members))

    sampled, exact = sampled_shares(orders_of("abcd", 1, 0), pairs), exact_shares("abcd", pairs)
    assert {player: float(sampled[player]) for player in "abcd"} == pytest.approx({"a": 4, "b": 1.5, "c": 3, "d": 0.5})
    assert {player: float(exact[player]) for player in "abcd"} == pytest.approx({"a": 4, "b": 1.5, "c": 3, "d": 0.5})


@pytest.mark.statistical
def test_sampled_shares_agree_where_three_meet() -> None:
    """400 draws of three levers that work only together: 1/3 each, within 4 standard errors (false alarm 3 x 1e-4)."""

    def together(members: frozenset[str]) -> np.ndarray:
        return np.array(float({"a", "b", "c"} <= members) + 0.5 * ("d" in members) * ("a" in members))

    exact = exact_shares("abcd", together)
    drawn = [sampled_shares(orders_of("abcd", 11, draw), together) for draw in range(400)]
    for player in "abcd":
        values = np.array([float(shares[player]) for shares in drawn])
        error = values.std(ddof=1) / math.sqrt(400)
        assert abs(values.mean() - float(exact[player])) <= 4 * error, player
    assert max(float(np.std([float(shares[player]) for shares in drawn])) for player in "abc") > 0.1


# Runs


def test_an_interrupted_attribution_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULTS", str(tmp_path))
    monkeypatch.setattr(fake_levers, "calls", [])
    (tmp_path / "stop-9").touch()
    with pytest.raises(Interrupted, match="8 of 64"):
        split(tmp_path / "out", *FOUR)
    found = split(tmp_path / "out", *FOUR)
    assert len(fake_levers.calls) == 64 + 1, "only the run that was stopped is made again"
    assert len(set(fake_levers.calls)) == 64
    fresh = split(tmp_path / "elsewhere", *FOUR)
    assert np.array_equal(found.total, fresh.total, equal_nan=True)


def test_draws_of_the_posterior_keep_the_luck_they_were_learnt_with(tmp_path: Path) -> None:
    """Coalitions meet the same luck as the comparison whose difference they split."""
    seen: dict[int, int] = {}

    def noted(scenario: Any, draw: Any, seed: int, **options: Any) -> Any:
        seen[draw.id] = seed
        return fake_levers.simulate(scenario, draw, seed, **options)

    window, engine = Window(3, quarter_index("2024Q4"), ("2024Q4",)), Engine(noted, fake_levers.warm_up)
    base, plan = scenario(name="base"), scenario(*FOUR[:2])
    attribute(base, plan, "plan", window, tmp_path, parameters="posterior", workers=1, progress=False, engine=engine)
    assert seen == {draw.id: draw.luck for draw in draws_for("posterior", 3, base.seed)}


def test_other_settings_are_another_attribution(tmp_path: Path) -> None:
    one = split(tmp_path, *FOUR)
    assert split(tmp_path, *FOUR).plan.key == one.plan.key
    others = [split(tmp_path, *FOUR, draws=3), split(tmp_path, *FOUR, law="known")]
    assert len({found.plan.key for found in (one, *others)}) == 3
    assert replace(one.plan, scale=0.5).key != one.plan.key


def test_without_a_parameter_set_the_split_uses_that_of_the_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`kechuang compare --attribute` as a planner types it: the runs and the coalitions take the same default."""
    seen: list[str] = []

    def noted(*arguments: Any, parameters: str, **options: Any) -> Any:
        seen.append(parameters)
        raise ArithmeticError

    monkeypatch.setattr("kechuang.analyse.attribution.attribute", noted)
    monkeypatch.setattr("kechuang.analyse.compare_runs.run_or_reuse", lambda *_, parameters, **__: seen.append(parameters))
    monkeypatch.setattr("kechuang.analyse.compare_runs.demand_same_draws", lambda _: None)
    monkeypatch.setattr("kechuang.analyse.compare.outcome_of", lambda *_: None)
    monkeypatch.setattr("kechuang.analyse.compare_folder.home_of", lambda *_: tmp_path)
    with pytest.raises(ArithmeticError):
        kc.compare("baseline", "export-recession", attribute=True, out=tmp_path, progress=False)
    assert len(set(seen)) == 1
    assert len(seen) == 3


def test_window_defaults_and_refusals() -> None:
    compared = scenario().with_run(until="2030Q4", draws=100)
    assert window_of(None, None, compared, ("2026Q4", "2030Q4")) == Window(24, quarter_index("2026Q4"), ("2026Q4",))
    assert window_of(5, "2028Q2", compared, ("2030Q4",)) == Window(5, quarter_index("2028Q2"), ("2028Q2",))
    few = compared.with_run(until="2022Q4", draws=6)
    assert window_of(None, None, few, ("2022Q4",)) == Window(6, few.until, ("2022Q4",))
    with pytest.raises(InputError) as caught:
        window_of(1, "2031Q1", compared, ("2026Q4",))
    assert len(caught.value.problems) == 2


# With the model


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attribution")
    text = (
        "name: plan\ntitle: {en: Plan, zh: 规划}\nextends: baseline\nlevers:\n"
        "  certification_bonus: {value: 30, from: 2017Q1}\n"
        "  research_grant: {level: 2, from: 2021Q1}\n"  # the level of the path itself
        "  talent_subsidy: {value: 0, from: 2021Q1}\n"
    )
    (folder / "plan.yaml").write_text(text, encoding="utf-8")
    return folder


OPTIONS: dict[str, Any] = {
    "draws": 3, "until": "2022Q4", "parameters": "prior", "workers": 1, "scale": 0.05, "progress": False,
}


@pytest.fixture(scope="module")
def effect(place: Path) -> Comparison:
    return kc.compare("baseline", str(place / "plan.yaml"), attribute=True, out=place / "out", **OPTIONS)


def test_the_model_is_split_exactly(effect: Comparison) -> None:
    table = effect.attribution
    assert set(table["date"]) == {"2022Q4"}
    for key in ("high_tech_firms", "rd_real", "gdp_four_quarters", "employment"):
        rows = table[table["indicator"] == key].set_index("key")
        compared = effect.at(key, "2022Q4")
        assert rows.loc["total", "mean"] == pytest.approx(compared.mean, rel=1e-12), "the same draws, the same luck"
        assert rows.loc["total", "mean"] != 0.0
        assert rows.loc["research_grant", "mean"] == rows.loc["research_grant", "error"] == 0.0, "the path's own level"
        assert (rows.loc["talent_subsidy", "method"], rows.loc["talent_subsidy", "mean"]) == ("idle", 0.0)
        assert rows.loc["certification_bonus", "mean"] == pytest.approx(compared.mean, rel=1e-9)
        assert rows.loc["firms", "mean"] == pytest.approx(compared.mean, rel=1e-9)
        assert rows.loc["knowledge", "mean"] == 0.0


def test_flows_add_up_to_the_difference_of_counts_exactly(effect: Comparison) -> None:
    base, plan = effect.outcomes["baseline"], effect.outcomes["plan"]
    for balance in BALANCES:
        for date in ("2016Q1", "2019Q4", "2022Q4"):
            found = [(kind, values) for kind, _, values in differences(base, plan, balance, date)]
            stock = next(values for kind, values in found if kind == STOCK)
            moved = np.sum([values for kind, values in found if kind == FLOW], axis=0)
            assert stock == pytest.approx(moved, abs=1e-9), (balance.stock, date)
            assert np.array_equal(stock, np.rint(stock))
            if balance.parted:
                named = {item: values for _, item, values in differences(base, plan, balance, date)}
                assert np.array_equal(named["certificates_new"], named["promoted"] + named["certificates_direct"])
    rows = effect.flows.set_index("item")
    assert rows.loc["high_tech_firms", "mean"] == effect.at("high_tech_firms", "2022Q4").mean
    assert rows.loc["certificates_new", "mean"] > 0.0, "a reward brings new certificates"


def test_flows_are_there_for_dates_that_are_split_and_not_compared(effect: Comparison) -> None:
    later = Comparison(list(effect.outcomes.values()), ["2019Q4"], effect.runs, attributions=effect.attributions)
    assert list(dict.fromkeys(later.flows["date"])) == ["2019Q4", "2022Q4"]


def test_folder_holds_the_split_and_is_used_again(
    effect: Comparison, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = effect.folder
    assert folder is not None
    assert not [file for file in folder.parent.iterdir() if file.name.startswith(".")], "no work folder is left"
    found = verify(folder)
    assert (found.altered, found.notes) == ([], [])
    assert {"attribution.csv", "flows.csv", "coalitions.parquet"} <= {file.name for file in folder.iterdir()}
    monkeypatch.setattr(
        "kechuang.analyse.attribution_runs.default_engine", lambda: Engine(fake_levers.must_not_run, fake_levers.warm_up)
    )
    again = kc.compare("baseline", str(place / "plan.yaml"), attribute=True, out=place / "out", **OPTIONS)
    assert again.folder == folder
    assert again.attribution.equals(effect.attribution)
    with (folder / "coalitions.parquet").open("ab") as stream:
        stream.write(b"x")
    assert verify(folder).altered == ["coalitions.parquet"]
    with pytest.raises(ArithmeticError):
        kc.compare("baseline", str(place / "plan.yaml"), attribute=True, out=place / "out", **OPTIONS)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_fit_into_80_columns_in_both_languages(effect: Comparison, language: str) -> None:
    console = Console(width=80, record=True, file=StringIO())
    console.print(attribution_view(effect, language))
    text = console.export_text()
    assert all(cell_len(line.rstrip()) <= 80 for line in text.splitlines())
    squeezed = "".join(text.split())
    for words in (LEVERS["certification_bonus"], INDICATORS["certificates_new"]):
        assert getattr(words, language).replace(" ", "")[:8] in squeezed
    assert {"en": "Changes nothing before", "zh": "不起作用"}[language] in text
    english = re.sub(r"[A-Z0-9&]+", "", text)
    assert language == "en" or not re.search("[a-z]{3}", english), "no English left in the Chinese table"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--attribute-draws", "24"),
        ("--attribute-until", "2026Q4"),
        ("--attribute", "--attribute-draws", "1"),
        ("--attribute", "--attribute-until", "2026"),
        ("--attribute", "--attribute-until", "2036Q1"),
        ("--attribute", "--until", "2025Q4", "--attribute-until", "2026Q4"),
    ],
)
def test_wrong_input_is_status_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("compare", "baseline", "export-recession", *arguments, "--quiet") == 2
    said = capsys.readouterr()
    assert "attribute" in said.err
    assert "Traceback" not in said.err


def test_command_prints_and_returns_the_split(
    effect: Comparison, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--draws", "3", "--until", "2022Q4", "--parameters", "prior", "--scale", "0.05", "--workers", "1")
    command = ("compare", "baseline", str(place / "plan.yaml"), *options, "--out", str(place / "out"), "--attribute")
    assert status_of(*command, "--quiet", "--lang", "zh") == 0
    assert "渠道：企业" in capsys.readouterr().out
    assert status_of(*command, "--json", "--indicator", "rd_real") == 0
    document = json.loads(capsys.readouterr().out)
    assert {row["indicator"] for row in document["attribution"]} == {"rd_real"}
    assert {row["stock"] for row in document["flows"]} == {"high_tech_firms", "industrial_units"}
