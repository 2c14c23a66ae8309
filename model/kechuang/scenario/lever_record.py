"""What is written down about a lever: its meaning, unit, range, reach, baseline path and source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["city", "province", "nation"]
Cost = Literal["cash", "tax"]
Step = tuple[str, float]
"""A quarter such as '2017Q1' (or '2015Q4' for the end of 2015) and the value from then on."""

MAIN = ""
"""The name of a lever's main dial: what `value`, `level` and `path` mean when no dial is named."""


@dataclass(frozen=True)
class Dial:
    """One number of a lever that a scenario may move.

    `path` is the policy as it was from 2016Q1 to 2020Q4, each value holding until the next quarter named
    (or, with `linear`, the end-of-quarter points of a straight line); the last value goes on for ever, money
    in 2020 prices. `calendar` names a national calendar (see `baseline.py`) that replaces `path`.
    """

    key: str
    unit: str
    low: float
    high: float
    path: tuple[Step, ...] = ()
    linear: bool = False
    calendar: str = ""
    en: str = ""
    zh: str = ""


@dataclass(frozen=True)
class Lever:
    """Something a government can decide.

    `number` is the V-number of the documentation. `reach` lists what a scenario may target; `ladder_steps`
    the steps that may be named when `ladder` is in reach (0 ordinary, 1 technology SME, 2 high-tech firm,
    3 leader). `cost` is "tax" where the lever forgoes tax instead of spending cash. `standard_dose` is one
    believable policy step, used in the table of effects: (dial, amount added to the path).
    """

    number: int
    key: str
    en: str
    zh: str
    level: Level
    mechanism: str
    dials: tuple[Dial, ...]
    source: str
    evidence: tuple[str, ...] = ()
    reach: tuple[str, ...] = ()
    ladder_steps: tuple[int, ...] = ()
    cost: Cost = "cash"
    standard_dose: tuple[tuple[str, float], ...] = field(default=())

    @property
    def main(self) -> Dial:
        """The dial that `value`, `level` and `path` move."""
        return self.dials[0]

    def dial(self, key: str = MAIN) -> Dial:
        """Return a dial by name; KeyError names the lever when it has no such dial."""
        for candidate in self.dials:
            if candidate.key == key:
                return candidate
        raise KeyError(f"{self.key} has no dial {key!r}")

    @property
    def dial_keys(self) -> tuple[str, ...]:
        """The names of the other dials, as a scenario file writes them."""
        return tuple(dial.key for dial in self.dials[1:])
