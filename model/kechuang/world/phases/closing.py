"""Opening and closing the books of a quarter: calendar, households, identities, indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kechuang.clock import quarter_of_year
from kechuang.world import settings
from kechuang.world.books import identities
from kechuang.world.measure import city as measure
from kechuang.world.measure.headcount import headcount
from kechuang.world.mechanisms import accounts
from kechuang.world.phases.government import release_support
from kechuang.world.phases.zone import note_year

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def open_quarter(city: Corridor) -> None:
    """Turn the calendar, read law and levers of the quarter, and note what every account holds."""
    city.law = city.policy.law(city.quarter)
    settings.tighten(city)
    if quarter_of_year(city.quarter) == 1:
        new_row = city.firms.compact()
        city.boosts.move(new_row)
        city.talent.compact(new_row)
        accounts.flag_above_scale(city.firms.columns, city.firms.count, city.rules.initial.above_scale_size)
        note_year(city)
        city.reservoir.age_one_year()
        city.panel[:] = 0.0
        price = city.policy.price(city.quarter, city.deflator)
        city.policy.open_year(price)
    city.tally = dict.fromkeys(city.tally, 0)
    city.tally_money = dict.fromkeys(city.tally_money, 0.0)
    city.household_income = city.government.revenue = 0.0
    city.opening = city.closing or identities.standing(city, headcount(city))
    city.ledger.open_quarter(city.opening.deposits)
    city.booked = dict.fromkeys(city.opening.stocks, 0.0)
    city.audit_book.open_quarter(city)
    release_support(city)


def settle_households(city: Corridor) -> None:
    """Households pay income tax on wages and profits, save a share and spend the rest outside the model."""
    value, ledger = city.rules.value, city.ledger
    tax = value("income_tax_rate") * city.household_income
    share = value("local_share_income")
    consumption = (1.0 - value("household_saving")) * (city.household_income - tax)
    ledger.post("personal income tax, city", "government", "households", share * tax)
    city.government.collect(share * tax)
    ledger.post("personal income tax, nation", "outside", "households", (1.0 - share) * tax)
    ledger.post("consumption", "outside", "households", consumption)
    city.household_deposits += city.household_income - tax - consumption


def close_quarter(city: Corridor) -> None:
    """Check the identities and measure the city."""
    end_of_year, now = quarter_of_year(city.quarter) == 4, headcount(city)
    city.closing = closing = identities.standing(city, now)
    city.residuals = identities.check_flows(city, city.opening, closing)
    stocks = identities.check_stocks(city) if city.audit or end_of_year else []
    # The indicator is the same whether the run is audited or not.
    city.worst_residual = identities.worst([*city.residuals, *stocks] if end_of_year else city.residuals)
    city.residuals += stocks
    if city.audit:
        city.residuals += identities.check_audited(city)
    city.audit_book.close_quarter(city)
    measure.record(city, now)
