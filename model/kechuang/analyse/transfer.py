"""Transfer to another city: nothing that was learnt is changed, only the numbers of the city, and its counts of 2020 are read last.

For every combination of readings of the city file the frozen draws run to 2020Q4, with the full model and with its core. The
predictions are stored before the outcomes are looked up. Rivals are three naive transfers: the first city's factor, the
national tide, and the first city's share of high-tech firms among technology SMEs (which is given the true number of these).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.analyse.forecast import CORE, FULL, ORIGIN, SCENARIO, known_counts
from kechuang.analyse.validation_runs import Options, Runs, run_core, run_full
from kechuang.city import City, load_city
from kechuang.city_numbers import CityTest, Readings, adapted
from kechuang.errors import InputError, Problem
from kechuang.evidence import load_evidence
from kechuang.parameters import Draw, load_parameters
from kechuang.scenario import Scenario, load_scenario, scenario_from_plain

if TYPE_CHECKING:
    import pandas as pd

Draws = NDArray[np.float64]
COUNTS = ("high_tech_firms", "tech_sme_firms")
NAIVE = {
    "factor": "factor of Taizhou, 2015 to 2020",
    "tide": "growth of the national number",
    "share": "share of Taizhou, given the true technology SMEs",
}
SHARE_SD, TIDE_SD = 0.10, 0.03
"""Spread of the naive transfers: of a ratio between cities, and per year of a share of the nation, as for rivals B8 and B7."""
YEARS = 5


@dataclass(frozen=True)
class Prediction:
    """What one model says about one variant: draws of every indicator at the end of 2020, and of the counts at the start."""

    model: str
    variant: dict[str, str]
    values: dict[str, Draws]

    @property
    def label(self) -> str:
        """The readings in one line."""
        return ", ".join(self.variant.values()) or "one reading"


def predict(
    name: str, draws: Sequence[Draw], parameters: str, seed: int, options: Options
) -> tuple[list[Prediction], list[Runs]]:
    """Run the draws in a city (a name or a file) for all its readings; outcomes are neither needed nor read.

    The runs come along so that their work folders can be cleared once the predictions are stored.
    """
    city, test = load_city(name), test_of(name)
    scenario = city_scenario(name, len(draws), seed)
    predictions: list[Prediction] = []
    done: list[Runs] = []
    for variant in city.numbers.variants():
        moved = [adapted(draw, city, variant, seed) for draw in draws]
        starts = start_counts(city, test, variant, draws, seed)
        for model, run in ((FULL, run_full), (CORE, run_core)):
            runs = run(scenario, moved, parameters, options)
            found = {key: runs.at(key, ORIGIN) for key in (*test.outcomes, *test.checks)}
            predictions.append(Prediction(model, variant, {**found, **starts}))
            done.append(runs)
        predictions += naive_predictions(variant, starts, seed)
    return predictions, done


def city_scenario(name: str, draws: int, seed: int) -> Scenario:
    """Return the scenario of the frozen forecast up to 2020 in another city, with the levers of that city."""
    city, plain = load_city(name), load_scenario(SCENARIO).to_plain()
    plain["name"] = f"transfer-{city.key.replace('_', '-')}"
    plain["levers"] = {**plain["levers"], **city.numbers.levers}
    plain["run"] = {"until": ORIGIN, "draws": draws, "seed": seed}
    return scenario_from_plain(plain, f"levers of {city.key}").in_city(name)


def start_counts(
    city: City, test: CityTest, variant: Readings, draws: Sequence[Draw], seed: int
) -> dict[str, Draws]:
    """Return the counts of end-2015 of every draw, under the names 'start high_tech_firms' and so on."""
    quantity = city.numbers.quantity
    return {
        f"start {key}": np.array([quantity(city.key, name, variant, draw.id, seed) for draw in draws])
        for key, name in test.start.items()
    }


def naive_predictions(variant: dict[str, str], starts: Mapping[str, Draws], seed: int) -> list[Prediction]:
    """Return the two naive transfers that need no outcome; their spread is that of the rivals of the forecast."""
    count = next(iter(starts.values())).size
    known = known_counts(count, seed)
    tide = load_parameters()["national_tide_growth"].value
    grown = float(np.sum(np.log1p(tide)))
    factor, national = {}, {}
    for number, key in enumerate(COUNTS):
        start = starts[f"start {key}"]
        luck = np.random.default_rng([seed, number, 7])
        factor[key] = start * known[key].last / known[key].first * np.exp(SHARE_SD * luck.normal(size=count))
        national[key] = start * np.exp(grown + TIDE_SD * np.sqrt(YEARS) * luck.normal(size=count))
    return [Prediction("factor", variant, factor), Prediction("tide", variant, national)]


def share_prediction(variant: dict[str, str], tech_sme: float, count: int, seed: int) -> Prediction:
    """Return the third naive transfer: it is given the outcome of the one count and says the other."""
    known = known_counts(count, seed)
    luck = np.random.default_rng([seed, 8])
    share = known["high_tech_firms"].last / known["tech_sme_firms"].last * np.exp(SHARE_SD * luck.normal(size=count))
    return Prediction("share", variant, {"high_tech_firms": share * tech_sme})


def outcomes(figures: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Look up outcomes by indicator: the sum of the records named. To be called when all runs are done and stored."""
    found = {}
    for key, names in figures.items():
        values = [load_evidence()[name].value for name in names]
        if None in values:
            raise InputError(f"an outcome of {key} has no value in calibration/evidence.yaml: {', '.join(names)}")
        found[key] = float(sum(value for value in values if value is not None))
    return found


def prediction_table(predictions: Sequence[Prediction]) -> pd.DataFrame:
    """Return one row per model, variant, indicator and draw."""
    import pandas as pd

    parts = [
        pd.DataFrame(
            {"model": one.model, "variant": one.label, "indicator": key, "draw": np.arange(values.size), "value": values}
        )
        for one in predictions
        for key, values in one.values.items()
    ]
    return pd.concat(parts, ignore_index=True)


def write_predictions(file: Path, predictions: Sequence[Prediction]) -> None:
    """Store the predictions; the file appears when it is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".part")
    prediction_table(predictions).to_parquet(beside, compression="zstd", index=False)
    beside.replace(file)


def test_of(name: str) -> CityTest:
    """Return what a city is judged by; InputError if its file says nothing about that."""
    city = load_city(name)
    if city.numbers.test is None:
        message = f'the city "{city.key}" has no outcomes to be judged by (numbers.test of its file)'
        raise InputError(Problem("--transfer", message=message))
    unknown = [name for names in (*city.numbers.test.outcomes.values(), *city.numbers.test.checks.values()) for name in names
               if name not in load_evidence()]
    if unknown:
        raise InputError(Problem("--transfer", message=f"calibration/evidence.yaml has no {', '.join(unknown)}"))
    return city.numbers.test
