"""The city's government in a quarter: ceiling and claims of levers, revenue, spending and debt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kechuang.clock import year_of
from kechuang.units import wan_from_yi
from kechuang.world import settings
from kechuang.world.policy.policy_state import ADMINISTRATION, CASH

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

YEAR_OF_CEILING = 2020
"""Year of which the level of the ceiling is given."""


def support_ceiling(city: Corridor) -> float:
    """Return the yearly ceiling on cash of levers (万元 of the day): as grown to 2020, then kept in real terms or planned.

    The budget of the city sets as much aside, also where a scenario lets it pay more.
    """
    value, years = city.rules.value, year_of(city.quarter) - YEAR_OF_CEILING
    level = city.scale * wan_from_yi(value("support_ceiling_2020") * value("support_ceiling_scale"))
    if years <= 0:
        return float(level * (1.0 + value("support_ceiling_growth")) ** years)
    if city.resolved.support_ceiling == "planned":
        return float(level * (1.0 + value("support_ceiling_growth_plan")) ** years)
    return float(level * city.policy.price(city.quarter, city.deflator))


def release_support(city: Corridor) -> None:
    """Release a quarter of the ceiling of the year; after 2020 a scenario without ceiling has no end of it."""
    if city.position == 0:
        city.ceiling.open_year()
    unlimited = city.resolved.support_ceiling == "none" and year_of(city.quarter) > YEAR_OF_CEILING
    city.ceiling.release(float("inf") if unlimited else 0.25 * support_ceiling(city))


def pay_out(city: Corridor, lever: str, flow: str, receiver: str, amount: float, kind: int = CASH) -> None:
    """Pay cash of a lever that is bound by contract: it goes out of the city's account and comes first under the ceiling."""
    city.ledger.post(flow, receiver, "government", amount)
    city.government.pay(amount)
    city.costs.add(city.quarter, lever, kind, amount)
    city.ceiling.take(amount)


def book_administration(city: Corridor, lever: str, money: float) -> None:
    """Book what it costs the city to run a lever that moves this much money."""
    share = city.rules.value("administration_share")
    pay_out(city, lever, "administration of levers", "outside", share * money, ADMINISTRATION)


def settle_government(city: Corridor) -> None:
    """Pay claims, spend what was not meant for levers, borrow what is missing, use what is left at the end of a year."""
    government = city.government
    pay_claims(city)
    other = wan_from_yi(city.surroundings.other_revenue(city.quarter))
    city.ledger.post("other revenue", "government", "outside", other)
    government.collect(other)
    interest = 0.25 * settings.funding_rate(city) * government.debt
    city.ledger.post("interest on debt of the city", "outside", "government", interest)
    government.pay(interest)
    general = max(0.0, government.revenue - 0.25 * support_ceiling(city))
    _spend(city, general)
    if government.deposits < 0.0:
        _borrow(city, -government.deposits)
    elif city.position == 3:
        repaid = min(government.debt, government.deposits)
        _borrow(city, -repaid)
        _spend(city, max(0.0, government.deposits))


def pay_claims(city: Corridor) -> None:
    """Pay what levers owe firms, pro rata where the ceiling does not cover it; firms that have closed get nothing."""
    columns = city.firms.columns
    open_claims = [claim._replace(amounts=claim.amounts * columns.alive[claim.rows]) for claim in city.claims]
    share = city.ceiling.share(sum(float(claim.amounts.sum()) for claim in open_claims))
    for claim in open_claims:
        paid = share * claim.amounts
        total = float(paid.sum())
        columns.deposits[claim.rows] += paid
        city.audit_book.note("deposits", "payments of levers", claim.rows, paid)
        city.ledger.post(claim.flow, "firms", "government", total)
        city.government.pay(total)
        city.costs.add(city.quarter, claim.lever, CASH, total)
        book_administration(city, claim.lever, total)
    city.claims.clear()


def _spend(city: Corridor, amount: float) -> None:
    city.ledger.post("general spending", "outside", "government", amount)
    city.government.pay(amount)


def _borrow(city: Corridor, amount: float) -> None:
    """Sell bonds outside; a negative amount redeems them."""
    city.ledger.post("new debt of the city", "government", "outside", amount)
    city.government.receive(amount)
    city.government.debt += amount
    city.booked["debt of the city"] += amount
