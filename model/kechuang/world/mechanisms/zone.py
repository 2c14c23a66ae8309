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

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.world.population.firms import NO_CERTIFICATE, FirmColumns


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


@compiled
def panel_of_year(
    firms: FirmColumns, count: int, in_corridor: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], int]:
    """Return sales and reported R&D of the year (万元) of above-scale firms, who of them is inside, and how many certified."""
    sales, reported, inside = np.empty(count), np.empty(count), np.empty(count, dtype=np.bool_)
    found, certified = 0, 0
    for i in range(count):
        if firms.alive[i] == 1 and firms.above_scale[i] == 1:
            sales[found], reported[found] = 0.0, 0.0
            for position in range(4):
                sales[found] += firms.sales_year[i, position]
                reported[found] += firms.reported_year[i, position]
            inside[found] = in_corridor[firms.place[i]]
            certified += inside[found] and firms.certified[i] > NO_CERTIFICATE
            found += 1
    return sales[:found], reported[:found], inside[:found], certified


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
