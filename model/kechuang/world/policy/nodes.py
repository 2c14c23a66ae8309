"""The functional nodes of the corridor plan: which of them are open in a quarter, by the calendar of the scenario."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kechuang.city import City, PlanNode
from kechuang.scenario import Scenario

YEARLY = {"slow": 1, "fast": 4}
"""Nodes that open each year under calendars other than that of the plan, from the plan's first quarter on."""


class Nodes:
    """The nodes in the order in which the plan opens them; `floor_of_node` is incubator floor in 万 m2."""

    def __init__(self, scenario: Scenario, city: City, floor_of_node: float) -> None:
        self.places = city.place_keys
        self.floor_of_node = floor_of_node
        planned = sorted(city.nodes, key=lambda node: node.opens) if scenario.nodes != "none" else []
        yearly = YEARLY.get(scenario.nodes)
        self.calendar = tuple(
            (node, planned[0].opens + 4 * (number // yearly) if yearly else node.opens)
            for number, node in enumerate(planned)
        )

    def opening(self, quarter: int) -> tuple[PlanNode, ...]:
        """Return the nodes that open in quarter t."""
        return tuple(node for node, opens in self.calendar if opens == quarter)

    def open(self, quarter: int) -> tuple[PlanNode, ...]:
        """Return the nodes that are open in quarter t."""
        return tuple(node for node, opens in self.calendar if opens <= quarter)

    def number(self, node: PlanNode) -> int:
        """Return the position of a node in the order of the plan."""
        return next(position for position, (one, _) in enumerate(self.calendar) if one.key == node.key)

    def floor(self, quarter: int) -> NDArray[np.float64]:
        """Return the incubator floor of open nodes by place in quarter t (万 m2)."""
        floor = np.zeros(len(self.places))
        for node in self.open(quarter):
            floor[self.places.index(node.place)] += self.floor_of_node
        return floor
