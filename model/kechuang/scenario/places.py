"""Places, groups of places and industries as a scenario names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kechuang.errors import did_you_mean

CITY = "taizhou"
"""The city that scenario files are about; only `Scenario.in_city` sets another."""
Faults = list[tuple[int, str]]
"""Position in a list and what is wrong with the entry there."""


def place_keys(city: str = CITY) -> tuple[str, ...]:
    """Return the keys of all places of a city, in the order of the arrays."""
    from kechuang.city import load_city

    return load_city(city).place_keys


def place_names() -> tuple[str, ...]:
    """Return every name a scenario may write under `places`: places, groups and counties."""
    from kechuang.city import load_city

    return load_city(CITY).valid_names


def industry_keys() -> tuple[str, ...]:
    """Return the keys of all industries, in the order of the arrays."""
    from kechuang.city import load_city

    return load_city(CITY).industry_keys


def expand_places(names: Sequence[str]) -> tuple[tuple[str, ...], Faults]:
    """Return the places behind keys, groups and counties, in array order, and the faults of other names."""
    from kechuang.city import load_city

    return _expand(names, place_names(), load_city(CITY).expand_group, place_keys(), "place")


def expand_industries(names: Sequence[str]) -> tuple[tuple[str, ...], Faults]:
    """Return the industries named, in array order, and the faults of other names."""
    return _expand(names, industry_keys(), lambda name: (name,), industry_keys(), "industry")


def _expand(
    names: Sequence[str],
    valid: Sequence[str],
    members: Callable[[str], tuple[str, ...]],
    order: Sequence[str],
    what: str,
) -> tuple[tuple[str, ...], Faults]:
    faults = [
        (position, f'"{name}" is not a known {what}{did_you_mean(name, valid)}; known: {", ".join(valid)}')
        for position, name in enumerate(names)
        if name not in valid
    ]
    reached = {key for name in names if name in valid for key in members(name)}
    return tuple(key for key in order if key in reached), faults
