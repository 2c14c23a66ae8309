"""How numbers of a study are written: quantiles by name, and no more digits than are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

LEVELS = ("q05", "q50", "q95")
"""Names of the 5, 50 and 95 % quantiles."""


def short(value: Any) -> float:
    """Return four significant digits: no more are known."""
    return float(f"{float(value):.4g}")


def named(values: Iterable[float]) -> dict[str, float]:
    """Return three quantiles by name, shortened."""
    return {name: short(value) for name, value in zip(LEVELS, values, strict=True)}
