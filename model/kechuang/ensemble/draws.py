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

PARAMETER_SETS = ("posterior", "provisional", "prior")
"""`posterior`: committed draws, replayed with the luck they were learnt with; `provisional`: one point per closure, from a
least-squares search; `prior`: draws from the priors."""

_MOST_DRAWS = 1000
_SEED_BYTES = 5
"""Keyed draws put the quarter above bit 40 of the seed (kechuang.randomness), so a seed stays below 2^40."""


def seed_of(run_seed: int, draw_id: int) -> int:
    """Return the luck seed of a draw: an integer in [0, 2^40) that depends on nothing but the two numbers."""
    return _seed(f"{run_seed}/{draw_id}")


def luck_of(run_seed: int, draw: Draw) -> int:
    """Return the luck seed that a draw runs with: the one it was learnt with, or one of its own."""
    return seed_of(run_seed, draw.id) if draw.luck is None else draw.luck


def again_seed_of(run_seed: int, draw_id: int) -> int:
    """Return another luck seed of a draw, for the second run that tells luck from parameters."""
    return _seed(f"{run_seed}/{draw_id}/again")


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:_SEED_BYTES], "big")


def draws_for(parameters: str, count: int, run_seed: int) -> tuple[Draw, ...]:
    """Return `count` draws of a parameter set; of the posterior those committed ones that the run seed points to."""
    if parameters not in PARAMETER_SETS:
        message = f'"{parameters}" is not a parameter set; choose {" or ".join(PARAMETER_SETS)}'
        raise InputError(Problem("--parameters", message=message + did_you_mean(parameters, PARAMETER_SETS)))
    if count < 1:
        raise InputError(Problem("--draws", message=f"an ensemble needs at least 1 draw, not {count}"))
    if parameters == "posterior":
        return _posterior_draws(count, run_seed)
    if parameters == "prior":
        from kechuang.parameters import prior_draw

        return tuple(prior_draw(draw_id, run_seed) for draw_id in range(count))
    return _provisional_draws(count)


def most_draws(parameters: str) -> int:
    """Return where a run that adds draws gives up: at 1000, or where the committed ones end."""
    if parameters != "posterior":
        return _MOST_DRAWS
    from kechuang.posterior import posterior_draws

    return min(_MOST_DRAWS, len(posterior_draws()))


def parameters_or_default(parameters: str | None) -> str:
    """Return a parameter set, for None the posterior where one is committed for the present parameters."""
    if parameters is not None:
        return parameters
    from kechuang.posterior import is_current

    return "posterior" if is_current() else "provisional"


def draw_hash(draw: Draw) -> str:
    """Return the SHA-256 of a draw's closure and values, for the run record."""
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in draw.values.items()}
    text = json.dumps({"closure": draw.closure, "values": values}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _posterior_draws(count: int, run_seed: int) -> tuple[Draw, ...]:
    """Return committed draws in their order, closures in turn, from a place that the run seed decides."""
    from kechuang.parameters import CLOSURES
    from kechuang.posterior import POSTERIOR, posterior_draws

    committed = posterior_draws()
    if count > len(committed):
        message = f"the posterior has {len(committed)} draws, not {count}; none is made up"
        raise InputError(Problem("--draws", message=f"{message} ({POSTERIOR})"))
    turns = len(committed) // len(CLOSURES)
    start = len(CLOSURES) * (seed_of(run_seed, 0) % turns)
    return tuple(committed[(start + place) % len(committed)] for place in range(count))


def _provisional_draws(count: int) -> tuple[Draw, ...]:
    from kechuang.parameters import CLOSURES

    points = [provisional_draw(closure) for closure in CLOSURES]
    return tuple(replace(points[draw_id % len(points)], id=draw_id) for draw_id in range(count))
