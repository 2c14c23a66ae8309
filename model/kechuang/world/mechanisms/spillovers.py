"""M4, from others: the pool of knowledge a firm can draw on, and what knowledge does to its productivity.

    Pool_i  = sum over other firms j of K_j w(s_i, s_j) exp(-d(z_i, z_j)/d0)  +  boost_i U        万元, U a carrier unit
    AC_i    = K_i / (K_i + K_half)                                                share of the pool a firm can absorb
    dln a_i = theta [dln(K_i + K_half) - AC_i g/4] + phi AC_i (dln Pool_i - g/4)   log, a quarter; only firms doing R&D
    dm_i    = (dm/da) da_i                                                        margin, share of sales

w is 1 within an industry, less for related ones and others; d is road distance. A carrier unit is a fixed share of the
mean pool of firms that do R&D. The pool grows with the knowledge of the firms that are there at both ends of the quarter:
a firm that joins or leaves the modelled population is no news. g is the growth of knowledge at the start: what all firms
gain together is already in the growth of labour productivity. ln(K + K_half) keeps the first yuan of R&D from being worth
everything. Sources: Griliches 1979 and Chen, Liu, Suarez Serrato and Xu 2021 (theta), Jaffe 1986 (pools), Cohen and Levinthal
1989 (absorptive capacity), Jaffe, Trajtenberg and Henderson 1993 (distance).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.city import City
from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.world.population.firms import FirmColumns


class SpilloverParameters(NamedTuple):
    """Elasticities; growth per year; K_half in 万元; unit as a share of the mean pool; margin per log productivity."""

    knowledge_elasticity: float
    spillover_elasticity: float
    absorption_half_stock: float
    knowledge_growth_start: float
    carrier_knowledge_unit: float
    margin_productivity: float

    @classmethod
    def of(cls, draw: Draw) -> SpilloverParameters:
        """Take the record from a draw."""
        return cls(*(draw.number(name) for name in cls._fields))


def proximity_of(city: City, related: float, other: float) -> NDArray[np.float64]:
    """Return how well each industry (row) can use the knowledge of each other one (column), 0-1."""
    keys = city.industry_keys
    return np.array(
        [[1.0 if one == two else related if city.are_related(one, two) else other for two in keys] for one in keys]
    )


def nearness_of(distances: NDArray[np.float64], decay: float) -> NDArray[np.float64]:
    """Return by how much knowledge shrinks on its way between places: exp(-distance/d0), distances in km."""
    return np.asarray(np.exp(-distances / decay))


@compiled
def absorptive_capacity(stock: float, half: float) -> float:
    """Return the share of the pool that a firm with this knowledge can use."""
    return stock / (stock + half)


@compiled
def productivity_gain(before: float, after: float, pool_growth: float, p: SpilloverParameters) -> float:
    """Return the change of log productivity of a firm whose knowledge and pool moved in a quarter."""
    half, usual = p.absorption_half_stock, 0.25 * p.knowledge_growth_start
    own = math.log((after + half) / (before + half)) - absorptive_capacity(before, half) * usual
    pool = absorptive_capacity(after, half) * (pool_growth - usual)
    return p.knowledge_elasticity * own + p.spillover_elasticity * pool


def move_productivity(
    columns: FirmColumns, rows: NDArray[np.int64], gains: NDArray[np.float64], p: SpilloverParameters
) -> None:
    """Move log productivity of single firms by what does not come from knowledge, and their margin with it."""
    columns.productivity[rows] += gains
    columns.margin[rows] += p.margin_productivity * gains


@compiled
def pools_of(
    stocks: NDArray[np.float64], nearness: NDArray[np.float64], proximity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the pool seen from each place and industry, own firms included (万元)."""
    places, industries = stocks.shape
    near, pools = np.zeros((places, industries)), np.zeros((places, industries))
    for z in range(places):
        for other in range(places):
            for s in range(industries):
                near[z, s] += nearness[z, other] * stocks[other, s]
    for z in range(places):
        for s in range(industries):
            for other in range(industries):
                pools[z, s] += proximity[s, other] * near[z, other]
    return pools


@compiled
def raise_productivity(
    firms: FirmColumns,
    count: int,
    before: NDArray[np.float64],
    nearness: NDArray[np.float64],
    proximity: NDArray[np.float64],
    p: SpilloverParameters,
) -> float:
    """Move productivity and margin of all firms that do R&D; return the mean pool of the quarter before (万元).

    `before` holds the knowledge of every firm at the end of the quarter before.
    """
    places, industries = nearness.shape[0], proximity.shape[0]
    old, new, doers = np.zeros((places, industries)), np.zeros((places, industries)), np.zeros((places, industries))
    for i in range(count):
        if firms.alive[i] == 1 and firms.does_research[i] == 1:
            old[firms.place[i], firms.industry[i]] += before[i]
            new[firms.place[i], firms.industry[i]] += firms.knowledge[i]
            doers[firms.place[i], firms.industry[i]] += 1.0
    pool_old, pool_new = pools_of(old, nearness, proximity), pools_of(new, nearness, proximity)
    mean = (pool_old * doers).sum() / max(doers.sum(), 1.0)
    unit = p.carrier_knowledge_unit * mean
    for i in range(count):
        if firms.alive[i] == 0 or firms.does_research[i] == 0:
            continue
        place, industry = firms.place[i], firms.industry[i]
        own = nearness[place, place] * proximity[industry, industry]
        first = pool_old[place, industry] - own * before[i] + unit * firms.pool_boost_last[i]
        last = pool_new[place, industry] - own * firms.knowledge[i] + unit * firms.pool_boost[i]
        growth = math.log(last / first) if first > 1e-6 * mean and last > 1e-6 * mean else 0.0
        gain = productivity_gain(before[i], firms.knowledge[i], growth, p)
        firms.productivity[i] += gain
        firms.margin[i] += p.margin_productivity * gain
    return mean
