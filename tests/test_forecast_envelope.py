"""The forecast under other assumptions: draws counted as each variant of the calibration counts them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import kechuang.resources
from kechuang.analyse.forecast import COUNTS, DATES
from kechuang.analyse.forecast_envelope import MOVED, envelope, envelopes, variant_weights
from kechuang.analyse.forecast_page import _envelope_section
from kechuang.calibrate.export import VARIANT, draws_table, write_draws
from kechuang.calibrate.sensitivity import AS_IS
from kechuang.calibrate.sensitivity import variant_weights as weights_of_table
from kechuang.calibrate.study import read_study
from kechuang.calibrate.weights import effective_size, weigh
from kechuang.posterior import POSTERIOR, read_draws
from synthetic_table import synthetic_table
from test_sensitivity import ALONE, BOTH, STUDY


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return draws of a synthetic table; under the other date, all of whose numbers are far off, hardly any of them counts."""
    folder = tmp_path_factory.mktemp("envelope")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    study = replace(read_study(folder / "study.yaml", "study.yaml"), draws=300)
    table = synthetic_table(study)
    weights = weigh(table)
    draws = draws_table(table, weights, study)
    ratio = dict(weights_of_table(table, study, weights))
    rows = draws["row"].to_numpy()  # ids are positions in this table
    assert ratio.pop(AS_IS) is weights.values
    assert [name for name in draws.column_names if name.startswith(VARIANT)] == [f"{VARIANT}{name}" for name in ratio]
    for name, values in ratio.items():
        assert draws[f"{VARIANT}{name}"].to_numpy() == pytest.approx(values[rows] / weights.values[rows])
    write_draws(draws, folder / "draws.parquet")
    return folder / "draws.parquet"


def test_draws_bring_the_weights_of_every_variant_that_has_enough_of_them(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kechuang.resources.path
    monkeypatch.setattr(kechuang.resources, "path", lambda name: file if name == POSTERIOR else path(name))
    draws = read_draws(file, "draws")
    some = [draws[k] for k in (*range(200, 0, -1), 250)]
    found = variant_weights(some)
    assert ALONE not in found
    assert {BOTH, "discrepancy x 2", "closures weighted by evidence"} <= set(found)
    whole = variant_weights(draws)
    order = [draw.id for draw in some]
    for name, weights in found.items():
        assert weights == pytest.approx(whole[name][order])
        assert effective_size(weights) >= 30.0


def test_envelope_by_hand() -> None:
    values = np.arange(1.0, 101.0)
    upper = np.where(values > 50.0, 1.0, 0.0)
    found = envelope(values, {"same": np.ones(100), "upper half": upper})
    # Quantiles 5, 50, 95 of 1 to 100 are 5, 50, 95; of 51 to 100 they are 53, 75, 98: the low end moves by 48 of 90.
    assert (found["q05"], found["q50"], found["q95"]) == (5.0, 50.0, 95.0)
    assert (found["low"], found["high"]) == (5.0, 98.0)
    assert found["moved"] == pytest.approx(48.0 / 90.0, abs=1e-3)
    assert found["most"] == "upper half"
    alone = envelope(values, {})
    assert (alone["low"], alone["high"], alone["moved"], alone["most"]) == (5.0, 95.0, 0.0, "")


def test_the_page_says_where_the_envelope_has_to_be_quoted() -> None:
    draws = np.linspace(1000.0, 3000.0, 201)
    tilted = {"tilted": np.linspace(0.0, 1.0, 201) ** 2, "same": np.ones(201)}
    calm = {"same": np.ones(201)}
    for variants, word in ((tilted, "**0."), (calm, "| 0.00 |")):
        found = envelopes({(key, date): draws for key in COUNTS for date in DATES}, variants)
        lines = _envelope_section(found)
        rows = [line for line in lines if line.startswith("| High-tech firms")]
        assert len(rows) == 5
        assert all(word in row for row in rows)
    assert found["high_tech_firms"]["2026Q4"]["moved"] < MOVED
    assert _envelope_section({}) == []
