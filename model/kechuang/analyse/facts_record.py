"""One stylised fact as a record: what is measured, the band it should lie in, where the band comes from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kechuang.analyse.facts_panel import CityYear

INFINITE = math.inf
BOTH, EARLY, LATE = (2020, 2035), (2020,), (2035,)


@dataclass(frozen=True)
class Fact:
    """One statistic of a fact: how it is measured and the band it should lie in; no band where none is claimed."""

    key: str
    part: str
    statistic: str
    low: float
    high: float
    source: str
    measure: Callable[[CityYear], float]
    built_in: bool = False
    years: tuple[int, ...] = BOTH
    strict: bool = False

    @property
    def name(self) -> str:
        """Key and part, such as 'F6 exit'."""
        return f"{self.key} {self.part}".strip()

    @property
    def has_band(self) -> bool:
        """Whether the fact claims anything."""
        return not (math.isinf(self.low) and math.isinf(self.high))

    def holds(self, value: float) -> bool:
        """Say whether a value lies in the band; a value that could not be computed does not."""
        if self.strict:
            return self.low < value < self.high
        return self.low <= value <= self.high
