"""Levers and events that an analyst writes in Python, and the names of the phases they may follow.

An event is a function of the model, called after a phase of each quarter. A lever is one whose payments are booked: what it
grants to firms is paid with all other levers under the ceiling, and stands in the costs under its own key.
"""

from __future__ import annotations

import hashlib
import inspect
import marshal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kechuang.errors import InputError, Problem, did_you_mean
from kechuang.scenario.levers import LEVERS as CATALOGUE

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

Event = Callable[["Corridor"], None]
Events = Mapping[str, Iterable[Event]]
PHASES = (
    "opening",
    "guarantees",
    "demand",
    "credit",
    "deals",
    "talent",
    "academicians",
    "research",
    "contracts",
    "growth",
    "capacity",
    "accounts",
    "joint",
    "support",
    "digital",
    "incubators",
    "default",
    "knowledge",
    "registration",
    "certification",
    "exit",
    "divestment",
    "zone",
    "cells",
    "crossing",
    "founding",
    "purge",
    "banks",
    "households",
    "government",
    "closing",
)
"""Phases of a quarter in their order; a test compares them with `Corridor.step`."""
LAST_PHASE_FOR_LEVERS = PHASES.index("government")
"""Payments are made in the government's phase: a lever has to act before it."""


@dataclass(frozen=True)
class OwnLever:
    """A lever written in Python: `act` is called with the model after a phase and calls `model.support` to pay firms.

    `key` is its name in the costs, `en` and `zh` what reports call it (default: the key).
    """

    key: str
    act: Event
    phase: str = "support"
    en: str = ""
    zh: str = ""

    @property
    def flow(self) -> str:
        """Name of its payments in the ledger."""
        return f"own lever {self.key}"


def events_by_phase(levers: Iterable[OwnLever], events: Events | None) -> dict[str, list[Event]]:
    """Return the functions to call after each phase, events first; InputError names every phase there is not."""
    levers = tuple(levers)
    named = {phase: list(functions) for phase, functions in (events or {}).items()}
    problems = [_unknown(phase, "events") for phase in named if phase not in PHASES]
    taken = [*CATALOGUE, *(lever.key for lever in levers)]
    for lever in levers:
        if taken.count(lever.key) > 1:
            problems.append(Problem("own levers", key=lever.key, message="is taken; give the lever another name"))
        if lever.phase not in PHASES:
            problems.append(_unknown(lever.phase, lever.key))
        elif PHASES.index(lever.phase) >= LAST_PHASE_FOR_LEVERS:
            problems.append(Problem("own levers", key=lever.key, message='has to act before the phase "government"'))
        named.setdefault(lever.phase, []).append(lever.act)
    if problems:
        raise InputError(problems)
    return named


def fingerprints(levers: Iterable[OwnLever], events: Events | None) -> dict[str, str]:
    """Return the SHA-256 of the source of every own lever and event, which becomes part of the run record."""
    named = {f"lever {lever.key} after {lever.phase}": lever.act for lever in levers}
    for phase, functions in (events or {}).items():
        named.update({f"event {number} after {phase}": function for number, function in enumerate(functions, 1)})
    return {name: _hash_of(name, function) for name, function in named.items()}


def _hash_of(name: str, function: Event) -> str:
    """Return the hash of a function's source, or of its compiled code where it was typed and left no source."""
    try:
        return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()
    except (OSError, TypeError) as error:
        code = getattr(function, "__code__", None)
        if code is None:
            raise InputError([Problem("own code", key=name, message="is not a function written in Python")]) from error
        return hashlib.sha256(marshal.dumps(code)).hexdigest()


def _unknown(phase: str, key: str) -> Problem:
    hint = did_you_mean(phase, PHASES)
    return Problem("own code", key=key, message=f'there is no phase "{phase}"{hint} (phases: {", ".join(PHASES)})')
