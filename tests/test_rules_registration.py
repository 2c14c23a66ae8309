"""Coming onto the list of technology SMEs: hazards by hand, candidates that a lever never renumbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kechuang.parameters import default_draw
from kechuang.randomness import Purpose, uniforms
from kechuang.world.institutions.budget import Budget
from kechuang.world.mechanisms import registration
from kechuang.world.mechanisms.registration import (
    RegistrationParameters,
    candidates,
    eligibility,
    peer_shares,
    pool,
    registration_hazard,
)
from kechuang.world.model import Corridor
from kechuang.world.population import admission
from worlds import city_of, firms_of, record, scenario_of

P = record(
    RegistrationParameters,
    external_registration=0.02,
    registration_imitation=0.4,
    outreach_effect=0.002,
    pool_size=18_000.0,
    pool_growth=0.05,
    pool_share_max=0.5,
    peer_weight_own=0.5,
    eligibility_by_size=np.array([0.05, 0.25, 0.55, 0.80, 0.90]),
    size_bin_bounds=np.array([100.0, 300.0, 800.0, 2000.0]),
)


def test_hazard_by_hand() -> None:
    """0.02 + 0.4 x 0.25 + 0.002 x 3 = 0.126 a year."""
    assert registration_hazard(np.array([0.25]), np.array([3.0]), P) == pytest.approx([0.126])


def test_pool_grows_up_to_half_of_all_units() -> None:
    """18 000 x 1.05^5 = 22 973 at the end of 2020, a quarter of it in the first cell.

    The first cell has few units: half of its 8000 can be reached, which is less than its 5743. The second has enough.
    """
    weight, plenty = np.array([0.25, 0.75]), np.array([1e6, 1e6])
    assert pool(0, plenty, weight, P) == pytest.approx([4500.0, 13_500.0])
    assert pool(20, plenty, weight, P) == pytest.approx([5743.27, 17_229.80], abs=0.01)
    assert pool(20, np.array([8000.0, 1e6]), weight, P) == pytest.approx([4000.0, 17_229.80], abs=0.01)


def test_pool_by_closure_and_scale() -> None:
    """A keeps the pool fixed, B and C let it grow; a tenth of the city has a tenth of the pool."""
    draw = default_draw().with_values(pool_size=18_000.0, pool_growth=0.05)
    grown = {
        closure: float(
            pool(40, np.array([1e9]), np.ones(1), RegistrationParameters.of(draw.with_closure(closure), 0.1))[0]
        )
        for closure in ("A", "B", "C")
    }
    assert grown["A"] == pytest.approx(1800.0)
    assert grown["B"] == grown["C"] == pytest.approx(1800.0 * 1.05**10)


def test_peer_shares_by_hand() -> None:
    """Cells 10 of 40, 30 of 20 (capped at 1), none of none; city 40 of 60: half own, half two thirds."""
    found = peer_shares(np.array([[10.0, 30.0, 0.0]]), np.array([[40.0, 20.0, 0.0]]), P)
    assert found == pytest.approx(np.array([[0.125 + 1 / 3, 0.5 + 1 / 3, 1 / 3]]))


@pytest.mark.parametrize(
    ("annual", "share"),
    [
        (1.0, 0.05),
        (99.99, 0.05),
        (100.0, 0.25),
        (300.0, 0.55),
        (800.0, 0.80),
        (1999.9, 0.80),
        (2000.0, 0.90),
        (1e6, 0.90),
    ],
)
def test_eligibility_by_size(annual: float, share: float) -> None:
    assert eligibility(annual, P) == share


def test_firms_become_aware_at_the_hazard_of_their_cell_and_size() -> None:
    """Cell hazard 2 a year; 0.90 of the large and 0.25 of the small: 1 - e^-0.45 and 1 - e^-0.125 a quarter."""
    n = 1000
    large = np.arange(n) % 2 == 0
    firms = firms_of(n, place=3, industry=5, sales=np.where(large, 1000.0, 50.0))
    firms.columns.ladder[:100] = 1
    hazard = np.zeros((13, 8))
    hazard[3, 5] = 2.0
    key = np.uint64(99)
    chance = np.where(large, 1 - math.exp(-0.45), 1 - math.exp(-0.125))
    hears = (uniforms(key, np.arange(n)) < chance) & (np.arange(n) >= 100)
    assert registration.become_aware(firms.columns, n, key, hazard, P) == hears.sum() > 100
    assert np.array_equal(firms.columns.aware[:n] == 1, hears)
    assert registration.become_aware(firms.columns, n, key, np.zeros((13, 8)), P) == 0


@pytest.mark.parametrize(
    ("columns", "registers"),
    [
        ({"aware": 1}, True),
        ({"aware": 0}, False),
        ({"aware": 1, "above_scale": 1}, False),  # first weighs an application
        ({"aware": 2, "above_scale": 1}, True),
        ({"aware": 2, "above_scale": 1, "applied": 1}, False),
        ({"aware": 1, "sales": 5000.0}, True),  # 2亿 a year is still an SME
        ({"aware": 1, "sales": 5000.01}, False),
        ({"aware": 1, "ladder": 1}, False),
        ({"aware": 1, "alive": 0}, False),
    ],
)
def test_who_registers_at_year_end(columns: dict[str, Any], registers: bool) -> None:
    firms = firms_of(1, **{"sales": 100.0, **columns})
    assert registration.register_aware(firms.columns, 1, 20_000.0).size == int(registers)
    assert firms[0].ladder == (1 if registers else columns.get("ladder", 0))


# Candidates -----------------------------------------------------------------------------------------------------------

HIGHEST = np.array([3.0, 0.0, 40.0, 0.2])


def drawn(quarter: int = 7, event: int = 1, highest: np.ndarray = HIGHEST, seed: int = 12) -> registration.Candidates:
    return candidates(seed, quarter, event, highest, Purpose.REGISTRATION_COUNT, Purpose.REGISTRATION)


def test_candidates_are_named_after_event_cell_quarter_and_number() -> None:
    found = drawn()
    assert found.identity.size > 20
    assert len(set(found.identity.tolist())) == found.identity.size
    assert np.array_equal(found.identity >> 40, np.full(found.cell.size, 1))
    assert np.array_equal((found.identity >> 28) & 0xFFF, found.cell)
    assert np.array_equal((found.identity >> 20) & 0xFF, np.full(found.cell.size, 7))
    for cell in range(4):
        numbers = (found.identity & 0xFFFFF)[found.cell == cell]
        assert np.array_equal(numbers, np.arange(numbers.size))
    assert not (found.cell == 1).any(), "a cell without rate has no candidate"


def test_events_and_quarters_have_their_own_candidates() -> None:
    everyone = np.concatenate([drawn(quarter, event).identity for quarter in (7, 8, 80) for event in (1, 2)])
    assert np.unique(everyone).size == everyone.size


def test_a_higher_rate_adds_candidates_and_changes_none() -> None:
    low, high = drawn(), drawn(highest=HIGHEST * np.array([1.0, 1.0, 1.5, 10.0]))
    before = dict(zip(low.identity.tolist(), low.draw.tolist(), strict=True))
    after = dict(zip(high.identity.tolist(), high.draw.tolist(), strict=True))
    assert before.items() < after.items()


@pytest.mark.statistical
def test_number_of_candidates_has_its_mean() -> None:
    """n = 80 quarters x 10 seeds of 43.2 expected; the total is Poisson, 4.5 standard errors, false alarm 7e-6."""
    total = sum(drawn(quarter, seed=seed).cell.size for quarter in range(1, 81) for seed in range(10))
    expected = 800 * HIGHEST.sum()
    assert total == pytest.approx(expected, abs=4.5 * math.sqrt(expected))


def recorded(monkeypatch: pytest.MonkeyPatch, **levers: Any) -> tuple[list[registration.Candidates], Corridor]:
    """Run two years of a city and return all candidate lists it drew."""
    lists: list[registration.Candidates] = []
    real: Callable[..., registration.Candidates] = candidates

    def remember(*arguments: Any) -> registration.Candidates:
        lists.append(real(*arguments))
        return lists[-1]

    with monkeypatch.context() as patch:
        patch.setattr(registration, "candidates", remember)
        city = city_of(scenario_of("2017Q4", levers=levers), scale=0.1).run()
    return lists, city


def test_the_list_of_candidates_is_the_same_whatever_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registration reward of 12万 instead of 2万 fills the list faster; every candidate stays who it was."""
    reward = {"registration_bonus": {"level": 12, "from": "2016Q1"}}
    plain, calm = recorded(monkeypatch)
    lists, rich = recorded(monkeypatch, certification_bonus=reward)
    assert len(plain) == len(lists) == 16  # registration and crossing in eight quarters
    for one, other in zip(plain, lists, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            assert np.array_equal(mine, theirs)
    assert rich.count_by_cell().listed.sum() > calm.count_by_cell().listed.sum()


def test_a_higher_reward_only_adds_newcomers_in_its_first_quarter() -> None:
    def registered(**levers: Any) -> dict[int, tuple[float, ...]]:
        city = city_of(scenario_of("2016Q2", levers=levers), scale=0.1).run(1)
        columns, count = city.firms.columns, city.firms.count
        new = np.flatnonzero(columns.identity[:count] >> 40 == registration.EVENT)
        traits = ("margin", "productivity", "taste", "participation", "born", "industry")
        return {int(columns.identity[i]): tuple(getattr(columns, name)[i] for name in traits) for i in new}

    plain = registered()
    rich = registered(certification_bonus={"registration_bonus": {"level": 12, "from": "2016Q1"}})
    assert plain.items() < rich.items(), "the same firms with the same traits, and more"


# Taking units out of the reservoir ------------------------------------------------------------------------------------


def test_newcomers_take_at_most_nine_tenths_of_a_cell() -> None:
    city = city_of(scale=0.03)
    place, industry = 8, 2
    units, sales = int(city.reservoir.units[place, industry]), float(city.reservoir.sales[place, industry])
    n = units + 10
    new = admission.Newcomers(
        identity=(5 << 40) + np.arange(n),
        place=np.full(n, place),
        industry=np.full(n, industry),
        annual_sales=np.full(n, 4.0 * sales / n),
        age=np.full(n, 3.0),
    )
    city.ledger.open_quarter(city.deposits())
    city.booked = {"capital of firms": 0.0}
    before = city.firms_sales()
    rows = city.firms.columns.identity[admission.admit(city, new)]
    assert rows.size == math.ceil(0.9 * units), "rank < 0.9 units"
    assert np.array_equal(rows, new.identity[: rows.size]), "the last candidates are the ones refused"
    assert city.reservoir.units[place, industry] == units - rows.size
    moved = city.firms_sales() - before
    assert moved == pytest.approx(rows.size * sales / n)
    assert city.reservoir.sales[place, industry] == pytest.approx(sales - moved)


# The budget of a reward -----------------------------------------------------------------------------------------------


def rationed(budget: Budget, claims: np.ndarray, unchanged: np.ndarray) -> np.ndarray:
    """Return what a budget pays of claims of which `unchanged` are due anyway."""
    return budget.ration(claims, lambda: unchanged)


def test_a_budget_pays_all_claims_pro_rata_once_it_binds() -> None:
    """100万元 a year at prices 1.1; claims of 20 each, of which 10 are due anyway: extra 60, then 80 with 50 left."""
    budget = Budget(100.0)
    budget.open_year(1.1)
    assert rationed(budget, np.full(6, 20.0), np.full(6, 10.0)) == pytest.approx(np.full(6, 20.0))
    assert rationed(budget, np.full(8, 20.0), np.full(8, 10.0)) == pytest.approx(np.full(8, 10.0 + 10.0 * 50 / 80))
    assert rationed(budget, np.full(2, 20.0), np.full(2, 10.0)) == pytest.approx(np.full(2, 10.0))
    assert budget.expected == 1.0, "firms learn of it next year"
    budget.open_year(1.1)
    assert budget.expected == pytest.approx(110.0 / 160.0)
    assert rationed(budget, np.full(6, 20.0), np.full(6, 10.0)) == pytest.approx(np.full(6, 20.0))


def test_a_spent_budget_meets_no_claims() -> None:
    """Paying out thirds of 0.1 leaves a hair less than nothing; nobody asks; then somebody does."""
    budget = Budget(0.1)
    budget.open_year(1.0)
    for claims in (np.full(3, 7.7), np.full(7, 1.1), np.zeros(0), np.array([5.0])):
        paid = rationed(budget, claims, np.zeros(claims.size))
        assert paid.sum() <= 0.1 + 1e-15
    budget.left = -1e-17
    assert rationed(budget, np.zeros(0), np.zeros(0)).size == 0
    assert rationed(budget, np.array([5.0]), np.array([2.0])) == pytest.approx([2.0])


def test_without_a_budget_every_claim_is_paid() -> None:
    budget = Budget(None)
    budget.open_year(1.0)
    assert np.array_equal(rationed(budget, np.full(3, 1e9), np.zeros(3)), np.full(3, 1e9))
    assert budget.expected == 1.0
