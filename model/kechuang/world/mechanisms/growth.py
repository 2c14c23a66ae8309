"""M2 Firm growth: Gibrat with mixed variance, weak selection on productivity, and adding-up to demand; staff follows.

    dln S_i = dln Y_s + dln P - n_s + (chi/4)(a_i - abar_s) - kR rationed_i + eps_i
    eps_i   = sigma(S, age)/2 * sqrt(V_i,year) * z_i,quarter        V ~ Exp(1) once a year, z ~ N(0, 1)
    sigma   = min(max, sigma0 (S/S_ref)^-beta) (1 + youth exp(-age / decay))
    n_s     = clip(ln((sum_i S_i e^g_i + cells) / demand_s), +-limit)
    staff   = 4 S / P / (sales per worker_s exp(a + g_l years))                   persons in production

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

OLDEST = 320
"""Age in quarters from which on a firm is as calm as it gets."""


class GrowthParameters(NamedTuple):
    """Standard deviations are annual, selection and labour productivity per year, sizes in 万元 of annual sales."""

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
    labour_productivity_growth: float
    sales_per_worker: tuple[float, ...]

    @classmethod
    def of(cls, draw: Draw) -> GrowthParameters:
        """Take the record from a draw."""
        return cls._make([*(draw.number(name) for name in cls._fields[:-1]), draw.vector("sales_per_worker")])


@compiled
def youth_factor(age_years: float, p: GrowthParameters) -> float:
    """Return by how much more than an old firm a firm of this age fluctuates."""
    return 1.0 + p.youth_dispersion * math.exp(-age_years / p.youth_decay_years)


@compiled
def volatility(annual_sales: float, youth: float, p: GrowthParameters) -> float:
    """Return the annual standard deviation of log growth of a firm of this size and youth."""
    by_size = p.growth_volatility * (annual_sales / p.size_reference) ** -p.size_variance_exponent
    return min(p.volatility_max, by_size) * youth


@compiled
def staff(annual_sales: float, productivity: float, per_worker: float) -> float:
    """Return production staff (persons): yearly sales over sales per worker of a firm of average productivity."""
    return annual_sales / (per_worker * math.exp(productivity))


@compiled
def worker_sales(industry: int, deflator: float, years: float, p: GrowthParameters) -> float:
    """Return nominal sales per worker and year (万元) of a firm of average productivity, which grow with time."""
    return deflator * p.sales_per_worker[industry] * math.exp(p.labour_productivity_growth * years)


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
    proposed, youth = np.zeros(demand_growth.size), _youth_by_age(p)
    for i in range(count):
        if firms.alive[i] == 0:
            continue
        industry = firms.industry[i]
        sigma = volatility(4.0 * firms.sales[i], youth[min(quarter - firms.born[i], OLDEST)], p)
        firms.volatility[i] = sigma
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
def apply_growth(
    firms: FirmColumns,
    count: int,
    congestion: NDArray[np.float64],
    deflator: float,
    years: float,
    p: GrowthParameters,
) -> None:
    """Let sales grow by what was proposed less the common congestion n_s of the industry; staff follows sales."""
    per_worker = _worker_sales_by_industry(congestion.size, deflator, years, p)
    for i in range(count):
        if firms.alive[i] == 1:
            industry = firms.industry[i]
            firms.sales[i] *= math.exp(firms.growth[i] - congestion[industry])
            firms.staff[i] = staff(4.0 * firms.sales[i], firms.productivity[i], per_worker[industry])


@compiled
def describe(firms: FirmColumns, count: int, quarter: int, deflator: float, p: GrowthParameters) -> None:
    """Give new firms the staff and the volatility that belong to their size, age and productivity."""
    youth = _youth_by_age(p)
    per_worker = _worker_sales_by_industry(len(p.sales_per_worker), deflator, 0.25 * quarter, p)
    for i in range(count):
        firms.staff[i] = staff(4.0 * firms.sales[i], firms.productivity[i], per_worker[firms.industry[i]])
        firms.volatility[i] = volatility(4.0 * firms.sales[i], youth[min(quarter - firms.born[i], OLDEST)], p)


@compiled
def _youth_by_age(p: GrowthParameters) -> NDArray[np.float64]:
    """Tabulate the factor of youth by age in quarters: ages are few, firms are many."""
    return np.array([youth_factor(0.25 * age, p) for age in range(OLDEST + 1)])


@compiled
def _worker_sales_by_industry(
    industries: int, deflator: float, years: float, p: GrowthParameters
) -> NDArray[np.float64]:
    """Tabulate sales per worker by industry."""
    return np.array([worker_sales(industry, deflator, years, p) for industry in range(industries)])


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
