"""Which parameter vectors an ensemble runs, and the luck that goes with each of them.

Closures take turns (A, B, C, A, ...), and the luck seed of a draw depends only on the run seed and its id.
Two scenarios run with the same seed therefore meet the same draws and the same luck, which is what makes
their difference precise.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kechuang.errors import InputError, Problem, did_you_mean

if TYPE_CHECKING:
    from kechuang.datafile import Node
    from kechuang.parameters import Draw, Value

PARAMETER_SETS = ("provisional", "prior")
"""`provisional`: one point per closure, from a least-squares search; `prior`: draws from the priors."""

PROVISIONAL = "calibration/studies/provisional.yaml"
_SEED_BYTES = 5
"""Keyed draws put the quarter above bit 40 of the seed (kechuang.randomness), so a seed stays below 2^40."""


def seed_of(run_seed: int, draw_id: int) -> int:
    """Return the luck seed of a draw: an integer in [0, 2^40) that depends on nothing but the two numbers."""
    digest = hashlib.sha256(f"{run_seed}/{draw_id}".encode()).digest()
    return int.from_bytes(digest[:_SEED_BYTES], "big")


def draws_for(parameters: str, count: int, run_seed: int) -> tuple[Draw, ...]:
    """Return draws 0..count-1 of a parameter set ("provisional" or "prior")."""
    if parameters not in PARAMETER_SETS:
        message = f'"{parameters}" is not a parameter set; choose {" or ".join(PARAMETER_SETS)}'
        raise InputError(Problem("--parameters", message=message + did_you_mean(parameters, PARAMETER_SETS)))
    if count < 1:
        raise InputError(Problem("--draws", message=f"an ensemble needs at least 1 draw, not {count}"))
    if parameters == "prior":
        from kechuang.parameters import prior_draw

        return tuple(prior_draw(draw_id, run_seed) for draw_id in range(count))
    return _provisional_draws(count)


def draw_hash(draw: Draw) -> str:
    """Return the SHA-256 of a draw's closure and values, for the run record."""
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in draw.values.items()}
    text = json.dumps({"closure": draw.closure, "values": values}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _provisional_draws(count: int) -> tuple[Draw, ...]:
    from kechuang.parameters import CLOSURES, default_draw

    fitted = provisional_values()
    points = [default_draw(closure).with_values(**fitted[closure]) for closure in CLOSURES]
    return tuple(replace(points[draw_id % len(points)], id=draw_id) for draw_id in range(count))


def provisional_values() -> dict[str, dict[str, Value]]:
    """Return closure -> parameter values of the provisional point, as written in its study file."""
    from kechuang.resources import path

    return read_provisional(path(PROVISIONAL), PROVISIONAL)


def read_provisional(path: Path, name: str) -> dict[str, dict[str, Value]]:
    """Read a study file with `closures: {A: {values: {...}}, B: ..., C: ...}` beside its diagnostics."""
    from kechuang.datafile import DataFile
    from kechuang.parameters import CLOSURES, load_parameters

    file = DataFile(path, name)
    known = load_parameters()
    fitted: dict[str, dict[str, Value]] = {}
    closures = _entry(file.root, "closures")
    for closure, block in (closures.fields(CLOSURES) if closures else {}).items():
        values = _entry(block, "values")
        fitted[closure] = {}
        for key, node in values.items() if values else ():
            if key in known:
                one = not isinstance(known[key].value, tuple)
                fitted[closure][key] = node.number() if one else node.numbers()
            else:
                node.problem(f"is not a parameter{did_you_mean(key, known)}")
    file.finish()
    return fitted


def _entry(node: Node, name: str) -> Node | None:
    found = dict(node.items()).get(name)
    if found is None:
        node.problem(f"lacks {name}")
    return found
