"""The page itself, of a run or of a comparison: builds both languages, renders the template, writes the file and its figures."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kechuang.errors import InputError
from kechuang.report import (
    LANGUAGES,
    appendix,
    change,
    comparison_page,
    first_page,
    money,
    projections,
    structure,
    target_view,
    validation,
)
from kechuang.report.comparison_folder import KIND
from kechuang.report.context import Context, Speech
from kechuang.report.findings import Findings
from kechuang.report.folder import RunFolder, read_folder
from kechuang.report.sources import Sources

if TYPE_CHECKING:
    from jinja2 import Environment

    from kechuang.report.comparison_context import ComparisonContext

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
    chosen = tuple(dict.fromkeys(languages))
    contexts: Sequence[Speech]
    content = _record_bytes(folder)
    record = _kind_of(content)
    if record is not None:
        compared = comparison_page.contexts_of(folder, record, content, chosen)
        contexts, html = compared, render_comparison(compared)
    else:
        run, sources = read_folder(folder), Sources()
        findings = Findings(run, sources)
        ran = [Context(run, sources, language, shared=findings) for language in chosen]
        contexts, html = ran, render(run, ran)
    _write_figures(folder / FIGURES, {name: text for context in contexts for name, text in context.drawings.items()})
    _write(folder / NAME, html)
    return folder / NAME


def _record_bytes(folder: Path) -> bytes:
    file = folder / "record.json"
    return file.read_bytes() if file.is_file() else b""


def _kind_of(content: bytes) -> dict[str, Any] | None:
    """Return the record if it is that of a comparison; what is wrong with another is said where runs are read."""
    try:
        record = json.loads(content)
    except ValueError:
        return None
    return record if isinstance(record, dict) and record.get("kind") == KIND else None


def render(run: RunFolder, contexts: list[Context]) -> str:
    """Return the text of the page of a run; the first language is the one it opens in."""
    return _render([_frame(context, contexts) | _part(run, context) for context in contexts], "article.html.j2")


def render_comparison(contexts: list[ComparisonContext]) -> str:
    """Return the text of the page of a comparison; the first language is the one it opens in."""
    parts = [_frame(context, contexts) | comparison_page.part(context) for context in contexts]
    return _render(parts, comparison_page.ARTICLE)


def _render(parts: list[dict[str, Any]], article: str) -> str:
    css = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    text = _environment().get_template("report.html.j2").render(parts=parts, css=Markup(css), article=article)
    return text.rstrip() + "\n"


def _frame(context: Speech, contexts: Sequence[Speech]) -> dict[str, Any]:
    """Return the language of a part of the page and the other one that it links to."""
    others = [other.language for other in contexts if other.language != context.language]
    other = others[0] if others else ""
    return {"language": context.language, "tag": TAGS[context.language], "texts": context.texts,
            "other": other, "other_tag": TAGS.get(other, "")}


def _part(run: RunFolder, context: Context) -> dict[str, Any]:
    """Return everything that the template shows of a run in one language."""
    texts, scenario = context.texts, run.scenario
    sections = {name: builder(context) for name, builder in _BUILDERS.items()}
    return {
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
