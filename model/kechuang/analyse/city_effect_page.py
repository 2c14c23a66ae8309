"""The page of the effect of a city in Markdown: where two parameters would have to stand, and whether that is far off."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from kechuang.analyse.city_effect import BEYOND, FAR, far_moved, largest_move
from kechuang.analyse.transfer_page import trial
from kechuang.city import load_city

COMMENT = """After the verdict of the transfer: two parameters of behaviour drawn anew from their priors, and what the counts of
the other city say about them. The verdict is not changed by it.
Made by: kechuang validate --effect"""


def city_effect_page(content: Mapping[str, Any]) -> str:
    """Return the page for the content of the study file of the effect of a city."""
    entries, runs = content["effects"], content["draws"]
    lines = [
        f"# Effect of the city: {load_city(content['city_file']).name.en}",
        "",
        f"Made on {datetime.date.today().isoformat()} by `kechuang validate --effect` (generated; do not edit), after the verdict "
        f"of the [transfer](transfer.md), which it does not change. {runs} draws for each combination of readings"
        f"{trial(content['scale'])}.",
        "",
        f"**{verdict(entries)}**",
        "",
        "Two parameters of behaviour are drawn anew from their priors, all others stay as they were learnt in the first city; "
        "the counts of 2020, regressed on the two, say where these would have to stand (mean and 90 % interval of the log). Moved: "
        f"from what was learnt, in standard deviations of that; beyond {FAR:g} it is called an effect of the city. Spread: of the "
        "log between two such cities; with two cities it is one difference, and no posterior is widened by it. Distance: how far "
        f"the nearest pair of values stays from the counts (squared, in standard deviations); beyond {BEYOND:g} no pair explains "
        "them.",
        "",
        "| readings | parameter | learnt | there | moved | spread between cities | distance |",
        "|--|--|--|--|--|--|--|",
        *_rows(entries),
    ]
    return "\n".join(lines) + "\n"


def verdict(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return one sentence on what the combinations of readings say together."""
    told = [entry for entry in entries if entry["explained"]]
    if not told:
        return (
            "No values of the two parameters bring both counts out right: what differs between the cities, or in how they count, "
            "is something else."
        )
    moved, (most, far) = far_moved(entries), largest_move(entries)
    among = f"{len(told)} of {len(entries)} combinations of readings"
    if not moved:
        return (
            f"No effect of the city by the rule: both counts can come out right ({among}), and no parameter has to move more than "
            f"{FAR:g} standard deviations for it; `{most}` moves most, by {far:+.1f}."
        )
    names = " and ".join(f"`{key}`" for key in moved)
    effects = sum(entry["effect"] for entry in told)
    return (
        f"Effect of the city: both counts come out right in {among}, in {effects} of these only with values of {names} far from "
        "what was learnt. What one city teaches does not hold in the other, and projections of the first should be read with the "
        "spread between cities in mind."
    )


def _rows(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"| {', '.join(entry['variant'].values()).replace('_', ' ') or 'one reading'} | `{key}` | {one['learnt']:.3g} | "
        f"{one['there']:.3g} [{one['low']:.3g}, {one['high']:.3g}] | {one['moved']:+.1f} | {one['between_cities']:.2f} | "
        f"{entry['nearest']:.1f}{'' if entry['explained'] else ', not explained'} |"
        for entry in entries
        for key, one in entry["parameters"].items()
    ]
