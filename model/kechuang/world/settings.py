"""What is common to all firms of a quarter: the settings that kernels take, rates of interest, and stricter certification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import quarter_index
from kechuang.randomness import Purpose, stream_key
from kechuang.world.mechanisms import talent
from kechuang.world.mechanisms.certification import CertificationSetting
from kechuang.world.mechanisms.demand import PANDEMIC_QUARTER
from kechuang.world.mechanisms.research import ResearchSetting

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

LOAN_RATE_DATE, LOAN_RATE_TREND_END = quarter_index("2018Q4") - 1.5, quarter_index("2025Q1")
"""Quarters at which the loan rate has its value (the middle of 2018) and from which on it stays."""


def research_setting(city: Corridor, quarter: int) -> ResearchSetting:
    """Return what R&D decisions of quarter t look at (t = 0: the starting values of 2016)."""
    dated, policy = max(quarter, 1), city.policy
    return ResearchSetting(
        quarter / 4.0,
        city.peers,
        policy.tax_rate[dated],
        policy.super_deduction[dated],
        policy.expected_grant(dated, city.ceiling.expected),
        policy.price(dated, city.deflator) * policy.grant_cap[dated],
        policy.grant_take_up[dated],
        stream_key(city.luck_seed, 0, int(Purpose.GRANT_TAKE_UP)),
        float(np.exp(reporting_drift(city))),
    )


def certification_setting(city: Corridor, quarter: int) -> CertificationSetting:
    """Return what certification decisions of quarter t look at."""
    dated, policy = max(quarter, 1), city.policy
    return CertificationSetting(
        quarter,
        float(city.log_tide[quarter]),
        research_cost(city, quarter),
        policy.expected_bonus(dated, city.deflator, city.ceiling.expected),
        policy.renewal_share[dated],
        policy.tax_rate[dated],
        policy.super_deduction[dated],
    )


def research_cost(city: Corridor, quarter: int) -> float:
    """Return the yearly cost of R&D per person in quarter t (万元): its trend, moved by wages of R&D staff off theirs."""
    value = city.rules.value
    trend = value("research_cost_per_person") * (1.0 + value("research_cost_growth")) ** (quarter / 4.0 - 1.5)
    return talent.research_cost(trend, city.labour.wage_ratio, city.rules.talent.wage_share)


def reporting_drift(city: Corridor) -> float:
    """Return the log drift between R&D done and R&D reported, which begins in 2020."""
    return city.rules.value("reporting_drift_2020") if city.quarter >= PANDEMIC_QUARTER else 0.0


def worker_sales(city: Corridor) -> NDArray[np.float64]:
    """Return real sales per worker and year by industry in this quarter (万元)."""
    p = city.rules.growth
    return np.array(p.sales_per_worker) * np.exp(p.labour_productivity_growth * city.quarter / 4.0)


def loan_rate(city: Corridor) -> float:
    """Return the yearly rate on loans: it moves with the prime rate until 2025, and no further than its cap."""
    return min(city.rules.value("loan_rate") + _prime_rate(city), city.rules.value("loan_rate_max"))


def funding_rate(city: Corridor) -> float:
    """Return what banks and the city pay for funds a year: it moves with the prime rate too, and is never negative."""
    return max(0.0, city.rules.value("funding_rate") + _prime_rate(city))


def data_coverage(city: Corridor) -> float:
    """Return the share of useful public records that banks see in this quarter."""
    return float(city.policy.finance.platform[city.quarter])


def tighten(city: Corridor) -> None:
    """Apply what stricter certification changes in this quarter; without one, the records stay as drawn."""
    notch, audit, renewal = city.shocks.tightening(city.quarter)
    drawn = city.drawn_rules
    small, middle, large = drawn.research.notch_rates
    city.rules.research = city.rules.research._replace(notch_rates=(small + notch, middle + notch, large + notch))
    city.rules.certification = drawn.certification._replace(
        relabelling_curvature=drawn.certification.relabelling_curvature * audit,
        renewal_pass=min(1.0, max(0.0, drawn.certification.renewal_pass + renewal)),
    )


def _prime_rate(city: Corridor) -> float:
    years = (min(city.quarter, LOAN_RATE_TREND_END) - LOAN_RATE_DATE) / 4.0
    return city.rules.value("loan_rate_trend") * years
