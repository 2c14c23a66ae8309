"""Carriers, contracts, vouchers, enclaves and plan nodes in a city: books, levers, reach, and worlds at the edge."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest

from kechuang.city import load_city
from kechuang.parameters import default_draw, prior_draw
from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.scenario import Scenario
from kechuang.units import wan_from_yi
from kechuang.world.indicators import POSITION
from kechuang.world.model import Corridor
from kechuang.world.phases import platforms
from kechuang.world.phases.carriers import BY_DOSE, BY_PATH, ENCLAVE, NODE
from kechuang.world.policy.policy_state import ADMINISTRATION, CASH, LEVERS
from kechuang.world.population.firms import EVENT_SHIFT
from worlds import LIMIT, NO_CEILING, city_of, scenario_of

VOUCHER, CARRIERS = (LEVERS.index(key) for key in ("innovation_voucher", "research_carriers"))
BUSY = {"carrier_contract_rate": 0.2}
"""Several times the usual number of contracts, so that small cities see some."""
"""Births follow the share of claims that the ceiling lets through: without one the path is what it says."""
NOTHING = {
    "research_carriers": {"level": 0, "from": "2016Q1", "enclaves": {"level": 0, "from": "2016Q1"}},
    "innovation_voucher": {"level": 0, "from": "2016Q1"},
}
KEYS = load_city().place_keys
FAR, CORRIDOR = [KEYS.index(key) for key in ("yuhuan", "tiantai", "xianju", "sanmen")], [0, 1, 3, 5]


def carried(until: str = "2018Q4", start: str = "2016Q1", **how: Any) -> Scenario:
    return scenario_of(until, levers={"research_carriers": {"from": start, **how}})


def vouched(until: str = "2018Q4", start: str = "2016Q1", **how: Any) -> Scenario:
    return scenario_of(until, levers={"innovation_voucher": {"from": start, **how}})


def city(
    scenario: Scenario, seed: int = 4, scale: float = 0.05, events: dict[str, Iterable[Any]] | None = None, **values: Any
) -> Corridor:
    return city_of(scenario, default_draw("B").with_values(**{**BUSY, **values}), seed, audit=True, scale=scale, events=events)


def kinds(now: Corridor) -> np.ndarray:
    return now.carriers.columns.identity >> EVENT_SHIFT


def traits(now: Corridor) -> dict[int, tuple[int, int]]:
    columns = now.carriers.columns
    return dict(
        zip(columns.identity.tolist(), zip(columns.place.tolist(), columns.industry.tolist(), strict=True), strict=True)
    )


def assert_same_city(one: Corridor, other: Corridor) -> None:
    assert np.array_equal(one.indicators, other.indicators, equal_nan=True)
    assert one.firms.frame().equals(other.firms.frame())
    assert one.carriers.frame().equals(other.carriers.frame())


# Contracts ------------------------------------------------------------------------------------------------------------


@cache
def watched_run() -> tuple[Corridor, list[dict[str, Any]]]:
    """Return an audited city with few places at its carriers, and what was signed in each quarter."""
    quarters: list[dict[str, Any]] = []

    def note(now: Corridor) -> None:
        contracts, columns = now.contracts, now.firms.columns
        quarters.append(
            {
                "contracts": contracts,
                "identity": columns.identity[contracts.firm].copy(),
                "asking": np.floor(
                    4.0
                    * uniforms(stream_key(now.luck_seed, 0, int(Purpose.VOUCHER_QUARTER)), columns.identity[contracts.firm])
                ),
                "does": columns.does_research[contracts.firm].copy(),
                "bought": 4.0 * columns.research_last[contracts.firm],
                "capacity": now.carriers.columns.capacity.copy(),
                "entries": len(now.boosts),
                "price": now.deflator[now.quarter],
            }
        )

    # More firms than all carriers can serve: chances near 1 and a pool smaller than what they ask for.
    crowded = {"carrier_contract_rate": 2.0, "carrier_capacity": 3.0}
    now = city(vouched("2018Q4", value=0.04), scale=0.3, events={"contracts": [note]}, **crowded, **NO_CEILING)
    return now.run(), quarters


def test_no_carrier_serves_more_than_it_can_and_some_are_full() -> None:
    now, quarters = watched_run()
    full = 0
    for quarter in quarters:
        served = np.bincount(quarter["contracts"].carrier, minlength=quarter["capacity"].size)
        assert (served <= quarter["capacity"]).all()
        full += int((served == quarter["capacity"]).sum())
    assert full > 50
    assert now.carriers.columns.capacity.min() == 1


def test_a_firm_signs_once_a_quarter_with_its_own_research() -> None:
    _, quarters = watched_run()
    for quarter in quarters:
        contracts = quarter["contracts"]
        assert contracts.number > 0
        assert len(set(quarter["identity"].tolist())) == contracts.number
        assert (quarter["does"] == 1).all()
        assert (contracts.value <= 0.4 * quarter["bought"] + 1e-9).all()
        assert contracts.value.max() == pytest.approx(40.0 * quarter["price"])
        assert contracts.value.min() > 0.0


def test_vouchers_go_to_those_whose_quarter_it_is_and_pay_at_most_half_and_20() -> None:
    _, quarters = watched_run()
    used = 0
    for position, quarter in enumerate(quarters):
        contracts, owed = quarter["contracts"], quarter["contracts"].voucher
        assert (owed <= np.minimum(0.5 * contracts.value, 20.0) + 1e-9).all()
        assert np.array_equal(owed > 0.0, contracts.with_voucher)
        assert (quarter["asking"][contracts.with_voucher] == position % 4).all()
        assert not (contracts.additional & ~contracts.with_voucher).any()
        used += int(contracts.with_voucher.sum())
    assert used > 50


def test_the_pool_of_a_year_is_not_overdrawn() -> None:
    """Path .04, .08, .12 and .04 more, 亿元 a year; three tenths of the city, prices of the day."""
    now, quarters = watched_run()
    paid = np.array([quarter["contracts"].voucher.sum() for quarter in quarters]).reshape(3, 4)
    pool = 0.3 * wan_from_yi(1.0) * np.array([0.08, 0.12, 0.16])
    assert (paid.sum(axis=1) <= pool + 1e-6).all()
    assert (np.cumsum(paid, axis=1) <= np.outer(pool, np.arange(1, 5) / 4.0) + 1e-6).all()
    assert paid.sum() > 0.9 * pool.sum()
    assert now.costs.amounts[1:13, VOUCHER, CASH].sum() == pytest.approx(paid.sum(), rel=0.02)  # some firms close unpaid


def test_a_contract_raises_the_pool_of_its_firm_for_eight_quarters_or_six_with_a_voucher() -> None:
    """Every running entry of the table belongs to a contract of the last quarters."""
    now, quarters = watched_run()
    expected: dict[int, float] = {}
    row_of = {int(one): row for row, one in enumerate(now.firms.columns.identity[: now.firms.count])}
    quality = now.carriers.columns.quality
    for signed, quarter in enumerate(quarters, start=1):
        contracts = quarter["contracts"]
        lasts = np.where(contracts.with_voucher, 6, 8)
        for identity, carrier, until in zip(quarter["identity"], contracts.carrier, signed + lasts, strict=True):
            if until > now.quarter and int(identity) in row_of:
                expected[row_of[int(identity)]] = expected.get(row_of[int(identity)], 0.0) + float(quality[carrier])
    boost = now.firms.columns.pool_boost[: now.firms.count]
    alive = now.firms.columns.alive[: now.firms.count] == 1
    by_hand = np.array([expected.get(row, 0.0) for row in range(now.firms.count)])
    assert boost[alive] == pytest.approx(by_hand[alive])
    assert boost.max() > 0.0


def test_the_technology_market_is_the_value_of_the_contracts() -> None:
    now, quarters = watched_run()
    value = np.array([quarter["contracts"].value.sum() for quarter in quarters]) / wan_from_yi(1.0) / now.scale
    number = np.array([quarter["contracts"].number for quarter in quarters]) / now.scale
    assert now.indicators[:, POSITION["technology_turnover"]] == pytest.approx(value)
    assert now.indicators[:, POSITION["carrier_contracts"]] == pytest.approx(number)


def test_no_grant_on_research_that_a_voucher_has_paid() -> None:
    """All firms apply for grants of 1 %: who has a voucher of v is owed 1 % of reported R&D less v."""
    found = []

    def compare(now: Corridor) -> None:
        columns, contracts = now.firms.columns, now.contracts
        claims = np.zeros(now.firms.count)
        for claim in now.claims:
            if claim.lever == "research_grant":
                claims[claim.rows] += claim.amounts
        reported = columns.reported_year[contracts.firm, now.position]
        by_hand = np.minimum(0.01 * np.maximum(reported - contracts.voucher, 0.0), 25.0)
        assert claims[contracts.firm] == pytest.approx(by_hand)
        found.append(float((0.01 * reported - by_hand)[contracts.with_voucher].sum()))

    levers = {
        "innovation_voucher": {"level": 2, "from": "2016Q1"},
        "research_grant": {"from": "2016Q1", "take_up": {"level": 1, "from": "2016Q1"}},
    }
    city(scenario_of("2016Q4", levers=levers), scale=0.2, events={"support": [compare]}).run()
    assert sum(found) > 0.1


def test_contracts_of_a_firm_do_not_depend_on_the_scale() -> None:
    """Two lucks to 2019 at full scale (some 700 contracts each) and at a quarter (170 each), usual contract rate.

    Contracts over firm-quarters with R&D. The ratio of two Poisson rates has a standard error of about 6 %; carriers are the
    same in number and luck, firms are not, which doubles it at most. Tolerance three of the larger: .36; the seed is fixed.
    """
    rates = {}
    for scale in (1.0, 0.25):
        signed = quarters = 0

        def count(now: Corridor) -> None:
            nonlocal signed, quarters
            columns, number = now.firms.columns, now.firms.count
            signed += now.contracts.number
            quarters += int((columns.does_research[:number] * columns.alive[:number]).sum())

        for seed in (1, 2):
            city_of(scenario_of("2019Q4"), default_draw("B"), seed, scale=scale, events={"closing": [count]}).run()
        rates[scale] = signed / quarters
    assert abs(rates[0.25] / rates[1.0] - 1.0) < 0.36
    assert 0.005 < rates[1.0] < 0.05


# The lever on carriers ------------------------------------------------------------------------------------------------


NO_DOSES = [
    carried(value=0),
    carried(value=8, budget=0, enclaves={"value": 3}, grant={"value": 1}),
    carried(enclaves={"value": 0}, grant={"value": 0}),
    vouched(value=0),
    vouched(value=3, budget=0, share={"value": 0.3}, places=["wenling"], ladder=[1]),
    vouched(share={"value": 0}, cap={"value": 0}),
]


@pytest.mark.parametrize("number", range(len(NO_DOSES)))
def test_no_budget_and_no_dose_change_no_bit(number: int) -> None:
    plain = city(scenario_of("2018Q4")).run()
    assert len(plain.boosts) > 0
    assert_same_city(plain, city(NO_DOSES[number]).run())


def test_a_dose_adds_whole_carriers_inside_its_places_and_renumbers_nobody() -> None:
    """Eight more a year for five years in two places and industries: 40 expected, 20 to 60 is three standard errors."""
    plain = city(scenario_of("2020Q4"), scale=0.03).run()
    more = city(
        carried("2020Q4", value=8, places=["yuhuan", "central_core"], industries=["medicine", "equipment"]), scale=0.03
    ).run()
    usual, dosed = traits(plain), traits(more)
    assert {key: dosed[key] for key in usual} == usual
    added = {key: dosed[key] for key in set(dosed) - set(usual)}
    assert {key >> EVENT_SHIFT for key in added} == {BY_DOSE}
    assert {place for place, _ in added.values()} == {0, KEYS.index("yuhuan")}
    assert {industry for _, industry in added.values()} <= {0, 2}
    assert 20 < len(added) < 60


def test_a_larger_dose_holds_the_smaller_one() -> None:
    some, many = (city(carried("2020Q4", value=value), scale=0.03).run() for value in (4, 12))
    assert traits(some).items() < traits(many).items()


def test_carriers_stop_where_the_lever_ends_them() -> None:
    none = city(carried("2020Q4", start="2018Q1", level=0)).run()
    plain = city(scenario_of("2020Q4")).run()
    born = none.carriers.columns.born[kinds(none) == BY_PATH]
    assert born.max() <= 8
    assert set(traits(none)) < set(traits(plain))


def test_grants_running_costs_and_enclaves_are_paid_and_booked() -> None:
    """Grant .15, running .03 a year for those born from 2021 on, .1 a year for each of four enclaves; 2 % administration."""
    now = city(scenario_of("2022Q4"), **NO_CEILING).run()
    columns, quarters = now.carriers.columns, np.arange(1, 29)
    price = np.array([now.policy.price(t, now.deflator) for t in quarters])
    home = kinds(now) == BY_PATH
    births = np.array([(columns.born[home] == t).sum() for t in quarters])
    young = np.array([((columns.born[home] >= 21) & (columns.born[home] < t)).sum() for t in quarters])
    enclaves = np.repeat([0, 2, 4], [8, 8, 12])
    by_hand = now.scale * wan_from_yi(1.0) * price * (0.15 * births + 0.0075 * young + 0.025 * enclaves)
    assert now.costs.amounts[1:29, CARRIERS, CASH] == pytest.approx(by_hand)
    assert now.costs.amounts[1:29, CARRIERS, ADMINISTRATION] == pytest.approx(0.02 * by_hand)
    assert now.indicators[-1, POSITION["enclaves"]] == pytest.approx(4.0)
    assert now.indicators[-1, POSITION["carriers"]] == pytest.approx(len(now.carriers))


@pytest.mark.parametrize("budget", [0.2, 0.7])
def test_a_budget_binds_what_the_change_of_carriers_costs_in_a_year(budget: float) -> None:
    """Twenty carriers and ten enclaves more would cost 4亿元 a year; the path costs what it does without them."""
    dose = {"value": 20, "enclaves": {"value": 10, "from": "2019Q1"}}
    plain = city(scenario_of("2023Q4"), scale=0.03, **NO_CEILING).run()
    free, bound = (
        city(carried("2023Q4", "2019Q1", **dose, **extra), scale=0.03, **NO_CEILING).run() for extra in ({}, {"budget": budget})
    )
    price = np.array([plain.policy.price(t, plain.deflator) for t in range(13, 33, 4)])

    def yearly(now: Corridor) -> np.ndarray:
        cash: np.ndarray = now.costs.amounts[13:33, CARRIERS, CASH].reshape(5, 4).sum(axis=1)
        return cash / (0.03 * wan_from_yi(1.0) * price)

    beyond = yearly(bound) - yearly(plain)
    assert (beyond <= budget * 1.03 + 1e-9).all()  # the budget keeps the prices of January
    assert (beyond > 0.4 * budget).all()
    assert (yearly(free) - yearly(plain) > 2.0).all()
    assert set(traits(plain)) <= set(traits(bound)) <= set(traits(free))


def test_where_the_ceiling_cuts_claims_fewer_carriers_are_built() -> None:
    """From the second year on births follow the share of claims that last year paid; nobody else appears."""
    wide = city(scenario_of("2020Q4"), scale=0.03, **NO_CEILING).run()
    tight = city(scenario_of("2020Q4"), scale=0.03, support_ceiling_2020=1.5).run()
    assert tight.ceiling.expected < 0.5
    born = tight.carriers.columns.born[kinds(tight) == BY_PATH]
    assert set(traits(tight)) < set(traits(wide))
    assert (born <= 4).sum() == (wide.carriers.columns.born[kinds(wide) == BY_PATH] <= 4).sum()
    assert (born > 4).sum() < 0.7 * (wide.carriers.columns.born[kinds(wide) == BY_PATH] > 4).sum()


# Enclaves -------------------------------------------------------------------------------------------------------------


def reach_by_place(now: Corridor) -> np.ndarray:
    """Return how well firms of each place reach carriers that they know, mean over industries."""
    _, reach = platforms.known_by_cell(now)
    return np.asarray(reach.sum(axis=2).mean(axis=1))


@cache
def gains(**how: Any) -> np.ndarray:
    """Return by how much ten enclaves more raise what each place reaches, mean over 20 lucks, in per cent."""
    plain, more = (
        np.array([reach_by_place(city(scenario, seed, scale=0.02).run(1)) for seed in range(1, 21)])
        for scenario in (scenario_of("2016Q1"), carried("2016Q1", enclaves={"value": 10, "from": "2016Q1"}, **how))
    )
    return np.asarray(more.mean(axis=0) / plain.mean(axis=0) - 1.0)


def test_far_places_gain_more_from_enclaves() -> None:
    """Where carriers stand next door an enclave at 20 km is only worth it when it is the best of an industry."""
    gain = gains()
    assert (gain[FAR] > 0.02).all()
    assert gain[FAR].mean() > 2.0 * gain[CORRIDOR].mean()


def test_enclaves_for_some_places_are_near_to_them_alone() -> None:
    now = city(carried("2016Q1", places=["tiantai"], enclaves={"value": 6, "from": "2016Q1"}), scale=0.02).run(1)
    far = platforms.distances_to(now)[:, now.carriers.columns.enclave]
    assert (far[KEYS.index("tiantai")] == 20.0).all()
    others = np.delete(far, KEYS.index("tiantai"), axis=0)
    assert set(others.ravel().tolist()) <= {110.0, 150.0, 250.0, 330.0}
    assert (now.carriers.columns.place[now.carriers.columns.enclave] == -1).all()
    assert now.indicators[-1, POSITION["enclaves"]] == pytest.approx(6.0)


def test_enclaves_close_and_open_again_as_they_were() -> None:
    path = {"2016Q1": 3, "2016Q3": 1, "2017Q1": 3}
    seen: list[tuple[int, int]] = []

    def note(now: Corridor) -> None:
        seen.append((int((now.carriers.columns.open & now.carriers.columns.enclave).sum()), now.carriers.count))

    now = city(carried("2017Q2", level=0, enclaves={"path": path}), scale=0.02, events={"contracts": [note]}).run()
    assert [number for number, _ in seen] == [3, 3, 1, 1, 3, 3]
    assert (kinds(now) == ENCLAVE).sum() == 3


def test_more_carriers_are_worth_less_each() -> None:
    """Reach of the mean place per carrier added: from 10 to 20, to 40, to 80, to 160; mean over ten lucks."""
    reach = []
    for number in (10, 20, 40, 80, 160):
        cities = [city(scenario_of("2016Q1"), seed, scale=0.02, carriers_2015=number) for seed in range(1, 11)]
        reach.append(np.mean([reach_by_place(now).mean() for now in cities]))
    worth = np.diff(reach) / np.array([10, 20, 40, 80])
    assert (worth > 0.0).all()
    assert (np.diff(worth) < 0.0).all()


# Vouchers -------------------------------------------------------------------------------------------------------------


def tally(scenario: Scenario, seed: int, **values: Any) -> dict[str, float]:
    """Return contracts, voucher contracts and additional ones of a city, and real R&D of its last year."""
    sums = {"contracts": 0.0, "with": 0.0, "additional": 0.0}

    def note(now: Corridor) -> None:
        sums["contracts"] += now.contracts.number
        sums["with"] += float(now.contracts.with_voucher.sum())
        sums["additional"] += float(now.contracts.additional.sum())

    draw = default_draw("B").with_values(**values)
    now = city_of(scenario, draw, seed, scale=0.4, events={"contracts": [note]}).run()
    return {**sums, "research": float(now.indicators[-1, POSITION["rd_real"]])}


def test_a_larger_pool_brings_contracts_most_of_them_additional() -> None:
    """Standard dose (.5亿元 more) from 2017 on, four lucks of two fifths of the city: more contracts in each.

    A pool of 5亿元 pays all vouchers in full: the share of additional ones is .8, n about 500, standard error .018.
    """
    for seed in (1, 2, 3, 4):
        plain, more = (tally(scenario, seed) for scenario in (scenario_of("2019Q4"), vouched("2019Q4", "2017Q1", value=0.5)))
        assert more["contracts"] > plain["contracts"]
        assert more["with"] > plain["with"]
    ample = [tally(vouched("2019Q4", level=5), seed) for seed in (1, 2)]
    used, additional = sum(one["with"] for one in ample), sum(one["additional"] for one in ample)
    assert used > 300
    assert additional / used == pytest.approx(0.8, abs=0.06)
    assert 0.5 < additional / used < 0.95


def test_no_pool_no_voucher() -> None:
    none = tally(vouched("2018Q4", level=0), 1)
    assert none["with"] == none["additional"] == 0.0
    assert none["contracts"] > 0.0


def test_voucher_money_for_some_places_and_steps_reaches_only_them() -> None:
    """First quarter, with and without 3亿元 more for listed firms of Wenling: all others sign and get what they would have."""
    found = []
    for scenario in (scenario_of("2016Q1"), vouched("2016Q1", value=3, places=["wenling"], ladder=[1])):
        now = city(scenario, scale=1.0, carrier_capacity=12.0).run(1)
        contracts, columns = now.contracts, now.firms.columns
        aimed = (columns.place[contracts.firm] == 8) & (columns.ladder[contracts.firm] == 1)
        found.append(
            [
                dict(zip(columns.identity[contracts.firm[who]].tolist(), contracts.voucher[who].tolist(), strict=True))
                for who in (aimed, ~aimed)
            ]
        )
    (inside, outside), (more_inside, same_outside) = found
    assert set(inside) < set(more_inside)
    assert sum(more_inside.values()) > 2.0 * sum(inside.values())
    assert set(outside) == set(same_outside)
    assert sum(outside.values()) > 0.0
    assert sum(same_outside.values()) == pytest.approx(sum(outside.values()), rel=0.2)


def test_a_budget_cuts_what_vouchers_cost_beyond_the_path() -> None:
    """A pool of 3亿元 more with a budget of .05: cash of a year stays below that of the path and the budget."""
    bound = city(vouched("2018Q4", value=3, budget=0.05), scale=0.3).run()
    free = city(vouched("2018Q4", value=3), scale=0.3).run()
    cash = [now.costs.amounts[1:13, VOUCHER, CASH].reshape(3, 4).sum(axis=1) / (0.3 * wan_from_yi(1.0)) for now in (bound, free)]
    assert (cash[0] <= np.array([0.04, 0.08, 0.12]) + 0.05 + 1e-9).all()
    assert (cash[0] > 0.05).all()
    assert (cash[1] > 2.0 * cash[0]).all()


# Nodes ----------------------------------------------------------------------------------------------------------------


def test_nodes_open_on_their_dates_with_a_carrier_each_and_are_paid_once() -> None:
    plain, planned = (city(scenario_of("2027Q4", nodes=nodes), scale=0.02, **NO_CEILING).run() for nodes in ("none", "plan"))
    columns, mine = planned.carriers.columns, kinds(planned) == NODE
    assert np.array_equal(mine, columns.node)
    file = load_city()
    expected = [(node.opens, file.place_index(node.place)) for node in file.nodes if node.opens <= 48]
    assert sorted(zip(columns.born[mine].tolist(), columns.place[mine].tolist(), strict=True)) == sorted(expected)
    named = [node for node in file.nodes if node.industry and node.opens <= 48]
    assert {file.industry_index(node.industry) for node in named} <= set(columns.industry[mine].tolist())
    assert planned.indicators[[26, 27, 43, 47], POSITION["nodes_open"]] == pytest.approx([0.0, 2.0, 10.0, 12.0])
    assert traits(plain).items() <= traits(planned).items()
    assert np.array_equal(plain.indicators[:27], planned.indicators[:27], equal_nan=True)
    price = planned.policy.price(28, planned.deflator)
    more = planned.costs.amounts[28, CARRIERS, CASH] - plain.costs.amounts[28, CARRIERS, CASH]
    assert more == pytest.approx(0.02 * wan_from_yi(1.0) * price * 2 * 0.3)
    share = planned.indicators[47, POSITION["carriers_in_corridor"]] - plain.indicators[47, POSITION["carriers_in_corridor"]]
    assert share == pytest.approx(12.0)


# Worlds at the edge ---------------------------------------------------------------------------------------------------


def test_a_world_without_platforms_runs() -> None:
    now = city(scenario_of("2018Q4", levers=NOTHING), carriers_2015=0.0).run()
    assert len(now.carriers) == now.carriers.count == len(now.boosts) == 0
    assert not now.firms.columns.pool_boost[: now.firms.count].any()
    for key in ("carriers", "carriers_in_corridor", "enclaves", "nodes_open", "carrier_contracts", "technology_turnover"):
        assert not now.indicators[:, POSITION[key]].any()
    assert not now.costs.amounts[:, [VOUCHER, CARRIERS]].any()


def test_all_carriers_in_one_place_serve_the_others_too() -> None:
    """Births of all other places are off, the start is empty: firms of Wenling, a fifth of all, sign half of the contracts."""
    others = [key for key in KEYS if key != "wenling"]
    scenario = carried("2018Q4", level=0, places=others, enclaves={"level": 0, "from": "2016Q1"})
    signed: list[int] = []

    def note(now: Corridor) -> None:
        signed.extend(now.firms.columns.place[now.contracts.firm].tolist())

    now = city(scenario, scale=0.3, events={"contracts": [note]}, carriers_2015=0.0).run()
    assert set(now.carriers.columns.place[kinds(now) == BY_PATH].tolist()) == {8}
    assert 0.4 < np.mean(np.array(signed) == 8) < 1.0


@pytest.mark.parametrize("number", range(4))
def test_books_close_under_parameters_from_the_prior(number: int) -> None:
    draw = prior_draw(number, 19).with_values(**BUSY)
    levers = {
        "research_carriers": {
            "value": 12,
            "from": "2017Q3",
            "places": ["corridor"],
            "ramp": 6,
            "budget": 0.6,
            "enclaves": {"path": {"2017Q1": 6, "2021Q1": 1}},
            "grant": {"value": 0.2, "from": "2018Q1"},
        },
        "innovation_voucher": {"value": 1, "from": "2017Q1", "ladder": [1, 2], "budget": 0.2, "cap": {"level": 60}},
    }
    scenario = scenario_of("2024Q4", levers=levers, nodes=("none", "slow", "plan", "fast")[number])
    now = city_of(scenario, draw, number, audit=True, scale=0.1).run()
    assert now.carriers.count > 0
    assert np.nanmax(now.indicators[:, POSITION["ledger_residual"]]) < LIMIT
    assert now.rate_excess == 0
