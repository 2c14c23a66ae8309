"""Balance sheet of the sectors and the matrix of a quarter's flows, as stock-flow consistency asks for.

    balance sheet   assets +, liabilities -; every row but fixed capital and net worth sums to zero over the sectors
    flow matrix     sources +, uses -; rows and columns sum to zero once changes of deposits are written as uses
The other banks hold all deposits; what they do not lend lies outside (interbank market, reserves, bonds). Equity stands at
book value. Households own cells, local banks and what the funds do not hold of the firms; the city owns its two funds and
its part of the science funds. Money in 万元. Source: Godley and Lavoie 2007, chapters 2 and 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.world.books.ledger import SECTORS, Residual
from kechuang.world.institutions.banks import LOCAL_BANK

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.world.model import Corridor

STOCKS = (
    "fixed capital",
    "deposits",
    "bank loans",
    "unpaid bills",
    "funding of science banks",
    "net position of banks outside",
    "debt of the city",
    "equity of firms",
    "equity of cells",
    "equity of banks",
    "shares of the science funds",
    "capital of the city's funds",
)
FLOWS_OF_DEPOSITS = ("change of deposits", "deposits placed outside")
CLOSED = ("firms", "cells", "science banks", "other banks", "funds", "guarantee fund", "compensation fund")
"""Sectors whose book equity belongs to others, so that nothing is left as net worth of their own."""


def balance_sheet(city: Corridor) -> pd.DataFrame:
    """Return the balance sheet at the end of the quarter (万元): stocks by sector, net worth as the last row."""
    import pandas as pd

    values = stocks_by_sector(city)
    frame = pd.DataFrame(values, index=list(STOCKS), columns=list(SECTORS))
    frame.loc["net worth"] = -values.sum(axis=0)
    return frame


def stocks_by_sector(city: Corridor) -> NDArray[np.float64]:
    """Return what each sector owns (+) and owes (-) by kind of stock (万元), [len(STOCKS), len(SECTORS)]."""
    columns, count, banks, books = city.firms.columns, city.firms.count, city.banks, city.banks.columns
    alive = columns.alive[:count]
    held = city.deposits()
    capital, loans, bills = (float((column[:count] * alive).sum()) for column in _firm_stocks(city))
    book = columns.deposits[:count] + columns.capital[:count] - columns.loans[:count] - columns.payables[:count]
    in_funds = float((book * columns.fund_share[:count] * alive).sum())
    equity, cells = float((book * alive).sum()), float(city.reservoir.capital.sum() + city.reservoir.deposits.sum())
    science, other = banks.sectors["science banks"], banks.sectors["other banks"]
    local = float(books.capital[books.kind == LOCAL_BANK].sum())
    funded, own = float(banks.funding[science].sum()), float(books.capital.sum())
    total, fund_assets = sum(held.values()), in_funds + held["funds"]
    rows: dict[str, dict[str, float]] = {
        "fixed capital": {"firms": capital, "cells": float(city.reservoir.capital.sum())},
        "deposits": {**held, "other banks": -total},
        "bank loans": {
            "firms": -loans,
            "science banks": float(books.loans[science].sum()),
            "other banks": float(books.loans[other].sum()),
        },
        "unpaid bills": {"firms": -bills, "outside": bills},
        "funding of science banks": {"science banks": -funded, "other banks": funded},
        "net position of banks outside": _pair("other banks", "outside", total - float(banks.funding.sum())),
        "debt of the city": _pair("outside", "government", city.government.debt),
        "equity of firms": {"firms": -equity, "households": equity - in_funds, "funds": in_funds},
        "equity of cells": _pair("households", "cells", cells),
        "equity of banks": {
            "science banks": -float(books.capital[science].sum()),
            "other banks": -float(books.capital[other].sum()),
            "households": local,
            "outside": own - local,
        },
        "shares of the science funds": {
            "funds": -fund_assets,
            "government": city.funds.city_part() * fund_assets,
            "outside": (1.0 - city.funds.city_part()) * fund_assets,
        },
        "capital of the city's funds": {
            "guarantee fund": -held["guarantee fund"],
            "compensation fund": -held["compensation fund"],
            "government": held["guarantee fund"] + held["compensation fund"],
        },
    }
    return np.array([[rows[name].get(sector, 0.0) for sector in SECTORS] for name in STOCKS])


def flow_matrix(city: Corridor) -> pd.DataFrame:
    """Return the transaction-flow matrix of the quarter (万元): every posted flow, and where deposits went."""
    frame = city.ledger.frame()
    for name, row in deposit_flows(city).items():
        frame.loc[name] = row
    return frame


def deposit_flows(city: Corridor) -> dict[str, NDArray[np.float64]]:
    """Return changes of deposits as uses of their holders, as sources of the banks, and what banks place outside."""
    now, opening = city.deposits(), city.ledger.opening
    change = np.array([opening.get(sector, 0.0) - now.get(sector, 0.0) for sector in SECTORS])
    bank, outside = SECTORS.index("other banks"), SECTORS.index("outside")
    total = -float(change.sum())
    placed = np.zeros(len(SECTORS))
    change[bank] += total
    placed[bank], placed[outside] = -total, total
    return dict(zip(FLOWS_OF_DEPOSITS, (change, placed), strict=True))


def residuals(city: Corridor) -> list[Residual]:
    """I1, I2 and I5: rows of the balance sheet and columns of the flow matrix sum to zero, closed sectors own nothing."""
    sheet, gross = stocks_by_sector(city), max(city.ledger.gross(), 1e-9)
    flows = sum(deposit_flows(city).values()) + sum(np.array(row) for row in city.ledger.flows.values())
    off = [("balance sheet row sums to zero", name, value) for name, value in _rows(sheet)]
    off += [("flow matrix column sums to zero", *pair) for pair in zip(SECTORS, np.asarray(flows), strict=True)]
    own = dict(zip(SECTORS, sheet.sum(axis=0), strict=True))
    off += [("assets are owed to somebody", name, own[name]) for name in CLOSED]
    return [
        Residual(identity, name, city.quarter, float(value), abs(float(value)) / gross) for identity, name, value in off
    ]


def _rows(sheet: NDArray[np.float64]) -> list[tuple[str, float]]:
    """Return the sum of every row but that of fixed capital, which nobody owes."""
    return list(zip(STOCKS[1:], sheet[1:].sum(axis=1).tolist(), strict=True))


def _firm_stocks(city: Corridor) -> tuple[NDArray[np.float64], ...]:
    columns = city.firms.columns
    return columns.capital, columns.loans, columns.payables


def _pair(holder: str, debtor: str, amount: float) -> dict[str, float]:
    return {holder: amount, debtor: -amount}
