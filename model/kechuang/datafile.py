"""Reads the project's data files (YAML) field by field and collects every problem with its place.

A reader walks the file as `Node`s. Each question (`fields`, `number`, `text`, ...) checks what stands there;
a wrong answer is noted with file, line and column and a harmless value goes back, so that one pass finds all
problems. `DataFile.finish` raises them together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kechuang.errors import InputError, Problem, did_you_mean


@dataclass(frozen=True)
class Text:
    """A text in both languages of the project."""

    en: str
    zh: str

    def in_language(self, language: str) -> str:
        """Return the Chinese text for 'zh', the English one otherwise."""
        return self.zh if language == "zh" else self.en


class DataFile:
    """One YAML file with the problems found in it so far.

    It is read fast and without places; the first problem reads it once more to say where things stand.
    """

    def __init__(self, path: Path, name: str) -> None:
        """Read `path`; `name` is how messages call it. Raise InputError if it is not YAML at all."""
        self.name = name
        self.problems: list[Problem] = []
        self._path = path
        self.root = Node(self, (), _load_fast(path, name))

    @cached_property
    def _placed(self) -> object:
        """The content as read with line numbers."""
        return _load(self._path, self.name)

    def place(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        """Return line and column (from 1) of the value at a path, as far as the path leads."""
        container, place = self._placed, (1, 1)
        for step in path:
            if isinstance(container, Mapping):
                key = _key_of(container, str(step))
                place, container = _place(container, key, by_key=True), container[key]
            elif isinstance(container, list) and isinstance(step, int):
                place, container = _place(container, step, by_key=False), container[step]
        return place

    def finish(self) -> None:
        """Raise InputError with all problems found, if there are any."""
        if self.problems:
            raise InputError(self.problems)


@dataclass(frozen=True)
class Node:
    """A value of a data file and the way to it."""

    file: DataFile
    path: tuple[str | int, ...]
    value: object

    @property
    def key(self) -> str:
        """Dotted name of this value inside the file."""
        return ".".join(str(part) for part in self.path)

    def problem(self, message: str) -> None:
        """Note that something is wrong here."""
        self.file.problems.append(Problem(self.file.name, *self.file.place(self.path), self.key, message))

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield the entries of a mapping, or note that this is none."""
        if not isinstance(self.value, Mapping):
            self.problem(f"must be a mapping of names to values, not {_show(self.value)}")
            return
        for key, value in self.value.items():
            node = Node(self.file, (*self.path, str(key)), value)
            if isinstance(key, str):
                yield key, node
            else:
                node.problem(f"the name {_show(key)} must be a word; put it in quotes")

    def elements(self, count: int | None = None) -> list[Node]:
        """Return the elements of a list (of `count` elements, if given), or note what is wrong."""
        if not isinstance(self.value, list):
            self.problem(f"must be a list, not {_show(self.value)}")
            return []
        if count is not None and len(self.value) != count:
            self.problem(f"must have {count} elements, has {len(self.value)}")
        return [Node(self.file, (*self.path, i), value) for i, value in enumerate(self.value)]

    def fields(self, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Node]:
        """Return the known fields of a mapping; unknown and missing ones are noted."""
        required = tuple(required)
        known = (*required, *optional)
        found = dict(self.items())
        for key in [key for key in found if key not in known]:
            found.pop(key).problem(f"unknown field{did_you_mean(key, known)}; known are {', '.join(known)}")
        if isinstance(self.value, Mapping):
            missing = [key for key in required if key not in found]
            if missing:
                self.problem(f"lacks {', '.join(missing)}")
        return found

    def text(self) -> str:
        """Return a text that is not empty."""
        if isinstance(self.value, str) and self.value.strip():
            return str(self.value)
        self.problem(f"must be a text, not {_show(self.value)}")
        return ""

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(element.text() for element in self.elements())

    def one_of(self, choices: Iterable[str]) -> str:
        """Return a text that is one of the choices."""
        choices = tuple(choices)
        word = str(self.value)
        if word not in choices:
            self.problem(f'"{word}" is not one of {", ".join(choices)}{did_you_mean(word, choices)}')
            return choices[0]
        return word

    def both_languages(self) -> Text:
        """Return a text given as {en: ..., zh: ...}."""
        fields = self.fields(("en", "zh"))
        return Text(*(fields[key].text() if key in fields else "" for key in ("en", "zh")))

    def number(self, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a finite number between low and high."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self.problem(f"must be a number, not {_show(self.value)}")
            return _inside(low, high)
        number = float(self.value)
        if not math.isfinite(number) or not low <= number <= high:
            self.problem(f"{number:g} is not {_interval(low, high)}")
            return _inside(low, high)
        return number

    def whole(self, low: float = -math.inf, high: float = math.inf) -> int:
        """Return a whole number between low and high."""
        number = self.number(low, high)
        if number != int(number):
            self.problem(f"{number:g} is not a whole number")
        return int(number)

    def numbers(self, count: int | None = None, low: float = -math.inf, high: float = math.inf) -> tuple[float, ...]:
        """Return a list of numbers between low and high."""
        return tuple(element.number(low, high) for element in self.elements(count))


def _load_fast(path: Path, name: str) -> object:
    """Return the content of a YAML file; whatever goes wrong is left to the reader that knows places."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError, YAMLError):
        return _load(path, name)


def _key_of(container: Mapping[object, object], word: str) -> object:
    """Return the key of a mapping that is written like `word`."""
    return next(key for key in container if str(key) == word)


def _load(path: Path, name: str) -> object:
    """Return the content of a YAML file with line numbers; InputError has the place of a fault."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        source = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(Problem(name, message="is not UTF-8 text; save it as UTF-8")) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(Problem(name, message=f"cannot be read: {reason}")) from None
    try:
        return YAML(typ="rt", pure=True).load(source)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        raise InputError(Problem(name, line, column, message=f"is not valid YAML: {error.problem}")) from None
    except RecursionError:
        raise InputError(Problem(name, message="is nested too deeply")) from None
    except YAMLError as error:
        raise InputError(Problem(name, message=f"is not valid YAML: {error}")) from None


def _place(container: object, key: object, *, by_key: bool) -> tuple[int, int]:
    """Return line and column (from 1) of a key of a mapping or an item of a list, as ruamel.yaml noted it."""
    marks = getattr(container, "lc", None)
    if marks is None:
        return 1, 1
    line, column = marks.key(key) if by_key else marks.item(key)
    return line + 1, column + 1


def _show(value: object) -> str:
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, int | float) else f'"{value}"'
    return text if len(text) <= 40 else f"{text[:37]}..."


def _interval(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "a finite number"
    if math.isinf(high):
        return f"at least {low:g}"
    return f"at most {high:g}" if math.isinf(low) else f"between {low:g} and {high:g}"


def _inside(low: float, high: float) -> float:
    """Return a number that the bounds allow, to go on with after a problem."""
    return min(max(0.0, low), high)
