"""The page of a comparison: its parts in both languages, from the folder of the comparison alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kechuang.report import appendix, comparison_answer, comparison_sections, comparison_split
from kechuang.report.comparison_context import ComparisonContext
from kechuang.report.comparison_folder import read_comparison
from kechuang.report.sources import Sources

ARTICLE = "comparison.html.j2"
_BUILDERS = {
    "answer": comparison_answer.answer, "differences": comparison_sections.differences, "costs": comparison_sections.costs,
    "orders": comparison_sections.orders, "flows": comparison_split.flows, "shares": comparison_split.shares,
    "plans": comparison_sections.plans, "definitions": appendix.definitions, "provenance": comparison_sections.provenance,
}
"""Sections in the order of the page; a builder returns None where the comparison holds nothing to show."""


def contexts_of(folder: Path, record: Mapping[str, Any], content: bytes, languages: tuple[str, ...]) -> list[ComparisonContext]:
    """Return the comparison in each of these languages; InputError names every file of the folder that cannot be used."""
    found, sources = read_comparison(folder, record, content), Sources()
    return [ComparisonContext(found, sources, language) for language in languages]


def part(context: ComparisonContext) -> dict[str, Any]:
    """Return what the template shows in one language."""
    found, texts = context.found, context.texts
    sections = {name: builder(context) for name, builder in _BUILDERS.items()}
    return {
        "title": texts.plain("compare.title", base=context.plain_title(found.base),
                             others=context.listing([context.plain_title(one) for one in found.others])),
        "summary": texts("compare.summary"),
        "run_line": texts("compare.run_line", draws=found.draws, seed=found.record["seed"], last=found.record["until"]),
        "names": [name for name, section in sections.items() if section is not None and name != "answer"], **sections,
    }
