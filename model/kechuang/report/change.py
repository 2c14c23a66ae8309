"""What would change the answer: the unknowns it hangs on, the figures to ask for, and what no figure can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kechuang.analyse.figure_worth import LATER, PAST, PLAIN_ERROR, average_worth, best
from kechuang.analyse.influence import CLOSURE, average_shares
from kechuang.report import wording
from kechuang.report.context import Cell, Context, Table
from kechuang.report.studies import status_word
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kechuang.analyse.figure_worth import Candidate, Worth
    from kechuang.analyse.influence import Influence, Unknown
    from kechuang.targets import Target

QUESTIONS = ("policy", "curve", "ladder", "bonus", "reported", "renewal", "corridor", "places")
_MOST_PARAMETERS, _MOST_FIGURES = 4, 2
"""How many are named for a target."""
_MOST_NEAR, _ALONE = 5, 0.01
"""How many near misses are named, and the chance below which one would stand out if it were the only one looked at."""


def sentences(context: Context) -> list[Markup]:
    """Return the two sentences of the first page: what the answer hangs on, and which figure to ask for."""
    if not context.findings.influences:
        return []
    return [_hangs(context), _ask(context)]


def change(context: Context) -> dict[str, Any]:
    """Return the tables of unknowns and of figures, the open questions, and the parameters by what is known of them."""
    findings, texts = context.findings, context.texts
    tables = []
    if findings.influences:
        tables = [
            {"title": texts("change.unknowns_title"), "lead": _unknowns_lead(context), "table": _unknowns_table(context),
             "note": _unknowns_note(context)},
            {"title": texts("change.figures_title"), "lead": _figures_lead(context), "table": _figures_table(context),
             "note": texts("change.figures_note")},
        ]
    return {"tables": tables, "questions": [context.texts(f"unknown.{name}") for name in QUESTIONS], "lists": _lists(context)}


def unknown_name(context: Context, key: str) -> Markup:
    """Return the name of an unknown, linked to where it is explained."""
    if key == CLOSURE:
        return context.link("section-closures", context.texts("change.closure"))
    return context.parameter(key)


# The sentences ---------------------------------------------------------------------------------------------


def _hangs(context: Context) -> Markup:
    texts, meant = context.texts, context.findings.meant
    ranked = average_shares([one for one in context.findings.influences if one.target in meant])
    if not ranked:
        return texts("answer.hangs_none", draws=_count(context, context.findings.different))
    shown = [(_marked(context, key), context.link("section-change", _percent(context, share))) for key, share in ranked[:2]]
    values = {"name": shown[0][0], "share": shown[0][1], "over": _over(context)}
    if not context.findings.vectors.parameters:
        return texts("answer.hangs_closure", **values)
    if len(shown) == 1:
        return texts("answer.hangs", **values)
    return texts("answer.hangs_two", **values, other=shown[1][0], second=shown[1][1])


def _marked(context: Context, key: str) -> Markup:
    """Return the name of an unknown with what the figures taught about it."""
    name, status = unknown_name(context, key), context.sources.studies.status(context.run, key)
    return context.texts("change.marked", name=name, status=context.status(status)) if status else name


def _over(context: Context) -> Markup:
    """Return over which targets the sentences of the first page are averages."""
    open_ones = context.findings.open
    return context.texts("answer.over_open" if open_ones else "answer.over_all", count=len(open_ones or context.findings.meant))


def _ask(context: Context) -> Markup:
    """Return the figure that would narrow the targets most, and the best one of the years before 2020."""
    texts, meant = context.texts, context.findings.meant
    found = [worth for worth in context.findings.worths if worth.target in meant]
    every, past = average_worth(found, (*PAST, *LATER)), average_worth(found, PAST)
    if not every:
        return texts("answer.ask_none", draws=_count(context, context.findings.different))
    values = _asked(context, *every[0])
    if every[0][1] in PAST or not past:
        return texts("answer.ask", **values)
    other = _asked(context, *past[0])
    return texts("answer.ask_two", **values, earlier=other["figure"], least=other["share"])


def _asked(context: Context, candidate: Candidate, quarter: str, share: float) -> dict[str, Markup]:
    return {"figure": _figure(context, candidate, quarter), "office": context.texts(f"office.{candidate.office}"),
            "share": context.link("section-change", _percent(context, share))}


# The unknowns ----------------------------------------------------------------------------------------------


def _unknowns_lead(context: Context) -> Markup:
    texts, found = context.texts, context.findings.influences
    tests = sum(len(one.unknowns) for one in found)
    values = {"tests": _count(context, tests), "draws": _count(context, context.findings.different)}
    name = "unknowns_lead" if context.findings.vectors.parameters else "unknowns_closure"
    return texts(f"change.{name}", **values)


def _unknowns_table(context: Context) -> Table:
    texts = context.texts
    shown = ["by_closure"]
    if context.findings.vectors.parameters:
        shown.append("by_parameters")
    if context.run.luck:
        shown.append("by_luck")
    moved = {one.target: one for one in context.findings.influences}
    rows: list[list[Cell]] = []
    for target in context.findings.targets:
        one = moved.get(target.id)
        cells = {"by_closure": _closure(context, one), "by_parameters": _parameters(context, one),
                 "by_luck": _luck(context, target.id)}
        rows.append([_target(context, target), *(cells[name] for name in shown)])
    columns = [texts(f"change.{name}") for name in ("target", *shown)]
    return Table(texts("change.unknowns_title"), columns, rows, quiet=True)


def _unknowns_note(context: Context) -> Markup:
    """Return how to read the table, and which unknowns came nearest to being named in it."""
    note, near = context.texts("change.unknowns_note"), near_misses(context.findings.influences)
    if not near:
        return note
    titles = {target.id: target for target in context.findings.targets}
    named = [context.texts("change.near_one", name=unknown_name(context, unknown.key), target=_target(context, titles[name]),
                           chance=wording.number(unknown.p_value, 4 if unknown.p_value < 0.001 else 3, context.language))
             for name, unknown in near if name in titles]
    return Markup("{} {}").format(note, context.texts("change.near", names=context.listing(named)))


def near_misses(found: Sequence[Influence]) -> list[tuple[str, Unknown]]:
    """Return the pairs of target and unknown that would pass alone but not among all that were looked at, the nearest first."""
    missed = [(one.target, unknown) for one in found for unknown in one.unknowns if not unknown.clear and unknown.p_value < _ALONE]
    return sorted(missed, key=lambda pair: (pair[1].p_value, pair[0], pair[1].key))[:_MOST_NEAR]


def _target(context: Context, target: Target) -> Markup:
    """Return a target's title and date, linked to how it was read."""
    title = context.link(f"target-{target.id}", target.title.in_language(context.language))
    return Markup('{} <span class="date">{}</span>').format(title, context.when(target.date))


def _closure(context: Context, one: Influence | None) -> Cell:
    if one is None:
        return context.texts("change.fixed")
    found = next((unknown for unknown in one.clear if unknown.key == CLOSURE), None)
    return wording.MISSING if found is None else _percent(context, found.share)


def _parameters(context: Context, one: Influence | None) -> Cell:
    found = [unknown for unknown in one.clear if unknown.key != CLOSURE] if one else []
    if not found:
        return wording.MISSING
    return Markup("<br>").join(_parameter(context, unknown) for unknown in found[:_MOST_PARAMETERS])


def _parameter(context: Context, unknown: Unknown) -> Markup:
    """Return one parameter with direction, share, interval and what the figures taught about it."""
    status = context.sources.studies.status(context.run, unknown.key)
    learnt = context.texts("change.status", status=context.status(status)) if status else Markup("")
    return context.texts(
        "change.parameter", name=unknown_name(context, unknown.key), sign="+" if unknown.sign > 0 else "−", status=learnt,
        share=_percent(context, unknown.share), interval=_interval(context, unknown.low, unknown.high))


def _luck(context: Context, target: str) -> str:
    return _percent(context, context.run.luck[target]) if target in context.run.luck else wording.MISSING


# The figures -----------------------------------------------------------------------------------------------


def _figures_lead(context: Context) -> Markup:
    texts, found = context.texts, context.findings.worths
    lead = texts("change.figures_lead", error=_percent(context, PLAIN_ERROR), tests=_count(context, len(found)),
                 scenario=texts.pick(context.run.scenario.get("title")) or str(context.run.scenario.get("name", "")))
    kind = f"change.figures_{context.run.parameters}"
    return Markup("{} {}").format(lead, texts(kind)) if texts.has(kind) else lead


def _figures_table(context: Context) -> Table:
    texts, found = context.texts, context.findings.worths
    moved = {one.target for one in context.findings.influences}
    rows: list[list[Cell]] = [
        [_target(context, target), *(_worth(context, best(found, target.id, quarters, _MOST_FIGURES))
                                     for quarters in (PAST, LATER))]
        for target in context.findings.targets if target.id in moved]
    spans = [texts("change.span", first=quarters[0][:4], last=quarters[-1][:4]) for quarters in (PAST, LATER)]
    return Table(texts("change.figures_title"), [texts("change.target"), *spans], rows, quiet=True)


def _worth(context: Context, chosen: list[Worth]) -> Cell:
    if not chosen:
        return wording.MISSING
    return Markup("<br>").join(
        context.texts("change.figure", name=_figure(context, one.candidate, one.quarter),
                      office=context.texts(f"office.{one.candidate.office}"), share=_percent(context, one.narrower),
                      interval=_interval(context, one.low, one.high))
        for one in chosen)


def _figure(context: Context, candidate: Candidate, quarter: str) -> Markup:
    """Return a dated figure, linked to the definition of its indicator."""
    stock = INDICATORS[candidate.indicator].kind in ("stock", "cumulative")
    when = context.when(quarter) if stock else wording.year(quarter, context.language)
    label = INDICATORS[candidate.indicator].label(context.language)
    # At the end of a year the last four quarters are the year.
    short = label.removesuffix("（近四季）").removesuffix(", last four quarters")
    return context.texts("change.dated", name=context.link(f"indicator-{candidate.indicator}", short), date=when)


# What no figure tells --------------------------------------------------------------------------------------


def _lists(context: Context) -> list[dict[str, Any]]:
    """Return the parameters by what is known of them: by status where a posterior was used, else by class."""
    texts, parameters = context.texts, context.sources.parameters
    statuses = context.sources.studies.statuses(context.run)
    if statuses:
        words = {key: status_word(status) for key, status in statuses.items()}
        groups = {word: [key for key in parameters if words.get(key) == word] for word in ("prior", "partly", "learnt")}
        names = {word: f"unknown.{word}_status" for word in groups}
    else:
        kinds = {"prior": "prior", "learnt": "calibrated"}
        groups = {word: [key for key, item in parameters.items() if item.kind == kind] for word, kind in kinds.items()}
        names = {word: f"unknown.{word}" for word in groups}
    return [{"title": texts(f"{names[word]}_title"), "lead": texts(f"{names[word]}_lead", count=len(keys)),
             "items": [context.parameter(key) for key in keys]} for word, keys in groups.items() if keys]


# Numbers ---------------------------------------------------------------------------------------------------


def _percent(context: Context, share: float) -> str:
    return wording.percent(share, context.language)


def _interval(context: Context, low: float, high: float) -> str:
    return context.interval(wording.number(100 * low, 0, context.language), wording.number(100 * high, 0, context.language))


def _count(context: Context, count: float) -> str:
    return wording.number(count, 0, context.language)
