"""The national high-tech zone of the corridor (V18): application each quarter on last year's figures, money once approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.units import wan_from_yi
from kechuang.world.mechanisms import zone
from kechuang.world.phases.government import pay_out

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


class Zone:
    """State of the zone: when it was approved (None: not yet) and sales of the year before last."""

    def __init__(self) -> None:
        self.approved: int | None = None
        self.sales_before = self.city_sales_before = 0.0
        self.year = zone.ZoneYear(*(0.0 for _ in zone.ZoneYear._fields))


def run_zone(city: Corridor) -> None:
    """Decide on the zone, and pay the match of the city and the transfer of the nation in its first years."""
    state, quarter = city.zone, city.quarter
    if state.approved is None:
        draw = float(
            uniforms(stream_key(city.luck_seed, quarter, int(Purpose.ZONE_APPROVAL)), np.zeros(1, np.int64))[0]
        )
        decided = bool((city.policy.zone_approval[quarter][city.in_corridor] > 0.5).any())
        if decided or zone.approved(draw, quarter, zone.eligible(state.year, city.rules.zone), city.rules.zone):
            state.approved = quarter
    years = city.rules.value("zone_match_years")
    if state.approved is not None and quarter < state.approved + 4 * years:
        price = city.policy.price(quarter, city.deflator)
        match = 0.25 * city.scale * wan_from_yi(city.rules.value("zone_match")) * price
        transfer = city.rules.value("zone_transfer_ratio") * match
        city.ledger.post("transfers from nation and province", "government", "outside", transfer)
        city.government.collect(transfer)
        pay_out(city, "zone_approval", "build-up of the national zone", "outside", match)


def note_year(city: Corridor) -> None:
    """Note in January what an application rests on: above-scale firms in the year that has ended, and the one before."""
    state = city.zone
    sales, reported, inside, certified = zone.panel_of_year(city.firms.columns, city.firms.count, city.in_corridor)
    state.year = zone.ZoneYear(
        float(reported[inside].sum()),
        float(sales[inside].sum()),
        state.sales_before,
        float(sales.sum()),
        state.city_sales_before,
        float(inside.sum()),
        float(certified),
    )
    state.sales_before, state.city_sales_before = state.year.sales, state.year.city_sales
