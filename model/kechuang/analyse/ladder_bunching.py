"""Excess mass at the thresholds of R&D over sales, in reported and in real R&D, by class of size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from kechuang.analyse import facts_statistics as statistics
from kechuang.analyse.facts import NOTCHES
from kechuang.analyse.facts_panel import CityYear, observe
from kechuang.analyse.ladder_jobs import Job, quantiles
from kechuang.analyse.study_runs import run_jobs
from kechuang.scenario import Scenario
from kechuang.world.measure.pictures import SIZE_CLASSES

_Bunch = dict[int, dict[str, Any]]


def bunching_runs(
    scenario: Scenario,
    jobs: Sequence[Job],
    scale: float = 1.0,
    workers: int | None = None,
    progress: bool = True,
    years: tuple[int, ...] = (2020, 2035),
) -> list[_Bunch]:
    """Return, per run and year, counts of doers by R&D over sales and the excess mass at the threshold."""
    work = partial(_bunching, scenario.with_run(until=f"{max(years)}Q4"), scale, years)
    return run_jobs(work, jobs, "bunching at the thresholds", workers, progress)


def _bunching(scenario: Scenario, scale: float, years: tuple[int, ...], job: Job) -> _Bunch:
    cities = observe(scenario, job.draw, job.seed, scale, years)
    return {year: {"closure": job.draw.closure, "classes": _classes(city, scale)} for year, city in cities.items()}


def _classes(city: CityYear, scale: float) -> list[dict[str, Any]]:
    classes = []
    for k, (low, high) in enumerate(SIZE_CLASSES):
        doers = city.floor[(city.floor["does_research"] == 1) & city.floor["sales"].between(low, high, "right")]
        real = doers["research_intensity"].to_numpy()
        reported = real + doers["relabelled"].to_numpy()
        lower, real_counts = statistics.intensity_counts(real)
        _, reported_counts = statistics.intensity_counts(reported)
        classes.append(
            {
                "notch": NOTCHES[k],
                "lower": lower,
                "real": real_counts / scale,
                "reported": reported_counts / scale,
                "counterfactual": statistics.smooth_counterfactual(lower, reported_counts, NOTCHES[k]) / scale,
                "excess_real": statistics.excess_mass(real, NOTCHES[k]),
                "excess_real_below": statistics.excess_mass(real, NOTCHES[k], below=True),
                "excess_reported": statistics.excess_mass(reported, NOTCHES[k]),
            }
        )
    return classes


def bunching_summary(runs: Sequence[_Bunch]) -> dict[int, dict[str, Any]]:
    """Return quantiles of the excess mass by year and class of size, at the threshold and, for real R&D, just below it."""
    out: dict[int, dict[str, Any]] = {}
    for year in sorted({year for run in runs for year in run}):
        for k, name in enumerate(("under_5000", "5000_to_20000", "over_20000")):
            classes = [run[year]["classes"][k] for run in runs if year in run]
            reported = np.array([one["excess_reported"] for one in classes])
            real = np.array([one["excess_real"] for one in classes])
            out.setdefault(year, {})[name] = {
                "threshold": NOTCHES[k],
                "reported": quantiles(reported),
                "real": quantiles(real),
                "real_just_below": quantiles(np.array([one["excess_real_below"] for one in classes])),
                "real_over_reported": quantiles(real / reported),
            }
    return out


def mean_counts(runs: Sequence[_Bunch], year: int) -> list[dict[str, Any]]:
    """Return, by class of size, counts by intensity averaged over runs: what the figure shows."""
    merged = []
    for k in range(len(SIZE_CLASSES)):
        classes = [run[year]["classes"][k] for run in runs if year in run]
        merged.append(
            {
                "notch": NOTCHES[k],
                "lower": classes[0]["lower"],
                **{
                    name: np.mean([one[name] for one in classes], axis=0)
                    for name in ("real", "reported", "counterfactual")
                },
            }
        )
    return merged
