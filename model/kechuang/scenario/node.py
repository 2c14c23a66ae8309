"""A value of a scenario file that remembers where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral

from kechuang.errors import InputError, Problem

Scalar = str | int | float | bool | None
Plain = Scalar | dict[str, "Plain"] | list["Plain"]
Location = tuple[str | int, ...]


@dataclass
class Node:
    """A scalar, list or mapping with the place of its value and, inside a mapping, of its key.

    `line` and `column` count from 1 and are 0 where no file stands behind the value. `broken` marks a value
    whose fault has been reported already, so that it is not reported twice.
    """

    value: Scalar | dict[str, Node] | list[Node]
    file: str
    line: int = 0
    column: int = 0
    key_line: int = 0
    key_column: int = 0
    broken: bool = field(default=False, compare=False)

    @property
    def children(self) -> dict[str, Node]:
        """The entries of a mapping; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    def plain(self) -> Plain:
        """Return the value without places."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def find(self, location: Sequence[str | int]) -> Node | None:
        """Return the node at a path of keys and list positions, or None."""
        node: Node | None = self
        for step in location:
            node = node.child(step) if node is not None else None
        return node

    def child(self, step: str | int) -> Node | None:
        """Return the entry of a mapping or list, or None."""
        if isinstance(self.value, dict):
            return self.value.get(str(step))
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None

    def nearest(self, location: Sequence[str | int]) -> Node:
        """Return the node at the longest part of the path that exists."""
        for length in range(len(location), 0, -1):
            found = self.find(location[:length])
            if found is not None:
                return found
        return self

    def walk(self, prefix: Location = ()) -> Iterator[tuple[Location, Node]]:
        """Yield every node below this one with its path."""
        pairs: Iterator[tuple[str | int, Node]] = iter(())
        if isinstance(self.value, dict):
            pairs = iter(self.value.items())
        elif isinstance(self.value, list):
            pairs = iter(enumerate(self.value))
        for step, child in pairs:
            yield (*prefix, step), child
            yield from child.walk((*prefix, step))

    def problem(self, location: Sequence[str | int], message: str, *, at_key: bool = False) -> Problem:
        """Return a problem that points at this node (or at its key)."""
        line, column = (self.key_line, self.key_column) if at_key and self.key_line else (self.line, self.column)
        return Problem(self.file, line, column, dotted(location), message)

    def origin(self) -> str:
        """Return 'x.yaml:7', or the name of the source where there are no lines."""
        name = self.file.replace("\\", "/").rsplit("/", 1)[-1]
        return f"{name}:{self.key_line or self.line}" if self.line else name


def dotted(location: Sequence[str | int]) -> str:
    """Return 'run.draws' or 'targets[2]' for a path of keys and list positions (shown from 1)."""
    text = ""
    for step in location:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def node_from_plain(value: object, file: str, location: Location = ()) -> Node:
    """Wrap plain data (from Python, JSON or the command line) in nodes; InputError for anything else."""
    if isinstance(value, Mapping):
        return Node(
            {str(key): node_from_plain(child, file, (*location, str(key))) for key, child in value.items()},
            file,
        )
    if isinstance(value, list | tuple):
        return Node([node_from_plain(child, file, (*location, index)) for index, child in enumerate(value)], file)
    if value is None or isinstance(value, str | bool | int | float):
        return Node(value, file)
    if isinstance(value, Integral):  # the whole numbers of array libraries
        return Node(int(value), file)
    raise InputError(
        Problem(
            file,
            key=dotted(location),
            message=(f"is of the Python type {type(value).__name__}; give a number, a text, a list or a mapping"),
        )
    )


def node_from_dotted(values: Mapping[str, object], file: str) -> Node:
    """Return a tree from keys such as 'run.draws' (values may be nested themselves)."""
    root = Node({}, file)
    for name, value in values.items():
        steps = str(name).split(".")
        target = root.children
        for step in steps[:-1]:
            inner = target.setdefault(step, Node({}, file))
            if not isinstance(inner.value, dict):
                inner.value = {}
            target = inner.children
        target[steps[-1]] = node_from_plain(value, file, tuple(steps))
    return root
