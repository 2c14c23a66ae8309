"""M6 Entry, exit and the reservoir: births by a Poisson flow, deaths by an age hazard weaker for larger firms.

    births in a cell ~ Poisson(lamE units max(0, 1 + annual ln growth of Y - gY) / 4)      median size falls by entrant_drift a year
    deaths of firms   : 1 - exp(-max(0, hx(age) (S/S_ref)^-x / mean - default risk) / 4)      hx per year of completed age
                        tenants of incubators: hx times their ratio (mechanisms/incubators.py)
    deaths in a cell  ~ Poisson(sum over ages of units hx(age) / 4), at a share of the mean size
    crossings         ~ Poisson(crossing_rate units of the top bin / 4): units that outgrow the cell become firms

Sizes 万元 of annual sales. Sources: registry survival of firms of 工商总局 2013 (hazards), Jovanovic 1982 (selection by age).
Cells keep units by age in years, because the age mix of all units is a check (F8).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.randomness import happens, uniform
from kechuang.world.population.firms import NO_CERTIFICATE, FirmColumns

CROSSING_EVENT = 2
CROSSING_RATE_MAX = 0.12
"""Per year: the highest crossing rate the candidate list allows for."""
TOP_SHARE_MAX = 0.6
"""Largest share of a cell's units in its top size bin that the candidate list allows for."""
SOFTWARE = 7
AGES = 31


class DemographyParameters(NamedTuple):
    """Rates per year, sizes in 万元 of annual sales."""

    exit_hazard: NDArray[np.float64]
    exit_size_exponent: float
    size_reference: float
    entry_rate: float
    entrant_size: float
    entrant_drift: float
    crossing_rate: float
    reservoir_exit_size: float
    entrant_size_sd: float
    incubator_hazard_ratio: float

    @classmethod
    def of(cls, draw: Draw) -> DemographyParameters:
        """Take the record from a draw; the hazard table is held at its last value up to the oldest age class."""
        table = np.array(draw.vector("exit_hazard_by_age")) * draw.number("exit_hazard_scale")
        hazard = np.concatenate([table, np.full(max(0, AGES - table.size), table[-1])])[:AGES]
        return cls(hazard, *(draw.number(name) for name in cls._fields[1:]))


@compiled
def size_factor(annual_sales: float, reference: float, exponent: float) -> float:
    """Return how the hazard of a firm of this size stands to that of a firm of reference size."""
    return (annual_sales / reference) ** exponent


@compiled
def exit_hazard(by_age: float, factor: float, default_risk: float) -> float:
    """Return the hazard of a quarter that a firm closes for other reasons than default; hazards by age are per year."""
    return 0.25 * max(0.0, by_age * factor - default_risk)


@compiled
def close_firms(
    firms: FirmColumns, count: int, quarter: int, key: np.uint64, p: DemographyParameters
) -> NDArray[np.int64]:
    """Mark the firms that close in this quarter as gone and return their rows; accounts are settled afterwards.

    Size factors are divided by their mean over the living, which keeps the average hazard at the table's.
    """
    rows, factors, closed = np.empty(count, dtype=np.int64), np.zeros(count), 0
    total, living, oldest = 0.0, 0, p.exit_hazard.size - 1
    for i in range(count):
        if firms.alive[i] == 1:
            factors[i] = size_factor(4.0 * firms.sales[i], p.size_reference, p.exit_size_exponent)
            total += factors[i]
            living += 1
    mean = total / max(living, 1)
    for i in range(count):
        if firms.alive[i] == 0:
            continue
        ratio = p.incubator_hazard_ratio if firms.tenant_since[i] > NO_CERTIFICATE else 1.0
        by_age = ratio * p.exit_hazard[min((quarter - firms.born[i]) // 4, oldest)]
        hazard = exit_hazard(by_age, factors[i] / mean, firms.default_risk[i])
        if happens(uniform(key, firms.identity[i]), hazard):
            firms.alive[i] = 0
            rows[closed] = i
            closed += 1
    return rows[:closed]


def stationary_ages(growth: float, hazard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of units by completed age in a population that grows at a constant rate."""
    survivors = np.concatenate([[1.0], np.exp(-np.cumsum(hazard[:-1]))])
    weights = survivors * np.exp(-growth * np.arange(hazard.size))
    oldest = weights[-1] / (1.0 - math.exp(-growth - hazard[-1]))
    weights[-1] = oldest
    return np.asarray(weights / weights.sum())
