"""M5a Registration as a technology SME: awareness spreads, and units of the reservoir come onto the list.

    h01  = pS + qS F_c + vS outreach                     per year; F_c = own-share weight of cell and city
    F_c  = w min(1, S_c/M_c) + (1 - w) S/M               S on the list, M reachable pool
    P_c  = max(0, M_c - S_c),  M_c = min(weight_c M0 (1+gM)^years, share of its units);  closure A: gM = 0
    registrations in cell c ~ Poisson(h01 P_c / 4), over size bins in proportion to eligibility x units
    firms that are followed one by one and not listed become aware at h01 x eligibility of their size

Candidates have fixed identities and come in where u < rate / highest rate, so a lever adds or removes firms and
renumbers nobody. Sources: Bass 1969 (diffusion), Sultan, Farley and Lehmann 1990 (its usual values).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled, inlined
from kechuang.parameters import Draw
from kechuang.randomness import Purpose, happens, poissons, stream_key, uniform
from kechuang.world.population.firms import CELL_SHIFT, FirmColumns, identity_of

OUTREACH_MAX = 10.0
"""万元: the largest registration reward beyond the first 2万 that the candidate list allows for."""
EVENT = 1


class RegistrationParameters(NamedTuple):
    """Hazards per year, sizes in 万元 of annual sales, counts in firms."""

    external_registration: float
    registration_imitation: float
    outreach_effect: float
    pool_size: float
    pool_growth: float
    pool_share_max: float
    peer_weight_own: float
    registrant_age_mean: float
    eligibility_by_size: NDArray[np.float64]
    size_bin_bounds: NDArray[np.float64]

    @classmethod
    def of(cls, draw: Draw, scale: float = 1.0) -> RegistrationParameters:
        """Take the record from a draw; closure A keeps the pool fixed; the pool shrinks with the city's scale."""
        growth = 0.0 if draw.closure == "A" else draw.number("pool_growth")
        return cls(
            draw.number("external_registration"),
            draw.number("registration_imitation"),
            draw.number("outreach_effect"),
            scale * draw.number("pool_size"),
            growth,
            draw.number("pool_share_max"),
            draw.number("peer_weight_own"),
            draw.number("registrant_age_mean"),
            np.array(draw.vector("eligibility_by_size")),
            np.array(draw.vector("size_bin_bounds")),
        )


def registration_hazard(
    peer_share: NDArray[np.float64], outreach: NDArray[np.float64], p: RegistrationParameters
) -> NDArray[np.float64]:
    """Return the yearly hazard of coming onto the list, by cell."""
    return p.external_registration + p.registration_imitation * peer_share + p.outreach_effect * outreach


@compiled
def eligibility(annual_sales: float, p: RegistrationParameters) -> float:
    """Return the share of units of this size that could qualify."""
    for k in range(p.size_bin_bounds.size):
        if annual_sales < p.size_bin_bounds[k]:
            return p.eligibility_by_size[k]
    return p.eligibility_by_size[p.size_bin_bounds.size]


def pool(
    quarter: int, units: NDArray[np.float64], weight: NDArray[np.float64], p: RegistrationParameters
) -> NDArray[np.float64]:
    """Return the reachable number of technology SMEs in quarter t by cell: a part of M, and no more than its units allow."""
    whole = p.pool_size * (1.0 + p.pool_growth) ** (quarter / 4.0)
    return np.minimum(whole * weight, p.pool_share_max * units)


def peer_shares(
    listed: NDArray[np.float64], reachable: NDArray[np.float64], p: RegistrationParameters
) -> NDArray[np.float64]:
    """Return F of every cell from firms on the list and reachable pool by (place, industry)."""
    own = np.minimum(1.0, listed / np.maximum(reachable, 1e-9))
    return p.peer_weight_own * own + (1.0 - p.peer_weight_own) * listed.sum() / max(reachable.sum(), 1e-9)


@compiled
def become_aware(
    firms: FirmColumns, count: int, key: np.uint64, hazard: NDArray[np.float64], p: RegistrationParameters
) -> int:
    """Make firms that are not on the list aware of certification; return how many became so."""
    became = 0
    for i in range(count):
        if firms.alive[i] == 1 and firms.ladder[i] == 0 and firms.aware[i] == 0:
            rate = hazard[firms.place[i], firms.industry[i]] * eligibility(4.0 * firms.sales[i], p)
            if happens(uniform(key, firms.identity[i]), 0.25 * rate):
                firms.aware[i] = 1
                became += 1
    return became


@inlined
def registered_from(firms: FirmColumns, i: int) -> int:
    """Return the degree of awareness from which a firm registers: above-scale firms first weigh an application (2)."""
    return 2 if firms.above_scale[i] == 1 else 1


@compiled
def register_aware(firms: FirmColumns, count: int, size_max: float) -> NDArray[np.int64]:
    """At year-end, put aware firms that neither applied nor are too large on the list; return their rows."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        if (
            firms.alive[i] == 1
            and firms.ladder[i] == 0
            and firms.aware[i] >= registered_from(firms, i)
            and firms.applied[i] == 0
            and 4.0 * firms.sales[i] <= size_max
        ):
            firms.ladder[i] = 1
            rows[found] = i
            found += 1
    return rows[:found]


class Candidates(NamedTuple):
    """Units that could leave the reservoir this quarter: identities, cells and the draw that decides."""

    identity: NDArray[np.int64]
    cell: NDArray[np.int64]
    draw: NDArray[np.float64]


def candidates(
    seed: int, quarter: int, event: int, highest: NDArray[np.float64], count_purpose: Purpose, draw_purpose: Purpose
) -> Candidates:
    """Return the candidates of a quarter; their list depends on the highest rates alone, not on state or levers."""
    numbers = poissons(stream_key(seed, quarter, int(count_purpose)), np.arange(highest.size), highest)
    key = stream_key(seed, quarter, int(draw_purpose))
    return Candidates(*_name_candidates(numbers, identity_of(event, 0, quarter, 0), key))


@compiled
def _name_candidates(
    numbers: NDArray[np.int64], first: int, key: np.uint64
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return identities, cells and draws of as many candidates a cell as `numbers` says."""
    size = numbers.sum()
    identity, cell, draw = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64), np.empty(size)
    position = 0
    for k in range(numbers.size):
        for number in range(numbers[k]):
            identity[position], cell[position] = first + (k << CELL_SHIFT) + number, k
            draw[position] = uniform(key, identity[position])
            position += 1
    return identity, cell, draw
