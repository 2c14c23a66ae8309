"""What one scenario sets otherwise than another, piece by piece: the players over whom a difference is split.

A player is a lever with all its dials, a shock, or one of the settings law, tide, nodes and ceiling on support. A
coalition is the base with the settings of some players taken from the other scenario. Settings that are known to change
nothing before the horizon (a value of 0, a budget of 0, a start after it) are set aside: such a player belongs to no
coalition and its share is 0.

Each player enters through one of four channels, that of the mechanism which its catalogue names: `firms` (taxes, rewards,
certification, demand, digitalisation, space), `people`, `money` (credit and funds) and `knowledge` (carriers, contracts,
joint projects). The ceiling on support bounds the cash of all levers and stands apart.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kechuang.scenario import LEVERS, SHOCKS, Scenario
from kechuang.scenario.records import LeverChange, Shock

CHANNELS = ("firms", "people", "money", "knowledge")
APART = "apart"
"""Channel of what bounds all levers at once."""
CHANNEL_OF_MECHANISM = {
    "user cost of R&D and certification ladder": "firms",
    "user cost of R&D": "firms",
    "certification ladder": "firms",
    "R&D grants": "firms",
    "digitalisation of firms": "firms",
    "zone approval and relocation of firms": "firms",
    "incubators": "firms",
    "demand": "firms",
    "talent market and migration": "people",
    "academicians and top teams": "people",
    "bank credit, guarantees and risk compensation": "money",
    "financial data platform": "money",
    "guidance funds and venture capital": "money",
    "platforms and research carriers": "knowledge",
}
"""Mechanisms of levers and shocks as their catalogues name them."""
SETTINGS = {
    "law": ("National tax law", "国家税法", "firms"),
    "tide": ("National growth of high-tech firms", "全国高企增长", "firms"),
    "nodes": ("Nodes of the corridor plan", "科创走廊功能组团", "knowledge"),
    "support_ceiling": ("Ceiling on support", "支持资金上限", APART),
}
"""Field of a scenario -> label in English and Chinese, channel."""


@dataclass(frozen=True)
class Player:
    """One difference between two scenarios; `kind` is lever, shock or setting."""

    kind: str
    key: str
    en: str
    zh: str
    channel: str

    def label(self, language: str = "en") -> str:
        """Return the label in English ('en') or Chinese ('zh')."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class Game:
    """The players of two scenarios up to a horizon, and those of their differences that cannot change anything.

    `base` and `other` are the two scenarios without their idle settings, with the horizon as their last quarter.
    """

    base: Scenario
    other: Scenario
    players: tuple[Player, ...]
    idle: tuple[Player, ...]

    def coalition(self, members: Collection[str]) -> Scenario:
        """Return the base with the settings of these players (by key) taken from the other scenario."""
        one, two = self.base, self.other
        chosen: dict[str, Any] = {key: getattr(two if key in members else one, key) for key in SETTINGS}
        levers = [change for key in LEVERS for change in _changes(two if key in members else one, key)]
        shocks = [(two if key in members else one).shock(key) for key in SHOCKS]
        return replace(one, levers=tuple(levers), shocks=tuple(shock for shock in shocks if shock), **chosen)


def game_of(base: Scenario, other: Scenario, until: int) -> Game:
    """Return what the other scenario sets otherwise than the base, as far as it can matter up to quarter t = until."""
    plain = [replace(scenario, until=until, targets=()) for scenario in (base, other)]
    acting = [_acting(scenario) for scenario in plain]
    players = _differing(*acting)
    idle = tuple(player for player in _differing(*plain) if player not in players)
    return Game(acting[0], acting[1], players, idle)


def _differing(one: Scenario, two: Scenario) -> tuple[Player, ...]:
    found = [
        Player("lever", key, lever.en, lever.zh, CHANNEL_OF_MECHANISM[lever.mechanism])
        for key, lever in LEVERS.items()
        if _changes(one, key) != _changes(two, key)
    ]
    found += [
        Player("shock", key, kind.en, kind.zh, CHANNEL_OF_MECHANISM[kind.mechanism])
        for key, kind in SHOCKS.items()
        if one.shock(key) != two.shock(key)
    ]
    found += [
        Player("setting", key, *about) for key, about in SETTINGS.items() if getattr(one, key) != getattr(two, key)
    ]
    return tuple(found)


def _acting(scenario: Scenario) -> Scenario:
    """Return the scenario without changes and shocks that leave every bit of the run up to its end as it was."""
    levers = tuple(change for change in scenario.levers if not _idle(change, scenario.until))
    return replace(scenario, levers=levers, shocks=_begun(scenario.shocks, scenario.until))


def _idle(change: LeverChange, until: int) -> bool:
    adds_nothing = change.mode == "value" and change.amount == 0.0
    return adds_nothing or change.budget == 0 or change.from_quarter > until


def _begun(shocks: Sequence[Shock], until: int) -> tuple[Shock, ...]:
    return tuple(shock for shock in shocks if shock.from_quarter <= until)


def _changes(scenario: Scenario, key: str) -> tuple[LeverChange, ...]:
    return tuple(change for change in scenario.levers if change.key == key)
