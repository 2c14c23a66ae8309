"""The first page: the answer in sentences, the targets with their probabilities, the model against 2020."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from kechuang.report import wording
from kechuang.report.context import Cell, Context, Table
from kechuang.report.figures import LAST_REPORTED
from kechuang.report.folder import TargetResult
from kechuang.report.sources import KnownFigure
from kechuang.report.summary import at, closures_in, period_totals
from kechuang.world.indicators import INDICATORS

MAIN_INDICATOR = "high_tech_firms"


def answer(context: Context) -> dict[str, Any]:
    """Return the sentences, notices and targets of the first page."""
    return {
        "sentences": [sentence for sentence in (_likely(context), *_high_tech(context), _cost(context)) if sentence],
        "mode": _mode(context), "notices": _notices(context), "groups": _groups(context),
        "unjudged": _unjudged(context),
        "closures": closures_in(context.run.indicators),
    }


def past(context: Context) -> dict[str, Any]:
    """Return the table that sets the run beside the reported figures up to 2020."""
    texts = context.texts
    rows = [row for figure in context.sources.known_figures if (row := _past_row(context, figure))]
    columns = [texts(f"past.{name}") for name in ("figure", "used", "reported", "run", "prior", "rank")]
    return {
        "table": Table(texts("past.caption"), columns, rows, numbers=4),
        "prior_known": bool(context.sources.prior_predictive),
    }


def _mode(context: Context) -> dict[str, Cell] | None:
    """Return which kind of parameters the run used and what its bands therefore show."""
    kind, texts = context.run.parameters, context.texts
    if not texts.has(f"mode.{kind}"):
        return None
    return {"title": texts(f"mode.{kind}"), "more": texts(f"mode.{kind}_more")}


def _notices(context: Context) -> list[Markup]:
    """Return what a reader must know before quoting a number of this run."""
    texts, run = context.texts, context.run
    notices = []
    if run.scale != 1.0:
        share = wording.with_unit(wording.number(100 * run.scale, 0 if run.scale >= 0.01 else 2), "%", context.language)
        notices.append(texts("page.small_city", scale=share))
    if run.missing:
        notices.append(texts("page.missing", files=context.listing(run.missing)))
    changed = context.sources.changed_since(run.record)
    if changed:
        notices.append(texts("page.changed", files=context.listing(changed)))
    return notices


def _likely(context: Context) -> Markup:
    """Return how many targets that still lie ahead of the figures are more likely than not."""
    ahead = [target for target in _mixed(context, "target") if target.judged and target.date > LAST_REPORTED]
    if not ahead:
        return context.texts("answer.no_targets")
    likely = sum(target.probability > 0.5 for target in ahead)
    name = "none" if likely == 0 else "all" if likely == len(ahead) else "some"
    return context.texts(f"answer.{name}", likely=likely, total=len(ahead))


def _mixed(context: Context, *kinds: str) -> list[TargetResult]:
    """Return the rows of targets that mix all closures, of these kinds."""
    return [target for target in context.run.targets if target.closure == "all" and target.kind in kinds]


def _high_tech(context: Context) -> list[Markup]:
    """Return where the number of high-tech firms goes, and how much of that hangs on the closure."""
    frame, texts, key = context.run.indicators, context.texts, MAIN_INDICATOR
    first, last = context.milestones[0], context.milestones[-1]
    spread = at(frame, key, first)
    if not spread.known or not context.reaches(LAST_REPORTED):
        return []
    low, high = context.number(spread.q05, key), context.number(spread.q95, key)
    sentences = [texts("answer.high_tech", start=_reported_start(context), when=context.when(first), low=low, high=high,
                       middle=context.quantity(spread.q50, key))]
    if last == first:
        return sentences
    spread = at(frame, key, last)
    closures = {closure: at(frame, key, last, closure) for closure in closures_in(frame)}
    medians = [item.q50 for item in closures.values()]
    # Only where parameters are held at one point is the width inside a closure nothing but luck.
    within = sum(item.q95 - item.q05 for item in closures.values()) / len(closures)
    decisive = context.run.parameters == "provisional" and max(medians) - min(medians) > within
    shown = context.listing([f"{closure}\u00a0{context.number(item.q50, key)}" for closure, item in closures.items()])
    sentences.append(texts("answer.later" if decisive else "answer.later_close", when=context.when(last), medians=shown,
                           low=context.number(spread.q05, key), high=context.quantity(spread.q95, key)))
    return sentences


def _reported_start(context: Context) -> Cell:
    """Return the reported count of the end of 2020, linked to its source, or the median of the run."""
    for figure in context.sources.known_figures:
        if figure.indicator == MAIN_INDICATOR and figure.quarter == LAST_REPORTED:
            text = wording.quantity(figure.value, MAIN_INDICATOR, context.language, exact=True)
            return context.evidence(figure.evidence.id, text)
    return context.quantity(at(context.run.indicators, MAIN_INDICATOR, LAST_REPORTED).q50, MAIN_INDICATOR)


def _cost(context: Context) -> Markup | None:
    costs = context.run.costs
    first, last = 2021, int(context.last[:4])
    if costs is None or last < first:
        return None
    cash, forgone = (float(period_totals(costs, kind, first, last).sum(axis=1).median())
                     for kind in ("cash", "forgone_local"))
    amounts = {name: context.link("section-costs", wording.rounded(value, 1, context.language))
               for name, value in (("cash", cash), ("forgone", forgone))}
    return context.texts("answer.cost", first=first, last=last, **amounts)


def _groups(context: Context) -> list[dict[str, Any]]:
    """Return the targets that this version can judge, by group in the order of the file, joint ones last."""
    found: dict[str, list[dict[str, Any]]] = {}
    for target in _mixed(context, "target", "joint"):
        if target.judged:
            found.setdefault(target.group, []).append(_target_row(context, target))
    return [{"title": _group_title(context, group), "rows": rows} for group, rows in found.items()]


def _unjudged(context: Context) -> list[tuple[str, Markup]]:
    """Return the targets that this version cannot judge, each with the reason."""
    return [(context.texts.pick(target.title), _reason(context, target.status))
            for target in _mixed(context, "target") if not target.judged]


def _reason(context: Context, status: str) -> Markup:
    """Return why a target is not judged, its first words in the language of the reader."""
    words, _, detail = status.partition(": ")
    key = f"status.{words}"
    return context.texts(key, detail=detail) if context.texts.has(key) else Markup.escape(status)


def _group_title(context: Context, group: str) -> str:
    title = context.sources.target_groups.get(group)
    return group if title is None else title.in_language(context.language)


def _target_row(context: Context, target: TargetResult) -> dict[str, Any]:
    texts = context.texts
    declared = context.sources.targets.get(target.id)
    remarks = [_alternative(context, other) for other in _mixed(context, "alternative")
               if other.id.partition("/")[0] == target.id and other.judged]
    if declared is not None and declared.proxy is not None:
        remarks.append(texts("target.proxy", proxy=declared.proxy.in_language(context.language)))
    if declared is not None and declared.analyst:
        remarks.append(texts("target.analyst"))
    return {
        "title": texts.pick(target.title), "condition": _condition(context, target), "remarks": remarks,
        "source": None if declared is None else context.evidence(declared.source, texts("target.source")),
        "words": wording.probability(target.probability, context.run.draws, context.language),
        "tenths": wording.tenths(target.probability), "number": _probability_number(context, target),
        "closures": _by_closure(context, target), "gap": _gap(context, target),
    }


def _alternative(context: Context, target: TargetResult) -> Markup:
    """Return another reading of a target with its probability, as a remark."""
    words = wording.probability(target.probability, context.run.draws, context.language)
    return context.texts("target.alternative", condition=_condition(context, target), words=words,
                         number=wording.number(target.probability, 2, context.language))


def _condition(context: Context, target: TargetResult) -> Markup:
    """Return what has to hold, with the indicator linked: 'High-tech firms ≥ 2,380, by the end of 2025'."""
    texts, language = context.texts, context.language
    if target.kind == "joint":
        return texts("target.joint", date=context.when(target.date))
    known = target.indicator in INDICATORS
    name = context.indicator(target.indicator) if known else Markup.escape(target.indicator)
    amount = wording.with_unit(wording.condition(target.operation, target.threshold, 2, language),
                               wording.unit_name(target.unit, language), language)
    condition = Markup("{} {}").format(name, amount)
    if target.basis != "level":
        kind, base = target.basis.split(" ", 1)[0], target.basis.rsplit(" ", 1)[-1]
        condition = texts(f"target.{kind}", name=name, amount=amount, quarter=context.when(base))
    return texts("target.by", condition=condition, date=context.when(target.date))


def _probability_number(context: Context, target: TargetResult) -> str:
    """Return the probability with its Monte-Carlo error: '0.31 ± 0.05'."""
    value = wording.number(target.probability, 2, context.language)
    return f"{value} ± {wording.number(target.error, 2, context.language)}" if math.isfinite(target.error) else value


def _by_closure(context: Context, target: TargetResult) -> list[tuple[str, str]]:
    """Return the probability under each closure."""
    return [(other.closure, wording.number(other.probability, 2, context.language)) for other in context.run.targets
            if other.id == target.id and other.closure != "all" and other.judged]


def _gap(context: Context, target: TargetResult) -> str:
    low, middle, high = target.shortfall
    if not math.isfinite(middle):
        return ""
    known = INDICATORS.get(target.indicator)
    decimals = min(known.decimals, 2) if known and target.basis == "level" else 2
    return context.range_text(*(wording.rounded(value, decimals, context.language) for value in (middle, low, high)))


def _past_row(context: Context, figure: KnownFigure) -> list[Cell] | None:
    """Return one line of the comparison with 2020, or None where the run does not reach the figure's date."""
    if not context.reaches(figure.quarter):
        return None
    language, key = context.language, figure.indicator
    spread = at(context.run.indicators, key, figure.quarter)
    prior = context.sources.prior_predictive.get(figure.study)
    label = Markup("{} <span class=\"date\">{}</span>").format(
        context.indicator(key), _past_date(figure, language))
    decimals = INDICATORS[key].decimals

    def write(value: float) -> str:
        return wording.number(value, min(decimals, 2), language)

    reported = wording.number(figure.value, _decimals(figure.value), language)
    if figure.evidence.reading == "at least":
        reported = f"≥\u00a0{reported}"
    before = wording.MISSING if prior is None else " / ".join(map(write, (prior.q05, prior.q50, prior.q95)))
    rank = wording.MISSING if prior is None else wording.number(prior.rank, 2, language)
    return [label, context.texts(f"role.{figure.evidence.role}"), context.evidence(figure.evidence.id, reported),
            context.range_text(write(spread.q50), write(spread.q05), write(spread.q95)), before, rank]


def _past_date(figure: KnownFigure, language: str) -> str:
    year, ordinal = figure.quarter[:4], figure.quarter[-1]
    if INDICATORS[figure.indicator].kind == "stock" or ordinal != "4":
        return wording.quarter(figure.quarter, language)
    return f"{year}年" if language == "zh" else year


def _decimals(value: float) -> int:
    """Return how many digits after the point a printed figure has, two at most."""
    return next((digits for digits in (0, 1) if abs(value - round(value, digits)) < 1e-9), 2)
