"""Venture funds in a city: money by fund, choices, the lever on their size, ways out, and worlds at the edge."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest

from kechuang.errors import CheckFailed
from kechuang.parameters import default_draw, prior_draw
from kechuang.scenario import Scenario
from kechuang.world.indicators import POSITION
from kechuang.world.institutions.funds import Stake
from kechuang.world.mechanisms import venture as rules
from kechuang.world.model import Corridor
from kechuang.world.phases import deals, venture
from kechuang.world.policy.policy_state import ADMINISTRATION, CASH, LEVERS
from kechuang.world.population.firms import arrays
from kechuang.world.simulate import simulate
from worlds import LIMIT, city_of, scenario_of

LEVER = LEVERS.index("guidance_fund")
BUSY = {"fund_deal_intensity": 6.0}
"""Six times the usual number of deals, so that small cities see some."""
CORE = "central_core"


def sized(until: str = "2018Q4", start: str = "2016Q1", **how: Any) -> Scenario:
    return scenario_of(until, levers={"guidance_fund": {"from": start, **how}})


def city(
    scenario: Scenario, seed: int = 4, scale: float = 0.2, events: dict[str, Iterable[Any]] | None = None, **values: Any
) -> Corridor:
    draw = default_draw("B").with_values(**{**BUSY, **values})
    return city_of(scenario, draw, seed, audit=True, scale=scale, events=events)


@cache
def busy_run() -> tuple[Corridor, list[dict[str, dict[str, float]]]]:
    """Return an audited city run to 2030 and the records of each fund by quarter."""
    books: list[dict[str, dict[str, float]]] = []

    def keep(now: Corridor) -> None:
        books.append({fund.name: {**fund.flows, "deposits": fund.deposits} for fund in now.funds})

    return city(scenario_of("2030Q4"), scale=0.5, events={"closing": [keep]}).run(), books


def total(books: list[dict[str, dict[str, float]]], fund: str, flow: str) -> float:
    return sum(book[fund][flow] for book in books)


# Money ----------------------------------------------------------------------------------------------------------------


def test_every_fund_pays_out_all_that_it_calls_and_earns() -> None:
    """Cash ends every quarter at zero: deals and fees are what was called, distributions are dividends and proceeds."""
    now, books = busy_run()
    for row, fund in enumerate(now.funds):
        own = [stake for stake in now.funds.stakes if stake.fund == row]
        flows = {flow: total(books, fund.name, flow) for flow in fund.flows}
        assert all(book[fund.name]["deposits"] == 0.0 for book in books)
        assert flows["deals"] == pytest.approx(sum(stake.cost for stake in own))
        assert flows["proceeds"] == pytest.approx(sum(stake.proceeds for stake in own))
        assert flows["calls"] == pytest.approx(flows["deals"] + flows["fees"])
        assert flows["distributions"] == pytest.approx(flows["dividends"] + flows["proceeds"])
        assert fund.called == pytest.approx(flows["calls"])
        assert fund.recycled == pytest.approx(now.rules.venture.recycling * flows["proceeds"])
        assert min(flows.values()) > 0.0, fund.name
        assert fund.called <= fund.callable * (1.0 + 1e-12)


def test_the_city_pays_a_quarter_of_calls_and_gets_a_quarter_back() -> None:
    now, books = busy_run()
    cost = now.costs.amounts[:, LEVER]
    whole = {flow: sum(total(books, fund.name, flow) for fund in now.funds) for flow in ("deals", "fees")}
    assert cost[:, CASH].sum() == pytest.approx(0.25 * whole["deals"])
    assert cost[:, ADMINISTRATION].sum() == pytest.approx(0.25 * whole["fees"])
    assert now.funds.city_part() == pytest.approx(0.25)
    flows = now.ledger.frame()
    back, to_others = (f"distributions of funds to {who}" for who in ("the government", "others"))
    assert flows.loc[back, "government"] == pytest.approx(0.25 * -flows.loc[[back, to_others], "funds"].sum())
    assert flows.loc[back, "government"] > 0.0


def test_fees_are_two_per_cent_a_year_of_money_in_firms() -> None:
    paid: dict[int, tuple[float, float]] = {}

    def before(now: Corridor) -> None:
        paid[now.quarter] = (now.funds.invested(), 0.0)

    def after(now: Corridor) -> None:
        paid[now.quarter] = (paid[now.quarter][0], sum(fund.flows["fees"] for fund in now.funds))

    now = city(scenario_of("2019Q4"), events={"credit": [before], "deals": [after]}).run()
    assert now.funds.invested() > 0.0
    for invested, fee in paid.values():
        assert fee == pytest.approx(0.005 * invested)


def test_the_share_of_a_fund_in_dividends_goes_to_the_fund() -> None:
    """The whole of every firm in one fund: nothing is left for households; the fund passes it on in the same quarter."""
    now = city(scenario_of("2016Q4"), scale=0.05, fund_deal_intensity=0.0).run(2)

    def take_all(here: Corridor) -> None:
        for row in np.flatnonzero(here.firms.columns.alive[: here.firms.count]):
            stake = Stake(int(here.firms.columns.identity[row]), 2, 1, here.quarter, 0.0, 1.0)
            here.funds.take(stake, here.firms.columns, int(row))

    now.own_events = {"deals": [take_all]}
    now.step()
    row = now.ledger.frame().loc["dividends"]
    assert row["funds"] == pytest.approx(-row["firms"])
    assert row["funds"] > 0.0
    assert row["households"] == pytest.approx(0.0, abs=1e-6)
    assert now.funds.agents[2].flows["distributions"] == pytest.approx(row["funds"])


def leak(now: Corridor) -> None:
    now.funds.agents[1].deposits += 1.0


def call_twice(now: Corridor) -> None:
    now.funds.agents[2].called += now.funds.agents[2].callable


def lose_a_stake(now: Corridor) -> None:
    now.firms.columns.fund_share[np.flatnonzero(now.firms.columns.fund[: now.firms.count])[0]] -= 0.01


def own_too_much(now: Corridor) -> None:
    row = np.flatnonzero(now.firms.columns.fund[: now.firms.count])[0]
    now.firms.columns.fund_share[row] += 1.0
    now.funds.held_in(int(now.firms.columns.identity[row]))[0].share += 1.0


def forget_the_firm(now: Corridor) -> None:
    row = np.flatnonzero(now.firms.columns.fund[: now.firms.count])[0]
    now.firms.columns.fund[row], now.firms.columns.fund_share[row] = 0, 0.0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (leak, "cash of a fund moves by its records: talent fund: off by 1\n"),
        (call_twice, "called money was committed: guidance funds"),
        (lose_a_stake, "stakes agree with the firms: funds: off by 1"),
        (own_too_much, "a share held lies between nothing and all: funds: off by 1"),
        (forget_the_firm, "stakes agree with the firms: funds: off by 1"),
    ],
)
def test_planted_faults_are_found(fault: Callable[[Corridor], None], words: str) -> None:
    now = city(scenario_of("2018Q4")).run(9)
    assert now.funds.invested() > 0.0
    now.own_events = {"government": [fault]}
    with pytest.raises(CheckFailed) as raised:
        now.step()
    assert words in f"{raised.value}\n"


def test_money_that_appears_between_two_quarters_is_found() -> None:
    now = city(scenario_of("2018Q4")).run(9)
    leak(now)
    with pytest.raises(CheckFailed, match="cash of a fund moves by its records: talent fund: off by 1"):
        now.step()


# Choices --------------------------------------------------------------------------------------------------------------


def test_one_more_deal_adds_a_firm_and_changes_no_other_choice() -> None:
    """In the first quarter, from the same city: every deal of the calmer market is there, share and money alike."""
    firm_sets = []
    for intensity in (10.0, 14.0):
        now = city(scenario_of("2016Q1"), scale=0.5, fund_deal_intensity=intensity).run()
        firm_sets.append({(s.firm, s.fund, s.stage, s.cost, s.share) for s in now.funds.stakes})
    assert len(firm_sets[0]) > 5
    assert firm_sets[0] < firm_sets[1]


def test_no_firm_is_chosen_twice_and_stages_fit() -> None:
    now, _ = busy_run()
    first = [stake for stake in now.funds.stakes if not stake.follow_on]
    assert len(first) > 50
    assert len({stake.firm for stake in first}) == len(first) == now.funds.projects()
    assert {stake.stage for stake in first} == {0, 1, 2}
    assert all(0.0 < stake.share <= now.rules.venture.equity_share[stake.stage] for stake in now.funds.stakes)


def test_second_rounds_come_once_within_eight_quarters_from_the_same_fund() -> None:
    now, _ = busy_run()
    first = {stake.firm: stake for stake in now.funds.stakes if not stake.follow_on}
    second = [stake for stake in now.funds.stakes if stake.follow_on]
    assert len(second) > 5
    assert len({stake.firm for stake in second}) == len(second)
    for stake in second:
        start = first[stake.firm]
        assert 1 <= stake.quarter - start.quarter <= 8
        assert (stake.fund, stake.stage) == (start.fund, start.stage)
        assert (stake.exit_quarter, stake.route) == (start.exit_quarter, start.route)


def test_firms_whose_sales_fall_get_no_second_round() -> None:
    now = city(scenario_of("2018Q4"), scale=0.5, fund_follow_on=1.0).run(8)  # a chance of 1 while sales grow
    columns = now.firms.columns
    rows = np.flatnonzero(columns.fund[: now.firms.count])
    now.quarter += 1
    grown = dict(zip(rows.tolist(), deals.growth_of_year(now, rows), strict=True))
    planned = {deal.row for fund in now.funds for deal in deals.second_rounds(now, fund)}
    single = {row for row in rows.tolist() if len(now.funds.held_in(int(columns.identity[row]))) == 1}
    assert planned == {row for row in single if grown[row] > 0.0}
    assert planned
    assert planned < single


def test_government_money_gets_the_weaker_firms() -> None:
    """Fifteen firms each, chosen in one quarter; quality has mean 0 and sd 1 among all firms of a stage.

    Weight 0 for the guidance funds: the mean of theirs has a standard error of .26. Weight 2 for the market-led funds lifts
    the mean of theirs by more than 1, so that a difference below .5 has a chance under 3 in 100; the seed is fixed.
    """
    now = city(scenario_of("2016Q4"), scale=1.0, fund_quality_weight=2.0, fund_state_aversion=1.0).run(1)
    market = deals.Market(now)
    seen = [market.at(stage) for stage in range(3)]
    quality = {row: value for each in seen for row, value in zip(each.rows.tolist(), each.quality, strict=True)}
    chosen = {
        fund: np.array([quality[row] for stage in range(3) for row in deals.choose(now, market, fund, stage, 5, 5)])
        for fund in (2, rules.MARKET_LED)
    }
    assert chosen[rules.MARKET_LED].mean() > chosen[2].mean() + 0.5
    assert all(values.size == 15 for values in chosen.values())


# The lever ------------------------------------------------------------------------------------------------------------


def assert_same_city(one: Corridor, other: Corridor) -> None:
    assert np.array_equal(one.indicators, other.indicators, equal_nan=True)
    assert one.firms.count == other.firms.count
    for ours, theirs in zip(arrays(one.firms.columns), arrays(other.firms.columns), strict=True):
        assert np.array_equal(ours[: one.firms.count], theirs[: other.firms.count])
    assert one.funds.stakes == other.funds.stakes


@pytest.mark.parametrize(
    "how", [{"value": 50, "budget": 0}, {"value": 0}, {"value": 50, "budget": 0, "places": [CORE]}]
)
def test_no_budget_and_no_dose_change_no_bit(how: dict[str, Any]) -> None:
    plain = city(scenario_of("2018Q4")).run()
    assert plain.funds.stakes
    assert_same_city(plain, city(sized(**how)).run())


def test_twenty_more_raise_deals_and_called_money() -> None:
    """Standard dose from 2021 on: four lucks, each with more called in 2028 and more projects; nothing before 2021."""
    last = POSITION["fund_called"], POSITION["fund_projects"]
    for seed in range(1, 5):
        plain, more = (
            city(scenario, seed, scale=0.5) for scenario in (scenario_of("2028Q4"), sized("2028Q4", "2021Q1", value=20))
        )
        plain.run(), more.run()
        assert np.array_equal(plain.indicators[:20], more.indicators[:20], equal_nan=True)
        assert (more.indicators[-1, last] > plain.indicators[-1, last]).all()
        assert more.costs.amounts[:, LEVER, CASH].sum() > plain.costs.amounts[:, LEVER, CASH].sum()


def test_commitments_grow_by_what_was_announced_at_the_prices_of_the_day() -> None:
    """20亿元 at the start and 127 in 2020, half of it callable, a fifth of the city; then +20 at the prices of 2021Q1."""
    now = city(sized("2022Q4", "2021Q1", value=20), fund_deal_intensity=0.0)
    assert sum(fund.committed for fund in now.funds) == pytest.approx(0.5 * 0.2 * 20e4)
    now.run(20)
    assert now.funds.dry_powder() == pytest.approx(0.5 * 0.2 * 127e4)
    now.run(24)
    price = now.policy.price(21, now.deflator)
    assert price > 1.0
    assert now.funds.dry_powder() == pytest.approx(0.5 * 0.2 * (127e4 + price * 20e4))
    assert [fund.committed for fund in now.funds] == pytest.approx(
        now.rules.venture.fund_shares * now.funds.dry_powder()
    )


def test_earmarked_deals_fall_inside_the_places() -> None:
    """370亿元 for one place on top of 20-50 for all: at most a fifth of the money is open to other places."""
    now = city(sized("2017Q4", value=370, places=[CORE], industries=["equipment", "auto_parts"]), scale=0.5)
    place, industry = (
        [entry.key for entry in entries].index(key)
        for entries, key in ((now.geography.places, CORE), (now.geography.industries, "equipment"))
    )
    now.run(1)
    cells = now.policy.finance.earmarked(2)
    assert cells[place, industry].all()
    assert cells.any(axis=2).sum() == 2
    now.quarter += 1
    market, columns = deals.Market(now), now.firms.columns
    seen = market.at(1)
    inside = cells[columns.place[seen.rows], columns.industry[seen.rows], columns.ladder[seen.rows]]
    held = np.array([now.funds.ever_held(int(firm)) for firm in seen.identity])
    talks = rules.meets(seen.draw, rules.part_of(2, now.rules.venture))
    met = np.isin(np.arange(seen.rows.size), talks) & ~held
    everybody, few = (deals.choose(now, market, 2, 1, free, 6) for free in (6, 2))
    assert few[:2] == everybody[:2]  # open money chooses as ever
    assert set(few[2:]) <= set(seen.rows[inside & met].tolist())
    assert len(few) == min(6, 2 + int((inside & met).sum() - np.isin(everybody[:2], seen.rows[inside]).sum()))
    assert not set(everybody) <= set(seen.rows[inside].tolist())


def test_more_deals_in_a_place_that_gets_more_and_none_fewer_elsewhere() -> None:
    def in_place(now: Corridor) -> tuple[set[int], set[int]]:
        columns, place = now.firms.columns, [entry.key for entry in now.geography.places].index(CORE)
        rows = np.flatnonzero(columns.fund[: now.firms.count])
        here = columns.place[rows] == place
        return set(columns.identity[rows[here]].tolist()), set(columns.identity[rows[~here]].tolist())

    plain, dosed = (city(scenario, scale=1.0).run(1) for scenario in (scenario_of(), sized(value=300, places=[CORE])))
    (here, elsewhere), (more_here, as_elsewhere) = in_place(plain), in_place(dosed)
    assert here < more_here
    assert elsewhere == as_elsewhere
    assert elsewhere


def test_a_budget_cuts_what_the_change_brought_pro_rata() -> None:
    """The city owes 250 on each deal of 1000; two of three come from the change, its budget holds 100: a fifth of 500."""
    now = city(sized(value=50, budget=1.0)).run(1)
    now.policy.finance.budgets["guidance_fund"].left = 100.0
    usual = deals.Round(1, 0, 0.15, 1000.0)
    new = usual._replace(extra=True)
    found = venture._within_budget(now, {0: [usual, new], 1: [], 2: [], 3: [new]})
    assert [fund.row for fund, _, _ in found] == [0, 0, 3]
    assert [deal.money for _, deal, _ in found] == pytest.approx([1000.0, 200.0, 200.0])
    assert [deal.share for _, deal, _ in found] == pytest.approx([0.15, 0.03, 0.03])
    assert [by_city for _, _, by_city in found] == pytest.approx([250.0, 50.0, 50.0])
    assert now.policy.finance.budgets["guidance_fund"].left == pytest.approx(0.0)
    # With nothing left the change brings no deal; the others go on.
    assert [deal for _, deal, _ in venture._within_budget(now, {0: [usual, new], 1: [], 2: [], 3: []})] == [usual]


def test_a_budget_holds_over_a_year() -> None:
    """Deals of the change stay within the budget of each year; without one they cost several times as much."""
    yearly = 0.05
    costs = {}
    for budget in (None, yearly):
        how = {"value": 300, **({"budget": budget} if budget else {})}
        now = city(sized("2016Q4", **how), scale=0.5).run()
        costs[budget] = now.costs.amounts[1:5, LEVER, CASH].sum()
    plain = city(scenario_of("2016Q4"), scale=0.5).run().costs.amounts[1:5, LEVER, CASH].sum()
    assert costs[None] > 4.0 * (plain + 0.5e4 * yearly)
    # Deals of the unchanged path lose firms to those of the change only after the first quarter, hence the margin.
    assert plain <= costs[yearly] <= 1.2 * plain + 0.5e4 * yearly


def test_the_city_never_pays_more_than_half() -> None:
    scenario = scenario_of("2017Q4", levers={"guidance_fund": {"from": "2016Q1", "city_share": {"level": 0.9}}})
    now = city(scenario).run()
    assert now.funds.called() > 0.0
    assert now.funds.city_part() == pytest.approx(0.5)


# Ways out -------------------------------------------------------------------------------------------------------------


def test_ways_out_keep_their_dates() -> None:
    now, _ = busy_run()
    ended = [stake for stake in now.funds.stakes if not stake.held]
    first = {stake.firm: stake.quarter for stake in now.funds.stakes if not stake.follow_on}
    routes = {stake.route for stake in ended}
    assert routes == {*rules.ROUTES, rules.BUYBACK, rules.CLOSURE}
    for stake in ended:
        held = stake.exit_quarter - first[stake.firm]
        if stake.route == rules.CLOSURE:
            assert stake.proceeds == 0.0
        elif stake.route == rules.BUYBACK:
            assert held == 40
        else:
            assert 12 <= held < 40
        if stake.route == "write-off":
            assert stake.proceeds == pytest.approx(0.1 * stake.cost)
    readings = now.indicators[-1] * now.scale
    assert readings[POSITION["fund_exits"]] == pytest.approx(len({stake.firm for stake in ended}))
    successes = {stake.firm for stake in ended if stake.route in ("listing", "sale")}
    assert readings[POSITION["fund_successes"]] == pytest.approx(len(successes))


def test_only_the_end_of_a_fund_ends_stakes_when_nobody_lists_sells_or_writes_off() -> None:
    now = city(scenario_of("2027Q4"), scale=0.1, fund_exit_scale=0.0).run()
    assert {stake.route for stake in now.funds.stakes} == {"", rules.BUYBACK, rules.CLOSURE}
    assert now.funds.exits(successes=True) == 0
    assert all(now.quarter - stake.quarter < 40 for stake in now.funds.stakes if stake.held)


def test_stakes_in_closed_firms_are_written_off() -> None:
    now = city(scenario_of("2018Q4")).run(8)
    held = [stake for stake in now.funds.stakes if stake.held]
    usual = now.rules.demography

    def bury(here: Corridor) -> None:
        here.rules.demography = usual._replace(exit_hazard=np.full(usual.exit_hazard.size, 1e9))

    now.own_events = {"knowledge": [bury]}
    now.step()
    assert held
    assert {(stake.route, stake.exit_quarter, stake.proceeds) for stake in held} == {(rules.CLOSURE, 9, 0.0)}
    assert not now.firms.columns.fund[: now.firms.count].any()
    assert not now.firms.columns.fund_share[: now.firms.count].any()
    assert now.funds.invested() == 0.0


# Worlds at the edge ---------------------------------------------------------------------------------------------------


def test_a_city_without_funds_runs() -> None:
    now = city(sized("2018Q4", level=0)).run()
    assert now.funds.stakes == []
    assert now.funds.called() == now.funds.dry_powder() == 0.0
    assert now.funds.frame().empty
    assert np.isnan(now.indicators[-1, POSITION["fund_early_share"]])


def test_a_cut_does_not_take_back_what_was_called() -> None:
    """After the cut nothing but half of the proceeds may be called again."""
    now = city(sized("2024Q4", "2019Q1", level=0)).run(12)
    before = now.funds.called()
    now.run(13)
    assert before > 0.0
    assert now.funds.dry_powder() == pytest.approx(0.0, abs=1e-6)
    now.run()
    recycled = sum(fund.recycled for fund in now.funds)
    assert now.funds.called() <= before + recycled + 1e-6


@pytest.mark.parametrize("seed", [1, 2])
def test_small_worlds_keep_whole_deals(seed: int) -> None:
    result = simulate(scenario_of("2035Q4"), default_draw("B"), seed, audit=True, scale=0.03)
    projects = result.indicators[:, POSITION["fund_projects"]] * 0.03
    assert np.array_equal(projects, np.round(projects))
    assert projects[-1] > 0.0
    assert (np.diff(projects) >= 0.0).all()


@pytest.mark.parametrize("number", range(4))
def test_books_close_under_parameters_from_the_prior(number: int) -> None:
    draw = prior_draw(number, 7).with_values(**BUSY)
    scenario = sized("2023Q4", "2017Q3", level=300, places=[CORE], ramp=6, budget=2.0)
    now = city_of(scenario, draw, number, audit=True, scale=0.1).run()
    assert now.funds.stakes
    assert np.nanmax(now.indicators[:, POSITION["ledger_residual"]]) < LIMIT


def test_the_table_of_stakes_names_fund_and_stage() -> None:
    now, _ = busy_run()
    table = now.funds.frame()
    assert len(table) == len(now.funds.stakes)
    assert set(table["stage"]) == set(rules.STAGES)
    assert set(table["fund"]) == set(rules.FUNDS)
    assert table.loc[table["exit_quarter"] < 0, "proceeds"].sum() == 0.0
