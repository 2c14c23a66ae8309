"""A made-up run folder for tests of the report: plausible numbers, every file, no simulation."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kechuang.analyse.targets import judge_targets
from kechuang.city import load_city
from kechuang.clock import quarter_label, quarter_of_year, year_of
from kechuang.world.books.ledger import Ledger
from kechuang.world.indicators import BREAKDOWN_KEYS, KEYS
from kechuang.world.measure.pictures import FLOW
from kechuang.world.simulate import INTENSITY_BINS, SIZE_BINS

DRAWS, QUARTERS = 18, 80
CLOSURES = ("A", "B", "C")
_GROWTH = {"A": 0.13, "B": 0.165, "C": 0.10}
TARGET_GROUPS = ("city-2025", "city-2026", "corridor-2026", "corridor-2035")


def write_run_folder(folder: Path, title: str = "Baseline: policy of 2020 goes on", scale: float = 1.0,
                     leave_out: tuple[str, ...] = (), parameters: str = "provisional") -> Path:
    """Write every file of a run folder but those left out; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {**_record(title, scale), "parameters": parameters}
    whole = {**_tables(parameters), "record.json": json.dumps(record, ensure_ascii=False).encode()}
    for name, content in whole.items():
        if name not in leave_out:
            (folder / name).write_bytes(content)
    return folder


@cache
def _tables(parameters: str) -> dict[str, bytes]:
    """Return the tables of a run folder as bytes by file name, made once for all tests of a process."""
    generator = np.random.default_rng(7)
    lucks: list[np.ndarray] = []
    frame = _indicators(generator, lucks)
    tables = {"draws": _draws(lucks, parameters), "indicators": frame, "breakdown": _breakdown(frame, generator),
              "costs": _costs(generator), "snapshots": _snapshots(generator)}
    targets = judge_targets(TARGET_GROUPS, frame).to_csv(index=False).encode()
    return {**{f"{name}.parquet": table.to_parquet() for name, table in tables.items()}, "targets.csv": targets}


def _draws(lucks: list[np.ndarray], parameters: str) -> pd.DataFrame:
    """Return the vectors of the draws: one per closure at a provisional point, else four parameters that move the numbers."""
    moving = {"registration_imitation": 0, "demand_trend": 1, "research_trend": 2, "corridor_firm_share": 3}
    rows = []
    for draw, luck in enumerate(lucks):
        own = {name: float(luck[place]) for name, place in moving.items()}
        if parameters == "provisional":
            own = dict.fromkeys(moving, float(draw % 3))
        rows.append({"draw": draw, "closure": CLOSURES[draw % 3], "seed": draw, "discount_rate": 0.05, **own})
    return pd.DataFrame(rows)


def _indicators(generator: np.random.Generator, lucks: list[np.ndarray]) -> pd.DataFrame:
    """Return the indicators; the luck of each draw is added to `lucks`."""
    rows = []
    for draw in range(DRAWS):
        closure = CLOSURES[draw % 3]
        luck = generator.normal(0, 1, 4)
        lucks.append(luck)
        for t in range(1, QUARTERS + 1):
            rows.append({"draw": draw, "closure": closure, "replicate": 0, "quarter": quarter_label(t),
                         **_quarter(t, closure, luck, generator)})
    return pd.DataFrame(rows)[["draw", "closure", "replicate", "quarter", *KEYS]]


def _quarter(t: int, closure: str, luck: np.ndarray, generator: np.random.Generator) -> dict[str, float]:
    """Return one value for every indicator of one quarter."""
    years, after = t / 4, max(0, t - 20) / 4
    later = np.exp((_GROWTH[closure] + 0.02 * luck[0]) * after * (1 - after / 60))
    listed = later if closure == "A" else later**1.05
    noise = float(generator.normal(0, 1))
    fourth = quarter_of_year(t) == 4
    shock = {17: -18.3, 18: -6.0, 19: -0.5, 20: 4.4}.get(t, 6.5 - 0.15 * after + 0.4 * noise)
    high_tech = (430 + 760 * min(years, 5) / 5) * later + 8 * noise * min(years, 5)
    values = dict.fromkeys(KEYS, 0.0)
    gdp = 895 * np.exp((0.079 + 0.003 * luck[1]) * years - 0.0008 * after**2)
    values |= {
        "high_tech_firms": high_tech, "tech_sme_firms": (1012 + 4490 * min(years, 5) / 5) * listed,
        "leading_firms": 8 + 15 * years * (1 + 0.15 * luck[1]), "above_scale_firms": 3700 + 190 * years,
        "industrial_units": 52_000 * 1.05**years, "firms_entered": 1500 + 20 * years, "firms_exited": 900 + 15 * years,
        "certificates_new": 0.11 * high_tech if fourth else 0, "certificates_renewed": 0.16 * high_tech if fourth else 0,
        "certificates_lapsed": 0.05 * high_tech if fourth else 0, "registrations": 90 * listed,
        "gdp": gdp, "gdp_four_quarters": 3.93 * gdp, "industrial_value_added": 0.24 * gdp,
        "industrial_value_added_ytd_growth": shock if t > 4 else np.nan,
        "industrial_value_added_november_growth": (3.4 if year_of(t) == 2020 else shock) if fourth and t > 4 else np.nan,
        "rd_growth_ytd": 15 + noise if t > 4 else np.nan,
        "rd_november_growth": (33.1 if year_of(t) == 2020 else 12) + noise if fourth and t > 4 else np.nan,
        "sales": 4.1 * gdp, "employment": 810_000 + 4000 * years, "rd_real": 50 + 9 * years,
        "rd_relabelled": 5 + years, "rd_intensity": 1.72 + (0.145 + 0.012 * luck[2]) * years,
        "rd_reported": (66 + 14 * years) * (1 + 0.01 * luck[2] * years),
        "patents": 700 + 40 * years, "corridor_high_tech_share": 13.2 + (0.35 + 0.12 * luck[3]) * years,
        "local_revenue": 0.06 * gdp, "lever_cost_cash": 0.4 + 0.05 * years, "lever_cost_forgone": 0.9 + 0.12 * years,
        "ledger_residual": 3.1e-14,
    }
    return {key: float(value) for key, value in values.items()}


def _breakdown(frame: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    city = load_city("taizhou")
    places = {place.key: place.firm_share * place.high_tech_quotient for place in city.places}
    industries = dict(zip(city.industry_keys, generator.dirichlet([6.0] * 8), strict=True))
    ends = frame[frame["quarter"].str.endswith("Q4")]
    rows = [
        (int(draw), quarter, key, place, industry, round(count * share * part))
        for key in BREAKDOWN_KEYS
        for draw, quarter, count in ends[["draw", "quarter", key]].itertuples(index=False)
        for place, share in places.items() for industry, part in industries.items()
    ]
    return pd.DataFrame(rows, columns=["draw", "quarter", "indicator", "place", "industry", "value"])


def _costs(generator: np.random.Generator) -> pd.DataFrame:
    sizes = {"high_tech_tax_rate": (0, 0.6, 1.5), "certification_bonus": (0.35, 0, 0), "super_deduction": (0, 0.9, 2.2)}
    rows = [
        {"draw": draw, "lever": lever, "quarter": quarter_label(t), "cash": cash * (1 + t / 60) * luck,
         "forgone_local": local * (1 + t / 25) * luck, "forgone_total": total * (1 + t / 25) * luck,
         "contingent": 0.0, "administration": 0.02 * cash}
        for draw in range(DRAWS) for lever, (cash, local, total) in sizes.items()
        for luck in [float(generator.lognormal(0, 0.08))] for t in range(1, QUARTERS + 1)
    ]
    return pd.DataFrame(rows)


def _snapshots(generator: np.random.Generator) -> pd.DataFrame:
    """Return histograms as the store writes them: a name, a shape and the values, for every draw."""
    edges = np.array(SIZE_BINS[1:-1])
    share = np.diff(np.concatenate([[0.0], 1 / (1 + (2500 / edges) ** 1.2), [1.0]]))
    ratios = np.array(INTENSITY_BINS[:-1])
    shapes = {"ordinary": 0.55, "technology_sme": 0.32, "high_tech": 0.12, "leading": 0.01}
    rows = []
    for draw in range(DRAWS):
        arrays = {f"sizes_{step}": [generator.poisson(total * part * share) for total in (9000, 15_000, 26_000)]
                  for step, part in shapes.items()}
        for place, notch in enumerate((0.05, 0.04, 0.03)):
            smooth = 30 * np.exp(-((ratios - notch) ** 2) / 0.0008)
            bunched = smooth * np.where(ratios < notch, 0.1, 1.0) + 90 * (np.abs(ratios - notch) < 0.001)
            arrays[f"real_intensity_{place}"] = [generator.poisson(smooth) for _ in range(3)]
            arrays[f"reported_intensity_{place}"] = [generator.poisson(bunched) for _ in range(3)]
        for name, array in {**arrays, **_networks(generator)}.items():
            values = np.array(array, dtype=float)
            rows.append({"draw": draw, "closure": CLOSURES[draw % 3], "replicate": 0, "snapshot": name,
                         "shape": list(values.shape), "values": values.ravel().tolist()})
    return pd.DataFrame(rows)


PAYMENTS = (
    ("sales", "firms", "outside", 5200.0), ("purchases", "outside", "firms", 3900.0),
    ("production wages", "households", "firms", 630.0), ("wages of cells", "households", "cells", 300.0),
    ("sales of cells", "cells", "outside", 700.0), ("consumption", "outside", "households", 800.0),
    ("corporate income tax, city", "government", "firms", 38.0), ("general spending", "outside", "government", 120.0),
    ("capital of the guarantee fund", "guarantee fund", "government", 2.0), ("new loans", "firms", "other banks", 940.0),
    ("repaid loans", "other banks", "firms", 870.0), ("new equity of firms", "firms", "funds", 4.0),
)
"""Payments of a year in 亿元: name, receiver, payer, amount."""


def _networks(generator: np.random.Generator) -> dict[str, Any]:
    """Return the arrays of banks and money of one draw at the three dates."""
    city = load_city("taizhou")
    share = np.array([place.firm_share for place in city.places])
    distance = np.exp(-np.array(city.distances) / 20)
    branches = np.zeros((3, len(share)))
    branches[0] = [place.science_banks for place in city.places]
    branches[1, [0, 6, 8]] = branches[2, 6:] = 1
    found: dict[str, list[Any]] = {}
    for growth in (1.0, 1.6, 2.8):
        links = generator.poisson(5500 * growth * share[:, None] * distance * share / (distance @ share)[:, None])
        ledger = Ledger()
        for name, receiver, payer, amount in PAYMENTS:
            ledger.post(name, receiver, payer, amount * growth * float(generator.lognormal(0, 0.05)))
        arrays = {"bank_links": links, "science_links": 0.1 * links, "bank_loans": 750 * growth * share,
                  "banks_open": branches, "money_between": ledger.between,
                  **{FLOW + name: row for name, row in ledger.flows.items()}}
        for name, array in arrays.items():
            found.setdefault(name, []).append(array)
    return found


def _record(title: str, scale: float) -> dict[str, Any]:
    return {
        "scenario": {
            "name": "baseline", "title": {"en": title, "zh": "基准情景：延续2020年政策"},
            "summary": {"en": "Levers stay at the level of the end of 2020; the national tide of certification slows.",
                        "zh": "各项政策保持2020年末的力度，全国高新技术企业认定增速逐步放缓。"},
            "law": "2020", "tide": "damped",
            "levers": {"certification_bonus": {"value": 10, "from": "2022Q4", "until": "2030Q4", "ramp": 4,
                                               "places": ["central_core"], "budget": 2.0}},
            "shocks": {"export_recession": {"from": "2025Q1", "depth": 0.1, "quarters": 4.0}},
            "run": {"until": "2035Q4", "draws": DRAWS, "seed": 2026}, "targets": ["corridor-2026", "corridor-2035"],
        },
        "seed": 2026, "parameters": "provisional", "scale": scale, "audit": False, "code": "c0de" * 16,
        "draws": [{"id": draw, "closure": CLOSURES[draw % 3], "seed": draw, "sha256": "0" * 64} for draw in range(DRAWS)],
        "python": "3.11.7", "packages": {"kechuang": "0.1.0", "numpy": "2.4.6"},
        "inputs": {"calibration/parameters.yaml": "ab" * 32}, "outputs": {"indicators.parquet": "cd" * 32},
    }
