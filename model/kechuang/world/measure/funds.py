"""Reading the indicators of the venture funds off the city at the end of a quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kechuang.units import yi_from_wan

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def fund_readings(city: Corridor) -> dict[str, float]:
    """Return calls, stakes and ways out of the funds."""
    funds = city.funds
    projects = funds.projects()
    return {
        "fund_called": yi_from_wan(funds.called()),
        "fund_dry_powder": yi_from_wan(funds.dry_powder()),
        "fund_invested": yi_from_wan(funds.invested()),
        "fund_deals": float(funds.deals),
        "fund_projects": float(projects),
        "fund_early_share": 100.0 * funds.projects(stage=0) / projects if projects else np.nan,
        "fund_exits": float(funds.exits()),
        "fund_successes": float(funds.exits(successes=True)),
    }
