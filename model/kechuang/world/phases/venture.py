"""The venture funds in a quarter: new deals and second rounds, calls on partners, and ways out with their proceeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, normal, stream_key, uniform
from kechuang.world.institutions.funds import Fund, Stake
from kechuang.world.mechanisms import venture
from kechuang.world.phases.deals import Market, Round, plan_rounds
from kechuang.world.policy.policy_state import ADMINISTRATION, CASH

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def invest(city: Corridor) -> None:
    """Choose firms, let the budget of a change cut what it brought, call capital and pay it into the firms."""
    city.funds.open_quarter(city.quarter)
    market = Market(city)
    rate, invested = 0.25 * city.rules.venture.fee, city.funds.invested_by()
    fees = {fund.row: min(rate * invested[fund.row], fund.dry_powder) for fund in city.funds}
    planned = {fund.row: plan_rounds(city, fund, market, fund.dry_powder - fees[fund.row]) for fund in city.funds}
    for fund in city.funds:
        _pay_fee(city, fund, fees[fund.row])
    for fund, deal, by_city in _within_budget(city, planned):
        _pay_in(city, fund, deal, by_city)


def _within_budget(city: Corridor, planned: dict[int, list[Round]]) -> list[tuple[Fund, Round, float]]:
    """Return all deals with the part that the city pays; the budget of a change cuts the deals that it brought."""
    finance, quarter = city.policy.finance, city.quarter
    deals = [(fund, deal) for fund in city.funds for deal in planned[fund.row]]
    money = np.array([deal.money for _, deal in deals])
    claims = finance.fund_city_share[quarter] * money

    def due_anyway() -> NDArray[np.float64]:
        return np.asarray(finance.unchanged_city_share[quarter] * money * np.array([not deal.extra for _, deal in deals]))

    paid = finance.budgets["guidance_fund"].ration(claims, due_anyway)
    found = []
    for (fund, deal), claim, by_city in zip(deals, claims, paid, strict=True):
        kept = by_city / claim if deal.extra and claim > 0.0 else 1.0
        if kept > 0.0:
            cut = deal._replace(money=float(kept * deal.money), share=float(kept * deal.share))
            found.append((fund, cut, float(by_city)))
    return found


def _pay_fee(city: Corridor, fund: Fund, fee: float) -> None:
    """Call the fee on called money that is still in firms and pay it to the managers."""
    if fee <= 0.0:
        return
    by_city = float(city.policy.finance.fund_city_share[city.quarter]) * fee
    _call(city, fund, by_city, fee - by_city, ADMINISTRATION)
    city.ceiling.take(by_city)
    fund.move("fees", fee)
    city.ledger.post("management fees of funds", "outside", "funds", fee)


def _pay_in(city: Corridor, fund: Fund, deal: Round, by_city: float) -> None:
    """Call the money of a deal and pay it into the firm for a share of it."""
    columns = city.firms.columns
    _call(city, fund, by_city, deal.money - by_city, CASH, deal.extra)
    fund.move("deals", deal.money)
    columns.deposits[deal.row] += deal.money
    city.audit_book.note("deposits", "new equity", np.array([deal.row]), np.array([deal.money]))
    city.ledger.post("new equity of firms", "firms", "funds", deal.money)
    firm = int(columns.identity[deal.row])
    stake = Stake(firm, fund.row, deal.stage, city.quarter, deal.money, deal.share, deal.follow_on, deal.extra)
    city.funds.take(stake, columns, deal.row)


def _call(city: Corridor, fund: Fund, by_city: float, by_others: float, kind: int, extra: bool = False) -> None:
    """Call money; the city's part stands outside the ceiling of its support unless it pays fees."""
    fund.call(by_city, by_others, extra=extra)
    city.ledger.post("calls of funds on the government", "funds", "government", by_city)
    city.ledger.post("calls of funds on others", "funds", "outside", by_others)
    city.government.pay(by_city)
    city.costs.add(city.quarter, "guidance_fund", kind, by_city)


def receive_dividends(city: Corridor, by_fund: NDArray[np.float64]) -> None:
    """Book dividends of the firms that funds hold; `by_fund` counts those that no fund holds in front."""
    for fund in city.funds:
        fund.move("dividends", float(by_fund[fund.row + 1]))
    city.ledger.post("dividends", "funds", "firms", float(by_fund[1:].sum()))


def leave(city: Corridor) -> None:
    """List, sell, write off or hand back stakes, and pay partners all that the funds hold."""
    columns, p, quarter, seed = city.firms.columns, city.rules.venture, city.quarter, city.luck_seed
    key, luck = stream_key(seed, quarter, int(Purpose.FUND_EXIT)), stream_key(seed, 0, int(Purpose.FUND_MULTIPLE))
    rates = [venture.exit_rates_of(fund.row, p) for fund in city.funds]
    rows = np.flatnonzero(columns.fund[: city.firms.count] > 0)
    for row, firm, holder in zip(*(of.tolist() for of in (rows, columns.identity[rows], columns.fund[rows])), strict=True):
        fund = city.funds.agents[holder - 1]
        held = quarter - city.funds.held_in(firm)[0].quarter
        if held < venture.QUARTERS_TO_EXIT:
            continue
        over = held >= p.life_quarters
        route = venture.BUYBACK if over else venture.route_out(uniform(key, firm), rates[fund.row])
        if not route:
            continue
        multiple = venture.multiple_of(route, normal(luck, firm), p)
        ended = city.funds.leave(columns, row, quarter, route, multiple)
        proceeds = sum(stake.proceeds for stake in ended)
        fund.move("proceeds", proceeds)
        fund.recycle(p.recycling * proceeds, extra=p.recycling * sum(stake.proceeds for stake in ended if stake.extra))
        city.ledger.post("sale of shares by funds", "funds", "outside", proceeds)
    for fund in city.funds:
        to_city, to_others = fund.distribute()
        city.ledger.post("distributions of funds to the government", "government", "funds", to_city)
        city.ledger.post("distributions of funds to others", "outside", "funds", to_others)
        city.government.receive(to_city)
