"""Who comes first: queues in the order of keyed draws, and places in a queue inside groups (a place, a carrier, a cell)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
_POSITION_BITS, _DRAW_BITS = 20, 43


def in_order(draws: Floats) -> Rows:
    """Return positions from the smallest draw in (0, 1) to the largest; draws alike in 43 bits keep their order.

    One sort of whole numbers that hold draw and position: five times as fast as sorting draws by index. It holds a million.
    """
    packed = _with_positions(draws)
    packed.sort()
    _positions_alone(packed)
    return packed


@compiled
def _with_positions(draws: Floats) -> Rows:
    packed = np.empty(draws.size, dtype=np.int64)
    for i in range(draws.size):
        packed[i] = (int(draws[i] * 2.0**_DRAW_BITS) << _POSITION_BITS) | i
    return packed


@compiled
def _positions_alone(packed: Rows) -> None:
    for i in range(packed.size):
        packed[i] &= 2**_POSITION_BITS - 1


@compiled
def rank_in_group(group: Rows, queue: Rows, groups: int) -> Rows:
    """Return how many of its own group (0 to `groups` - 1) stand before each one in a queue of positions."""
    before, rank = np.zeros(groups, dtype=np.int64), np.empty(group.size, dtype=np.int64)
    for i in queue:
        rank[i] = before[group[i]]
        before[group[i]] += 1
    return rank
