"""A city as plain data: its places, counties, industries, distances, plan nodes and the figures of the start.

Nothing here knows a particular city: `calibration/cities/<name>.yaml` is one, another file with the same
fields is another. The order of places and industries in the file is the order of every array of the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from kechuang.city_numbers import CityNumbers
from kechuang.datafile import DataFile, Text
from kechuang.errors import InputError, did_you_mean

Zone = Literal["core", "corridor", "rest", "county"]
ZONES: tuple[Zone, ...] = ("core", "corridor", "rest", "county")
FOLDER = "calibration/cities"


@dataclass(frozen=True)
class Place:
    """One of the places between which the model tells firms apart; `area` is 0 where nobody needs it.

    `firm_share` of the city's firms (0-1), `population` in 万 people, `area` in square kilometres,
    `high_tech_quotient` = share of high-tech firms over share of firms at the start, `x`, `y` on a schematic
    map (0-100, north is up). A place that lies in several counties has them all in `counties`.
    """

    key: str
    en: str
    zh: str
    counties: tuple[str, ...]
    zone: Zone
    firm_share: float
    population: float
    area: float
    science_banks: int
    high_tech_quotient: float
    amenity: float
    x: float
    y: float

    @property
    def county(self) -> str:
        """Key of the home county; empty for a place that several counties share."""
        return self.counties[0] if len(self.counties) == 1 else ""

    @property
    def in_corridor(self) -> bool:
        """Whether the place is part of the corridor, core included."""
        return self.zone in ("core", "corridor")


@dataclass(frozen=True)
class Industry:
    """One of the industries: whether it is part of industry (not services), and of the digital core."""

    key: str
    en: str
    zh: str
    industrial: bool
    digital_core: bool


@dataclass(frozen=True)
class PlanNode:
    """A functional node of the corridor plan: where it is, when it opens (quarter), its industry or ''."""

    key: str
    en: str
    zh: str
    place: str
    opens: int
    industry: str


@dataclass(frozen=True)
class Origin:
    """Where a column of the city file comes from."""

    source: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class City:
    """A city: its parts in the order of the file; distances in kilometres between all pairs of places.

    `bank_seats` are the places of the head offices of local city banks, `last_bank_counties` those that science banks
    reach last, `numbers` what the city has in place of the parameters (kechuang.city_numbers).
    """

    key: str
    name: Text
    counties: dict[str, Text]
    places: tuple[Place, ...]
    industries: tuple[Industry, ...]
    related: frozenset[tuple[str, str]]
    distances: tuple[tuple[float, ...], ...]
    groups: dict[str, tuple[str, ...]]
    nodes: tuple[PlanNode, ...]
    science_banks_by_year: tuple[int, ...]
    outside_points: dict[str, tuple[Text, float]]
    initial: dict[str, str]
    sources: dict[str, Origin]
    bank_seats: tuple[str, ...]
    last_bank_counties: tuple[str, ...]
    numbers: CityNumbers

    @property
    def place_keys(self) -> tuple[str, ...]:
        """Keys of the places, in the order of the arrays."""
        return tuple(place.key for place in self.places)

    @property
    def industry_keys(self) -> tuple[str, ...]:
        """Keys of the industries, in the order of the arrays."""
        return tuple(industry.key for industry in self.industries)

    @property
    def valid_names(self) -> tuple[str, ...]:
        """Every name that may stand for places in a scenario: places, groups and counties."""
        return tuple(dict.fromkeys((*self.place_keys, *self.groups, *self.counties)))

    def place_index(self, key: str) -> int:
        """Return the position of a place in the arrays."""
        return _index(key, self.place_keys, "place")

    def industry_index(self, key: str) -> int:
        """Return the position of an industry in the arrays."""
        return _index(key, self.industry_keys, "industry")

    def expand_group(self, name: str) -> tuple[str, ...]:
        """Return the places that a name stands for, in the order of the arrays.

        A county stands for the places that lie in it alone, not for a core that it shares with others.
        """
        if name in self.place_keys:
            return (name,)
        if name in self.groups:
            return tuple(key for key in self.place_keys if key in self.groups[name])
        if name in self.counties:
            return tuple(place.key for place in self.places if place.county == name)
        names = self.valid_names
        raise InputError(f'unknown place "{name}"{did_you_mean(name, names)}; known are {", ".join(names)}')

    def county_weights(self, key: str) -> tuple[tuple[str, float], ...]:
        """Return the home counties of a place with the share of its firms that each has.

        A shared place is split by the firms that its counties have elsewhere, so that county tables add up.
        """
        counties = self.places[self.place_index(key)].counties
        own = {county: sum(place.firm_share for place in self.places if place.county == county)
               for county in counties}
        whole = sum(own.values())
        if len(counties) == 1 or whole == 0.0:
            return tuple((county, 1.0 / len(counties)) for county in counties)
        return tuple((county, firms / whole) for county, firms in own.items())

    def are_related(self, one: str, other: str) -> bool:
        """Whether two different industries are listed as related."""
        return (one, other) in self.related or (other, one) in self.related


@cache
def load_city(name: str = "taizhou") -> City:
    """Return a shipped city by name, or a city file by path (ends in .yaml or .yml)."""
    from kechuang.resources import path

    if Path(name).suffix in (".yaml", ".yml"):
        return read_city(Path(name), name)
    file = f"{FOLDER}/{name}.yaml"
    return read_city(path(file), file)


def read_city(path: Path, name: str) -> City:
    """Read a city file; `name` is how messages call it. InputError carries every problem found."""
    from kechuang.city_file import Reader

    return Reader(DataFile(path, name)).read()


def _index(key: str, keys: tuple[str, ...], what: str) -> int:
    if key not in keys:
        raise InputError(f'unknown {what} "{key}"{did_you_mean(key, keys)}; known are {", ".join(keys)}')
    return keys.index(key)
