"""The page itself: builds both languages, renders the template, writes the file and its figures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kechuang.errors import InputError
from kechuang.report import (
    LANGUAGES,
    appendix,
    change,
    first_page,
    money,
    projections,
    structure,
    target_view,
    validation,
)
from kechuang.report.context import Context
from kechuang.report.findings import Findings
from kechuang.report.folder import RunFolder, read_folder
from kechuang.report.sources import Sources

if TYPE_CHECKING:
    from jinja2 import Environment

NAME = "report.html"
FIGURES = "figures"
TAGS = {"en": "en", "zh": "zh-CN"}
_TEMPLATES = Path(__file__).with_name("templates")
_BUILDERS = {
    "answer": first_page.answer, "past": first_page.past, "paths": projections.paths, "closures": projections.closures,
    "ladder": structure.ladder, "sizes": structure.sizes, "places": structure.places, "banks": money.banks,
    "money": money.money, "costs": structure.costs,
    "change": change.change, "reading": target_view.reading, "definitions": appendix.definitions,
    "evidence": appendix.evidence, "parameters": appendix.parameters,
    "validation": validation.validation, "provenance": appendix.provenance,
}
"""Sections in the order of the page; a builder returns None where the run holds nothing to show."""


def build_page(folder: Path, languages: tuple[str, ...] = LANGUAGES) -> Path:
    """Write `report.html` and `figures/*.svg`; the same folder gives the same bytes."""
    unknown = [language for language in languages if language not in LANGUAGES]
    if unknown or not languages:
        raise InputError(f"languages of a report are {' and '.join(LANGUAGES)}, not {', '.join(unknown) or 'none'}")
    run, sources = read_folder(folder), Sources()
    findings = Findings(run, sources)
    contexts = [Context(run, sources, language, shared=findings) for language in dict.fromkeys(languages)]
    html = render(run, contexts)
    _write_figures(folder / FIGURES, {name: text for context in contexts for name, text in context.drawings.items()})
    _write(folder / NAME, html)
    return folder / NAME


def render(run: RunFolder, contexts: list[Context]) -> str:
    """Return the text of the page; the first language is the one it opens in."""
    parts = [_part(run, context, contexts) for context in contexts]
    css = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    text = _environment().get_template("report.html.j2").render(parts=parts, css=Markup(css))
    return text.rstrip() + "\n"


def _part(run: RunFolder, context: Context, contexts: list[Context]) -> dict[str, Any]:
    """Return everything that the template shows in one language."""
    texts, scenario = context.texts, run.scenario
    others = [other.language for other in contexts if other.language != context.language]
    other = others[0] if others else ""
    sections = {name: builder(context) for name, builder in _BUILDERS.items()}
    return {
        "language": context.language, "tag": TAGS[context.language], "texts": texts,
        "other": other, "other_tag": TAGS.get(other, ""),
        "title": texts.pick(scenario.get("title")) or str(scenario.get("name", "")),
        "summary": texts.pick(scenario.get("summary")),
        "run_line": texts("page.run_line", first=run.quarters[0], last=run.quarters[1], draws=run.draws, seed=run.seed),
        "names": [name for name, section in sections.items() if section is not None and name != "answer"], **sections,
    }


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)


def _write_figures(folder: Path, drawings: dict[str, str]) -> None:
    """Write the figures as files of their own; figures of an earlier report that are no longer drawn go."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.svg"):
        if old.name not in drawings:
            old.unlink()
    for name, text in drawings.items():
        _write(folder / name, f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n')


def _write(file: Path, text: str) -> None:
    """Write a file beside its place and rename it, so that nobody ever reads half of it."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text, encoding="utf-8", newline="\n")
    os.replace(beside, file)
