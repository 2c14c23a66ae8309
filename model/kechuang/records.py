"""What record files share: texts in two languages, a reader that names line and column, numbers in Chinese.

A file is read with the fast loader first. Only when something is wrong it is read again with line numbers, so
that a good file costs no more than it must and a bad one is explained in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kechuang.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from kechuang.datafile import DataFile, Node

Location = tuple[int | str, ...]
"""The keys and list positions that lead to a place of a file."""


class Record(BaseModel):
    """A record that cannot be changed and refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Words(Record):
    """A text in both languages of the project."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    def in_language(self, language: str) -> str:
        """Return the Chinese text for 'zh', the English one otherwise."""
        return self.zh if language == "zh" else self.en


class RecordFile(Record):
    """A whole file of records."""

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Yield what is wrong between records that are each well formed: the place and the message."""
        yield from ()


FileModel = TypeVar("FileModel", bound=RecordFile)


def read_records(path: Path, name: str, model: type[FileModel]) -> FileModel:
    """Return the content of a record file; `name` is how messages call it. InputError names every problem."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError):
        content = None  # read again below, by the reader that can say what is wrong
    try:
        records = model.model_validate(content)
    except ValidationError as error:
        raise _explained(path, name, _messages(error, model)) from None
    faults = list(records.faults())
    if faults:
        raise _explained(path, name, faults)
    return records


def _explained(path: Path, name: str, faults: list[tuple[Location, str]]) -> InputError:
    """Return the faults with file, line and column; a file that is not YAML at all raises that instead."""
    from kechuang.datafile import DataFile

    file = DataFile(path, name)
    for location, message in faults:
        _nearest(file, location).problem(message)
    return InputError(file.problems)


def _messages(error: ValidationError, model: type[Record]) -> list[tuple[Location, str]]:
    """Return what pydantic found in our words."""
    known = sorted(set(_field_names(model)))
    found: list[tuple[Location, str]] = []
    for detail in error.errors(include_url=False):
        location = detail["loc"]
        if detail["type"] == "extra_forbidden":
            found.append((location, f"unknown field{did_you_mean(str(location[-1]), known)}"))
        elif detail["type"] == "missing":
            found.append((location[:-1], f"lacks the field {location[-1]}"))
        else:
            found.append((location, detail["msg"].removeprefix("Value error, ")))
    return found


def _field_names(model: type[Record]) -> Iterator[str]:
    """Yield the names of all fields of a model and of the records inside it."""
    for name, field in model.model_fields.items():
        yield name
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, Record):
                yield from _field_names(kind)


def _nearest(file: DataFile, location: Location) -> Node:
    """Return the node of the file at a place, or the last one on the way to it."""
    node = file.root
    for step in location:
        found = None
        if isinstance(node.value, dict):
            found = dict(node.items()).get(str(step))
        elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
            found = node.elements()[step]
        if found is None:
            break
        node = found
    return node


_DIGITS = {**dict(zip("一二三四五六七八九", range(1, 10), strict=True)), "两": 2, "兩": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_PHRASES = {"翻番": 2.0, "双": 2.0, "雙": 2.0, "之最": 1.0}
_NUMBER = re.compile(rf"\d+(?:\.\d+)?|{'|'.join(_PHRASES)}|[{''.join((*_DIGITS, *_UNITS))}]+")


def quoted_numbers(text: str) -> tuple[float, ...]:
    """Return the numbers in a few words of Chinese: digits, numerals up to thousands, 'doubled', 'first'."""
    return tuple(float(word) if word[0].isdigit() else _PHRASES.get(word) or _numeral(word)
                 for word in _NUMBER.findall(text))


def _numeral(word: str) -> float:
    """Return the value of a Chinese numeral such as 三十 or 十五."""
    total = digit = 0
    for sign in word:
        if sign in _UNITS:
            total += max(digit, 1) * _UNITS[sign]
            digit = 0
        else:
            digit = _DIGITS[sign]
    return float(total + digit)
