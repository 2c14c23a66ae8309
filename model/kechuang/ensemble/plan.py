"""Everything that determines the bytes of a run, in one frozen record, and what crosses process borders."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from kechuang.ensemble.draws import again_seed_of, draw_hash, luck_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kechuang.parameters import Draw
    from kechuang.scenario import Scenario
    from kechuang.world.policy.own import Events, OwnLever


AGAIN = "again"
"""Part of the work folder, and name of the table, of draws that run a second time."""


class RunResult(Protocol):
    """What one run of the world gives back (kechuang.world.simulate.RunResult): plain arrays and numbers."""

    @property
    def draw_id(self) -> int: ...  # noqa: D102
    @property
    def closure(self) -> str: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def indicators(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def breakdown(self) -> Mapping[str, NDArray[Any]]: ...  # noqa: D102
    @property
    def costs(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def lever_keys(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def snapshots(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def diagnostics(self) -> Mapping[str, float]: ...  # noqa: D102


class Engine(NamedTuple):
    """The world as the ensemble sees it; two module-level functions, so that workers can find them."""

    simulate: Callable[..., RunResult]
    warm_up: Callable[[], None]


def default_engine() -> Engine:
    """Return the model itself."""
    from kechuang.world.simulate import simulate, warm_up

    return Engine(simulate, warm_up)


def own_engine(engine: Engine, levers: Iterable[OwnLever], events: Events | None) -> tuple[Engine, dict[str, str]]:
    """Return an engine with an analyst's own levers and events in it, and the hashes of their sources."""
    from kechuang.world.policy.own import events_by_phase, fingerprints

    levers = tuple(levers)
    if not levers and not events:
        return engine, {}
    events_by_phase(levers, events)  # an unknown phase is said before hours of runs
    return engine._replace(simulate=partial(engine.simulate, levers=levers, events=events)), fingerprints(
        levers, events
    )


def can_travel(engine: Engine) -> bool:
    """Say whether worker processes can import everything that the engine calls."""
    import pickle
    import sys

    try:
        copied = pickle.dumps(engine)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    main = sys.modules["__main__"]
    return b"__main__" not in copied or hasattr(main, "__file__")


@dataclass(frozen=True)
class Job:
    """One run: a draw with its luck seed under a scenario; `part` is the folder of its result inside the work folder."""

    scenario: Scenario
    draw: Draw
    seed: int
    audit: bool
    scale: float
    part: str = ""


@dataclass(frozen=True)
class RunPlan:
    """What an ensemble will do; two plans with the same `key` give the same bytes."""

    scenario: Scenario
    draws: tuple[Draw, ...]
    seed: int
    parameters: str
    audit: bool = False
    scale: float = 1.0
    own: Mapping[str, str] = field(default_factory=dict)
    """Names and SHA-256 of an analyst's own levers and events."""
    again: int = 0
    """How many of the draws run a second time with other luck, which tells luck from parameters."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Names and places of the scenario files that a planner wrote: bound by the record, no part of the work's key."""

    def jobs(self) -> list[Job]:
        """Return one job per draw, in draw order, and then those of the draws that run again."""
        once = zip(self.draws, self.luck_seeds(), strict=True)
        twice = [(draw, again_seed_of(self.seed, draw.id)) for draw in self.draws[: self.again]]
        return [Job(self.scenario, *pair, self.audit, self.scale) for pair in once] + [
            Job(self.scenario, *pair, self.audit, self.scale, AGAIN) for pair in twice
        ]

    def luck_seeds(self) -> list[int]:
        """Return the luck seed of each draw: the one it was learnt with, else one of its own."""
        return [luck_of(self.seed, draw) for draw in self.draws]

    def describe(self) -> dict[str, Any]:
        """Return the plan as plain data: this part of the run record is known before anything has run."""
        return {
            "scenario": self.scenario.to_plain(),
            "seed": self.seed,
            "parameters": self.parameters,
            "draws": [
                {"id": draw.id, "closure": draw.closure, "seed": seed, "sha256": draw_hash(draw)}
                for draw, seed in zip(self.draws, self.luck_seeds(), strict=True)
            ],
            "scale": self.scale,
            "audit": self.audit,
            "code": code_hash(),
            **({"posterior": _posterior()} if self.parameters == "posterior" else {}),
            **({"own": dict(self.own)} if self.own else {}),
            **({"again": self.again} if self.again else {}),
        }

    def key(self) -> str:
        """Return a short hash that names the work folder: the same command finds its finished draws again."""
        return hashlib.sha256(canonical_json(self.describe()).encode()).hexdigest()[:16]


def _posterior() -> dict[str, Any]:
    """Return what the committed posterior says about its making, and what has changed since."""
    from kechuang.posterior import changed_since, made_from

    return {**made_from(), "changed_since": list(changed_since())}


def canonical_json(content: Any) -> str:
    """Return JSON text that depends on the content only, not on the order in which it was put together."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False) + "\n"


@cache
def code_hash() -> str:
    """Return the SHA-256 over names and contents of all Python files of the package."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(f"{file.relative_to(package).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
