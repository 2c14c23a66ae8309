"""Follows a number both ways: where it comes from, and what depends on it.

Documents, figures, parameters, levers, targets, summaries, indicators and mechanisms are the knots of a net, tied
from the records themselves: figures name the document they stand in and what uses them, parameters and levers the
figures they rest on, targets their source and their indicator. A figure that is only held against the model ties as
a check: nothing comes from it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from kechuang.errors import InputError, did_you_mean
from kechuang.evidence import Evidence, evidence_file
from kechuang.records import Words
from kechuang.targets import Target, load_targets

Knot = tuple[str, str]
"""Kind and key, such as ('parameter', 'certification_cost')."""
Facts = Iterable[tuple[str, Words]]
KINDS = ("figure", "parameter", "lever", "target", "summary", "indicator", "mechanism", "seed", "data")
"""In this order a name that means several things is looked up; 'indicator:carriers' says which is meant."""
_IN_CHINESE = {
    "figure": "数据", "parameter": "参数", "lever": "政策", "target": "目标", "summary": "拟合量",
    "indicator": "指标", "mechanism": "机制", "seed": "文献", "data": "用途",
    "value": "数值", "meaning": "含义", "reading": "读数", "role": "用途", "source": "出处", "note": "说明",
    "prior": "先验", "date": "时点", "alternative": "另一读法", "error": "误差", "comes from": "来源",
    "used by": "用于", "checked against": "对照检验", "nothing": "无",
    "fit": "拟合", "check": "检验", "input": "输入", "context": "背景 (不使用)",
    "exact": "准确数", "rounded": "取整", "at least": "至少", "about": "约数", "cumulative": "累计数",
    "announced": "公布的计划数",
}
_DEPTH = 3
_SEED_REFERENCE = re.compile(r"\bseed (\d{3})\b")


def word(label: str, language: str) -> str:
    """Return a word of the page in English, as it is, or in Chinese."""
    return _IN_CHINESE[label] if language == "zh" else label


@dataclass(frozen=True)
class Item:
    """A knot with one line about it and, for its own page, a few labelled facts."""

    kind: str
    key: str
    text: Words
    facts: tuple[tuple[str, Words], ...] = ()

    def line(self, language: str = "en") -> str:
        """Return kind, key and text as one line."""
        return f"{word(self.kind, language)} {self.key} · {self.text.in_language(language)}"


@dataclass(frozen=True)
class Step:
    """An item on the way, `depth` steps (from 1) away from where the way began."""

    depth: int
    item: Item


@dataclass(frozen=True)
class Trace:
    """An item, what it comes from, what depends on it, and the figures it is checked against."""

    item: Item
    origins: tuple[Step, ...]
    dependants: tuple[Step, ...]
    checks: tuple[Step, ...] = ()

    @property
    def _ways(self) -> tuple[tuple[str, tuple[Step, ...]], ...]:
        return ("comes from", self.origins), ("used by", self.dependants), ("checked against", self.checks)

    def lines(self, language: str = "en") -> list[str]:
        """Return the page about the item as lines of text."""
        facts = (f"  {word(label, language)}: {text.in_language(language)}" for label, text in self.item.facts)
        page = [self.item.line(language), *facts]
        for label, steps in self._ways:
            if steps or label != "checked against":
                found = [f"{'  ' * step.depth}{step.item.line(language)}" for step in steps]
                page += [word(label, language), *(found or [f"  {word('nothing', language)}"])]
        return page

    def to_plain(self, language: str = "en") -> dict[str, object]:
        """Return the same as plain data, for programs."""
        def plain(item: Item) -> dict[str, object]:
            return {"kind": item.kind, "key": item.key, "text": item.text.in_language(language)}

        facts = [{"label": label, "text": text.in_language(language)} for label, text in self.item.facts]
        ways = {label.replace(" ", "_"): [{"depth": step.depth, **plain(step.item)} for step in steps]
                for label, steps in self._ways}
        return {**plain(self.item), "facts": facts, **ways}


@dataclass
class _Net:
    items: dict[Knot, Item] = field(default_factory=dict)
    above: defaultdict[Knot, list[Knot]] = field(default_factory=lambda: defaultdict(list))
    below: defaultdict[Knot, list[Knot]] = field(default_factory=lambda: defaultdict(list))
    checks: defaultdict[Knot, list[Knot]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, key: str, text: Words, facts: Facts = ()) -> None:
        self.items[kind, key] = Item(kind, key, text, tuple(facts))

    def tie(self, origin: Knot, dependant: Knot, *, check: bool = False) -> None:
        if dependant not in self.below[origin]:
            self.below[origin].append(dependant)
            (self.checks if check else self.above)[dependant].append(origin)

    def knots(self, name: str) -> Iterator[Knot]:
        kind, colon, key = name.partition(":")
        wanted = ((kind, key),) if colon else ((kind, name) for kind in KINDS)
        yield from (knot for knot in wanted if knot in self.items)

    def walk(self, start: Knot, ways: dict[Knot, list[Knot]], depth: int) -> tuple[Step, ...]:
        """Return what can be reached, branch by branch, each item once and under its nearest neighbour."""
        seen = {start}

        def follow(knot: Knot, level: int) -> Iterator[Step]:
            near = [other for other in ways.get(knot, ()) if other not in seen and other in self.items]
            seen.update(near)
            for other in near:
                yield Step(level, self.items[other])
                if level < depth:
                    yield from follow(other, level + 1)

        return tuple(follow(start, 1))


def trace(identifier: str) -> Trace:
    """Return where a figure, parameter, lever, target, ... comes from and what depends on it."""
    net = _net()
    knot = next(net.knots(identifier), None)
    if knot is None:
        near = did_you_mean(identifier, {key for _, key in net.items})
        raise InputError(f'nothing is called "{identifier}"{near}; '
                         "`kechuang evidence` lists every figure, parameter, lever and target")
    depth = 1 if knot[0] == "seed" else _DEPTH  # all that hangs on the figures of a document would fill pages
    return Trace(net.items[knot], origins=net.walk(knot, net.above, depth),
                 dependants=net.walk(knot, net.below, depth), checks=net.walk(knot, net.checks, 1))


def catalogue() -> tuple[Item, ...]:
    """Return everything that can be traced, by kind and in the order of the files."""
    return tuple(sorted(_net().items.values(), key=lambda item: KINDS.index(item.kind)))


@cache
def _net() -> _Net:
    net = _Net()
    _add_documents(net)
    _add_model(net)
    for target in load_targets().values():
        net.add("target", target.id, target.title, _target_facts(target))
        others = (other.source for other in target.alternatives)
        figures = (("figure", name) for name in (target.source, target.threshold_source, *others))
        for origin in (*figures, ("indicator", target.indicator)):
            net.tie(origin, ("target", target.id))
    for record in evidence_file().records:
        for name in record.used_by:
            for knot in net.knots(name):
                net.tie(("figure", record.id), knot, check=record.role == "check")
    return net


def _add_documents(net: _Net) -> None:
    """Add seeds, figures, summaries and mechanisms."""
    file = evidence_file()
    for key, seed in file.seeds.items():
        tail = f" ({seed.publisher}, {seed.date}; {seed.file})"
        net.add("seed", key, Words(en=seed.title.en + tail, zh=seed.title.zh + tail))
    for record in file.records:
        text = {language: f"{file.amount(record, language)}, {record.period}, "
                          f"{file.regions[record.region].in_language(language)}" for language in ("en", "zh")}
        net.add("figure", record.id, Words(**text), _figure_facts(record))
        for origin in (*(("figure", other) for other in record.derived_from), ("seed", record.seed)):
            net.tie(origin, ("figure", record.id))
    for key, name in file.mechanisms.items():
        net.add("mechanism", key, name)
    for key, summary in file.summaries.items():
        net.add("summary", key, summary.meaning, [("date", _same(summary.date))])
        net.tie(("indicator", summary.indicator), ("summary", key))


def _add_model(net: _Net) -> None:
    """Add indicators, parameters, levers, and what else figures are used for."""
    from kechuang.parameters import load_parameters
    from kechuang.scenario.levers import LEVERS
    from kechuang.world.indicators import INDICATORS

    net.add("data", "cities/taizhou", Words(en="places and distances of the city", zh="本市地点与距离"))
    net.add("data", "wenzhou", Words(en="test of the model on another city", zh="另一城市的迁移检验"))
    for key, indicator in INDICATORS.items():
        text = Words(en=f"{indicator.en} ({indicator.unit})", zh=f"{indicator.zh} ({indicator.unit})")
        net.add("indicator", key, text, [("meaning", _same(indicator.definition))])
    checks = {record.id for record in evidence_file().records if record.role == "check"}
    for key, parameter in load_parameters().items():
        value = parameter.value if isinstance(parameter.value, tuple) else (parameter.value,)
        prior = [("prior", _same(str(parameter.prior)))] if parameter.prior else []
        facts = [("value", _same(f"{', '.join(f'{one:g}' for one in value)} {parameter.unit}")), *prior,
                 ("source", _same(parameter.source))]
        net.add("parameter", key, Words(en=parameter.meaning.en, zh=parameter.meaning.zh), facts)
        net.tie(("parameter", key), ("mechanism", parameter.mechanism))
        for name in parameter.evidence:
            net.tie(("figure", name), ("parameter", key), check=name in checks)
    for key, lever in LEVERS.items():
        facts = [("value", _same(f"{lever.main.low:g} to {lever.main.high:g} {lever.main.unit}")),
                 ("mechanism", _same(lever.mechanism)), ("source", _same(lever.source))]
        net.add("lever", key, Words(en=lever.en, zh=lever.zh), facts)
        seeds = (("seed", seed) for seed in _SEED_REFERENCE.findall(lever.source))
        for origin in (*(("figure", name) for name in lever.evidence), *seeds):
            net.tie(origin, ("lever", key), check=origin[1] in checks)


def _figure_facts(record: Evidence) -> Iterator[tuple[str, Words]]:
    yield "meaning", record.meaning
    yield "reading", Words(en=record.reading, zh=_IN_CHINESE[record.reading])
    if record.error is not None:
        yield "error", _same(str(record.error))
    why = f": {record.why_unused}" if record.why_unused else ""
    yield "role", Words(en=record.role + why, zh=_IN_CHINESE[record.role] + why)
    place = f"seed {record.seed}, {record.place}" if record.seed else f"{record.source} {record.url}"
    yield "source", _same(place.strip() + (f" ({record.formula})" if record.formula else ""))
    if record.note:
        yield "note", _same(record.note)


def _target_facts(target: Target) -> Iterator[tuple[str, Words]]:
    yield "value", _same(_condition(target))
    yield "source", _same(f"{target.source}; threshold: {target.threshold_source}")
    for variant in target.variants():
        yield "alternative", _same(_condition(variant))
    yield from (("note", text) for text in (target.proxy, target.remark) if text is not None)


def _condition(target: Target) -> str:
    parts = (f"{target.operation} {target.threshold:g} {target.unit}", target.basis, target.date, target.prices)
    return ", ".join(part for part in parts if part)


def _same(text: str) -> Words:
    """Return a text that is the same in both languages."""
    return Words(en=text, zh=text)
