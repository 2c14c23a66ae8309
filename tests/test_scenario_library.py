"""What the shipped scenarios promise: packages of equal cost, one lever an override, combinations, labels, and that they run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kechuang import resources
from kechuang.ensemble.draws import draws_for
from kechuang.ensemble.plan import RunPlan
from kechuang.ensemble.record import input_files
from kechuang.errors import InputError
from kechuang.parameters import prior_draw
from kechuang.scenario import LEVERS, Scenario, load_scenario
from kechuang.scenario.library import library_names, override_names
from kechuang.world.indicators import POSITION
from kechuang.world.simulate import RunResult, simulate

LIBRARY = {
    "baseline",
    "seed-only",
    "conditional-national-path",
    "corridor-plan",
    "plan-limited-cash",
    "finance-heavy",
    "talent-heavy",
    "platform-heavy",
    "stricter-certification",
    "export-recession",
    "no-local-policy",
    "double-doubling",
}
PACKAGES = ("finance-heavy", "talent-heavy", "platform-heavy")
PACKAGE_COST = 3.0
SETTINGS_ALONE = {
    "law-known": ("law", "known"),
    "tide-known": ("tide", "known"),
    "ceiling-planned": ("support_ceiling", "planned"),
    "ceiling-none": ("support_ceiling", "none"),
    "nodes-plan": ("nodes", "plan"),
}
SETTINGS = ("law", "tide", "support_ceiling", "nodes")


def run(scenario: Scenario, until: str = "2023Q4", scale: float = 0.03) -> RunResult:
    return simulate(scenario.with_run(until=until), prior_draw(1, 2026), seed=5, scale=scale)


def budgets(scenario: Scenario) -> dict[str, float | None]:
    return {change.key: change.budget for change in scenario.levers}


def test_the_library_is_whole_and_listed() -> None:
    assert set(library_names()) == LIBRARY
    assert not set(override_names()) & LIBRARY, "a name means one file"
    page = resources.path("scenarios/README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\((\S+)\.yaml\)", page))
    assert linked == LIBRARY | {f"overrides/{name}" for name in override_names()}
    for name in override_names():
        title = load_scenario(name).title
        assert f"{title['en']} · {title['zh']}" in page


@pytest.mark.parametrize("name", [*library_names(), *override_names()])
def test_every_file_runs_small(name: str) -> None:
    found = run(load_scenario(name), until="2023Q2")
    assert np.isfinite(found.indicators[-1, POSITION["high_tech_firms"]])
    assert found.indicators[:, POSITION["ledger_residual"]].max() < 1e-9


@pytest.mark.parametrize("name", [name for name in library_names() if name not in ("baseline", "no-local-policy")])
def test_every_scenario_says_what_is_assumed_and_what_is_no_forecast(name: str) -> None:
    summary = load_scenario(name).summary
    words = {"en": "assum|only what was known|conditional", "zh": "假设|只使用|条件"}
    for language, pattern in words.items():
        assert re.search(pattern, summary[language]), language


# Packages of equal cost


@pytest.mark.parametrize("name", PACKAGES)
def test_packages_plan_the_same_sum_in_levers_of_the_city(name: str) -> None:
    scenario = load_scenario(name)
    planned = budgets(scenario)
    assert all(LEVERS[key].level == "city" for key in planned)
    assert None not in planned.values(), "a measure without a budget would have no planned cost"
    assert sum(amount for amount in planned.values() if amount) == pytest.approx(PACKAGE_COST, abs=1e-12)
    assert {change.from_quarter for change in scenario.levers} == {29}
    assert not scenario.shocks
    base = load_scenario("ceiling-none")
    assert all(getattr(scenario, key) == getattr(base, key) for key in SETTINGS), "they differ in levers only"


def test_packages_share_no_lever() -> None:
    keys = [key for name in PACKAGES for key in budgets(load_scenario(name))]
    assert len(keys) == len(set(keys))


def test_packages_spend_no_more_than_planned_and_most_of_it() -> None:
    """One draw, a tenth of the city, 2024 and 2025 against no package; budgets are in prices of 2020."""

    def cash(name: str) -> float:
        found = run(load_scenario(name), until="2025Q4", scale=0.1)
        return float(found.costs[-8:, :, 0].sum()) / 2.0

    without = cash("ceiling-none")
    for name in PACKAGES:
        more = cash(name) - without
        assert 0.8 * PACKAGE_COST < more < 1.25 * PACKAGE_COST, (name, more)


def test_plan_with_limited_cash_caps_every_measure_of_the_plan() -> None:
    plan, limited = load_scenario("corridor-plan"), load_scenario("plan-limited-cash")
    sums = {"guidance_fund": "", "guarantee_coverage": "capital"}  # they buy something: the sum itself is cut
    assert {change.key for change in limited.levers} == {change.key for change in plan.levers}
    for key, budget in budgets(limited).items():
        if key in sums:
            one, other = (scenario.changes(key, sums[key])[0].amount for scenario in (plan, limited))
            assert other == pytest.approx(0.6 * one)
        else:
            assert budget is not None
            assert 0.0 < budget < 2.2
            bare = tuple(replace(change, budget=None) for change in limited.levers if change.key == key)
            assert bare == tuple(change for change in plan.levers if change.key == key), "only the budget is new"
    assert (plan.nodes, limited.nodes) == ("plan", "slow")


# Overrides


@pytest.mark.parametrize("name", override_names())
def test_an_override_changes_one_thing(name: str) -> None:
    scenario, base = load_scenario(name), load_scenario("baseline")
    assert scenario.name == name
    assert re.search(r"[\u4e00-\u9fff]", scenario.title["zh"] + scenario.summary["zh"])
    assert not re.search(r"[\u4e00-\u9fff][ ,:;()]", scenario.summary["zh"])
    changed = {key: getattr(scenario, key) for key in SETTINGS if getattr(scenario, key) != getattr(base, key)}
    if name in SETTINGS_ALONE:
        assert changed == dict([SETTINGS_ALONE[name]])
        assert not scenario.levers
        return
    assert not changed
    (key,) = {change.key for change in scenario.levers}
    doses = {(change.dial, change.amount) for change in scenario.levers}
    assert doses == {(dial, float(amount)) for dial, amount in LEVERS[key].standard_dose}, "the standard dose"
    assert {(change.mode, change.from_quarter) for change in scenario.levers} == {("value", 29)}


def test_every_lever_of_the_city_has_an_override() -> None:
    keys = {change.key for name in override_names() for change in load_scenario(name).levers}
    assert keys == {key for key, lever in LEVERS.items() if lever.level == "city"} | {"zone_approval"}


def test_overrides_are_laid_on_a_scenario_and_on_each_other(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("name: mine\nextends: [stricter-certification, talent-subsidy, nodes-plan]\n", encoding="utf-8")
    scenario = load_scenario(mine)
    assert scenario.shock("certification_tightening") is not None
    assert [change.key for change in scenario.levers] == ["talent_subsidy"]
    assert scenario.nodes == "plan"
    plan = RunPlan(scenario, draws_for("prior", 1, 1), 1, "prior")
    assert {"scenarios/stricter-certification.yaml", "scenarios/overrides/nodes-plan.yaml"} <= set(input_files(plan))
    mine.write_text("name: mine\nextends: [corridor-plan, joint-projects]\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"levers\.joint_projects.*is also set in .*corridor-plan\.yaml"):
        load_scenario(mine)
    with pytest.raises(InputError, match='did you mean "talent-subsidy"'):
        load_scenario("talent-subsidi")
