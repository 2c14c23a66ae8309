"""What a scenario must satisfy beyond types: one dose per dial, ranges on the path, order of dates, reach.

Every check looks only at values that are usable by themselves, so that one pass reports all problems.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kechuang.clock import quarter_label
from kechuang.errors import Problem, did_you_mean
from kechuang.scenario.baseline import baseline_values
from kechuang.scenario.lever_record import Dial, Lever
from kechuang.scenario.levers import LEVERS
from kechuang.scenario.messages import shown
from kechuang.scenario.node import Location, Node
from kechuang.scenario.places import expand_industries, expand_places
from kechuang.scenario.target_names import target_names
from kechuang.scenario.window import DEFAULT_FROM, LAST, parse_quarter

DOSES = ("value", "level", "path")
_ROUNDING = 1e-9


class Usable:
    """The values of a tree that have passed the checks of type and range."""

    def __init__(self, tree: Node, bad: set[Location]) -> None:
        self.tree, self.bad = tree, bad

    def value(self, location: Location) -> Any:
        """Return the plain value at a path, or None when it is absent or part of it is unusable."""
        node = self.tree.find(location)
        if node is None or any(location[:length] in self.bad for length in range(1, len(location) + 1)):
            return None
        if any(path[: len(location)] == location for path in self.bad):
            return None
        return node.plain()

    def quarter(self, location: Location, default: int | None) -> int | None:
        """Return t of a quarter, the default where the file is silent, None where it is unusable."""
        if self.tree.find(location) is None:
            return default
        text = self.value(location)
        return None if text is None else parse_quarter(text)


def rule_problems(tree: Node, bad: set[Location]) -> Iterator[Problem]:
    """Yield the problems that single types and ranges do not show; `bad` are the unusable values."""
    usable = Usable(tree, bad)
    levers = tree.find(("levers",))
    for key, node in (levers.children if levers is not None else {}).items():
        if key in LEVERS and isinstance(node.value, dict):
            yield from _lever(usable, LEVERS[key], node)
    yield from _targets(usable)
    yield from _languages(usable)


def _lever(usable: Usable, lever: Lever, node: Node) -> Iterator[Problem]:
    where: Location = ("levers", lever.key)
    yield from _reach(usable, lever, where)
    if usable.value((*where, "budget")) and lever.cost != "cash":
        message = "this lever forgoes tax and spends no cash, so no budget can stop it; delete `budget`"
        yield usable.tree.nearest((*where, "budget")).problem((*where, "budget"), message)
    dials = [key for key in lever.dial_keys if key in node.children]
    if not dials:
        yield from _some_dose(usable, lever, node, where)
    yield from _dose(usable, lever, lever.main, where)
    for key in dials:
        yield from _some_dose(usable, lever, node.children[key], (*where, key))
        yield from _dose(usable, lever, lever.dial(key), (*where, key))


def _some_dose(usable: Usable, lever: Lever, node: Node, where: Location) -> Iterator[Problem]:
    """Check that an entry says how much, unless a misspelt key may have meant to."""
    unclear = any(path[: len(where)] == where and len(path) == len(where) + 1 for path in usable.bad)
    if any(dose in node.children for dose in DOSES) or unclear or where in usable.bad:
        return
    message = "says no dose; give one of value (added to the baseline path), level (replaces it) or path"
    if len(where) == 2 and lever.dial_keys:
        message += f", or one of the dials {', '.join(lever.dial_keys)}"
    yield node.problem(where, message, at_key=True)


def _dose(usable: Usable, lever: Lever, dial: Dial, where: Location) -> Iterator[Problem]:
    """Check one dial: a single dose, its dates and its range. `where` is the entry that holds the dose."""
    entry = usable.tree.nearest(where).children
    doses = [key for key in DOSES if key in entry]
    for key in doses[1:]:
        message = f"stands beside {doses[0]} (line {entry[doses[0]].key_line}); a change has exactly one of "
        yield entry[key].problem((*where, key), message + "value, level and path", at_key=True)
    for key in ("from", "ramp"):
        if "path" in doses and key in entry:
            message = "stands beside path, whose quarters say when it changes; delete this line"
            yield entry[key].problem((*where, key), message, at_key=True)
    if len(doses) == 1 and doses != ["value"]:
        yield from _levels(usable, dial, (*where, doses[0]))
    window = _window(usable, where)
    if window is None:
        return
    start, until = window
    for label in usable.value((*where, "path")) or ():
        if until >= start and parse_quarter(label) > until:
            message = f"lies after the last quarter of the change, {quarter_label(until)}, and would never count"
            yield usable.tree.nearest((*where, "path", label)).problem(
                (*where, "path", label), f"{message}; delete it or choose a later `until`", at_key=True
            )
    if until < start:
        place = next(one for one in ((*where, "until"), (*where[:2], "until")) if usable.tree.find(one))
        message = f"{quarter_label(until)} lies before the first quarter of the change, {quarter_label(start)}"
        yield usable.tree.nearest(place).problem(place, f"{message}; choose a later one")
    elif doses == ["value"]:
        yield from _sum(usable, lever, dial, (*where, "value"), window)


def _window(usable: Usable, where: Location) -> tuple[int, int] | None:
    """Return the first and last quarter of a change; a dial without its own dates follows its lever."""
    outer = where[:2]
    start = usable.quarter((*where, "from"), usable.quarter((*outer, "from"), DEFAULT_FROM))
    until = usable.quarter((*where, "until"), usable.quarter((*outer, "until"), LAST))
    steps = usable.value((*where, "path"))
    if isinstance(steps, dict) and steps:
        start = min(parse_quarter(label) for label in steps)
    return None if start is None or until is None else (start, until)


def _allowed(dial: Dial) -> str:
    return f"outside the allowed range {dial.low:g} to {dial.high:g} {dial.unit}"


def _levels(usable: Usable, dial: Dial, where: Location) -> Iterator[Problem]:
    """Check levels that replace the path."""
    dose = usable.value(where)
    levels = {(*where, label): level for label, level in dose.items()} if isinstance(dose, dict) else {where: dose}
    for place, level in levels.items():
        if level is not None and not dial.low <= level <= dial.high:
            yield usable.tree.nearest(place).problem(place, f"{level:g} is {_allowed(dial)}")


def _sum(usable: Usable, lever: Lever, dial: Dial, where: Location, window: tuple[int, int]) -> Iterator[Problem]:
    """Check that path plus value stays in the allowed range in every quarter of the change."""
    dose = usable.value(where)
    if dose is None:
        return
    law = str(usable.value(("law",)) or "2020")
    path = [
        (value, quarter)
        for quarter in range(window[0], window[1] + 1)
        for value in baseline_values(lever.key, dial.key, quarter, law)
    ]
    lowest, highest = min(path), max(path, key=lambda point: (point[0], -point[1]))
    too_low = lowest[0] + dose < dial.low - _ROUNDING
    if too_low or highest[0] + dose > dial.high + _ROUNDING:
        value, quarter = lowest if too_low else highest
        message = f"{dose:g} added to the baseline {value:g} gives {value + dose:g} in {quarter_label(quarter)}"
        possible = f"a value from {dial.low - lowest[0]:g} to {dial.high - highest[0]:g} is possible"
        yield usable.tree.nearest(where).problem(where, f"{message}, {_allowed(dial)}; {possible}")


def _reach(usable: Usable, lever: Lever, where: Location) -> Iterator[Problem]:
    """Check that places, industries and ladder steps exist and can be reached by the lever."""
    for target, expand in (("places", expand_places), ("industries", expand_industries)):
        names = usable.value((*where, target)) if target in lever.reach else None
        for position, message in expand(names)[1] if names else ():
            place: Location = (*where, target, position)
            yield usable.tree.nearest(place).problem(place, message)
    steps = usable.value((*where, "ladder")) if "ladder" in lever.reach else None
    for position, step in enumerate(steps or ()):
        if step not in lever.ladder_steps:
            place = (*where, "ladder", position)
            allowed = ", ".join(str(one) for one in lever.ladder_steps)
            message = f"ladder step {step} is not reached by this lever; allowed steps: {allowed}"
            yield usable.tree.nearest(place).problem(place, message)


def _targets(usable: Usable) -> Iterator[Problem]:
    names = usable.value(("targets",)) or []
    groups, ids = target_names() if names else ((), ())
    for position, name in enumerate(names):
        place: Location = ("targets", position)
        if name in names[:position]:
            yield usable.tree.nearest(place).problem(place, f"{shown(name)} is listed twice; delete one")
        elif name not in (*groups, *ids):
            near = did_you_mean(name, (*groups, *ids))
            known = f"groups: {', '.join(groups)}; single targets stand in calibration/targets.yaml"
            yield usable.tree.nearest(place).problem(place, f"{shown(name)} is not a known target{near}; {known}")


def _languages(usable: Usable) -> Iterator[Problem]:
    for key in ("title", "summary"):
        node = usable.tree.find((key,))
        if node is not None and isinstance(node.value, dict) and not node.value:
            yield node.problem((key,), "holds no text; write {en: ..., zh: ...}")
