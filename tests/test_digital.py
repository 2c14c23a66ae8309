"""Digitalisation, incubators and joint projects in small cities: money, levers, what they do to firms, worlds at the edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kechuang.parameters import default_draw
from kechuang.scenario import Scenario
from kechuang.world.indicators import POSITION
from kechuang.world.mechanisms import accounts, digital
from kechuang.world.mechanisms.demography import close_firms
from kechuang.world.model import Corridor
from kechuang.world.phases import incubators as incubator_phase
from kechuang.world.policy.policy_state import ADMINISTRATION, CASH, LEVERS
from kechuang.world.population.firms import FirmColumns, arrays
from worlds import LIMIT, NO_CEILING, city_of, firms_of, scenario_of

TENTH = 0.1
NO_PROJECTS: dict[str, Any] = {
    "digital_project_arrivals": [0.0] * 4,
    "digital_project_arrivals_2020": 0.0,
    "digital_light_external": 0.0,
    "digital_light_imitation": 0.0,
}
NONE = {"incubator_space": {"level": 0, "from": "2016Q1"}}
KEYS = ("digital_retrofit_subsidy", "incubator_space", "joint_projects")
STRONG = {
    "digital_retrofit_subsidy": {"value": 20, "from": "2017Q1"},
    "incubator_space": {"value": 40, "from": "2017Q1"},
    "joint_projects": {"value": 60, "from": "2017Q1"},
}


def lever(key: str, last: str = "2018Q4", start: str = "2017Q1", **how: Any) -> Scenario:
    return scenario_of(last, levers={key: {"from": start, **how}})


def plain(until: str = "2018Q4") -> Scenario:
    return scenario_of(until)


def city(scenario: Scenario, seed: int = 4, scale: float = TENTH, audit: bool = True, **values: Any) -> Corridor:
    return city_of(scenario, default_draw("B").with_values(**{**NO_CEILING, **values}), seed, audit=audit, scale=scale)


def reading(now: Corridor, key: str, quarter: int = -1) -> float:
    return float(now.indicators[quarter, POSITION[key]])


def cost(now: Corridor, key: str, kind: int = CASH) -> float:
    return float(now.costs.amounts[:, LEVERS.index(key), kind].sum())


def same_city(one: Corridor, other: Corridor, *, but: tuple[str, ...] = ()) -> bool:
    if one.firms.count != other.firms.count:
        return False
    pairs = zip(FirmColumns._fields, arrays(one.firms.columns), arrays(other.firms.columns), strict=True)
    return all(
        np.array_equal(ours[: one.firms.count], theirs[: one.firms.count]) for name, ours, theirs in pairs if name not in but
    )


# All three levers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("how", [{"value": 0}, {"value": 20, "budget": 0}])
def test_no_dose_and_no_budget_change_no_bit(key: str, how: dict[str, Any]) -> None:
    one, other = city(plain()).run(), city(lever(key, **how)).run()
    assert np.array_equal(one.indicators, other.indicators, equal_nan=True)
    assert same_city(one, other)


def test_books_close_and_firms_stay_solvent_with_all_three() -> None:
    now = city(scenario_of("2019Q4", levers=STRONG)).run()  # audited: every quarter was checked
    assert now.worst_residual < LIMIT
    assert min(cost(now, key) for key in KEYS) > 0.0
    for key in KEYS:
        assert cost(now, key, ADMINISTRATION) == pytest.approx(0.02 * cost(now, key))
    assert now.firms.columns.deposits[: now.firms.count].min() >= 0.0


@pytest.mark.parametrize(("key", "dose"), [("digital_retrofit_subsidy", 50), ("incubator_space", 200), ("joint_projects", 90)])
def test_a_budget_binds_the_cash_of_a_change(key: str, dose: float) -> None:
    """.02亿元 a year for two years, in a tenth of the city: 20万元 a year beyond what the path would cost."""
    scenario = {"free": lever(key, value=dose), "bound": lever(key, value=dose, budget=0.02)}
    now = {name: city(one).run() for name, one in scenario.items()} | {"path": city(plain()).run()}
    extra = {name: cost(now[name], key) - cost(now["path"], key) for name in scenario}
    assert extra["free"] > 60.0
    if key == "incubator_space":  # the only one whose path costs the same with and without the change
        assert extra["bound"] == pytest.approx(40.0)
        assert reading(now["path"], "incubator_floor") < reading(now["bound"], "incubator_floor")
        assert reading(now["bound"], "incubator_floor") < reading(now["free"], "incubator_floor")
    budget = now["bound"].policy.support.budgets[key]
    assert 0.0 <= budget.left < 20.0
    assert extra["bound"] < 0.8 * extra["free"]


def test_the_ceiling_cuts_subsidies_and_instalments_but_not_the_rent() -> None:
    """A ceiling near zero: rent is a contract and comes first, claims of firms get nothing."""
    parts = {"levers": {**STRONG, "joint_projects": {"value": 60, "from": "2016Q1"}}}
    draw = default_draw("B").with_values(support_ceiling_scale=1e-9)
    now = city_of(scenario_of("2018Q4", **parts), draw, 4, audit=True, scale=TENTH).run()
    assert cost(now, "incubator_space") > 0.0
    assert cost(now, "joint_projects") == cost(now, "digital_retrofit_subsidy") == 0.0


# Digitalisation -------------------------------------------------------------------------------------------------------


def test_projects_cost_what_the_ledger_says_and_only_firms_that_can_pay_start() -> None:
    paid: list[float] = []

    def before(now: Corridor) -> None:
        columns = now.firms.columns
        paid.append(float(columns.deposits[: now.firms.count][columns.alive[: now.firms.count] == 1].sum()))

    def after(now: Corridor) -> None:
        columns, count = now.firms.columns, now.firms.count
        paid[-1] -= float(columns.deposits[:count][columns.alive[:count] == 1].sum())
        assert paid[-1] == pytest.approx(float(now.ledger.frame().loc["digital projects", "outside"]), abs=1e-4)

    events = {"support": [before], "digital": [after]}
    city_of(plain("2017Q4"), default_draw("B"), 4, audit=True, scale=TENTH, events=events).run()
    assert len(paid) == 8
    assert min(paid) > 0.0


def test_projects_of_the_year_are_counted_from_january() -> None:
    now = city(plain("2017Q4"), digital_project_arrivals=[400.0] * 4)
    found = []
    for _ in range(8):
        now.step()
        row = now.quarter - 1
        found.append((reading(now, "digital_key_projects", row), reading(now, "digital_investment", row)))
    counts, money = zip(*found, strict=True)
    assert money[4] < money[3]
    assert list(counts[:4]) == sorted(counts[:4])
    assert counts[4] < counts[3]
    assert list(counts[4:]) == sorted(counts[4:])
    kinds = now.firms.columns.digital[: now.firms.count]
    assert (kinds >= digital.KEY).sum() > 10


def test_productivity_dips_at_most_four_quarters_and_then_rises() -> None:
    """One key project against none, the same firm: -.01 for four quarters, then more every quarter up to +.03."""
    paths = {}
    for name in ("with", "without"):
        now = city(plain("2020Q4"), audit=False, **NO_PROJECTS)
        now.run(1)
        columns = now.firms.columns
        doing = (columns.above_scale == 1) & (columns.does_research == 0) & (columns.participation > 0.999)
        row = int(np.flatnonzero(doing[: now.firms.count])[0])
        identity = int(columns.identity[row])
        if name == "with":
            columns.digital[row], columns.digitised[row] = digital.KEY, 1
            columns.productivity[row] -= 0.01  # what `_begin` does in the first quarter
        values = []
        for _ in range(14):
            row = int(np.flatnonzero(now.firms.columns.identity[: now.firms.count] == identity)[0])
            values.append((float(now.firms.columns.productivity[row]), float(now.firms.columns.margin[row])))
            now.step()
        paths[name] = np.array(values)
    effect = paths["with"] - paths["without"]
    rise = [0.03 * k / 8 for k in range(1, 9)]
    assert effect[:, 0] == pytest.approx([-0.01] * 4 + rise + [0.03] * 2)
    slope = default_draw("B").number("margin_productivity")
    assert effect[:, 1] == pytest.approx(slope * (effect[:, 0] + 0.01))  # the margin at the start was not touched by hand


def test_without_gain_dip_and_cost_projects_change_no_sales() -> None:
    idle = ("digital_productivity_gain", "digital_productivity_dip", "digital_project_cost", "digital_light_cost")
    free = dict.fromkeys(idle, 0.0)
    many, few = city(plain("2019Q4"), **free).run(), city(plain("2019Q4"), **free, **NO_PROJECTS).run()
    assert reading(many, "digital_coverage") > reading(few, "digital_coverage") + 3.0
    assert same_city(many, few, but=("digital", "digitised"))


def test_a_higher_share_of_cost_brings_more_retrofits_where_it_is_paid() -> None:
    """+50 points in one place from 2017 on: a third more firms there after a year, elsewhere within a tenth of as many."""
    aimed = lever("digital_retrofit_subsidy", value=50, places=["wenling"])
    base, more = (city(scenario, scale=0.3, audit=False).run(8) for scenario in (plain(), aimed))
    place = [entry.key for entry in base.geography.places].index("wenling")
    sets = []
    for now in (base, more):
        columns, count = now.firms.columns, now.firms.count
        light = columns.digital[:count] > 0
        here = columns.place[:count] == place
        sets.append(tuple(set(columns.identity[:count][light & where].tolist()) for where in (here, ~here)))
    assert len(sets[1][0]) > 1.3 * len(sets[0][0])
    assert abs(len(sets[1][1]) - len(sets[0][1])) <= 0.1 * len(sets[0][1])


def test_adoption_rises_with_the_subsidy_in_every_luck() -> None:
    for seed in range(1, 5):
        dosed = lever("digital_retrofit_subsidy", "2020Q4", value=50)
        one, other = (city(scenario, seed, audit=False).run() for scenario in (plain("2020Q4"), dosed))
        assert np.array_equal(one.indicators[:4], other.indicators[:4], equal_nan=True)
        assert reading(other, "digital_coverage") > reading(one, "digital_coverage") + 3.0


def test_key_projects_get_cash_and_come_no_more_often() -> None:
    dose = {"digital_retrofit_subsidy": {"key_share": {"value": 40, "from": "2017Q1"}}}
    key_only = scenario_of("2018Q4", levers=dose)
    one, other = city(plain()).run(), city(key_only).run()
    assert cost(other, "digital_retrofit_subsidy") > cost(one, "digital_retrofit_subsidy")
    key = POSITION["digital_key_projects"]
    assert np.array_equal(one.indicators[:, key], other.indicators[:, key])


def test_coverage_never_exceeds_everybody() -> None:
    now = city(lever("digital_retrofit_subsidy", "2030Q4", level=60), audit=False, digital_light_imitation=5.0).run()
    share = now.indicators[:, POSITION["digital_coverage"]]
    assert share.max() <= 100.0
    assert share[-1] > 85.0
    columns, count = now.firms.columns, now.firms.count
    panel = (columns.alive[:count] == 1) & (columns.above_scale[:count] == 1)
    assert (columns.digital[:count][panel] > 0).mean() == pytest.approx(share[-1] / 100.0)


def test_the_digital_core_is_the_value_added_of_its_industries() -> None:
    now = city(plain("2016Q4"))
    now.digital_core[:] = True
    everything = 0.0
    for _ in range(4):
        now.step()
        everything += float(now.measures[accounts.VALUE_ADDED]) + float(now.cell_value_added.sum())
    assert reading(now, "digital_core_value_added") == pytest.approx(everything / 1e4 / TENTH)
    core = city(plain("2016Q4")).run()
    assert 0.0 < reading(core, "digital_core_value_added") < 0.4 * everything / 1e4 / TENTH


# Incubators -----------------------------------------------------------------------------------------------------------


def test_tenants_fill_the_floor_leave_after_their_stay_and_cost_their_rent() -> None:
    """25.2万m2 at the end of 2016 hold 504 tenants; rent 60元 per m2 a year, each quarter on the floor of its day."""
    now = city(plain("2016Q4")).run()
    assert reading(now, "incubator_floor") == pytest.approx(25.2)
    assert 0.9 * 504 < reading(now, "incubator_tenants") <= 504.0 + 1e-6
    floors = [20.0 + 26.0 * quarter / 20 for quarter in range(1, 5)]
    assert cost(now, "incubator_space") == pytest.approx(TENTH * 15.0 * sum(floors))
    assert reading(now, "incubator_graduates") == pytest.approx(3 / 14 * 426, rel=0.35)  # a part of them are a few single firms


def test_no_tenant_is_too_old_stays_too_long_or_is_counted_twice() -> None:
    now = city(plain("2021Q4"))
    for _ in range(24):
        now.step()
        columns, count = now.firms.columns, now.firms.count
        inside = (columns.tenant_since[:count] > incubator_phase.rules.NO_TENANT) & (columns.alive[:count] == 1)
        since, born = columns.tenant_since[:count][inside].astype(int), columns.born[:count][inside].astype(int)
        assert ((now.quarter - since >= 0) & (now.quarter - since < 14)).all()
        assert (since - born < 12).all()
        units = now.reservoir.units[..., None] * now.reservoir.age_mix[..., : now.incubators.ages]
        assert (now.incubators.cells >= 0.0).all()
        # Closures fall on whole units, while tenants are expected numbers.
        assert (now.incubators.tenants_by_age <= 1.02 * units + 1e-9).all()
    assert inside.any()
    assert now.incubators.cells[..., 3:].sum() > 0.0  # ages move on in January


def test_tenants_survive_at_least_as_well() -> None:
    """Agents: half the hazard inside, n = 40 000 each, 4 standard errors (false alarm 6e-5). Cells: fewer units close."""
    p, n = city(plain()).rules.demography._replace(incubator_hazard_ratio=0.5), 40_000
    hazard = 0.25 * float(p.exit_hazard[1])
    for since, chance in ((-999, 1.0 - np.exp(-hazard)), (0, 1.0 - np.exp(-0.5 * hazard))):
        firms = firms_of(n, sales=250.0, born=0, tenant_since=since)
        closed = close_firms(firms.columns, n, 5, np.uint64(7), p).size
        assert closed == pytest.approx(n * chance, abs=4.0 * np.sqrt(n * chance))
    huge = {"incubator_space": {"level": 300, "from": "2016Q1"}}
    for seed in range(4):
        bare, full = (
            city(scenario_of("2018Q4", levers=one), seed, incubator_hazard_ratio=0.5).run()
            for one in (NONE, huge)
        )
        exits = [now.indicators[:, POSITION["firms_exited"]].sum() for now in (bare, full)]
        assert exits[1] < exits[0]
        assert reading(full, "incubator_graduates") > 0.0
        assert reading(bare, "incubator_tenants") == reading(bare, "incubator_graduates") == 0.0


def test_a_ratio_of_one_changes_no_firm_and_no_unit() -> None:
    huge = {"incubator_space": {"level": 300, "from": "2016Q1"}}
    bare, full = (
        city(scenario_of("2018Q4", levers=one), incubator_hazard_ratio=1.0).run() for one in (NONE, huge)
    )
    assert reading(full, "incubator_tenants") > 1000.0
    assert same_city(bare, full, but=("tenant_since",))
    assert np.array_equal(bare.reservoir.units, full.reservoir.units)
    assert np.array_equal(bare.reservoir.age_mix, full.reservoir.age_mix)


def test_floor_for_a_place_or_a_step_goes_there() -> None:
    core = city(plain()).geography.places[0].key
    wide = city(lever("incubator_space", value=100, places=[core]), audit=False).run(6)
    base = city(plain(), audit=False).run(6)
    more = wide.incubators.floor_now.open - base.incubators.floor_now.open
    assert more[0] == pytest.approx(100.0)
    assert more[1:] == pytest.approx(0.0)
    listed = city(lever("incubator_space", value=100, ladder=[1]), audit=False).run(6)
    assert listed.incubators.floor_now.reserved[:, 1].sum() == pytest.approx(100.0)
    assert np.allclose(listed.incubators.cells.sum(), base.incubators.cells.sum(), rtol=0.3)
    columns, count = listed.firms.columns, listed.firms.count
    young = (columns.alive[:count] == 1) & (columns.ladder[:count] == 1) & (listed.quarter - columns.born[:count] < 12)
    inside = columns.tenant_since[:count] > incubator_phase.rules.NO_TENANT
    assert (inside & young).sum() > 0.8 * young.sum()


def test_floor_of_plan_nodes_is_added_in_its_place() -> None:
    now = city(plain("2016Q2"))
    now.nodes.floor = lambda quarter: np.eye(13)[2] * 1.5  # type: ignore[method-assign]
    now.run(1)
    assert reading(now, "incubator_floor", 0) == pytest.approx(20.0 + 1.3 + 1.5)
    assert now.incubators.floor_now.open[2] == pytest.approx(1.5 + 21.3 * now.place_share[2] / now.place_share.sum())


# Joint projects -------------------------------------------------------------------------------------------------------


def test_teams_are_whole_related_and_each_firm_is_in_one() -> None:
    now = city(lever("joint_projects", "2019Q4", start="2016Q1", level=100), scale=0.3).run()
    columns, count = now.firms.columns, now.firms.count
    row_of = dict(zip(columns.identity[:count].tolist(), range(count), strict=True))
    projects = now.joint.projects
    assert len(projects) > 60
    for quarter in range(1, 17):
        members = [firm for project in projects if project.starts <= quarter < project.ends for firm in project.members]
        assert len(members) == len(set(members))
    for project in projects:
        assert 3 <= len(project.members) <= 6
        assert project.ends - project.starts == 8
        known = [row_of[firm] for firm in project.members if firm in row_of]
        if project.members[0] in row_of:
            pairs = now.proximity[columns.industry[known[0]], columns.industry[known]]
            assert (pairs >= now.rules.value("proximity_related")).all()
    assert reading(now, "joint_projects") == pytest.approx(now.joint.running(16) / 0.3)


def test_members_learn_more_and_get_their_grant_in_eight_parts() -> None:
    """300万元 a project: 37.5 a quarter, shared alike; nobody's instalment exceeds its R&D."""
    once = lever("joint_projects", "2019Q1", start="2016Q2", until="2016Q2", level=100)
    now = city(once, scale=0.3, carrier_contract_rate=0.0).run(2)  # no contracts beside them
    columns, count = now.firms.columns, now.firms.count
    inside = np.flatnonzero(columns.project_ends[:count] > now.quarter)
    assert inside.size >= 3
    assert (columns.pool_boost[inside] >= 0.0).all()
    assert (columns.pool_boost[inside] > 0.0).mean() > 0.8
    assert not columns.pool_boost[:count][columns.project_ends[:count] == 0].any()
    started = [project for project in now.joint.projects if project.starts == 2]
    assert columns.project_grant[inside].sum() == pytest.approx(37.5 * len(started))
    assert cost(now, "joint_projects") == pytest.approx(37.5 * len(started))
    now.run(9)
    assert cost(now, "joint_projects") <= 8 * 37.5 * len(started) * (1.0 + 1e-9)
    assert cost(now, "joint_projects") > 6 * 37.5 * len(started)  # some members close before the end
    assert now.joint.running(9) == len(started)
    now.run(10)
    columns, count = now.firms.columns, now.firms.count
    assert now.joint.running(10) == 0
    assert not columns.project_grant[:count].any()
    assert not columns.project_ends[:count].any()
    assert float(now.costs.amounts[10, LEVERS.index("joint_projects"), CASH]) == 0.0


def test_what_a_joint_project_pays_gets_no_second_grant() -> None:
    now = city(plain("2017Q4"))
    now.run(1)

    def join(here: Corridor) -> None:
        columns, count = here.firms.columns, here.firms.count
        columns.project_grant[:count] = columns.reported_year[:count, here.position]

    now.own_events = {"joint": [join]}
    now.step()
    assert float(now.costs.amounts[2, LEVERS.index("research_grant"), CASH]) == 0.0


def test_projects_for_an_industry_or_a_step_are_led_there() -> None:
    """Five a year are open to all from 2020 on; before 2019 the path is zero, so every project is one of the dose."""
    aimed = lever("joint_projects", "2018Q3", value=90, industries=["equipment"], ladder=[1])
    now = city(aimed, scale=0.5, audit=False)
    leaders = []

    def note(here: Corridor) -> None:
        columns, count = here.firms.columns, here.firms.count
        for project in here.joint.projects:
            if project.starts == here.quarter:
                row = int(np.flatnonzero(columns.identity[:count] == project.members[0])[0])
                leaders.append((here.geography.industries[columns.industry[row]].key, int(columns.ladder[row])))

    now.own_events = {"joint": [note]}
    now.run()
    assert len(leaders) > 20
    assert set(leaders) == {("equipment", 1)}


def test_more_projects_add_to_those_of_the_same_quarter() -> None:
    teams = []
    for level in (40, 100):
        now = city(lever("joint_projects", start="2016Q1", level=level), scale=0.5, audit=False).run(2)
        teams.append([project.members for project in now.joint.projects])
    assert 0 < len(teams[0]) < len(teams[1])
    assert teams[1][: len(teams[0])] == teams[0]


ODD = [{"digital_productivity_gain": -0.05}, {"incubator_hazard_ratio": 1.4}, {"joint_project_rivalry": 1.0}]


@pytest.mark.parametrize("values", ODD)
def test_books_close_in_odd_worlds(values: dict[str, float]) -> None:
    now = city(scenario_of("2018Q4", levers=STRONG), scale=0.05, **values).run()
    assert now.worst_residual < LIMIT
