"""Support of R&D: grants on reported R&D (V4), claimed each quarter and paid with the other levers at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, stream_key
from kechuang.world.mechanisms.research import grant_of, grant_takers

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

Floats = NDArray[np.float64]


def grant_research(city: Corridor) -> None:
    """Let firms that apply for grants claim theirs on the R&D they reported in the quarter."""
    columns, policy, quarter = city.firms.columns, city.policy, city.quarter
    key = stream_key(city.luck_seed, 0, int(Purpose.GRANT_TAKE_UP))
    rows = grant_takers(columns, city.firms.count, key, policy.grant_take_up[quarter])
    cell = (columns.place[rows], columns.industry[rows], columns.ladder[rows])
    reported, price = columns.reported_year[rows, city.position], policy.price(quarter, city.deflator)
    paid_for = columns.project_grant[rows] + city.contracts.vouchers_of(rows)
    reported = np.maximum(reported - paid_for, 0.0)  # no grant on what a joint project or a voucher pays

    def owed(rate: Floats, cap: Floats) -> Floats:
        return grant_of(reported, rate[quarter][cell], 0.25 * price * cap[quarter][cell])

    amounts = policy.grant_budget.ration(
        owed(policy.grant, policy.grant_cap), lambda: owed(policy.unchanged_grant, policy.unchanged_grant_cap)
    )
    city.claim("research_grant", "research grants", rows, amounts)
