"""The pool of innovation vouchers: a quarter of it is released each quarter, and what is left stays for its year.

A dose for some places or steps of the ladder is money of its own: it stands beside the pool that is open to all firms, and
firms of the cells it is meant for draw on it and on their part of the open pool.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Pots(NamedTuple):
    """Money for vouchers of a quarter (万元): for firms of earmarked cells and for all others."""

    inside: float
    outside: float

    def of(self, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the pot that each firm draws on."""
        return np.where(inside, self.inside, self.outside)


class VoucherPool:
    """What is left of the pool (万元): open to all firms, earmarked, and of the path without changes that have a budget."""

    def __init__(self) -> None:
        self.open = self.earmarked = self.unchanged = 0.0

    def release(self, january: bool, everybody: float, earmarked: float, unchanged: float) -> None:
        """Release the money of a quarter; in January what the year before has left is gone."""
        if january:
            self.open = self.earmarked = self.unchanged = 0.0
        self.open += everybody
        self.earmarked += earmarked
        self.unchanged += unchanged

    @property
    def left(self) -> float:
        """All money of the pool."""
        return self.open + self.earmarked

    def pots(self, asked_inside: float, asked_outside: float) -> Pots:
        """Divide the open pool by what firms inside and outside the earmarked cells are likely to ask for."""
        asked = asked_inside + asked_outside
        part = self.open * (asked_inside / asked) if asked > 0.0 else 0.0
        return Pots(self.earmarked + part, self.open - part)

    def take(self, inside: float, outside: float, unchanged: float) -> None:
        """Take what was paid inside and outside the earmarked cells; earmarked money goes first."""
        reserved = min(inside, self.earmarked)
        self.earmarked -= reserved
        self.open = max(0.0, self.open - (inside - reserved) - outside)
        self.unchanged = max(0.0, self.unchanged - unchanged)


def pro_rata(claims: NDArray[np.float64], inside: NDArray[np.bool_], pots: Pots) -> NDArray[np.float64]:
    """Return claims cut to what their pots hold."""
    wanted = Pots(float(claims[inside].sum()), float(claims[~inside].sum()))
    shares = Pots(*(min(1.0, pot / claim) if claim > 0.0 else 1.0 for pot, claim in zip(pots, wanted, strict=True)))
    return claims * shares.of(inside)
