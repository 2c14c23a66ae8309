"""M7 Academicians: visits that become projects at partner firms, which learn more for some quarters.

    visits   ~ Poisson(visits per quarter) from 2019Q2 on
    project  : logit p = logit(aA) + e ln(max(grant, 100万)/300万)       a share of visits; grant in 万元 of 2020
    partner  : the next in line among certified, leading and above-scale firms; the line of a quarter is a race in which
               E_i / K_i is the time of firm i, E exponential with mean 1: the first is firm i with a chance like K_i
A project adds Q_top carrier units to the pool of its partner for T_top quarters. Sources: 55 visits and 28 projects to the
end of 2020 (city report); the effect of the grant is assumed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.world.population.firms import FirmColumns

HIGH_TECH = 2
"""Lowest step of the ladder whose firms are in line."""
REFERENCE_GRANT, LEAST_GRANT = 300.0, 100.0
"""万元: the grant at which the share of visits is that of the report, and what no grant at all counts as."""
FIRST_QUARTER = 14
"""2019Q2."""


def project_chance(conversion: float, grant: float, elasticity: float) -> float:
    """Return the probability that a visit becomes a project at a grant (万元 at prices of 2020)."""
    odds = conversion / (1.0 - conversion) * math.exp(elasticity * math.log(max(grant, LEAST_GRANT) / REFERENCE_GRANT))
    return odds / (1.0 + odds)


@compiled
def who_is_in_line(firms: FirmColumns, count: int) -> NDArray[np.int64]:
    """Return the rows of the certified, leading and above-scale firms that have knowledge of their own."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        if firms.alive[i] == 1 and (firms.ladder[i] >= HIGH_TECH or firms.above_scale[i] == 1) and firms.knowledge[i] > 0.0:
            rows[found] = i
            found += 1
    return rows[:found]


def line_of_partners(knowledge: NDArray[np.float64], draws: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    """Return the positions of the first `number` in line among firms with knowledge, fewer where there are no more."""
    race = -np.log(draws) / knowledge
    ahead = np.argpartition(race, number)[:number] if number < race.size else np.arange(race.size)
    return np.asarray(ahead[np.argsort(race[ahead], kind="stable")], dtype=np.int64)
