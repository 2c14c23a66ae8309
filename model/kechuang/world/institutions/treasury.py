"""What levers pay to firms: claims of a quarter are collected and paid at its end, pro rata under one ceiling.

The ceiling is what city and counties let all support programmes take in a year. A quarter of it is released each
quarter, and what a quarter leaves is there for the next ones of its year. Payments bound by contract come first and may
overdraw it; capital of the guarantee fund and of the science funds stands outside it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Claim(NamedTuple):
    """What a lever owes single firms under the name of a ledger flow (万元)."""

    lever: str
    flow: str
    rows: NDArray[np.int64]
    amounts: NDArray[np.float64]


class Ceiling:
    """What is left of the ceiling (万元). `expected` is the share of claims that was paid last year."""

    def __init__(self) -> None:
        self.left = 0.0
        self.expected = 1.0
        self._claimed = self._paid = 0.0

    def open_year(self) -> None:
        """Forget what last year left; firms count on the share of claims that it paid."""
        self.expected = self._paid / self._claimed if self._claimed > 0.0 else 1.0
        self.left = min(self.left, 0.0)
        self._claimed = self._paid = 0.0

    def release(self, amount: float) -> None:
        """Release the money of a quarter."""
        self.left += amount

    def take(self, amount: float) -> None:
        """Take a payment that is bound by contract."""
        self.left -= amount

    def share(self, wanted: float) -> float:
        """Return which share of the claims of a quarter is paid, and take what is paid."""
        paid = min(wanted, max(self.left, 0.0))
        self._claimed += wanted
        self._paid += paid
        self.left -= paid
        return paid / wanted if wanted > 0.0 else 1.0
