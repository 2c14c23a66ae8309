"""The page of the ladder studies in Markdown: figures, tables and what they show, in plain sentences."""

from __future__ import annotations

import datetime
from typing import Any

from kechuang.analyse.ladder_closures import COUNTS, DATES
from kechuang.analyse.ladder_dilution import VARIANTS, YEARS
from kechuang.parameters import CLOSURES

_NAMES = {"high_tech_firms": "high-tech firms", "tech_sme_firms": "technology SMEs"}
_LABELS = {"provisional": "provisional point", "prior": "prior"}
_VARIANTS = {
    "on": "firms differ",
    "off": "firms alike",
    "off_with_yearly_taste": "firms alike but for a yearly taste",
    "on_law_of_2016": "firms differ, small-firm tax of 2016",
    "off_law_of_2016": "firms alike, small-firm tax of 2016",
}
_CLASSES = {"under_5000": "under 5000万", "5000_to_20000": "5000万 to 2亿", "over_20000": "over 2亿"}


def ladder_page(content: dict[str, Any]) -> str:
    """Return the page for the content of calibration/studies/ladder.yaml."""
    runs = content["runs"]
    lines = [
        "# The certification ladder: three studies",
        "",
        f"Made on {datetime.date.today().isoformat()} by `kechuang study ladder` (generated; do not edit). "
        f"Scenario `{content['scenario']}`. Nothing here entered a fit; what was found stands here whatever it is. "
        "The provisional point was fitted to four figures of 2020, among them 1190 and 5500, and validates nothing.",
        "",
        "## Closures: how far apart are A (fixed pool), B (growing pool) and C (capped certificates)?",
        "",
        f"{runs['provisional_seeds']} luck seeds per closure at the provisional point; {runs['prior_draws']} parameter "
        "vectors of the prior, each under all three closures with the same luck. Common mass: the integral of the lowest "
        "of the kernel densities of the logs, 1 for equal distributions, 0 for separate ones.",
        "",
        "![Ranges of the closures](ladder-ranges.en.svg)",
        "",
        "| parameters | what | date | A | B | C | common mass AB, AC, BC | of all three |",
        "|--|--|--|--|--|--|--|--|",
        *_range_rows(content["closures"]),
        "",
        "## Dilution: new certificates per technology SME and year",
        "",
        f"{runs['provisional_seeds_short']} luck seeds per closure and variant, 2016-2020, nothing fitted again: only the "
        "shape over the years can be compared between variants, not the level. Elasticity: slope of the log rate on the "
        "log number of technology SMEs over the five years.",
        "",
        "![New certificates per technology SME](ladder-dilution.en.svg)",
        "",
        "| variant | closure | " + " | ".join(str(year) for year in YEARS) + " | elasticity [5 %, 95 %] |",
        "|--|--|" + "--|" * (len(YEARS) + 1),
        *_rate_rows(content["dilution"]),
        "",
        *_dilution_words(content["dilution"]),
        "",
        "## Bunching: excess mass at the thresholds of 5, 4 and 3 %",
        "",
        f"{runs['provisional_seeds_bunching']} luck seeds per closure at the provisional point; doers just after the R&D "
        "floor of certified firms has acted in the fourth quarter. Excess: firms in the half point from the threshold on "
        "over a smooth counterfactual, less one. Figure: 2020, mean over runs.",
        "",
        "![Bunching](ladder-bunching.en.svg)",
        "",
        "| year | yearly sales | threshold | reported: median [5 %, 95 %] | real | real over reported | real, half point below |",
        "|--|--|--|--|--|--|--|",
        *_bunching_rows(content["bunching"]),
        "",
        *_bunching_words(content["bunching"]),
        "Figures with Chinese text: `ladder-*.zh.svg`; PNG beside each.",
    ]
    return "\n".join(lines) + "\n"


def _range_rows(closures: dict[str, Any]) -> list[str]:
    rows = []
    for label in ("provisional", "prior"):
        for key in COUNTS:
            for date in DATES:
                entry = closures[label][key][date]
                mass = entry["common_mass"]
                cells = " | ".join(_spread(entry[closure], 0) for closure in CLOSURES)
                pairs = ", ".join(f"{mass[pair]:.2f}" for pair in ("AB", "AC", "BC"))
                rows.append(f"| {_LABELS[label]} | {_NAMES[key]} | {date} | {cells} | {pairs} | **{mass['ABC']:.2f}** |")
    return rows


def _rate_rows(dilution: dict[str, Any]) -> list[str]:
    rows = []
    for variant in VARIANTS:
        for closure, entry in dilution[variant].items():
            rates = " | ".join(f"{entry['rate'][year]['q50']:.3f}" for year in YEARS)
            rows.append(f"| {_VARIANTS[variant]} | {closure} | {rates} | {_spread(entry['elasticity'], 2)} |")
    return rows


def _dilution_words(dilution: dict[str, Any]) -> list[str]:
    """Say what the elasticities say, by comparing them; no number is written by hand."""

    def elasticity(variant: str, closure: str) -> float:
        return float(dilution[variant][closure]["elasticity"]["q50"])

    lines = []
    for closure in CLOSURES:
        on, off, held = (elasticity(name, closure) for name in ("on", "off", "on_law_of_2016"))
        without = "also falls" if off < -0.05 else "no longer falls"
        law = "still falls" if held < -0.05 else "no longer falls"
        lines.append(
            f"- Closure {closure}: elasticity {on:+.2f}; with firms alike the rate {without} ({off:+.2f}); "
            f"with the small-firm tax of 2016 held it {law} ({held:+.2f})."
        )
    free = [closure for closure in ("A", "B") if elasticity("off", closure) < -0.05]
    if free and all(elasticity("on_law_of_2016", closure) > -0.05 for closure in free):
        lines.append(
            "\nThe heterogeneity of firms does not cause the fall in closures A and B: it stays, and is steeper, without it. "
            "The wider tax schedule of small low-profit firms does (2018 and above all 2019): it takes away what a "
            "certificate saves a small firm. In closure C the cap causes it."
        )
    return lines


def _bunching_rows(bunching: dict[Any, Any]) -> list[str]:
    rows = []
    for year, classes in bunching.items():
        for name, entry in classes.items():
            spreads = " | ".join(_spread(entry[part], 2) for part in _PARTS)
            rows.append(f"| {year} | {_CLASSES[name]} | {entry['threshold']:.0%} | {spreads} |")
    return rows


def _bunching_words(bunching: dict[Any, Any]) -> list[str]:
    """Say where the excess of small firms stands, as far as the numbers say so."""
    small = [classes["under_5000"] for classes in bunching.values()]
    lines = []
    if all(one["reported"]["q05"] > 0 and abs(one["real_over_reported"]["q50"]) < 0.05 for one in small):
        lines.append("Below 5000万 the excess from the threshold on stands in reported R&D only.")
    if all(one["real_just_below"]["q50"] > 0.5 for one in small):
        lines.append(
            "Real R&D does pile up in the half point just below it: a firm whose net price of R&D is at its floor closes "
            "nearly the whole gap with real R&D and relabels the last fifth of a point."
        )
    return [*lines, ""]


_PARTS = ("reported", "real", "real_over_reported", "real_just_below")


def _spread(entry: dict[str, float], digits: int) -> str:
    return f"{entry['q50']:,.{digits}f} [{entry['q05']:,.{digits}f}, {entry['q95']:,.{digits}f}]" if entry else "–"
