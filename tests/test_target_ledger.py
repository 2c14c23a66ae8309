"""Targets with known answers: probabilities within their error, joint events, what a spread is made of, when draws suffice."""

from __future__ import annotations

import json
import math
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

import fake_world
import kechuang as kc
from kechuang.analyse.compare_outcome import outcome_of
from kechuang.analyse.comparison import Comparison
from kechuang.analyse.precision import is_precise, stopping_rule
from kechuang.analyse.target_spread import spread_of, variances
from kechuang.analyse.targets import judge_targets, monte_carlo_error
from kechuang.clock import quarter_label
from kechuang.commands.spread_table import spread_view
from kechuang.ensemble.draws import most_draws
from kechuang.ensemble.executor import Interrupted
from kechuang.ensemble.plan import Engine
from kechuang.ensemble.run import run_ensemble
from kechuang.errors import InputError
from kechuang.posterior import posterior_draws
from kechuang.scenario import load_scenario
from kechuang.targets import load_targets
from worlds import status_of

HIGH_TECH, SME = "high-tech-doubling-2025", "tech-sme-doubling-2025"
FAKE = Engine(fake_world.simulate, fake_world.warm_up)


def frame_of(draws: int, again: int = 0, **columns: np.ndarray) -> pd.DataFrame:
    """Return indicators of draws at 2025Q4 (columns [draws]) and of `again` draws that ran twice ([draws + again])."""
    numbers = np.arange(draws + again)
    rows = {
        "draw": np.where(numbers < draws, numbers, numbers - draws),
        "replicate": (numbers >= draws).astype(int),
        "quarter": quarter_label(40),
    }
    frame = pd.DataFrame({**rows, **columns})
    return frame.assign(closure=[("A", "B", "C")[draw % 3] for draw in frame["draw"]])


# Probabilities


@pytest.mark.statistical
@pytest.mark.parametrize("truth", [0.1, 0.5, 0.9])
def test_probability_of_a_target_with_a_known_answer(truth: float) -> None:
    """900 draws each: the estimate lies within 3 of its own standard errors (false alarm 0.003 each)."""
    numbers = np.random.Generator(np.random.PCG64(11))
    threshold = load_targets()[HIGH_TECH].threshold
    values = threshold - 100.0 + 100.0 * (numbers.uniform(size=900) + truth)  # at or above it with probability `truth`
    row = judge_targets([HIGH_TECH], frame_of(900, high_tech_firms=values)).query("kind == 'target' and closure == 'all'")
    (probability,), (error,) = row["probability"], row["error"]
    assert abs(probability - truth) <= 3 * error
    assert error == pytest.approx(math.sqrt(truth * (1 - truth) / 900), rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_joint_attainment_never_exceeds_the_least_marginal(seed: int) -> None:
    numbers = np.random.Generator(np.random.PCG64(seed))
    common = numbers.normal(size=60)
    columns = {
        "high_tech_firms": 2380.0 + 500.0 * (common + numbers.normal(size=60)),
        "tech_sme_firms": 11000.0 - 900.0 * (common * (-1) ** seed + numbers.normal(size=60)),
    }
    table = judge_targets(["city-2025"], frame_of(60, **columns))
    for closure in ("all", "A", "B", "C"):
        shares = table[table["closure"] == closure].set_index("id")["probability"]
        assert shares["doubling-2025"] <= min(shares[HIGH_TECH], shares[SME])
        assert shares["doubling-2025"] >= shares[HIGH_TECH] + shares[SME] - 1.0 - 1e-12


# What a spread is made of


def test_variances_by_hand() -> None:
    values, closures = np.array([1.0, 3.0, 11.0, 13.0]), np.array(["A", "A", "B", "B"])
    # means 2 and 12, each 5 from 7; variances 2 and 2; the luck of two draws adds 2 * 0.25 * 2 / 2 to the first
    assert variances(values, closures) == pytest.approx((25.0 - 0.5, 2.0))
    assert all(math.isnan(value) for value in variances(values, np.array(["A", "B", "C", "C"])))
    assert variances(np.array([1.0, 3.0, 1.0, 3.0]), closures)[0] == 0.0, "an estimate below 0 is 0"


@pytest.mark.statistical
def test_spread_of_a_known_make_up() -> None:
    """1500 draws, 600 of them twice; variances 150 of closure, 100 of parameters, 50 of luck: shares within 0.05, which
    is more than 4 standard errors of each (closure 0.001, luck 0.010, parameters 0.013)."""
    numbers, draws, again = np.random.Generator(np.random.PCG64(7)), 1500, 600
    shift = math.sqrt(225.0) * (np.arange(draws) % 3 - 1.0)  # variance 2/3 of 225
    fixed = shift + numbers.normal(0.0, 10.0, draws)
    luck = numbers.normal(0.0, math.sqrt(50.0), draws + again)
    frame = frame_of(draws, again, high_tech_firms=np.concatenate([fixed, fixed[:again]]) + luck)
    row = spread_of((HIGH_TECH,), frame, one_point=False).iloc[0]
    assert (row["draws"], row["pairs"]) == (draws, again)
    assert row["closure"] == pytest.approx(0.5, abs=0.05)
    assert row["parameters"] == pytest.approx(1 / 3, abs=0.05)
    assert row["luck"] == pytest.approx(1 / 6, abs=0.05)
    assert row["luck_error"] == pytest.approx(row["luck"] * math.sqrt(2 / again), rel=0.2)
    assert row["closure"] + row["parameters"] + row["luck"] == pytest.approx(1.0)
    assert row["spread"] == pytest.approx(math.sqrt(300.0), rel=0.05)


def test_luck_and_parameters_stay_together_where_nothing_tells_them_apart() -> None:
    values = np.random.Generator(np.random.PCG64(3)).normal(2000.0, 50.0, 30)
    frame = frame_of(30, high_tech_firms=values)
    together = spread_of((HIGH_TECH, "gdp-2026"), frame, one_point=False).set_index("id")
    assert math.isnan(together.loc[HIGH_TECH, "luck"])
    assert together.loc[HIGH_TECH, "within"] + together.loc[HIGH_TECH, "closure"] == pytest.approx(1.0)
    assert together.loc["gdp-2026", "status"] == "no indicator yet"
    point = spread_of((HIGH_TECH,), frame, one_point=True).iloc[0]
    assert (point["parameters"], point["luck"]) == (0.0, point["within"])
    constant = spread_of((HIGH_TECH,), frame_of(30, high_tech_firms=np.full(30, 7.0)), one_point=True).iloc[0]
    assert constant["spread"] == 0.0
    assert math.isnan(constant["closure"])


# When draws suffice


def test_rule_looks_at_every_judged_target_and_joint_event() -> None:
    scenario = load_scenario("baseline", {"targets": [HIGH_TECH, SME]})
    sure = {"high_tech_firms": np.full(60, 1.0), "tech_sme_firms": np.full(60, 1.0)}
    error = monte_carlo_error(0, 60)
    assert is_precise(error, scenario, frame_of(60, **sure))
    assert not is_precise(0.99 * error, scenario, frame_of(60, **sure))
    torn = {**sure, "tech_sme_firms": np.where(np.arange(60) % 2, 0.0, 20000.0)}
    assert not is_precise(0.06, scenario, frame_of(60, **torn)), "one target is known to 0.064 only"
    assert is_precise(0.065, scenario, frame_of(60, **torn))


def test_rule_refuses_what_can_never_stop() -> None:
    scenario = load_scenario("baseline").with_run(draws=50)
    for precision, most in ((0.0, None), (0.5, None), (0.1, 40)):
        with pytest.raises(InputError):
            stopping_rule(scenario, precision, most)
    assert callable(stopping_rule(scenario, 0.1, 50))
    with pytest.raises(InputError, match="names no targets"):
        stopping_rule(load_scenario("baseline", {"targets": []}), 0.1, None)


def run_fake(out: Path, draws: int, **options: Any) -> kc.Ensemble:
    scenario = load_scenario("baseline").with_run(until="2020Q4", draws=draws, seed=7)
    return run_ensemble(scenario, out=out, workers=1, progress=False, engine=FAKE, **{"parameters": "prior", **options})


def test_batches_follow_until_the_rule_is_content(tmp_path: Path) -> None:
    seen: list[list[int]] = []

    def enough(_: object, indicators: pd.DataFrame) -> bool:
        seen.append(sorted(set(indicators["draw"])))
        return len(seen) == 3

    found = run_fake(tmp_path / "one", 4, enough=enough)
    assert [len(draws) for draws in seen] == [4, 8, 12]
    assert seen[-1] == list(range(12))
    assert found.folder.name == run_fake(tmp_path / "two", 12).folder.name, "the same bytes as a run of 12 draws"
    assert not [file for file in found.folder.parent.iterdir() if file.name.startswith(".")]
    never = run_fake(tmp_path / "three", 4, enough=lambda *_: False, most=10)
    assert len(never.record["draws"]) == 10


def test_no_more_draws_follow_than_the_posterior_has(tmp_path: Path) -> None:
    assert most_draws("prior") == 1000
    found = run_fake(tmp_path, 300, enough=lambda *_: False, parameters="posterior")
    assert len(found.record["draws"]) == most_draws("posterior") == len(posterior_draws())
    with pytest.raises(InputError, match="none is made up"):
        run_fake(tmp_path, 4, enough=lambda *_: False, parameters="posterior", most=600)


def test_an_interrupted_batch_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []

    def counted(scenario: Any, draw: Any, seed: int, **options: Any) -> Any:
        if len(ran) == 6 and draw.id == 6:
            ran.append(-1)
            raise KeyboardInterrupt
        ran.append(draw.id)
        return fake_world.simulate(scenario, draw, seed, **options)

    monkeypatch.setitem(globals(), "FAKE", Engine(counted, fake_world.warm_up))
    rule = {"enough": lambda _, frame: frame["draw"].nunique() >= 8}
    with pytest.raises(Interrupted, match="6 of 8"):
        run_fake(tmp_path, 4, **rule)
    run_fake(tmp_path, 4, **rule)
    assert ran == [0, 1, 2, 3, 4, 5, -1, 6, 7]


def test_draws_run_again_with_other_luck_only(tmp_path: Path) -> None:
    once, twice = run_fake(tmp_path / "once", 5), run_fake(tmp_path / "twice", 5, again=3)
    assert once.indicators.equals(twice.indicators)
    again = pd.read_parquet(twice.folder / "again.parquet")
    assert set(again["draw"]) == {0, 1, 2}
    assert set(again["replicate"]) == {1}
    merged = again.merge(twice.indicators, on=["draw", "quarter", "closure"])
    assert (merged["gdp_x"] != merged["gdp_y"]).all()
    assert twice.record["again"] == 3
    assert "again.parquet" in twice.record["outputs"]
    with pytest.raises(InputError, match="--again"):
        run_fake(tmp_path, 5, again=6)


# Through the command


@pytest.mark.parametrize(
    "arguments",
    [("--precision", "0"), ("--precision", "0.6"), ("--max-draws", "50"), ("--precision", "0.1", "--max-draws", "9"),
     ("--again", "-1"), ("--again", "11")],
)
def test_wrong_input_is_status_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("run", "baseline", "--draws", "10", *arguments, "--quiet") == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.usefixtures("few_figures")
def test_command_tells_what_the_spread_is_made_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--draws", "6", "--until", "2026Q4", "--parameters", "prior", "--scale", "0.03", "--workers", "1")
    command = ("run", "baseline", *options, "--out", str(tmp_path), "--again", "3", "--precision", "0.3", "--quiet")
    assert status_of(*command, "--json") == 0
    found = {row["id"]: row for row in json.loads(capsys.readouterr().out)["spread"]}
    shares = found["gdp-2026"]
    assert shares["pairs"] == 3
    assert shares["closure"] + shares["parameters"] + shares["luck"] == pytest.approx(1.0, abs=1e-6)
    (folder,) = [file.parent for file in tmp_path.glob("baseline/*/record.json")]
    for language in ("en", "zh"):
        console = Console(width=80, record=True, file=StringIO())
        console.print(spread_view(kc.Ensemble(folder).spread, language))
        text = console.export_text()
        assert all(cell_len(line.rstrip()) <= 80 for line in text.splitlines())
        assert {"en": "luck", "zh": "随机因素"}[language] in text


def test_a_scenario_and_itself_differ_by_nothing_in_any_quarter(small_run: Path) -> None:
    run = kc.Ensemble(small_run)
    found = Comparison([outcome_of(run, "one"), outcome_of(run, "two")], ["2026Q4", "2035Q4"])
    numbers = found.table[["mean", "low", "high", "error", "q05", "q50", "q95", "probability", "lower"]]
    assert not numbers.fillna(0.0).to_numpy().any()
    for values, others in zip(*(outcome.indicators.values() for outcome in found.outcomes.values()), strict=True):
        assert np.array_equal(values, others, equal_nan=True)
    assert not found.flows[["mean", "low", "high"]].to_numpy().any()
    assert found.attribution.empty
