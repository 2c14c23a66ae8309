"""Reads a YAML 1.2 file into nodes with places; refuses everything that a scenario file never needs.

The file is read as a stream of parser events, never constructed by a YAML loader: anchors, aliases, tags,
directives, several documents, too many events and too deep nesting are refused before any object exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kechuang.errors import InputError, Problem
from kechuang.scenario.node import Node, Scalar, dotted
from kechuang.scenario.text_file import place_of, read_text

if TYPE_CHECKING:
    from ruamel.yaml.events import Event

MAX_EVENTS = 5_000
MAX_DEPTH = 12
MAX_DIGITS = 40
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_WHOLE = re.compile(r"[-+]?[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}


@dataclass
class _Builder:
    """Builds the tree from events; faults that do not stop the reading are collected."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    root: Node | None = None
    stack: list[Node] = field(default_factory=list)
    pending: list[Node | None] = field(default_factory=list)
    steps: list[str | int] = field(default_factory=list)

    def say(self, node: Node, message: str, key: str = "") -> None:
        """Note a fault at the place of a node."""
        self.problems.append(Problem(self.file, node.line, node.column, key, message))

    def node(self, event: Event, value: Scalar | dict[str, Node] | list[Node] = None) -> Node:
        """Return a node that stands where an event begins."""
        mark = event.start_mark
        return Node(value, self.file, mark.line + 1, mark.column + 1)

    def place(self, node: Node) -> None:
        """Hang a scalar or an opened collection below the collection that is open."""
        if not self.stack:
            self.root = node
            return
        parent, key = self.stack[-1], self.pending[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif key is None:
            self.pending[-1] = node
        else:
            self._enter(parent.children, key, node)
            self.pending[-1] = None

    def _enter(self, mapping: dict[str, Node], key: Node, node: Node) -> None:
        if isinstance(key.value, dict | list):
            self.say(key, "a list or mapping stands where a key is needed; write one word followed by a colon")
        elif not key.broken:
            name = str(key.value)
            node.key_line, node.key_column = key.line, key.column
            if name in mapping:
                first = mapping[name].key_line
                where = dotted([*self.steps, name])
                self.say(key, f"is given twice (first in line {first}); keep one of the two", where)
            else:
                mapping[name] = node

    def open(self, node: Node) -> None:
        """Begin a list or mapping."""
        self.steps.extend(self.next_step())
        self.place(node)
        self.stack.append(node)
        self.pending.append(None)

    def close(self) -> None:
        """End the list or mapping that is open."""
        self.stack.pop()
        self.pending.pop()
        if self.steps:
            self.steps.pop()

    def expects_key(self) -> bool:
        """Tell whether the next value is the key of a mapping."""
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.pending[-1] is None

    def next_step(self) -> list[str | int]:
        """Return the key or list position of the value that comes next; empty for the root."""
        if not self.stack:
            return []
        parent, key = self.stack[-1], self.pending[-1]
        return [len(parent.value) if isinstance(parent.value, list) else "" if key is None else str(key.value)]


def read_document(path: Path, shown: str) -> tuple[Node, list[Problem]]:
    """Return the tree of a file and the faults that left it readable; InputError when it cannot be read.

    `shown` is the name of the file in messages.
    """
    builder = _Builder(shown)
    for number, event in enumerate(_events(read_text(path, shown), shown), start=1):
        if number > MAX_EVENTS:
            builder.say(builder.node(event), f"more than {MAX_EVENTS} entries up to here; split the file")
            raise InputError(builder.problems)
        _take(builder, event)
    root = builder.root or Node(None, shown, 1, 1)
    if not isinstance(root.value, dict):
        fault = "the file is empty" if root.value is None else "the file holds no keys"
        builder.say(root, f"{fault}; start with a line such as `name: my-scenario`, then `extends: baseline`")
        raise InputError(builder.problems)
    return root, builder.problems


def _events(text: str, shown: str) -> Iterator[Event]:
    """Yield the parser's events; every syntax error becomes an InputError with its place and a remedy."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    line, column = 1, 1
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            yield event
    except MarkedYAMLError as error:
        unfinished = "<stream end>" in str(error.problem) or "end of stream" in str(error.problem)
        mark = (error.context_mark if unfinished else None) or error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (line, column)
        message = _syntax(str(error.problem or error.context))
        raise InputError(Problem(shown, line, column, "", message)) from error
    except ReaderError as error:
        line, column = place_of(text.encode(), len(text[: error.position].encode()))
        message = "a control character stands here, which no text file needs; delete it"
        raise InputError(Problem(shown, line, column, "", message)) from error
    except (YAMLError, ValueError, OverflowError, IndexError) as error:
        message = _syntax("a text or escape after this place cannot be read")
        raise InputError(Problem(shown, line, column, "", message)) from error


def _syntax(problem: str) -> str:
    """Return the parser's complaint with what to do about it."""
    if r"'\t'" in problem:
        return "a tab stands here; use spaces to indent"
    if "mapping values are not allowed" in problem:
        return "a second colon in one line; put a text that holds a colon in double quotes, or start a new line"
    if "<stream end>" in problem or "end of stream" in problem:
        return "the file ends inside a bracket or quoted text that was opened here; close it"
    return f"not valid YAML ({problem}); check indentation, brackets and quotes here"


def _take(builder: _Builder, event: Event) -> None:
    """Put one event into the tree."""
    from ruamel.yaml import events as kinds

    node = builder.node(event)
    if isinstance(event, kinds.DocumentStartEvent):
        _document_start(builder, event)
    elif isinstance(event, kinds.MappingEndEvent | kinds.SequenceEndEvent):
        builder.close()
    elif isinstance(event, kinds.AliasEvent):
        node.broken = True
        builder.say(node, f"`*{event.anchor}` is an alias; aliases are not allowed: write the value out")
        builder.place(node)
    elif isinstance(event, kinds.ScalarEvent | kinds.CollectionStartEvent):
        tag = None if event.tag is None else str(event.tag)
        if event.anchor is not None:
            builder.say(node, f"`&{event.anchor}` is an anchor; anchors are not allowed: delete it")
        if tag is not None and not (isinstance(event, kinds.ScalarEvent) and tag in _TEXT_TAGS):
            node.broken = True
            name = tag.replace("tag:yaml.org,2002:", "!!")
            builder.say(node, f"the tag {name} is not allowed; delete it and write the plain value")
        if isinstance(event, kinds.ScalarEvent):
            _scalar(builder, node, str(event.value), quoted=event.style is not None or tag is not None)
        else:
            _collection(builder, node, [] if isinstance(event, kinds.SequenceStartEvent) else {})


def _document_start(builder: _Builder, event: Event) -> None:
    node = builder.node(event)
    if builder.root is not None:
        builder.say(node, "a second document starts here; keep one scenario per file (delete the `---`)")
        raise InputError(builder.problems)
    if getattr(event, "version", None) not in (None, (1, 2)) or getattr(event, "tags", None):
        builder.say(node, "directives such as %YAML 1.1 or %TAG are not allowed; delete the line with the %")


def _collection(builder: _Builder, node: Node, value: dict[str, Node] | list[Node]) -> None:
    if len(builder.stack) >= MAX_DEPTH:
        builder.say(node, f"nested deeper than {MAX_DEPTH} levels; a scenario needs 5 at most")
        raise InputError(builder.problems)
    node.value = value
    builder.open(node)


def _scalar(builder: _Builder, node: Node, text: str, *, quoted: bool) -> None:
    """Resolve one scalar by the rules of YAML 1.2: only bare text can be a number, a truth value, nothing."""
    node.value = text
    if builder.expects_key():
        if not text:
            builder.say(node, "a key is missing before the colon; write one")
            node.broken = True
    elif not quoted and not node.broken:
        if len(text) > MAX_DIGITS and (_WHOLE.fullmatch(text) or _DECIMAL.fullmatch(text)):
            message = f"a number of {len(text)} digits; no number here needs more than {MAX_DIGITS}"
            builder.say(node, message, dotted([*builder.steps, *builder.next_step()]))
            node.broken = True
        else:
            node.value = plain_scalar(text)
    builder.place(node)


def plain_scalar(text: str) -> Scalar:
    """Return the number, truth value or nothing that an unquoted text means in YAML 1.2, else the text."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    special = _SPECIAL.fullmatch(text)
    if special is None:
        return text
    return float("nan") if special[3] else float(f"{special[1]}inf")
