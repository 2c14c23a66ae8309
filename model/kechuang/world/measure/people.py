"""Reading the indicators of talent, academicians and spin-offs off the city at the end of a quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kechuang.world.population.talent import KINDS, RESEARCHER

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def people_readings(city: Corridor) -> dict[str, float]:
    """Return stocks and flows of people, the wage of researchers, vacancies, and what academicians brought."""
    labour, kinds = city.labour, len(KINDS)
    census, (wished, done) = labour.census, labour.research
    present, researchers = float(census.present.sum()), float(census.employed[RESEARCHER])
    return {
        "talent_total": present,
        "talent_researchers": float(census.present[RESEARCHER]),
        "talent_inflow": float(labour.flows["arrivals"][:kinds].sum()),
        "talent_trained": float(labour.flows["trained"][:kinds].sum()),
        "talent_outflow": float(labour.flows["left"][:kinds].sum()),
        "wage_researcher": float(census.wages[RESEARCHER]) / researchers if researchers else np.nan,
        "talent_unfilled_share": 100.0 * labour.unfilled_share() if labour.vacancies else np.nan,
        "talent_unemployed_share": 100.0 * (1.0 - float(census.employed.sum()) / present) if present else np.nan,
        "rd_unstaffed_share": 100.0 * (1.0 - done / wished) if wished > 0.0 else np.nan,
        "academicians": float(labour.visits),
        "academician_projects": float(labour.projects),
        "graduates": float(labour.graduates.sum()),
    }
