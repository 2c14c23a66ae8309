"""New certificates per technology SME and year, 2016-2020: is the ladder diluted as it grows?

At the provisional point with the heterogeneity of firms on and off, and with the tax rules for small firms held as they were
in 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from kechuang.analyse import facts_statistics as statistics
from kechuang.analyse.ladder_jobs import Job, provisional_jobs, quantiles
from kechuang.analyse.study_runs import run_jobs
from kechuang.scenario import Scenario
from kechuang.world.indicators import POSITION
from kechuang.world.model import Corridor

YEARS = (2016, 2017, 2018, 2019, 2020)
REGISTRY_2015 = 1012
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
