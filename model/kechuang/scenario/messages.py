"""The words for a value of the wrong type or size, by the type of pydantic's error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from kechuang.errors import did_you_mean
from kechuang.scenario.node import Location, Node
from kechuang.scenario.schema import limits

EXAMPLES = {
    "name": "my-scenario",
    "from": "2025Q1",
    "depth": "0.10",
    "quarters": "4",
    "path": "{2023Q1: 6, 2025Q1: 12}",
    "title": "{en: Talent first, zh: 人才优先}",
    "summary": "{en: ..., zh: ...}",
    "levers": "{certification_bonus: {value: 10}}",
    "shocks": "{export_recession: {from: 2025Q1, depth: 0.10, quarters: 4}}",
    "run": "{until: 2035Q4, draws: 100, seed: 2026}",
    "export_recession": "{from: 2025Q1, depth: 0.10, quarters: 4}",
    "certification_tightening": "{from: 2024Q1, notch: 1}",
}
"""How a key may be written, for messages."""

Context = Mapping[str, Any]


def shown(value: object) -> str:
    """Return a value as a message shows it, long ones cut."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    if isinstance(value, bool):
        text = text.lower()
    elif isinstance(value, float) and not isfinite(value):
        text = text.replace("inf", ".inf").replace("nan", ".nan")
    return text if len(text) <= 40 else f"{text[:37]}..."


def _number(node: Node, _where: Location, _context: Context) -> str:
    if isinstance(node.value, str):
        return f"{shown(node.value)} is text, not a number; write digits without quotes or unit, such as 10"
    return f"{shown(node.value)} is not a number; write one such as 10 or 0.5"


def _finite(node: Node, _where: Location, _context: Context) -> str:
    return f"{shown(node.value)} is not an ordinary number; write one such as 10 or 0.5"


def _whole(node: Node, _where: Location, _context: Context) -> str:
    if isinstance(node.value, str):
        return f"{shown(node.value)} is text, not a whole number; write digits without quotes, such as 4"
    if isinstance(node.value, float) and node.value.is_integer():
        return f"{shown(node.value)} is not a whole number; write {node.value:.0f}, without point or exponent"
    return f"{shown(node.value)} is not a whole number; write one such as 4"


def _bounds(node: Node, where: Location, _context: Context) -> str:
    low, high = limits(where)
    return f"{shown(node.value)} is outside the allowed range {low:.15g} to {high:.15g}"


def _mapping(node: Node, where: Location, _context: Context) -> str:
    key = str(where[-1]) if where else "name"
    example = EXAMPLES.get(key, "{value: 10, from: 2023Q1}")
    return f"{shown(node.value)} stands where a mapping is needed, such as `{key}: {example}`"


def _list(node: Node, where: Location, _context: Context) -> str:
    inner = node.value if isinstance(node.value, str | int) else "..."
    return f"{shown(node.value)} is not a list; write it in brackets, such as `{where[-1]}: [{inner}]`"


def _text(node: Node, _where: Location, _context: Context) -> str:
    return f"{shown(node.value)} is not a text; write words (in quotes if they look like a number)"


def _choice(node: Node, _where: Location, context: Context) -> str:
    expected = str(context.get("expected", "")).replace("'", "")
    near = did_you_mean(str(node.value), expected.replace(" or ", " ").split())
    return f"{shown(node.value)} is not one of the choices{near}; write {expected}"


def _empty(_node: Node, _where: Location, _context: Context) -> str:
    return "is empty; fill it in or delete the key"


def _name(node: Node, _where: Location, _context: Context) -> str:
    rule = "use lower-case letters, digits and hyphens, such as talent-first"
    return f"{shown(node.value)} cannot name a scenario; {rule}"


def _long(_node: Node, _where: Location, context: Context) -> str:
    return f"is longer than {context.get('max_length')} characters; shorten it"


MESSAGES: dict[str, Callable[[Node, Location, Context], str]] = {
    "float_type": _number,
    "finite_number": _finite,
    "int_type": _whole,
    "greater_than_equal": _bounds,
    "less_than_equal": _bounds,
    "model_type": _mapping,
    "dict_type": _mapping,
    "list_type": _list,
    "string_type": _text,
    "literal_error": _choice,
    "too_short": _empty,
    "string_too_short": _empty,
    "string_pattern_mismatch": _name,
    "string_too_long": _long,
}
"""Message by error type; types that are not here (own validators) bring their own words."""
