"""Demand, R&D choice, growth, and the quarter's money of firms and cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import year_of
from kechuang.randomness import Purpose, stream_key
from kechuang.world import settings
from kechuang.world.mechanisms import accounts, growth, knowledge, research, spillovers
from kechuang.world.mechanisms.taxes import unit_taxes
from kechuang.world.phases import credit, venture
from kechuang.world.policy.policy_state import FORGONE_LOCAL, FORGONE_TOTAL

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def move_demand(city: Corridor) -> None:
    """Move the demand index of every industry, with whatever recession the scenario has for this quarter."""
    city.demand.advance(city.quarter, city.shocks.recession_depth(city.quarter))


def choose_research(city: Corridor) -> None:
    """Let firms decide whether they do R&D and how much."""
    columns, count = city.firms.columns, city.firms.count
    np.maximum(columns.research_intensity[:count], columns.research_wish[:count], out=columns.research_intensity[:count])
    city.peers = city.doer_share()
    research.choose_research(
        city.firms.columns, city.firms.count, settings.research_setting(city, city.quarter), city.law, city.rules.research
    )


def grow(city: Corridor) -> None:
    """Grow firms and cells, and make them add up to demand."""
    columns, count, quarter = city.firms.columns, city.firms.count, city.quarter
    nominal = city.demand.log_growth + np.log(city.deflator[quarter] / city.deflator[quarter - 1])
    year_key = stream_key(city.luck_seed, year_of(quarter), int(Purpose.GROWTH_VARIANCE))
    quarter_key = stream_key(city.luck_seed, quarter, int(Purpose.GROWTH))
    proposed = growth.propose_growth(
        columns,
        count,
        quarter,
        year_key,
        quarter_key,
        nominal,
        growth.industry_means(columns, count, nominal.size),
        city.rules.growth,
    )
    cell_growth = nominal + city.rules.growth.convexity_growth / 4.0
    cells = city.reservoir.sales.sum(axis=0) * np.exp(cell_growth)
    city.target_sales = city.base_sales * np.exp(city.demand.log_index) * city.deflator[quarter]
    city.congestion = growth.congestion_of(proposed, cells, city.target_sales, city.rules.growth.adding_up_limit)
    growth.apply_growth(
        columns, count, city.congestion, float(city.deflator[quarter]), quarter / 4.0, city.rules.growth
    )
    city.reservoir.grow(cell_growth - city.congestion)


def keep_accounts(city: Corridor) -> None:
    """Sell, pay, invest and borrow: the quarter of firms and cells in the books."""
    setting = accounts.AccountSetting(
        city.position,
        float(4.0 * city.season[city.position]),
        settings.reporting_drift(city),
        settings.loan_rate(city),
        float(city.policy.finance.guarantee_fee[city.quarter]),
        city.policy.tax_rate[city.quarter],
        city.policy.super_deduction[city.quarter],
    )
    totals, measures, to_funds = accounts.keep_accounts(
        city.firms.columns,
        city.firms.count,
        setting,
        city.law,
        city.rules.accounts,
        city.audit_book.postings,
    )
    city.audit_book.note_quarter(0.25 * city.rules.accounts.rates.capital_depreciation)
    city.measures = measures
    _post_firms(city, totals, float(to_funds.sum()))
    venture.receive_dividends(city, to_funds)
    credit.pay_interest(city)
    _keep_cells(city, setting.season)
    share = city.rules.value("local_share_corporate")
    for lever, measure in (
        ("high_tech_tax_rate", accounts.FORGONE_CERTIFIED),
        ("super_deduction", accounts.FORGONE_DEDUCTION),
    ):
        city.costs.add(city.quarter, lever, FORGONE_TOTAL, float(measures[measure]))
        city.costs.add(city.quarter, lever, FORGONE_LOCAL, share * float(measures[measure]))


def learn(city: Corridor) -> None:
    """Turn R&D into knowledge and patents, and knowledge, one's own and that of others, into productivity."""
    columns, count = city.firms.columns, city.firms.count
    city.boosts.fill(columns, count, city.quarter)
    before = columns.knowledge[:count].copy()
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.PATENTS))
    city.patents_granted = knowledge.accumulate_knowledge(
        columns,
        count,
        key,
        float(4.0 * city.season[city.position]),
        float(city.deflator[city.quarter] * city.money),
        city.rules.knowledge,
    )
    city.mean_pool = spillovers.raise_productivity(
        columns, count, before, city.nearness, city.proximity, city.rules.spillovers
    )


def _post_firms(city: Corridor, totals: NDArray[np.float64], to_funds: float) -> None:
    ledger, value, rates = city.ledger, city.rules.value, city.rules.accounts.rates
    corporate, added = value("local_share_corporate"), value("local_share_value_added")
    flow = dict(zip(accounts.FLOWS, totals, strict=True))
    ledger.post("sales", "firms", "outside", flow["sales"])
    ledger.post("purchases", "outside", "firms", -flow["purchases"])
    ledger.post("production wages", "households", "firms", -flow["production wages"])
    ledger.post("research wages", "households", "firms", -flow["research wages"])
    ledger.post("research purchases", "outside", "firms", -flow["research purchases"])
    ledger.post("value added tax, city", "government", "firms", -added * flow["value added tax"])
    city.government.collect(-added * flow["value added tax"] - corporate * flow["income tax"])
    ledger.post("value added tax, nation", "outside", "firms", -(1.0 - added) * flow["value added tax"])
    ledger.post("corporate income tax, city", "government", "firms", -corporate * flow["income tax"])
    ledger.post("corporate income tax, nation", "outside", "firms", -(1.0 - corporate) * flow["income tax"])
    ledger.post("investment", "outside", "firms", -flow["investment"])
    ledger.post("dividends", "households", "firms", -flow["dividends"] - to_funds)
    ledger.post("bills left unpaid", "firms", "outside", flow["bills left unpaid"])
    ledger.post("bills paid late", "outside", "firms", -flow["bills paid late"])
    wear = 0.25 * rates.capital_depreciation * city.opening.stocks["capital of firms"]
    city.booked["capital of firms"] += -flow["investment"] - wear
    city.booked["payables of firms"] += flow["bills left unpaid"] + flow["bills paid late"]
    city.household_income += -(flow["production wages"] + flow["research wages"] + flow["dividends"]) - to_funds


def _keep_cells(city: Corridor, season: float) -> None:
    """Post the quarter of the cells; owners take what is left and make good what is missing."""
    cells, p, ledger = city.reservoir, city.rules.accounts, city.ledger
    margin = city.rules.vector("margin_mean")
    sales = cells.sales * season
    value_share = np.array(p.value_added_share)[None, :]
    wages = sales * np.array(p.wage_share)[None, :] * value_share
    tax_added = sales * p.rates.vat_rate * value_share
    added = wages + tax_added + sales * margin[None, :]
    staff = cells.mean_size() / city.deflator[city.quarter] / settings.worker_sales(city)[None, :]
    income_tax = 0.25 * cells.units * unit_taxes(cells.mean_size(), staff, margin, city.law)
    wear = 0.25 * p.rates.capital_depreciation * cells.capital
    investment = wear + accounts.INVESTMENT_SPEED * (p.rates.tangible_share * 4.0 * cells.sales - cells.capital)
    saving = p.rates.liquidity_target * 4.0 * cells.sales - cells.deposits
    owners = added - wages - tax_added - income_tax - investment - saving
    cells.deposits += saving
    cells.capital += investment - wear
    city.audit_book.note_cells("deposits", added - wages - tax_added - income_tax - investment - owners)
    city.audit_book.note_cells("capital", investment - wear)
    city.cell_value_added, city.cell_staff = added, staff * cells.units

    corporate, share = city.rules.value("local_share_corporate"), city.rules.value("local_share_value_added")
    ledger.post("sales of cells", "cells", "outside", float(sales.sum()))
    ledger.post("purchases of cells", "outside", "cells", float((sales - added).sum()))
    ledger.post("wages of cells", "households", "cells", float(wages.sum()))
    ledger.post("value added tax of cells, city", "government", "cells", share * float(tax_added.sum()))
    ledger.post("value added tax of cells, nation", "outside", "cells", (1.0 - share) * float(tax_added.sum()))
    city.government.collect(share * float(tax_added.sum()) + corporate * float(income_tax.sum()))
    ledger.post("income tax of cells, city", "government", "cells", corporate * float(income_tax.sum()))
    ledger.post("income tax of cells, nation", "outside", "cells", (1.0 - corporate) * float(income_tax.sum()))
    ledger.post("investment of cells", "outside", "cells", float(investment.sum()))
    ledger.post("owners' income from cells", "households", "cells", float(owners.sum()))
    city.household_income += float(wages.sum() + owners.sum())
