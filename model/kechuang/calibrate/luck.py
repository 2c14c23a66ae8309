"""Luck scores: the part of a run's luck that can be read before the run, as standardised numbers.

Draws are keyed, so whoever knows the luck seed knows the demand noise of every quarter, how many academicians will come and how
many of them stay, how many carriers are founded and how many digital projects start at what cost. A few such numbers
explain much of what the parameters leave open in counts of the city. They only help to choose promising seeds among many
(kechuang.calibrate.proposal); that they are read at the default parameters costs a little efficiency and nothing else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import quarter_index
from kechuang.compiled import compiled
from kechuang.parameters import default_draw
from kechuang.randomness import Purpose, _stream, normal, poisson_from_uniform, uniform

_FIRST_NOISE, _LAST = quarter_index("2019Q2"), quarter_index("2020Q4")
"""Growth over a year ago in 2020 rests on the demand noise of these quarters."""
_FIRST_VISIT, _FIRST_PROJECT = quarter_index("2019Q2"), quarter_index("2020Q1")
_NOVEMBER = 2.0 / 3.0
"""Share of the last quarter that lies before the end of November."""
_NOISE, _VISITS, _STAYS, _BIRTHS, _NUMBERS, _COSTS = (
    int(purpose)
    for purpose in (
        Purpose.DEMAND_NOISE,
        Purpose.ACADEMICIAN_VISITS,
        Purpose.ACADEMICIAN_CONVERSION,
        Purpose.CARRIER_BIRTHS,
        Purpose.DIGITAL_COUNT,
        Purpose.DIGITAL_COST,
    )
)
COUNT = _LAST - _FIRST_NOISE + 1 + 4
"""Luck scores of a seed: one per quarter of demand noise, then academicians, carriers, digital projects and their cost."""


def luck_scores(seeds: NDArray[np.int64], scale: float) -> NDArray[np.float64]:
    """Return the luck scores [seeds, COUNT]; each has mean 0 and variance 1 over seeds."""
    value = default_draw().number
    visits, stays = scale * value("academician_visits"), value("academician_conversion")
    births = value("carrier_births") / 4.0
    projects, spread = scale * value("digital_project_arrivals_2020") / 4.0, value("digital_project_cost_sd")
    found = _read(seeds, visits, stays, births, projects, spread)
    quarters = _LAST - _FIRST_VISIT + 1
    year = np.array([1.0, 1.0, 1.0, _NOVEMBER])
    means = np.array([quarters * visits * stays, _LAST * births, projects * year.sum(), 0.0])
    variances = np.array(
        [means[0], means[1], projects * (year**2).sum(), projects * (year**2).sum() * np.expm1(spread**2)]
    )
    found[:, -4:] = (found[:, -4:] - means) / np.sqrt(variances)
    return found


@compiled
def _read(
    seeds: NDArray[np.int64], visits: float, stays: float, births: float, projects: float, spread: float
) -> NDArray[np.float64]:
    """Return noise, and counts at the expected numbers of a quarter; the last is cost less number, in mean costs."""
    noise = _LAST - _FIRST_NOISE + 1
    found = np.zeros((seeds.size, noise + 4))
    for row in range(seeds.size):
        seed = seeds[row]
        for place in range(noise):
            found[row, place] = normal(_stream(seed, _FIRST_NOISE + place, _NOISE), 0)
        for quarter in range(1, _LAST + 1):
            found[row, noise + 1] += poisson_from_uniform(uniform(_stream(seed, quarter, _BIRTHS), 0), births)
            if quarter >= _FIRST_VISIT:
                number = int(poisson_from_uniform(uniform(_stream(seed, quarter, _VISITS), 0), visits))
                key = _stream(seed, quarter, _STAYS)
                for visit in range(number):
                    found[row, noise] += uniform(key, visit) < stays
            if quarter >= _FIRST_PROJECT:
                weight = _NOVEMBER if quarter == _LAST else 1.0
                number = int(poisson_from_uniform(uniform(_stream(seed, quarter, _NUMBERS), 0), projects))
                key = _stream(seed, quarter, _COSTS)
                found[row, noise + 2] += weight * number
                for project in range(number):
                    cost = np.exp(spread * normal(key, project) - 0.5 * spread**2)
                    found[row, noise + 3] += weight * (cost - 1.0)
    return found
