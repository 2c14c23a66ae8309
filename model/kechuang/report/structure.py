"""Sections on the ladder of firms, their sizes, places and industries, and the cost of the levers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kechuang.report import wording
from kechuang.report.charts import bunching, certification_rate, cost_by_year, firm_sizes, industry_chart, ladder_flows
from kechuang.report.context import Cell, Context, Picture, Table
from kechuang.report.figures import LAST_REPORTED
from kechuang.report.folder import COST_KINDS
from kechuang.report.map_series import Panel, Site, map_series, open_nodes
from kechuang.report.maps import Spot, place_map
from kechuang.report.summary import ALL_LEVERS, amounts_of, at, breakdown_totals, by_year, period_medians, spread
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.report.snapshots import Histograms

STEPS = ("tech_sme_firms", "high_tech_firms", "leading_firms")
SERIES = ("2016Q4", LAST_REPORTED, "2023Q4", "2026Q4", "2030Q4", "2035Q4")
"""Dates of the small maps."""
FLOWS = ("registrations", "certificates_new", "certificates_renewed", "certificates_lapsed", "certificates_direct")


def ladder(context: Context) -> dict[str, Any]:
    """Return the flows of certificates, the rate of new ones, and a table of stocks and flows."""
    texts, frame = context.texts, context.run.indicators
    dates = [quarter for quarter in ("2016Q4", LAST_REPORTED, *context.milestones) if context.reaches(quarter)]
    yearly = {key: by_year(frame, key).groupby("year")[key].median() for key in FLOWS}
    rows: list[list[Cell]] = [
        [context.indicator(key), *(context.number(at(frame, key, quarter).q50, key) for quarter in dates)] for key in STEPS]
    rows += [[context.indicator(key), *(context.number(float(yearly[key].get(int(quarter[:4]), float("nan"))), key)
                                        for quarter in dates)] for key in FLOWS]
    columns = [texts("ladder.row"), *(wording.year(quarter, context.language) for quarter in dates)]
    pictures = [context.picture("ladder-flows", ladder_flows(frame, context.language), texts("ladder.flows"),
                                _flows_text(context, yearly))]
    if context.last_year > 2016:
        pictures.append(context.picture(
            "ladder-rate", certification_rate(frame, context.language, context.last_year), texts("ladder.rate"),
            texts.plain("ladder.rate_alt"), texts("ladder.rate_note")))
    return {"pictures": pictures, "table": Table(texts("ladder.caption"), columns, rows, numbers=len(dates))}


def _flows_text(context: Context, yearly: dict[str, pd.Series[float]]) -> str:
    last = min(context.last_year, int(max(yearly["certificates_new"].index)))

    def said(year: int) -> list[str]:
        return [context.number(float(yearly[f"certificates_{name}"].get(year, float("nan"))), "certificates_new")
                for name in ("new", "renewed", "lapsed")]

    new, renewed, lapsed = said(2020)
    new_last, renewed_last, lapsed_last = said(last)
    return context.texts.plain("ladder.flows_alt", new=new, renewed=renewed, lapsed=lapsed, last=last, new_last=new_last,
                               renewed_last=renewed_last, lapsed_last=lapsed_last)


def sizes(context: Context) -> dict[str, Any] | None:
    """Return firms by size and certified firms by R&D intensity, or None where the run kept no histograms."""
    histograms, texts, language = context.run.histograms, context.texts, context.language
    if histograms is None:
        return None
    early, late = (context.when(date) for date in (histograms.dates[0], histograms.dates[-1]))
    notches = context.sources.notches
    return {
        "pictures": [
            context.picture("firm-sizes", firm_sizes(histograms, language), texts("sizes.title"),
                            texts.plain("sizes.alt", early=early, late=late)),
            context.picture("bunching", bunching(histograms, notches, language), texts("sizes.bunching", date=early),
                            texts.plain("sizes.bunching_alt"), texts("sizes.bunching_note"))],
        "table": _size_table(context, histograms),
    }


def _size_table(context: Context, histograms: Histograms) -> Table:
    """Return firms by size at each date, and how many of them hold a certificate."""
    import numpy as np

    texts, language, edges = context.texts, context.language, histograms.size_edges
    columns: list[Cell] = [texts("sizes.class")]
    counts = []
    for date in histograms.dates:
        columns += [context.when(date), texts("sizes.certified")]
        counts += [np.median(histograms.sizes(date, steps), axis=0) for steps in ((), ("high_tech", "leading"))]
    rows: list[list[Cell]] = []
    for place, (low, high) in enumerate(pairwise(edges)):
        name: Cell = f"{wording.sales(low, language)} – {wording.sales(high, language)}"
        if place == 0:
            name = texts("sizes.below", high=wording.sales(high, language))
        elif place == len(edges) - 2:
            name = texts("sizes.above", low=wording.sales(low, language))
        rows.append([name, *(wording.rounded(float(count[place]), 0, language) for count in counts)])
    return Table(texts("sizes.caption"), columns, rows, numbers=len(columns) - 1)


def places(context: Context) -> dict[str, Any] | None:
    """Return the map of the places and the chart of the industries with their tables, or None without a breakdown."""
    breakdown, city = context.run.breakdown, context.sources.city
    if breakdown is None:
        return None
    present = set(breakdown["quarter"])
    dates = [quarter for quarter in (LAST_REPORTED, *context.milestones) if quarter in present]
    if not dates:
        return None
    names = {place.key: place.zh if context.language == "zh" else place.en for place in city.places}
    industries = {item.key: item.zh if context.language == "zh" else item.en for item in city.industries}
    totals = {by: {date: breakdown_totals(breakdown, "high_tech_firms", date, by) for date in dates}
              for by in ("place", "industry")}
    return {
        "pictures": [_map(context, totals["place"], names, dates), _series(context, breakdown, names),
                     _industries(context, totals["industry"], industries, dates)],
        "tables": [_breakdown_table(context, "places.place", "places.caption", totals["place"], names),
                   _breakdown_table(context, "places.industry", "places.industry_caption", totals["industry"], industries)],
    }


def _map(context: Context, totals: dict[str, pd.DataFrame], names: dict[str, str], dates: list[str]) -> Picture:
    texts, early, late = context.texts, totals[dates[0]], totals[dates[-1]]
    spots = [Spot(names[place.key], place.zone, place.x, place.y, _median(early, place.key), _median(late, place.key))
             for place in context.sources.city.places]
    said = context.said([(spot.name, f"{wording.rounded(spot.early)} → {wording.rounded(spot.late)}") for spot in spots])
    figure = place_map(spots, (context.when(dates[0]), context.when(dates[-1])), context.language)
    return context.picture("map", figure, texts("map.title"), texts.plain("map.alt", rows=said), texts("map.note"))


def _series(context: Context, breakdown: pd.DataFrame, names: dict[str, str]) -> Picture:
    """Return the map at several dates, with the nodes of the plan that are open by the calendar of the scenario."""
    texts, places = context.texts, context.sources.city.places
    calendar = str(context.run.scenario.get("nodes", "none"))
    panels = []
    for quarter in sorted({*SERIES, context.last} & set(breakdown["quarter"])):
        table = breakdown_totals(breakdown, "high_tech_firms", quarter, "place")
        nodes = open_nodes(calendar, quarter)
        panels.append(Panel(quarter, tuple(_median(table, place.key) for place in places),
                            tuple(nodes.get(place.key, 0) for place in places)))
    said = context.said([(context.when(panel.quarter), texts.plain(
        "map.series_said", nodes=sum(panel.nodes), places=context.listing(
            [f"{names[place.key]} {wording.rounded(count)}" for place, count in zip(places, panel.firms, strict=True)])))
        for panel in panels])
    figure = map_series([Site(place.zone, place.x, place.y) for place in places], panels, context.language)
    about = texts("map.node_note", calendar=calendar) if calendar != "none" else texts("map.no_nodes")
    note = Markup("{}{}{}").format(texts("map.series_note"), "" if context.language == "zh" else " ", about)
    return context.picture("map-series", figure, texts("map.series_title"), texts.plain("map.series_alt", rows=said), note)


def _industries(context: Context, totals: dict[str, pd.DataFrame], names: dict[str, str], dates: list[str]) -> Picture:
    texts, early, late = context.texts, totals[dates[0]], totals[dates[-1]]
    said = context.said([(name, f"{wording.rounded(_median(early, key))} → {wording.rounded(_median(late, key))}")
                         for key, name in names.items()])
    figure = industry_chart(early, late, names, (context.when(dates[0]), context.when(dates[-1])), context.language)
    return context.picture("industries", figure, texts("places.industry_title"), texts.plain("places.industry_alt", rows=said))


def _median(table: pd.DataFrame, key: str) -> float:
    return float(table[key].median()) if key in table.columns else 0.0


def _breakdown_table(context: Context, heading: str, caption: str, totals: dict[str, pd.DataFrame],
                     names: dict[str, str]) -> Table:
    columns = [context.texts(heading), *(context.when(date) for date in totals)]
    rows: list[list[Cell]] = [
        [name, *(context.spread(spread(table[key]), "high_tech_firms") if key in table.columns else wording.MISSING
                 for table in totals.values())]
        for key, name in names.items()]
    return Table(context.texts(caption), columns, rows, numbers=len(totals))


def costs(context: Context) -> dict[str, Any] | None:
    """Return the cost of all levers by year and a table by lever and period, or None without costs."""
    table, texts = context.run.costs, context.texts
    if table is None:
        return None
    periods = [(first, min(last, context.last_year)) for first, last in ((2016, 2020), (2021, 2026), (2027, 2035))
               if first <= context.last_year]
    active = [str(lever) for lever, part in table.groupby("lever", sort=False) if part[list(COST_KINDS)].to_numpy().any()]
    if not active or not periods:
        return {"picture": None, "table": None}
    medians = [period_medians(table, COST_KINDS, first, last) for first, last in periods]
    rows: list[list[Cell]] = []
    for lever in (*active, ALL_LEVERS):
        name: Cell = texts("costs.total") if lever == ALL_LEVERS else context.sources.lever_name(lever, context.language)
        for (first, last), found in zip(periods, medians, strict=True):
            amounts = (wording.rounded(amount, 2, context.language) for amount in amounts_of(found, lever))
            rows.append([name, f"{first}–{last}", *amounts])
    columns = [texts("costs.lever"), texts("costs.period"), *(texts(f"cost.{kind}") for kind in COST_KINDS)]
    said = context.said([
        (f"{first}–{last} {texts.plain(f'cost.{kind}.short')}",
         f"{wording.rounded(amount, 1, context.language)} {INDICATORS['lever_cost_cash'].unit}")
        for (first, last), found in zip(periods, medians, strict=True)
        for kind, amount in zip(COST_KINDS, amounts_of(found, ALL_LEVERS), strict=True) if kind in ("cash", "forgone_local")])
    picture = context.picture("costs", cost_by_year(table, context.language), texts("costs.title"),
                              texts.plain("costs.alt", rows=said))
    return {"picture": picture, "table": Table(texts("costs.caption"), columns, rows, numbers=len(COST_KINDS))}
