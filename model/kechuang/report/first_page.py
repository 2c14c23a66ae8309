"""The first page: the answer in sentences, the targets with their probabilities, the model against 2020."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from kechuang.report import change, target_view, wording
from kechuang.report.context import Cell, Context, Table
from kechuang.report.figures import LAST_REPORTED
from kechuang.report.sources import KnownFigure
from kechuang.report.summary import ALL_LEVERS, amounts_of, at, closures_in, period_medians
from kechuang.world.indicators import INDICATORS

MAIN_INDICATOR = "high_tech_firms"


def answer(context: Context) -> dict[str, Any]:
    """Return the sentences, notices and targets of the first page."""
    waiting = target_view.waiting(context)
    more = context.link("section-reading", context.texts("section.reading"))
    return {
        "sentences": [sentence for sentence in (_likely(context), *_high_tech(context), _cost(context),
                                                 *change.sentences(context)) if sentence],
        "mode": _mode(context), "notices": _notices(context), "groups": target_view.groups(context),
        "waiting": context.texts("target.waiting", count=waiting, more=more) if waiting else None,
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
    """Return how many of the targets that lie ahead are more likely than not."""
    targets = target_view.ahead(context)
    if not targets:
        return context.texts("answer.no_targets")
    likely = sum(target.probability > 0.5 for target in targets)
    name = "none" if likely == 0 else "all" if likely == len(targets) else "some"
    counts = {"likely": context.link("section-reading", likely), "total": context.link("section-reading", len(targets))}
    return context.texts(f"answer.{name}", **counts)


def _high_tech(context: Context) -> list[Markup]:
    """Return where the number of high-tech firms goes, and how much of that hangs on the closure."""
    frame, texts, key = context.run.indicators, context.texts, MAIN_INDICATOR
    first, last = context.milestones[0], context.milestones[-1]
    spread = at(frame, key, first)
    if not spread.known or not context.reaches(LAST_REPORTED):
        return []
    low, high = (_linked(context, value) for value in (spread.q05, spread.q95))
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
    shown = context.listing([Markup("{}\u00a0{}").format(closure, _linked(context, item.q50))
                             for closure, item in closures.items()])
    sentences.append(texts("answer.later" if decisive else "answer.later_close", when=context.when(last), medians=shown,
                           low=_linked(context, spread.q05), high=context.quantity(spread.q95, key)))
    return sentences


def _linked(context: Context, value: float) -> Markup:
    """Return a number of firms, linked to what it counts."""
    return context.link(f"indicator-{MAIN_INDICATOR}", context.number(value, MAIN_INDICATOR))


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
    cash, forgone = amounts_of(period_medians(costs, ("cash", "forgone_local"), first, last), ALL_LEVERS)
    amounts = {name: context.link("section-costs", wording.rounded(value, 1, context.language))
               for name, value in (("cash", cash), ("forgone", forgone))}
    return context.texts("answer.cost", first=first, last=last, **amounts)


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
