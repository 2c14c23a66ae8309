"""Spin-offs: members of the R&D staff found firms of their own with money of households."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, stream_key
from kechuang.world.mechanisms import founding, growth, initial
from kechuang.world.phases.credit import choose_banks
from kechuang.world.population import talent as people
from kechuang.world.population.labour import take_census

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def found_firms(city: Corridor) -> None:
    """Take people out of closed firms, let founders leave, and open their firms beside those they come from."""
    columns, talent = city.talent.columns, city.talent
    key, price = stream_key(city.luck_seed, city.quarter, int(Purpose.FOUNDING)), float(city.deflator[city.quarter])
    founders = founding.leave_firms(
        columns, talent.count, city.firms.columns, city.firms.count, key, price, city.rules.founding
    )
    parents = columns.employer[founders].astype(np.int64)
    np.subtract.at(city.firms.columns.research_staff, parents, 1)
    columns.present[founders], columns.employer[founders], columns.owed[founders] = 0, people.NO_EMPLOYER, 0.0
    kinds = np.bincount(columns.kind[founders], minlength=len(people.KINDS) + 1)
    city.labour.flows["founders"] += kinds
    if founders.size:
        _open(city, founding.SPIN_OFF | columns.identity[founders], parents)
    take_census(city)


def _open(city: Corridor, identity: NDArray[np.int64], parents: NDArray[np.int64]) -> None:
    """Open a firm per founder, at the parent's place and in its industry, on step 0 of the ladder."""
    rows = city.firms.add(identity.size)
    columns, p, quarter, rules = city.firms.columns, city.rules.demography, city.quarter, city.rules
    columns.identity[rows], columns.born[rows] = identity, quarter
    columns.place[rows], columns.industry[rows] = columns.place[parents], columns.industry[parents]
    luck = initial.normals(stream_key(city.luck_seed, 0, int(Purpose.FOUNDING_SIZE)), identity)
    median = p.entrant_size * (1.0 + p.entrant_drift) ** (quarter / 4.0) * float(city.deflator[quarter])
    annual = np.minimum(median * np.exp(p.entrant_size_sd * luck), rules.initial.above_scale_size)
    columns.sales[rows] = annual / 4.0
    margin = rules.vector("margin_mean")
    initial.draw_traits(city.firms, rows, city.luck_seed, margin, rules.founding.entrant_productivity, rules.initial)
    growth.describe(city.firms.view(rows), identity.size, quarter, float(city.deflator[quarter]), rules.growth)
    _pay_in(city, rows, annual)
    choose_banks(city, np.arange(rows.start, rows.stop), quarter)
    city.tally["spin_offs"] += identity.size
    city.tally["firms_entered"] += identity.size


def _pay_in(city: Corridor, rows: slice, annual: NDArray[np.float64]) -> None:
    """Let founders and their friends pay for equipment and working capital out of what households hold."""
    columns, rates, ledger, at = city.firms.columns, city.rules.accounts.rates, city.ledger, np.arange(rows.start, rows.stop)
    deposits, capital = rates.liquidity_target * annual, rates.tangible_share * annual
    columns.deposits[rows], columns.capital[rows] = deposits, capital
    ledger.post("founders' capital", "firms", "households", float((deposits + capital).sum()))
    ledger.post("equipment of new firms", "outside", "firms", float(capital.sum()))
    city.household_deposits -= float((deposits + capital).sum())
    city.booked["capital of firms"] += float(capital.sum())
    city.audit_book.note("deposits", "transfer at birth", at, deposits)
    city.audit_book.note("capital", "transfer at birth", at, capital)
