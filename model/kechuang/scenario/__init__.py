"""Scenario files: reading, checking, resolving; catalogues of levers and shocks; effective policy paths."""

from __future__ import annotations

from kechuang.scenario.build import load_scenario, scenario_from_plain
from kechuang.scenario.levers import LEVERS, Dial, Lever
from kechuang.scenario.records import LeverChange, Scenario, Shock
from kechuang.scenario.shocks import SHOCKS, ShockKind

__all__ = [
    "LEVERS",
    "SHOCKS",
    "Dial",
    "Lever",
    "LeverChange",
    "Scenario",
    "Shock",
    "ShockKind",
    "load_scenario",
    "scenario_from_plain",
]
