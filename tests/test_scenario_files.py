"""Shipped scenarios, the canonical form, origins, inheritance, the resolved file and the JSON Schema."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kechuang import resources
from kechuang.errors import InputError, Problem
from kechuang.scenario import LEVERS, SHOCKS, Scenario, load_scenario
from kechuang.scenario.json_schema import scenario_json_schema
from kechuang.scenario.library import library_names
from kechuang.scenario.node import node_from_plain
from kechuang.scenario.reader import read_document
from kechuang.scenario.show import resolved_yaml
from kechuang.scenario.target_names import target_names
from kechuang.targets import target_file

SHIPPED = ("baseline", "corridor-plan", "export-recession", "no-local-policy", "seed-only")
BAD_FILES = Path(__file__).parent / "bad_files"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"name: {name}\n{text}", encoding="utf-8")
    return path


def problems_of(*arguments: Any) -> str:
    with pytest.raises(InputError) as caught:
        load_scenario(*arguments)
    return str(caught.value)


# Shipped files


def test_the_library_holds_what_is_promised() -> None:
    assert set(SHIPPED) <= set(library_names())


@pytest.mark.parametrize("name", library_names())
def test_shipped_scenario_loads_and_speaks_both_languages(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    for text in (scenario.title, scenario.summary):
        assert re.search(r"[\u4e00-\u9fff]", text["zh"])
        assert not re.search(r"[\u4e00-\u9fff][ ,:;()]", text["zh"]), "Chinese takes full-width punctuation"
        assert not re.search(r"[\u4e00-\u9fff]", text["en"])
    assert len(scenario.summary["en"]) > 100
    assert scenario.targets


@pytest.mark.parametrize("name", library_names())
def test_round_trips(name: str) -> None:
    scenario = load_scenario(name)
    plain = scenario.to_plain()
    assert Scenario.from_plain(json.loads(json.dumps(plain))) == scenario
    assert pickle.loads(pickle.dumps(scenario)) == scenario
    assert hash(pickle.loads(pickle.dumps(scenario))) == hash(scenario)


@pytest.mark.parametrize("name", library_names())
def test_the_resolved_file_is_a_scenario_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "resolved.yaml"
    path.write_text(resolved_yaml(load_scenario(name)), encoding="utf-8")
    assert load_scenario(path) == load_scenario(name)


def test_baseline_says_what_it_should() -> None:
    scenario = load_scenario("baseline")
    assert (scenario.law, scenario.tide, scenario.until) == ("2020", "damped", 80)
    assert (scenario.draws, scenario.seed) == (100, 2026)
    assert scenario.targets == ("corridor-2026", "corridor-2035", "city-2025", "city-2026")
    assert scenario.levers == ()
    assert scenario.shocks == ()


def test_the_frozen_forecast_inherits_nothing() -> None:
    tree, _ = read_document(resources.path("scenarios/seed-only.yaml"), "seed-only.yaml")
    assert {"law", "tide", "levers", "shocks", "run", "targets"} <= set(tree.children)
    assert "extends" not in tree.children
    scenario = load_scenario("seed-only")
    elsewhere = {key for key, origin in scenario.origins.items() if not origin.startswith("seed-only.yaml:")}
    # The ceiling and the nodes are younger than the file; what it means for the forecast is the policy of 2020 carried on.
    assert elsewhere <= {"support_ceiling", "nodes"}
    assert (scenario.support_ceiling, scenario.nodes) == ("kept", "none")


def test_a_scenario_chooses_what_becomes_of_the_ceiling_on_support() -> None:
    assert load_scenario("baseline").support_ceiling == "kept"
    for choice in ("kept", "planned", "none"):
        scenario = load_scenario("baseline", {"support_ceiling": choice})
        assert scenario.support_ceiling == scenario.to_plain()["support_ceiling"] == choice
    assert "write kept, planned or none" in problems_of("baseline", {"support_ceiling": "unlimited"})


def test_a_scenario_chooses_the_calendar_of_the_plan_nodes() -> None:
    assert load_scenario("baseline").nodes == "none"
    assert load_scenario("corridor-plan").nodes == "plan"
    for choice in ("none", "slow", "plan", "fast"):
        scenario = load_scenario("baseline", {"nodes": choice})
        assert scenario.nodes == scenario.to_plain()["nodes"] == choice
    assert "write none, slow, plan or fast" in problems_of("baseline", {"nodes": "many"})


def test_export_recession_and_corridor_plan() -> None:
    shock = load_scenario("export-recession").shock("export_recession")
    assert shock is not None
    assert (shock.from_quarter, shock["depth"], shock["quarters"]) == (37, 0.10, 4)
    plan = load_scenario("corridor-plan")
    assert (plan.law, plan.tide, plan.support_ceiling) == ("known", "known", "planned")
    doses = {(change.key, change.dial): (change.mode, change.amount) for change in plan.levers}
    assert doses == {
        ("guidance_fund", ""): ("value", 50),
        ("guarantee_coverage", "capital"): ("value", 5),
        ("risk_compensation", "pool"): ("value", 0.2),
        ("data_platform_coverage", ""): ("value", 0.25),
        ("research_grant", ""): ("value", 1),
        ("innovation_voucher", ""): ("value", 0.3),
        ("research_carriers", ""): ("value", 4),
        ("research_carriers", "enclaves"): ("path", 0),
        ("talent_subsidy", ""): ("value", 2),
        ("top_talent_grant", ""): ("value", 300),
        ("graduate_training", ""): ("value", 1000),
        ("joint_projects", ""): ("value", 15),
        ("digital_retrofit_subsidy", ""): ("path", 0),
    }
    assert plan.nodes == "plan"
    assert {change.from_quarter for change in plan.levers} == {28}, "the plan begins in 2022Q4"
    assert plan.changes("zone_approval") == (), "approval is drawn, never assumed"


# Origins, overrides and the run


def test_origins_name_file_line_command_line_and_default(tmp_path: Path) -> None:
    write(tmp_path, "base", "run: {draws: 7}\nlevers:\n  certification_bonus:\n    value: 5\n    from: 2022Q1\n")
    path = write(tmp_path, "child", "extends: ./base.yaml\nlevers:\n  certification_bonus:\n    value: 9\n")
    scenario = load_scenario(path, {"run.seed": 4})
    origins = scenario.origins
    assert origins["run.draws"] == "base.yaml:2"
    assert origins["levers.certification_bonus.value"] == "child.yaml:5"
    assert origins["levers.certification_bonus.from"] == "base.yaml:6"
    assert origins["levers.certification_bonus.ramp"] == "default"
    assert origins["run.seed"] == "command line"
    assert origins["run.until"] == "default"
    assert origins["name"] == "child.yaml:1"
    assert scenario.with_run(draws=3).origins["run.draws"] == "command line"


def test_every_leaf_has_an_origin() -> None:
    for name in SHIPPED:
        scenario = load_scenario(name)
        leaves = {
            ".".join(map(str, where)) for where, node in node_from_plain(scenario.to_plain(), "").walk()
            if not isinstance(node.value, dict) and not any(isinstance(step, int) for step in where)
        }
        assert leaves == set(scenario.origins)


def test_overrides_are_checked_and_named() -> None:
    scenario = load_scenario("baseline", {"levers.certification_bonus": {"value": np.int64(10)}, "run.draws": 3})
    assert scenario.draws == 3
    assert scenario.levers[0].amount == 10
    assert "command line: run.draws: 0 is outside the allowed range 1 to 100000" in problems_of(
        "baseline", {"run.draws": 0})
    assert "notebook: levers.certification_bonus.vlaue" in problems_of(
        "baseline", {"levers.certification_bonus.vlaue": 1}, "notebook")
    assert "Python type set" in problems_of("baseline", {"targets": {"city-2025"}})
    assert "only a file can extend" in problems_of("baseline", {"extends": "seed-only"})


def test_with_run_changes_the_run_and_nothing_else() -> None:
    scenario = load_scenario("export-recession")
    other = scenario.with_run(until="2026Q4", draws=2, seed=9)
    assert (other.until, other.draws, other.seed) == (44, 2, 9)
    assert other.with_run(until=80, draws=100, seed=2026) == scenario
    with pytest.raises(InputError, match=r"run\.draws: 0 is outside the allowed range"):
        scenario.with_run(draws=0)
    with pytest.raises(InputError, match=r"run\.until"):
        scenario.with_run(until="2036Q1")


def test_a_dial_given_as_a_number_is_its_level(tmp_path: Path) -> None:
    path = write(tmp_path, "x", "levers:\n  certification_bonus: {registration_bonus: 4}\n")
    (change,) = load_scenario(path).levers
    assert (change.dial, change.mode, change.amount, change.from_quarter) == ("registration_bonus", "level", 4.0, 21)


# Inheritance


def test_another_kind_of_dose_replaces_the_inherited_one(tmp_path: Path) -> None:
    write(tmp_path, "base", "levers:\n  certification_bonus: {value: 5, from: 2022Q1, ramp: 4, places: [linhai]}\n")
    child = write(tmp_path, "child", "extends: ./base.yaml\nlevers:\n  certification_bonus: {path: {2024Q1: 40}}\n")
    (change,) = load_scenario(child).levers
    assert (change.mode, change.path, change.ramp, change.places) == ("path", ((33, 40.0),), 0, ("linhai",))
    back = write(tmp_path, "back", "extends: ./child.yaml\nlevers:\n  certification_bonus: {level: 8}\n")
    (change,) = load_scenario(back).levers
    assert (change.mode, change.amount, change.from_quarter) == ("level", 8.0, 21)


def test_title_and_summary_are_never_inherited(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, "mine", "extends: baseline\n"))
    assert scenario.title == {"en": "mine", "zh": "mine"}
    assert scenario.summary == {"en": "", "zh": ""}
    half = load_scenario(write(tmp_path, "half", "title: {zh: 人才优先}\n"))
    assert half.title == {"en": "人才优先", "zh": "人才优先"}


def test_several_overrides_that_set_different_keys(tmp_path: Path) -> None:
    write(tmp_path, "more", "extends: baseline\nlevers:\n  certification_bonus: {value: 10}\n")
    write(tmp_path, "shock", "extends: baseline\nshocks:\n  export_recession: {from: 2025Q1, depth: 0.1, quarters: 4}\n")
    both = load_scenario(write(tmp_path, "both", "extends: [./more.yaml, ./shock.yaml]\nrun: {draws: 9}\n"))
    assert [one.key for one in both.levers] == ["certification_bonus"]
    assert [one.key for one in both.shocks] == ["export_recession"]
    assert both.draws == 9
    assert both.origins["run.seed"].startswith("baseline.yaml:")


def test_a_scalar_and_a_mapping_of_the_same_dial_collide(tmp_path: Path) -> None:
    write(tmp_path, "one", "levers:\n  certification_bonus: {registration_bonus: 3}\n")
    write(tmp_path, "two", "levers:\n  certification_bonus: {registration_bonus: {value: 1}}\n")
    both = write(tmp_path, "both", "extends: [./one.yaml, ./two.yaml]\n")
    assert "one.yaml:3" in problems_of(both)
    assert "same key" in problems_of(both)


def test_a_name_beside_the_file_is_asked_for_as_a_path(tmp_path: Path) -> None:
    write(tmp_path, "mine", "extends: baseline\n")
    message = problems_of(write(tmp_path, "other", "extends: mine\n"))
    assert 'write "./mine.yaml"' in message


def test_problems_of_parent_and_child_come_together(tmp_path: Path) -> None:
    write(tmp_path, "base", "run: {draws: -1}\n")
    message = problems_of(write(tmp_path, "child", "extends: ./base.yaml\nrun: {seed: -1}\n"))
    assert re.search(r"base\.yaml:2:14: run\.draws", message)
    assert re.search(r"child\.yaml:3:13: run\.seed", message)


def test_line_breaks_in_chinese_leave_no_space(tmp_path: Path) -> None:
    text = "summary:\n  zh: >-\n    第一行\n    第二行 and English\n    words\n"
    assert load_scenario(write(tmp_path, "x", text)).summary["zh"] == "第一行第二行 and English words"


# Catalogue


def test_nineteen_levers_in_order_with_source_and_both_labels() -> None:
    assert [lever.number for lever in LEVERS.values()] == list(range(1, 20))
    for lever in LEVERS.values():
        assert lever.source
        assert lever.en
        assert re.search(r"[\u4e00-\u9fff]", lever.zh)
        assert lever.mechanism
        assert lever.main.key == ""
        assert bool(lever.ladder_steps) == ("ladder" in lever.reach)
        assert lever.level == "city" or "places" not in lever.reach
        for dial in lever.dials:
            assert dial.low < dial.high
            assert dial.unit
            assert bool(dial.path) != bool(dial.calendar)
            assert not dial.key or (dial.en and re.search(r"[\u4e00-\u9fff]", dial.zh))
        for key, _dose in lever.standard_dose:
            lever.dial(key)


def test_evidence_behind_levers_exists() -> None:
    text = resources.path("calibration/evidence.yaml").read_text(encoding="utf-8")
    known = set(re.findall(r"id: (\w+)", text))
    assert {one for lever in LEVERS.values() for one in lever.evidence} <= known


def test_levers_stand_in_the_order_of_their_numbers() -> None:
    assert [lever.number for lever in LEVERS.values()] == list(range(1, 20))


@pytest.mark.parametrize("key", SHOCKS)
def test_every_shock_can_be_set(key: str) -> None:
    settings_of = {one.key: one.low for one in SHOCKS[key].settings if one.default is None}
    scenario = load_scenario("baseline", {f"shocks.{key}": {"from": "2024Q1", **settings_of}})
    shock = scenario.shock(key)
    assert shock is not None
    assert [name for name, _ in shock.settings] == [one.key for one in SHOCKS[key].settings]
    assert shock["notch" if key == "certification_tightening" else "depth"] == 0


def test_target_names_read_quickly_are_those_of_the_full_reader() -> None:
    file = target_file()
    assert target_names() == (tuple(file.groups), tuple(target.id for target in file.targets))
    assert load_scenario("baseline", {"targets": [file.targets[0].id]}).targets == (file.targets[0].id,)


# JSON Schema and the command line


def test_schema_accepts_what_is_shipped_and_refuses_what_is_broken() -> None:
    validator = jsonschema.Draft202012Validator(scenario_json_schema())
    validator.check_schema(scenario_json_schema())
    for name in library_names():
        tree, _ = read_document(resources.path(f"scenarios/{name}.yaml"), name)
        assert not list(validator.iter_errors(tree.plain())), name
    for name in ("unknown-key-in-lever", "value-is-text", "date-fifth-quarter", "unknown-place", "ladder-out-of-reach",
                 "out-of-range-dial", "shock-incomplete", "draws-is-negative", "empty-value"):
        tree, _ = read_document(BAD_FILES / f"{name}.yaml", name)
        assert list(validator.iter_errors(tree.plain())), name


def test_schema_names_units_and_never_null() -> None:
    text = json.dumps(scenario_json_schema(), ensure_ascii=False)
    assert '"null"' not in text
    assert "万元 per firm; 0 to 100" in text


def kechuang(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from kechuang.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=60,
                          env={**os.environ, "PYTHONUTF8": "1"})


def test_commands_answer(tmp_path: Path) -> None:
    shown = kechuang("check", "--show", "no-local-policy")
    assert shown.returncode == 0
    assert re.search(r"level: 0\s+# no-local-policy\.yaml:\d+", shown.stdout)
    assert re.search(r"draws: 100\s+# baseline\.yaml:\d+", shown.stdout)
    (tmp_path / "again.yaml").write_text(shown.stdout, encoding="utf-8")
    assert load_scenario(tmp_path / "again.yaml") == load_scenario("no-local-policy")
    assert kechuang("check", "--quiet", "baseline").stdout == ""
    schema = kechuang("schema", "scenario")
    assert json.loads(schema.stdout) == scenario_json_schema()
    wrong = kechuang("schema", "scenari")
    assert wrong.returncode == 2
    assert 'did you mean "scenario"' in wrong.stderr


# Anything at all


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "name", "levers", "run", "targets", "certification_bonus", "value", "path", "places", "2023Q1", "x"]),
        inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["name", "title", "law", "tide", "levers", "shocks", "run", "targets", "y"]),
                       PLAIN, max_size=5))
def test_any_data_is_either_a_scenario_or_a_list_of_problems(data: dict[str, Any]) -> None:
    problems: list[Problem] = []
    try:
        Scenario.from_plain(data)
    except InputError as error:
        problems = error.problems
    assert "name" in data or problems
    assert all(one.message and "Value error" not in one.message for one in problems)


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet="ab:{}[]\"'&*!|>-#%@`,?\n\t 019.eQ", max_size=60))
def test_any_text_is_read_or_refused(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    try:
        load_scenario(path)
    except InputError as error:
        problems = error.problems
    assert problems, "none of these texts can be a scenario"
    assert all(one.line >= 1 and one.file.endswith("any.yaml") for one in problems)
