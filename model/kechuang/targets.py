"""The targets: which indicator has to reach which threshold by which quarter, and who says so.

`calibration/targets.yaml` holds them in groups; a scenario names groups or single targets. A target whose indicator the
model does not have is listed and not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from kechuang.clock import quarter_index
from kechuang.errors import InputError, Problem, did_you_mean
from kechuang.records import Location, Record, RecordFile, Words, read_records

FILE = "calibration/targets.yaml"

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Quarter = Annotated[str, StringConstraints(pattern=r"^\d{4}Q[1-4]$")]
Basis = Annotated[str, StringConstraints(pattern=r"^(level|ratio to \d{4}Q[1-4]|change from \d{4}Q[1-4])$")]
"""What is held against the threshold: the value, its ratio to an earlier quarter, or its change since."""
Prices = Literal["", "nominal", "2020 prices"]
ANALYST = "analyst"
"""The source of a threshold that no document gives: set by the authors of the model."""


class Alternative(Record):
    """Another reading of a target; a field that is not given stays as in the target."""

    threshold: float | None = None
    date: Quarter | None = None
    basis: Basis | None = None
    prices: Prices | None = None
    source: Name = ANALYST
    remark: Words | None = None

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if (self.threshold, self.date, self.basis, self.prices) == (None,) * 4:
            raise ValueError("an alternative changes the threshold, the date, the basis or the prices")
        return self


class Target(Record):
    """One target; `source` is the figure that names it, `threshold_source` the one that gives the number."""

    id: Key
    group: Key
    title: Words
    indicator: Name
    operation: Literal[">=", "<="]
    threshold: float
    unit: str = Field(min_length=1)
    date: Quarter
    region: Name
    basis: Basis = "level"
    prices: Prices = ""
    source: Name
    threshold_source: Name
    alternatives: tuple[Alternative, ...] = ()
    qualitative: bool = False
    proxy: Words | None = None
    remark: Words | None = None
    event: Key | None = None
    components: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.qualitative != (self.proxy is not None):
            raise ValueError("a target set in words, and no other, says what stands in for them (proxy)")
        if self.base_quarter is not None and self.base_quarter >= self.quarter:
            raise ValueError("the quarter of comparison must lie before the date")
        return self

    @property
    def quarter(self) -> int:
        """The quarter (t) at whose end the target is judged."""
        return quarter_index(self.date)

    @property
    def base_quarter(self) -> int | None:
        """The quarter (t) of comparison, or None for a level."""
        return None if self.basis == "level" else quarter_index(self.basis.rsplit(" ", 1)[1])

    @property
    def analyst(self) -> bool:
        """Whether the threshold is ours and not a document's."""
        return self.threshold_source == ANALYST

    def variants(self) -> tuple[Target, ...]:
        """Return the target as each of its alternatives would have it."""
        fields = ("threshold", "date", "basis", "prices")
        return tuple(self.model_copy(update={
            "alternatives": (), "threshold_source": other.source,
            **{field: getattr(other, field) for field in fields if getattr(other, field) is not None},
        }) for other in self.alternatives)


class TargetFile(RecordFile):
    """The whole file: groups, joint events, and the targets in them."""

    groups: dict[Key, Words]
    events: dict[Key, Words]
    targets: tuple[Target, ...]

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Yield ids that stand twice and groups or events that are not declared."""
        seen = set(self.groups)
        for position, target in enumerate(self.targets):
            if target.id in seen:
                yield ("targets", position, "id"), f'"{target.id}" stands twice'
            seen.add(target.id)
            declared = (("group", target.group, self.groups), ("event", target.event, self.events))
            for field, name, choices in declared:
                if name and name not in choices:
                    yield ("targets", position, field), f'"{name}" is unknown{did_you_mean(name, choices)}'


def read_targets(path: Path, name: str = FILE) -> TargetFile:
    """Read a target file; `name` is how messages call it. InputError names every problem."""
    return read_records(path, name, TargetFile)


@cache
def target_file() -> TargetFile:
    """Return the shipped targets with their groups and joint events."""
    from kechuang.resources import path

    return read_targets(path(FILE))


@cache
def load_targets() -> Mapping[str, Target]:
    """Return all targets by id, in the order of the file."""
    return {target.id: target for target in target_file().targets}


def select_targets(names: Iterable[str]) -> tuple[Target, ...]:
    """Return the targets of these groups or ids, each once and in the order of the file."""
    targets, groups = load_targets(), target_file().groups
    wanted = tuple(names)
    unknown = [Problem(FILE, message=f'no target or group "{name}"{did_you_mean(name, (*groups, *targets))}')
               for name in wanted if name not in groups and name not in targets]
    if unknown:
        raise InputError(unknown)
    return tuple(target for target in targets.values() if target.id in wanted or target.group in wanted)
