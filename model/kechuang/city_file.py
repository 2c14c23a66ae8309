"""Reads a city file and checks that its parts fit together; what the parts mean stands in `kechuang.city`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from kechuang.city import ZONES, City, Industry, Origin, Place, PlanNode, Zone
from kechuang.city_numbers import CityNumbers, read_numbers
from kechuang.clock import quarter_index
from kechuang.datafile import DataFile, Node, Text

_PARTS = ("key", "name", "sources", "counties", "places", "groups", "distances", "industries",
          "related_industries", "nodes", "science_banks_by_year", "bank_seats", "last_bank_counties", "outside_points",
          "initial")
_OWN = ("numbers",)
"""Parts that only another city than that of the parameters has."""
_SOURCED = ("firm_percent", "population", "area", "science_banks", "high_tech_quotient", "amenity",
            "distances", "industries", "nodes", "science_banks_by_year", "outside_points")
_PERCENT_TOLERANCE = 0.05
"""Rounding of thirteen shares to two digits."""


class Reader:
    """Walks a city file part by part; each part may use the keys of those before it."""

    def __init__(self, file: DataFile) -> None:
        self.file = file
        self.parts = file.root.fields(_PARTS, _OWN)
        if any(part not in self.parts for part in _PARTS):
            file.finish()

    def read(self) -> City:
        """Return the city, or raise InputError with all problems."""
        counties = {key: node.both_languages() for key, node in self.parts["counties"].items()}
        places = tuple(_place(key, node, counties) for key, node in self.parts["places"].items())
        self._check_places(places)
        keys = tuple(place.key for place in places)
        industries = tuple(_industry(key, node) for key, node in self.parts["industries"].items())
        industry_keys = tuple(industry.key for industry in industries)
        city = City(
            key=self.parts["key"].text(),
            name=self.parts["name"].both_languages(),
            counties=counties,
            places=places,
            industries=industries,
            related=self._related(industry_keys),
            distances=self._distances(keys),
            groups=self._groups(keys, counties),
            nodes=tuple(_plan_node(key, node, keys, industry_keys)
                        for key, node in self.parts["nodes"].items()),
            science_banks_by_year=tuple(int(n) for n in self.parts["science_banks_by_year"].numbers(low=0)),
            outside_points={key: _outside_point(node) for key, node in self.parts["outside_points"].items()},
            initial={key: node.text() for key, node in self.parts["initial"].items()},
            sources={key: _origin(node) for key, node in self.parts["sources"].fields(_SOURCED).items()},
            bank_seats=tuple(node.one_of(keys) for node in self.parts["bank_seats"].elements()),
            last_bank_counties=tuple(node.one_of(counties) for node in self.parts["last_bank_counties"].elements()),
            numbers=read_numbers(self.parts["numbers"]) if "numbers" in self.parts else CityNumbers(),
        )
        self.file.finish()
        return city

    def _check_places(self, places: tuple[Place, ...]) -> None:
        """Note shares that do not add up to the whole city."""
        percent = 100.0 * sum(place.firm_share for place in places)
        if places and abs(percent - 100.0) > _PERCENT_TOLERANCE:
            self.parts["places"].problem(f"firm_percent adds up to {percent:.2f}, not to 100")
        firms = sum(place.firm_share * place.high_tech_quotient for place in places)
        if places and abs(firms - 1.0) > 0.01:
            self.parts["places"].problem(f"high_tech_quotient has the weighted mean {firms:.3f}, not 1")

    def _related(self, industries: tuple[str, ...]) -> frozenset[tuple[str, str]]:
        pairs = []
        for node in self.parts["related_industries"].elements():
            pair = [element.one_of(industries) for element in node.elements(2)]
            if len(pair) == 2 and pair[0] == pair[1]:
                node.problem("an industry is not a pair with itself")
            elif len(pair) == 2:
                pairs.append((pair[0], pair[1]))
        return frozenset(pairs)

    def _distances(self, places: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
        """Return the full matrix from the rows of the lower triangle."""
        rows = self.parts["distances"].fields(places)
        triangle = [rows[key].numbers(i + 1, 0.1, 2000) if key in rows else ()
                    for i, key in enumerate(places)]
        size = range(len(places))
        if any(len(row) != i + 1 for i, row in enumerate(triangle)):
            return ()
        return tuple(tuple(triangle[max(i, j)][min(i, j)] for j in size) for i in size)

    def _groups(self, places: tuple[str, ...], counties: Mapping[str, Text]) -> dict[str, tuple[str, ...]]:
        groups = {}
        for name, node in self.parts["groups"].items():
            if name in places or name in counties:
                node.problem("is already the name of a place or county")
            groups[name] = tuple(member.one_of(places) for member in node.elements())
        return groups


def _names(fields: Mapping[str, Node]) -> tuple[str, str]:
    """Return the names in both languages that stand among other fields."""
    return (fields["en"].text() if "en" in fields else "", fields["zh"].text() if "zh" in fields else "")


def _place(key: str, node: Node, counties: Mapping[str, Text]) -> Place:
    fields = node.fields(("en", "zh", "counties", "zone", "firm_percent", "population", "science_banks",
                          "high_tech_quotient", "amenity", "x", "y"), ("area",))
    homes = fields["counties"].elements() if "counties" in fields else []
    if "counties" in fields and not homes:
        fields["counties"].problem("names no county")

    def number(name: str, low: float, high: float) -> float:
        return fields[name].number(low, high) if name in fields else low

    en, zh = _names(fields)
    return Place(
        key=key, en=en, zh=zh, counties=tuple(home.one_of(counties) for home in homes),
        zone=cast(Zone, fields["zone"].one_of(ZONES)) if "zone" in fields else "county",
        firm_share=number("firm_percent", 0, 100) / 100.0,
        population=number("population", 0, 1e5),
        area=number("area", 0, 1e6) if "area" in fields else 0.0,
        science_banks=fields["science_banks"].whole(0) if "science_banks" in fields else 0,
        high_tech_quotient=number("high_tech_quotient", 0, 100),
        amenity=number("amenity", -10, 10),
        x=number("x", 0, 100), y=number("y", 0, 100))


def _industry(key: str, node: Node) -> Industry:
    fields = node.fields(("en", "zh", "industrial", "digital_core"))
    flags = {}
    for name in ("industrial", "digital_core"):
        flags[name] = name in fields and fields[name].value is True
        if name in fields and not isinstance(fields[name].value, bool):
            fields[name].problem("must be true or false")
    return Industry(key, *_names(fields), flags["industrial"], flags["digital_core"])


def _plan_node(key: str, node: Node, places: tuple[str, ...], industries: tuple[str, ...]) -> PlanNode:
    fields = node.fields(("en", "zh", "place", "opens"), ("industry",))
    opens = 0
    if "opens" in fields:
        try:
            opens = quarter_index(str(fields["opens"].value))
        except ValueError as error:
            fields["opens"].problem(str(error))
    return PlanNode(
        key, *_names(fields), fields["place"].one_of(places) if "place" in fields else "", opens,
        fields["industry"].one_of(industries) if "industry" in fields else "")


def _outside_point(node: Node) -> tuple[Text, float]:
    fields = node.fields(("en", "zh", "distance"))
    return Text(*_names(fields)), fields["distance"].number(0, 20000) if "distance" in fields else 0.0


def _origin(node: Node) -> Origin:
    fields = node.fields(("source",), ("evidence",))
    return Origin(fields["source"].text() if "source" in fields else "",
                  fields["evidence"].texts() if "evidence" in fields else ())
