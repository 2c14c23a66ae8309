"""What every section builder has at hand: the run, the shipped sources, one language, links, figures and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from markupsafe import Markup

from kechuang.clock import quarter_index
from kechuang.report import fonts, wording
from kechuang.report.findings import Findings
from kechuang.report.summary import Spread
from kechuang.report.text import Texts
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kechuang.report.folder import RunFolder
    from kechuang.report.sources import Sources

Cell = str | Markup
MILESTONES = ("2026Q4", "2035Q4")


@dataclass(frozen=True)
class Table:
    """A table of a report: the first column names the row; the last `numbers` columns are set as numbers.

    `tight` columns never break their lines; `anchors` are ids of the rows, if anything points to them; `quiet` keeps
    the caption for screen readers only, where a heading above says the same.
    """

    caption: Cell
    columns: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    numbers: int = 0
    tight: Sequence[int] = ()
    anchors: Sequence[str] = ()
    quiet: bool = False
    look: str = ""
    """Name of a style of its own."""


@dataclass(frozen=True)
class Picture:
    """A figure as it stands in the page, with the heading above it and the note below it."""

    svg: Markup
    title: Cell
    note: Cell = ""


class Speech:
    """What every section builder of any page has: one language, the shipped sources, links, numbers, figures.

    Pages of a run and of a comparison add what they show. `drawings` collects the SVG files by name while sections are built.
    """

    sources: Sources
    language: str
    drawings: dict[str, str]

    @cached_property
    def texts(self) -> Texts:
        """The texts in this language."""
        return Texts(self.language)

    def anchor(self, name: str) -> str:
        """Return the id of something in the part of the page that is in this language."""
        return f"{self.language}-{name}"

    def link(self, name: str, label: object) -> Markup:
        """Return a link to something in the part of the page that is in this language."""
        return Markup('<a href="#{}">{}</a>').format(self.anchor(name), label)

    def indicator(self, key: str) -> Markup:
        """Return the name of an indicator, linked to its definition."""
        return self.link(f"indicator-{key}", INDICATORS[key].label(self.language))

    def parameter(self, key: str) -> Markup:
        """Return what a parameter means, linked to its line in the table of parameters."""
        found = self.sources.parameters.get(key)
        if found is None:  # a parameter of an older version
            return Markup("<code>{}</code>").format(key)
        return self.link(f"parameter-{key}", found.meaning.in_language(self.language))

    def status(self, status: str) -> Markup:
        """Return what the figures taught about a parameter: 'identified in A, C' with the closures in the reader's language."""
        where = status.partition(" in ")[2]
        if where:
            return self.texts("learnt.identified in", closures=self.listing(where.split(", ")))
        return self.texts.either(f"learnt.{status}", status)

    def evidence(self, identifier: str, label: object) -> Markup:
        """Return a text linked to the reported figure it comes from."""
        return self.link(f"evidence-{identifier}", label)

    def when(self, quarter: str) -> str:
        """Return a quarter in words."""
        return wording.quarter(quarter, self.language)

    def number(self, value: float, key: str) -> str:
        """Return a projected value of an indicator without its unit."""
        return wording.rounded(value, INDICATORS[key].decimals, self.language)

    def quantity(self, value: float, key: str, linked: bool = True) -> Cell:
        """Return a projected value with its unit, linked to the definition of the indicator."""
        text = wording.quantity(value, key, self.language)
        return self.link(f"indicator-{key}", text) if linked else text

    def spread(self, spread: Spread, key: str) -> str:
        """Return 'median (5 % to 95 %)' of an indicator."""
        if not spread.known:
            return wording.MISSING
        low, middle, high = (self.number(value, key) for value in (spread.q05, spread.q50, spread.q95))
        return self.range_text(middle, low, high)

    def range_text(self, middle: str, low: str, high: str) -> str:
        """Return 'middle (low to high)' in the punctuation of the language."""
        return f"{middle}\uff08{self.interval(low, high)}\uff09" if self.language == "zh" else (
            f"{middle} ({self.interval(low, high)})")

    def interval(self, low: str, high: str) -> str:
        """Return 'low to high'."""
        return f"{low}至{high}" if self.language == "zh" else f"{low} to {high}"

    def listing(self, parts: Sequence[object]) -> Markup:
        """Return parts joined as a list inside a sentence."""
        return Markup("\u3001" if self.language == "zh" else ", ").join(Markup.escape(part) for part in parts)

    def said(self, pairs: Sequence[tuple[str, str]]) -> str:
        """Return 'name: text; name: text' in the punctuation of the language, for alternative texts."""
        colon, semicolon = ("\uff1a", "\uff1b") if self.language == "zh" else (": ", "; ")
        return semicolon.join(f"{name}{colon}{text}" for name, text in pairs)

    def picture(self, name: str, figure: Figure, title: Cell, description: str, note: Cell = "") -> Picture:
        """Keep a figure as a file of the run folder and return it as it goes into the page."""
        text = fonts.svg(figure, self.anchor(name))
        self.drawings[f"{name}.{self.language}.svg"] = text
        plain = Markup(title).striptags() if isinstance(title, Markup) else title
        inline = fonts.inline(text, self.anchor(name), plain, description)
        return Picture(Markup(inline), title, note)


@dataclass
class Context(Speech):
    """One language of the report of one run."""

    run: RunFolder
    sources: Sources
    language: str
    drawings: dict[str, str] = field(default_factory=dict)
    shared: Findings | None = None

    @cached_property
    def findings(self) -> Findings:
        """What would change the answer, the same for all languages."""
        return self.shared or Findings(self.run, self.sources)

    @property
    def last(self) -> str:
        """The last quarter of the run."""
        return self.run.quarters[1]

    @property
    def milestones(self) -> tuple[str, ...]:
        """The dates that are shown: 2026Q4 and 2035Q4 as far as the run reaches, else its last quarter."""
        reached = tuple(quarter for quarter in MILESTONES if self.reaches(quarter))
        return reached or (self.last,)

    @property
    def last_year(self) -> int:
        """The last whole year of the run."""
        return int(self.last[:4]) - (0 if self.last.endswith("4") else 1)

    def reaches(self, quarter: str) -> bool:
        """Whether the run holds this quarter."""
        return quarter_index(self.run.quarters[0]) <= quarter_index(quarter) <= quarter_index(self.last)
