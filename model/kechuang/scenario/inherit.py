"""Lays the files of an inheritance over each other, leaf by leaf; every leaf keeps the place it came from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kechuang.errors import InputError, Problem
from kechuang.scenario.levers import LEVERS
from kechuang.scenario.library import displayed, locate
from kechuang.scenario.node import Location, Node, dotted
from kechuang.scenario.reader import read_document

MAX_FILES = 20
DOSES = ("value", "level", "path")
OWN_KEYS = ("name", "title", "summary")
"""What a file says about itself; never inherited, since it would mislabel the child."""


@dataclass
class Layer:
    """One file of an inheritance: its own entries and the layers it builds on."""

    path: Path
    own: Node
    parents: list[Layer] = field(default_factory=list)

    def ancestors(self) -> Iterator[Layer]:
        """Yield all layers below this one, the lowest first; a layer may come twice."""
        for parent in self.parents:
            yield from parent.ancestors()
            yield parent


def load_tree(source: str | os.PathLike[str], overrides: Node | None = None) -> tuple[Node, list[Problem]]:
    """Return the merged tree of a file, its ancestors and overrides, and the problems met on the way.

    InputError when the file itself cannot be read.
    """
    reader = _Reader()
    top = reader.read(locate(source))
    layers = _in_order(top)
    problems = [*reader.problems, *_collisions(layers)]
    merged = Node({}, top.own.file, top.own.line, top.own.column)
    for layer in layers:
        own = layer.own if layer is top else _without(layer.own, OWN_KEYS)
        merged = _merge(merged, own, ())
    if overrides is not None:
        merged = _merge(merged, spell_out_dials(overrides), ())
    return merged, problems


class _Reader:
    """Reads a file and everything it builds on, each file once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.known: dict[Path, Layer] = {}

    def read(self, path: Path, way: tuple[Path, ...] = ()) -> Layer:
        """Return the layer of a file; `way` are the files that led here, the top one first."""
        way = (*way, path.resolve())
        if len(self.known) >= MAX_FILES:
            message = f"a scenario may build on {MAX_FILES} files at most; merge some of them"
            raise InputError(Problem(displayed(path), message=message))
        tree, found = read_document(path, displayed(path))
        self.problems.extend(found)
        layer = self.known[way[-1]] = Layer(path, _without(spell_out_dials(tree), ("extends",)))
        for name, node in _extended(tree, self.problems):
            try:
                layer.parents.extend(self._parent(name, node, path, way))
            except InputError as error:
                self.problems.extend(_at(node, problem) for problem in error.problems)
        return layer

    def _parent(self, name: str, node: Node, path: Path, way: tuple[Path, ...]) -> list[Layer]:
        """Return the layer behind one name after `extends`, or none if it closes a circle."""
        parent = locate(name, beside=path)
        target = parent.resolve()
        if target in way:
            circle = " -> ".join(step.name for step in (*way[way.index(target) :], target))
            message = f"the scenarios extend each other in a circle ({circle}); delete one of these lines"
            self.problems.append(node.problem(("extends",), message))
            return []
        return [self.known.get(target) or self.read(parent, way)]


def _extended(tree: Node, problems: list[Problem]) -> list[tuple[str, Node]]:
    """Return the names after `extends` with their places."""
    node = tree.children.get("extends")
    if node is None or node.broken:
        return []
    entries = node.value if isinstance(node.value, list) else [node]
    names: list[tuple[str, Node]] = []
    for entry in entries:
        if not isinstance(entry.value, str) or not entry.value.strip():
            problems.append(
                entry.problem(
                    ("extends",),
                    ("must be a scenario name (baseline), a file (./mine.yaml) or a list of these"),
                )
            )
        elif entry.value in (name for name, _ in names):
            problems.append(entry.problem(("extends",), f'"{entry.value}" is named twice; delete one'))
        else:
            names.append((entry.value, entry))
    if not entries:
        problems.append(node.problem(("extends",), "is empty; name a scenario or delete the line"))
    return names


def _at(node: Node, problem: Problem) -> Problem:
    """Give a problem of a file that could not be found the place of the `extends` that asked for it."""
    if problem.line:
        return problem
    return node.problem(("extends",), f'"{problem.file}": {problem.message}')


def _in_order(top: Layer) -> list[Layer]:
    """Return every layer once, what is built upon before what builds upon it."""
    order: list[Layer] = []
    for layer in (*top.ancestors(), top):
        if all(layer is not other for other in order):
            order.append(layer)
    return order


def spell_out_dials(tree: Node) -> Node:
    """Turn a dial given as a number into `{level: number}`, so that every dial is a mapping from here on."""
    levers = tree.children.get("levers")
    for key, entry in (levers.children if levers is not None else {}).items():
        dials = LEVERS[key].dial_keys if key in LEVERS else ()
        for dial in dials:
            node = entry.children.get(dial)
            if node is not None and not isinstance(node.value, dict | list) and node.value is not None:
                inner = Node(node.value, node.file, node.line, node.column, node.key_line, node.key_column, node.broken)
                node.value = {"level": inner}
    return tree


def _without(tree: Node, keys: tuple[str, ...]) -> Node:
    kept = {key: child for key, child in tree.children.items() if key not in keys}
    return Node(kept, tree.file, tree.line, tree.column, tree.key_line, tree.key_column)


def _merge(base: Node, over: Node, location: Location) -> Node:
    """Lay `over` on `base`: mappings entry by entry, everything else replaces what was there.

    A file that gives a lever another kind of dose replaces the inherited dose; a path brings its own quarters
    and so replaces the inherited `from` and `ramp` too.
    """
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)) or location[-1:] == ("path",):
        return over
    kept = dict(base.value)
    if location[:1] == ("levers",) and len(location) >= 2 and any(dose in over.value for dose in DOSES):
        dropped = (*DOSES, "from", "ramp") if "path" in over.value else DOSES
        kept = {key: child for key, child in kept.items() if key not in dropped}
    for key, child in over.value.items():
        kept[key] = _merge(kept[key], child, (*location, key)) if key in kept else child
    return Node(kept, over.file, over.line, over.column, over.key_line, over.key_column)


def _collisions(layers: list[Layer]) -> Iterator[Problem]:
    """Yield a problem for every key that two files set although neither builds on the other."""
    setters: dict[str, list[tuple[Layer, Node]]] = {}
    for layer in layers:
        for location, node in layer.own.walk():
            inside_list = any(isinstance(step, int) for step in location)
            if location[0] in OWN_KEYS or isinstance(node.value, dict) or inside_list:
                continue
            entries = setters.setdefault(_slot(location), [])
            for other, first in entries:
                if other is not layer and not _related(other, layer):
                    place = f"{first.file}:{first.key_line}"
                    message = f"is also set in {place}; overrides used together may not set the same key: keep one"
                    yield node.problem(location, message, at_key=True)
            entries.append((layer, node))


def _slot(location: Location) -> str:
    """Return the name under which a leaf collides: the three kinds of dose of a dial are one."""
    if location[0] == "levers":
        cut = next((index for index, step in enumerate(location) if index >= 2 and step in DOSES), None)
        if cut is not None:
            location = (*location[:cut], "dose")
    return dotted(location)


def _related(one: Layer, other: Layer) -> bool:
    return any(layer is one for layer in other.ancestors()) or any(layer is other for layer in one.ancestors())
