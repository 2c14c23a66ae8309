"""The city's government as an agent of the model: what it takes in, what its levers cost, what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


class Government(mesa.Agent):  # type: ignore[misc]
    """City and counties together; money in 万元, revenue and lever cash of the current quarter."""

    def __init__(self, model: Corridor) -> None:
        super().__init__(model)
        self.deposits = 0.0
        self.revenue = 0.0
        self.lever_cash = 0.0
