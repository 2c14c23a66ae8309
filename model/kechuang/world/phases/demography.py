"""Closures, births, and units that outgrow the reservoir."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.world.mechanisms import demography, registration
from kechuang.world.mechanisms.demand import trend_growth
from kechuang.world.mechanisms.zone import entry_factor
from kechuang.world.phases import losses
from kechuang.world.population.admission import Newcomers, admit

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def close_firms(city: Corridor) -> None:
    """Close firms by age and size; sell what they own, pay what they owe, hand the rest to the owners."""
    columns, count = city.firms.columns, city.firms.count
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.EXIT))
    rows = demography.close_firms(columns, count, city.quarter, key, city.rules.demography)
    losses.count_closed(city, rows)
    _liquidate(city, rows)


def _liquidate(city: Corridor, rows: NDArray[np.int64]) -> None:
    columns, ledger = city.firms.columns, city.ledger
    deposits, capital = columns.deposits[rows], columns.capital[rows]
    repaid = np.minimum(columns.loans[rows], deposits + capital)
    bills = np.minimum(columns.payables[rows], deposits + capital - repaid)
    rest = deposits + capital - repaid - bills
    ledger.post("sale of assets of closed firms", "firms", "outside", float(capital.sum()))
    ledger.post("last bills of closed firms", "outside", "firms", float(bills.sum()))
    ledger.post("liquidation", "households", "firms", float(rest.sum()))
    city.household_income += float(rest.sum())
    losses.repay_banks(city, rows, repaid)
    losses.empty_accounts(city, rows, deposits)


def renew_cells(city: Corridor) -> None:
    """Close and open units in the cells; what cells own moves with their owners' account."""
    p, quarter = city.rules.demography, city.quarter
    closed = city.reservoir.close_units(city.luck_seed, quarter, p, city.incubators.relief(city))
    city.incubators.lose(city)
    yearly = 4.0 * city.demand.log_growth - trend_growth(quarter, city.rules.demand)
    rate = p.entry_rate / 4.0 * np.maximum(0.0, 1.0 + yearly)
    size = (
        p.entrant_size
        * float(np.exp(0.5 * p.entrant_size_sd**2))
        * (1.0 + p.entrant_drift) ** (quarter / 4.0)
        * float(city.deflator[quarter])
    )
    rates = np.broadcast_to(rate, closed.shape)
    if city.zone.approved is not None:
        births = (city.reservoir.units * rates).sum(axis=1)
        rates = rates * entry_factor(births, city.in_corridor, city.rules.zone)[:, None]
    born = city.reservoir.open_units(city.luck_seed, quarter, rates, size)
    city.tally["firms_exited"] += int(closed.sum())
    city.tally["firms_entered"] += int(born.sum())


def cross_threshold(city: Corridor) -> None:
    """Let units of the top size bin outgrow their cell and become above-scale firms."""
    p, quarter, seed = city.rules.demography, city.quarter, city.luck_seed
    cells, bins = city.reservoir, city.reservoir.bins
    industrial = np.ones(cells.units.shape[1])
    industrial[demography.SOFTWARE] = 0.0
    top = cells.units * bins.at(cells.mean_size())[..., -1] * industrial
    highest = (
        (cells.first_units + 5.0 * city.scale)
        * industrial
        * (demography.TOP_SHARE_MAX * demography.CROSSING_RATE_MAX / 4.0 * 1.09 ** (quarter / 4.0))
    )
    found = registration.candidates(
        seed, quarter, demography.CROSSING_EVENT, highest.ravel(), Purpose.CROSSING_COUNT, Purpose.CROSSING
    )
    ratio = np.divide(top * p.crossing_rate / 4.0, highest, out=np.zeros_like(top), where=highest > 0)
    city.rate_excess += int((ratio > 1.0 + 1e-12).sum())
    accepted = found.draw < ratio.ravel()[found.cell]
    identity, cell = found.identity[accepted], found.cell[accepted]
    place, industry = np.divmod(cell, cells.units.shape[1])
    inside = uniforms(stream_key(seed, quarter, int(Purpose.CROSSING_SIZE)), identity)
    threshold = city.rules.initial.above_scale_size
    size = threshold * (city.rules.value("crossing_size_max") / threshold) ** inside
    age_key = stream_key(seed, quarter, int(Purpose.CROSSING_AGE))
    age = -city.rules.registration.registrant_age_mean * np.log(uniforms(age_key, identity))
    admit(city, Newcomers(identity, place, industry, size, age), above_scale=True)


def purge_list(city: Corridor) -> None:
    """Take some of the closed firms off the provincial list."""
    city.unpurged *= 1.0 - city.rules.value("purge_rate") / 4.0
