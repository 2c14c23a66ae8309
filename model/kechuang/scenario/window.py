"""The quarters a scenario may speak of, and how a file writes one."""

from __future__ import annotations

from kechuang.clock import quarter_index

FIRST, LAST = 1, 80
"""2016Q1 and 2035Q4: the span of every run and of every policy."""
FIRST_LABEL, LAST_LABEL = "2016Q1", "2035Q4"
EVIDENCE_END = 20
"""2020Q4, the last quarter that the evidence describes; policy of this quarter goes on in every baseline."""
DEFAULT_FROM = EVIDENCE_END + 1
"""2021Q1: where a change begins if the file does not say."""


def parse_quarter(value: object) -> int:
    """Return t of a quarter as a file writes it ('2023Q1'); ValueError says how to write it."""
    if isinstance(value, bool) or not isinstance(value, str):
        hint = f"{value}Q1" if isinstance(value, int) and 2000 <= value <= 2100 else "2023Q1"
        raise ValueError(f"{value} is not a quarter; write it like {hint}")
    shown = value if len(value) <= 30 else f"{value[:27]}..."
    if not value.isascii() or len(value) != 6:
        raise ValueError(f'"{shown}" is not a quarter; write it like 2023Q1')
    index = quarter_index(value)
    if not FIRST <= index <= LAST:
        raise ValueError(f'"{shown}" lies outside {FIRST_LABEL} to {LAST_LABEL}; choose a quarter inside')
    return index
