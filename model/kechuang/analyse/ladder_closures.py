"""How far the three closures of the certification ladder differ.

5, 50 and 95 % of high-tech firms and technology SMEs in 2026 and 2035 by closure, at the provisional point (luck alone) and
under the prior (the same parameter vectors and luck for all three), and the share of common mass of their distributions.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kechuang.analyse.ladder_jobs import Job, quantiles
from kechuang.analyse.study_runs import run_jobs
from kechuang.clock import quarter_index
from kechuang.scenario import Scenario
from kechuang.world.indicators import POSITION
from kechuang.world.simulate import simulate

COUNTS = ("high_tech_firms", "tech_sme_firms")
DATES = ("2026Q4", "2035Q4")
_GRID = 2000



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
