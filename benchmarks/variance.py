"""How much a common luck is worth: `make bench-variance` writes a dated table and its data to benchmarks/results/.

For five levers at their standard dose, on two indicators at the end of 2026: the variance of the difference B - A when both
runs of a draw have the same luck, against that when B has a luck of its own. Parameters are those of the provisional
point, a closure in turn, the same for A and B in both cases, so what is compared is luck alone; variances are taken
inside closures and pooled. The ratio says how many times more draws independent seeds would need for the same error;
its interval is a bootstrap over draws inside closures; it is infinite where the same luck leaves no spread at all.
Stopped runs are kept and the same command goes on.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import platform
import shutil
import statistics
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kechuang.analyse.attribution_runs import indicators_only
from kechuang.analyse.lever_study import dosed
from kechuang.clock import quarter_index
from kechuang.ensemble import workfolder
from kechuang.ensemble.draws import again_seed_of, draws_for, seed_of
from kechuang.ensemble.executor import execute
from kechuang.ensemble.plan import Engine, Job, canonical_json, code_hash, default_engine
from kechuang.ensemble.run import available_processors, default_out, progress_bar
from kechuang.scenario import LEVERS, load_scenario
from kechuang.world.indicators import INDICATORS, POSITION

RESULTS = Path(__file__).parent / "results"
NUMBERS = (1, 2, 6, 8, 14)
KEYS = ("high_tech_firms", "rd_real")
DATE = "2026Q4"
SEED, RESAMPLES, GOAL = 2026, 2000, 10.0
SAME, OTHER = "same", "other"


@dataclass(frozen=True)
class Size:
    """How many draws, of what share of the city."""

    draws: int
    scale: float


def jobs_of(size: Size) -> list[Job]:
    """Return the base, every lever with the luck of the base, and every lever with a luck of its own."""
    base = replace(load_scenario("baseline").with_run(until=DATE, draws=size.draws, seed=SEED), targets=())
    levers = [lever for lever in LEVERS.values() if lever.number in NUMBERS]
    draws = draws_for("provisional", size.draws, SEED)
    jobs = [Job(base, draw, seed_of(SEED, draw.id), False, size.scale, "base") for draw in draws]
    for lever in levers:
        scenario = dosed(base, lever.key)
        for luck, seed in ((SAME, seed_of), (OTHER, again_seed_of)):
            part = f"{lever.key}-{luck}"
            jobs += [Job(scenario, draw, seed(SEED, draw.id), False, size.scale, part) for draw in draws]
    return jobs


def run(size: Size) -> dict[str, np.ndarray]:
    """Return the indicators at the date by part, arrays [draws, keys]."""
    jobs, engine = jobs_of(size), default_engine()
    key = hashlib.sha256(canonical_json({"draws": size.draws, "scale": size.scale, "code": code_hash()}).encode()).hexdigest()
    work = default_out() / f".work-variance-{key[:16]}"
    with progress_bar(len(jobs), "variance", visible=True, unit="runs") as (announce, advance):
        announce("preparing the model (compiled on first use, under a minute)")
        engine.warm_up()
        announce("common and independent luck")
        lean = Engine(partial(indicators_only, engine.simulate), engine.warm_up)
        execute(jobs, lean, work, available_processors(), advance)
    columns = [POSITION[one] for one in KEYS]
    found: dict[str, list[np.ndarray]] = {}
    for job in jobs:
        values = workfolder.load(work / job.part, job.draw.id).indicators[quarter_index(DATE) - 1, columns]
        found.setdefault(job.part, []).append(values)
    shutil.rmtree(work)
    return {part: np.array(values) for part, values in found.items()}


def pooled(values: np.ndarray, closures: np.ndarray) -> float:
    """Return the variance inside closures."""
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in _parts(values, closures))
    return squares / (values.size - np.unique(closures).size)


def ratio_of(paired: np.ndarray, apart: np.ndarray, closures: np.ndarray) -> dict[str, float]:
    """Return both variances, their ratio and its interval of 90 %."""
    above, below = pooled(apart, closures), pooled(paired, closures)
    numbers = np.random.Generator(np.random.PCG64(SEED))
    rows = [np.flatnonzero(closures == closure) for closure in np.unique(closures)]
    ratios = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([numbers.choice(part, part.size) for part in rows])
        spread = pooled(paired[chosen], closures[chosen])
        ratios.append(pooled(apart[chosen], closures[chosen]) / spread if spread > 0.0 else np.inf)
    low, high = (float(bound) for bound in np.quantile(ratios, (0.05, 0.95), method="nearest"))
    ratio = above / below if below > 0.0 else float("inf")
    return {"paired": below, "independent": above, "ratio": ratio, "low": low, "high": high, "effect": float(paired.mean())}


def _parts(values: np.ndarray, closures: np.ndarray) -> list[np.ndarray]:
    return [values[closures == closure] for closure in np.unique(closures)]


def table_of(found: dict[str, np.ndarray], size: Size) -> list[dict[str, Any]]:
    """Return one row per lever and indicator."""
    closures = np.array([draw.closure for draw in draws_for("provisional", size.draws, SEED)])
    rows = []
    for lever in LEVERS.values():
        if lever.number in NUMBERS:
            for column, key in enumerate(KEYS):
                paired, apart = (
                    found[f"{lever.key}-{luck}"][:, column] - found["base"][:, column] for luck in (SAME, OTHER)
                )
                rows.append({"lever": f"V{lever.number} {lever.key}", "indicator": key, **ratio_of(paired, apart, closures)})
    return rows


def page_of(results: dict[str, Any]) -> str:
    """Return the table in Markdown, the goal beside what was measured."""
    lines = [
        f"# Common luck, {results['date']}",
        "",
        f"{results['draws']} draws at the provisional point, {results['scale']:g} of the city, {DATE}, standard doses from 2023; "
        "made by `make bench-variance`. Variances of the difference from the baseline inside closures; the ratio is how many times "
        "more draws independent seeds need for the same error, with its 90 % interval.",
        "",
        "| lever | indicator | mean difference | variance, same luck | variance, other luck | ratio |",
        "|--|--|--|--|--|--|",
    ]
    for row in results["rows"]:
        name = f"{INDICATORS[row['indicator']].en}"
        ratio = f"{row['ratio']:.1f} ({row['low']:.1f} to {row['high']:.1f})"
        numbers = " | ".join(f"{row[key]:.4g}" for key in ("effect", "paired", "independent"))
        lines.append(f"| {row['lever']} | {name} | {numbers} | {ratio} |")
    verdict = "met" if results["median"] >= GOAL else "missed"
    return "\n".join([*lines, "", f"Median ratio {results['median']:.1f}; goal at least {GOAL:g}: {verdict}."]) + "\n"


def _finite(content: Any) -> Any:
    """Return the data with null for what is infinite, which JSON has no word for."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not np.isfinite(content) else content


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="Variance of paired differences against independent seeds.")
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    size = Size(given.draws, given.scale)
    rows = table_of(run(size), size)
    results = {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "code": code_hash(),
        "draws": size.draws,
        "scale": size.scale,
        "rows": rows,
        "median": statistics.median(row["ratio"] for row in rows),
    }
    page = page_of(results)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "variance.md").write_text(page, encoding="utf-8")
    (given.out / "variance.json").write_text(json.dumps(_finite(results), indent=1) + "\n", encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
