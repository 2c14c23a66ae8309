"""The study of the stylised facts: every fact on draws and luck seeds, its verdict, and the page that publishes it."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from kechuang.analyse.facts import FACTS, PASSING_SHARE, evaluate
from kechuang.analyse.facts_panel import YEARS, observe
from kechuang.analyse.facts_record import Fact
from kechuang.analyse.study_runs import run_jobs
from kechuang.ensemble.draws import draws_for, luck_of, seed_of
from kechuang.parameters import Draw
from kechuang.scenario import Scenario, load_scenario

LEVELS = (0.05, 0.5, 0.95)
COMMENT = """The stylised facts: quantiles over runs, and the share of runs inside the band of each fact (passes at 80 %).
None of them entered a fit; failures stand here like the rest. Made by: kechuang validate --facts"""


@dataclass(frozen=True)
class Verdict:
    """What the runs say about one statistic at one year-end; `share` is the part of the runs inside the band."""

    fact: Fact
    year: int
    runs: int
    missing: int
    q05: float
    q50: float
    q95: float
    share: float

    @property
    def passed(self) -> bool | None:
        """Whether the fact holds in enough runs; None where it claims nothing."""
        return self.share >= PASSING_SHARE if self.fact.has_band else None


@dataclass(frozen=True)
class Job:
    """One run of the study."""

    draw: Draw
    seed: int


def study_facts(
    draws: int,
    seeds: int,
    parameters: str = "prior",
    scenario: Scenario | None = None,
    scale: float = 1.0,
    workers: int | None = None,
    progress: bool = True,
) -> list[Verdict]:
    """Run the baseline for draws x luck seeds and judge every fact in 2020 and 2035."""
    scenario = scenario or load_scenario("baseline")
    jobs = [
        # A draw of the posterior comes with the luck it was learnt with; further seeds are fresh.
        Job(draw, seed_of(scenario.seed + extra, draw.id) if extra else luck_of(scenario.seed, draw))
        for draw in draws_for(parameters, draws, scenario.seed)
        for extra in range(seeds)
    ]
    work = partial(measure, scenario, scale)
    return judge(run_jobs(work, jobs, "stylised facts", workers, progress))


def measure(scenario: Scenario, scale: float, job: Job) -> dict[int, dict[str, float]]:
    """Return the statistics of one run by year."""
    return {year: evaluate(city) for year, city in observe(scenario, job.draw, job.seed, scale).items()}


def judge(runs: list[dict[int, dict[str, float]]]) -> list[Verdict]:
    """Return one verdict per fact and year; a statistic that could not be computed counts as outside the band."""
    return [_verdict(fact, year, runs) for fact in FACTS for year in YEARS if year in fact.years]


def _verdict(fact: Fact, year: int, runs: list[dict[int, dict[str, float]]]) -> Verdict:
    values = np.array([run.get(year, {}).get(fact.name, math.nan) for run in runs])
    known = values[np.isfinite(values)]
    low, middle, high = np.quantile(known, LEVELS) if known.size else np.full(3, math.nan)
    inside = sum(fact.holds(float(value)) for value in known)
    return Verdict(
        fact=fact,
        year=year,
        runs=values.size,
        missing=int(values.size - known.size),
        q05=float(low),
        q50=float(middle),
        q95=float(high),
        share=inside / max(values.size, 1),
    )


def study_content(verdicts: list[Verdict], about: dict[str, Any]) -> dict[str, Any]:
    """Return the study as plain data for its file."""
    facts: dict[str, Any] = {}
    for item in verdicts:
        entry = facts.setdefault(
            item.fact.name,
            {
                "statistic": item.fact.statistic,
                "band": [_plain(item.fact.low), _plain(item.fact.high)] if item.fact.has_band else None,
                "built_in": item.fact.built_in,
                "source": item.fact.source or None,
            },
        )
        entry[item.year] = {
            "q05": _plain(item.q05),
            "q50": _plain(item.q50),
            "q95": _plain(item.q95),
            "missing": item.missing,
            "inside": round(item.share, 3) if item.fact.has_band else None,
            "passed": item.passed,
        }
    judged = [item for item in verdicts if item.passed is not None]
    counts = {"judged": len(judged), "passed": sum(bool(item.passed) for item in judged)}
    return {**about, "passing_share": PASSING_SHARE, "verdicts": counts, "facts": facts}


def _plain(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None


def study_page(verdicts: list[Verdict], about: dict[str, Any]) -> str:
    """Return the page of the study in Markdown: the table with its failures, and what the columns mean."""
    judged = [item for item in verdicts if item.passed is not None]
    failed = [item for item in judged if not item.passed]
    telling = [item for item in judged if not item.fact.built_in]
    lines = [
        "# Stylised facts",
        "",
        f"Made on {datetime.date.today().isoformat()} by `kechuang validate --facts --draws {about['draws']} "
        f"--seeds {about['seeds']}` (generated; do not edit).",
        "",
        f"{about['draws']} draws of the {about['parameters_from']} parameters x {about['seeds']} luck seeds = "
        f"{about['runs']} runs of the scenario `{about['scenario']}` at scale {about['scale']:g}. No fact entered a fit. "
        f"A fact passes when at least {PASSING_SHARE:.0%} of the runs lie inside its band; "
        f"with {about['runs']} runs a share near 80 % is known to about ±{_noise(about['runs']):.0%} (one standard error, "
        "runs taken as independent). A failed fact is published, not repaired by moving a parameter.",
        "",
        f"**{len(judged) - len(failed)} of {len(judged)} statistics pass; "
        f"of the {len(telling)} that are not built in, {sum(bool(item.passed) for item in telling)}.** "
        "Built-in facts (marked *) shaped the mechanisms: passing them shows correct code, not explanatory power.",
        "",
        "Failed: " + (", ".join(f"{item.fact.name} {item.year}" for item in failed) or "none") + ".",
        "",
        "| fact | statistic | band | year | median [5 %, 95 %] | inside | verdict | source |",
        "|--|--|--|--|--|--|--|--|",
        *(_row(item) for item in verdicts),
        "",
        *_NOTES,
    ]
    return "\n".join(lines) + "\n"


def _noise(runs: int) -> float:
    return math.sqrt(PASSING_SHARE * (1.0 - PASSING_SHARE) / max(runs, 1))


def _row(item: Verdict) -> str:
    fact = item.fact
    verdict = "–" if item.passed is None else "pass" if item.passed else "**fail**"
    inside = "–" if item.passed is None else f"{item.share:.2f}"
    missing = f" ({item.missing} without value)" if item.missing else ""
    spread = f"{_short(item.q50)} [{_short(item.q05)}, {_short(item.q95)}]{missing}"
    star = "*" if fact.built_in else ""
    return (
        f"| {fact.name}{star} | {fact.statistic} | {_band(fact)} | {item.year} | {spread} | {inside} | {verdict} "
        f"| {fact.source or '–'} |"
    )


def _band(fact: Fact) -> str:
    if not fact.has_band:
        return "–"
    if math.isinf(fact.high):
        return f"> {fact.low:g}" if fact.strict else f"≥ {fact.low:g}"
    if math.isinf(fact.low):
        return f"< {fact.high:g}" if fact.strict else f"≤ {fact.high:g}"
    return f"{fact.low:g} to {fact.high:g}"


def _short(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "–"


_NOTES = (
    "How to read it:",
    "",
    "- \"Firms\" are followed one by one: above-scale firms, technology SMEs and what became of them. \"All units\" adds",
    "  the reservoir, whose sizes are cut lognormal by construction. Firms are cut at the bottom, which F2 shows.",
    "- F3, F4, F5, F6 dispersion: growth of yearly sales from the year-end before, firms alive at both. 2020 holds the",
    "  shock of its first quarter.",
    "- F6 exit and F7: exits over firm-quarters at risk by completed year of age, pooled over 2016-2020 and 2031-2035.",
    "- F8: all units. F9: reported R&D of industrial doers. F10, F11: real R&D over sales of doers.",
    "- F12: doers of a class of size, just after the R&D floor of certified firms has acted in the fourth quarter; excess",
    "  is the number of firms in the half point from the threshold on over a smooth counterfactual (Poisson, cubic in the",
    "  log of intensity, 1.5 points below to half a point above left out), less one.",
    "- F13: cells with at least 20 registrations; increments peak inside, and a logistic beats a line at 10 % (points",
    "  taken as independent, so it says yes too readily).",
    "- F14: five years, five points; after 2020 no band is claimed.",
    "- F15 to F17: the year names a window, 2016-2020 or 2021-2035. F15: applications are read off the firms right after",
    "  lending; rises count from the class of size below, and debt may rise or fall with size if it does so all the way.",
    "- F19: deals at least eight years old, so 2035 alone; a follow-on belongs to the deal it follows.",
    "- \"From memory\": not compared with the text of the source.",
)
