"""The targets as they are shown: the judged ones on the first page, and how each of them was read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kechuang.report import wording
from kechuang.report.context import Cell, Context, Table
from kechuang.report.figures import LAST_REPORTED
from kechuang.report.folder import TargetResult
from kechuang.report.target_detail import detail
from kechuang.report.wording import unbroken
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    from kechuang.targets import Target


def ahead(context: Context) -> list[TargetResult]:
    """Return the judged targets that still lie ahead of the figures, closures mixed."""
    return [target for target in _mixed(context, "target") if target.judged and target.date > LAST_REPORTED]


def groups(context: Context) -> list[dict[str, Any]]:
    """Return the targets that this version can judge, by group in the order of the file, joint ones last."""
    found: dict[str, list[dict[str, Any]]] = {}
    for target in _mixed(context, "target", "joint"):
        if target.judged:
            found.setdefault(target.group, []).append(_row(context, target))
    return [{"title": _group_title(context, group), "rows": rows} for group, rows in found.items()]


def waiting(context: Context) -> int:
    """Return how many targets this version cannot judge."""
    return sum(not target.judged for target in _mixed(context, "target"))


def reading(context: Context) -> dict[str, Any] | None:
    """Return the table that says how every target was read, or None where the run has no targets."""
    texts = context.texts
    chosen = _mixed(context, "target")
    if not chosen:
        return None
    rows: list[list[Cell]] = [
        [unbroken(texts.pick(target.title)), _condition(context, target), _notes(context, target), _others(context, target),
         _result(context, target)] for target in chosen]
    columns = [texts(f"reading.{name}") for name in ("target", "counted", "notes", "others", "result")]
    anchors = [context.anchor(f"target-{target.id}") for target in chosen]
    return {"table": Table(texts("section.reading"), columns, rows, anchors=anchors, quiet=True), "detail": detail(context)}


def _mixed(context: Context, *kinds: str) -> list[TargetResult]:
    """Return the rows of targets that mix all closures, of these kinds."""
    return [target for target in context.run.targets if target.closure == "all" and target.kind in kinds]


def _group_title(context: Context, group: str) -> str:
    title = context.sources.target_groups.get(group)
    return group if title is None else title.in_language(context.language)


def _row(context: Context, target: TargetResult) -> dict[str, Any]:
    return {
        "title": unbroken(context.texts.pick(target.title)), "condition": _condition(context, target),
        "tags": _tags(context, target),
        "words": wording.probability(target.probability, context.run.draws, context.language),
        "tenths": wording.tenths(target.probability), "number": _number(context, target),
        "closures": [(other.closure, wording.number(other.probability, 2, context.language))
                     for other in context.run.targets
                     if other.id == target.id and other.closure != "all" and other.judged],
        "gap": _gap(context, target),
    }


def _tags(context: Context, target: TargetResult) -> list[tuple[str, Markup]]:
    """Return the words of warning that belong beside a target, by name, linked to how it was read."""
    declared = context.sources.targets.get(target.id)
    if declared is None:
        return []
    names = [name for name, holds in (("proxy", declared.qualitative), ("ours", declared.analyst)) if holds]
    return [(name, context.link(f"target-{target.id}", context.texts(f"target.tag_{name}"))) for name in names or ["read"]]


def _number(context: Context, target: TargetResult) -> str:
    """Return the probability with its Monte-Carlo error: '0.31 ± 0.05'."""
    value = wording.number(target.probability, 2, context.language)
    return f"{value} ± {wording.number(target.error, 2, context.language)}" if math.isfinite(target.error) else value


def _gap(context: Context, target: TargetResult) -> str:
    low, middle, high = target.shortfall
    if not math.isfinite(middle):
        return ""
    known = INDICATORS.get(target.indicator)
    decimals = min(known.decimals, 2) if known and target.basis == "level" else 2
    return context.range_text(*(wording.rounded(value, decimals, context.language) for value in (middle, low, high)))


def _condition(context: Context, target: TargetResult) -> Markup:
    """Return what has to hold, with the indicator linked: 'High-tech firms ≥ 2,380, end of 2025'."""
    texts = context.texts
    if target.kind == "joint":
        return texts("target.joint", date=context.when(target.date), members=context.listing(_members(context, target)))
    known = target.indicator in INDICATORS
    name = context.indicator(target.indicator) if known else Markup("<code>{}</code>").format(target.indicator)
    amount = _amount(context, target)
    condition = Markup("{} {}").format(name, amount)
    if target.basis != "level":
        kind, base = target.basis.split(" ", 1)[0], target.basis.rsplit(" ", 1)[-1]
        condition = texts(f"target.{kind}", name=name, amount=amount, quarter=context.when(base))
    return texts("target.by", condition=condition, date=context.when(target.date))


def _members(context: Context, event: TargetResult) -> list[str]:
    """Return the titles of the targets that a joint event asks for, as far as the run has them."""
    found = context.sources.targets
    return [unbroken(context.texts.pick(target.title)) for target in _mixed(context, "target")
            if target.id in found and found[target.id].event == event.id]


def _amount(context: Context, target: TargetResult) -> Markup:
    unit = "times" if target.basis.startswith("ratio") else target.unit
    amount = wording.with_unit(wording.condition(target.operation, target.threshold, 2, context.language),
                               wording.unit_name(unit, context.language), context.language)
    # Chinese may break anywhere, so also inside a number and before its unit.
    return Markup('<span class="amount">{}</span>').format(amount)


def _notes(context: Context, target: TargetResult) -> Markup:
    """Return what stands in for words, who set the threshold, and the remark of the target file."""
    declared = context.sources.targets.get(target.id)
    if declared is None:
        return Markup("")
    texts, language = context.texts, context.language
    parts: list[Cell] = []
    if declared.proxy is not None:
        parts.append(texts("reading.proxy", proxy=declared.proxy.in_language(language)))
    if declared.analyst:
        parts.append(texts("reading.ours"))
    if declared.remark is not None:
        parts.append(declared.remark.in_language(language))
    parts.append(_source(context, declared))
    return Markup("<br>").join(Markup.escape(part) for part in parts)


def _source(context: Context, declared: Target) -> Markup:
    """Return the figures that name the target and give its number, linked."""
    names = dict.fromkeys(name for name in (declared.source, declared.threshold_source) if name in context.sources.evidence)
    return context.texts("reading.source", source=context.listing([context.evidence(name, name) for name in names]))


def _others(context: Context, target: TargetResult) -> Markup:
    """Return the probability under other readings of a target."""
    lines = []
    for other in _mixed(context, "alternative"):
        if other.id.partition("/")[0] == target.id:
            lines.append(Markup("{} \u2192 {}").format(_condition(context, other), _result(context, other)))
    return Markup("<br>").join(lines)


def _result(context: Context, target: TargetResult) -> Markup:
    """Return the probability in words and as a number, or why there is none."""
    if not target.judged:
        words, _, detail = target.status.partition(": ")
        key = f"status.{words}"
        return context.texts(key, detail=detail) if context.texts.has(key) else Markup.escape(target.status)
    words = wording.probability(target.probability, context.run.draws, context.language)
    return Markup("{} ({})").format(words, wording.number(target.probability, 2, context.language))
