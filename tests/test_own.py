"""Levers and events of an analyst: what they see, what they cost, how they are recorded, and how mistakes are said."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kechuang as kc
from kechuang.ensemble.plan import can_travel, default_engine, own_engine
from kechuang.ensemble.record import read_record
from kechuang.errors import InputError
from kechuang.parameters import default_draw
from kechuang.world.model import Corridor
from kechuang.world.policy.own import PHASES, OwnLever, events_by_phase, fingerprints
from kechuang.world.policy.policy_state import CASH
from kechuang.world.simulate import simulate
from worlds import SMALL, scenario_of

UNTIL = "2017Q2"


def pay_ten(city: Corridor) -> None:
    """Pay 10万元 to the first five living firms."""
    rows = np.flatnonzero(city.firms.columns.alive[: city.firms.count] == 1)[:5]
    city.support("gift", rows, np.full(rows.size, 10.0))


def pay_nothing(city: Corridor) -> None:
    """Look, and pay nobody."""
    city.support("gift", np.empty(0, dtype=np.int64), np.empty(0))


def look(city: Corridor) -> None:
    """Look only."""
    assert len(city.firms) > 0


def city_with(*levers: OwnLever, events: Any = None, **options: Any) -> Corridor:
    return Corridor(
        scenario_of(UNTIL), default_draw("B"), 3, scale=SMALL, levers=levers, events=events, collect=False, **options
    )


def test_the_phases_are_those_of_a_quarter() -> None:
    tree = ast.parse(inspect.getsource(Corridor.step).lstrip().replace("\n    ", "\n"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call.args[0].value for call in calls if getattr(call.func, "attr", "") == "_phase"]  # type: ignore[attr-defined]
    assert tuple(named) == PHASES


def test_a_lever_pays_firms_and_stands_in_the_costs() -> None:
    """Five firms, 10万元 a quarter, six quarters: 300万元 of cash and 2 % administration; every account agrees."""
    city = city_with(OwnLever("gift", pay_ten), audit=True).run()
    position = city.costs.levers.index("gift")
    assert city.costs.amounts[1:7, position, CASH] == pytest.approx([50.0] * 6)
    assert city.ledger.flows["own lever gift"].count(0.0) == 8
    result = simulate(scenario_of(UNTIL), default_draw("B"), 3, scale=SMALL, levers=[OwnLever("gift", pay_ten)])
    assert result.lever_keys[-1] == "gift"
    assert result.costs[:, -1, 0].sum() * SMALL == pytest.approx(0.03)  # 亿元, before scaling up


def test_firms_get_what_the_lever_grants() -> None:
    rows = slice(0, 5)
    plain = city_with().run(1).firms.columns.deposits[rows].copy()
    paid = city_with(OwnLever("gift", pay_ten)).run(1).firms.columns.deposits[rows]
    assert paid - plain == pytest.approx([10.0] * 5)


def test_a_lever_and_an_event_that_do_nothing_change_nothing() -> None:
    plain = city_with().run().indicators
    idle = city_with(OwnLever("gift", pay_nothing), events={"growth": [look]}).run().indicators
    assert np.array_equal(plain, idle, equal_nan=True)


@pytest.mark.parametrize(
    ("levers", "events", "said"),
    [
        ((), {"grwth": [look]}, 'did you mean "growth"'),
        ((OwnLever("gift", pay_ten, phase="lunch"),), None, 'no phase "lunch"'),
        ((OwnLever("gift", pay_ten, phase="government"),), None, "before the phase"),
        ((OwnLever("super_deduction", pay_ten),), None, "another name"),
        ((OwnLever("gift", pay_ten), OwnLever("gift", pay_ten)), None, "another name"),
    ],
)
def test_mistakes_are_said_before_anything_runs(levers: tuple[OwnLever, ...], events: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        events_by_phase(levers, events)


def test_a_lever_can_pay_under_its_own_name_only() -> None:
    with pytest.raises(InputError, match="gift: is not one of other"):
        city_with(OwnLever("other", pay_ten)).run(1)


def test_all_mistakes_are_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        events_by_phase((OwnLever("gift", pay_ten, phase="lunch"),), {"grwth": [look], "tea": [look]})
    assert len(caught.value.problems) == 3


def test_the_record_binds_the_source(tmp_path: Path) -> None:
    def other(city: Corridor) -> None:
        pay_ten(city)

    options: dict[str, Any] = {"draws": 1, "scale": SMALL, "out": tmp_path, "progress": False, "workers": 1}
    first = kc.run(scenario_of(UNTIL), levers=[OwnLever("gift", pay_ten)], **options)
    second = kc.run(scenario_of(UNTIL), levers=[OwnLever("gift", other)], **options)
    plain = kc.run(scenario_of(UNTIL), **options)
    assert read_record(first.folder)["own"].keys() == {"lever gift after support"}
    assert read_record(first.folder)["own"] != read_record(second.folder)["own"]
    assert "own" not in read_record(plain.folder)
    assert set(first.costs["lever"]) - set(plain.costs["lever"]) == {"gift"}
    assert first.indicators.equals(second.indicators)


def test_code_without_source_is_bound_by_what_it_compiles_to() -> None:
    typed: dict[str, Any] = {}
    exec("def one(city):\n    return 1\n\ndef two(city):\n    return 2\n", typed)
    one, two = (fingerprints([], {"growth": [typed[name]]}) for name in ("one", "two"))
    assert one != two
    with pytest.raises(InputError, match="not a function"):
        fingerprints([], {"growth": [print]})


def test_only_importable_functions_travel_to_other_processes() -> None:
    typed: dict[str, Any] = {"__name__": "__main__"}
    exec("def one(city):\n    return 1\n", typed)
    assert can_travel(own_engine(default_engine(), [OwnLever("gift", pay_ten)], None)[0])
    assert not can_travel(own_engine(default_engine(), [], {"growth": [typed["one"]]})[0])


# Looking --------------------------------------------------------------------------------------------------------------


def test_institutions_are_agents_and_show_their_books() -> None:
    city = Corridor(scenario_of(UNTIL), default_draw("B"), 3, scale=SMALL).run()
    counted = {kind.__name__: len(agents) for kind, agents in city.agents_by_type.items()}
    assert counted == {"Bank": 37, "Fund": 4, "Government": 1, "GuaranteeFund": 1, "CompensationFund": 1}
    books = city.banks.frame()
    assert books["loans"].sum() == pytest.approx(city.firms.frame()["loans"].sum())
    assert (books["loans"] - books["funding"] - books["capital"]).abs().max() < 1e-6
    bank = city.banks[30]
    assert (bank.loans, bank.name) == (books["loans"][30], books["name"][30])
    collected = city.datacollector.get_model_vars_dataframe()
    assert collected["loans_outstanding"].iloc[-1] == pytest.approx(books["loans"].sum() / 1e4 / SMALL)
    city.release()


@pytest.mark.parametrize("seed", [-1, 2**40])
def test_a_seed_beyond_the_keys_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match="seed"):
        Corridor(scenario_of(UNTIL), default_draw("B"), seed, collect=False)
