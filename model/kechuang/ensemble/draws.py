"""Which parameter vectors an ensemble runs, and the luck that goes with each of them.

Closures take turns (A, B, C, A, ...), and the luck seed of a draw depends only on the run seed and its id.
Two scenarios run with the same seed therefore meet the same draws and the same luck, which is what makes
their difference precise.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from kechuang.errors import InputError, Problem, did_you_mean
from kechuang.provisional import provisional_draw

if TYPE_CHECKING:
    from kechuang.parameters import Draw

PARAMETER_SETS = ("provisional", "prior")
"""`provisional`: one point per closure, from a least-squares search; `prior`: draws from the priors."""

_SEED_BYTES = 5
"""Keyed draws put the quarter above bit 40 of the seed (kechuang.randomness), so a seed stays below 2^40."""


def seed_of(run_seed: int, draw_id: int) -> int:
    """Return the luck seed of a draw: an integer in [0, 2^40) that depends on nothing but the two numbers."""
    return _seed(f"{run_seed}/{draw_id}")


def again_seed_of(run_seed: int, draw_id: int) -> int:
    """Return another luck seed of a draw, for the second run that tells luck from parameters."""
    return _seed(f"{run_seed}/{draw_id}/again")


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:_SEED_BYTES], "big")


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
    from kechuang.parameters import CLOSURES

    points = [provisional_draw(closure) for closure in CLOSURES]
    return tuple(replace(points[draw_id % len(points)], id=draw_id) for draw_id in range(count))
