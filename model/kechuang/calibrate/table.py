"""The table of simulations: keyed rows in rounds, each round spent where the rounds before it point to.

Round 0 is the pilot from the prior. For every later round an emulator per closure is fitted to the rows so far (where
there are enough, to those that the emulator before did not rule out) and rows are picked as it advises. The numbers behind a
row depend on the seed of the study and the row's id alone, so more rows in the last round leave all others as they
were. Every row has the log of prior over proposal of its vector and luck, its exact weight towards the prior. How rows are
simulated and stored is given from outside (kechuang.calibrate.rows for the model).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from kechuang.calibrate.emulator import Emulator, fit_emulator, implausibility
from kechuang.calibrate.error_model import FigureError, scaled
from kechuang.calibrate.proposal import LuckScores, Mixture, Proposal, build_proposal

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Chosen = NDArray[np.bool_]


def no_luck_scores(seeds: Labels) -> Array:
    """Return no luck scores: for simulators whose luck cannot be read beforehand."""
    return np.empty((seeds.size, 0))


@dataclass(frozen=True)
class Design:
    """What decides the vector, closure and luck of every row: two tables with the same design have the same rows."""

    seed: int
    dimension: int
    errors: tuple[FigureError, ...]
    rounds: tuple[int, ...]
    """Rows per closure: of the pilot, then of each later round."""
    mixture: Mixture
    closures: tuple[str, ...] = ("A", "B", "C")
    cut: float = 3.0
    bar: float = 3.5
    luck: LuckScores = no_luck_scores

    def ids(self, number: int) -> Labels:
        """Return the ids of the rows of a round."""
        start = len(self.closures) * sum(self.rounds[:number])
        return np.arange(start, start + len(self.closures) * self.rounds[number])

    def inputs(self, scores: Array, seeds: Labels) -> Array:
        """Return what an emulator looks at: scores of parameters, then of luck."""
        return np.column_stack([scores, self.luck(seeds)])


@dataclass(frozen=True)
class Request:
    """Rows to simulate; closures are positions in the design's tuple, scores are [rows, parameters]."""

    ids: Labels
    closure: Labels
    luck: Labels
    scores: Array
    log_ratio: Array
    """Log of prior over proposal."""


@dataclass(frozen=True)
class Rows(Request):
    """Simulated rows of one round or of the whole table; `columns` holds summaries and predictions by name."""

    round: Labels
    columns: Mapping[str, Array]


Pick = Callable[[Labels], Request]
"""Picks vectors and luck for the rows with these ids."""
Simulate = Callable[[Labels, Pick], tuple[Request, Mapping[str, Array]]]
"""Returns the rows with these ids as they were simulated, and their columns; those that are missing are picked first."""


@dataclass(frozen=True)
class Table:
    """All rows, with the proposals of the last round and what the pilot's emulators ruled out, by closure."""

    design: Design
    rows: Rows
    proposals: Mapping[int, Proposal]
    pilot_ruled_out: Mapping[int, Array] = field(default_factory=dict)
    """The implausibility [pilot rows, figures] of the prior under the pilot's emulator."""

    @cached_property
    def on_scale(self) -> Array:
        """Summaries [rows, figures] on the scales of the error models."""
        return scaled(self.design.errors, self.rows.columns)

    @cached_property
    def inputs(self) -> Array:
        """Scores of parameters and luck [rows, scores]."""
        return self.design.inputs(self.rows.scores, self.rows.luck)

    def of_closure(self, number: int) -> Chosen:
        """Return which rows belong to a closure."""
        return np.asarray(self.rows.closure == number)


def fill(design: Design, simulate: Simulate) -> Table:
    """Run all rounds of a design."""
    closures = range(len(design.closures))
    proposals = dict.fromkeys(closures, Proposal(design.mixture))
    done: list[Rows] = []
    ruled_out: dict[int, Array] = {}
    for number in range(len(design.rounds)):
        if number > 0:
            so_far = joined(done)
            emulators = {closure: _refitted(design, so_far, closure, proposals[closure].emulator) for closure in closures}
            proposals = {closure: _advised(design, number, closure, one) for closure, one in emulators.items()}
            if number == 1:
                ruled_out = {
                    closure: implausibility(one, design.errors, so_far.scores[so_far.closure == closure])
                    for closure, one in emulators.items()
                }
        found, columns = simulate(design.ids(number), partial(request, design, proposals))
        done.append(Rows(**vars(found), round=np.full_like(found.ids, number), columns=columns))
    return Table(design, joined(done), proposals, ruled_out)


def request(design: Design, proposals: Mapping[int, Proposal], ids: Labels) -> Request:
    """Return rows of a round under the proposals of its closures."""
    closure = ids % len(design.closures)
    luck, scores, ratio = np.empty(ids.size, dtype=np.int64), np.empty((ids.size, design.dimension)), np.empty(ids.size)
    for place, identity in enumerate(ids):
        generator = np.random.Generator(np.random.PCG64([design.seed, int(identity)]))
        proposal = proposals[int(closure[place])]
        scores[place], luck[place], ratio[place] = proposal.pick(generator, design.dimension, design.luck)
    return Request(ids, closure, luck, scores, ratio)


def joined(parts: Sequence[Rows]) -> Rows:
    """Return rows one under the other."""
    return Rows(
        ids=np.concatenate([part.ids for part in parts]),
        closure=np.concatenate([part.closure for part in parts]),
        luck=np.concatenate([part.luck for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        log_ratio=np.concatenate([part.log_ratio for part in parts]),
        round=np.concatenate([part.round for part in parts]),
        columns={key: np.concatenate([part.columns[key] for part in parts]) for key in parts[0].columns},
    )


def _refitted(design: Design, rows: Rows, closure: int, before: Emulator | None) -> Emulator:
    """Fit an emulator to a closure's rows, after the first time to those that the one before did not rule out.

    The cut looks at the scores alone, never at what was simulated, so it does not bend the regression.
    """
    mine = np.flatnonzero(rows.closure == closure)
    if before is not None:
        near = mine[implausibility(before, design.errors, rows.scores[mine]).max(axis=1) < design.cut]
        mine = near if near.size >= max(50, design.dimension) else mine
    summaries = scaled(design.errors, {name: values[mine] for name, values in rows.columns.items()})
    return fit_emulator(design.inputs(rows.scores[mine], rows.luck[mine]), summaries, design.bar)


def _advised(design: Design, number: int, closure: int, emulator: Emulator) -> Proposal:
    generator = np.random.Generator(np.random.PCG64([design.seed, number, closure]))
    return build_proposal(emulator, design.errors, design.mixture, design.dimension, generator)
