"""Pieces of Markdown that the pages of a calibration are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "--|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def interval(values: Mapping[str, float]) -> str:
    """Return median [5 %, 95 %]."""
    return f"{number(values['q50'])} [{number(values['q05'])}, {number(values['q95'])}]"


def number(value: float) -> str:
    """Return a number with three digits, or whole with thousands."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def tick(inside: bool) -> str:
    """Return yes, or no in bold."""
    return "yes" if inside else "**no**"


def sentence(names: Sequence[str], none: str, some: str) -> str:
    """Return `none`, or `some` with the names in bold."""
    return f"**{some}: {', '.join(names)}.**" if names else none
