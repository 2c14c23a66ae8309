"""Two studies of the certification ladder: how far its three closures differ, and what bunching does and does not move.

    closures   5, 50 and 95 % of high-tech firms and technology SMEs in 2026 and 2035 by closure, at the provisional
               point (luck alone) and under the prior (the same parameter vectors and luck for all three), and the
               share of common mass of their distributions
    dilution   new certificates per technology SME and year, 2016-2020, with the heterogeneity of firms on and off, and
               with the tax rules for small firms held as they were in 2016
    bunching   excess mass at the thresholds of R&D over sales, in reported and in real R&D, by class of size
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kechuang.analyse import facts_statistics as statistics
from kechuang.analyse.facts import NOTCHES
from kechuang.analyse.facts_panel import CityYear, observe
from kechuang.analyse.study_runs import run_jobs
from kechuang.clock import quarter_index
from kechuang.ensemble.draws import draws_for, seed_of
from kechuang.parameters import CLOSURES, Draw, prior_draw
from kechuang.scenario import Scenario
from kechuang.world.indicators import POSITION
from kechuang.world.measure.pictures import SIZE_CLASSES
from kechuang.world.model import Corridor
from kechuang.world.simulate import simulate

COUNTS = ("high_tech_firms", "tech_sme_firms")
DATES = ("2026Q4", "2035Q4")
YEARS = (2016, 2017, 2018, 2019, 2020)
REGISTRY_2015 = 1012
LEVELS = {"q05": 0.05, "q50": 0.5, "q95": 0.95}
_GRID = 2000
_HETEROGENEITY = {
    "research_heterogeneity": 0.0,
    "margin_sd": 0.0,
    "margin_productivity": 0.0,
    "productivity_sd": 0.0,
    "soft_benefit_sd": 0.0,
}
LAW_HELD = "law_of_2016"
VARIANTS: dict[str, dict[str, float]] = {
    "on": {},
    "off": {**_HETEROGENEITY, "taste_scale": 1e-9},
    "off_with_yearly_taste": {**_HETEROGENEITY, "taste_permanent_share": 0.0},
    f"on_{LAW_HELD}": {},
    f"off_{LAW_HELD}": {**_HETEROGENEITY, "taste_scale": 1e-9},
}
"""What is changed at the provisional point. `off`: firms of a size and industry are alike in R&D effect, margin,
productivity, soft benefit and taste; the third keeps a taste that is drawn anew every year. Sizes, and who does R&D at
all, differ in every variant. The last two hold the schedule of small low-profit firms of 2016, which in fact widened in
2017, 2018 and 2019."""


@dataclass(frozen=True)
class Job:
    """One run: a point of the parameters under a luck seed, and a label of its group."""

    draw: Draw
    seed: int
    label: str


def provisional_jobs(scenario: Scenario, seeds: int, label: str = "provisional") -> list[Job]:
    """Return jobs at the provisional point of every closure under the same luck seeds."""
    points = draws_for("provisional", len(CLOSURES), scenario.seed)
    return [Job(replace(point, id=k), seed_of(scenario.seed, k), label) for k in range(seeds) for point in points]


def prior_jobs(scenario: Scenario, draws: int) -> list[Job]:
    """Return jobs on draws from the priors, each vector and its luck under all three closures."""
    vectors = [prior_draw(k, scenario.seed) for k in range(draws)]
    return [
        Job(vector.with_closure(closure), seed_of(scenario.seed, vector.id), "prior")
        for vector in vectors
        for closure in CLOSURES
    ]


# Closures -----------------------------------------------------------------------------------------------------------


def closure_counts(
    scenario: Scenario, jobs: Sequence[Job], scale: float = 1.0, workers: int | None = None, progress: bool = True
) -> pd.DataFrame:
    """Return one row per run and date: label, draw, closure, quarter, and the counts of both steps."""
    found = run_jobs(partial(_counts, scenario, scale), jobs, "ranges of the closures", workers, progress)
    return pd.concat(found, ignore_index=True)


def _counts(scenario: Scenario, scale: float, job: Job) -> pd.DataFrame:
    indicators = simulate(scenario, job.draw, job.seed, scale=scale).indicators
    rows = [
        {
            "label": job.label,
            "draw": job.draw.id,
            "closure": job.draw.closure,
            "quarter": date,
            **{key: indicators[quarter_index(date) - 1, POSITION[key]] for key in COUNTS},
        }
        for date in DATES
    ]
    return pd.DataFrame(rows)


def ranges(table: pd.DataFrame) -> dict[str, Any]:
    """Return quantiles by label, step, date and closure, and the share of common mass of the closures."""
    out: dict[str, Any] = {}
    for (label, quarter), part in table.groupby(["label", "quarter"]):
        for key in COUNTS:
            samples = {str(closure): rows[key].to_numpy(dtype=float) for closure, rows in part.groupby("closure")}
            entry: dict[str, Any] = {closure: quantiles(values) for closure, values in samples.items()}
            entry["all"] = quantiles(part[key].to_numpy(dtype=float))
            entry["common_mass"] = {
                "".join(group): round(common_mass([samples[closure] for closure in group]), 3)
                for size in (2, 3)
                for group in itertools.combinations(sorted(samples), size)
            }
            out.setdefault(str(label), {}).setdefault(key, {})[str(quarter)] = entry
    return out


def quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the 5, 50 and 95 % of some values, to four digits."""
    known = values[np.isfinite(values)]
    return {name: float(f"{np.quantile(known, level):.4g}") for name, level in LEVELS.items()} if known.size else {}


def common_mass(samples: Sequence[NDArray[np.float64]]) -> float:
    """Return the mass that the densities of several samples of positive numbers share: 1 if alike, 0 if apart.

    The integral of the lowest of the densities of the logs, each a Gaussian kernel estimate with Silverman's
    bandwidth (source: Silverman 1986); with two equal normal laws d standard deviations apart it is 2 Phi(-d/2).
    """
    logs = [np.log(sample[np.isfinite(sample) & (sample > 0)]) for sample in samples]
    widths = [max(1.06 * float(_spread(one)) * one.size**-0.2, 1e-6) for one in logs]
    low = min(one.min() - 4 * width for one, width in zip(logs, widths, strict=True))
    high = max(one.max() + 4 * width for one, width in zip(logs, widths, strict=True))
    grid = np.linspace(low, high, _GRID)
    densities = [
        np.exp(-0.5 * ((grid[:, None] - one[None, :]) / width) ** 2).mean(axis=1) / (width * np.sqrt(2.0 * np.pi))
        for one, width in zip(logs, widths, strict=True)
    ]
    return float(np.trapezoid(np.min(densities, axis=0), grid))


def _spread(logs: NDArray[np.float64]) -> float:
    """Return the smaller of standard deviation and scaled quartile range, as Silverman's rule asks."""
    quartiles = float(np.subtract(*np.quantile(logs, (0.75, 0.25)))) / 1.349
    return min(float(logs.std()), quartiles) or float(logs.std())


# Dilution -----------------------------------------------------------------------------------------------------------


def variant_jobs(scenario: Scenario, seeds: int) -> list[Job]:
    """Return jobs at the provisional point with the heterogeneity of firms on and off."""
    return [
        Job(replace(job.draw.with_values(**changes), id=job.draw.id), job.seed, label)
        for label, changes in VARIANTS.items()
        for job in provisional_jobs(scenario, seeds)
    ]


def certification_rates(
    scenario: Scenario, jobs: Sequence[Job], scale: float = 1.0, workers: int | None = None, progress: bool = True
) -> pd.DataFrame:
    """Return one row per run and year: new certificates, technology SMEs a year before, and their ratio."""
    short = scenario.with_run(until=f"{YEARS[-1]}Q4")
    found = run_jobs(partial(_rates, short, scale), jobs, "new certificates per SME", workers, progress)
    return pd.concat(found, ignore_index=True)


def _rates(scenario: Scenario, scale: float, job: Job) -> pd.DataFrame:
    hold = {"opening": [_hold_law]} if job.label.endswith(LAW_HELD) else {}
    city = Corridor(scenario, job.draw, job.seed, scale=scale, collect=False, events=hold).run()
    indicators = city.indicators.reshape(len(YEARS), 4, -1)
    city.release()
    flow = indicators[:, :, POSITION["certificates_new"]].sum(axis=1)
    stock = np.append(REGISTRY_2015, indicators[:-1, 3, POSITION["tech_sme_firms"]])
    return pd.DataFrame(
        {
            "variant": job.label,
            "draw": job.draw.id,
            "closure": job.draw.closure,
            "year": YEARS,
            "certificates_new": flow,
            "tech_smes_before": stock,
            "rate": flow / stock,
        }
    )


def _hold_law(city: Corridor) -> None:
    """Tax small firms as in 2016, whatever the year."""
    city.law = city.policy.law(1)


def rates_summary(table: pd.DataFrame) -> dict[str, Any]:
    """Return, by variant and closure, the rate of every year and the elasticity of the rate to the stock."""
    out: dict[str, Any] = {}
    for (variant, closure), part in table.groupby(["variant", "closure"]):
        elasticity = [
            statistics.slope(
                np.log(np.maximum(run["rate"].to_numpy(), 1e-6)), np.log(run["tech_smes_before"].to_numpy())
            )
            for _, run in part.groupby("draw")
        ]
        by_year = {year: part[part["year"] == year] for year in YEARS}
        rates = {year: quantiles(rows["rate"].to_numpy()) for year, rows in by_year.items()}
        flows = {year: quantiles(rows["certificates_new"].to_numpy()) for year, rows in by_year.items()}
        out.setdefault(str(variant), {})[str(closure)] = {
            "rate": rates,
            "certificates_new": flows,
            "elasticity": quantiles(np.array(elasticity)),
        }
    return out


# Bunching -----------------------------------------------------------------------------------------------------------

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
