"""Shapley shares: a difference split over the players who make it, each by what it adds, averaged over the orders.

    share of i = mean over orders of v(those before i, and i) - v(those before i)

v is an indicator in one draw under a coalition. Up to four players all orders are taken, through the 2^n coalitions and
the weights |S|! (n - |S| - 1)! / n!. With more, each draw takes the players in an order of its own and in the reverse of it
(antithetic), so that orders and draws are sampled together at the price of 2 (n - 1) runs a draw beside the two ends.
Each order telescopes, so the shares add up to the difference in every draw; a player that changes nothing has 0.

The error of a share is that of a mean over draws, s / sqrt(draws): in sampled shares it holds the orders too.
Source: Shapley 1953, "A value for n-person games"; Castro, Gomez and Tejada 2009, "Polynomial calculation of the Shapley
value based on sampling".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

EXACT_PLAYERS = 4
"""With up to this many players every coalition is run; beyond, orders are sampled."""

Coalition = frozenset[str]
Value = Callable[[Coalition], "Numbers"]
"""What a coalition is worth in one draw: an array of any shape, the same for all."""


def is_exact(players: Sequence[str]) -> bool:
    """Return whether all coalitions of so many players are run."""
    return len(players) <= EXACT_PLAYERS


def coalitions_of(players: Sequence[str], seed: int, draw: int) -> list[Coalition]:
    """Return the coalitions that the shares of a draw need, each once, that of nobody first and that of all last."""
    if is_exact(players):
        return list(_all_coalitions(players))
    needed = {frozenset(order[:count]) for order in orders_of(players, seed, draw) for count in range(len(players) + 1)}
    return sorted(needed, key=lambda members: (len(members), sorted(members)))


def orders_of(players: Sequence[str], seed: int, draw: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the order of a draw and its reverse; the order is keyed by seed, draw and the names of the players."""

    def place(player: str) -> bytes:
        return hashlib.sha256(f"{seed}/{draw}/{player}".encode()).digest()

    order = tuple(sorted(players, key=place))
    return order, order[::-1]


def shares_of(players: Sequence[str], seed: int, draw: int, value: Value) -> dict[str, Numbers]:
    """Return the share of each player in one draw: exact with few players, else by the orders of the draw."""
    if is_exact(players):
        return exact_shares(players, value)
    return sampled_shares(orders_of(players, seed, draw), value)


def exact_shares(players: Sequence[str], value: Value) -> dict[str, Numbers]:
    """Return the Shapley shares from all coalitions."""
    import numpy as np

    count = len(players)
    empty = value(frozenset())
    shares = {player: np.zeros_like(empty) for player in players}
    for members in _all_coalitions(players):
        for player in players:
            if player not in members:
                weight = factorial(len(members)) * factorial(count - len(members) - 1) / factorial(count)
                shares[player] += weight * (value(members | {player}) - value(members))
    return shares


def sampled_shares(orders: Sequence[Sequence[str]], value: Value) -> dict[str, Numbers]:
    """Return the mean over these orders of what each player adds to those before it."""
    import numpy as np

    empty = value(frozenset())
    shares = {player: np.zeros_like(empty) for player in orders[0]}
    for order in orders:
        before = empty
        for count, player in enumerate(order, start=1):
            after = value(frozenset(order[:count]))
            shares[player] += (after - before) / len(orders)
            before = after
    return shares


def _all_coalitions(players: Sequence[str]) -> Iterator[Coalition]:
    for size in range(len(players) + 1):
        for members in combinations(players, size):
            yield frozenset(members)
