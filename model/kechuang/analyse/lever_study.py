"""The table of effects: every lever at its standard dose from 2023 on, against the same draws and luck without it.

    effects   paired differences in the lever's own indicator, high-tech firms, real and reported R&D and GDP, 2026 and 2035
    costs     what the city and all public purses pay more, and what an additional firm, yuan of R&D or of value added costs
    zero      a dose of nothing changes nothing: the largest difference in any indicator of any quarter, which must be 0
    claims    what is said about each lever, tested (kechuang.analyse.lever_claims)

With draws of the posterior the intervals hold parameters, luck and closures; at the provisional point luck and closures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from kechuang.analyse.compare_outcome import NOT_COMPARED, PRICE_BASE, Outcome
from kechuang.analyse.comparison import Comparison
from kechuang.analyse.lever_claims import CLAIMS, OWN_INDICATOR, Test, judge
from kechuang.analyse.study_runs import run_jobs
from kechuang.clock import QUARTERS_PER_YEAR, quarter_index, quarter_label
from kechuang.ensemble.draws import draws_for, luck_of
from kechuang.parameters import Draw
from kechuang.scenario import Scenario
from kechuang.scenario.levers import LEVERS
from kechuang.scenario.records import LeverChange
from kechuang.world.indicators import KEYS
from kechuang.world.policy.policy_state import ADMINISTRATION, CASH, CONTINGENT, FORGONE_LOCAL, FORGONE_TOTAL
from kechuang.world.simulate import RunResult, simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

BASE = "without"
FROM = "2023Q1"
DATES = ("2026Q4", "2035Q4")
MAIN = ("high_tech_firms", "rd_real", "rd_reported", "gdp_four_quarters")
ZERO_UNTIL = "2026Q4"


@dataclass(frozen=True)
class Job:
    """One run: a lever ('' for none) at a share of its standard dose, at a point of the parameters under a luck seed."""

    lever: str
    share: float
    draw: Draw
    seed: int


def dosed(scenario: Scenario, lever: str, share: float = 1.0) -> Scenario:
    """Return the scenario with a share of the lever's standard dose on top of its path from 2023 on."""
    if not lever:
        return scenario
    changes = tuple(
        LeverChange(lever, dial, "value", amount=share * amount, from_quarter=quarter_index(FROM))
        for dial, amount in LEVERS[lever].standard_dose
    )
    return replace(scenario, levers=scenario.levers + changes)


def study_levers(
    scenario: Scenario,
    draws: int,
    scale: float = 1.0,
    workers: int | None = None,
    progress: bool = True,
    parameters: str = "provisional",
) -> tuple[Comparison, dict[str, float], list[Test]]:
    """Return the comparison of all levers with the run without them, the zero-dose differences, and the judged claims."""
    pairs = [(draw, luck_of(scenario.seed, draw)) for draw in draws_for(parameters, draws, scenario.seed)]
    levers = ("", *LEVERS)
    jobs = [Job(lever, 1.0, *pair) for lever in levers for pair in pairs]
    found = run_jobs(partial(_run, scenario, scale), jobs, "effects of the levers", workers, progress)
    outcomes = [
        _outcome(lever or BASE, found[k * draws : (k + 1) * draws], pairs) for k, lever in enumerate(levers)
    ]
    comparison = Comparison(outcomes, DATES)
    short = replace(scenario, until=quarter_index(ZERO_UNTIL))
    zeros = [Job(lever, 0.0, *pairs[0]) for lever in levers]
    runs = run_jobs(partial(_run, short, scale), zeros, "doses of nothing", workers, progress)
    return comparison, dict(zip(LEVERS, _differences(runs), strict=True)), judged(comparison)


def judged(comparison: Comparison) -> list[Test]:
    """Return the verdict of every claim on a lever that was run."""
    base = comparison.outcomes[BASE]
    claims = [claim for claim in CLAIMS if claim.lever in comparison.outcomes]
    gaps = [
        comparison.outcomes[claim.lever].at(claim.indicator, claim.date) - base.at(claim.indicator, claim.date)
        for claim in claims
    ]
    return judge(claims, gaps, [float(base.at(claim.indicator, claim.date).mean()) for claim in claims])


def content_of(comparison: Comparison, zeros: dict[str, float], tests: Sequence[Test]) -> dict[str, Any]:
    """Return the study as plain data: effects, costs, zero doses and claims by lever."""
    out: dict[str, Any] = {}
    for lever in comparison.others:
        keys = dict.fromkeys((OWN_INDICATOR[lever], *MAIN))
        out[lever] = {
            "dose": {dial or "value": float(amount) for dial, amount in LEVERS[lever].standard_dose},
            "own_indicator": OWN_INDICATOR[lever],
            "effects": {key: {date: _effect(comparison, key, date, lever) for date in DATES} for key in keys},
            "costs": {date: _costs(comparison, lever, date) for date in DATES},
            "largest_difference_at_zero_dose": zeros[lever],
            "claims": [_claim(test) for test in tests if test.claim.lever == lever],
        }
    return out


def _run(scenario: Scenario, scale: float, job: Job) -> RunResult:
    return simulate(dosed(scenario, job.lever, job.share), job.draw, job.seed, scale=scale)


def _outcome(label: str, runs: Sequence[RunResult], pairs: Sequence[tuple[Draw, int]]) -> Outcome:
    quarters = tuple(quarter_label(t) for t in range(1, runs[0].indicators.shape[0] + 1))
    years = np.array([t - PRICE_BASE for t in range(1, len(quarters) + 1)]) / QUARTERS_PER_YEAR
    growth = np.array([draw.number("deflator_growth") for draw, _ in pairs])
    values = np.stack([run.indicators for run in runs])
    costs = np.stack([run.costs for run in runs]).sum(axis=2)  # draws, quarters, kinds
    cash = costs[..., CASH] + costs[..., ADMINISTRATION]
    return Outcome(
        label,
        quarters,
        tuple(draw.id for draw, _ in pairs),
        np.array([draw.closure for draw, _ in pairs]),
        {key: values[..., k] for k, key in enumerate(KEYS) if key not in NOT_COMPARED},
        {
            **{(payer, "cash"): cash for payer in ("city", "all")},
            **{(payer, "contingent"): costs[..., CONTINGENT] for payer in ("city", "all")},
            ("city", "forgone"): costs[..., FORGONE_LOCAL],
            ("all", "forgone"): costs[..., FORGONE_TOTAL],
        },
        np.exp(np.log1p(growth)[:, None] * years[None, :]),
    )


def _differences(runs: Sequence[RunResult]) -> list[float]:
    """Return the largest difference of each run from the first one in any indicator of any quarter, or in any cost."""
    base = runs[0]

    def largest(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
        both_missing = np.isnan(one) & np.isnan(other)
        return float(np.where(both_missing, 0.0, np.abs(one - other)).max())

    return [
        max(largest(run.indicators, base.indicators), largest(run.costs, base.costs)) for run in runs[1:]
    ]


def _effect(comparison: Comparison, key: str, date: str, lever: str) -> dict[str, float]:
    found = comparison.at(key, date, lever)
    numbers = {"without": found.base_mean, "mean": found.mean, "low": found.low, "high": found.high}
    return {name: _short(value) for name, value in {**numbers, "probability_above": found.probability}.items()}


def _costs(comparison: Comparison, lever: str, date: str) -> dict[str, Any]:
    table = comparison.costs
    rows = table[(table["scenario"] == lever) & (table["date"] == date) & (table["rate"] == 0.04)]
    out: dict[str, Any] = {}
    for payer in ("city", "all"):
        for item in ("total", "per_high_tech_firm", "per_real_rd", "per_value_added"):
            row = rows[(rows["payer"] == payer) & (rows["item"] == item)].iloc[0]
            numbers = {name: _short(float(row[name])) for name in ("value", "low", "high")}
            words = {name: str(row[name]) for name in ("status", "reading") if isinstance(row[name], str) and row[name]}
            out.setdefault(payer, {})[item] = {"unit": str(row["unit"]), **numbers, **words}
    return out


def _claim(test: Test) -> dict[str, Any]:
    claim = test.claim
    return {
        "indicator": claim.indicator,
        "date": claim.date,
        "claim": claim.kind,
        "why": claim.why,
        "mean": _short(test.mean),
        "low": _short(test.low),
        "high": _short(test.high),
        "p": _short(test.p_value),
        "p_corrected": _short(test.p_holm),
        "verdict": test.verdict,
    }


def _short(value: float) -> float:
    return float(f"{value:.5g}")
