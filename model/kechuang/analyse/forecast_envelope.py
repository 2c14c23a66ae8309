"""The forecast under the other assumptions of the calibration: the same draws, counted differently.

Every committed draw carries what each variant of the calibration (other discrepancies, other priors, another date of a figure)
makes of its weight. Where a quantile of the forecast moves by more than a quarter of the 90 % width, the envelope of the
variants is what may be quoted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kechuang.calibrate.export import VARIANT
from kechuang.calibrate.sensitivity import FEW
from kechuang.calibrate.weights import effective_size, quantiles
from kechuang.parameters import Draw
from kechuang.posterior import POSTERIOR

Array = NDArray[np.float64]
MOVED = 0.25
"""Move of a quantile, in 90 % widths, from which the envelope is to be quoted."""
LEVELS = {"q05": 0.05, "q50": 0.5, "q95": 0.95}


def variant_weights(draws: Sequence[Draw]) -> dict[str, Array]:
    """Return variant -> weights of some committed draws; those under which too few of them count are left out."""
    import pyarrow.parquet as pq

    from kechuang.resources import path

    file = path(POSTERIOR)
    names = [name for name in pq.read_schema(file).names if name.startswith(VARIANT)]
    table = pq.read_table(file, columns=["draw", *names])
    place = {identity: row for row, identity in enumerate(table["draw"].to_pylist())}
    rows = np.array([place[draw.id] for draw in draws], dtype=np.int64)
    found = {name.removeprefix(VARIANT): table[name].to_numpy()[rows] for name in names}
    return {name: weights for name, weights in found.items() if effective_size(weights) >= FEW}


def envelope(values: Array, variants: Mapping[str, Array]) -> dict[str, Any]:
    """Return the quantiles of draws, the widest interval of the variants, the largest move in widths, and who moves most."""
    base = _quantiles(values, np.ones(values.size))
    found = {name: _quantiles(values, weights) for name, weights in variants.items()}
    width = base["q95"] - base["q05"]
    moves = {name: max(abs(one[level] - base[level]) for level in LEVELS) for name, one in found.items()}
    most = max(moves, key=lambda name: moves[name], default="")
    return {
        **base,
        "low": min(one["q05"] for one in (base, *found.values())),
        "high": max(one["q95"] for one in (base, *found.values())),
        "moved": float(f"{moves[most] / width:.3g}") if most and width > 0.0 else 0.0,
        "most": most,
    }


def envelopes(values: Mapping[tuple[str, str], Array], variants: Mapping[str, Array]) -> dict[str, dict[str, Any]]:
    """Return indicator -> date -> envelope for draws by indicator and date."""
    found: dict[str, dict[str, Any]] = {}
    for (indicator, date), draws in values.items():
        found.setdefault(indicator, {})[date] = envelope(draws, variants)
    return found


def _quantiles(values: Array, weights: Array) -> dict[str, float]:
    found = quantiles(values, weights, tuple(LEVELS.values()))
    return {name: float(f"{value:.5g}") for name, value in zip(LEVELS, found, strict=True)}
