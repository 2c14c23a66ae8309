"""M8a Which banks a firm goes to: gravity, and for some firms a second bank.

    main bank ~ pull by (listed, place of the firm, bank)            share of the bank x exp(-distance / reach)
    second bank with a chance that rises along the ladder            ~ the same pulls without the main bank
Firms above scale go to a second bank at least as often as high-tech ones. Source: gravity of bank branches assumed, shares of
links in calibration/parameters.yaml.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.randomness import uniform
from kechuang.world.population.firms import FirmColumns

NOBODY = -1
HIGH_TECH = 2
"""Step of the ladder whose chance of a second bank firms above scale have at least."""


class BankKeys(NamedTuple):
    """Stream keys of the draws for the main bank, the second one, and whether there is a second one."""

    main: np.uint64
    second: np.uint64
    has_second: np.uint64


@compiled
def by_gravity(weight: NDArray[np.float64], is_open: NDArray[np.bool_], draw: float, other_than: int) -> int:
    """Return the bank in whose part of the sum of weights a draw falls, among those open and not `other_than`."""
    total = 0.0
    for bank in range(is_open.size):
        if is_open[bank] and bank != other_than:
            total += weight[bank]
    limit, running = draw * total, 0.0
    for bank in range(is_open.size):
        if is_open[bank] and bank != other_than:
            running += weight[bank]
        if running >= limit:
            return bank
    return is_open.size - 1


@compiled
def who_leaves(firms: FirmColumns, count: int, key: np.uint64, share: float) -> NDArray[np.int64]:
    """Return the rows of the firms that look for another bank in a quarter for reasons of their own, a share of all."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        if firms.alive[i] == 1 and uniform(key, firms.identity[i]) < share:
            rows[found] = i
            found += 1
    return rows[:found]


@compiled
def choose_banks(
    firms: FirmColumns,
    rows: NDArray[np.int64],
    quarter: int,
    pull: NDArray[np.float64],
    is_open: NDArray[np.bool_],
    second_share: NDArray[np.float64],
    keys: BankKeys,
) -> None:
    """Give firms a main bank, which knows them from this quarter on, and some of them a second one.

    `pull` is by (listed, place, bank), `second_share` by step of the ladder.
    """
    for i in rows:
        step, identity = firms.ladder[i], firms.identity[i]
        weight = pull[int(step > 0), firms.place[i]]
        main = by_gravity(weight, is_open, uniform(keys.main, identity), NOBODY)
        rung = max(step, HIGH_TECH) if firms.above_scale[i] == 1 else step
        second = NOBODY
        if uniform(keys.has_second, identity) < second_share[rung]:
            second = by_gravity(weight, is_open, uniform(keys.second, identity), main)
        firms.main_bank[i], firms.second_bank[i], firms.bank_since[i] = main, second, quarter
