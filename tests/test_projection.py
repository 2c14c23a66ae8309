"""Targets judged on hand-made indicators: probability, error, shortfall, date, joint events; none dropped."""

from __future__ import annotations

import math
import re
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

import kechuang as kc
from kechuang.analyse.targets import COLUMNS, judge_targets, monte_carlo_error, targets_csv
from kechuang.clock import quarter_label
from kechuang.commands.target_table import target_view
from kechuang.errors import InputError
from kechuang.scenario import load_scenario
from kechuang.targets import load_targets
from kechuang.world.indicators import INDICATORS, KEYS

LAST = 40  # 2025Q4
DRAWS = 6


def frame_of(**columns: list[float]) -> pd.DataFrame:
    """Return indicators of six draws with these values at the end; they rise evenly from half of them."""
    rows = []
    for draw in range(DRAWS):
        for t in range(1, LAST + 1):
            share = 0.5 + 0.5 * t / LAST
            values = {key: column[draw] * share for key, column in columns.items()}
            rows.append(
                {
                    "draw": draw,
                    "closure": "ABC"[draw % 3],
                    "replicate": 0,
                    "quarter": quarter_label(t),
                    **values,
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture
def doubling() -> pd.DataFrame:
    return frame_of(
        high_tech_firms=[2000.0, 2380.0, 2500.0, 2600.0, 3000.0, 2379.0],
        tech_sme_firms=[12000.0, 10000.0, 11000.0, 12000.0, 9000.0, 15000.0],
    )


def row(table: pd.DataFrame, identity: str, closure: str = "all") -> pd.Series:
    found = table[(table["id"] == identity) & (table["closure"] == closure)]
    assert len(found) == 1
    return found.iloc[0]


def test_probability_and_shortfall_by_hand(doubling: pd.DataFrame) -> None:
    table = judge_targets(["high-tech-doubling-2025"], doubling)
    mixed = row(table, "high-tech-doubling-2025")
    assert mixed["probability"] == pytest.approx(4 / 6)
    assert mixed["value_50"] == pytest.approx((2380 + 2500) / 2)
    assert mixed["shortfall_50"] == pytest.approx(2380 - (2380 + 2500) / 2)
    assert mixed["shortfall_95"] > 0 > mixed["shortfall_05"]
    by_closure = [row(table, "high-tech-doubling-2025", closure)["probability"] for closure in "ABC"]
    assert by_closure == [0.5, 1.0, 0.5]
    assert mixed["source"] == load_targets()["high-tech-doubling-2025"].threshold_source


def test_first_quarter_is_the_median_of_those_that_arrive(doubling: pd.DataFrame) -> None:
    mixed = row(judge_targets(["high-tech-doubling-2025"], doubling), "high-tech-doubling-2025")
    assert mixed["ever"] == pytest.approx(4 / 6)
    # value * (1/2 + t/80) >= 2380 first holds at these quarters
    arrivals = sorted(math.ceil(80 * (2380 / value - 0.5)) for value in (2380, 2500, 2600, 3000))
    assert mixed["first_quarter"] == quarter_label(arrivals[1])


def test_ratio_compares_with_the_base_quarter(doubling: pd.DataFrame) -> None:
    table = judge_targets(["high-tech-doubling-2025"], doubling)
    ratio = row(table, "high-tech-doubling-2025/1")
    assert ratio["kind"] == "alternative"
    assert ratio["basis"].startswith("ratio to")
    base = int(ratio["basis"][-6:-2]) * 4 - 2016 * 4 + int(ratio["basis"][-1])
    assert ratio["value_50"] == pytest.approx(1.0 / (0.5 + 0.5 * base / LAST))


def test_joint_events_hold_in_the_same_draw(doubling: pd.DataFrame) -> None:
    table = judge_targets(["city-2025"], doubling)
    joint = row(table, "doubling-2025")
    assert joint["kind"] == "joint"
    assert joint["probability"] == pytest.approx(2 / 6), "draws 2 and 3 reach both"
    product = row(table, "high-tech-doubling-2025")["probability"] * row(table, "tech-sme-doubling-2025")["probability"]
    assert joint["probability"] != pytest.approx(product)


def test_nothing_is_dropped(doubling: pd.DataFrame) -> None:
    table = judge_targets(["city-2025", "city-2026", "corridor-2026"], doubling)
    for target in load_targets().values():
        if target.group not in {"city-2025", "city-2026", "corridor-2026"}:
            continue
        status = row(table, target.id)["status"]
        if target.indicator not in {"high_tech_firms", "tech_sme_firms"}:
            assert status == "no indicator yet"
    late = judge_targets(["gdp-2026"], frame_of(gdp_four_quarters=[9000.0] * DRAWS))
    assert row(late, "gdp-2026")["status"] == "not judged: 2026Q4 lies outside the run"
    assert list(table.columns) == list(COLUMNS)


def test_every_target_can_be_judged_or_says_why() -> None:
    frame = frame_of(**{key: [100.0] * DRAWS for key in KEYS})
    for name, target in load_targets().items():
        status = row(judge_targets([name], frame), name)["status"]
        judged = target.indicator in INDICATORS and target.quarter <= LAST
        assert (status == "judged") == judged, f"{name}: {status}"


def test_missing_values_are_left_out_of_the_count(doubling: pd.DataFrame) -> None:
    doubling.loc[doubling["draw"] == 0, "high_tech_firms"] = np.nan
    mixed = row(judge_targets(["high-tech-doubling-2025"], doubling), "high-tech-doubling-2025")
    assert mixed["draws"] == 5
    assert mixed["probability"] == pytest.approx(4 / 5)


def test_unknown_target_offers_the_nearest(doubling: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="high-tech-doubling-2025"):
        judge_targets(["high-tech-dubling-2025"], doubling)


@pytest.mark.parametrize(("successes", "draws", "expected"), [(50, 100, 0.0497519), (0, 24, 0.02), (24, 24, 0.02)])
def test_monte_carlo_error_by_hand(successes: int, draws: int, expected: float) -> None:
    assert monte_carlo_error(successes, draws) == pytest.approx(expected, rel=1e-5)


def test_csv_reads_back_the_same_and_is_stable(doubling: pd.DataFrame) -> None:
    scenario = load_scenario("baseline")
    text = targets_csv(scenario, doubling)
    assert text == targets_csv(scenario, doubling.sample(frac=1.0, random_state=1)), "row order does not matter"
    back = pd.read_csv(StringIO(text))
    assert row(back, "doubling-2025")["probability"] == pytest.approx(2 / 6)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_table_fits_into_80_columns_and_names_every_target(small_run: object, language: str) -> None:
    result = kc.Ensemble(small_run)  # type: ignore[arg-type]
    console = Console(width=80, record=True, file=StringIO())
    console.print(target_view(result, language))
    text = console.export_text()
    squeezed = "".join(text.split())
    shown = result.targets[result.targets["kind"] != "alternative"]
    for number, (_, line) in enumerate(shown.drop_duplicates("id").iterrows()):
        words = "".join(str(line[f"title_{language}"]).split())
        if line["status"] != "judged" or (len(words) < 9 and line["kind"] != "joint"):
            assert words in squeezed, number
    assert ("先验参数" if language == "zh" else "prior parameters") in text
    lines = [line.rstrip() for line in text.splitlines()]
    assert all(cell_len(line) <= 80 for line in lines)
    judged = result.targets[result.targets["status"] == "judged"]
    shown_by_closure = [line for line in lines if re.search(r"±\s*[\d.]+\s+\d+\s+\d+\s+\d+$", line)]
    assert len(shown_by_closure) == judged["id"].nunique(), "every row shows all three closures"
