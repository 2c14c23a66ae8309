"""M3 R&D: who does it, how much, and what is reported.

    P(do R&D) = logit^-1(a0_s + a1 ln N + a2 [on the list] + a3 F)               F = share of doers in industry and place;
                a firm keeps one draw u for life and begins once logit(u) lies below the index
    ln r*     = ln rbar_s + mu_i - eta ln(UC/UC_ref) + g_R years - gamma_f rationed + ln(1 + (1 + addG) sub),  r <= r_max
    sub       = min(rate R_reported, cap) / R for firms that apply for grants     addG private R&D per yuan of grant
    ln r     += (lam/4)(ln r* - ln r)                                            partial adjustment
    r        >= notch(S) - l_i  while certified or applying, at once
    R = r Q ;  R_reported = R exp(w_t) + l_i Q                                   Q sales of the quarter, 万元

UC is taken at the firm's marginal tax rate; a firm without taxable profit meets the reference cost. Size acts on the
probability of R&D, not on intensity. w_t is statistical drift and does not count towards the notch.
Sources: Hall and Jorgenson 1967 (user cost), Chen, Liu, Suarez Serrato and Xu 2021 (its elasticity, with relabelling),
Cohen, Levin and Mowery 1987 (size), Dimos and Pugh 2016 (grants add themselves, little more).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.randomness import uniform
from kechuang.world.mechanisms.taxes import TaxLaw, marginal_rate, taxable_profit, user_cost
from kechuang.world.population.firms import NO_CERTIFICATE, FirmColumns


class ResearchParameters(NamedTuple):
    """Logit coefficients, elasticities and shares of sales; trends and speeds per year."""

    participation_base: tuple[float, ...]
    participation_size: float
    participation_listed: float
    participation_peers: float
    log_median_intensity: tuple[float, ...]
    user_cost_elasticity: float
    user_cost_reference: float
    trend: float
    adjustment: float
    intensity_max: float
    notch_rates: tuple[float, float, float]
    notch_bounds: tuple[float, float]
    rationed_research_loss: float
    grant_additionality: float

    @classmethod
    def of(cls, draw: Draw) -> ResearchParameters:
        """Take the record from a draw; the median intensity follows from mean and spread, before its level is set."""
        base = draw.number("research_participation_base")
        spread = draw.number("research_heterogeneity")
        small, middle, large = draw.vector("notch_rates")
        lower, upper = draw.vector("notch_bounds")
        return cls(
            tuple(base + own for own in draw.vector("research_participation_industry")),
            draw.number("research_participation_size"),
            draw.number("research_participation_listed"),
            draw.number("research_participation_peers"),
            tuple(math.log(mean) - 0.5 * spread**2 for mean in draw.vector("research_intensity_mean")),
            draw.number("user_cost_elasticity"),
            draw.number("user_cost_reference"),
            draw.number("research_trend"),
            draw.number("research_adjustment"),
            draw.number("research_intensity_max"),
            (small, middle, large),
            (lower, upper),
            draw.number("rationed_research_loss"),
            draw.number("grant_additionality"),
        )


class ResearchSetting(NamedTuple):
    """What is common to all firms in a quarter; `reporting` is R&D reported over R&D done without relabelling."""

    years: float
    peers: NDArray[np.float64]
    tax_rate: NDArray[np.float64]
    extra_deduction: NDArray[np.float64]
    grant: NDArray[np.float64]
    grant_cap: NDArray[np.float64]
    grant_take_up: NDArray[np.float64]
    grant_key: np.uint64
    reporting: float


@compiled
def notch(annual_sales: float, p: ResearchParameters) -> float:
    """Return the least R&D over sales that certification asks of a firm of this size (5, 4 or 3 %)."""
    if annual_sales <= p.notch_bounds[0]:
        return p.notch_rates[0]
    return p.notch_rates[1] if annual_sales <= p.notch_bounds[1] else p.notch_rates[2]


@compiled
def participation_index(industry: int, persons: float, listed: bool, peers: float, p: ResearchParameters) -> float:
    """Return the log odds that a firm of this kind does R&D."""
    return (
        p.participation_base[industry]
        + p.participation_size * math.log(max(persons, 1.0))
        + p.participation_listed * (1.0 if listed else 0.0)
        + p.participation_peers * peers
    )


@compiled
def desired_log_intensity(
    industry: int, effect: float, cost: float, rationed: float, years: float, p: ResearchParameters
) -> float:
    """Return the log of desired real R&D over sales at a user cost of R&D."""
    log_intensity = (
        p.log_median_intensity[industry]
        + effect
        + p.trend * years
        - p.rationed_research_loss * rationed
        - p.user_cost_elasticity * math.log(cost / p.user_cost_reference)
    )
    return min(math.log(p.intensity_max), log_intensity)


@compiled
def grant_takers(firms: FirmColumns, count: int, key: np.uint64, take_up: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rows of the firms that do R&D and claim grants on it; `take_up` is their share by place, industry and step."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        does = firms.alive[i] == 1 and firms.does_research[i] == 1
        if does and uniform(key, firms.identity[i]) < take_up[firms.place[i], firms.industry[i], firms.ladder[i]]:
            rows[found] = i
            found += 1
    return rows[:found]


def grant_of(research: NDArray[np.float64], rate: NDArray[np.float64], cap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the grants on some reported R&D (万元); cap and R&D are of the same length of time."""
    return np.minimum(rate * research, cap)


@compiled
def grant_factor(research: float, reported: float, rate: float, cap: float, p: ResearchParameters) -> float:
    """Return by which factor a grant on reported R&D raises yearly R&D: by itself and by what it draws in or crowds out."""
    return 1.0 + (1.0 + p.grant_additionality) * min(rate * reported, cap) / max(research, 1e-9)


@compiled
def adjusted_intensity(intensity: float, desired_log: float, p: ResearchParameters) -> float:
    """Move a quarter of a year's adjustment towards the desired intensity, which is given by its log."""
    step = 0.25 * p.adjustment
    return math.exp((1.0 - step) * math.log(intensity) + step * desired_log)


@compiled
def firm_user_cost(
    annual_sales: float,
    margin: float,
    intensity: float,
    persons: float,
    extra: float,
    certified_rate: float,
    law: TaxLaw,
    p: ResearchParameters,
) -> float:
    """Return the user cost at the firm's marginal rate; the reference cost where there is no profit to deduct from."""
    profit = taxable_profit(annual_sales, margin, intensity, extra)
    if profit <= 0.0:
        return p.user_cost_reference
    return user_cost(marginal_rate(profit, annual_sales, persons, certified_rate, law), extra)


@compiled
def choose_research(
    firms: FirmColumns, count: int, setting: ResearchSetting, law: TaxLaw, p: ResearchParameters
) -> None:
    """Let every firm decide whether to do R&D and how much of its sales goes into it."""
    for i in range(count):
        if firms.alive[i] == 0:
            continue
        place, industry, ladder = firms.place[i], firms.industry[i], firms.ladder[i]
        annual, persons = 4.0 * firms.sales[i], firms.staff[i]
        starts = False
        if firms.does_research[i] == 0:
            index = participation_index(industry, persons, ladder > 0, setting.peers[place, industry], p)
            starts = firms.participation[i] < index
            if not starts:
                continue
            firms.does_research[i] = 1
        certified = firms.certified[i] > NO_CERTIFICATE
        rate = setting.tax_rate[place, industry, ladder] if certified else law.normal_rate
        cost = firm_user_cost(
            annual,
            firms.margin[i],
            firms.research_intensity[i],
            persons,
            setting.extra_deduction[place, industry, ladder],
            rate,
            law,
            p,
        )
        desired_log = desired_log_intensity(
            industry, firms.intensity_effect[i], cost, firms.rationed[i], setting.years, p
        )
        grant = setting.grant[place, industry, ladder]
        if (
            grant > 0.0
            and uniform(setting.grant_key, firms.identity[i]) < setting.grant_take_up[place, industry, ladder]
        ):
            cap, desired = setting.grant_cap[place, industry, ladder], math.exp(desired_log)
            reported = (desired * setting.reporting + firms.relabelled[i]) * annual
            factor = grant_factor(desired * annual, reported, grant, cap, p)
            desired_log = math.log(min(p.intensity_max, desired * factor))
        if starts or firms.research_intensity[i] <= 0.0:
            firms.research_intensity[i] = max(math.exp(desired_log), firms.research_intensity[i])
        else:
            firms.research_intensity[i] = adjusted_intensity(firms.research_intensity[i], desired_log, p)
        if certified or firms.applied[i] == 1:
            floor = notch(annual, p) - firms.relabelled[i]
            firms.research_intensity[i] = min(p.intensity_max, max(firms.research_intensity[i], floor))
