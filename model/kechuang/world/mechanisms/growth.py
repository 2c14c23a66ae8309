"""M2 Firm growth: Gibrat with mixed variance, weak selection on productivity, and adding-up to demand.

    dln S_i = dln Y_s + dln P - n_s + (chi/4)(a_i - abar_s) - kR rationed_i + eps_i
    eps_i   = sigma(S, age)/2 * sqrt(V_i,year) * z_i,quarter        V ~ Exp(1) once a year, z ~ N(0, 1)
    sigma   = min(max, sigma0 (S/S_ref)^-beta) (1 + youth exp(-age / decay))
    n_s     = clip(ln((sum_i S_i e^g_i + cells) / demand_s), +-limit)

S in 万元 (annual in sigma), growth in logs per quarter, P the deflator. The yearly variance makes annual growth Laplace
(four independent quarterly Laplace draws would not be); n_s makes incumbents pay for entry and luck.
Sources: Bottazzi and Secchi 2002 (Laplace growth), Stanley et al. 1996 and Riccaboni et al. 2008 (size and variance),
Haltiwanger, Jarmin and Miranda 2013 (dispersion of the young), Nelson and Winter 1982 (selection).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.randomness import exponential, normal
from kechuang.world.population.firms import FirmColumns


class GrowthParameters(NamedTuple):
    """Standard deviations are annual, selection per year, sizes in 万元 of annual sales."""

    growth_volatility: float
    size_variance_exponent: float
    size_reference: float
    youth_dispersion: float
    youth_decay_years: float
    volatility_max: float
    selection: float
    adding_up_limit: float
    convexity_growth: float
    rationed_growth_loss: float

    @classmethod
    def of(cls, draw: Draw) -> GrowthParameters:
        """Take the record from a draw."""
        return cls(*(draw.number(name) for name in cls._fields))


@compiled
def volatility(annual_sales: float, age_years: float, p: GrowthParameters) -> float:
    """Return the annual standard deviation of log growth of a firm of this size and age."""
    by_size = p.growth_volatility * (annual_sales / p.size_reference) ** -p.size_variance_exponent
    return min(p.volatility_max, by_size) * (1.0 + p.youth_dispersion * math.exp(-age_years / p.youth_decay_years))


@compiled
def luck(sigma: float, yearly_variance: float, z: float) -> float:
    """Return the random part of one quarter's log growth; over a year it is Laplace with sd sigma."""
    return 0.5 * sigma * math.sqrt(yearly_variance) * z


@compiled
def propose_growth(
    firms: FirmColumns,
    count: int,
    quarter: int,
    year_key: np.uint64,
    quarter_key: np.uint64,
    demand_growth: NDArray[np.float64],
    mean_productivity: NDArray[np.float64],
    p: GrowthParameters,
) -> NDArray[np.float64]:
    """Write each firm's growth before adding-up; return the sales that would follow, by industry (万元/quarter)."""
    proposed = np.zeros(demand_growth.size)
    for i in range(count):
        if firms.alive[i] == 0:
            continue
        industry = firms.industry[i]
        sigma = volatility(4.0 * firms.sales[i], 0.25 * (quarter - firms.born[i]), p)
        identity = firms.identity[i]
        growth = (
            demand_growth[industry]
            + 0.25 * p.selection * (firms.productivity[i] - mean_productivity[industry])
            - p.rationed_growth_loss * firms.rationed[i]
            + luck(sigma, exponential(year_key, identity), normal(quarter_key, identity))
        )
        firms.growth[i] = growth
        proposed[industry] += firms.sales[i] * math.exp(growth)
    return proposed


@compiled
def apply_growth(firms: FirmColumns, count: int, congestion: NDArray[np.float64]) -> None:
    """Let sales grow by what was proposed less the common congestion n_s of the industry."""
    for i in range(count):
        if firms.alive[i] == 1:
            firms.sales[i] *= math.exp(firms.growth[i] - congestion[firms.industry[i]])


def congestion_of(
    proposed: NDArray[np.float64], cells: NDArray[np.float64], demand: NDArray[np.float64], limit: float
) -> NDArray[np.float64]:
    """Return n_s, which makes sales of firms and cells add up to demand unless a giant has just died."""
    return np.clip(np.log((proposed + cells) / np.maximum(demand, 1e-12)), -limit, limit)


@compiled
def industry_means(firms: FirmColumns, count: int, industries: int) -> NDArray[np.float64]:
    """Return the sales-weighted mean productivity of each industry."""
    weight, total = np.full(industries, 1e-300), np.zeros(industries)
    for i in range(count):
        if firms.alive[i] == 1:
            weight[firms.industry[i]] += firms.sales[i]
            total[firms.industry[i]] += firms.sales[i] * firms.productivity[i]
    return total / weight
