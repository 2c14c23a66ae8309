"""Counting firms once a quarter: how many there are of each sort that identities and indicators ask about."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.world.mechanisms.credit import SCIENCE_BANK
from kechuang.world.population.firms import NO_CERTIFICATE, FirmColumns

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


class Headcount(NamedTuple):
    """Living firms; those certified, certified inside the corridor, on the list, leading, and above scale.

    `users` are those on the credit platform, `second_banks` those with a second bank, `at_science_banks` firms on the list
    whose main bank is a science bank.
    """

    living: int
    certified: int
    inside: int
    listed: int
    leading: int
    above_scale: int
    users: int
    second_banks: int
    at_science_banks: int


def headcount(city: Corridor) -> Headcount:
    """Return the counts of the moment."""
    science = city.banks.columns.kind == SCIENCE_BANK
    return Headcount(*_count(city.firms.columns, city.firms.count, city.in_corridor, science).tolist())


@compiled
def _count(
    firms: FirmColumns, count: int, in_corridor: NDArray[np.bool_], science: NDArray[np.bool_]
) -> NDArray[np.int64]:
    found = np.zeros(9, dtype=np.int64)  # one for each sort of Headcount
    for i in range(count):
        if firms.alive[i] == 0:
            continue
        certified, listed = firms.certified[i] > NO_CERTIFICATE, firms.ladder[i] > 0
        found[0] += 1
        found[1] += certified
        found[2] += certified and in_corridor[firms.place[i]]
        found[3] += listed
        found[4] += firms.ladder[i] == 3
        found[5] += firms.above_scale[i] == 1
        found[6] += firms.platform_user[i] == 1
        found[7] += firms.second_bank[i] >= 0
        found[8] += listed and science[firms.main_bank[i]]
    return found
