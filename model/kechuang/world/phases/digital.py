"""Digitalisation in a quarter (M10): old projects work, new ones start and are paid, subsidies (V17) are claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import year_of
from kechuang.randomness import Purpose, normal, poissons, stream_key, uniforms
from kechuang.world.mechanisms import digital, spillovers
from kechuang.world.policy.policy_state import PRICE_BASE

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

LONG_AGO = -64
"""Quarter of the projects that firms had at the end of 2015: what they changed is in the productivity of the start."""
LEVER = "digital_retrofit_subsidy"


class Digital:
    """Key projects of the year so far and what they cost (万元), and value added of the digital core (万元) by quarter."""

    def __init__(self) -> None:
        self.key_projects, self.investment = 0, 0.0
        self.core_value_added: list[float] = []


def open_digital(city: Corridor) -> None:
    """Draw which above-scale firms have had a light retrofit by the end of 2015."""
    columns, count = city.firms.columns, city.firms.count
    draw = uniforms(stream_key(city.luck_seed, 0, int(Purpose.DIGITAL_START)), columns.identity[:count])
    had = (columns.above_scale[:count] == 1) & (draw < city.rules.digital.coverage_2015)
    columns.digital[:count][had] = digital.LIGHT
    columns.digitised[:count][had] = LONG_AGO


def digitalise(city: Corridor) -> None:
    """Measure the digital core, let running projects work, start new ones, pay for them and claim subsidies."""
    state = city.digital
    if city.position == 0:
        state.key_projects, state.investment = 0, 0.0
    state.core_value_added.append(_core_value_added(city))
    _ripen(city)
    columns = city.firms.columns
    covered = digital.coverage(columns.alive, columns.above_scale, columns.digital, city.firms.count)
    key_rows, key_costs = _start_key(city)
    light_rows, light_costs, planned = _start_light(city, covered)
    state.key_projects += key_rows.size
    state.investment += float(key_costs.sum())
    _pay(city, np.concatenate([key_rows, light_rows]), np.concatenate([key_costs, light_costs]))
    _claim(city, key_rows, key_costs, light_rows, light_costs, planned)


def _price(city: Corridor) -> float:
    """Return the price level over that of 2020Q4."""
    return float(city.deflator[city.quarter] / city.deflator[PRICE_BASE])


def _core_value_added(city: Corridor) -> float:
    """Return value added of the digital core in the quarter, before projects move margins (万元)."""
    columns, count, p = city.firms.columns, city.firms.count, city.rules.accounts
    core = city.digital_core
    per_sales = np.array(p.value_added_share) * (np.array(p.wage_share) + p.rates.vat_rate)
    season = 4.0 * city.season[city.position]
    firms = float(digital.core_value_added(columns, count, core, per_sales).sum()) * season
    return firms + float(city.cell_value_added[:, core].sum())


def _ripen(city: Corridor) -> None:
    columns, p = city.firms.columns, city.rules.digital
    rows = digital.who_changes(columns, city.firms.count, city.quarter, digital.ripe_after(p))
    gains = digital.change_of_effect(columns.digital[rows], city.quarter - columns.digitised[rows].astype(np.int64), p)
    spillovers.move_productivity(columns, rows, gains, city.rules.spillovers)


def _start_key(city: Corridor) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Choose the firms of this quarter's key projects and return them with what each costs (万元)."""
    columns, count, p, seed, quarter = city.firms.columns, city.firms.count, city.rules.digital, city.luck_seed, city.quarter
    price, none = _price(city), np.zeros(1, np.int64)
    mean = np.array([0.25 * city.scale * digital.arrivals_in(year_of(quarter), p)])
    number = int(poissons(stream_key(seed, quarter, int(Purpose.DIGITAL_COUNT)), none, mean)[0])
    key = stream_key(seed, quarter, int(Purpose.DIGITAL_COST))
    costs = np.array([digital.key_cost(normal(key, k), price, p) for k in range(number)])
    rows = digital.panel_beyond(columns, count, price * p.key_size)
    rows = rows[digital.may_start_key(columns.digital[rows], quarter - columns.digitised[rows].astype(np.int64), p)]
    draw = uniforms(stream_key(seed, quarter, int(Purpose.DIGITAL_CHOICE)), columns.identity[rows])
    wish = digital.wish_for_key(4.0 * columns.sales[rows], columns.digital[rows], draw, p)
    started, chosen = digital.match_projects(costs, wish, columns.deposits[rows], columns.identity[rows])
    rows = rows[chosen]
    columns.digital[rows] = digital.AFTER_KEY[columns.digital[rows]]
    _begin(city, rows)
    return rows, costs[started]


def _start_light(city: Corridor, covered: float) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Choose the firms of light retrofits; return them, the costs (万元), and who would start without a budgeted change."""
    columns, count, p, seed, quarter = city.firms.columns, city.firms.count, city.rules.digital, city.luck_seed, city.quarter
    policy, paid = city.policy.support, city.ceiling.expected
    rows = digital.without_project(columns, count)
    place, identity = columns.place[rows], columns.identity[rows]
    draw = uniforms(stream_key(seed, quarter, int(Purpose.DIGITAL_LIGHT)), identity)
    chance, usual = (
        digital.quarterly(digital.light_hazard(share, covered, p))[place]
        for share in (policy.expected_light(quarter, paid), paid * policy.unchanged_light[quarter])
    )
    wants = draw < chance
    rows, planned = rows[wants], (draw < usual)[wants]
    cost_draw = uniforms(stream_key(seed, quarter, int(Purpose.DIGITAL_LIGHT_COST)), columns.identity[rows])
    costs = digital.light_cost(cost_draw, _price(city), p)
    able = columns.deposits[rows] >= costs
    rows = rows[able]
    columns.digital[rows] = digital.LIGHT
    _begin(city, rows)
    return rows, costs[able], planned[able]


def _begin(city: Corridor, rows: NDArray[np.int64]) -> None:
    """A project begins: its first quarter is a quarter of its dip."""
    columns, p = city.firms.columns, city.rules.digital
    columns.digitised[rows] = city.quarter
    gains = digital.change_of_effect(columns.digital[rows], np.zeros(rows.size, np.int64), p)
    spillovers.move_productivity(columns, rows, gains, city.rules.spillovers)


def _pay(city: Corridor, rows: NDArray[np.int64], costs: NDArray[np.float64]) -> None:
    """Firms buy their projects outside, like R&D: what is learnt stands in no balance sheet."""
    columns = city.firms.columns
    columns.deposits[rows] -= costs
    city.audit_book.note("deposits", "digital projects", rows, -costs)
    city.ledger.post("digital projects", "outside", "firms", float(costs.sum()))


def _claim(
    city: Corridor,
    key_rows: NDArray[np.int64],
    key_costs: NDArray[np.float64],
    light_rows: NDArray[np.int64],
    light_costs: NDArray[np.float64],
    planned: NDArray[np.bool_],
) -> None:
    """Claim the city's share of cost; the budget of a change cuts what the change added."""
    columns, policy, quarter = city.firms.columns, city.policy.support, city.quarter
    key_place, light_place = columns.place[key_rows], columns.place[light_rows]

    def due_anyway() -> NDArray[np.float64]:
        of_key = key_costs * policy.unchanged_key[quarter][key_place]
        return np.concatenate([of_key, light_costs * policy.unchanged_light[quarter][light_place] * planned])

    claims = np.concatenate(
        [key_costs * policy.key[quarter][key_place], light_costs * policy.light[quarter][light_place]]
    )
    paid = policy.budgets[LEVER].ration(claims, due_anyway)
    city.claim(LEVER, "digital retrofit subsidies", np.concatenate([key_rows, light_rows]), paid)
