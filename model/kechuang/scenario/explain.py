"""Turns what pydantic found into problems in the words of the file: place, key, fault and remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from kechuang.errors import Problem, did_you_mean
from kechuang.scenario.levers import LEVERS
from kechuang.scenario.messages import EXAMPLES, MESSAGES
from kechuang.scenario.node import Location, Node
from kechuang.scenario.schema import scenario_model
from kechuang.scenario.shocks import SHOCKS

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SECTION_OF = {
    "until": "run",
    "draws": "run",
    "seed": "run",
    **dict.fromkeys(SHOCKS, "shocks"),
    **dict.fromkeys(LEVERS, "levers"),
}


def structure_problems(tree: Node) -> tuple[list[Problem], set[Location]]:
    """Return the problems of types, keys and single ranges, and the paths of the values that are unusable."""
    problems, bad = [], set()
    for location, node in tree.walk():
        if node.broken:
            bad.add(location)
        elif node.value is None:
            bad.add(location)
            problems.append(node.problem(location, "is empty; give it a value or delete the line", at_key=True))
    try:
        scenario_model().model_validate(tree.plain())
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            location = _clean(tree, detail["loc"])
            if any(location[:length] in bad for length in range(1, len(location) + 1)):
                continue
            problems.append(_problem(tree, location, detail))
        bad.update(_clean(tree, detail["loc"]) for detail in error.errors(include_url=False))
    return problems, bad


def _clean(tree: Node, location: Sequence[str | int]) -> Location:
    """Drop what pydantic adds to a path: '[key]' after a mapping key, and the members of a union."""
    steps: list[str | int] = []
    node: Node | None = tree
    for position, step in enumerate(location):
        found = node.find([step]) if node is not None else None
        last = position == len(location) - 1
        if found is None and not (last and step != "[key]" and node is not None and isinstance(node.value, dict)):
            continue
        steps.append(step)
        node = found
    return tuple(steps)


def _problem(tree: Node, location: Location, detail: ErrorDetails) -> Problem:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown(tree, location)
    node = tree.nearest(location)
    if kind == "missing":
        return tree.nearest(location[:-1]).problem(
            location, f"is missing; add it{_example(str(location[-1]))}", at_key=True
        )
    if kind == "value_error" and detail["loc"][-1] == "[key]":
        return node.problem(location, _reason(detail), at_key=True)
    say = MESSAGES.get(kind)
    message = say(node, location, detail.get("ctx", {})) if say else _reason(detail)
    return node.problem(location, message)


def _reason(detail: ErrorDetails) -> str:
    return detail["msg"].removeprefix("Value error, ")


def _example(key: str) -> str:
    return f", such as `{key}: {EXAMPLES[key]}`" if key in EXAMPLES else ""


def _unknown(tree: Node, location: Location) -> Problem:
    """Explain a key that the file format does not have here."""
    node, key, inside = tree.nearest(location), str(location[-1]), location[:-1]
    if key == "<<":
        return node.problem(location, "merge keys are not allowed; write the entries out", at_key=True)
    if inside == ("levers",):
        return node.problem(location, _unknown_lever(key), at_key=True)
    known = list(keys_at(inside))
    section = _SECTION_OF.get(key)
    if inside == ("shocks",) and key in LEVERS:
        message = "is a lever, not a shock; move it under `levers:`"
    elif section is not None and inside != (section,) and key not in known:
        message = f"does not stand here; move it under `{section}:`"
    elif len(inside) == 2 and inside[0] == "levers" and key in ("places", "industries", "ladder"):
        message = _not_targetable(str(inside[1]), key)
    else:
        message = f"unknown key{did_you_mean(key, known)}; known keys here: {', '.join(known)}"
    return node.problem(location, message, at_key=True)


def _unknown_lever(key: str) -> str:
    if key in SHOCKS:
        return "is a shock, not a lever; move it under `shocks:`"
    return f"unknown lever{did_you_mean(key, LEVERS)}; levers are {', '.join(LEVERS)}"


def _not_targetable(lever_key: str, target: str) -> str:
    lever = LEVERS[lever_key]
    if lever.level == "nation" and target == "places":
        return "this lever is set by the nation and is the same in every place; delete `places`"
    reach = ", ".join(lever.reach) or "nothing: it reaches the whole city"
    return f"this lever cannot be targeted by {target}; it can be targeted by {reach}"


def keys_at(location: Sequence[str | int]) -> Iterator[str]:
    """Yield the keys that a scenario file knows at a place, as the file writes them."""
    model: Any = scenario_model()
    for step in location:
        field = model.model_fields.get(step) if model is not None else None
        model = _model_in(field.annotation) if field is not None else None
    if model is not None:
        for name, field in model.model_fields.items():
            yield field.alias or name


def _model_in(annotation: Any) -> Any:
    candidates = (annotation, *get_args(annotation))
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)), None)
