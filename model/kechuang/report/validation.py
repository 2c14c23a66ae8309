"""How far the model is to be trusted: calibration, stylised facts, transfer and frozen forecast in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from kechuang.report import wording
from kechuang.report.context import Cell, Context
from kechuang.report.studies import ENOUGH, Calibration, status_word


def validation(context: Context) -> dict[str, Any]:
    """Return the verdicts as pairs of what was checked and what came out."""
    return {"facts": [(context.texts(f"validation.{name}"), text) for name, text in _verdicts(context)]}


def _verdicts(context: Context) -> Iterator[tuple[str, Cell]]:
    texts, studies = context.texts, context.sources.studies
    if studies.calibration is None:
        yield "calibration", texts("validation.not_calibrated")
    else:
        yield from _calibration(context, studies.calibration)
    yield "stylised", _facts(context)
    yield "transfer", _transfers(context)
    yield "forecast", _forecast(context)


def _calibration(context: Context, found: Calibration) -> Iterator[tuple[str, Cell]]:
    from kechuang.parameters import parameters_hash

    texts = context.texts
    made = [texts("validation.made", date=found.date, figures=found.figures, rows=_count(context, found.rows)),
            texts("validation.used" if context.run.parameters == "posterior" else "validation.not_used")]
    if found.scale != 1.0:
        made.append(texts("validation.trial", scale=wording.percent(found.scale, context.language)))
    if found.parameters_hash != parameters_hash():
        made.append(texts("validation.stale"))
    yield "calibration", _joined(context, made)
    enough = texts("validation.enough" if found.effective >= ENOUGH else "validation.too_few", bar=_count(context, ENOUGH))
    yield "effective", texts("validation.size", size=_count(context, found.effective), verdict=enough)
    words = [status_word(status) for status in found.statuses.values()]
    counts = {word: words.count(word) for word in ("learnt", "partly", "prior")}
    yield "parameters", texts("validation.statuses", total=len(words), **counts)
    yield "figures", _held(context, found.figures, found.outside, "fitted")
    yield "left_out", _held(context, found.left_out, found.not_predicted, "predicted")


def _held(context: Context, total: int, outside: Sequence[str], name: str) -> Markup:
    """Return how many figures lie inside their interval, and the names of those that do not."""
    texts = context.texts
    held = texts(f"validation.{name}", inside=total - len(outside), total=total)
    if not outside:
        return held
    names = context.listing([_figure(context, summary) for summary in outside])
    return Markup("{} {}").format(held, texts("validation.outside", names=names))


def _figure(context: Context, summary: str) -> Cell:
    """Return what a fitted figure counts, linked to it."""
    record = next((record for record in context.sources.evidence.values() if record.summary == summary), None)
    return summary if record is None else context.evidence(record.id, context.sources.summary_name(summary, context.language))


def _facts(context: Context) -> Cell:
    found, texts = context.sources.studies.facts, context.texts
    if found is None:
        return texts("validation.not_made")
    kind = texts.either(f"parameter_set.{found.parameters}", found.parameters)
    return texts("validation.passed", passed=found.passed, judged=found.judged, runs=_count(context, found.runs), kind=kind)


def _transfers(context: Context) -> Cell:
    from kechuang.city import load_city

    texts, found = context.texts, context.sources.studies.transfers
    if not found:
        return texts("validation.not_made")
    return Markup("<br>").join(
        texts("validation.verdict", city=load_city(one.city).name.in_language(context.language),
              verdict=texts.either(f"verdict.{one.verdict}", one.verdict)) for one in found)


def _forecast(context: Context) -> Cell:
    found, texts = context.sources.studies.forecast, context.texts
    if found is None:
        return texts("validation.not_made")
    kind = texts.either(f"parameter_set.{found.parameters}", found.parameters)
    return texts("validation.forecast_made", date=found.date, draws=_count(context, found.draws), kind=kind)


def _joined(context: Context, parts: Sequence[Markup]) -> Markup:
    return Markup("" if context.language == "zh" else " ").join(parts)


def _count(context: Context, number: float) -> str:
    return wording.number(number, 0, context.language)
