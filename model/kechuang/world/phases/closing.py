"""Opening and closing the books of a quarter: calendar, households, government, identities, indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kechuang.clock import quarter_of_year
from kechuang.world import identities, measure
from kechuang.world.ledger import SECTORS
from kechuang.world.mechanisms import accounts

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def open_quarter(city: Corridor) -> None:
    """Turn the calendar, read law and levers of the quarter, and note what every account holds."""
    city.law = city.policy.law(city.quarter)
    city.tighten()
    if quarter_of_year(city.quarter) == 1:
        city.firms.compact()
        accounts.flag_above_scale(city.firms.columns, city.firms.count, city.rules.initial.above_scale_size)
        city.reservoir.age_one_year()
        city.panel[:] = 0.0
        price = city.policy.price(city.quarter, city.deflator)
        city.policy.bonus_budget.open_year(price)
        city.policy.finance.open_year(price)
    city.tally = dict.fromkeys(city.tally, 0)
    city.tally_money = dict.fromkeys(city.tally_money, 0.0)
    city.household_income = 0.0
    city.ledger.open_quarter(city.deposits())
    city.opening = identities.opening_counts(city)
    city.opening_stocks = identities.stocks(city)
    city.booked = dict.fromkeys(city.opening_stocks, 0.0)
    city.open_postings()


def settle_households(city: Corridor) -> None:
    """Households pay income tax on wages and profits, save a share and spend the rest outside the model."""
    value, ledger = city.rules.value, city.ledger
    tax = value("income_tax_rate") * city.household_income
    share = value("local_share_income")
    consumption = (1.0 - value("household_saving")) * (city.household_income - tax)
    ledger.post("personal income tax, city", "government", "households", share * tax)
    ledger.post("personal income tax, nation", "outside", "households", (1.0 - share) * tax)
    ledger.post("consumption", "outside", "households", consumption)
    city.household_deposits += city.household_income - tax - consumption


def settle_government(city: Corridor) -> None:
    """The city's government: taxes of the model's firms in, levers and general spending out."""
    government = city.government
    own = SECTORS.index("government")
    government.revenue = sum(float(row[own]) for name, row in city.ledger.flows.items() if name.endswith(", city"))
    government.lever_cash = city.costs.cash(city.quarter)
    rest = government.revenue - government.lever_cash
    city.ledger.post("general spending", "outside", "government", max(rest, 0.0))
    city.ledger.post("transfers from nation and province", "government", "outside", max(-rest, 0.0))
    government.deposits += government.revenue - government.lever_cash - max(rest, 0.0) + max(-rest, 0.0)


def close_quarter(city: Corridor) -> None:
    """Check the identities and measure the city."""
    city.residuals = identities.check(city)
    measure.record(city)
