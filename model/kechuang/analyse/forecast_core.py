"""The forecast core: demand, growth of firms, births and deaths, R&D and the certification ladder, and nothing else.

The full model is asked to run without the rest; no code of the world is different. Switched off from the first quarter:

    money      refused loans cost no growth and no R&D; no firm defaults (deaths by age stay in sum); funds invest nothing;
               no guarantees, compensation, pledges, renewals or grants
    people     R&D is not cut to the staff at hand; wages of R&D staff follow their trend; nobody founds a firm or is subsidised
    platforms  no carriers, vouchers, incubators, joint projects, academicians, nodes; knowledge does not spill over
    digital    no projects, no retrofits, no gain; the national zone changes no births
What cannot be switched off from outside and still runs: loans are granted and their interest is paid out of profit; firms'
own knowledge moves their productivity, because the same number is part of the firm's choice at the R&D threshold.
National law, the reward for a certificate and the tide stay: they are part of the ladder.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kechuang.parameters import Draw, Value
from kechuang.scenario import LEVERS, LeverChange, Scenario

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

KEPT_LEVERS = ("high_tech_tax_rate", "certification_bonus", "super_deduction", "zone_approval")
"""Levers of the ladder itself, and a zone that changes nothing here."""
DIALS_OFF = {"guarantee_coverage": ("capital",), "patent_pledge": ("", "interest_subsidy"), "research_carriers": ("", "enclaves"),
             "digital_retrofit_subsidy": ("", "key_share")}
"""Dials that have to be 0 where it is not the main one alone."""
_NEGLIGIBLE = 1e-9
"""A yearly default rate in place of 0, whose logarithm the model takes."""
CORE_VALUES: dict[str, Value] = {
    "rationed_growth_loss": 0.0,
    "rationed_research_loss": 0.0,
    "default_rate": _NEGLIGIBLE,
    "fund_deal_intensity": 0.0,
    "grant_additionality": 0.0,
    "wage_vacancy_response": 0.0,
    "spin_off_hazard": 0.0,
    "academician_visits": 0.0,
    "carriers_2015": 0.0,
    "carrier_births": 0.0,
    "incubator_hazard_ratio": 1.0,
    "spillover_elasticity": 0.0,
    "digital_project_arrivals": (0.0, 0.0, 0.0, 0.0),
    "digital_project_arrivals_2020": 0.0,
    "digital_light_external": 0.0,
    "digital_light_imitation": 0.0,
    "digital_coverage_2015": 0.0,
    "digital_productivity_gain": 0.0,
    "digital_productivity_dip": 0.0,
    "zone_entry_uplift": 0.0,
}


def core_draw(draw: Draw) -> Draw:
    """Return a draw in which nothing but the ladder acts."""
    return replace(draw.with_values(**CORE_VALUES), id=draw.id)


def core_scenario(scenario: Scenario) -> Scenario:
    """Return the scenario without any lever outside the ladder, and without nodes of the corridor plan."""
    kept = tuple(change for change in scenario.levers if change.key in KEPT_LEVERS)
    off = tuple(
        LeverChange(key, dial, "level", 0.0)
        for key in LEVERS
        if key not in KEPT_LEVERS
        for dial in DIALS_OFF.get(key, ("",))
    )
    return replace(scenario, name=f"{scenario.name}-core", levers=(*kept, *off), nodes="none", origins={})


def lift_staff_limit(city: Corridor) -> None:
    """Give firms the R&D that they wished for before it was cut to their staff."""
    columns, count = city.firms.columns, city.firms.count
    columns.research_intensity[:count] = columns.research_wish[:count]


CORE_EVENTS = {"capacity": (lift_staff_limit,)}
"""What runs after which phase of a quarter."""
