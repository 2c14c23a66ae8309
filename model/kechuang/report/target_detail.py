"""When each target is reached, if ever, and what the spread of it is made of: closure, parameters and luck."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from kechuang.report import wording
from kechuang.report.context import Cell, Context, Table

if TYPE_CHECKING:
    from kechuang.report.folder import SpreadResult, TargetResult


def detail(context: Context) -> Table | None:
    """Return a row per judged target: share of draws that ever stand there, expected quarter, and the parts of its variance."""
    texts = context.texts
    chosen = [target for target in context.run.targets if target.kind == "target" and target.closure == "all" and target.judged]
    if not chosen:
        return None
    rows: list[list[Cell]] = [[_title(context, target), _ever(context, target), _first(context, target),
                               *_parts(context, context.run.spreads.get(target.id))] for target in chosen]
    columns = [texts(f"detail.{name}") for name in ("target", "ever", "first", "closure", "parameters", "luck")]
    return Table(texts("detail.caption"), columns, rows, numbers=5)


def _title(context: Context, target: TargetResult) -> Markup:
    title = context.link(f"target-{target.id}", wording.unbroken(context.texts.pick(target.title)))
    return Markup('{} <span class="date">{}</span>').format(title, context.when(target.date))


def _ever(context: Context, target: TargetResult) -> str:
    return wording.percent(target.ever, context.language) if math.isfinite(target.ever) else wording.MISSING


def _first(context: Context, target: TargetResult) -> str:
    """Return the median of the first quarters of the draws that get there."""
    return context.when(target.first_quarter) if target.first_quarter else wording.MISSING


def _parts(context: Context, found: SpreadResult | None) -> list[Cell]:
    """Return the shares of closure, parameters and luck; where luck cannot be told apart, the two together."""
    if found is None or not math.isfinite(found.closure):
        return [wording.MISSING] * 3
    closure = wording.percent(found.closure, context.language)
    if math.isfinite(found.luck):
        return [closure, *(wording.percent(share, context.language) for share in (found.parameters, found.luck))]
    together = context.texts("detail.together", share=wording.percent(found.within, context.language))
    return [closure, together, ""]
