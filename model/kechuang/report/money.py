"""Sections on the bank network and on money between sectors, with the tables behind their figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kechuang.report import wording
from kechuang.report.bank_map import STRONGEST, Seat, bank_map, strongest
from kechuang.report.context import Cell, Context, Picture, Table
from kechuang.report.money_figure import PAYERS, RECEIVERS, money_figure
from kechuang.report.networks import GROUPS, Networks
from kechuang.report.summary import at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NETWORK_INDICATORS = ("bank_coverage", "science_bank_share", "bank_concentration")
OWN_LEVER = "own lever "
"""What the flow of a lever written in Python begins with."""
LISTED = 4
"""Payments that the text below a picture of money names."""


def banks(context: Context) -> dict[str, Any] | None:
    """Return the maps of the bank network at the first and last date and a table by place, or None without a network."""
    networks = context.run.networks
    if networks is None:
        return None
    dates = list(dict.fromkeys((networks.dates[0], networks.dates[-1])))
    return {"pictures": [_bank_picture(context, networks, date) for date in dates],
            "table": _bank_table(context, networks, dates)}


def _names(context: Context) -> list[str]:
    return [place.zh if context.language == "zh" else place.en for place in context.sources.city.places]


def _bank_picture(context: Context, networks: Networks, date: str) -> Picture:
    texts, names, row = context.texts, _names(context), networks.dates.index(date)
    shares, branches = networks.shares(date), networks.branches[row]
    seats = [Seat(name, place.x, place.y, float(loans), (int(kinds[0]), int(kinds[1]), int(kinds[2])), float(most))
             for name, place, loans, kinds, most in zip(names, context.sources.city.places, networks.loans[row],
                                                        branches.T.round(), networks.loans.max(axis=0), strict=True)]
    links = strongest(shares)
    most_share = max((link.share for when in networks.dates for link in strongest(networks.shares(when), 1)), default=0.0)
    figure = bank_map(seats, links, context.language, most_share)
    said = context.said([(f"{names[link.home]} → {names[link.seat]}", _percent(link.share, context)) for link in links[:5]])
    alternative = texts.plain("banks.alt", when=context.when(date), rows=said)
    return context.picture(f"banks-{date[:4]}", figure, texts("banks.title", when=context.when(date)), alternative,
                           _bank_note(context, networks, date))


def _bank_note(context: Context, networks: Networks, date: str) -> Cell:
    """Say in words what the map shows, with the indicators linked to their definitions."""
    texts, shares, frame = context.texts, networks.shares(date), context.run.indicators
    drawn = sum(link.share for link in strongest(shares))
    own = float(shares.trace())
    said = {key: context.quantity(at(frame, key, date).q50, key) for key in NETWORK_INDICATORS}
    seat = int(networks.loans[networks.dates.index(date)].argmax())
    total = float(networks.loans[networks.dates.index(date)].sum())
    return texts("banks.note", when=context.when(date), counties=said["bank_coverage"], science=said["science_bank_share"],
                 concentration=said["bank_concentration"], links=min(STRONGEST, len(strongest(shares))),
                 own=_percent(own, context), drawn=_percent(drawn, context),
                 rest=_percent(max(0.0, 1.0 - own - drawn), context), seat=_names(context)[seat],
                 most=_percent(float(networks.loans.max(axis=1)[networks.dates.index(date)]) / max(total, 1e-9), context))


def _percent(share: float, context: Context) -> str:
    return wording.with_unit(wording.number(100 * share, 0 if share >= 0.1 else 1, context.language),
                             "%", context.language)


def _bank_table(context: Context, networks: Networks, dates: list[str]) -> Table:
    """Return banks by kind, and by date loans, firms on the ladder, and where these have their main bank."""
    texts, language = context.texts, context.language
    columns: list[Cell] = [texts("places.place"), *(texts(f"banks.{kind}") for kind in ("science", "local", "other"))]
    rows: list[list[Cell]] = [[name] for name in _names(context)]
    last = networks.dates.index(dates[-1])
    for row, counts in zip(rows, networks.branches[last].T, strict=True):
        row += [wording.number(float(count), 0, language) for count in counts]
    for date in dates:
        when, place = context.when(date), networks.dates.index(date)
        columns += [texts("banks.column_loans", when=when), texts("banks.column_firms", when=when),
                    texts("banks.column_own", when=when), texts("banks.column_science", when=when)]
        links, science = networks.links[place], networks.science[place]
        for number, row in enumerate(rows):
            firms = float(links[number].sum())
            shares = [part / firms if firms > 0 else float("nan") for part in
                      (float(links[number, number]), float(science[number].sum()))]
            row += [wording.rounded(float(networks.loans[place, number]), 1, language),
                    wording.rounded(firms, 0, language), *(wording.number(100 * share, 0, language) for share in shares)]
    return Table(texts("banks.caption"), columns, rows, numbers=len(columns) - 1)


def money(context: Context) -> dict[str, Any] | None:
    """Return a picture of the money of the first and last year that were kept, with the flows behind each."""
    networks = context.run.networks
    if networks is None:
        return None
    dates = list(dict.fromkeys((networks.dates[0], networks.dates[-1])))
    return {"pictures": [_money_picture(context, networks, date) for date in dates],
            "tables": [(context.texts("money.open", year=date[:4]), _net_table(context, networks, date),
                        _flow_table(context, networks, date)) for date in dates]}


def _money_picture(context: Context, networks: Networks, date: str) -> Picture:
    texts, net, year = context.texts, networks.net(date), date[:4]
    largest = sorted(((float(net[row, column]), payer, receiver) for row, payer in enumerate(GROUPS)
                      for column, receiver in enumerate(GROUPS) if net[row, column] > 0.0), reverse=True)
    said = context.said([(f"{texts.plain(f'sector.{payer}')} → {texts.plain(f'sector.{receiver}')}",
                          wording.rounded(amount, 1, context.language)) for amount, payer, receiver in largest])
    behind = context.said([(f"{texts.plain(f'sector.{payer}')} → {texts.plain(f'sector.{receiver}')}",
                            flow_label(context, _largest_flow(networks, date, payer, receiver)))
                           for _, payer, receiver in largest[:LISTED]])
    return context.picture(f"money-{year}", money_figure(net, year, context.language), texts("money.title", year=year),
                           texts.plain("money.alt", year=year, rows=said), texts("money.note", behind=behind))


def _largest_flow(networks: Networks, date: str, payer: str, receiver: str) -> str:
    """Return the name of the largest flow behind a net payment."""
    shared = {name: min(_moved(row, receiver), -_moved(row, payer)) for name, row in networks.year(date).items()}
    return max(shared, key=lambda name: shared[name])


def _moved(row: NDArray[np.float64], group: str) -> float:
    from kechuang.world.books.ledger import SECTORS

    return float(sum(row[SECTORS.index(sector)] for sector in GROUPS[group]))


def flow_label(context: Context, name: str) -> str:
    """Return the name of a flow in the language of the reader; payments of a lever written by hand carry its key."""
    if name.startswith(OWN_LEVER):
        return context.texts.plain("money.own", name=name.removeprefix(OWN_LEVER))
    return str(context.texts.either(f"flow.{name}", name).unescape())


def _net_table(context: Context, networks: Networks, date: str) -> Table:
    """Return net payments between the groups of the picture, payers in rows."""
    texts, net, order = context.texts, networks.net(date), list(GROUPS)
    columns: list[Cell] = [texts("money.payer"), *(texts(f"sector.{name}") for name in RECEIVERS)]
    rows: list[list[Cell]] = [
        [texts(f"sector.{payer}"), *(_cell(float(net[order.index(payer), order.index(receiver)]), context, 1)
                                     for receiver in RECEIVERS)] for payer in PAYERS]
    return Table(texts("money.net", year=date[:4]), columns, rows, numbers=len(RECEIVERS))


def _flow_table(context: Context, networks: Networks, date: str) -> Table:
    """Return the transaction-flow matrix of the year: a row a flow, a column a sector of the ledger, rows adding up to zero."""
    import numpy as np

    from kechuang.world.books.ledger import SECTORS

    texts, year = context.texts, networks.year(date)
    columns: list[Cell] = [texts("money.flow"), *(texts(f"sector.{name}") for name in SECTORS)]
    rows: list[list[Cell]] = [[flow_label(context, name), *(_cell(float(value), context, 2) for value in row)]
                              for name, row in year.items()]
    change = np.sum([*year.values(), np.zeros(len(SECTORS))], axis=0)
    rows.append([texts("money.change"), *(_cell(float(value), context, 2) for value in change)])
    return Table(texts("money.matrix", year=date[:4]), columns, rows, numbers=len(SECTORS))


def _cell(value: float, context: Context, digits: int) -> str:
    """Write an amount with so many digits; nothing where nothing moved."""
    return wording.number(value, digits, context.language) if abs(value) > 1e-9 else ""
