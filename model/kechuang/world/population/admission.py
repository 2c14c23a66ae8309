"""How a unit of the reservoir becomes a firm of its own, with its sales, its owners' money and its past."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.world import settings
from kechuang.world.mechanisms import growth, initial, knowledge, research
from kechuang.world.phases.credit import choose_banks
from kechuang.world.population.firms import FirmColumns
from kechuang.world.setup import fill_past_year

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


class Newcomers(NamedTuple):
    """Units that leave the reservoir: identity, cell, annual sales (万元) and age (years)."""

    identity: NDArray[np.int64]
    place: NDArray[np.int64]
    industry: NDArray[np.int64]
    annual_sales: NDArray[np.float64]
    age: NDArray[np.float64]


def admit(city: Corridor, new: Newcomers, *, listed: bool = False, above_scale: bool = False) -> slice:
    """Move units from cells to the firms, as far as their cells have them; return the new rows.

    They bring their deposits, no debt, and look for a bank as what they have become: on the list or above scale.
    """
    new = _within_supply(city, new)
    rows = city.firms.add(new.identity.size)
    if new.identity.size == 0:
        return rows
    columns = city.firms.columns
    columns.identity[rows] = new.identity
    columns.place[rows], columns.industry[rows] = new.place, new.industry
    columns.sales[rows] = new.annual_sales / 4.0
    columns.born[rows] = city.quarter - np.floor(4.0 * new.age).astype(np.int64)
    deposits, capital = city.reservoir.take(new.place, new.industry, new.annual_sales)
    columns.deposits[rows], columns.capital[rows] = deposits, capital
    city.booked["capital of firms"] += float(capital.sum())
    city.ledger.post("units becoming firms", "firms", "cells", float(deposits.sum()))
    at = np.arange(rows.start, rows.stop)
    _note_transfer(city, at, new, deposits, capital)
    initial.draw_traits(city.firms, rows, city.luck_seed, city.rules.vector("margin_mean"), 0.0, city.rules.initial)
    view = city.firms.view(rows)
    growth.describe(view, new.identity.size, city.quarter, float(city.deflator[city.quarter]), city.rules.growth)
    columns.above_scale[rows] = above_scale
    _past_research(city, view)
    columns.ladder[rows] = listed
    choose_banks(city, at, city.quarter)
    fill_past_year(city, rows)
    return rows


def _note_transfer(
    city: Corridor,
    rows: NDArray[np.int64],
    new: Newcomers,
    deposits: NDArray[np.float64],
    capital: NDArray[np.float64],
) -> None:
    """Note in the single accounts, where they are kept, what cells hand over to their units that become firms."""
    if not city.audit_book.on:
        return
    city.audit_book.note("deposits", "transfer at birth", rows, deposits)
    city.audit_book.note("capital", "transfer at birth", rows, capital)
    for account, amounts in (("deposits", deposits), ("capital", capital)):
        given = np.zeros(city.shape)
        np.add.at(given, (new.place, new.industry), amounts)
        city.audit_book.note_cells(account, -given)


def _within_supply(city: Corridor, new: Newcomers) -> Newcomers:
    """Drop newcomers beyond nine tenths of their cell's units or sales, last candidates first."""
    cell, cells = new.place * city.reservoir.units.shape[1] + new.industry, city.reservoir
    keep = _fits(cell, new.annual_sales, 0.9, cells.units.ravel(), np.asarray(cells.sales).ravel())
    return Newcomers(new.identity[keep], new.place[keep], new.industry[keep], new.annual_sales[keep], new.age[keep])


@compiled
def _fits(
    cell: NDArray[np.int64],
    sales: NDArray[np.float64],
    share: float,
    units: NDArray[np.int64],
    cell_sales: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return who fits when all before it in its cell have come: within a share of the cell's units and sales.

    Sales of newcomers are 万元 a year, those of cells 万元 a quarter.
    """
    number, total, keep = np.zeros(units.size), np.zeros(units.size), np.empty(cell.size, dtype=np.bool_)
    for i in range(cell.size):
        total[cell[i]] += sales[i] / 4.0
        keep[i] = number[cell[i]] < share * units[cell[i]] and total[cell[i]] < share * cell_sales[cell[i]]
        number[cell[i]] += 1.0
    return keep


def _past_research(city: Corridor, view: FirmColumns) -> None:
    """Units that did R&D before they were followed have a stock of knowledge in proportion to it."""
    research.choose_research(view, view.sales.size, settings.research_setting(city, city.quarter), city.law, city.rules.research)
    rules = city.rules
    spending = 4.0 * view.sales * view.research_intensity * view.does_research
    view.knowledge[:] = spending / (rules.knowledge.knowledge_depreciation + rules.value("knowledge_growth_start"))
    view.research_last[:] = view.research_before_last[:] = spending / 4.0
    productivity = rules.knowledge.patent_productivity[view.industry]
    real = spending / city.deflator[city.quarter] / (knowledge.RESEARCH_UNIT * city.money)
    view.patents[:] = 0.25 * productivity * real**rules.knowledge.patent_elasticity / rules.knowledge.patent_decay
