"""Reading the indicators of credit off the city at the end of a quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kechuang.clock import quarter_index
from kechuang.units import yi_from_wan
from kechuang.world.measure.headcount import Headcount
from kechuang.world.mechanisms import lending
from kechuang.world.mechanisms.credit import SCIENCE_BANK

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

END_2020 = quarter_index("2020Q4")


def credit_readings(city: Corridor, now: Headcount) -> dict[str, float]:
    """Return loans, guarantees, platform and network of this quarter."""
    books, counts = city.banks.columns, city.lending
    loans, bad = float(books.loans.sum()), float(books.bad.sum())
    asked = max(counts["applicants"], 1.0)
    users = platform_users(city, now.users)
    return {
        "loans_outstanding": yi_from_wan(loans),
        "loans_granted": yi_from_wan(counts["granted"]),
        "loan_approval_rate": 100.0 * (1.0 - counts["refused"] / asked) if counts["applicants"] else np.nan,
        "approval_days": counts["days"] / max(asked - counts["refused"], 1.0) if counts["applicants"] else np.nan,
        "credit_rationed_share": 100.0 * counts["rationed"] / asked if counts["applicants"] else np.nan,
        "credit_constrained_share": 100.0
        * (counts["rationed"] + counts["discouraged"])
        / (asked + counts["discouraged"]),
        "loans_overdue_share": 100.0
        * lending.overdue_loans(city.firms.columns, city.firms.count, city.quarter)
        / max(loans, 1e-9),
        "npl_ratio": 100.0 * bad / max(loans + bad, 1e-9),
        "guarantee_outstanding": yi_from_wan(float(books.guaranteed.sum())),
        "compensation_paid": yi_from_wan(city.tally_money["compensation_paid"]),
        "platform_users": users,
        "platform_financing": yi_from_wan(users * city.rules.value("platform_financing_per_user")),
        "bank_concentration": float(((books.loans / max(loans, 1e-9)) ** 2).sum()),
        **_network(city, now),
    }


def platform_users(city: Corridor, firms: int) -> float:
    """Return registered users: firms one by one, clients among small units and other small borrowers by share."""
    small = city.rules.value("reservoir_borrower_share") * float(city.reservoir.units.sum())
    return firms + float(city.platform_cells @ np.array([small, city.scale * other_borrowers(city)]))


def other_borrowers(city: Corridor) -> float:
    """Return clients outside industry: a constant rate of growth to the end of 2020, as many as then afterwards."""
    first, last = city.rules.vector("other_borrowers")
    return float(first * (last / first) ** (min(city.quarter, END_2020) / END_2020))


def _network(city: Corridor, now: Headcount) -> dict[str, float]:
    banks = city.banks.columns
    opened = (banks.kind == SCIENCE_BANK) & (banks.opens <= city.quarter)
    places = city.geography.places
    counties = {county for place in banks.place[opened] for county in places[int(place)].counties}
    return {
        "bank_links": 1.0 + now.second_banks / max(now.living, 1),
        "bank_coverage": float(len(counties)),
        "science_bank_share": 100.0 * now.at_science_banks / max(now.listed, 1),
    }
