"""The frozen forecast from the end of 2020: the full model, its core alone, and ten dumb rivals, as draws to be scored.

No figure of any year after 2020 is read. What happens to the forecast afterwards - scoring it - is done elsewhere, by
somebody who knows what came; here it is only compared with the figures of 2020 that the model was fitted to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kechuang.analyse import scores
from kechuang.analyse.forecast_envelope import envelopes, variant_weights
from kechuang.analyse.known_counts import Known, known_count
from kechuang.analyse.rivals import rival_forecasts
from kechuang.analyse.validation_runs import Options, Runs, run_core, run_full
from kechuang.calibrate.summaries import figures, summaries
from kechuang.ensemble.draws import draw_hash, draws_for
from kechuang.ensemble.plan import code_hash
from kechuang.evidence import load_evidence
from kechuang.parameters import Draw, parameters_hash
from kechuang.scenario import Scenario, load_scenario
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    import pandas as pd

SCENARIO, ORIGIN = "seed-only", "2020Q4"
YEARS = (2021, 2022, 2023, 2024, 2025, 2026, 2030, 2035)
DATES = tuple(f"{year}Q4" for year in YEARS)
COUNTS = {"high_tech_firms": "high_tech_2020", "tech_sme_firms": "tech_sme_2020"}
"""Counts that the rivals forecast too, with the summaries of their figures of 2020."""
MACRO = ("gdp_four_quarters", "rd_intensity")
FULL, CORE, CORE_FITTED = "full", "core", "core-fitted"
"""The core with the draws of the full model as they are, and the same draws weighted by the two counts of 2020."""
_FIRST = {"high_tech_firms": "tz_hte_2015", "tech_sme_firms": "tz_tsme_2015"}
_LAST = {"high_tech_firms": "tz_hte_2020_press", "tech_sme_firms": "tz_tsme_2020_press"}
_QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}


@dataclass(frozen=True)
class Forecast:
    """The forecast: one row per model, indicator, date and draw, and what the page says about how it was made."""

    table: pd.DataFrame
    about: dict[str, Any]
    in_sample: dict[str, Any]
    envelope: dict[str, Any]
    """Indicator -> date -> quantiles of the full model under the other assumptions; empty without a posterior."""


def make_forecast(draws: int, parameters: str, options: Options) -> Forecast:
    """Run full model and core, add the rivals, and compare both with the figures of 2020."""
    import pandas as pd

    scenario = load_scenario(SCENARIO).with_run(draws=draws)
    vectors = draws_for(parameters, draws, scenario.seed)
    full = run_full(scenario, vectors, parameters, options)
    core = run_core(scenario, vectors, parameters, options)
    weights = endpoint_weights(core)
    rows = systematic(weights, draws)
    every = np.arange(draws)
    models = ((FULL, full, every), (CORE, core, every), (CORE_FITTED, core, rows))
    tables = [*(_rows(*model) for model in models), rival_table(draws, scenario.seed)]
    about = {**described(scenario, vectors, parameters, options.scale), "core_effective_draws": _effective(weights)}
    in_sample = compare_in_sample({FULL: full, CORE: core})
    envelope = envelopes_of(full) if parameters == "posterior" else {}
    full.clear()
    core.clear()
    return Forecast(pd.concat(tables, ignore_index=True), about, in_sample, envelope)


def envelopes_of(full: Runs) -> dict[str, Any]:
    """Return how the full model's forecast moves under the other assumptions of the calibration."""
    values = {(key, date): full.at(key, date) for key in (*COUNTS, *MACRO) for date in DATES}
    return envelopes(values, variant_weights(full.plan.draws))


def described(scenario: Scenario, draws: Sequence[Draw], parameters: str, scale: float) -> dict[str, Any]:
    """Return what identifies a forecast: scenario, draws, and the hashes of parameters, draws and code."""
    return {
        "scenario": scenario.name,
        "origin": ORIGIN,
        "seed": scenario.seed,
        "draws": len(draws),
        "parameters_from": parameters,
        "scale": scale,
        "hashes": {"parameters": parameters_hash(), "draws": draws_hash(draws), "code": code_hash()},
    }


def draws_hash(draws: Sequence[Draw]) -> str:
    """Return one SHA-256 over the values and closures of all draws, in their order."""
    return hashlib.sha256("".join(map(draw_hash, draws)).encode()).hexdigest()


# The core is fitted to the two counts ----------------------------------------------------------------------------------------


def endpoint_weights(runs: Runs) -> NDArray[np.float64]:
    """Return weights of draws by how near their counts of 2020 come to the two figures, under the model's error (sum 1)."""
    distance = np.zeros(len(runs.plan.draws))
    for key, summary in COUNTS.items():
        wanted, error = endpoint(summary)
        found = np.maximum(runs.at(key, ORIGIN), 1.0)
        distance += (np.log(found / wanted) / (error / wanted)) ** 2
    weight = np.exp(-0.5 * (distance - distance.min()))
    return np.asarray(weight / weight.sum())


def endpoint(summary: str) -> tuple[float, float]:
    """Return the mean reading of a fitted figure and the sd of its error: discrepancy and excess together."""
    figure = figures()[summary]
    record = next(item for item in load_evidence().values() if item.summary == summary)
    excess = record.error.mean if record.error and record.error.reading == "excess" and record.error.mean else 0.0
    return figure.value + excess, float(np.hypot(figure.discrepancy, excess))


def systematic(weights: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return rows drawn in proportion to weights by even steps through their sum: nothing is left to luck."""
    steps = (np.arange(count) + 0.5) / count
    return np.minimum(np.searchsorted(np.cumsum(weights), steps), weights.size - 1)


def _effective(weights: NDArray[np.float64]) -> float:
    return round(float(1.0 / (weights**2).sum()), 1)


# The table ---------------------------------------------------------------------------------------------------------------------


def _rows(model: str, runs: Runs, rows: NDArray[np.int64]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([_long(model, key, date, runs.at(key, date)[rows]) for key in (*COUNTS, *MACRO) for date in DATES])


def rival_table(draws: int, seed: int) -> pd.DataFrame:
    """Return the draws of every rival in the form of the forecast."""
    import pandas as pd

    known = known_counts(draws, seed)
    forecasts = rival_forecasts(known["high_tech_firms"], known["tech_sme_firms"], YEARS, seed)
    return pd.concat(
        [
            _long(rival, key, date, values[:, k])
            for rival, counts in forecasts.items()
            for key, values in counts.items()
            for k, date in enumerate(DATES)
        ]
    )


def known_counts(draws: int, seed: int) -> dict[str, Known]:
    """Return what the rivals know of both counts."""
    return {
        key: known_count(_FIRST[key], _LAST[key], draws, np.random.default_rng([seed, number, 99]))
        for number, key in enumerate(COUNTS)
    }


def _long(model: str, indicator: str, date: str, values: NDArray[np.float64]) -> pd.DataFrame:
    import pandas as pd

    columns = {"model": model, "indicator": indicator, "date": date, "draw": np.arange(values.size, dtype=np.int32)}
    return pd.DataFrame({**columns, "value": values.astype(float)})


def write_forecast(file: Path, forecast: Forecast) -> None:
    """Write forecast.parquet with what identifies it as metadata of the file; the same forecast gives the same bytes."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"model": pa.string(), "indicator": pa.string(), "date": pa.string(), "draw": pa.int32(), "value": pa.float64()}
    schema = pa.schema(types.items(), metadata={"kechuang": json.dumps(forecast.about, sort_keys=True)})
    columns = [pa.array(forecast.table[name].to_numpy(), kind) for name, kind in types.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".part")
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), beside, compression="zstd", compression_level=3)
    beside.replace(file)


def quantile_table(table: pd.DataFrame) -> dict[str, Any]:
    """Return indicator -> model -> date -> quantiles, for the study file and the page."""
    out: dict[str, Any] = {}
    for (indicator, model, date), part in table.groupby(["indicator", "model", "date"], sort=False):
        values = part["value"].to_numpy()
        found = {name: float(f"{np.quantile(values, level):.5g}") for name, level in _QUANTILES.items()}
        out.setdefault(str(indicator), {}).setdefault(str(model), {})[str(date)] = found
    return out


# Against the figures of 2020, in sample --------------------------------------------------------------------------------------


def compare_in_sample(models: dict[str, Runs]) -> dict[str, Any]:
    """Return scores of full model and core on the fitted figures: in sample, so that they say nothing about skill."""
    scored: dict[str, dict[str, Any]] = {}
    pairs: dict[str, list[tuple[NDArray[np.float64], float]]] = {name: [] for name in models}
    for summary, figure in figures().items():
        key, quarter = summaries()[summary]
        logs = INDICATORS[key].unit != "%"
        entry: dict[str, Any] = {"indicator": key, "date": quarter, "figure": figure.value, "score": "logs" if logs else "points"}
        for name, runs in models.items():
            values = runs.at(key, quarter)
            if name == CORE and not _made_by_core(values):
                continue
            pairs[name].append((values, figure.value))
            entry[name] = _scored(values, figure.value, logs)
        scored[summary] = entry
    covered = {name: [_plain(item) for item in scores.coverage(found)] for name, found in pairs.items()}
    return {"figures": scored, "coverage": covered, "verdict": f"{scores.NO_VERDICT}: every figure here was fitted"}


def _made_by_core(values: NDArray[np.float64]) -> bool:
    """Whether the core makes this figure at all; what is switched off stays at 0 or is missing."""
    return bool(np.isfinite(values).all() and (values != 0.0).any())


def _scored(values: NDArray[np.float64], outcome: float, logs: bool) -> dict[str, float | None]:
    """Return quantiles and CRPS; no CRPS on logs where a draw is 0."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    usable = values.size > 1 and (not logs or bool((values > 0.0).all()))
    loss = (scores.log_crps if logs else scores.crps)(values, outcome) if usable else None
    parts = {"q05": low, "q50": middle, "q95": high, "crps": loss}
    return {name: None if value is None else float(f"{value:.4g}") for name, value in parts.items()}


def _plain(item: scores.Coverage) -> dict[str, Any]:
    return {"level": item.level, "n": item.n, "hits": item.hits, "low": item.low, "high": item.high}


def draws_of(table: pd.DataFrame, model: str, indicator: str, date: str) -> NDArray[np.float64]:
    """Return the draws of one model for an indicator at a date, in draw order."""
    part = table[(table["model"] == model) & (table["indicator"] == indicator) & (table["date"] == date)]
    return np.asarray(part.sort_values("draw")["value"].to_numpy())
