"""What must hold at the end of every quarter: money that moved was posted, people of paper neither appear nor vanish.

Money identities are stated as shares of the quarter's gross flows; counts must agree exactly. What flows explain is looked
at every quarter. What two accounts tell of the same stock stays wrong once it is, so an unaudited run compares them in the
last quarter of a year.
"""

from __future__ import annotations

from math import inf, isfinite
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kechuang.clock import quarter_label
from kechuang.errors import CheckFailed
from kechuang.world.books import balance
from kechuang.world.books.identities_funds import check_funds_money, check_stakes
from kechuang.world.books.identities_people import check_people
from kechuang.world.books.ledger import SECTORS, Residual
from kechuang.world.measure.headcount import Headcount
from kechuang.world.mechanisms.accounts import VALUE_ADDED
from kechuang.world.population.firms import NO_CERTIFICATE, living_sum, sums_by

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

MONEY_TOLERANCE = 1e-9
"""Largest allowed violation of an aggregate, as a share of the quarter's gross flows."""
FIRM_TOLERANCE = 1e-6
"""Largest allowed violation of a firm's account, 万元."""
_NON_NEGATIVE = (
    "sales",
    "deposits",
    "capital",
    "loans",
    "payables",
    "guaranteed",
    "pledged",
    "rationed",
    "default_risk",
    "knowledge",
    "patents",
    "research_intensity",
    "research_wish",
    "relabelled",
)
_STOCKS = ("capital", "loans", "payables")
LEVER_FLOWS = (
    "certification and registration bonuses",
    "interest subsidies",
    "research grants",
    "administration of levers",
    "running cost of the credit platform",
    "build-up of the national zone",
    "capital of the guarantee fund",
    "risk compensation",
    "calls of funds on the government",
    "talent subsidies",
    "grants to top talent projects",
    "training of graduates",
    "digital retrofit subsidies",
    "rent of incubator floor",
    "joint projects",
    "innovation vouchers",
    "building of research carriers",
    "running of research carriers",
)
"""Flows that leave the city's accounts for levers; their sum is the cash that the levers' cost ledger shows."""


class Standing(NamedTuple):
    """Where the city stands between two quarters: what flows and events of the next one must explain."""

    deposits: dict[str, float]
    """By sector, 万元."""
    stocks: dict[str, float]
    """What firms own and owe beside their deposits, and the debt of the city, 万元."""
    units: int
    certificates: int


NOWHERE = Standing({}, {}, 0, 0)
"""Before the first quarter."""


def standing(city: Corridor, now: Headcount) -> Standing:
    """Return where the city stands at the moment."""
    columns, count = city.firms.columns, city.firms.count
    of_firms = {f"{name} of firms": float(living_sum(columns.alive, getattr(columns, name), count)) for name in _STOCKS}
    return Standing(
        city.deposits(),
        {**of_firms, "debt of the city": city.government.debt},
        now.living + int(city.reservoir.units.sum()),
        now.certified,
    )


def check_flows(city: Corridor, opening: Standing, closing: Standing) -> list[Residual]:
    """Return the residuals of what the flows and events of the quarter must explain."""
    gross = max(city.ledger.gross(), 1e-9)
    return [
        *city.ledger.residuals(city.quarter, closing.deposits, gross),
        *_stocks(city, opening.stocks, closing.stocks, gross),
        *_counts(city, opening, closing),
        *check_funds_money(city, gross),
    ]


def check_stocks(city: Corridor) -> list[Residual]:
    """Return the residuals between accounts of the same stocks, and of stocks that cannot be negative."""
    return [*_banks(city), *_terms(city), *_signs(city), *check_stakes(city), *check_people(city)]


def check_audited(city: Corridor) -> list[Residual]:
    """Return the residuals of an audited quarter: rows and columns of the balance sheet and every single account."""
    return [*balance.residuals(city), *city.audit_book.residuals(city)]


def worst(residuals: list[Residual]) -> float:
    """Return the largest violation of a quarter as a share of gross flows (counts: any violation is 1)."""
    return max((residual.share if isfinite(residual.share) else inf for residual in residuals), default=0.0)


def demand_no_violation(residuals: list[Residual]) -> None:
    """Raise CheckFailed that names identity, account and quarter of each violation."""
    bad = [r for r in residuals if not r.share <= MONEY_TOLERANCE]  # a share that is no number is a violation
    if bad:
        raise CheckFailed(
            "\n".join(f"{quarter_label(r.quarter)}: {r.identity}: {r.account}: off by {r.value:.6g}" for r in bad)
        )


def _stocks(city: Corridor, opening: dict[str, float], closing: dict[str, float], gross: float) -> list[Residual]:
    """I4, I7, I10: stocks move by what was booked, value added is sales less purchases, levers cost what was paid."""
    off = {name: now - opening[name] - city.booked[name] for name, now in closing.items()}
    for sector, suffix, added in (
        ("firms", "", float(city.measures[VALUE_ADDED])),
        ("cells", " of cells", float(city.cell_value_added.sum())),
    ):
        position, flows = SECTORS.index(sector), city.ledger.flows
        traded = float(flows[f"sales{suffix}"][position] + flows[f"purchases{suffix}"][position])
        off[f"value added of {sector}"] = traded - added
    off["cash of levers"] = city.costs.cash(city.quarter) - _paid_for_levers(city)
    return [
        Residual("stock changes by bookings", name, city.quarter, value, abs(value) / gross)
        for name, value in off.items()
    ]


def _paid_for_levers(city: Corridor) -> float:
    """Return what the city and its compensation fund paid in the quarter under the names of levers (万元)."""
    city_itself, its_fund = SECTORS.index("government"), SECTORS.index("compensation fund")
    paid = (city.ledger.flows.get(name) for name in (*LEVER_FLOWS, *city.own_flows))
    return -sum(row[city_itself] + row[its_fund] for row in paid if row is not None)


def _banks(city: Corridor) -> list[Residual]:
    """I4 to I6 bank by bank: loans are the sum of firms' loans and are funded; the guarantee fund keeps its limits."""
    columns, count, banks = city.firms.columns, city.firms.count, city.banks
    gross, books = max(city.ledger.gross(), 1e-9), banks.columns
    loans, guaranteed = (
        sums_by(columns.loan_bank, values, count, len(banks)) for values in (columns.loans, columns.guaranteed)
    )
    off = [
        ("loans are those of the firms", books.loans - loans),
        ("guarantees are those of the firms", books.guaranteed - guaranteed),
        ("loans are funded", books.loans - banks.funding - books.capital),
    ]
    negative = [
        ("no negative book", np.minimum(getattr(books, name), 0.0)) for name in ("loans", "guaranteed", "capital")
    ]
    found = []
    for name, values in off + negative:
        share = np.where(np.isfinite(values), np.abs(values) / gross, np.inf)
        for row in {int(np.argmax(share)), *np.flatnonzero(share > MONEY_TOLERANCE).tolist()}:
            account = banks.agents[row].name
            found.append(Residual(name, account, city.quarter, float(values[row]), float(share[row])))
    fund = city.guarantee_fund
    excess = max(0.0, city.lending.get("new_cover", 0.0) - fund.room)
    for name, value in (
        ("capital is not negative", min(fund.capital, 0.0)),
        ("new guarantees fit the capital", excess),
    ):
        found.append(Residual(name, "guarantee fund", city.quarter, value, abs(value) / gross))
    return found


def _counts(city: Corridor, opening: Standing, closing: Standing) -> list[Residual]:
    """I12 and I13: firms and certificates at the end are those of the beginning plus and minus the events."""
    events = city.tally
    units = opening.units + events["firms_entered"] - events["firms_exited"]
    lost = events["certificates_lapsed"] + events["certificates_lost_by_exit"]
    certificates = opening.certificates + events["certificates_new"] - lost
    pairs = (
        ("units are conserved", closing.units - units),
        ("certificates are conserved", closing.certificates - certificates),
    )
    return [Residual(name, "city", city.quarter, float(value), float(value != 0)) for name, value in pairs]


def _terms(city: Corridor) -> list[Residual]:
    """No certificate outlives its term, and nobody is born in the future."""
    columns, count = city.firms.columns, city.firms.count
    alive = columns.alive[:count] == 1
    held = columns.certified[:count][alive]
    expired = int(
        ((held > NO_CERTIFICATE) & (city.quarter - held > city.rules.certification.certificate_quarters)).sum()
    )
    future = int((columns.born[:count][alive] > city.quarter).sum())
    pairs = (("no certificate outlives its term", expired), ("nobody acts before birth", future))
    return [Residual(name, "city", city.quarter, float(value), float(value != 0)) for name, value in pairs]


def _signs(city: Corridor) -> list[Residual]:
    """I14: stocks that cannot be negative are not, and every number is finite."""
    columns, count = city.firms.columns, city.firms.count
    out = []
    for name in _NON_NEGATIVE:
        values = getattr(columns, name)[:count]
        fine = count == 0 or (values.min() >= -FIRM_TOLERANCE and values.max() < np.inf)
        out.append(Residual("no negative or infinite stock", name, city.quarter, float(not fine), float(not fine)))
    bad = int((city.reservoir.units < 0).sum() + (~(city.reservoir.sales >= 0.0)).sum())
    out.append(Residual("no negative or infinite stock", "cells", city.quarter, float(bad), float(bad != 0)))
    return out
