"""Parameters: the numbers nobody decides and nobody knows exactly, with unit, prior, source; and their draws.

A draw is the full vector of values with its closure of the certification ladder. It is plain data and can be
sent to another process. The records stand in `calibration/parameters.yaml`, whose head explains the fields.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal, cast

from kechuang.datafile import DataFile, Node, Text
from kechuang.errors import InputError, did_you_mean
from kechuang.priors import KINDS, Prior

Value = float | tuple[float, ...]
ParameterClass = Literal["calibrated", "prior", "fixed"]
Closure = Literal["A", "B", "C"]

FILE = "calibration/parameters.yaml"
MECHANISMS = ("M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8a", "M8b", "M9", "M10", "M11", "M12")
CLASSES: tuple[ParameterClass, ...] = ("calibrated", "prior", "fixed")
CLOSURES: tuple[Closure, ...] = ("A", "B", "C")
"""Readings of the certification ladder: A fixed pool of firms, B growing pool, C capped certificates."""
_DRAW_IDS = 1 << 16
"""The stream key keeps 16 bits for the draw id; above that two draws would share their luck."""


@dataclass(frozen=True)
class Parameter:
    """One parameter as it stands in the file; `value` is what the default draw uses."""

    key: str
    symbol: str
    mechanism: str
    meaning: Text
    unit: str
    value: Value
    kind: ParameterClass
    source: str
    evidence: tuple[str, ...] = ()
    prior: Prior | None = None
    range: tuple[float, float] | None = None

    @property
    def is_assumed(self) -> bool:
        """Whether the value is a choice that nobody has measured."""
        return self.source.startswith("assumed")


@dataclass(frozen=True)
class Draw:
    """A full parameter vector with its closure; `id` is -1 for one that was not drawn.

    `luck` is the luck seed it was learnt with, for a draw of the posterior, which is one of vectors and luck together.
    """

    id: int
    closure: Closure
    values: dict[str, Value] = field(repr=False)
    luck: int | None = None

    def number(self, key: str) -> float:
        """Return the value of a parameter that is one number."""
        value = self._value(key)
        if isinstance(value, tuple):
            raise InputError(f'parameter "{key}" is a list of {len(value)} numbers, not one number')
        return value

    def vector(self, key: str) -> tuple[float, ...]:
        """Return the value of a parameter that is a list of numbers."""
        value = self._value(key)
        if not isinstance(value, tuple):
            raise InputError(f'parameter "{key}" is one number, not a list')
        return value

    def with_values(self, **changes: Value | list[float]) -> Draw:
        """Return the same draw with some values replaced; a list must keep its length."""
        problems = []
        values = dict(self.values)
        for key, change in changes.items():
            old = values.get(key)
            new = tuple(float(x) for x in change) if isinstance(change, list | tuple) else float(change)
            if old is None:
                problems.append(f'unknown parameter "{key}"{did_you_mean(key, values)}')
            elif _form(old) != _form(new):
                problems.append(f'parameter "{key}" takes {_form(old)}, not {_form(new)}')
            else:
                values[key] = new
        if problems:
            raise InputError("\n".join(problems))
        return replace(self, values=values)

    def with_closure(self, closure: Closure) -> Draw:
        """Return the same values under another closure of the ladder."""
        return replace(self, closure=_known_closure(closure))

    def _value(self, key: str) -> Value:
        if key not in self.values:
            raise InputError(f'unknown parameter "{key}"{did_you_mean(key, self.values)}')
        return self.values[key]


@cache
def load_parameters() -> dict[str, Parameter]:
    """Return all parameters by key, in the order of the file; raise InputError with every problem found."""
    from kechuang.resources import path

    return read_parameters(path(FILE), FILE)


def read_parameters(path: Path, name: str) -> dict[str, Parameter]:
    """Read a parameter file; `name` is how messages call it."""
    file = DataFile(path, name)
    parameters: dict[str, Parameter] = {}
    for mechanism, section in file.root.fields((), MECHANISMS).items():
        for key, node in section.items():
            if not key.isidentifier() or key != key.lower():
                node.problem("a key is lower-case words joined by underscores")
            if key in parameters:
                node.problem(f"stands twice; first under {parameters[key].mechanism}")
            parameters[key] = _record(key, mechanism, node)
    if not parameters:
        file.root.problem("has no parameter")
    file.finish()
    return parameters


def default_draw(closure: Closure = "B") -> Draw:
    """Return the draw in which every parameter has the value of the file."""
    values = {key: parameter.value for key, parameter in load_parameters().items()}
    return Draw(-1, _known_closure(closure), values)


def prior_draw(draw_id: int, seed: int) -> Draw:
    """Return draw `draw_id` of the priors: calibrated and prior parameters drawn, fixed ones held.

    Each parameter has its own uniform number, keyed by (seed, draw id, key of the parameter): adding a
    parameter or changing a prior leaves the others as they were. Closures take turns: A, B, C, A, ...
    """
    if not 0 <= draw_id < _DRAW_IDS:
        raise InputError(f"draw id {draw_id}: must be from 0 to {_DRAW_IDS - 1}")
    values = {key: parameter.value if parameter.prior is None
              else parameter.prior.quantile(parameter_uniform(key, draw_id, seed))
              for key, parameter in load_parameters().items()}
    return Draw(draw_id, CLOSURES[draw_id % len(CLOSURES)], values)


def parameter_uniform(key: str, draw_id: int, seed: int) -> float:
    """Return the number in (0, 1) that decides a parameter in a draw."""
    import numpy as np

    from kechuang.randomness import Purpose, stream_key, uniform

    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    identity = int.from_bytes(digest, "big") >> 1  # 63 bits: fits a signed integer of compiled code
    with np.errstate(over="ignore"):  # the hash wraps around on purpose; plain Python would warn
        return float(uniform(stream_key(seed, draw_id, int(Purpose.PARAMETER)), identity))


def parameters_hash() -> str:
    """Return the sha256 of what decides draws: value, prior and class of each key, whatever the order."""
    content = {key: [parameter.value, parameter.kind, _plain_prior(parameter.prior)]
               for key, parameter in load_parameters().items()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _record(key: str, mechanism: str, node: Node) -> Parameter:
    fields = node.fields(("symbol", "meaning", "unit", "value", "class", "source"),
                         ("prior", "range", "evidence"))
    text = {name: fields[name].text() if name in fields else "" for name in ("symbol", "unit", "source")}
    kind = cast(ParameterClass, fields["class"].one_of(CLASSES)) if "class" in fields else "fixed"
    value = _read_value(fields["value"]) if "value" in fields else 0.0
    prior = read_prior(fields["prior"]) if "prior" in fields else None
    bounds = _read_range(fields["range"], value) if "range" in fields else None
    if kind == "fixed" and "prior" in fields:
        fields["prior"].problem("a fixed parameter has a range, not a prior")
    if kind != "fixed" and "class" in fields:
        _check_drawn(node, fields, value, prior)
    return Parameter(
        key=key, symbol=text["symbol"], mechanism=mechanism,
        meaning=fields["meaning"].both_languages() if "meaning" in fields else Text("", ""),
        unit=text["unit"], value=value, kind=kind, source=text["source"],
        evidence=fields["evidence"].texts() if "evidence" in fields else (),
        prior=prior, range=bounds)


def _check_drawn(node: Node, fields: Mapping[str, Node], value: Value, prior: Prior | None) -> None:
    """Note what is wrong with a parameter that is to be drawn."""
    if "prior" not in fields:
        node.problem("lacks a prior; only a fixed parameter may do without")
    if "range" in fields:
        fields["range"].problem("a drawn parameter has a prior, not a range")
    if isinstance(value, tuple):
        fields["value"].problem("a list cannot be drawn; hold it fixed and draw a factor on it")
    elif prior is not None and not prior.support[0] <= value <= prior.support[1]:
        fields["value"].problem(f"{value:g} cannot come out of its prior {prior}")


def _read_value(node: Node) -> Value:
    return node.numbers() if isinstance(node.value, list) else node.number()


def read_prior(node: Node) -> Prior | None:
    """Return the prior written as `{kind: [numbers]}`, or note what is wrong."""
    found = node.fields((), KINDS)
    if len(found) != 1:
        if isinstance(node.value, Mapping):
            node.problem(f"must name one distribution of {', '.join(KINDS)}")
        return None
    (kind, numbers), = found.items()
    values = numbers.numbers(len(KINDS[kind].names))
    try:
        return Prior(kind, values)
    except ValueError as error:
        numbers.problem(str(error))
        return None


def _read_range(node: Node, value: Value) -> tuple[float, float] | None:
    bounds = node.numbers(2)
    if len(bounds) != 2:
        return None
    inside = 1.0 if isinstance(value, tuple) else value
    if not bounds[0] <= inside <= bounds[1] or bounds[0] == bounds[1]:
        node.problem(f"[{bounds[0]:g}, {bounds[1]:g}] does not hold {inside:g}")
    return bounds[0], bounds[1]


def _plain_prior(prior: Prior | None) -> list[object] | None:
    return None if prior is None else [prior.kind, *prior.numbers]


def _form(value: Value) -> str:
    return f"a list of {len(value)} numbers" if isinstance(value, tuple) else "one number"


def _known_closure(closure: str) -> Closure:
    if closure not in CLOSURES:
        raise InputError(f'closure "{closure}" is not one of {", ".join(CLOSURES)}')
    return closure
