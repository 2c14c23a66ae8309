"""The reported figures: what each number says, where it stands, how exactly it is known, what it is for.

`calibration/evidence.yaml` has one record for every figure of the five documents the project starts from (the
seeds 000 to 004), used or not, and the public facts that the model needs. Its head explains the fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from kechuang.errors import InputError, Problem, did_you_mean
from kechuang.records import Location, Record, RecordFile, Words, quoted_numbers, read_records

if TYPE_CHECKING:
    from kechuang.provenance import Trace
    from kechuang.targets import Target

FILE = "calibration/evidence.yaml"

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Period = Annotated[str, StringConstraints(
    pattern=r"^(\.\.|\d{4}(-\d\d(-\d\d)?|Q[1-4])?)(/(\.\.|\d{4}(-\d\d(-\d\d)?|Q[1-4])?))?$")]
"""A year, quarter, month or day, or two of them as 'from/to'; '..' is an open end."""
Text = Annotated[str, StringConstraints(min_length=1)]
Reading = Literal["exact", "rounded", "at least", "about", "cumulative", "announced"]
Role = Literal["fit", "check", "input", "target", "context"]
ErrorKind = Literal[
    "exact", "uniform", "uniform integer", "triangular", "excess", "relative excess", "mixture"]

_NEEDED: dict[str, tuple[str, ...]] = {
    "exact": (), "uniform": ("low", "high"), "uniform integer": ("low", "high"),
    "triangular": ("low", "high"), "excess": ("mean", "limit"), "relative excess": ("mean",),
    "mixture": ("choices", "weights"),
}


class ReadingError(Record):
    """How far the true value may lie from the printed one, and how far the model may lie from the truth.

    The true value is the printed one ("exact"); lies between low and high ("uniform", "uniform integer",
    "triangular" with its peak at the printed value); lies above the printed one by an exponential amount of
    this mean, cut at `limit` ("excess"), or by an exponential share ("relative excess"); or is one of several
    readings ("mixture"). `discrepancy` is a standard deviation: a share of the value ("relative") or
    percentage points ("points").
    """

    reading: ErrorKind
    low: float | None = None
    high: float | None = None
    mean: float | None = Field(None, gt=0)
    limit: float | None = Field(None, gt=0)
    choices: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    discrepancy: float | None = Field(None, gt=0)
    scale: Literal["relative", "points"] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = _NEEDED[self.reading]
        for name in ("low", "high", "mean", "limit", "choices", "weights"):
            if (getattr(self, name) in (None, ())) == (name in needed):
                raise ValueError(f'a reading error "{self.reading}" has {", ".join(needed) or "no numbers"}')
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low must lie below high")
        if len(self.choices) != len(self.weights) or (self.weights and abs(sum(self.weights) - 1) > 1e-9):
            raise ValueError("every choice needs a weight, and weights add up to 1")
        if (self.discrepancy is None) != (self.scale is None):
            raise ValueError("discrepancy and scale go together")
        return self

    def __str__(self) -> str:
        """Write it as 'uniform, low 3.35, high 3.45, discrepancy 0.7 points'."""
        ends = [f"{name} {getattr(self, name):g}" for name in ("low", "high", "mean", "limit")
                if getattr(self, name) is not None]
        choices = [f"{choice:g} with weight {weight:g}"
                   for choice, weight in zip(self.choices, self.weights, strict=True)]
        miss = [f"discrepancy {self.discrepancy:g} {self.scale}"] if self.discrepancy else []
        return ", ".join([self.reading, *ends, *choices, *miss])


class Evidence(Record):
    """One figure; the head of the file explains the fields."""

    id: Identifier
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: Text
    period: Period
    region: Identifier
    seed: str = ""
    source: str = ""
    url: Annotated[str, StringConstraints(pattern=r"^(https?://\S+)?$")] = ""
    confidence: Literal["high", "medium", "low"] | None = None
    place: str = ""
    quote: Annotated[str, StringConstraints(max_length=12)] = ""
    multiplier: float = Field(1.0, gt=0)
    derived_from: tuple[Identifier, ...] = ()
    formula: str = ""
    meaning: Words
    reading: Reading
    error: ReadingError | None = None
    role: Role
    summary: str = ""
    mechanism: Annotated[str, StringConstraints(pattern=r"^(M\d+[ab]?)?$")] = ""
    used_by: tuple[Text, ...] = ()
    why_unused: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        rules = (
            ((self.value is None) == (None not in (self.low, self.high)), "has a value, or low and high"),
            (self.low is None or self.high is None or self.low < self.high, "low must lie below high"),
            (bool(self.seed) != bool(self.source), "names either a seed or a source"),
            (not self.seed or bool(self.place), "a figure of a seed needs its place"),
            (bool(self.quote) == (bool(self.seed) and not self.derived_from),
             "a figure printed in a seed has a quote, any other has none"),
            (bool(self.derived_from) == bool(self.formula), "derived_from and formula go together"),
            ((self.role == "fit") == bool(self.summary), "a figure to fit, and no other, names its summary"),
            (self.role != "fit" or self.error is not None, "a figure to fit has a reading error"),
            ((self.role == "context") == bool(self.why_unused),
             "a figure that is only context, and no other, says why it is not used"),
            ((self.role == "context") != bool(self.used_by), "every figure but context says what uses it"),
            (not self.quote or self._stands_in_quote(), f'the value is not in the quote "{self.quote}"'),
        )
        broken = [message for holds, message in rules if not holds]
        if broken:
            raise ValueError("; ".join(broken))
        return self

    def _stands_in_quote(self) -> bool:
        ends = [end for end in (self.value, self.low, self.high) if end is not None]
        printed = [number * self.multiplier for number in quoted_numbers(self.quote)]
        return all(any(abs(number - end) <= 1e-9 * max(1.0, abs(end)) for number in printed) for end in ends)

    @property
    def number(self) -> str:
        """The figure without its unit: '1190', '-18.3', '3-4'."""
        ends = (self.value,) if self.value is not None else (self.low, self.high)
        return "-".join(f"{end:.12g}" for end in ends)


class Seed(Record):
    """One of the five documents the project starts from."""

    file: Text
    title: Words
    publisher: Text
    date: Period


class Summary(Record):
    """A number that a run is compared by: the indicator it reads, when, and the mechanism that must exist."""

    indicator: Identifier
    date: Annotated[str, StringConstraints(pattern=r"^\d{4}Q[1-4]$")]
    mechanism: Annotated[str, StringConstraints(pattern=r"^M\d+[ab]?$")]
    meaning: Words


class EvidenceFile(RecordFile):
    """The whole file."""

    seeds: dict[str, Seed]
    regions: dict[Identifier, Words]
    units: dict[str, Words]
    mechanisms: dict[str, Words]
    summaries: dict[Identifier, Summary]
    records: tuple[Evidence, ...]

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Yield ids that stand twice and names that nothing answers to."""
        known = {record.id for record in self.records}
        seen: set[str] = set()
        for position, record in enumerate(self.records):
            if record.id in seen:
                yield ("records", position, "id"), f'"{record.id}" stands twice'
            seen.add(record.id)
            wanted = (
                ("seed", (record.seed,), self.seeds), ("region", (record.region,), self.regions),
                ("unit", (record.unit,), self.units), ("mechanism", (record.mechanism,), self.mechanisms),
                ("summary", (record.summary,), self.summaries), ("derived_from", record.derived_from, known))
            for field, names, choices in wanted:
                for name in names:
                    if name and name not in choices:
                        near = did_you_mean(name, choices)
                        yield ("records", position, field), f'"{name}" is unknown{near}'

    def amount(self, record: Evidence, language: str = "en") -> str:
        """Return a figure with its unit as one writes it: '1190 firms', '1190家', 'rank 2'."""
        return self.units[record.unit].in_language(language).replace("{}", record.number)


def read_evidence(path: Path, name: str = FILE) -> EvidenceFile:
    """Read an evidence file; `name` is how messages call it. InputError names every problem."""
    return read_records(path, name, EvidenceFile)


@cache
def evidence_file() -> EvidenceFile:
    """Return the shipped evidence with its seeds, regions and summaries."""
    from kechuang.resources import path

    return read_evidence(path(FILE))


@cache
def load_evidence() -> Mapping[str, Evidence]:
    """Return all reported figures by id, in the order of the file."""
    return {record.id: record for record in evidence_file().records}


def load_summaries() -> Mapping[str, Summary]:
    """Return what a run is compared by, by name."""
    return evidence_file().summaries


def load_targets() -> Mapping[str, Target]:
    """Return all targets by id (see `kechuang.targets`)."""
    from kechuang.targets import load_targets as load

    return load()


def trace(identifier: str) -> Trace:
    """Return where a number comes from and what depends on it (see `kechuang.provenance`)."""
    from kechuang.provenance import trace as follow

    return follow(identifier)


def find_evidence(identifier: str) -> Evidence:
    """Return a figure by id; InputError offers the nearest id."""
    records = load_evidence()
    if identifier not in records:
        near = did_you_mean(identifier, records)
        raise InputError(Problem(FILE, message=f'no figure "{identifier}"{near}'))
    return records[identifier]
