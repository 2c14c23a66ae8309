"""Effective policy paths, computed by hand; a change that changes nothing leaves every bit as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kechuang.city import load_city
from kechuang.clock import quarter_index
from kechuang.law import super_deduction
from kechuang.scenario import LEVERS, Scenario, load_scenario
from kechuang.scenario.baseline import SOFTWARE, path_value
from kechuang.scenario.policy import baseline, changes_with_budget, effective

BONUS = "levers.certification_bonus"


def with_levers(**levers: Any) -> Scenario:
    return load_scenario("baseline", {f"levers.{key}": entry for key, entry in levers.items()})


def at(values: np.ndarray, quarter: str, place: int = 0, industry: int = 0, step: int = 0) -> float:
    return float(values[quarter_index(quarter), place, industry, step])


# The policy as it was: quarter by quarter at the places where a path turns.
PATHS: dict[tuple[str, str], dict[str, float]] = {
    ("high_tech_tax_rate", ""): {"2016Q1": 15, "2035Q4": 15},
    ("certification_bonus", ""): {"2016Q1": 20, "2020Q4": 20, "2035Q4": 20},
    ("certification_bonus", "renewal_share"): {"2016Q1": 0.5},
    ("certification_bonus", "registration_bonus"): {"2016Q1": 2},
    ("research_grant", ""): {"2016Q4": 1.0, "2017Q1": 1.25, "2018Q1": 1.5, "2019Q4": 1.75, "2020Q1": 2, "2030Q1": 2},
    ("innovation_voucher", ""): {"2016Q1": 0.04, "2017Q4": 0.08, "2018Q1": 0.12, "2019Q1": 0.16, "2020Q1": 0.2},
    ("talent_subsidy", ""): {"2016Q4": 0, "2017Q1": 2, "2020Q2": 2, "2020Q3": 4, "2035Q4": 4},
    ("top_talent_grant", ""): {"2019Q1": 0, "2019Q2": 300, "2035Q4": 300},
    ("guarantee_coverage", ""): {"2016Q1": 0.8},
    ("guarantee_coverage", "capital"): {"2017Q4": 5, "2018Q1": 10},
    ("risk_compensation", ""): {"2017Q4": 0, "2018Q1": 0.3},
    ("data_platform_coverage", ""): {"2019Q3": 0, "2020Q1": 0.4, "2020Q4": 1, "2035Q4": 1},
    ("loan_renewal", ""): {"2035Q4": 0},
    ("patent_pledge", ""): {"2016Q1": 0.25},
    ("guidance_fund", ""): {"2016Q2": 25, "2016Q4": 30, "2017Q4": 50, "2018Q4": 80, "2019Q4": 105, "2020Q4": 127},
    ("research_carriers", ""): {"2016Q1": 11},
    ("research_carriers", "enclaves"): {"2017Q4": 0, "2018Q1": 2, "2020Q1": 4},
    ("incubator_space", ""): {"2018Q2": 33, "2020Q4": 46, "2035Q4": 46},
    ("joint_projects", ""): {"2018Q4": 0, "2019Q1": 2, "2020Q1": 5},
    ("digital_retrofit_subsidy", ""): {"2017Q4": 0, "2018Q1": 5, "2020Q1": 10},
    ("digital_retrofit_subsidy", "key_share"): {"2017Q4": 0, "2018Q1": 2},
    ("zone_approval", ""): {"2035Q4": 0},
    ("graduate_training", ""): {"2035Q4": 0},
}


@pytest.mark.parametrize(("key", "dial"), PATHS, ids="-".join)
def test_baseline_path(key: str, dial: str) -> None:
    for quarter, value in PATHS[key, dial].items():
        assert path_value(LEVERS[key].dial(dial), quarter_index(quarter)) == pytest.approx(value, abs=1e-12), quarter


def test_every_lever_has_a_path_that_stays_in_its_range() -> None:
    for key, lever in LEVERS.items():
        for dial in lever.dials:
            values = baseline(load_scenario("baseline"), key, dial.key)
            assert values.shape == (81, 13, 8, 4)
            assert values.min() >= dial.low
            assert values.max() <= dial.high
            assert (values[20:] == values[20]).all() or dial.calendar


def test_super_deduction_of_2020_law() -> None:
    values = effective(load_scenario("baseline"), "super_deduction")
    assert at(values, "2016Q4", step=2) == 50
    assert at(values, "2017Q1", step=0) == 50
    assert [at(values, "2017Q4", step=step) for step in (1, 2, 3)] == [62.5] * 3  # half pass the evaluation
    assert (values[quarter_index("2018Q1"):] == 75).all()


def test_super_deduction_of_known_law() -> None:
    values = effective(load_scenario("corridor-plan"), "super_deduction")
    assert at(values, "2020Q4") == 75
    assert at(values, "2021Q1") == 100
    assert at(values, "2021Q1", industry=SOFTWARE) == 75
    assert at(values, "2022Q1", industry=SOFTWARE, step=0) == 75
    assert at(values, "2022Q3", industry=SOFTWARE, step=1) == 87.5
    assert (values[quarter_index("2022Q4"):] == 100).all()


@pytest.mark.parametrize("law", ["2020", "known"])
def test_super_deduction_is_the_calendar_of_the_law_file(law: str) -> None:
    values = effective(load_scenario("baseline", {"law": law}), "super_deduction")
    city = load_city("taizhou")
    assert [one.industrial for one in city.industries].index(False) == SOFTWARE
    for quarter in range(1, 81):
        rates = super_deduction(law, quarter)
        assert values[quarter, 3, 0, 0] == rates["manufacturing"]["base_percent"]
        assert values[quarter, 3, SOFTWARE, 2] == rates["other"]["listed_percent"]


def test_value_adds_from_its_first_to_its_last_quarter() -> None:
    values = effective(with_levers(certification_bonus={"value": 10, "from": "2023Q1", "until": "2024Q4"}),
                       "certification_bonus")
    assert [at(values, quarter) for quarter in ("2022Q4", "2023Q1", "2024Q4", "2025Q1")] == [20, 30, 30, 20]


def test_a_change_without_dates_begins_after_the_evidence_and_never_ends() -> None:
    values = effective(with_levers(certification_bonus={"value": 10}), "certification_bonus")
    assert [at(values, quarter) for quarter in ("2020Q4", "2021Q1", "2035Q4")] == [20, 30, 30]


def test_level_replaces_and_ramps_in_equal_steps() -> None:
    values = effective(with_levers(certification_bonus={"level": 60, "from": "2023Q1", "ramp": 4}),
                       "certification_bonus")
    quarters = ("2022Q4", "2023Q1", "2023Q2", "2023Q3", "2023Q4", "2024Q1")
    assert [at(values, quarter) for quarter in quarters] == [20, 30, 40, 50, 60, 60]


def test_value_ramps_on_a_path_that_moves() -> None:
    values = effective(load_scenario("baseline", {
        "law": "known", "levers.super_deduction": {"value": 40, "from": "2020Q4", "ramp": 2}}), "super_deduction")
    assert [at(values, quarter) for quarter in ("2020Q3", "2020Q4", "2021Q1")] == [75, 95, 140]


def test_path_holds_each_value_until_the_next_and_falls_back_after_until() -> None:
    values = effective(with_levers(certification_bonus={"path": {"2025Q1": 12, "2023Q1": 6}, "until": "2026Q4"}),
                       "certification_bonus")
    quarters = ("2022Q4", "2023Q1", "2024Q4", "2025Q1", "2026Q4", "2027Q1")
    assert [at(values, quarter) for quarter in quarters] == [20, 6, 6, 12, 12, 20]


def test_targeting_reaches_named_places_and_ladder_steps_only() -> None:
    values = effective(with_levers(certification_bonus={
        "value": 10, "places": ["corridor", "linhai"], "ladder": [1]}), "certification_bonus")
    changed = values[quarter_index("2021Q1")] == 30
    keys = load_city("taizhou").place_keys
    reached = {keys[place] for place in range(13) if changed[place].any()}
    assert reached == {"central_core", "jiaojiang_valley", "yongning_river", "feilong_lake", "linhai"}
    assert changed.any(axis=(0, 1)).tolist() == [False, True, False, False]
    assert changed.sum() == 5 * 8


def test_targeting_by_industry() -> None:
    values = effective(with_levers(super_deduction={"value": 25, "industries": ["software_services"]}),
                       "super_deduction")
    assert values[30, 0, :, 0].tolist() == [75.0] * 7 + [100.0]


def test_dials_follow_the_dates_and_places_of_their_lever() -> None:
    scenario = with_levers(certification_bonus={
        "value": 10, "from": "2024Q1", "places": ["wenling"], "registration_bonus": 3, "renewal_share": {
            "value": 0.25, "from": "2025Q1", "ramp": 2}})
    registration = effective(scenario, "certification_bonus", "registration_bonus")
    renewal = effective(scenario, "certification_bonus", "renewal_share")
    wenling = load_city("taizhou").place_index("wenling")
    assert [at(registration, quarter, wenling) for quarter in ("2023Q4", "2024Q1")] == [2, 3]
    assert [at(renewal, quarter, wenling) for quarter in ("2024Q4", "2025Q1", "2025Q2")] == [0.5, 0.625, 0.75]
    assert (registration[:, 0] == 2).all()


def test_no_local_policy_is_zero_from_the_first_quarter() -> None:
    scenario = load_scenario("no-local-policy")
    assert (effective(scenario, "certification_bonus")[1:] == 0).all()
    assert (effective(scenario, "certification_bonus", "registration_bonus")[1:] == 0).all()
    assert (effective(scenario, "high_tech_tax_rate") == 15).all()


@pytest.mark.parametrize("entry", [
    {"value": 0}, {"value": 0.0, "ramp": 7, "from": "2016Q1"}, {"value": 30, "budget": 0},
    {"level": 0, "from": "2016Q1", "budget": 0}, {"path": {"2016Q1": 90}, "budget": 0}, {"level": 20},
    {"value": 0, "registration_bonus": {"value": 0}},
], ids=str)  # fmt: skip
def test_a_null_lever_leaves_every_bit(entry: dict[str, Any]) -> None:
    base, null = load_scenario("baseline"), with_levers(certification_bonus=entry)
    for dial in ("", "renewal_share", "registration_bonus"):
        assert effective(base, "certification_bonus", dial).tobytes() == \
            effective(null, "certification_bonus", dial).tobytes()


@pytest.mark.parametrize("key", ["high_tech_tax_rate", "super_deduction"])
def test_a_tax_lever_with_budget_zero_is_off(key: str) -> None:
    off = with_levers(**{key: {"value": 5, "budget": 0}})
    assert effective(off, key).tobytes() == effective(load_scenario("baseline"), key).tobytes()


def test_a_shorter_run_has_the_same_quarters() -> None:
    scenario = with_levers(certification_bonus={"value": 10, "from": "2023Q1", "ramp": 8})
    short = effective(scenario.with_run(until="2026Q4"), "certification_bonus")
    assert short.shape[0] == 45
    assert short.tobytes() == effective(scenario, "certification_bonus")[:45].tobytes()


def test_changes_with_budget_leave_out_none_and_zero() -> None:
    scenario = with_levers(certification_bonus={"value": 10, "budget": 2.5, "registration_bonus": 3})
    assert [(one.dial, one.budget) for one in changes_with_budget(scenario)] == [("", 2.5), ("registration_bonus", 2.5)]
    assert changes_with_budget(with_levers(certification_bonus={"value": 10, "budget": 0})) == ()
    assert changes_with_budget(with_levers(certification_bonus={"value": 10})) == ()


@settings(max_examples=30, deadline=None)
@given(value=st.floats(-20, 80), start=st.integers(1, 80), ramp=st.integers(0, 80))
def test_a_ramp_never_overshoots(value: float, start: int, ramp: int) -> None:
    from kechuang.clock import quarter_label

    scenario = with_levers(certification_bonus={"value": value, "from": quarter_label(start), "ramp": ramp})
    moved = effective(scenario, "certification_bonus")[:, 0, 0, 0] - 20
    assert (moved[:start] == 0).all()
    assert (np.abs(moved) <= abs(value) + 1e-9).all()
    assert (np.diff(np.abs(moved)) >= -1e-9).all()


def test_scenario_files_do_not_change_by_being_read(tmp_path: Path) -> None:
    first = load_scenario("no-local-policy")
    effective(first, "certification_bonus")[:] = -1
    assert (effective(first, "certification_bonus")[1:] == 0).all()
