"""The settings of a calibration: `calibration/studies/<name>/study.yaml`, whose head in `posterior` explains the fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from kechuang.calibrate.error_model import figure_errors
from kechuang.calibrate.luck import luck_scores
from kechuang.calibrate.proposal import Mixture
from kechuang.calibrate.rows import columns
from kechuang.calibrate.scores import drawn
from kechuang.calibrate.table import Design
from kechuang.datafile import DataFile, Node
from kechuang.errors import did_you_mean
from kechuang.evidence import load_evidence
from kechuang.parameters import CLOSURES, read_prior
from kechuang.priors import Prior

FOLDER = "calibration/studies"
FILE = "study.yaml"
_FIELDS = ("seed", "scale", "figures", "discrepancy", "rows", "proposal", "draws", "checks")
_SEED_LIMIT = 2**40


@dataclass(frozen=True)
class OtherPrior:
    """A prior to try in place of a parameter's own."""

    parameter: str
    prior: Prior

    def __str__(self) -> str:
        return f"{self.parameter} ~ {self.prior}"


@dataclass(frozen=True)
class OtherDate:
    """A quarter to which a figure may belong instead of the one it is read as: `share` is how likely that is."""

    figure: str
    indicator: str
    date: str
    share: float

    @property
    def column(self) -> str:
        """The column of the table that the figure would speak to."""
        return f"{self.indicator}@{self.date}"


@dataclass(frozen=True)
class Checks:
    """How much is checked: synthetic cities, ranks, factors on discrepancies, other priors, other dates of figures."""

    cities: int
    ranks: int
    discrepancy: tuple[float, ...]
    priors: tuple[OtherPrior, ...]
    dates: tuple[OtherDate, ...] = ()
    cities_discrepancy: float = 1.0
    """How much larger the discrepancies of synthetic cities are: exact figures need more rows than a table may have."""


@dataclass(frozen=True)
class Study:
    """A calibration as it is wished for."""

    name: str
    seed: int
    scale: float
    figures: tuple[str, ...]
    discrepancy: float
    pilot: int
    rounds: tuple[int, ...]
    mixture: Mixture
    cut: float
    screen: float
    draws: int
    checks: Checks

    def design(self) -> Design:
        """Return what decides the rows of the table."""
        return Design(
            seed=self.seed,
            dimension=len(drawn()),
            errors=figure_errors(self.figures, self.discrepancy),
            rounds=(self.pilot, *self.rounds),
            mixture=self.mixture,
            closures=CLOSURES,
            cut=self.cut,
            bar=self.screen,
            luck=partial(luck_scores, scale=self.scale),
        )

    def with_rows(self, last: int | None) -> Study:
        """Return the study with so many rows per closure in its last round."""
        return self if last is None else replace(self, rounds=(*self.rounds[:-1], last))


def find_studies() -> Mapping[str, Path]:
    """Return the study files that are shipped, by the name of their folder."""
    from kechuang.resources import find

    folder = find(FOLDER)
    return {file.parent.name: file for file in sorted(folder.glob(f"*/{FILE}"))} if folder else {}


def read_study(path: Path, name: str) -> Study:
    """Read a study file; `name` is how messages call it. InputError names every problem."""
    file = DataFile(path, name)
    fields = file.root.fields(_FIELDS)
    rows = _group(fields, "rows", ("pilot", "rounds"))
    proposal = _group(fields, "proposal", ("defence", "all_figures", "inflation", "candidates", "cut", "screen"))
    share = _number(proposal, "defence", 0.001, 1.0), _number(proposal, "all_figures", 0.0, 1.0)
    if sum(share) > 1.0:
        proposal["all_figures"].problem("together with defence the share is above 1")
    draws = _whole(fields, "draws", len(CLOSURES), 60_000)
    if draws % len(CLOSURES):
        fields["draws"].problem(f"{draws} is not a multiple of {len(CLOSURES)}, one part for each closure")
    study = Study(
        name=path.parent.name,
        seed=_whole(fields, "seed", 0, _SEED_LIMIT - 1),
        scale=_number(fields, "scale", 0.02, 1.0),
        figures=_figures(fields.get("figures")),
        discrepancy=_number(fields, "discrepancy", 0.1, 10.0),
        pilot=_whole(rows, "pilot", 8, 1_000_000),
        rounds=tuple(node.whole(1, 1_000_000) for node in rows["rounds"].elements()) if "rounds" in rows else (),
        mixture=Mixture(*share, _number(proposal, "inflation", 0.5, 10.0), _whole(proposal, "candidates", 1, 100_000)),
        cut=_number(proposal, "cut", 1.0, 10.0),
        screen=_number(proposal, "screen", 1.0, 10.0),
        draws=draws,
        checks=_checks(fields.get("checks")),
    )
    if "rounds" in rows and not study.rounds:
        rows["rounds"].problem("needs at least one round after the pilot")
    file.finish()
    return study


def _figures(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    known = {
        record.summary
        for record in load_evidence().values()
        if record.role == "fit" and record.error is not None and record.error.discrepancy is not None
    }
    names: list[str] = []
    for element in node.elements():
        name = element.text()
        if name not in known:
            element.problem(f'no figure to fit speaks to "{name}"{did_you_mean(name, known)}')
        elif name in names:
            element.problem("stands twice")
        names.append(name)
    if not names:
        node.problem("needs at least one figure")
    return tuple(names)


def _checks(node: Node | None) -> Checks:
    if node is None:
        return Checks(1, 1, (), ())
    fields = node.fields(("cities", "ranks", "discrepancy", "priors"), ("dates", "cities_discrepancy"))
    factors = fields["discrepancy"].numbers(low=0.1, high=10.0) if "discrepancy" in fields else ()
    others = (_other_prior(element) for element in fields["priors"].elements()) if "priors" in fields else ()
    dates = (_other_date(element) for element in fields["dates"].elements()) if "dates" in fields else ()
    return Checks(
        _whole(fields, "cities", 1, 10_000),
        _whole(fields, "ranks", 1, 10_000),
        factors,
        tuple(other for other in others if other is not None),
        tuple(date for date in dates if date is not None),
        _number(fields, "cities_discrepancy", 0.1, 10.0) if "cities_discrepancy" in fields else 1.0,
    )


def _other_prior(node: Node) -> OtherPrior | None:
    fields = node.fields(("parameter", "prior"))
    key = fields["parameter"].text() if "parameter" in fields else ""
    prior = read_prior(fields["prior"]) if "prior" in fields else None
    if key and key not in drawn():
        fields["parameter"].problem(f'"{key}" is no parameter with a prior{did_you_mean(key, drawn())}')
        return None
    return OtherPrior(key, prior) if key and prior else None


def _other_date(node: Node) -> OtherDate | None:
    fields = node.fields(("figure", "indicator", "date", "share"))
    texts = {name: fields[name].text() if name in fields else "" for name in ("figure", "indicator", "date")}
    other = OtherDate(**texts, share=_number(fields, "share", 0.0, 1.0))
    record, whole = load_evidence().get(other.figure), all(texts.values())
    if other.figure and (record is None or record.error is None or record.error.discrepancy is None):
        fields["figure"].problem(f'"{other.figure}" is no figure with a discrepancy{did_you_mean(other.figure, load_evidence())}')
        whole = False
    if whole and other.column not in columns():
        fields["date"].problem(f"the table has no {other.column}{did_you_mean(other.column, columns())}")
        whole = False
    return other if whole else None


def _group(fields: Mapping[str, Node], name: str, known: tuple[str, ...]) -> dict[str, Node]:
    return fields[name].fields(known) if name in fields else {}


def _number(fields: Mapping[str, Node], name: str, low: float, high: float) -> float:
    return fields[name].number(low, high) if name in fields else low


def _whole(fields: Mapping[str, Node], name: str, low: int, high: int) -> int:
    return fields[name].whole(low, high) if name in fields else low
