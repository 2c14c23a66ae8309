"""The benchmarks run, and what they write follows from what they measure; no time is asserted anywhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import fake_world
from kechuang.ensemble.plan import Engine

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def variance(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import variance

    return variance


def test_ratio_of_variances_by_hand(variance) -> None:
    closures = np.array(["A", "A", "B", "B"])
    paired = np.array([1.0, 3.0, 10.0, 10.0])  # inside closures: 2 in A, 0 in B, over 4 - 2
    apart = np.array([0.0, 4.0, 0.0, 6.0])  # 8 and 18
    assert variance.pooled(paired, closures) == 1.0
    found = variance.ratio_of(paired, apart, closures)
    assert (found["paired"], found["independent"], found["ratio"], found["effect"]) == (1.0, 13.0, 13.0, 6.0)
    assert found["low"] <= found["high"]
    assert variance.ratio_of(np.zeros(4), apart, closures)["ratio"] == np.inf


def test_levers_run_with_common_and_with_other_luck(variance, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(variance, "default_engine", lambda: Engine(fake_world.simulate, fake_world.warm_up))
    monkeypatch.setattr(variance, "default_out", lambda: tmp_path)
    monkeypatch.setattr(variance, "available_processors", lambda: 1)
    monkeypatch.setattr(sys, "argv", ["variance.py", "--draws", "6", "--scale", "0.5", "--out", str(tmp_path / "results")])
    variance.main()
    results = json.loads((tmp_path / "results" / "variance.json").read_text(encoding="utf-8"))
    assert {row["lever"].split()[0] for row in results["rows"]} == {"V1", "V2", "V6", "V8", "V14"}
    assert len(results["rows"]) == 10
    # The fake world knows luck alone: with the same luck nothing differs at all, with other luck something does.
    assert all(row["paired"] == 0.0 and row["independent"] > 0.0 and row["ratio"] is None for row in results["rows"])
    page = (tmp_path / "results" / "variance.md").read_text(encoding="utf-8")
    assert "goal at least 10: met" in page
    assert page in capsys.readouterr().out
    assert not list(tmp_path.glob(".work-*"))


def test_a_page_of_the_engine_says_which_goals_are_missed(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    import engine

    results = json.loads((FOLDER / "results" / "engine.json").read_text(encoding="utf-8"))
    committed = (FOLDER / "results" / "engine.md").read_text(encoding="utf-8")
    assert engine.page_of(results) == committed
    slow = {**results, "80 quarters at the size of 2020": {"median": 99.0}}
    assert "| 99 | missed |" in engine.page_of(slow)
    quick = {**results, "80 quarters at the size of 2020": {"median": 0.5}}
    assert "| 0.5 | met |" in engine.page_of(quick)
    now = engine.headline(quick, "2030-01-01 12:00")
    assert (now["80 quarters"], now["20 quarters"]) == (0.5, results["runs"]["1x, 20 quarters"]["median"])
    longer = engine.page_of({**results, "history": 20 * [now]})
    assert longer.count("| 2030-01-01 12:00 |") == engine.LISTED_RUNS
