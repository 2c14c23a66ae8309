"""M6 Spin-offs: R&D staff who leave to found firms of their own, and people of closed firms who lose their jobs.

    h  = hS0 (R per head / R_ref)^epsS                           per quarter and person; R per head 万元 a year
    a  ~ N(a_ent, sd_a) ;  sales ~ LN(ln S_ent, sd)              as units born in cells, at the parent's place and industry
Sources: Babina and Howell 2024 (elasticity to R&D); the level of hS0 and the size of spin-offs are assumed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.randomness import uniform
from kechuang.world.population.firms import FirmColumns
from kechuang.world.population.talent import TalentColumns

FACTOR_MAX = 10.0
"""Most by which R&D per head can raise the hazard."""
SPIN_OFF = 1 << 62
"""Mark of the identity of a spin-off: the rest is the identity of its founder."""


class FoundingParameters(NamedTuple):
    """Hazard per quarter, R&D per head in 万元 a year at prices of 2015, productivity in logs."""

    spin_off_hazard: float
    spin_off_elasticity: float
    spin_off_reference: float
    entrant_productivity: float

    @classmethod
    def of(cls, draw: Draw) -> FoundingParameters:
        """Take the record from a draw."""
        return cls(*(draw.number(name) for name in cls._fields))


@compiled
def spin_off_chance(per_head: float, reference: float, p: FoundingParameters) -> float:
    """Return the probability that a member of the R&D staff founds a firm in a quarter."""
    return p.spin_off_hazard * min(FACTOR_MAX, (per_head / reference) ** p.spin_off_elasticity)


@compiled
def leave_firms(
    people: TalentColumns, count: int, firms: FirmColumns, firm_count: int, key: np.uint64, price: float, p: FoundingParameters
) -> NDArray[np.int64]:
    """Let people of closed firms lose their jobs and some of the others found firms; return the rows of the founders."""
    for f in range(firm_count):
        if firms.alive[f] == 0:
            firms.research_staff[f] = 0
    rows, found, most = np.empty(count, dtype=np.int64), 0, FACTOR_MAX * p.spin_off_hazard
    for i in range(count):
        firm = people.employer[i]
        if firm < 0:
            continue
        if firms.alive[firm] == 0:
            people.employer[i] = -1
            continue
        draw = uniform(key, people.identity[i])
        if draw < most:  # few are, and only they need their firm's R&D per head
            per_head = 4.0 * firms.sales[firm] * firms.research_intensity[firm] / firms.research_staff[firm]
            if draw < spin_off_chance(per_head, price * p.spin_off_reference, p):
                rows[found] = i
                found += 1
    return rows[:found]
