"""What must hold of the venture funds at the end of every quarter (I8 and the funds' part of I9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kechuang.world.books.ledger import Residual
from kechuang.world.institutions.funds import FLOWS_OF_A_FUND

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

SHARE_TOLERANCE = 1e-9
"""Largest allowed violation of a share held in a firm."""


def check_funds_money(city: Corridor, gross: float) -> list[Residual]:
    """Fund by fund: the account moves by its own records, and no more is called than partners committed."""
    found = []
    for fund in city.funds:
        moved = sum(sign * fund.flows[name] for name, sign in FLOWS_OF_A_FUND.items())
        values = {
            "cash of a fund moves by its records": fund.deposits - fund.opening - moved,
            "called money was committed": min(0.0, fund.callable - fund.called),
            "called money was paid in": fund.called - fund.paid_by_city - fund.paid_by_others,
            "no fund is in debt": min(0.0, fund.deposits),
        }
        for name, value in values.items():
            share = abs(value) / gross if np.isfinite(value) else np.inf
            found.append(Residual(name, fund.name, city.quarter, float(value), float(share)))
    return found


def check_stakes(city: Corridor) -> list[Residual]:
    """Shares lie between nothing and all; stakes held and the columns of living firms tell the same."""
    columns, count = city.firms.columns, city.firms.count
    held: dict[int, tuple[int, float]] = {}
    for stake in city.funds.stakes:
        if stake.exit_quarter < 0:
            fund, share = held.get(stake.firm, (stake.fund, 0.0))
            held[stake.firm] = (stake.fund if fund == stake.fund else -1, share + stake.share)
    wrong, rows = 0, np.flatnonzero((columns.fund[:count] != 0) | (columns.fund_share[:count] != 0.0))
    for row in rows:
        fund, share = held.pop(int(columns.identity[row]), (-1, 0.0))
        agrees = fund + 1 == columns.fund[row] and abs(share - columns.fund_share[row]) <= SHARE_TOLERANCE
        wrong += not (agrees and columns.alive[row] == 1)
    shares = columns.fund_share[:count]
    outside = int(((shares < 0.0) | ~(shares <= 1.0)).sum())
    pairs = (
        ("stakes agree with the firms", wrong + len(held)),
        ("a share held lies between nothing and all", outside),
    )
    return [Residual(name, "funds", city.quarter, float(value), float(value != 0)) for name, value in pairs]
