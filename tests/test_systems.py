"""The page of systems: what it names exists, and every lever and mechanism stands on it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from kechuang.scenario.levers import LEVERS
from kechuang.scenario.records import Scenario
from kechuang.world.indicators import INDICATORS

PAGE = (Path(__file__).parent.parent / "docs" / "systems.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
INSIDE = [row for row in ROWS if len(row) == 6 and row[0] not in {"system", "--"}]
OUTSIDE = [row for row in ROWS if len(row) == 3 and row[0] not in {"system", "--"}]


def keys(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def test_every_key_on_the_page_exists() -> None:
    assert len(INSIDE) > 20
    for system, _, mechanism, _, lever, indicators in INSIDE:
        assert re.match(r"M\d+[ab]?\b|places|value added", mechanism), system
        assert keys(lever) <= set(LEVERS) | {field.name for field in fields(Scenario)}, system
        assert keys(indicators) <= set(INDICATORS), system
        assert keys(indicators), system


def test_every_lever_stands_on_the_page() -> None:
    assert set().union(*(keys(row[4]) for row in INSIDE)) >= set(LEVERS)


def test_what_is_left_out_has_a_source_and_a_reason() -> None:
    assert len(OUTSIDE) > 12
    for system, source, why in OUTSIDE:
        assert re.fullmatch(r"00[0-4](, 00[0-4])*", source), system
        assert len(why) > 30, system
