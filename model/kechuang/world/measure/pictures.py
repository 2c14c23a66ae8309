"""The classes in which runs count for pictures: sizes, R&D intensities, steps of the ladder, kinds of banks, and when."""

from __future__ import annotations

from kechuang.clock import quarter_index

SIZE_BINS: tuple[float, ...] = (0.0, 100.0, 300.0, 800.0, 2000.0, 5000.0, 10_000.0, 20_000.0, 50_000.0, 100_000.0, 500_000.0, 1e9)
"""Edges of annual sales (万元)."""
INTENSITY_BINS = tuple(round(0.0025 * k, 4) for k in range(41))
"""Edges of R&D over sales, lower edge included."""
SNAPSHOT_QUARTERS = tuple(quarter_index(label) for label in ("2020Q4", "2026Q4", "2035Q4"))
LADDER_STEPS = ("ordinary", "technology_sme", "high_tech", "leading")
SIZE_CLASSES = ((0.0, 5000.0), (5000.0, 20_000.0), (20_000.0, 1e9))
"""Bounds of annual sales (万元) of the three thresholds of certification (5, 4 and 3 %)."""
ROUNDING = 1e-9
"""A firm that meets a threshold exactly may lie a rounding error below it; pictures count it as meeting it."""
BANK_KINDS = ("science", "local", "other")
"""Kinds of banks in the order of their codes."""
FLOW = "flow "
"""What the names of pictured flows begin with, so that they stand apart from the other arrays."""
