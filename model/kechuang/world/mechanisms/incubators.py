"""M9, incubators (V15): floor by place, tenants that may be, and by how much a tenancy lowers the hazard of closing.

    floor_z   = share_z min(value_z, path) + what a change adds, spread over the places it names by their shares    万 m2
    room_l    = min(open + reserved_l - tenants_l, open + all reserved - all tenants)    l: ordinary, registered
    risk      = hx(age) (1 - tenants / units (1 - HRinc))        cells, by age;   agents: hazard x HRinc while inside
A tenant is younger than three years when it comes and leaves after its stay or when it closes. Share of units 0-1. Source:
Xiao and North 2017 (effect weaker outside the largest cities); floor per tenant and rent in calibration/parameters.yaml.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.queues import in_order, rank_in_group
from kechuang.world.population.firms import NO_CERTIFICATE, FirmColumns

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]
AGE_AT_ENTRY = 3
"""Years: who is older is not taken in."""
NO_TENANT = NO_CERTIFICATE
STEPS = 2
"""Steps of the ladder that are taken in: ordinary, registered."""
M2_PER_UNIT = 1e4
"""Floor stands in 万 m2."""


class IncubatorParameters(NamedTuple):
    """Ratio of hazards, stay in quarters, m2 a tenant, and 万元 per 万 m2 and year (the same as 元 per m2)."""

    hazard_ratio: float
    stay_quarters: int
    tenant_floor: float
    rent: float

    @classmethod
    def of(cls, draw: Draw) -> IncubatorParameters:
        """Take the record from a draw."""
        return cls(
            draw.number("incubator_hazard_ratio"),
            int(draw.number("incubator_stay_quarters")),
            draw.number("incubator_tenant_floor"),
            draw.number("incubator_rent"),
        )


class Floor(NamedTuple):
    """Subsidised floor (万 m2 of the whole city): open to both steps by place, reserved for a step by place and step."""

    open: Numbers
    reserved: Numbers

    def total(self) -> float:
        """Return the floor of the city."""
        return float(self.open.sum() + self.reserved.sum())


def spread_floor(values: Numbers, path: float, share: Numbers) -> Numbers:
    """Return floor by place: the path by shares, cut where a place has less, and what places have more among themselves."""
    floor = share * np.minimum(values, path)
    extra, below = np.maximum(values - path, 0.0), 0.0
    for level in sorted(set(extra[extra > 0.0].tolist())):
        reached = extra >= level
        weight = float(share[reached].sum())
        if weight > 0.0:
            floor[reached] += (level - below) * share[reached] / weight
        below = level
    return floor


def floor_of(values: Numbers, path: float, share: Numbers) -> Floor:
    """Return the floor that a path by place and step (ordinary, registered) stands for."""
    common = values.min(axis=1)
    reserved = np.stack([spread_floor(values[:, step] - common, 0.0, share) for step in range(STEPS)], axis=1)
    return Floor(spread_floor(common, path, share), reserved)


def between(less: Floor, more: Floor, part: float) -> Floor:
    """Return the floor that lies this part of the way from one to the other."""
    return Floor(less.open + part * (more.open - less.open), less.reserved + part * (more.reserved - less.reserved))


def places_for_tenants(floor: Floor, scale: float, p: IncubatorParameters) -> Floor:
    """Return how many tenants the floor holds in the modelled part of the city, by place."""
    each = scale * M2_PER_UNIT / p.tenant_floor
    return Floor(each * floor.open, each * floor.reserved)


def room(capacity: Floor, tenants: Numbers, step: int) -> Numbers:
    """Return how many more tenants of a step fit by place; `tenants` counts by place and step."""
    own = capacity.open + capacity.reserved[:, step] - tenants[:, step]
    whole = capacity.open + capacity.reserved.sum(axis=1) - tenants.sum(axis=1)
    return np.maximum(np.minimum(own, whole), 0.0)


@compiled
def tenants(firms: FirmColumns, count: int) -> Rows:
    """Return the rows of the living firms that are inside."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        if firms.tenant_since[i] > NO_TENANT and firms.alive[i] == 1:
            rows[found] = i
            found += 1
    return rows[:found]


@compiled
def who_may_come(firms: FirmColumns, count: int, quarter: int, step: int, free: Numbers) -> Rows:
    """Return the rows of the young firms of a step that are outside where there is room for one at least."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        outside = firms.alive[i] == 1 and firms.tenant_since[i] == NO_TENANT and firms.ladder[i] == step
        if outside and quarter - firms.born[i] < 4 * AGE_AT_ENTRY and free[firms.place[i]] >= 1.0:
            rows[found] = i
            found += 1
    return rows[:found]


def first_in_line(place: Rows, draw: Numbers, free: Numbers) -> Rows:
    """Return the positions of the candidates that get a place: in each place the lowest draws, whole tenants only."""
    rank = rank_in_group(place, in_order(draw), free.size)
    return np.flatnonzero(rank < np.floor(free[place] + 1e-9))


def relief(tenants: Numbers, units: Numbers, ratio: float) -> Numbers:
    """Return the factor on the hazard of cells whose units hold so many tenants, both by age."""
    inside = np.divide(tenants, units, out=np.zeros_like(tenants), where=units > 0.0)
    return np.asarray(1.0 - np.minimum(inside, 1.0) * (1.0 - ratio))
