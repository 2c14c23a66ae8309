"""The page of the frozen forecast in Markdown: how it was made, what it says, and what may be said about its skill."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple

from kechuang.analyse.forecast import CORE, CORE_FITTED, COUNTS, DATES, FULL, MACRO
from kechuang.analyse.forecast_envelope import MOVED
from kechuang.analyse.rivals import NAMES
from kechuang.world.indicators import INDICATORS

COMMENT = """The frozen forecast from the end of 2020 (scenario seed-only): quantiles of every model, and the figures of 2020 in
sample. The draws stand in forecast.parquet. No figure of a later year was read. Made by: kechuang validate --forecast"""
SHOWN = ("2021Q4", "2023Q4", "2026Q4", "2030Q4", "2035Q4")
_AS_WELL = 1.05
"""The core does as well where its mean score is at most a twentieth worse."""
_BOTH = {FULL: "full model", CORE: "forecast core"}
_MODELS = {**_BOTH, CORE_FITTED: "core, fitted to two counts"}


def forecast_page(content: dict[str, Any]) -> str:
    """Return the page for the content of calibration/studies/forecast.yaml."""
    hashes = content["hashes"]
    lines = [
        "# The frozen forecast from the end of 2020",
        "",
        f"Made on {datetime.date.today().isoformat()} by `kechuang validate --forecast` (generated; do not edit). Scenario "
        f"`{content['scenario']}`, origin {content['origin']}, {content['draws']} draws, parameters: "
        f"{content['parameters_from']}{_scale_words(content['scale'])}. No figure of a year after 2020 was read, looked up or "
        "fitted. The draws stand in `forecast.parquet` beside the study file: model, indicator, date, draw, value. They are "
        "scored elsewhere.",
        "",
        f"Parameters {hashes['parameters'][:12]}, draws {hashes['draws'][:12]}, code {hashes['code'][:12]}.",
        "",
        "## Models",
        "",
        "- **Full model**: everything runs.",
        "- **Forecast core**: demand, growth of firms, births and deaths, R&D and the certification ladder alone. Credit, funds, "
        "guarantees, R&D staff as a limit, spin-offs, research carriers, vouchers, incubators, joint projects, spillovers, "
        "digital projects and the zone are switched off by their parameters and levers. Two things cannot be switched off "
        "from outside: interest on loans is paid out of profit, and a firm's own knowledge moves its productivity. The same "
        "draws and luck as the full model.",
        "- **Core, fitted to two counts**: the draws of the core, weighted by how near they come to the two counts of 2020 under "
        f"the error model: {content['core_effective_draws']:g} effective draws of {content['draws']}.",
        *(f"- **{key}**: {name}." for key, name in NAMES.items()),
        "",
        "The rivals know the counts of 2015 and 2020 with their reading errors, no more. B7 takes the damped national path, since "
        "the true one was not known in 2020.",
        "",
    ]
    for indicator in (*COUNTS, *MACRO):
        lines += _indicator_section(indicator, content["quantiles"][indicator])
    return "\n".join([*lines, *_envelope_section(content["envelope"]), *_in_sample_section(content["in_sample"])]) + "\n"


def _scale_words(scale: float) -> str:
    return "" if scale == 1.0 else f"; only {scale:g} of the city was simulated: a trial, not a result"


def _indicator_section(indicator: str, models: dict[str, Any]) -> list[str]:
    about = INDICATORS[indicator]
    digits = 0 if about.unit in ("firms", "亿元") else 2
    rows = [
        f"| {_MODELS[model] if model in _MODELS else f'{model} {NAMES[model]}'} | "
        + " | ".join(_spread(dates[date], digits) for date in SHOWN)
        + " |"
        for model, dates in models.items()
    ]
    return [
        f"## {about.en} ({about.unit}): median [5 %, 95 %]",
        "",
        "| model | " + " | ".join(SHOWN) + " |",
        "|--|" + "--|" * len(SHOWN),
        *rows,
        "",
        *_core_words(models),
    ]


def _core_words(models: dict[str, Any]) -> list[str]:
    """Say how far full model and core are apart at the last common date, in units of the full model's range."""
    date = DATES[-1]
    full, core = models[FULL][date], models[CORE][date]
    width = full["q95"] - full["q05"]
    if width <= 0.0:
        return []
    apart = abs(full["q50"] - core["q50"]) / width
    meaning = "what the core leaves out hardly moves it" if apart < 0.1 else "what the core leaves out moves it"
    return [f"Medians of full model and core in {date} lie {apart:.0%} of the full model's 90 % range apart: {meaning}.", ""]


def _envelope_section(found: Mapping[str, Any]) -> list[str]:
    """Return how the forecast moves under the other assumptions of the calibration, where there is one."""
    if not found:
        return []
    rows = []
    for indicator, dates in found.items():
        about = INDICATORS[indicator]
        digits = 0 if about.unit in ("firms", "亿元") else 2
        for date in SHOWN:
            one = dates[date]
            ends = f"[{one['low']:,.{digits}f}, {one['high']:,.{digits}f}]"
            word = f"**{one['moved']:.2f}**" if one["moved"] > MOVED else f"{one['moved']:.2f}"
            rows.append(f"| {about.en}, {date} | {_spread(one, digits)} | {ends} | {word} | {one['most']} |")
    return [
        "## If the assumptions of the calibration were others",
        "",
        "The draws of the full model, counted as other discrepancies, other priors and another date of the 430 firms would count "
        "them ([the calibration](README.md) names them). Moved: the largest move of a quantile, in 90 % widths; above "
        f"{MOVED:g}, in bold, quote the envelope.",
        "",
        "| what | full model | envelope | moved | most by |",
        "|--|--|--|--|--|",
        *rows,
        "",
    ]


def _in_sample_section(found: dict[str, Any]) -> list[str]:
    rows = []
    for summary, entry in found["figures"].items():
        cells = " | ".join(_scored(entry.get(model)) for model in _BOTH)
        rows.append(f"| {summary} | {entry['date']} | {entry['figure']:g} | {entry['score']} | {cells} |")
    covered = [
        f"- {_BOTH[model]}: "
        + ", ".join(f"{c['level']:.0%} interval {c['hits']} of {c['n']} ({c['low']} to {c['high']} would do)" for c in levels)
        for model, levels in found["coverage"].items()
    ]
    return [
        "## Against the figures of 2020: in sample",
        "",
        f"**{found['verdict'].capitalize()}.** They show only whether the draws still contain what they were fitted to. CRPS on "
        "logs (0.1 is about a tenth) or in points. The core stands here as it is, not weighted. The targets that the city set "
        "itself in 2016 are no outcomes and are not scored.",
        "",
        "| figure | date | reported | score | full model: median [5 %, 95 %], CRPS | forecast core |",
        "|--|--|--|--|--|--|",
        *rows,
        "",
        "Figures inside the central intervals, and the range that right intervals give in 95 of 100 cases:",
        "",
        *covered,
        "",
        _comparison(found["figures"]),
    ]


class CoreScore(NamedTuple):
    """Mean CRPS of full model and core on the logs of the fitted counts that both make."""

    counts: int
    full: float
    core: float

    @property
    def as_well(self) -> bool:
        """Whether the core does as well as the full model."""
        return self.core <= _AS_WELL * self.full


def core_score(entries: Mapping[str, Any]) -> CoreScore | None:
    """Return how full model and core score on the figures that both make; None if there are none."""
    both = [
        (entry[FULL]["crps"], entry[CORE]["crps"])
        for entry in entries.values()
        if entry["score"] == "logs" and CORE in entry and None not in (entry[FULL]["crps"], entry[CORE]["crps"])
    ]
    if not both:
        return None
    return CoreScore(len(both), *(sum(pair[k] for pair in both) / len(both) for k in (0, 1)))


def _comparison(entries: Mapping[str, Any]) -> str:
    """Say whether the core does as well as the full model on the figures that both make."""
    found = core_score(entries)
    if found is None:
        return "No figure is made by both models."
    if found.as_well:
        return (
            f"On the {found.counts} counts that both make, the core does as well as the full model (mean CRPS {found.core:.3f} "
            f"against {found.full:.3f}, in sample): what it leaves out is not needed to meet them and serves questions about "
            "levers."
        )
    return (
        f"On the {found.counts} counts that both make, the core does worse than the full model ({found.core:.3f} against "
        f"{found.full:.3f})."
    )


def _scored(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "not made"
    loss = "–" if entry["crps"] is None else f"{entry['crps']:.3g}"
    return f"{entry['q50']:g} [{entry['q05']:g}, {entry['q95']:g}], {loss}"


def _spread(entry: dict[str, float], digits: int) -> str:
    return f"{entry['q50']:,.{digits}f} [{entry['q05']:,.{digits}f}, {entry['q95']:,.{digits}f}]"
