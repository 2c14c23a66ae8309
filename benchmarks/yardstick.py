"""Two rules three times over: the model's compiled kernels, scalar C, and NumPy on whole columns.

The rules are the proposal of growth (M2) and the stock of knowledge with its patents (M4), on the firms of a city at the
end of 2020, the three alternatives in turn. All three must give the same numbers. C is compiled with `cc -O3`.
"""

from __future__ import annotations

import ctypes
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import poisson

from kechuang.clock import year_of
from kechuang.provisional import provisional_draw
from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.world.mechanisms import growth, knowledge
from kechuang.world.model import Corridor
from kechuang.world.population.firms import Firms, arrays
from kechuang.world.simulate import blank_scenario

SOURCE = Path(__file__).with_suffix(".c")
QUARTER = 21
ROUNDS = 41
GROWTH = (
    "growth_volatility",
    "size_variance_exponent",
    "size_reference",
    "youth_dispersion",
    "youth_decay_years",
    "volatility_max",
    "selection",
    "rationed_growth_loss",
)


def library(folder: str) -> ctypes.CDLL | None:
    """Return the C rules, or None where no compiler is found."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    target = Path(folder) / "yardstick.so"
    subprocess.run([compiler, "-O3", "-std=c99", "-fPIC", "-shared", str(SOURCE), "-o", str(target), "-lm"], check=True)
    return ctypes.CDLL(str(target))


class Case:
    """The firms of a city at the end of 2020 and what both rules need; every alternative gets its own copy."""

    def __init__(self, scale: float) -> None:
        city = Corridor(blank_scenario("2021Q1"), provisional_draw("B"), 1, scale=scale, collect=False).run(QUARTER - 1)
        city.release()
        self.count, self.rules = city.firms.count, city.rules
        self.original = city.firms
        self.demand = city.demand.log_growth + 0.005
        self.mean = growth.industry_means(city.firms.columns, self.count, self.demand.size)
        seed = city.luck_seed
        self.year_key = stream_key(seed, year_of(QUARTER), int(Purpose.GROWTH_VARIANCE))
        self.quarter_key = stream_key(seed, QUARTER, int(Purpose.GROWTH))
        self.patent_key = stream_key(seed, QUARTER, int(Purpose.PATENTS))
        self.season, self.deflator = 1.04, float(city.deflator[QUARTER])

    def firms(self) -> Firms:
        """Return a fresh copy of the firms."""
        copy = Firms(capacity=self.count)
        copy.add(self.count)
        for mine, theirs in zip(arrays(copy.columns), arrays(self.original.columns), strict=True):
            mine[: self.count] = theirs[: self.count]
        return copy


def _kernels(case: Case, firms: Firms) -> dict[str, Callable[[], Any]]:
    columns, p, k = firms.columns, case.rules.growth, case.rules.knowledge
    keys = (case.year_key, case.quarter_key)
    return {
        "growth": lambda: growth.propose_growth(
            columns, case.count, QUARTER, *keys, case.demand, case.mean, p
        ),
        "knowledge": lambda: knowledge.accumulate_knowledge(
            columns, case.count, case.patent_key, case.season, case.deflator, k
        ),
    }


def _c(case: Case, firms: Firms, rules: ctypes.CDLL) -> dict[str, Callable[[], Any]]:
    columns, p, k = firms.columns, case.rules.growth, case.rules.knowledge
    growth_record = (ctypes.c_double * 8)(*(float(getattr(p, name)) for name in GROWTH))
    numbers = (k.knowledge_depreciation, k.patent_elasticity, k.patent_decay, case.season, case.deflator)
    knowledge_record = (ctypes.c_double * 5)(*(float(number) for number in numbers))
    rules.accumulate_knowledge.restype = ctypes.c_double
    # Pointers do not keep arrays alive; the functions returned hold on to these.
    held = [np.ascontiguousarray(array) for array in (case.demand, case.mean, k.patent_productivity)]
    keys = [ctypes.c_uint64(int(key)) for key in (case.year_key, case.quarter_key, case.patent_key)]

    def at(*names: str) -> list[ctypes.c_void_p]:
        return [ctypes.c_void_p(getattr(columns, name).ctypes.data) for name in names]

    demand, mean, productivity = (ctypes.c_void_p(array.ctypes.data) for array in held)
    first = at("alive", "industry", "born", "identity", "sales", "productivity", "rationed")
    second = at("alive", "does_research", "industry", "identity", "research_intensity", "sales")
    sigma_and_growth = at("volatility", "growth")
    stocks = at("knowledge", "research_last", "research_before_last", "patents")

    def propose() -> NDArray[np.float64]:
        total = np.zeros(held[0].size)
        rules.propose_growth(
            ctypes.c_int64(len(columns.identity)), ctypes.c_int64(QUARTER), *keys[:2], *first, demand, mean, growth_record,
            *sigma_and_growth, ctypes.c_void_p(total.ctypes.data),
        )  # fmt: skip
        return total

    def accumulate() -> float:
        granted: float = rules.accumulate_knowledge(
            ctypes.c_int64(len(columns.identity)), keys[2], *second, productivity, knowledge_record, *stocks
        )
        return granted

    return {"growth": propose, "knowledge": accumulate}


def _numpy(case: Case, firms: Firms) -> dict[str, Callable[[], Any]]:
    columns, count, p, k = firms.columns, case.count, case.rules.growth, case.rules.knowledge

    def propose() -> NDArray[np.float64]:
        alive, industry = columns.alive[:count] == 1, columns.industry[:count]
        by_size = p.growth_volatility * (4.0 * columns.sales[:count] / p.size_reference) ** -p.size_variance_exponent
        age = np.minimum(QUARTER - columns.born[:count].astype(np.int64), growth.OLDEST)
        sigma = np.minimum(p.volatility_max, by_size) * (
            1.0 + p.youth_dispersion * np.exp(-0.25 * age / p.youth_decay_years)
        )
        variance = -np.log(uniforms(case.year_key, columns.identity[:count]))
        luck = 0.5 * sigma * np.sqrt(variance) * ndtri(uniforms(case.quarter_key, columns.identity[:count]))
        moved = (
            case.demand[industry]
            + 0.25 * p.selection * (columns.productivity[:count] - case.mean[industry])
            - p.rationed_growth_loss * columns.rationed[:count]
            + luck
        )
        columns.volatility[:count], columns.growth[:count] = sigma, moved
        weights = np.where(alive, columns.sales[:count] * np.exp(moved), 0.0)
        return np.asarray(np.bincount(industry, weights, case.demand.size), dtype=np.float64)

    def accumulate() -> float:
        rows = np.flatnonzero((columns.alive[:count] == 1) & (columns.does_research[:count] == 1))
        research = columns.research_intensity[rows] * columns.sales[rows] * case.season
        fade = (1.0 - k.knowledge_depreciation) ** 0.25
        columns.knowledge[rows] = columns.knowledge[rows] * fade + columns.research_before_last[rows]
        columns.research_before_last[rows] = columns.research_last[rows]
        columns.research_last[rows] = research
        real = 4.0 * columns.research_intensity[rows] * columns.sales[rows] / case.deflator
        mean = 0.25 * k.patent_productivity[columns.industry[rows]] * (real / knowledge.RESEARCH_UNIT) ** k.patent_elasticity
        fresh = poisson.ppf(uniforms(case.patent_key, columns.identity[rows]), mean)
        columns.patents[rows] = columns.patents[rows] * (1.0 - k.patent_decay) + fresh
        return float(fresh.sum())

    return {"growth": propose, "knowledge": accumulate}


def compare(scale: float) -> dict[str, dict[str, float]]:
    """Return, by rule, nanoseconds per firm of every alternative (medians) and the kernel's median ratio to C."""
    case = Case(scale)
    with tempfile.TemporaryDirectory() as folder:
        rules = library(folder)
        ways = {"kernel": _kernels(case, case.firms()), "numpy": _numpy(case, case.firms())}
        if rules is not None:
            ways["c"] = _c(case, case.firms(), rules)
        return {rule: _timed(rule, case.count, ways) for rule in ("growth", "knowledge")}


def _timed(rule: str, count: int, ways: dict[str, dict[str, Callable[[], Any]]]) -> dict[str, float]:
    first = {name: way[rule]() for name, way in ways.items()}
    for name, found in first.items():
        if not np.allclose(found, first["kernel"], rtol=1e-9):
            raise SystemExit(f"{rule}: {name} gives {found}, the kernel {first['kernel']}")
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way[rule]()
            seconds[name].append(time.perf_counter() - start)
    out = {name: 1e9 * statistics.median(values) / count for name, values in seconds.items()}
    if "c" in seconds:
        out["kernel over c"] = statistics.median(
            kernel / c for kernel, c in zip(seconds["kernel"], seconds["c"], strict=True)
        )
    return {"firms": float(count), **out}


if __name__ == "__main__":
    for size in (1.0, 4.0):
        print(size, compare(size))
