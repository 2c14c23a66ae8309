"""Sections on what the words mean, where the numbers come from, and how to check the run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kechuang.report import wording
from kechuang.report.context import Cell, Context, Speech, Table
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    from kechuang.evidence import Evidence
    from kechuang.parameters import Parameter

LEDGER_LIMIT = 1e-9
"""Largest violation of an accounting identity, over gross flows, at which accounts count as closed."""


def definitions(context: Speech) -> dict[str, Any]:
    """Return the table of indicators: what each means, in which unit, over what, at which prices."""
    texts, language = context.texts, context.language
    rows: list[list[Cell]] = [
        [item.label(language), context.texts.definition(item.key),
         wording.unit(item, language) or "–", texts(f"scope.{item.scope}"), texts(f"kind.{item.kind}"),
         texts(f"prices.{item.prices}") if item.prices else "–", Markup("<code>{}</code>").format(item.key)]
        for item in INDICATORS.values()]
    columns = [texts(f"definitions.{name}") for name in ("label", "definition", "unit", "scope", "kind", "prices", "key")]
    anchors = [context.anchor(f"indicator-{key}") for key in INDICATORS]
    return {"table": Table(texts("section.definitions"), columns, rows, tight=(2, 3, 4, 5), anchors=anchors, quiet=True)}


def evidence(context: Context) -> dict[str, Any]:
    """Return the reported figures: first those that a run is held against, then the others by what they are for."""
    known = {figure.evidence.id: figure.evidence for figure in context.sources.known_figures}
    rest = [record for record in context.sources.evidence.values() if record.id not in known]
    roles = ("fit", "input", "check", "target", "context")
    groups = {role: [record for record in rest if record.role == role] for role in roles}
    return {
        "table": _evidence_table(context, context.texts("evidence.known"), known.values()),
        "groups": [(context.texts(f"evidence.{role}", count=len(records)),
                    _evidence_table(context, context.texts(f"role.{role}"), records))
                   for role, records in groups.items() if records],
    }


def _evidence_table(context: Context, caption: Cell, records: Iterable[Evidence]) -> Table:
    texts, language = context.texts, context.language
    records = list(records)
    columns = [texts(f"evidence.{name}") for name in ("figure", "value", "period", "role", "source")]
    rows: list[list[Cell]] = [
        [Markup("{} <code>{}</code>").format(record.meaning.in_language(language), record.id), _printed(record, language),
         record.period.replace("/", " – ").replace("..", "…"), texts(f"role.{record.role}"), _origin(context, record)]
        for record in records]
    return Table(caption, columns, rows, tight=(1, 3), anchors=[context.anchor(f"evidence-{record.id}") for record in records])


def _printed(record: Evidence, language: str) -> str:
    ends = [record.value] if record.value is not None else [record.low, record.high]
    text = "–".join(f"{end:,.12g}" for end in ends if end is not None)
    sign = "≥\u00a0" if record.reading == "at least" else "≈\u00a0" if record.reading == "about" else ""
    return sign + wording.with_unit(text, wording.unit_name(record.unit, language), language)


def _origin(context: Context, record: Evidence) -> Markup:
    """Return where a figure stands: the document, the place in it, and an address written out."""
    if record.seed:
        seed = context.sources.seeds[record.seed]
        parts = [f"{seed.title.in_language(context.language)} ({seed.publisher} {seed.date})", record.place]
    else:
        parts = [record.source, record.place]
    text = " · ".join(part for part in parts if part)
    address = Markup(' <span class="address">{}</span>').format(record.url) if record.url else Markup("")
    return Markup("{}{}").format(text, address)


def parameters(context: Context) -> dict[str, Any]:
    """Return the table of all parameters with prior, class and source."""
    texts = context.texts
    found = context.sources.parameters
    rows: list[list[Cell]] = [
        [Markup("{} <code>{}</code>").format(item.meaning.in_language(context.language), item.key), _value(item),
         _prior(item), _class(context, item), _source(context, item)] for item in found.values()]
    columns = [texts(f"parameters.{name}") for name in ("name", "value", "prior", "class", "source")]
    anchors = [context.anchor(f"parameter-{key}") for key in found]
    return {"title": texts("parameters.open", count=len(found)),
            "table": Table(texts("section.parameters"), columns, rows, tight=(3,), anchors=anchors, quiet=True)}


def _class(context: Context, item: Parameter) -> Markup:
    """Return what the figures taught about a parameter where the run used a posterior, else its class."""
    status = context.sources.studies.status(context.run, item.key)
    return context.status(status) if status else context.texts(f"class.{item.kind}")


def _value(item: Parameter) -> str:
    values = item.value if isinstance(item.value, tuple) else (item.value,)
    unit = "" if item.unit in ("-", "share") else f" {item.unit}"
    return ", ".join(f"{value:g}" for value in values) + unit


def _prior(item: Parameter) -> str:
    if item.prior is not None:
        return str(item.prior)
    return "–" if item.range is None else f"[{item.range[0]:g}, {item.range[1]:g}]"


def _source(context: Context, item: Parameter) -> Markup:
    links = [context.evidence(name, name) for name in item.evidence if name in context.sources.evidence]
    return Markup("{} {}").format(item.source, Markup(" ").join(links))


def provenance(context: Context) -> dict[str, Any]:
    """Return the accounting check, what made the run, the hashes, and the commands that check or repeat it."""
    run, texts = context.run, context.texts
    residual = float(run.indicators["ledger_residual"].abs().max())
    closed = residual <= LEDGER_LIMIT
    scenario = run.scenario
    facts = [
        (texts("provenance.scenario"), str(scenario.get("name", ""))),
        (texts("provenance.parameters"), texts.either(f"parameter_set.{run.parameters}", run.parameters)),
        (texts("provenance.draws"), wording.number(run.draws, 0, context.language)),
        (texts("provenance.seed"), run.seed),
        (texts("provenance.law"), texts.either(f"provenance.law_{scenario.get('law', '')}", str(scenario.get("law", "")))),
        (texts("provenance.record"), _code(run.record_hash)),
        (texts("provenance.code"), _code(str(run.record.get("code", "")))),
        (texts("provenance.versions"), _versions(run.record)),
    ]
    return {
        "closed": closed,
        "ledger": texts("provenance.ledger_good" if closed else "provenance.ledger_bad", value=f"{residual:.1e}",
                        limit=f"{LEDGER_LIMIT:.0e}"),
        "facts": [(name, value) for name, value in facts if value],
        "changes": _changes(context, scenario), "files": _files(context), "commands": _commands(context),
    }


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text) if text else Markup("")


def _versions(record: Mapping[str, Any]) -> str:
    versions = {"python": record.get("python", ""), **record.get("packages", {})}
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)


def _changes(context: Context, scenario: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return each lever and shock that the scenario sets, with its settings as they would stand in a file."""
    from kechuang.scenario.shocks import SHOCKS

    shown = []
    for key, settings in scenario.get("levers", {}).items():
        shown.append((context.sources.lever_name(key, context.language), _settings(settings)))
    for key, settings in scenario.get("shocks", {}).items():
        kind = SHOCKS.get(key)
        name = key if kind is None else kind.zh if context.language == "zh" else kind.en
        shown.append((name, _settings(settings)))
    return shown


def _settings(settings: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
                     for name, value in settings.items())


def _files(context: Context) -> Table | None:
    record, texts = context.run.record, context.texts
    files = {**record.get("inputs", {}), **record.get("outputs", {})}
    rows: list[Sequence[Cell]] = [[_code(name), _code(str(digest))] for name, digest in files.items()]
    columns = [texts("provenance.file"), "SHA-256"]
    return Table(texts("provenance.files"), columns, rows, quiet=True) if rows else None


def _commands(context: Context) -> list[tuple[Markup, str]]:
    run, texts = context.run, context.texts
    folder = texts.plain("provenance.run_folder")
    scale = "" if run.scale == 1.0 else f" --scale {run.scale:g}"
    again = (f"kechuang run {run.scenario.get('name', '')} --draws {run.draws} --seed {run.seed} --until {context.last} "
             f"--parameters {run.parameters}{scale}")
    return [(texts("provenance.again"), again), (texts("provenance.verify"), f"kechuang verify {folder}"),
            (texts("provenance.rebuild"), f"kechuang report {folder}")]
