"""Reading the indicators of platforms off the city at the end of a quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kechuang.units import yi_from_wan
from kechuang.world.population.carriers import ELSEWHERE

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def platform_readings(city: Corridor) -> dict[str, float]:
    """Return carriers, nodes and contracts; a small city has the carriers of the whole, hence the scale."""
    columns, contracts = city.carriers.columns, city.contracts
    home = columns.open & (columns.place != ELSEWHERE)
    inside = city.in_corridor[columns.place[home]]
    numbers = {
        "carriers": len(city.carriers),
        "carriers_in_corridor": int(np.count_nonzero(inside)),
        "enclaves": int((columns.open & columns.enclave).sum()),
        "nodes_open": len(city.nodes.open(city.quarter)),
    }
    return {
        **{key: city.scale * float(number) for key, number in numbers.items()},
        "carrier_contracts": float(contracts.number),
        "technology_turnover": yi_from_wan(float(contracts.value.sum())),
    }
