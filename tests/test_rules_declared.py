"""Every rule says where it comes from, every number it reads has a record, and every record is read or says for what."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kechuang
from kechuang.parameters import Draw, Value, default_draw, load_parameters
from kechuang.world.population.firms import COLUMN_MEANING, FirmColumns
from worlds import city_of, scenario_of

PACKAGE = Path(kechuang.__file__).parent
MECHANISMS = sorted(file for file in (PACKAGE / "world" / "mechanisms").glob("*.py") if file.stem != "__init__")
READERS = sorted(file for layer in ("world", "ensemble", "calibrate") for file in (PACKAGE / layer).rglob("*.py"))
BUILT = ("M1", "M2", "M3", "M4", "M5", "M6", "M7", "M9", "M10", "M12")
"""Sections of the parameter file whose mechanisms exist."""

WAITING = {
    "construction_value_added_2020": "the split of the rest of the city",
}
"""Records of built sections that no rule reads yet, and what will read them."""


class Watched(Draw):
    """A draw that remembers which of its values were read."""

    def _value(self, key: str) -> Value:
        READ.add(key)
        return super()._value(key)


READ: set[str] = set()


def read_in_a_run() -> set[str]:
    """Return the parameters that three short cities read, one per closure, with either reading of law and tide.

    One of them has a national zone from its second quarter on, trains graduates, and a ceiling on support that grows as planned.
    """
    READ.clear()
    levers = {"zone_approval": {"level": 1, "from": "2016Q2"}, "graduate_training": {"value": 2000, "from": "2016Q1"}}
    zone = {"levers": levers, "support_ceiling": "planned"}
    for closure, reading in (("A", "known"), ("B", "damped"), ("C", "known")):
        values = default_draw(closure).values  # type: ignore[arg-type]
        more = zone if closure == "A" else {}
        scenario = scenario_of("2021Q2", law="known" if reading == "known" else "2020", tide=reading, **more)
        city_of(scenario, Watched(-1, closure, values), scale=0.02).run()  # type: ignore[arg-type]
    return set(READ)


def named_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, key) of every literal key that is asked of a draw or of the rules."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and (getattr(node.func, "attr", "") or getattr(node.func, "id", "")) in {"number", "vector", "value"}
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            yield node.lineno, node.args[0].value


@pytest.mark.parametrize("file", MECHANISMS, ids=lambda file: file.stem)
def test_every_mechanism_says_what_it_is_and_where_it_comes_from(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    text = ast.get_docstring(tree) or ""
    assert re.match(r"M\d+", text), f"{file.name}: which mechanism is this?"
    assert "ource" in text, f"{file.name}: no source"
    assert any(unit in text for unit in ("万", "log", "share")), f"{file.name}: no unit"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            assert ast.get_docstring(node), f"{file.name}: {node.name} says nothing"


def test_there_are_mechanisms_to_look_at() -> None:
    assert {"demand", "growth", "research", "certification", "demography", "initial"} <= {
        file.stem for file in MECHANISMS
    }


@pytest.mark.parametrize("file", READERS, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_every_key_that_code_names_has_a_record(file: Path) -> None:
    known = load_parameters()
    unknown = [(line, key) for line, key in named_in(ast.parse(file.read_text(encoding="utf-8"))) if key not in known]
    assert not unknown


def test_the_search_for_keys_finds_them() -> None:
    found = {key for file in READERS for _, key in named_in(ast.parse(file.read_text(encoding="utf-8")))}
    assert len(found) > 60
    assert {"certification_cost", "gdp_2016", "unpurged_share", "exit_hazard_by_age"} <= found
    source = "x = draw.number('no_such_thing')\nvalue('another')\nrules.vector(key)"
    assert list(named_in(ast.parse(source))) == [(1, "no_such_thing"), (2, "another")]


def test_every_record_of_a_built_section_is_read_or_waits_for_something() -> None:
    read = read_in_a_run()
    records = {key for key, parameter in load_parameters().items() if parameter.mechanism in BUILT}
    assert read <= set(load_parameters())
    assert sorted(records - read - set(WAITING)) == [], "delete these records or say what will read them"
    assert sorted(set(WAITING) & read) == [], "these are read now: take them off the list"
    assert sorted(set(WAITING) - records) == [], "these records are gone: take them off the list"


def test_every_column_of_a_firm_has_unit_and_meaning() -> None:
    assert set(COLUMN_MEANING) == set(FirmColumns._fields)
    assert all(unit and meaning for unit, meaning in COLUMN_MEANING.values())
