"""The page of the table of effects in Markdown."""

from __future__ import annotations

import datetime
import math
from typing import Any

from kechuang.analyse.lever_claims import COVERAGE, NOTHING
from kechuang.analyse.lever_study import DATES, FROM, MAIN, ZERO_UNTIL
from kechuang.scenario.levers import LEVERS
from kechuang.world.indicators import INDICATORS


def lever_page(content: dict[str, Any]) -> str:
    """Return the page for the content of calibration/studies/levers.yaml."""
    levers: dict[str, Any] = content["levers"]
    lines = [
        "# What each lever does at its standard dose",
        "",
        f"Made on {datetime.date.today().isoformat()} by `kechuang study levers` (generated; do not edit). Scenario "
        f"`{content['scenario']}`, {content['draws']} draws of the {content['parameters_from']} parameters (the closures in turn), "
        f"scale {content['scale']:g}. Each lever is raised by its standard dose from {FROM} on and compared with the same draws "
        "and the same luck without it. The dose is one believable step of policy, not a plan; doses of different levers "
        "cost different amounts. Nothing was fitted to this table, and what failed stands in it.",
        "",
        "## Effects",
        "",
        "Mean of the paired differences, in brackets its 95 % interval. The first column of numbers is the lever's own "
        "indicator. Cash of all city levers stands under one ceiling: what one lever takes is missing for the others, "
        "rewards for certificates among them, and shows in the number of high-tech firms.",
        "",
    ]
    for date in DATES:
        heads = " | ".join(f"{INDICATORS[key].en}, {INDICATORS[key].unit}" for key in MAIN)
        lines += [
            f"### {date}",
            "",
            f"| lever | dose | own indicator | {heads} |",
            "|--|--|--|" + "--|" * len(MAIN),
            *(_effect_row(lever, entry, date) for lever, entry in levers.items()),
            "",
        ]
    lines += [*_cost_lines(levers), *_claim_lines(levers), *_zero_lines(levers)]
    return "\n".join(lines) + "\n"


def _effect_row(lever: str, entry: dict[str, Any], date: str) -> str:
    own, effects = entry["own_indicator"], entry["effects"]
    indicator = INDICATORS[own]
    cells = [
        _name(lever),
        _dose(lever, entry["dose"]),
        f"{indicator.en}: {_interval(effects[own][date])} {indicator.unit}",
        *(_interval(effects[key][date]) for key in MAIN),
    ]
    return "| " + " | ".join(cells) + " |"


def _cost_lines(levers: dict[str, Any]) -> list[str]:
    lines = [
        "## Costs per effect",
        "",
        "Costs up to the date in prices of 2020, discounted at 4 % to the end of 2020, less those without the lever; "
        "cash, tax forgone and expected losses together. City: what the city and its counties bear; all: every public "
        "purse. A ratio whose effect cannot be told from zero is not formed.",
        "",
    ]
    for date in DATES:
        lines += [
            f"### Up to {date}",
            "",
            "| lever | payer | cost, 亿元 | per additional high-tech firm, 万元 | per yuan of real R&D | per yuan of value added |",
            "|--|--|--|--|--|--|",
        ]
        for lever, entry in levers.items():
            for payer, costs in entry["costs"][date].items():
                ratios = (_ratio(costs[item]) for item in ("per_high_tech_firm", "per_real_rd", "per_value_added"))
                total = costs["total"]
                cost = f"{total['value']:.3g} ({total['low']:.3g} to {total['high']:.3g})"
                lines.append(f"| {_name(lever)} | {payer} | {cost} | " + " | ".join(ratios) + " |")
        lines.append("")
    return lines


def _claim_lines(levers: dict[str, Any]) -> list[str]:
    rows = [
        f"| {_name(lever)} | {claim['indicator']} {claim['claim']}, {claim['date']} | {claim['why']} | "
        f"{claim['mean']:.4g} ({claim['low']:.4g} to {claim['high']:.4g}) | {claim['p_corrected']:.2g} | {claim['verdict']} |"
        for lever, entry in levers.items()
        for claim in entry["claims"]
    ]
    return [
        "## Claims",
        "",
        f"Intervals of {100 * COVERAGE:g} %; p is two-sided and corrected for the number of claims (Holm). *up* and *down* "
        "need a mean that differs from zero on that side; *not below* and *not above* fail only where the mean lies clearly "
        f"on the other side; *nothing* needs the interval within {100 * NOTHING:g} % of the indicator around zero.",
        "",
        "| lever | claim | channel | mean difference | p | verdict |",
        "|--|--|--|--|--|--|",
        *rows,
        "",
    ]


def _zero_lines(levers: dict[str, Any]) -> list[str]:
    return [
        "## A dose of nothing",
        "",
        f"Largest difference in any indicator or cost of any quarter up to {ZERO_UNTIL} when the lever is named with a dose of 0:",
        "",
        "| lever | largest difference |",
        "|--|--|",
        *(f"| {_name(lever)} | {entry['largest_difference_at_zero_dose']:g} |" for lever, entry in levers.items()),
    ]


def _name(lever: str) -> str:
    return f"V{LEVERS[lever].number} `{lever}`"


def _dose(lever: str, dose: dict[str, float]) -> str:
    parts = []
    for dial, amount in dose.items():
        record = LEVERS[lever].main if dial == "value" else LEVERS[lever].dial(dial)
        parts.append(f"{'' if dial == 'value' else dial + ' '}{amount:+g} {record.unit}")
    return ", ".join(parts)


def _interval(effect: dict[str, float]) -> str:
    return f"{effect['mean']:+.3g} ({effect['low']:+.3g} to {effect['high']:+.3g})"


def _ratio(entry: dict[str, Any]) -> str:
    if math.isnan(entry["value"]):
        return "-"
    words = f" ({entry['reading']})" if entry.get("reading") else ""
    return f"{entry['value']:.3g} ({entry['low']:.3g} to {entry['high']:.3g}){words}"
