"""Incubators in a quarter (V15): floor and its rent, tenants who leave after their stay, and new ones who come in.

Tenants are firms followed one by one (column `tenant_since`) and young units in cells, the latter as an expected number by
place, industry, quarters inside and age. Registered firms come first, then ordinary ones, then units of the cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.world.mechanisms import incubators as rules
from kechuang.world.mechanisms.demography import AGES
from kechuang.world.phases.government import book_administration, pay_out

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

LEVER = "incubator_space"


class Incubators:
    """Tenants in cells and the graduates so far."""

    def __init__(self, places: int, industries: int, p: rules.IncubatorParameters) -> None:
        ages = min(rules.AGE_AT_ENTRY + p.stay_quarters // 4 + 1, AGES)
        self.cells = np.zeros((places, industries, p.stay_quarters, ages))
        """Tenants by place, industry, quarters inside and age in years."""
        self.graduates = 0.0
        self.tenants_by_age = np.zeros((places, industries, ages))
        """The same by place, industry and age, as last counted."""
        self.floor_now = rules.Floor(np.zeros(places), np.zeros((places, rules.STEPS)))

    @property
    def ages(self) -> int:
        """Number of years of age that tenants can have."""
        return int(self.cells.shape[3])

    def floor(self, city: Corridor, quarter: int, *, unchanged: bool = False) -> rules.Floor:
        """Return the subsidised floor of quarter t (万 m2 of the whole city), that of plan nodes included.

        Floor of a node is open to everybody and paid for like the rest.
        """
        policy = city.policy.support
        values = (policy.unchanged_floor if unchanged else policy.floor)[quarter]
        found = rules.floor_of(values, float(policy.floor_path[quarter]), city.place_share / city.place_share.sum())
        return found._replace(open=found.open + city.nodes.floor(quarter))

    def relief(self, city: Corridor) -> NDArray[np.float64]:
        """Return the factor on the hazard of cells by place, industry and age class."""
        factor = np.ones((*city.shape, AGES))
        factor[..., : self.ages] = rules.relief(
            self.tenants_by_age, _units_by_age(city, self.ages), city.rules.incubators.hazard_ratio
        )
        return factor

    def lose(self, city: Corridor) -> None:
        """Tenants in cells close at their lower hazard."""
        hazard, ratio = city.rules.demography.exit_hazard[: self.ages], city.rules.incubators.hazard_ratio
        stay = 1.0 + np.clip(ratio * np.expm1(-0.25 * hazard), -1.0, 0.0)
        self.cells *= stay
        self.tenants_by_age *= stay

    def number(self, city: Corridor) -> float:
        """Return the number of tenants."""
        return float(self.tenants_by_age.sum()) + float(rules.tenants(city.firms.columns, city.firms.count).size)


def run_incubators(city: Corridor) -> None:
    """Pay the rent of the floor, let those leave whose stay is over, and fill what is free."""
    state = city.incubators
    state.floor_now = _pay_rent(city)
    if city.position == 0:
        _grow_older(state)
    _keep_within_cells(city)
    if city.quarter > 1:
        _let_leave(city)
    _take_in(city, rules.places_for_tenants(state.floor_now, city.scale, city.rules.incubators))


def _pay_rent(city: Corridor) -> rules.Floor:
    """Pay for the floor of the quarter and return it; the budget of a change cuts the floor it adds, evenly over the year."""
    state, policy, quarter = city.incubators, city.policy.support, city.quarter
    wanted = state.floor(city, quarter)
    price = 0.25 * city.scale * city.rules.incubators.rent * city.policy.price(quarter, city.deflator)
    cost, budget = price * wanted.total(), policy.budgets[LEVER]
    if budget.yearly is not None:
        usual = state.floor(city, quarter, unchanged=True)
        due = price * usual.total()
        extra = max(cost - due, 0.0)
        allowed = min(extra, max(budget.left, 0.0) / (4 - city.position))
        if allowed < extra:
            wanted = rules.between(usual, wanted, allowed / extra)
            cost = due + allowed
        budget.ration(np.array([cost]), lambda: np.array([due]))
    pay_out(city, LEVER, "rent of incubator floor", "outside", cost)
    book_administration(city, LEVER, cost)
    return wanted


def _units_by_age(city: Corridor, ages: int) -> NDArray[np.float64]:
    cells = city.reservoir
    return np.asarray(cells.units[..., None] * cells.age_mix[..., :ages])


def _grow_older(state: Incubators) -> None:
    """Each January tenants are a year older, as the units of the cells are."""
    oldest = state.cells[..., -1].copy()
    state.cells[..., 1:] = state.cells[..., :-1].copy()
    state.cells[..., 0] = 0.0
    state.cells[..., -1] += oldest


def _keep_within_cells(city: Corridor) -> None:
    """A cell has never more tenants of an age than units: those that have become firms of their own are gone."""
    state = city.incubators
    inside, units = state.cells.sum(axis=2), _units_by_age(city, state.ages)
    if (inside > units).any():
        state.cells *= np.divide(units, inside, out=np.ones_like(inside), where=inside > units)[:, :, None, :]


def _let_leave(city: Corridor) -> None:
    """Who has stayed its time leaves alive: a graduate."""
    state, columns = city.incubators, city.firms.columns
    state.graduates += float(state.cells[:, :, -1].sum())
    state.cells[:, :, 1:] = state.cells[:, :, :-1].copy()
    state.cells[:, :, 0] = 0.0
    rows = rules.tenants(columns, city.firms.count)
    over = rows[city.quarter - columns.tenant_since[rows] >= city.rules.incubators.stay_quarters]
    columns.tenant_since[over] = rules.NO_TENANT
    state.graduates += float(over.size)


def _take_in(city: Corridor, capacity: rules.Floor) -> None:
    """Fill free floor with young firms, registered ones first, and then with young units of the place's cells."""
    columns, state, places = city.firms.columns, city.incubators, city.shape[0]
    rows = rules.tenants(columns, city.firms.count)
    tenants = np.zeros((places, rules.STEPS))
    np.add.at(tenants, (columns.place[rows], np.minimum(columns.ladder[rows], 1)), 1.0)
    state.tenants_by_age = state.cells.sum(axis=2)
    tenants[:, 0] += state.tenants_by_age.sum(axis=(1, 2))
    for step in (1, 0):
        came = _firms_in_line(city, step, rules.room(capacity, tenants, step))
        tenants[:, step] += np.bincount(columns.place[came], minlength=places)
        columns.tenant_since[came] = city.quarter - _head_start(city, came)
    _fill_with_cells(city, rules.room(capacity, tenants, 0))


def _firms_in_line(city: Corridor, step: int, free: NDArray[np.float64]) -> NDArray[np.int64]:
    columns, count, quarter = city.firms.columns, city.firms.count, city.quarter
    if not (free >= 1.0).any():
        return np.zeros(0, dtype=np.int64)
    rows = rules.who_may_come(columns, count, quarter, step, free)
    draw = uniforms(stream_key(city.luck_seed, quarter, int(Purpose.INCUBATOR_ORDER)), columns.identity[rows])
    return rows[rules.first_in_line(columns.place[rows].astype(np.int64), draw, free)]


def _head_start(city: Corridor, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how long tenants have been inside when they are first counted: in the first quarter they came bit by bit."""
    if city.quarter > 1:
        return np.zeros(rows.size, dtype=np.int64)
    draw = uniforms(stream_key(city.luck_seed, 0, int(Purpose.INCUBATOR_SINCE)), city.firms.columns.identity[rows])
    return np.asarray(draw * city.rules.incubators.stay_quarters, dtype=np.int64)


def _fill_with_cells(city: Corridor, free: NDArray[np.float64]) -> None:
    state = city.incubators
    young = np.maximum(_units_by_age(city, state.ages) - state.tenants_by_age, 0.0)
    young[..., rules.AGE_AT_ENTRY :] = 0.0
    number = young.sum(axis=(1, 2))
    share = np.minimum(np.divide(free, number, out=np.zeros_like(free), where=number > 0.0), 1.0)
    came = young * share[:, None, None]
    if city.quarter > 1:
        state.cells[:, :, 0] += came
    else:
        state.cells += came[:, :, None, :] / state.cells.shape[2]
    state.tenants_by_age += came
