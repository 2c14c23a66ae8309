"""The ledger by hand, and the matrix of flows of a running city."""

from __future__ import annotations

import numpy as np
import pytest

from kechuang.parameters import default_draw
from kechuang.world.books.audit import POSTINGS
from kechuang.world.books.ledger import SECTORS, Ledger
from kechuang.world.mechanisms.accounts import FLOWS
from kechuang.world.model import Corridor
from worlds import city_of, scenario_of

HOUSEHOLDS, GOVERNMENT, OUTSIDE = (SECTORS.index(name) for name in ("households", "government", "outside"))
OPENING = {"firms": 100.0, "cells": 50.0, "households": 0.0, "government": 0.0}
IN_FIRMS = {
    "sales": ("sales",),
    "purchases": ("purchases",),
    "production wages": ("production wages",),
    "value added tax": ("value added tax, city", "value added tax, nation"),
    "research wages": ("research wages",),
    "research purchases": ("research purchases",),
    "income tax": ("corporate income tax, city", "corporate income tax, nation"),
    "interest and guarantee fees": ("interest on loans", "guarantee fees"),
    "investment": ("investment",),
    "dividends": ("dividends",),
    "bills left unpaid": ("bills left unpaid",),
    "bills paid late": ("bills paid late",),
    "bank loans": ("new loans", "repaid loans"),
    "payments of levers": (
        "certification and registration bonuses",
        "interest subsidies",
        "research grants",
        "grants to top talent projects",
        "digital retrofit subsidies",
        "joint projects",
        "innovation vouchers",
    ),
    "digital projects": ("digital projects",),
    "new equity": ("new equity of firms",),
    "transfer at birth": ("units becoming firms", "founders' capital", "equipment of new firms"),
    "liquidation": (
        "liquidation",
        "sale of assets of closed firms",
        "last bills of closed firms",
        "recovered loans",
        "cost of bankruptcy",
    ),
}
"""Posting of single firms: the flows of the ledger that hold it."""
RARE = {"bills paid late", "new equity"}
"""Postings that a small city need not see in three years."""


def opened() -> Ledger:
    ledger = Ledger()
    ledger.open_quarter(OPENING)
    return ledger


def test_a_flow_stands_with_both_its_sectors() -> None:
    ledger = opened()
    ledger.post("wages", "households", "firms", 30.0)
    ledger.post("wages", "households", "cells", 12.0)
    ledger.post("tax", "government", "households", -5.0)  # a refund
    frame = ledger.frame()
    assert list(frame.columns) == list(SECTORS)
    assert list(frame.loc["wages"]) == [-30.0, -12.0, 42.0] + [0.0] * 7
    assert list(frame.loc["tax"]) == [0.0, 0.0, 5.0, -5.0] + [0.0] * 6
    assert ledger.change("households") == 47.0
    assert ledger.change("firms") == -30.0
    assert ledger.gross() == 47.0  # 42 + 5
    assert ledger.frame().sum(axis=1).tolist() == [0.0, 0.0]


def test_deposits_that_moved_as_posted_leave_no_residual() -> None:
    ledger = opened()
    ledger.post("sales", "firms", "outside", 80.0)
    ledger.post("wages", "households", "firms", 30.0)
    found = ledger.residuals(3, {"firms": 150.0, "cells": 50.0, "households": 30.0, "government": 0.0}, ledger.gross())
    assert [residual.value for residual in found] == [0.0] * 6
    assert {residual.account for residual in found} == {*OPENING, "sales", "wages"}


def test_what_nobody_posted_shows_with_sector_quarter_and_amount() -> None:
    ledger = opened()
    ledger.post("sales", "firms", "outside", 80.0)
    found = ledger.residuals(3, {"firms": 181.0, "cells": 50.0, "households": 0.0, "government": -2.0}, ledger.gross())
    off = {residual.account: residual for residual in found if residual.value}
    assert set(off) == {"firms", "government"}
    assert (off["firms"].value, off["firms"].share, off["firms"].quarter) == (1.0, 1.0 / 80.0, 3)
    assert off["firms"].identity == "deposits change by flows"
    assert off["government"].share == 2.0 / 80.0


def test_a_flow_without_counterpart_is_seen() -> None:
    ledger = opened()
    ledger.post("wages", "households", "firms", 30.0)
    ledger.flows["wages"][2] += 1.0
    residuals = ledger.residuals(1, {**OPENING, "firms": 70.0, "households": 31.0}, ledger.gross())
    found = {residual.account: residual for residual in residuals}
    assert found["wages"].identity == "flow has source and use"
    assert found["wages"].value == 1.0


def test_a_new_quarter_forgets_the_flows_of_the_last() -> None:
    ledger = opened()
    ledger.post("sales", "firms", "outside", 80.0)
    ledger.open_quarter({**OPENING, "firms": 180.0})
    assert ledger.flows == {}
    assert ledger.gross() == 0.0
    assert ledger.residuals(4, {**OPENING, "firms": 180.0}, 1.0)[0].value == 0.0


def test_unknown_sectors_are_refused() -> None:
    with pytest.raises(KeyError):
        opened().post("wages", "househods", "firms", 1.0)


# In a city ------------------------------------------------------------------------------------------------------------


def audited(quarters: int = 12) -> tuple[Corridor, list[dict[str, np.ndarray]]]:
    """Return an audited city and, per quarter, single postings by name, flows, and each firm's change of deposits."""
    books: list[dict[str, np.ndarray]] = []
    held: list[np.ndarray] = []

    def open_book(city: Corridor) -> None:
        held.append(city.firms.columns.deposits[: city.firms.count].copy())

    def keep(city: Corridor) -> None:
        count = city.firms.count
        change = city.firms.columns.deposits[:count].copy()
        change[: held[-1].size] -= held[-1]
        books.append(
            {
                "change": change,
                "postings": city.audit_book.postings[:count].copy(),
                "identity": city.firms.columns.identity[:count].copy(),
                **{name: row.copy() for name, row in city.ledger.flows.items()},
            }
        )

    events = {"opening": [open_book], "closing": [keep]}
    city = city_of(scenario_of("2020Q4"), default_draw("B"), seed=3, audit=True, scale=0.05, events=events)
    return city.run(quarters), books


def test_under_audit_each_firms_change_of_deposits_equals_its_postings() -> None:
    city, books = audited()
    assert len(books) == 12
    for book in books:
        assert book["postings"].shape == (book["change"].size, len(POSTINGS))
        assert np.abs(book["change"] - book["postings"].sum(axis=1)).max() < 1e-6
    assert city.tally["firms_exited"] > 0


def test_postings_of_single_firms_add_up_to_the_flows_of_their_sector() -> None:
    """Two books that are kept apart: kernels write single postings, phases post the flows of the city."""
    _, books = audited()
    assert set(FLOWS) <= set(POSTINGS)
    some = dict.fromkeys(IN_FIRMS, 0.0)
    for book in books:
        single = dict(zip(POSTINGS, book["postings"].sum(axis=0), strict=True))
        for name, flows in IN_FIRMS.items():
            whole = sum(book[flow][0] for flow in flows if flow in book)
            assert single[name] == pytest.approx(whole, rel=1e-10, abs=1e-6), name
            some[name] += abs(whole)
    assert set(IN_FIRMS) == set(POSTINGS)
    assert all(amount > 0 for name, amount in some.items() if name not in RARE), "every usual kind of flow occurred"


def test_every_row_of_the_matrix_sums_to_zero_and_every_column_to_a_change_of_deposits() -> None:
    city = city_of(scenario_of("2019Q4"), default_draw("B"), seed=3)
    held = city.deposits()
    for _ in range(16):
        city.step()
        frame, gross = city.ledger.frame(), city.ledger.gross()
        assert np.abs(frame.sum(axis=1)).max() < 1e-9 * gross
        now = city.deposits()
        for sector, amount in now.items():
            assert frame[sector].sum() == pytest.approx(amount - held[sector], abs=1e-9 * gross)
        # What all sectors gained the outside lost.
        assert frame["outside"].sum() == pytest.approx(sum(held.values()) - sum(now.values()), abs=1e-9 * gross)
        held = now


def test_taxes_are_shared_between_city_and_nation() -> None:
    city = city_of(scenario_of("2016Q4"), default_draw("B"), seed=3).run(4)
    draw, flows = city.rules.draw, city.ledger.flows
    for tax, key in (
        ("corporate income tax", "local_share_corporate"),
        ("value added tax", "local_share_value_added"),
        ("value added tax of cells", "local_share_value_added"),
        ("income tax of cells", "local_share_corporate"),
        ("personal income tax", "local_share_income"),
    ):
        here, away = flows[f"{tax}, city"][GOVERNMENT], flows[f"{tax}, nation"][OUTSIDE]
        assert here > 0
        assert here / (here + away) == pytest.approx(draw.number(key))
    revenue = sum(row[GOVERNMENT] for name, row in flows.items() if name.endswith(", city"))
    assert flows["other revenue"][GOVERNMENT] == -flows["other revenue"][OUTSIDE] > 0.0
    assert city.government.revenue == pytest.approx(revenue + flows["other revenue"][GOVERNMENT])


def test_households_spend_what_they_do_not_save_or_pay_in_tax() -> None:
    city = city_of(scenario_of("2016Q4"), default_draw("B"), seed=3).run(4)
    draw, flows = city.rules.draw, city.ledger.flows
    paid = sum(flows[f"personal income tax, {who}"][HOUSEHOLDS] for who in ("city", "nation"))
    income = sum(row[HOUSEHOLDS] for row in flows.values() if row[HOUSEHOLDS] > 0)
    assert income == pytest.approx(city.household_income)
    assert -paid == pytest.approx(draw.number("income_tax_rate") * income)
    kept = income + paid + flows["consumption"][HOUSEHOLDS]
    assert kept == pytest.approx(draw.number("household_saving") * (income + paid))


def test_closed_firms_leave_nothing_behind() -> None:
    """Assets are sold, the bank is repaid as far as they go, then suppliers, the rest goes to the owners."""
    city = city_of(scenario_of("2016Q2"), default_draw("B"), seed=3, audit=True)
    columns, usual = city.firms.columns, city.rules.demography
    stocks = {40: (10.0, 30.0, 100.0), 41: (50.0, 200.0, 100.0)}  # deposits, capital, debt: a poor and a rich firm

    def bury(now: Corridor) -> None:
        """Give two firms known stocks within the books, then let every firm die."""
        for row, (deposits, capital, loans) in stocks.items():
            more = deposits - float(columns.deposits[row])
            now.audit_book.note("deposits", "transfer at birth", np.array([row]), np.array([more]))
            now.ledger.post("units becoming firms", "firms", "cells", more)
            now.reservoir.deposits[0, 0] -= more
            taken = np.zeros(now.shape)
            taken[0, 0] = -more
            now.audit_book.note_cells("deposits", taken)
            bank, added = columns.loan_bank[row], loans - float(columns.loans[row])
            for account, change in (("capital", capital - float(columns.capital[row])), ("loans", added)):
                now.booked[f"{account} of firms"] += change
                now.audit_book.note(account, "transfer at birth", np.array([row]), np.array([change]))
            now.banks.columns.loans[bank] += added
            now.banks.funding[bank] += added
            now.audit_book.note_banks("funding", np.where(np.arange(len(now.banks)) == bank, added, 0.0))
            columns.deposits[row], columns.capital[row], columns.loans[row] = deposits, capital, loans
        now.rules.demography = usual._replace(exit_hazard=np.full(usual.exit_hazard.size, 1e9))

    def live_on(now: Corridor) -> None:
        now.rules.demography = usual

    city.own_events = {"knowledge": [bury], "exit": [live_on]}
    city.step()  # raises if a book is off
    for name in ("alive", "deposits", "capital", "loans"):
        assert not getattr(columns, name)[list(stocks)].any(), name
    # The poor firm leaves 100 - 10 - 30 unpaid; nobody else was in debt beyond what it owned.
    assert city.written_off == pytest.approx(60.0)
