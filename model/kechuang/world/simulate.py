"""One run as plain data in, plain data out: the same function serves notebook, worker processes and calibration."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import quarter_label, quarter_of_year
from kechuang.parameters import Draw, default_draw
from kechuang.scenario import Scenario
from kechuang.units import WAN_PER_YI
from kechuang.world.indicators import BREAKDOWN_KEYS
from kechuang.world.measure.networks import YearOfMoney, bank_network
from kechuang.world.measure.pictures import (
    INTENSITY_BINS,
    LADDER_STEPS,
    ROUNDING,
    SIZE_BINS,
    SIZE_CLASSES,
    SNAPSHOT_QUARTERS,
)
from kechuang.world.model import Corridor
from kechuang.world.policy.own import Events, OwnLever
from kechuang.world.policy.policy_state import COSTS, LEVERS
from kechuang.world.population.firms import NO_CERTIFICATE


@dataclass(frozen=True)
class RunResult:
    """What one run gives: indicators by quarter, counts by place and industry at year-ends, costs, and pictures.

    `indicators` is [quarters, len(indicators.KEYS)]; `breakdown` maps a key to [year-ends, places, industries] with the
    year-ends' labels in `breakdown_quarters`; `costs` is [quarters, levers, kinds of cost] in 亿元; `snapshots` maps a name
    to an array [SNAPSHOT_QUARTERS, ...] of counts in classes or of links (kechuang.world.measure.networks), missing where the run
    ends earlier.
    """

    draw_id: int
    closure: str
    seed: int
    indicators: NDArray[np.float64]
    breakdown: dict[str, NDArray[np.int64]]
    breakdown_quarters: tuple[str, ...]
    costs: NDArray[np.float64]
    lever_keys: tuple[str, ...] = LEVERS
    cost_kinds: tuple[str, ...] = COSTS
    snapshots: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    diagnostics: dict[str, float] = field(default_factory=dict)


def simulate(
    scenario: Scenario,
    draw: Draw,
    seed: int,
    audit: bool = False,
    scale: float = 1.0,
    levers: Iterable[OwnLever] = (),
    events: Events | None = None,
) -> RunResult:
    """Run a scenario with one parameter vector and one luck to its end; CheckFailed under audit if a book is off."""
    city = Corridor(scenario, draw, seed, audit=audit, scale=scale, levers=levers, events=events, collect=False)
    breakdown: dict[str, list[NDArray[np.int64]]] = {key: [] for key in BREAKDOWN_KEYS}
    labels: list[str] = []
    pictures: dict[str, NDArray[np.float64]] = {}
    money = YearOfMoney()
    while city.quarter < scenario.until:
        city.step()
        money.add(city)
        if quarter_of_year(city.quarter) == 4:
            labels.append(quarter_label(city.quarter))
            for key, counts in _by_place_and_industry(city).items():
                breakdown[key].append(counts)
        if city.quarter in SNAPSHOT_QUARTERS:
            _add_pictures(pictures, city, {**_histograms(city), **bank_network(city), **money.arrays()})
    residual = max((float(value) for value in city.indicators[:, -1]), default=0.0)
    result = RunResult(
        draw.id,
        draw.closure,
        seed,
        city.indicators,
        {key: np.array(counts, dtype=np.int64).reshape(len(counts), *city.shape) for key, counts in breakdown.items()},
        tuple(labels),
        city.costs.amounts[1 : scenario.until + 1] / WAN_PER_YI / scale,
        lever_keys=city.costs.levers,
        snapshots=pictures,
        diagnostics={
            "rate_excess": float(city.rate_excess),
            "ledger_residual": residual,
            "firms": float(len(city.firms)),
            "written_off": city.written_off / WAN_PER_YI,
        },
    )
    city.release()
    return result


def warm_up() -> None:
    """Compile every kernel by running a small city until all has happened once; a second call is a matter of moments.

    What was loaded stays as long as the process, so the collector of garbage need not look through it in every run.
    """
    simulate(blank_scenario(until="2020Q4"), default_draw("C"), seed=1, scale=0.05)
    gc.collect()
    gc.freeze()


def blank_scenario(until: str = "2035Q4", seed: int = 2026) -> Scenario:
    """Return the scenario in which the policy and law of 2020 go on and nothing happens."""
    from kechuang.scenario import scenario_from_plain

    text = {"en": "policy of 2020 goes on", "zh": "2020年政策延续"}
    return scenario_from_plain(
        {
            "name": "blank",
            "title": text,
            "summary": text,
            "law": "2020",
            "tide": "damped",
            "levers": {},
            "shocks": {},
            "run": {"until": until, "draws": 1, "seed": seed},
            "targets": [],
        },
        "blank scenario",
    )


def _by_place_and_industry(city: Corridor) -> dict[str, NDArray[np.int64]]:
    firms = city.count_by_cell()
    counts = {
        "high_tech_firms": firms.certified,
        "tech_sme_firms": firms.listed,
        "industrial_units": firms.everyone + city.reservoir.units,
    }
    return {key: np.rint(value / city.scale).astype(np.int64) for key, value in counts.items()}


def _add_pictures(
    pictures: dict[str, NDArray[np.float64]], city: Corridor, arrays: dict[str, NDArray[np.float64]]
) -> None:
    """Write the arrays of this quarter into the pictures of the run."""
    row = SNAPSHOT_QUARTERS.index(city.quarter)
    for name, counts in arrays.items():
        if name not in pictures:
            pictures[name] = np.full((len(SNAPSHOT_QUARTERS), *counts.shape), np.nan)
        pictures[name][row] = counts


def _histograms(city: Corridor) -> dict[str, NDArray[np.float64]]:
    """Return counts by size on each step of the ladder, and by R&D intensity, done and reported, by size class."""
    columns, count = city.firms.columns, city.firms.count
    alive = columns.alive[:count] == 1
    annual, step = 4.0 * columns.sales[:count][alive], columns.ladder[:count][alive]
    certified = columns.certified[:count][alive] > NO_CERTIFICATE
    real = columns.research_intensity[:count][alive] * columns.does_research[:count][alive]
    reported = real + columns.relabelled[:count][alive]
    chosen = {f"sizes_{name}": (annual[step == k], SIZE_BINS) for k, name in enumerate(LADDER_STEPS)}
    for k, (low, high) in enumerate(SIZE_CLASSES):
        inside = certified & (annual > low) & (annual <= high)
        chosen[f"reported_intensity_{k}"] = (reported[inside] + ROUNDING, INTENSITY_BINS)
        chosen[f"real_intensity_{k}"] = (real[inside] + ROUNDING, INTENSITY_BINS)
    return {name: np.histogram(values, edges)[0] / city.scale for name, (values, edges) in chosen.items()}
