"""Reading the indicators of digitalisation, incubators and joint projects off the city at the end of a quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kechuang.units import yi_from_wan
from kechuang.world.mechanisms import digital

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def digital_readings(city: Corridor) -> dict[str, float]:
    """Return projects, coverage, the digital core, tenants and teams of this quarter."""
    state, inside = city.digital, city.incubators
    core, columns = state.core_value_added, city.firms.columns
    covered = digital.coverage(columns.alive, columns.above_scale, columns.digital, city.firms.count)
    return {
        "digital_key_projects": float(state.key_projects),
        "digital_investment": yi_from_wan(state.investment),
        "digital_coverage": 100.0 * covered,
        "digital_core_value_added": yi_from_wan(sum(core[-4:])) if len(core) >= 4 else np.nan,
        "incubator_floor": city.scale * inside.floor_now.total(),
        "incubator_tenants": inside.number(city),
        "incubator_graduates": inside.graduates,
        "joint_projects": float(city.joint.running(city.quarter)),
    }
