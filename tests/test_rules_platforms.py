"""Carriers, contracts and vouchers by hand: whom a firm knows, its chance, what a pool pays, who is served."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kechuang.city import load_city
from kechuang.parameters import default_draw
from kechuang.randomness import stream_key, uniforms
from kechuang.scenario import Scenario
from kechuang.world.institutions.budget import Budget
from kechuang.world.institutions.vouchers import Pots, VoucherPool, pro_rata
from kechuang.world.mechanisms import platforms as rules
from kechuang.world.mechanisms.platforms import NOBODY, PlatformParameters
from kechuang.world.policy.nodes import Nodes
from kechuang.world.policy.platform_policy import PlatformPolicy
from kechuang.world.population.carriers import CARRIER_MEANING, CarrierColumns, Carriers
from kechuang.world.population.contracts import NO_CONTRACTS, Contracts
from worlds import firms_of, record, scenario_of

P = record(
    PlatformParameters,
    quality_sd=0.8,
    quality_decline=0.1,
    capacity=6.0,
    contract_rate=0.03,
    contract_value=40.0,
    purchase_share=0.4,
    voucher_additionality=0.8,
)


# Carriers -------------------------------------------------------------------------------------------------------------


def test_quality_is_one_on_average_at_eighty_and_falls_with_the_number() -> None:
    """Mean of a lognormal: exp(m + sd^2 / 2). At 80 carriers it is 1, at 160 it is 2^-.1 = .933, at 25 1.123."""
    for stock, mean in ((80.0, 1.0), (160.0, 0.9330), (25.0, 1.1234)):
        median = rules.quality_of(stock, 0.0, P)
        assert median * math.exp(0.5 * 0.8**2) == pytest.approx(mean, abs=1e-4)
        assert rules.quality_of(stock, 1.0, P) / median == pytest.approx(math.exp(0.8))


def test_quality_over_draws_has_the_mean_it_should() -> None:
    """n = 100 000 quantiles in the middle of equal classes: no luck, the tail beyond the last class is worth .001."""
    from scipy.special import ndtri

    z = ndtri((np.arange(100_000) + 0.5) / 100_000)
    assert np.mean([rules.quality_of(80.0, float(one), P) for one in z[::100]]) == pytest.approx(1.0, abs=0.01)


def test_whole_numbers_keep_the_mean() -> None:
    draws = (np.arange(1000) + 0.5) / 1000
    assert np.mean([rules.whole(24.3, u) for u in draws]) == pytest.approx(24.3)
    assert {rules.whole(24.3, u) for u in draws} == {24, 25}
    assert rules.whole(0.0, 0.999) == 0


def test_capacity_is_a_share_of_a_part_of_the_city_and_one_at_least() -> None:
    assert rules.capacity_of(1.0, 0.5, P) == 6
    assert [rules.capacity_of(0.25, u, P) for u in (0.4, 0.6)] == [1, 2]
    assert rules.capacity_of(0.03, 0.99, P) == 1


def test_a_firm_knows_the_two_nearest_and_the_best_of_its_industry() -> None:
    """Three carriers next door (3 km), two at 40 km; industries 0 and 1 with proximity .5.

    Next door: c0 (industry 1, quality 4: use 2 to industry 0), c1 (0, quality 1: use 1), c2 (1, quality 1: use .5). Farther:
    c3 (0, quality 2), c4 (0, quality 3). Industry 0 takes c0, c1 and then c4 rather than c3; industry 1 takes c0 (4), c2 (1)
    and has no other carrier of its own.
    """
    distance = np.array([[3.0, 3.0, 3.0, 40.0, 40.0]])
    near = np.exp(-distance / 30.0)
    industry, quality = np.array([1, 0, 1, 0, 0]), np.array([4.0, 1.0, 1.0, 2.0, 3.0])
    proximity = np.array([[1.0, 0.5], [0.5, 1.0]])
    known, reach = rules.known_carriers(distance, near, industry, quality, proximity)
    assert known.tolist() == [[[0, 1, 4], [0, 2, NOBODY]]]
    assert reach[0, 0] == pytest.approx([0.5 * math.exp(-0.1), math.exp(-0.1), math.exp(-40.0 / 30.0)])
    assert reach[0, 1] == pytest.approx([math.exp(-0.1), math.exp(-0.1), 0.0])


def test_without_carriers_nobody_is_known() -> None:
    none = np.zeros((2, 0))
    known, reach = rules.known_carriers(none, none, np.zeros(0, dtype=np.int64), np.zeros(0), np.eye(3))
    assert known.shape == reach.shape == (2, 3, 3)
    assert (known == NOBODY).all()
    assert not reach.any()


def test_nearness_comes_before_usefulness_and_age_breaks_ties() -> None:
    distance, proximity = np.array([[5.0, 4.0, 4.0, 4.0]]), np.ones((1, 1))
    industry = np.zeros(4, dtype=np.int64)
    known, _ = rules.known_carriers(distance, np.ones((1, 4)), industry, np.array([9.0, 1.0, 1.0, 1.0]), proximity)
    assert known[0, 0].tolist() == [1, 2, 0]


def test_carriers_are_a_population() -> None:
    carriers = Carriers()
    assert (len(carriers), carriers.count) == (0, 0)
    assert carriers.frame().empty
    for k in range(5):
        assert carriers.add(identity=100 + k, place=k, quality=0.5 * k, enclave=k == 3) == k
    assert len(carriers) == 5
    assert (carriers[-1].quality, carriers[3].enclave, carriers[0].born) == (2.0, True, 0)
    carriers.columns.open[3] = False
    assert len(carriers) == 4
    assert carriers.frame()["identity"].tolist() == [100, 101, 102, 104]
    assert (carriers.row_of(103), carriers.row_of(7)) == (3, -1)
    assert repr(carriers[2]) == "Carrier(identity=102, industry=0, place=2, quality=1.00, born=0)"
    with pytest.raises(AttributeError, match="a carrier has no column 'sales'; it has identity"):
        _ = carriers[0].sales
    with pytest.raises(IndexError, match="row 5 of 5"):
        carriers[5]
    assert list(CARRIER_MEANING) == list(CarrierColumns._fields)


# Contracts ------------------------------------------------------------------------------------------------------------


def test_the_chance_of_a_contract() -> None:
    """Half the pool absorbed, carriers reached 1 + .5: .03 x .5 x 1.5 = .0225; never more than 1."""
    assert [rules.absorptive_capacity(stock, 200.0) for stock in (0.0, 200.0, 600.0)] == [0.0, 0.5, 0.75]
    assert rules.contract_chance(0.5, 1.5, P) == pytest.approx(0.0225)
    assert rules.contract_chance(1.0, 100.0, P) == 1.0


def test_a_contract_is_worth_no_more_than_a_year_of_purchases_for_research() -> None:
    """40万元 of 2016 are 44 at prices 10 % higher; a firm with R&D of 50 buys for 20 a year."""
    assert [rules.contract_value(1.1, year, P) for year in (50.0, 1000.0, 0.0)] == pytest.approx([20.0, 44.0, 0.0])


def test_firms_turn_to_carriers_in_proportion_to_how_well_they_reach_them() -> None:
    reach = np.tile([0.5, 0.0, 1.5], (8, 1))
    draw = (np.arange(8) + 0.5) / 8
    assert rules.choose_known(draw, reach).tolist() == [0, 0, 2, 2, 2, 2, 2, 2]
    assert rules.choose_known(np.array([1e-9]), np.array([[0.0, 0.3, 0.0]])).tolist() == [1]


ASKED = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 2**20 - 1)), max_size=60)


@given(ASKED, st.lists(st.integers(0, 5), min_size=4, max_size=4))
def test_no_carrier_serves_more_than_it_can_and_none_stays_idle(asked: list[tuple[int, int]], capacity: list[int]) -> None:
    carrier = np.array([one for one, _ in asked], dtype=np.int64)
    order, identity = np.array([u for _, u in asked]) / 2**20, np.arange(len(asked))
    served = rules.within_capacity(carrier, order, np.array(capacity))
    for one in range(4):
        mine = np.flatnonzero(carrier == one)
        first = mine[np.lexsort((identity[mine], order[mine]))][: capacity[one]]
        assert set(np.flatnonzero(served & (carrier == one))) == set(first)


def test_vouchers_of_a_quarter_by_row() -> None:
    contracts = Contracts(
        np.array([4, 1]), np.zeros(2, int), np.full(2, 40.0), np.array([12.5, 0.0]), np.array([True, False]), np.zeros(2, bool)
    )
    assert contracts.number == 2
    assert contracts.vouchers_of(np.array([0, 1, 4, 9])).tolist() == [0.0, 0.0, 12.5, 0.0]
    assert NO_CONTRACTS.vouchers_of(np.arange(3)).tolist() == [0.0, 0.0, 0.0]


# Vouchers -------------------------------------------------------------------------------------------------------------


def test_eight_of_ten_voucher_contracts_are_additional_when_vouchers_pay_in_full() -> None:
    """Five times the chance: of five contracts one would have come anyway."""
    effect = rules.voucher_effect(P)
    assert effect == pytest.approx(4.0)
    assert effect / (1.0 + effect) == pytest.approx(0.8)
    assert rules.voucher_effect(P._replace(voucher_additionality=0.0)) == 0.0


@pytest.mark.parametrize("money", [0.0, 1.0, 30.0, 120.0, 499.0, 500.0, 1e6])
@pytest.mark.parametrize("effect", [0.0, 1.5, 4.0])
def test_firms_expect_what_the_pool_pays_when_all_expect_it(money: float, effect: float) -> None:
    """Claims without vouchers 100: e x 100 x (1 + effect e) = money, unless the pool has enough for all."""
    expected = rules.expected_payment(money, 100.0, effect)
    assert 0.0 <= expected <= 1.0
    if expected < 1.0:
        assert expected * 100.0 * (1.0 + effect * expected) == pytest.approx(money, abs=1e-9)
    else:
        assert money >= 100.0 * (1.0 + effect) - 1e-9
    assert rules.expected_payment(0.0, 0.0, effect) == 0.0
    assert rules.expected_payment(5.0, 0.0, effect) == 1.0


def test_what_a_quarter_leaves_stays_for_its_year() -> None:
    pool = VoucherPool()
    pool.release(True, 100.0, 40.0, 60.0)
    pool.take(50.0, 30.0, 20.0)  # inside: 40 earmarked and 10 of the open money
    assert (pool.open, pool.earmarked, pool.unchanged) == (60.0, 0.0, 40.0)
    pool.release(False, 100.0, 40.0, 60.0)
    assert (pool.open, pool.earmarked, pool.left) == (160.0, 40.0, 200.0)
    pool.release(True, 5.0, 0.0, 5.0)
    assert (pool.open, pool.earmarked, pool.unchanged) == (5.0, 0.0, 5.0)


def test_earmarked_money_hurts_nobody_outside() -> None:
    """Open 100, claims 30 inside and 70 outside: without earmarked money 30 and 70, with 50 of it 80 and 70."""
    pool = VoucherPool()
    pool.release(True, 100.0, 0.0, 0.0)
    assert pool.pots(30.0, 70.0) == Pots(30.0, 70.0)
    pool.release(False, 0.0, 50.0, 0.0)
    assert pool.pots(30.0, 70.0) == Pots(80.0, 70.0)
    assert pool.pots(0.0, 0.0) == Pots(50.0, 100.0)


def test_claims_are_cut_pro_rata_by_pot() -> None:
    inside = np.array([True, True, False, False])
    paid = pro_rata(np.array([10.0, 30.0, 5.0, 15.0]), inside, Pots(20.0, 100.0))
    assert paid == pytest.approx([5.0, 15.0, 5.0, 15.0])
    assert pro_rata(np.zeros(4), inside, Pots(0.0, 0.0)).tolist() == [0.0] * 4


def test_a_budget_pays_whole_things_or_nothing() -> None:
    budget = Budget(100.0)
    budget.open_year(1.0)
    assert [budget.afford(cost) for cost in (60.0, 50.0, 40.0, 1.0)] == [True, False, True, False]
    budget.open_year(1.0)
    assert budget.expected == pytest.approx(100.0 / 151.0)
    assert Budget(None).afford(1e9)


# Policy ---------------------------------------------------------------------------------------------------------------


def policy_of(births: float = 11.0, **levers: object) -> PlatformPolicy:
    scenario = scenario_of("2024Q4", levers=levers)
    return PlatformPolicy(scenario, default_draw("B").with_values(carrier_births=births), 1.0)


def test_births_follow_the_drawn_path_and_doses_come_on_top() -> None:
    plain = policy_of(14.0)
    assert (plain.births == 14.0).all()
    assert plain.extra_births(5)[0] == 0.0
    assert (plain.kept_births(5) == 1.0).all()
    aimed = policy_of(14.0, research_carriers={"value": 4, "from": "2021Q1", "places": ["corridor"], "industries": ["medicine"]})
    more, cells = aimed.extra_births(21)
    assert more == pytest.approx(4.0)
    assert aimed.extra_births(20)[0] == 0.0
    assert np.argwhere(cells).tolist() == [[z, 0] for z in (0, 1, 3, 5)]
    assert (aimed.kept_births(21) == 1.0).all()


def test_a_lower_level_keeps_a_part_of_the_births_of_the_path() -> None:
    some = policy_of(12.0, research_carriers={"level": 3, "from": "2021Q1", "places": ["wenling"]})
    kept = some.kept_births(21)
    assert kept[8] == pytest.approx(np.full(8, 0.25))
    assert (np.delete(kept, 8, axis=0) == 1.0).all()
    assert some.extra_births(21)[0] == 0.0


def test_enclaves_serve_the_places_whose_path_has_reached_them() -> None:
    plain = policy_of()
    assert [plain.enclave_count(t) for t in (1, 8, 9, 16, 17, 36)] == [0, 0, 2, 2, 4, 4]
    some = policy_of(research_carriers={"places": ["tiantai"], "enclaves": {"value": 2, "from": "2021Q1"}})
    assert some.enclave_count(21) == 6
    served, industries = some.enclave_reach(21, 5)
    assert np.flatnonzero(served).tolist() == [10]
    assert industries.all()
    assert some.enclave_reach(21, 3)[0].all()
    ramped = policy_of(research_carriers={"enclaves": {"value": 2, "from": "2021Q1", "ramp": 8}})
    assert [ramped.enclave_count(t) for t in range(20, 29)] == [4, 4, 4, 4, 5, 5, 5, 5, 6]


def calendar(nodes: str, until: str = "2035Q4") -> tuple[Nodes, Scenario]:
    scenario = scenario_of(until, nodes=nodes)
    return Nodes(scenario, load_city(), 1.5), scenario


@pytest.mark.parametrize(
    ("name", "opened"),
    [("none", {}), ("plan", {28: 2, 44: 10, 52: 14, 80: 14}), ("slow", {28: 1, 44: 5, 80: 14}), ("fast", {28: 4, 32: 8, 40: 14})],
)
def test_nodes_open_by_the_calendar(name: str, opened: dict[int, int]) -> None:
    nodes, _ = calendar(name)
    assert not nodes.open(27)
    for quarter, number in opened.items():
        assert len(nodes.open(quarter)) == number
        assert nodes.floor(quarter).sum() == pytest.approx(1.5 * number)
    assert sum(len(nodes.opening(quarter)) for quarter in range(81)) == max(opened.values(), default=0)


def test_the_plan_opens_its_nodes_on_its_dates() -> None:
    nodes, _ = calendar("plan")
    assert [node.key for node in nodes.opening(28)] == ["core_1", "digital_economy_park"]
    assert [node.opens for node, _ in nodes.calendar] == [quarter for _, quarter in nodes.calendar]
    assert np.flatnonzero(nodes.floor(28)).tolist() == [0, 1]
    assert nodes.number(nodes.opening(28)[1]) == 1


def test_who_buys_what_and_asks_when() -> None:
    """R&D now and in the quarter before; half the pool absorbed, reach .5; a voucher is asked for in one quarter of four."""
    firms = firms_of(
        4, alive=[1, 1, 1, 0], does_research=[1, 0, 1, 1], research_last=[25.0, 25.0, 0.0, 25.0], knowledge=P.half_stock, place=2
    )
    assert rules.who_buys(firms.columns, 4).tolist() == [0]
    reach = np.zeros((3, 1))
    reach[2, 0] = 0.5
    chance, value = rules.offers(firms.columns, np.array([0]), reach, 1.1, P)
    assert chance.tolist() == [rules.contract_chance(0.5, 0.5, P)]
    assert value.tolist() == [rules.contract_value(1.1, 100.0, P)]
    many, key = firms_of(1000), stream_key(1, 0, 205)
    turns = [rules.whose_turn(many.columns, np.arange(1000), key, position) for position in range(4)]
    assert np.array_equal(np.sort(np.concatenate(turns)), np.arange(1000))
    draws = uniforms(key, np.arange(1000))
    assert all(((draws[at] >= k / 4) & (draws[at] < (k + 1) / 4)).all() for k, at in enumerate(turns))
