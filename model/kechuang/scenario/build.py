"""From a merged tree to a checked `Scenario`: all problems at once, or the scenario with its origins."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kechuang.errors import InputError, Problem
from kechuang.scenario.checks import rule_problems
from kechuang.scenario.explain import structure_problems
from kechuang.scenario.inherit import load_tree, spell_out_dials
from kechuang.scenario.lever_record import Dial
from kechuang.scenario.levers import LEVERS
from kechuang.scenario.node import Node, node_from_dotted, node_from_plain
from kechuang.scenario.places import expand_industries, expand_places
from kechuang.scenario.records import OVERRIDE, LeverChange, Mode, Scenario, Shock
from kechuang.scenario.schema import Dose, LeverEntry, Run, scenario_model
from kechuang.scenario.shocks import SHOCKS
from kechuang.scenario.window import DEFAULT_FROM, LAST

_BREAK_IN_CHINESE = re.compile(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])")
"""A line break of the file inside Chinese text, which must not become a space."""


def load_scenario(
    source: str | os.PathLike[str], overrides: Mapping[str, object] | None = None, origin: str = OVERRIDE
) -> Scenario:
    """Return the scenario of a file or of a library name such as "baseline".

    `overrides` go on top, by dotted key: {"run.draws": 20, "levers.certification_bonus": {"value": 10}};
    `origin` is what messages and origins call them. Raise InputError with every problem of the file and of
    the files it builds on.
    """
    tree, problems = load_tree(source, node_from_dotted(overrides, origin) if overrides else None)
    return _checked(tree, problems)


def scenario_from_plain(plain: Mapping[str, Any], name: str, origins: dict[str, str] | None = None) -> Scenario:
    """Return the scenario of plain data in the form of a scenario file; `name` is what messages call it."""
    tree = spell_out_dials(node_from_plain(plain, name))
    return _checked(tree, [], origins)


def _checked(tree: Node, problems: list[Problem], origins: dict[str, str] | None = None) -> Scenario:
    found, bad = structure_problems(tree)
    problems = [*problems, *found, *rule_problems(tree, bad)]
    extends = tree.children.get("extends")
    if extends is not None:
        message = "only a file can extend another scenario; delete this entry"
        problems.append(extends.problem(("extends",), message, at_key=True))
    if problems:
        raise InputError(problems)
    model: Any = scenario_model().model_validate(tree.plain())
    run = model.run or Run()
    scenario = Scenario(
        name=model.name,
        title=_text(model.title, model.name),
        summary=_text(model.summary, ""),
        law=model.law,
        tide=model.tide,
        support_ceiling=model.support_ceiling,
        nodes=model.nodes,
        targets=tuple(model.targets or ()),
        levers=tuple(_levers(model.levers)),
        shocks=tuple(_shocks(model.shocks)),
        until=run.until,
        draws=run.draws,
        seed=run.seed,
    )
    return _with_origins(scenario, tree, origins)


def _text(text: Any, default: str) -> dict[str, str]:
    en, zh = (text.en, text.zh) if text is not None else (None, None)
    zh = _BREAK_IN_CHINESE.sub("", zh) if zh else zh
    return {"en": en or zh or default, "zh": zh or en or default}


def _levers(levers: Any) -> Iterator[LeverChange]:
    """Yield the changes in the order of the catalogue, the main dial of a lever first."""
    for key, lever in LEVERS.items():
        entry = getattr(levers, key) if levers is not None else None
        if entry is None:
            continue
        for dial in lever.dials:
            dose = getattr(entry, dial.key) if dial.key else entry
            if dose is not None and any(part is not None for part in (dose.value, dose.level, dose.path)):
                yield _change(key, dial, dose, entry)


def _change(key: str, dial: Dial, dose: Dose, entry: LeverEntry) -> LeverChange:
    """Return one change; a dial without its own dates follows those of its lever."""
    path = tuple(sorted((dose.path or {}).items()))
    mode: Mode = "path" if dose.path is not None else "level" if dose.level is not None else "value"
    start = path[0][0] if path else dose.from_ or entry.from_ or DEFAULT_FROM
    ramp = 0 if path else dose.ramp if dose.ramp is not None else entry.ramp or 0
    amount = dose.level if dose.level is not None else dose.value if dose.value is not None else 0.0
    return LeverChange(
        key=key,
        dial=dial.key,
        mode=mode,
        amount=float(amount),
        path=path,
        from_quarter=start,
        until_quarter=dose.until or entry.until or LAST,
        ramp=ramp,
        places=expand_places(places)[0] if (places := getattr(entry, "places", None)) else (),
        industries=expand_industries(names)[0] if (names := getattr(entry, "industries", None)) else (),
        ladder=tuple(sorted(set(getattr(entry, "ladder", None) or ()))),
        budget=entry.budget,
    )


def _shocks(shocks: Any) -> Iterator[Shock]:
    for key, kind in SHOCKS.items():
        entry = getattr(shocks, key) if shocks is not None else None
        if entry is not None:
            yield Shock(key, entry.from_, tuple((one.key, float(getattr(entry, one.key))) for one in kind.settings))


def _with_origins(scenario: Scenario, tree: Node, known: dict[str, str] | None) -> Scenario:
    """Fill in where every leaf of the canonical form came from: a file, an override or default."""
    canonical = node_from_plain(scenario.to_plain(), "")
    for location, leaf in canonical.walk():
        if isinstance(leaf.value, dict) or any(isinstance(step, int) for step in location):
            continue
        key = ".".join(str(step) for step in location)
        node = tree.find(location)
        if node is None and location[0] == "levers" and len(location) == 4:  # a dial follows its lever
            node = tree.find((*location[:2], location[3]))
        if known is not None:
            scenario.origins[key] = known.get(key, "default")
        else:
            scenario.origins[key] = node.origin() if node is not None else "default"
    return scenario
