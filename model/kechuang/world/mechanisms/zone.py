"""M6/M11 The national high-tech zone: when the corridor's places become one, and what that does to entry.

    eligible   R&D/sales >= 3 %, high-tech share of above-scale firms >= 30 %, sales have grown no slower than the city's
    approval   hazard per year while eligible and the window is open; a scenario may set it instead
    entry      rate x (1 + uplift) inside; outside x (1 - displacement uplift births inside / births outside)
Units: shares and rates per year. Sources: Lu, Wang and Zhu 2019, Alder, Shao and Zilibotti 2016 (uplift); thresholds and
displacement assumed (zone_* in calibration/parameters.yaml).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.parameters import Draw


class ZoneParameters(NamedTuple):
    """Thresholds (shares), hazard (per year), uplift and displacement (shares), first quarter of the window."""

    zone_research_threshold: float
    zone_high_tech_threshold: float
    zone_approval_hazard: float
    zone_window_opens: float
    zone_entry_uplift: float
    zone_displacement: float

    @classmethod
    def of(cls, draw: Draw) -> ZoneParameters:
        """Take the record from a draw."""
        return cls(*(draw.number(name) for name in cls._fields))


class ZoneYear(NamedTuple):
    """Last year's figures of above-scale firms: reported R&D and sales inside, sales in the city (万元), firms inside."""

    research: float
    sales: float
    sales_before: float
    city_sales: float
    city_sales_before: float
    above_scale: float
    high_tech: float


def eligible(year: ZoneYear, p: ZoneParameters) -> bool:
    """Say whether the zone meets the thresholds of an application."""
    if min(year.sales, year.sales_before, year.city_sales_before, year.above_scale) <= 0.0:
        return False
    return (
        year.research / year.sales >= p.zone_research_threshold
        and year.high_tech / year.above_scale >= p.zone_high_tech_threshold
        and year.sales / year.sales_before >= year.city_sales / year.city_sales_before
    )


def approved(draw: float, quarter: int, is_eligible: bool, p: ZoneParameters) -> bool:
    """Say whether an application is approved in this quarter."""
    waits = is_eligible and quarter >= p.zone_window_opens
    return waits and draw < 1.0 - math.exp(-0.25 * p.zone_approval_hazard)


def entry_factor(births: NDArray[np.float64], inside: NDArray[np.bool_], p: ZoneParameters) -> NDArray[np.float64]:
    """Return the factor on births by place once the zone is approved; `births` are those expected without it."""
    gained = p.zone_entry_uplift * float(births[inside].sum())
    others = float(births[~inside].sum())
    lost = min(1.0, p.zone_displacement * gained / others) if others > 0.0 else 0.0
    return np.where(inside, 1.0 + p.zone_entry_uplift, 1.0 - lost)
