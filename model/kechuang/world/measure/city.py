"""Reading the indicators off the city at the end of a quarter; what they mean stands in indicators.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kechuang.clock import quarter_of_year
from kechuang.units import yi_from_wan
from kechuang.world.indicators import INDICATORS, KEYS, POSITION
from kechuang.world.measure.credit import credit_readings
from kechuang.world.measure.digital import digital_readings
from kechuang.world.measure.funds import fund_readings
from kechuang.world.measure.headcount import Headcount
from kechuang.world.measure.people import people_readings
from kechuang.world.measure.platforms import platform_readings
from kechuang.world.mechanisms import accounts

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

NOVEMBER_WEIGHTS = np.array([1.0, 1.0, 1.0, 2.0 / 3.0])
"""January-November is three quarters and two thirds of the fourth."""
_INTENSIVE = {key for key, indicator in INDICATORS.items() if indicator.kind == "index"}
SCALED = np.array([key not in _INTENSIVE for key in KEYS])


def record(city: Corridor, now: Headcount) -> None:
    """Write this quarter's row of indicators."""
    values = {
        **_counts(city, now),
        **_production(city),
        **_growth(city),
        **credit_readings(city, now),
        **fund_readings(city),
        **people_readings(city),
        **digital_readings(city),
        **platform_readings(city),
        **_government(city),
    }
    row = city.indicators[city.quarter - 1]
    row[:] = np.nan
    for key, value in values.items():
        row[POSITION[key]] = value
    row[SCALED] /= city.scale


def _counts(city: Corridor, now: Headcount) -> dict[str, float]:
    return {
        "high_tech_firms": float(now.certified),
        "tech_sme_firms": now.listed + city.rules.value("unpurged_share") * city.unpurged,
        "leading_firms": float(now.leading),
        "above_scale_firms": float(now.above_scale),
        "industrial_units": float(now.living + city.reservoir.units.sum()),
        "corridor_high_tech_share": 100.0 * now.inside / max(now.certified, 1),
        "patents": city.patents_granted,
        **{key: float(value) for key, value in city.tally.items() if key in INDICATORS},
    }


def _production(city: Corridor) -> dict[str, float]:
    """Value added, sales, staff and R&D; other parts of the city follow their own trend."""
    measures, history = city.measures, city.history
    cells = float(city.cell_value_added.sum())
    rest = city.surroundings.rest_of_city(city.quarter)
    gdp = yi_from_wan(measures[accounts.VALUE_ADDED] + cells) + rest
    season = float(4.0 * city.season[city.position])
    sales = yi_from_wan(float(city.firms_sales()) + float(city.reservoir.sales.sum())) * season
    history.append(
        {
            "gdp": gdp,
            "research": yi_from_wan(measures[accounts.RESEARCH]),
            "reported": yi_from_wan(measures[accounts.REPORTED]),
            "relabelled": yi_from_wan(measures[accounts.RELABELLED]),
            "other": city.surroundings.other_research(city.quarter),
            "above_scale_sales": yi_from_wan(measures[accounts.ABOVE_SCALE_SALES]),
        }
    )
    year = {key: sum(quarter[key] for quarter in history[-4:]) for key in history[-1]}
    whole = len(history) >= 4
    intensity = 100.0 * (year["reported"] + year["other"]) / year["gdp"]
    return {
        "gdp": gdp,
        "gdp_four_quarters": year["gdp"] if whole else np.nan,
        "industrial_value_added": yi_from_wan(measures[accounts.ABOVE_SCALE]),
        "sales": sales,
        "above_scale_sales": year["above_scale_sales"] if whole else np.nan,
        "employment": float(measures[accounts.STAFF] + city.cell_staff.sum()),
        "rd_real": year["research"] if whole else np.nan,
        "rd_reported": year["reported"] if whole else np.nan,
        "rd_relabelled": year["relabelled"] if whole else np.nan,
        "rd_intensity": intensity,
    }


def _growth(city: Corridor) -> dict[str, float]:
    """Year-to-date growth of the panel: the firms of this year against the same firms a year before."""
    position, panel = city.position, city.panel
    panel[position] = city.measures[
        [accounts.PANEL, accounts.PANEL_AGO, accounts.PANEL_REPORTED, accounts.PANEL_REPORTED_AGO]
    ]
    prices = float(city.deflator[city.quarter] / city.deflator[max(city.quarter - 4, 0)])
    if city.quarter < 4:
        prices = float(city.deflator[4])
    until_now = panel[: position + 1].sum(axis=0)
    values = {
        "industrial_value_added_ytd_growth": 100.0 * (until_now[0] / until_now[1] / prices - 1.0),
        "rd_growth_ytd": 100.0 * (until_now[2] / until_now[3] - 1.0),
    }
    if quarter_of_year(city.quarter) == 4:
        november = (panel * NOVEMBER_WEIGHTS[:, None]).sum(axis=0)
        values["industrial_value_added_november_growth"] = 100.0 * (november[0] / november[1] / prices - 1.0)
        values["rd_november_growth"] = 100.0 * (november[2] / november[3] - 1.0)
    return values


def _government(city: Corridor) -> dict[str, float]:
    return {
        "national_zone_approved": float(city.zone.approved is not None),
        "local_revenue": yi_from_wan(city.government.revenue),
        "lever_cost_cash": yi_from_wan(city.costs.cash(city.quarter)),
        "lever_cost_forgone": yi_from_wan(city.costs.forgone_local(city.quarter)),
        "ledger_residual": city.worst_residual,
    }
