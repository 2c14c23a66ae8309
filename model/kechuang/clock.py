"""Quarters: t = 1 is 2016Q1, and stocks dated 'end of 2015' stand at t = 0."""

from __future__ import annotations

import re

START_YEAR = 2016
QUARTERS_PER_YEAR = 4
_PATTERN = re.compile(r"^(\d{4})Q([1-4])$")


def quarter_index(label: str) -> int:
    """Return t of a label such as '2020Q4' (2016Q1 is 1); raise ValueError for any other text."""
    match = _PATTERN.match(label)
    if match is None:
        raise ValueError(f'"{label}" is not a quarter; write it like 2023Q1')
    return (int(match[1]) - START_YEAR) * QUARTERS_PER_YEAR + int(match[2])


def quarter_label(index: int) -> str:
    """Return the label of quarter t, such as '2020Q4' for t = 20."""
    return f"{year_of(index)}Q{quarter_of_year(index)}"


def year_of(index: int) -> int:
    """Return the calendar year in which quarter t lies."""
    return START_YEAR + (index - 1) // QUARTERS_PER_YEAR


def quarter_of_year(index: int) -> int:
    """Return 1, 2, 3 or 4."""
    return (index - 1) % QUARTERS_PER_YEAR + 1
