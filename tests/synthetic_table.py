"""A table of a study without any simulation: every figure hangs on one score, in the shape that the checks take.

Scores 0 to the number of figures are spread a third as wide as their priors, as if a proposal had found where the figures
lie, and their log ratio says so; the other scores are the prior. A share of each summary is luck.
"""

from __future__ import annotations

import numpy as np

from kechuang.calibrate.emulator import Emulator
from kechuang.calibrate.luck import COUNT
from kechuang.calibrate.proposal import build_proposal
from kechuang.calibrate.rows import columns
from kechuang.calibrate.study import Study
from kechuang.calibrate.table import Rows, Table

NARROW = 1.0 / 3.0


def synthetic_table(study: Study, seed: int = 1) -> Table:
    """Return a table with the rows of a study."""
    design = study.design()
    closures, figures = len(design.closures), len(design.errors)
    generator = np.random.Generator(np.random.PCG64(seed))
    rounds = np.repeat(np.arange(len(design.rounds)), [closures * count for count in design.rounds])
    ids = np.arange(rounds.size)
    scores = generator.standard_normal((ids.size, design.dimension))
    found = rounds > 0
    scores[found, :figures] *= NARROW
    ratio = np.where(found, np.log(NARROW) * figures - 0.5 * np.square(scores[:, :figures]).sum(axis=1) * (1.0 - NARROW**-2), 0.0)
    luck = generator.integers(0, 2**40, ids.size)
    found_columns = {name: 100.0 * np.exp(0.1 * generator.standard_normal(ids.size)) for name in columns()}
    for j, error in enumerate(design.errors):
        spread = np.sqrt(error.variance)
        on_scale = error.mean + spread * (2.0 * scores[:, j] + 0.5 * generator.standard_normal(ids.size))
        found_columns[error.summary] = error.off_scale(on_scale)
    rows = Rows(ids, ids % closures, luck, scores, ratio, rounds, found_columns)
    return Table(design, rows, dict.fromkeys(range(closures), _proposal(study, generator)))


def _proposal(study: Study, generator: np.random.Generator) -> object:
    design = study.design()
    figures = len(design.errors)
    means, spread = (np.array([getattr(error, name) for error in design.errors]) for name in ("mean", "variance"))
    slopes = np.zeros((figures, design.dimension + COUNT))
    slopes[np.arange(figures), np.arange(figures)] = 2.0 * np.sqrt(spread)
    flat = (np.empty((0, 2), dtype=np.int64), np.empty((figures, 0)))
    emulator = Emulator(means, slopes, *flat, 0.25 * np.diag(spread))
    return build_proposal(emulator, design.errors, design.mixture, design.dimension, generator)
