"""A checked scenario as plain data: what the model runs, what is stored beside every result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from kechuang.clock import quarter_label
from kechuang.errors import InputError, Problem
from kechuang.scenario.levers import LEVERS, MAIN
from kechuang.scenario.places import CITY
from kechuang.scenario.shocks import SHOCKS
from kechuang.scenario.window import LAST

Mode = Literal["value", "level", "path"]
OVERRIDE = "command line"


@dataclass(frozen=True)
class LeverChange:
    """One change of one dial. Quarters are indices (2016Q1 is 1), `until_quarter` included; () means all.

    `amount` is in the unit of the dial; with mode "path" it is 0 and `path` holds (first quarter, level).
    `budget` is in 亿元 a year; 0 switches the change off.
    """

    key: str
    dial: str
    mode: Mode
    amount: float = 0.0
    path: tuple[tuple[int, float], ...] = ()
    from_quarter: int = 1
    until_quarter: int = LAST
    ramp: int = 0
    places: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    ladder: tuple[int, ...] = ()
    budget: float | None = None


@dataclass(frozen=True)
class Shock:
    """One shock: its first quarter and its settings, in the order of the registry."""

    key: str
    from_quarter: int
    settings: tuple[tuple[str, float], ...]

    def __getitem__(self, name: str) -> float:
        """Return one setting, such as shock["depth"]."""
        return dict(self.settings)[name]


@dataclass(frozen=True)
class Scenario:
    """A scenario that has passed all checks; `origins` tells for every leaf where its value came from.

    `city` names a file of calibration/cities; scenario files are about the one of `CITY`, `in_city` moves them.
    """

    name: str
    title: dict[str, str] = field(hash=False)
    summary: dict[str, str] = field(hash=False)
    law: Literal["2020", "known"]
    tide: Literal["damped", "known"]
    support_ceiling: Literal["kept", "planned", "none"]
    until: int
    draws: int
    seed: int
    targets: tuple[str, ...] = ()
    levers: tuple[LeverChange, ...] = ()
    shocks: tuple[Shock, ...] = ()
    nodes: Literal["none", "slow", "plan", "fast"] = "none"
    city: str = CITY
    origins: dict[str, str] = field(default_factory=dict, compare=False)

    def to_plain(self) -> dict[str, Any]:
        """Return the canonical form: a resolved scenario file as JSON-able data, defaults written out."""
        texts = {
            key: dict(text) for key, text in (("title", self.title), ("summary", self.summary)) if any(text.values())
        }
        return {
            "name": self.name,
            **({"city": self.city} if self.city != CITY else {}),
            **texts,
            "law": self.law,
            "tide": self.tide,
            "support_ceiling": self.support_ceiling,
            "nodes": self.nodes,
            "levers": _plain_levers(self.levers),
            "shocks": {shock.key: _plain_shock(shock) for shock in self.shocks},
            "run": {"until": quarter_label(self.until), "draws": self.draws, "seed": self.seed},
            "targets": list(self.targets),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any], origins: dict[str, str] | None = None) -> Scenario:
        """Return the scenario of a canonical form; InputError if it breaks a rule of scenario files."""
        from kechuang.scenario.build import scenario_from_plain

        rest = {key: value for key, value in plain.items() if key != "city"}
        return scenario_from_plain(rest, "resolved scenario", origins).in_city(plain.get("city", CITY))

    def in_city(self, name: str) -> Scenario:
        """Return the scenario in another city (a name or a path); InputError if a lever aims at places that it lacks."""
        from kechuang.city import load_city

        known = load_city(name).place_keys
        faults = [
            Problem(self.name, key=f"levers.{change.key}", message=f'the city "{name}" has no place "{place}"')
            for change in self.levers
            for place in change.places
            if place not in known
        ]
        if faults:
            raise InputError(faults)
        return replace(self, city=name)

    def with_run(
        self,
        until: int | str | None = None,
        draws: int | None = None,
        seed: int | None = None,
        origin: str = OVERRIDE,
    ) -> Scenario:
        """Return the scenario with another horizon (t or '2030Q4'), number of draws or seed."""
        from kechuang.scenario.build import scenario_from_plain

        if isinstance(until, int) and not isinstance(until, bool):
            until = quarter_label(until)
        changed = {
            key: value for key, value in (("until", until), ("draws", draws), ("seed", seed)) if value is not None
        }
        plain = replace(self, city=CITY).to_plain()
        plain["run"].update(changed)
        origins = {**self.origins, **{f"run.{key}": origin for key in changed}}
        return replace(scenario_from_plain(plain, origin, origins), city=self.city)

    def changes(self, key: str, dial: str = MAIN) -> tuple[LeverChange, ...]:
        """Return the changes of one dial."""
        return tuple(change for change in self.levers if change.key == key and change.dial == dial)

    def shock(self, key: str) -> Shock | None:
        """Return a shock by name, or None when the scenario has none of this kind."""
        return next((shock for shock in self.shocks if shock.key == key), None)


def _plain_shock(shock: Shock) -> dict[str, Any]:
    whole = {setting.key for setting in SHOCKS[shock.key].settings if setting.whole}
    settings = {name: int(value) if name in whole else value for name, value in shock.settings}
    return {"from": quarter_label(shock.from_quarter), **settings}


def _plain_levers(changes: tuple[LeverChange, ...]) -> dict[str, Any]:
    levers: dict[str, Any] = {}
    for change in changes:
        entry = levers.setdefault(change.key, dict(_plain_reach(change)))
        target = entry.setdefault(change.dial, {}) if change.dial else entry
        target.update(_plain_dose(change))
    return {key: {name: entry[name] for name in _ordered(key, entry)} for key, entry in levers.items()}


def _ordered(key: str, entry: dict[str, Any]) -> Iterator[str]:
    """Yield the keys of a lever's entry: dose, dates, reach, then dials."""
    order = (
        "value",
        "level",
        "path",
        "from",
        "until",
        "ramp",
        "places",
        "industries",
        "ladder",
        "budget",
        *LEVERS[key].dial_keys,
    )
    yield from (name for name in order if name in entry)


def _plain_dose(change: LeverChange) -> dict[str, Any]:
    until = {"until": quarter_label(change.until_quarter)}
    if change.mode == "path":
        return {"path": {quarter_label(quarter): level for quarter, level in change.path}, **until}
    return {
        change.mode: change.amount,
        "from": quarter_label(change.from_quarter),
        **until,
        "ramp": change.ramp,
    }


def _plain_reach(change: LeverChange) -> Iterator[tuple[str, Any]]:
    for name in ("places", "industries", "ladder"):
        if getattr(change, name):
            yield name, list(getattr(change, name))
    if change.budget is not None:
        yield "budget", change.budget
