"""Writes a resolved scenario as a YAML file whose comments tell where every leaf came from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from unicodedata import east_asian_width

from kechuang.scenario.reader import plain_scalar
from kechuang.scenario.records import Scenario

_BARE = re.compile(r"[A-Za-z0-9_./ -]+", re.ASCII)
_COMMENT_COLUMN = 40


def resolved_yaml(scenario: Scenario) -> str:
    """Return the canonical form as YAML that can be read again, the origin of each leaf behind it."""
    return "\n".join(_lines(scenario.to_plain(), "", "", scenario.origins)) + "\n"


def _lines(mapping: dict[str, Any], indent: str, prefix: str, origins: dict[str, str]) -> Iterator[str]:
    for key, value in mapping.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            if value:
                yield f"{indent}{key}:"
                yield from _lines(value, f"{indent}  ", f"{path}.", origins)
        elif isinstance(value, list):
            yield _with_origin(f"{indent}{key}: [{', '.join(_scalar(one) for one in value)}]", origins.get(path, ""))
        else:
            yield _with_origin(f"{indent}{key}: {_scalar(value)}", origins.get(path, ""))


def _with_origin(line: str, origin: str) -> str:
    """Put the origin behind a line; Chinese characters take two columns of a screen."""
    width = sum(2 if east_asian_width(letter) in "WF" else 1 for letter in line)
    return f"{line}{' ' * max(0, _COMMENT_COLUMN - width)}  # {origin}" if origin else line


def _scalar(value: str | float) -> str:
    """Return a scalar as YAML 1.2; a text that could be read as something else is quoted."""
    if isinstance(value, str):
        plain = _BARE.fullmatch(value) and value == value.strip() and plain_scalar(value) == value
        return value if plain and not value.startswith("-") else json.dumps(value, ensure_ascii=False)
    return f"{value:.15g}" if isinstance(value, float) and float(f"{value:.15g}") == value else repr(value)
