"""The page of a transfer in Markdown: what was kept, what was exchanged, the verdict, and all numbers."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from kechuang.analyse.forecast import CORE, FULL
from kechuang.analyse.transfer import COUNTS, NAIVE
from kechuang.analyse.transfer_verdict import CHECK_NEAR, NEAR, WIDEST
from kechuang.city import load_city
from kechuang.world.indicators import INDICATORS

COMMENT = """Transfer of the frozen model to another city: predictions for the end of 2020 and their verdict, first result
unchanged. The outcome of the other city stands in a source that was known: pseudo-out-of-sample.
Made by: kechuang validate --transfer"""
_MODELS = {FULL: "full model", CORE: "forecast core", **{key: f"naive: {name}" for key, name in NAIVE.items()}}
_VERDICTS = {
    "pass": "**Pass.** Both counts lie in the full model's 90 % intervals for at least one reading of the start, whichever of the "
    "other readings is taken, and no interval is wider than a factor of {widest:g}.",
    "partial": "**Partial.** The counts themselves are missed, or said too vaguely; given the true number of technology SMEs, the "
    "high-tech firms come within {near:.0%} of the truth for at least one reading of the start, whichever of the others is taken.",
    "fail": "**Fail.** Neither do both counts lie in 90 % intervals narrower than a factor of {widest:g} for any reading of the "
    "start, nor do the high-tech firms come within {near:.0%} of the truth given the technology SMEs.",
}


def transfer_page(content: Mapping[str, Any]) -> str:
    """Return the page for the content of the study file of a transfer."""
    city = load_city(content["city_file"])
    frozen = content["freeze"]
    lines = [
        f"# Transfer to {city.name.en}",
        "",
        f"Made on {datetime.date.today().isoformat()} by `kechuang validate --transfer` (generated; do not edit). Parameters: "
        f"{frozen['parameters_from']}, {frozen['draws']} draws, frozen on {frozen['date']}{trial(content['scale'])}. "
        f"{_changed(content['changed_since_freeze'])}",
        "",
        "**Pseudo-out-of-sample**: nothing was fitted to this city, but its counts of 2020 stood in a source that was known while "
        f"the model was written. {city.numbers.test.note if city.numbers.test else ''}".strip(),
        "",
        "## Verdict",
        "",
        _VERDICTS[content["verdict"]].format(widest=WIDEST, near=NEAR),
        "",
        *_judged_words(content),
        "",
        "Outcomes: " + ", ".join(f"{INDICATORS[key].en} {value:,.0f}" for key, value in content["outcomes"].items()) + ".",
        "",
        "## Predictions for the end of 2020",
        "",
        "Median [5 %, 95 %]; width is the ratio of the two ends. CRPS on logs, energy score on the logs of both counts together: "
        "smaller is better. The rival *share* is told the true number of technology SMEs.",
        "",
        "| readings | model | high-tech firms | in 90 % | width | CRPS | technology SMEs | in 90 % | width | CRPS | energy |",
        "|--|--|--|--|--|--|--|--|--|--|--|",
        *(_prediction_row(entry) for entry in content["entries"]),
        "",
        "## High-tech firms given the true technology SMEs",
        "",
        "| readings | model | predicted | error | |",
        "|--|--|--|--|--|",
        *_conditional_rows(content["entries"]),
        "",
        *_check_section(content["entries"]),
        "## Skill",
        "",
        *_skill_words(content["skill"]),
        "",
        "## After the verdict: an effect of the city?",
        "",
        "Where two parameters of behaviour would have to stand for both counts to come out right is asked afterwards, with runs of "
        "its own: [effect of the city](city-effect.md), once `kechuang validate --effect` has made that page. The verdict above is "
        "that of the frozen model and stays.",
        "",
        "## What was exchanged",
        "",
        "All other parameters, the national policy, the code and the error model are those of the freeze. The levers of the city "
        "are those of Taizhou but for: " + (", ".join(f"`{key}`" for key in city.numbers.levers) or "none") + ".",
        "",
        "| quantity | value | source |",
        "|--|--|--|",
        *(f"| {name} | {_quantity(item)} | {item.source} |" for name, item in city.numbers.quantities.items()),
        "",
        "| parameter | becomes | source |",
        "|--|--|--|",
        *(f"| `{key}` | {_replacement(change)} | {change.source} |" for key, change in city.numbers.parameters.items()),
    ]
    return "\n".join(lines) + "\n"


def trial(scale: float) -> str:
    """Return the words for a part of the city, none for the whole."""
    return "" if scale == 1.0 else f"; only {scale:g} of the city was simulated: a trial, not a result"


def _changed(names: Iterable[str]) -> str:
    changed = ", ".join(names)
    return f"Changed since the freeze: {changed}." if changed else "Nothing has changed since the freeze."


def _judged_words(content: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, words in (
        ("readings_that_pass", "Readings of the start that pass"),
        ("readings_that_come_near_given_the_technology_smes", "Readings that come near given the technology SMEs"),
    ):
        lines.append(f"- {words}: {', '.join(content[key]) or 'none'}.")
    beyond = [entry["extrapolated"] for entry in content["entries"] if entry["model"] == FULL]
    if any(beyond):
        lines.append(
            f"- In {sum(beyond)} of {len(beyond)} combinations of readings no draw of the full model has as many technology SMEs "
            "(or as few): given their number, the high-tech firms are extrapolated there."
        )
    full = [entry for entry in content["skill"] if entry["model"] == FULL]
    better = sum(entry["joint_score_better_than_tide"] for entry in full)
    lines.append(
        f"- The full model says both counts together better than the national tide in {better} of {len(full)} combinations of "
        "readings; only where it does is it of use for this question."
    )
    own, core, factor = (_energies(content["entries"], model) for model in (FULL, CORE, "factor"))
    better = sum(own[variant] < factor[variant] for variant in own)
    lines.append(f"- It says them better than the factor of Taizhou, the simplest transfer there is, in {better} of {len(own)}.")
    as_well = sum(core[variant] <= 1.05 * own[variant] for variant in own)
    lines.append(f"- The forecast core alone does as well as the full model (energy score) in {as_well} of {len(own)}.")
    return lines


def _energies(entries: Iterable[Mapping[str, Any]], model: str) -> dict[str, float]:
    """Return the joint score of a model by combination of readings."""
    return {str(entry["variant"]): entry["energy"] for entry in entries if entry["model"] == model}


def _prediction_row(entry: Mapping[str, Any]) -> str:
    counts = [_count_cells(entry["counts"].get(key)) for key in COUNTS]
    energy = f"{entry['energy']:.3f}" if "energy" in entry else "–"
    return f"| {_readings(entry)} | {_MODELS[entry['model']]} | {' | '.join(counts)} | {energy} |"


def _count_cells(count: Mapping[str, Any] | None) -> str:
    if count is None:
        return "given | – | – | –"
    inside = "yes" if count["inside"] else "no"
    return f"{_spread(count)} | {inside} | {count['width']:.2f} | {count['log_crps']:.3f}"


def _conditional_rows(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"| {_readings(entry)} | {_MODELS[entry['model']]} | {entry['conditional']:,.0f} | {entry['conditional_error']:+.0%} | "
        f"{'beyond all draws: extrapolated' if entry['extrapolated'] else ''} |"
        for entry in entries
        if entry["model"] in (FULL, CORE)
    ]


def _check_section(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    rows = [
        f"| {_readings(entry)} | {_MODELS[entry['model']]} | {INDICATORS[key].en} | {_spread(check)} | {check['outcome']:g} | "
        f"{'yes' if check['near'] else 'no'} |"
        for entry in entries
        for key, check in entry["checks"].items()
    ]
    if not rows:
        return []
    return [
        f"## Looked at beside the verdict (median within {CHECK_NEAR:.0%})",
        "",
        "| readings | model | what | predicted | reported | near |",
        "|--|--|--|--|--|--|",
        *rows,
        "",
    ]


def _skill_words(skills: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"- {_MODELS[entry['model']]}, {_readings(entry)}: {entry['verdict']}; skill against "
        + ", ".join(f"{rival} {value:+.2f}" for rival, value in entry["skill"].items())
        + "."
        for entry in skills
    ]


def _readings(entry: Mapping[str, Any]) -> str:
    return ", ".join(entry["variant"].values()).replace("_", " ") or "one reading"


def _spread(entry: Mapping[str, float]) -> str:
    return f"{entry['q50']:,.0f} [{entry['q05']:,.0f}, {entry['q95']:,.0f}]"


def _quantity(item: Any) -> str:
    if item.readings:
        return ", ".join(f"{name.replace('_', ' ')}: {value:g}" for name, value in item.readings.items())
    return str(item.prior) if item.prior is not None else f"{item.value:g}"


def _replacement(change: Any) -> str:
    if change.form == "value":
        return ", ".join(f"{x:g}" for x in change.value) if isinstance(change.value, tuple) else f"{change.value:g}"
    parts = (name if weight == 1.0 and name else f"{weight:g} {name}".strip() for name, weight in change.weights.items())
    total = " + ".join(parts)
    return total if change.form == "sum" else f"as drawn x {total}"
