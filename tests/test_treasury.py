"""The city's money: claims of firms under one ceiling, budgets before it, and a government that keeps its account."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kechuang.clock import quarter_label
from kechuang.parameters import Draw, default_draw
from kechuang.units import wan_from_yi
from kechuang.world import settings
from kechuang.world.books.ledger import SECTORS
from kechuang.world.indicators import POSITION
from kechuang.world.institutions.budget import Budget
from kechuang.world.institutions.government import within
from kechuang.world.institutions.treasury import Ceiling, Claim
from kechuang.world.model import Corridor
from kechuang.world.phases.government import pay_claims, support_ceiling
from kechuang.world.policy.policy_state import ADMINISTRATION, CASH, LEVERS
from worlds import NO_CEILING, city_of, scenario_of

FIRMS, GOVERNMENT = SECTORS.index("firms"), SECTORS.index("government")
CLAIMS = (
    "certification_bonus",
    "research_grant",
    "patent_pledge",
    "digital_retrofit_subsidy",
    "joint_projects",
    "top_talent_grant",
    "innovation_voucher",
)
"""Levers that owe money to single firms."""
GENEROUS = {
    "research_grant": {"level": 20, "from": "2016Q1", "cap": {"level": 1000, "from": "2016Q1"}},
    "certification_bonus": {"level": 100, "from": "2016Q1"},
}
"""Grants of a fifth of reported R&D to half of the firms: some 5亿 to 12亿 a year, more than the ceiling lets through."""


# The ceiling by hand --------------------------------------------------------------------------------------------------


def test_claims_are_paid_pro_rata_and_what_a_quarter_leaves_waits_within_the_year() -> None:
    """25 a quarter. Claims 40, 10, 30, 45: paid 25, 10, 30, 35 (25 + 15 - 10 + 25 - 30 = 10 carried, + 25)."""
    ceiling, paid = Ceiling(), []
    ceiling.open_year()
    for wanted in (40.0, 10.0, 30.0, 45.0):
        ceiling.release(25.0)
        paid.append(wanted * ceiling.share(wanted))
    assert paid == pytest.approx([25.0, 10.0, 30.0, 35.0])
    assert ceiling.left == pytest.approx(0.0)
    ceiling.open_year()
    assert ceiling.expected == pytest.approx(100.0 / 125.0)


def test_what_a_year_leaves_is_forgotten_at_its_end() -> None:
    ceiling = Ceiling()
    ceiling.open_year()
    ceiling.release(25.0)
    assert ceiling.share(5.0) == 1.0
    ceiling.open_year()
    assert (ceiling.left, ceiling.expected) == (0.0, 1.0)
    ceiling.release(25.0)
    assert ceiling.share(100.0) == 0.25


def test_contracts_come_first_and_may_overdraw() -> None:
    """10 released, 14 bound by contract: nothing for claims; of the next 10 six are left. The debt outlives the year."""
    ceiling = Ceiling()
    ceiling.open_year()
    ceiling.release(10.0)
    ceiling.take(14.0)
    assert ceiling.share(5.0) == 0.0
    ceiling.open_year()
    assert (ceiling.left, ceiling.expected) == (-4.0, 0.0)
    ceiling.release(10.0)
    assert ceiling.share(12.0) == pytest.approx(0.5)


def test_without_claims_firms_count_on_all_of_them() -> None:
    ceiling = Ceiling()
    ceiling.open_year()
    assert ceiling.share(0.0) == 1.0
    ceiling.open_year()
    assert ceiling.expected == 1.0


def test_a_ceiling_without_end_pays_everything_and_stays_without_end() -> None:
    ceiling = Ceiling()
    for _ in range(2):
        ceiling.open_year()
        ceiling.release(float("inf"))
        ceiling.take(1e12)
        assert ceiling.share(1e12) == ceiling.share(1e12) == 1.0
    assert ceiling.expected == 1.0


def test_a_purse_pays_pro_rata_and_never_more_than_it_holds() -> None:
    claims = np.array([30.0, 10.0])
    assert list(within(claims, 40.0)) == [30.0, 10.0]
    assert list(within(claims, 20.0)) == [15.0, 5.0]
    assert list(within(claims, 0.0)) == list(within(claims, -1.0)) == [0.0, 0.0]
    assert list(within(0.0 * claims, 0.0)) == [0.0, 0.0]


# The ceiling of a city ------------------------------------------------------------------------------------------------


def ceiling_of(city: Corridor, label_year: int) -> float:
    """Return the ceiling of a year in 亿元 of the whole city."""
    city.quarter = 4 * (label_year - 2015)
    return support_ceiling(city) / wan_from_yi(1.0) / city.scale


def test_ceiling_grows_to_ten_in_2020_and_then_keeps_its_purchasing_power_or_grows_as_planned() -> None:
    """10 / 1.1035^k before 2020: 6.74, 7.44, 8.21, 9.06. Later prices grow by 2 %, the plan by 7.3 % a year."""
    draw = default_draw("B").with_values(
        support_ceiling_2020=10.0,
        support_ceiling_scale=1.0,
        support_ceiling_growth=0.1035,
        support_ceiling_growth_plan=0.073,
        deflator_growth=0.02,
    )
    kept = city_of(scenario_of("2030Q4"), draw)
    planned = city_of(scenario_of("2030Q4", support_ceiling="planned"), draw)
    for city in (kept, planned):
        past = [ceiling_of(city, year) for year in range(2016, 2021)]
        assert past == pytest.approx([6.74, 7.44, 8.21, 9.06, 10.0], abs=0.01)
    for year in (2021, 2025, 2030):
        assert ceiling_of(kept, year) == pytest.approx(10.0 * 1.02 ** (year - 2020))
        assert ceiling_of(planned, year) == pytest.approx(10.0 * 1.073 ** (year - 2020))
    half = city_of(scenario_of("2016Q4"), draw.with_values(support_ceiling_scale=0.5))
    assert ceiling_of(half, 2020) == pytest.approx(5.0)


class Watch:
    """Notes of every quarter what firms claimed, what they got and how the city's account stood (万元)."""

    def __init__(self) -> None:
        self.claimed: list[float] = []
        self.by_lever: list[dict[str, float]] = []
        self.paid: list[float] = []
        self.deposits: list[float] = []
        self.debt: list[float] = []
        self.bonds: list[float] = []
        self.expected: list[float] = []
        self.tally: list[dict[str, int]] = []

    def before(self, city: Corridor) -> None:
        """Note open claims, just before they are settled."""
        alive, sums = city.firms.columns.alive, dict.fromkeys(CLAIMS, 0.0)
        for claim in city.claims:
            sums[claim.lever] += float((claim.amounts * alive[claim.rows]).sum())
        self.by_lever.append(sums)
        self.claimed.append(sum(sums.values()))

    def after(self, city: Corridor) -> None:
        """Note what was paid, and the books of the government."""
        costs = city.costs.amounts[city.quarter]
        self.paid.append(sum(float(costs[LEVERS.index(lever), CASH]) for lever in CLAIMS))
        self.deposits.append(city.government.deposits)
        self.debt.append(city.government.debt)
        flow = city.ledger.flows.get("new debt of the city")
        self.bonds.append(0.0 if flow is None else float(flow[GOVERNMENT]))
        self.expected.append(city.ceiling.expected)
        self.tally.append(dict(city.tally))


def watched(until: str, draw: Draw | None = None, seed: int = 3, **parts: Any) -> tuple[Corridor, Watch]:
    """Run a small audited city and return it with what was noted."""
    watch = Watch()
    events = {"households": [watch.before], "closing": [watch.after]}
    scenario = scenario_of(until, **parts)
    return city_of(scenario, draw or default_draw("B"), seed, audit=True, scale=0.05, events=events).run(), watch


def test_claims_of_all_levers_share_one_ceiling_and_the_dead_get_nothing() -> None:
    """Open claims 30 + 10 + 40 = 80, that of a closed firm lapses; 50 are left: 5/8 of each; 2 % for administration."""
    city = city_of(scenario_of("2017Q4"), default_draw("B").with_values(administration_share=0.02), scale=0.05).run(5)
    columns, rows = city.firms.columns, np.flatnonzero(city.firms.columns.alive[: city.firms.count] == 1)[:3]
    columns.alive[rows[2]] = 0
    city.claims[:] = [
        Claim("certification_bonus", "certification and registration bonuses", rows[:2], np.array([30.0, 10.0])),
        Claim("research_grant", "research grants", rows[1:], np.array([40.0, 99.0])),
    ]
    city.ceiling.left = 50.0
    held, purse = columns.deposits[rows].copy(), city.government.deposits
    city.ledger.flows.clear()
    city.costs.amounts[city.quarter] = 0.0
    pay_claims(city)
    assert columns.deposits[rows] - held == pytest.approx([18.75, 31.25, 0.0])
    assert purse - city.government.deposits == pytest.approx(51.0)
    assert city.ledger.flows["certification and registration bonuses"][FIRMS] == pytest.approx(25.0)
    assert city.ledger.flows["research grants"][FIRMS] == pytest.approx(25.0)
    cost = dict(zip(LEVERS, city.costs.amounts[city.quarter], strict=False))
    assert cost["research_grant"][[CASH, ADMINISTRATION]] == pytest.approx([25.0, 0.5])
    assert city.ceiling.left == pytest.approx(-1.0)
    assert city.claims == []


def test_a_ceiling_that_binds_cuts_payments_to_what_it_holds_and_expectations_follow() -> None:
    """Contracts and administration come on top of claims, so the cash of a year may pass the ceiling by their last part.

    No year pays more than its ceiling plus 2 % of what the last quarter paid, once capital of funds is left out.
    """
    city, watch = watched("2018Q4", levers=GENEROUS)
    claimed, paid = np.array(watch.claimed).reshape(3, 4), np.array(watch.paid).reshape(3, 4)
    assert (paid <= claimed * (1.0 + 1e-12)).all()
    for year in range(3):
        whole = city.scale * wan_from_yi(ceiling_of(city, 2016 + year))
        assert paid[year].sum() <= whole
        assert paid[year].sum() < 0.9 * claimed[year].sum(), "the ceiling binds"
    assert watch.expected[:4] == [1.0] * 4
    for year in (1, 2):
        share = paid[year - 1].sum() / claimed[year - 1].sum()
        assert watch.expected[4 * year : 4 * year + 4] == pytest.approx([share] * 4)


def test_without_a_ceiling_every_open_claim_is_paid_after_2020_and_history_stays_as_it_was() -> None:
    """What a scenario says about the ceiling is about the years to come: until 2020 the city is the same to the last bit."""
    kept, before = watched("2023Q4", levers=GENEROUS)
    freed, watch = watched("2023Q4", levers=GENEROUS, support_ceiling="none")
    assert np.array_equal(freed.indicators[:20], kept.indicators[:20], equal_nan=True)
    assert watch.paid[:20] == before.paid[:20]
    assert watch.paid[20:] == pytest.approx(watch.claimed[20:])
    assert sum(watch.paid[24:28]) > kept.scale * wan_from_yi(ceiling_of(kept, 2022)), "more than the ceiling would have let"
    assert watch.expected[20] == before.expected[20] < 1.0, "in the first year firms count on what they have seen"
    assert set(watch.expected[24:]) == {1.0}
    spending = [city.ledger.flows["general spending"][GOVERNMENT] for city in (kept, freed)]
    assert max(spending) < 0.0
    assert freed.government.debt > kept.government.debt, "what is paid beyond the budget is borrowed, not saved elsewhere"


def test_a_zero_ceiling_pays_no_claim_and_firms_learn_it() -> None:
    """In the first year firms still count on rewards; from the second on they expect none, and fewer seek certificates."""
    nothing = default_draw("B").with_values(support_ceiling_2020=0.0)
    fewer = 0.0
    for seed in (3, 4):
        city, watch = watched("2019Q4", nothing, seed, levers={"certification_bonus": GENEROUS["certification_bonus"]})
        in_full = default_draw("B").with_values(**NO_CEILING)
        usual, _ = watched("2019Q4", in_full, seed, levers={"certification_bonus": GENEROUS["certification_bonus"]})
        assert min(watch.claimed) > 0.0
        assert watch.paid == [0.0] * 16
        assert watch.expected == [1.0] * 4 + [0.0] * 12
        counted_on = city.policy.expected_bonus(16, city.deflator, city.ceiling.expected)
        assert not counted_on.any()
        assert not city.policy.expected_grant(16, city.ceiling.expected).any()
        at = [3, 15]
        certified = city.indicators[at, POSITION["high_tech_firms"]]
        with_reward = usual.indicators[at, POSITION["high_tech_firms"]]
        assert certified[1] <= with_reward[1]
        fewer += with_reward[1] - certified[1]
    assert fewer > 0.0


def test_the_planned_ceiling_pays_more_than_the_kept_one() -> None:
    """Same luck and claims of a fifth of R&D; both bind, so what is paid follows the ceiling in every year after 2020."""
    paid = {}
    for choice in ("kept", "planned"):
        _, watch = watched("2024Q4", levers=GENEROUS, support_ceiling=choice)
        paid[choice] = np.array(watch.paid).reshape(-1, 4).sum(axis=1)
    assert paid["kept"][:5] == pytest.approx(paid["planned"][:5])
    assert (paid["planned"][5:] > paid["kept"][5:]).all()


# Budgets come before the ceiling --------------------------------------------------------------------------------------


def test_a_budget_cuts_what_is_claimed_and_the_ceiling_cuts_that_again() -> None:
    """Rewards of 100万元 with a budget of 0.02亿 for the 80 more, in the first year.

    Claims are what the path owes (2 a registration, 20 a first certificate, 10 a renewal) plus the budget, whatever the
    ceiling; of these a low ceiling pays a part.
    """
    bonus = {"certification_bonus": {**GENEROUS["certification_bonus"], "budget": 0.02}}
    low = default_draw("B").with_values(support_ceiling_2020=0.5, certification_bonus_scale=1.0)
    high = low.with_values(support_ceiling_2020=10.0)
    for draw in (low, high):
        city, watch = watched("2016Q4", draw, levers=bonus)
        owed = sum(
            2.0 * t["registrations"] + 20.0 * t["certificates_new"] + 10.0 * t["certificates_renewed"]
            for t in watch.tally
        )
        claimed = sum(quarter["certification_bonus"] for quarter in watch.by_lever)
        assert claimed == pytest.approx(owed + city.scale * wan_from_yi(0.02), rel=1e-9)
        share = sum(watch.paid) / sum(watch.claimed)
        assert (share < 0.9) if draw is low else (share == pytest.approx(1.0))


def rationed(budget: Budget, claims: np.ndarray, unchanged: np.ndarray) -> np.ndarray:
    """Return what a budget pays of claims of which `unchanged` are due anyway."""
    return budget.ration(claims, lambda: unchanged)


def test_a_budget_never_rations_the_unchanged_path() -> None:
    """Budget 10 for the change. Claims 8 unchanged + 4: all; then 8 + 12: 8 and the 6 left; then 8 + 1: the 8."""
    budget = Budget(10.0)
    budget.open_year(1.0)
    one = np.array([1.0])
    assert rationed(budget, 12.0 * one, 8.0 * one) == pytest.approx([12.0])
    assert rationed(budget, 20.0 * one, 8.0 * one) == pytest.approx([14.0])
    assert rationed(budget, 9.0 * one, 8.0 * one) == pytest.approx([8.0])
    budget.open_year(1.5)
    assert budget.expected == pytest.approx(10.0 / 17.0)
    assert rationed(budget, np.array([10.0, 30.0]), np.zeros(2)) == pytest.approx([3.75, 11.25])  # 15 at prices of 1.5


# The government -------------------------------------------------------------------------------------------------------


def test_the_account_is_never_overdrawn_and_debt_moves_by_bonds_only() -> None:
    """Five years with a generous and unlimited promise and an injection of 20亿 into the guarantee fund in 2022."""
    levers = {**GENEROUS, "guarantee_coverage": {"capital": {"value": 20, "from": "2022Q3"}}}
    _, watch = watched("2025Q4", levers=levers, support_ceiling="none")
    deposits, debt = np.array(watch.deposits), np.array(watch.debt)
    assert deposits.min() >= 0.0
    assert debt.min() >= 0.0
    change = np.diff(debt, prepend=0.0)
    assert change == pytest.approx(watch.bonds, abs=1e-6)
    # Bonds are sold only to cover what is missing, and redeemed only at the end of a year.
    assert (deposits[change > 0.0] == 0.0).all()
    assert {int(quarter % 4) for quarter in np.flatnonzero(change < 0.0)} <= {3}
    assert change.max() > 0.0


def test_what_is_left_at_the_end_of_a_year_is_spent() -> None:
    """In a year without need nothing is borrowed, and no money lies idle over the turn of the year."""
    _, watch = watched("2019Q4")
    deposits = np.array(watch.deposits).reshape(4, 4)
    assert deposits[:, 3] == pytest.approx(0.0, abs=1e-6)
    assert deposits[:, :3].max() > 0.0, "within a year the ceiling's money waits for claims"


def test_capital_for_the_guarantee_fund_is_borrowed_where_there_is_no_money() -> None:
    """30亿 more capital in 2017Q2: what the account does not hold becomes debt, the fund has the money at once."""
    more = {"guarantee_coverage": {"capital": {"value": 30, "from": "2017Q2"}}}
    (usual, plain), (city, moved) = watched("2017Q2"), watched("2017Q2", levers=more)
    injected = city.scale * wan_from_yi(30.0)
    assert city.guarantee_fund.capital - usual.guarantee_fund.capital == pytest.approx(injected, rel=1e-3)
    assert moved.debt[4] == plain.debt[4]
    net = [watch.debt[5] - watch.deposits[5] for watch in (plain, moved)]
    assert net[1] - net[0] == pytest.approx(injected, rel=1e-3)
    assert moved.debt[5] > plain.debt[5]
    assert moved.deposits[5] == 0.0
    assert quarter_label(city.quarter) == "2017Q2"


def test_debt_costs_interest_and_is_redeemed_from_what_years_leave() -> None:
    more = {"guarantee_coverage": {"capital": {"value": 30, "from": "2017Q2", "until": "2019Q2"}}}
    _, watch = watched("2021Q4", levers=more)
    debt = np.array(watch.debt)
    assert debt[5] > 0.0
    assert debt[-1] < 0.2 * debt.max(), "the capital comes back in 2019Q3 and redeems bonds"


def test_other_revenue_is_what_reported_revenue_leaves_in_2020() -> None:
    """401.2 less the modelled part over the four quarters of 2020, moving with the rest of the city, by scale."""
    city = city_of(scenario_of("2021Q4"), default_draw("B"), scale=0.1)
    paths = city.surroundings
    left = city.rules.value("local_revenue_2020") - city.rules.value("modelled_revenue_2020")
    assert sum(paths.other_revenue(quarter) for quarter in range(17, 21)) == pytest.approx(0.1 * left)
    ratio = paths.other_revenue(24) / paths.other_revenue(20)
    assert ratio == pytest.approx(paths.rest_of_city(24) / paths.rest_of_city(20))


def test_debt_costs_the_rate_at_which_banks_fund_themselves() -> None:
    """A debt of 4000万元 put in at the start of a quarter: a quarter of the yearly rate, paid by the government."""
    city = city_of(scenario_of("2017Q4"), default_draw("B")).run(4)
    city.government.debt += 4000.0
    city.step()
    rate = settings.funding_rate(city)
    row = city.ledger.flows["interest on debt of the city"]
    assert rate > 0.01
    assert row[SECTORS.index("government")] == pytest.approx(-0.25 * rate * 4000.0)
    assert row[SECTORS.index("outside")] == pytest.approx(0.25 * rate * 4000.0)
