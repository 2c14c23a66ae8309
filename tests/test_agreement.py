"""Two calibrations with different seeds: like answers agree, unlike ones do not, and the difference is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

import fake_world
from kechuang.calibrate.agreement import Calibration, agreement
from kechuang.calibrate.error_model import figure_errors
from kechuang.calibrate.page import validation_page
from kechuang.calibrate.posterior_study import calibrate, calibrate_again
from kechuang.calibrate.scores import drawn
from kechuang.calibrate.study import Study, read_study
from kechuang.ensemble.plan import Engine
from kechuang.errors import InputError
from small_study import study_text

FAKE = Engine(fake_world.simulate, fake_world.warm_up)
ERRORS = figure_errors(("platform_users", "carriers"), 1.0)
WIDTH = len(drawn())
EFFECTIVE, DRAWS = 80, 300


def calibration(seed: int, shift: float = 0.0, contraction: float = 0.3) -> Calibration:
    """Return a calibration worth EFFECTIVE independent vectors in each closure, repeated in DRAWS draws."""
    luck = np.random.default_rng(seed)
    vectors = luck.normal(size=(3, EFFECTIVE, WIDTH + len(ERRORS)))
    rows = luck.integers(0, EFFECTIVE, (3, DRAWS))
    values = np.concatenate([vectors[k][rows[k]] for k in range(3)])
    values[:, 5] += shift
    error = 0.05
    learnt = {key: {"contraction": contraction + error * luck.normal(), "error": error} for key in drawn()}
    closures = {name: {"effective": float(EFFECTIVE)} for name in "ABC"}
    return Calibration(
        np.repeat(list("ABC"), DRAWS), values[:, :WIDTH], values[:, WIDTH:], {"closures": closures, "parameters": learnt}
    )


def test_differences_of_like_calibrations_are_those_of_luck() -> None:
    """n = 40 pairs of 140 differences: their mean square is 1 within 4 standard errors (one false alarm in 16 000).

    The standard error is that of 5600 squares of normal numbers, .019, doubled, since differences of one pair share draws.
    """
    pairs = [agreement(calibration(2 * seed), calibration(2 * seed + 1), ERRORS) for seed in range(40)]
    assert {pair["comparisons"] for pair in pairs} == {2 * WIDTH + len(ERRORS)}
    squares = np.array([pair["mean_square"] for pair in pairs])
    assert abs(squares.mean() - 1.0) < 4 * 2 * np.sqrt(2.0 / (40 * pairs[0]["comparisons"]))
    # A false alarm in twenty: of 40 pairs 8 or more alarms have a chance of .001.
    assert sum(not pair["agrees"] for pair in pairs) < 8


@pytest.mark.parametrize("shift", [0.6, -0.6])
def test_a_mean_that_lies_elsewhere_is_named(shift: float) -> None:
    """.6 standard deviations are 5.6 standard errors of a difference of two means of 240 vectors repeated in 900 draws."""
    found = agreement(calibration(1), calibration(2, shift), ERRORS)
    assert not found["agrees"]
    assert found["of"] == f"mean of {list(drawn())[5]}"
    assert found["largest"] == pytest.approx(5.6, abs=3.0)


def test_what_is_learnt_elsewhere_is_named() -> None:
    found = agreement(calibration(1), calibration(2, contraction=0.9), ERRORS)
    assert not found["agrees"]
    assert found["of"].startswith("contraction of")
    assert found["largest"] > 6.0


@pytest.fixture
def study(tmp_path: Path) -> Study:
    file = tmp_path / "small" / "study.yaml"
    file.parent.mkdir()
    file.write_text(study_text("platform_users, carriers", 20, [20], discrepancy=8), encoding="utf-8")
    return read_study(file, "study.yaml")


def test_a_study_is_run_again_with_other_luck_and_compared(tmp_path: Path, study: Study) -> None:
    folder, page, second = tmp_path / "first", tmp_path / "README.md", tmp_path / "second"
    options = {"workers": 1, "progress": False, "engine": FAKE}
    with pytest.raises(InputError, match="run kechuang calibrate first"):
        calibrate_again(study, folder, page, second, work=tmp_path / "work2", **options)
    assert not second.exists()
    first = calibrate(study, folder, page, work=tmp_path / "work1", **options)  # type: ignore[arg-type]
    assert "Once more" not in page.read_text(encoding="utf-8")
    found = calibrate_again(study, folder, page, second, work=tmp_path / "work2", **options)
    assert found["seed"] == study.seed + 1
    assert found["comparisons"] == 2 * WIDTH + 2
    stored = YAML(typ="safe").load((folder / "again.yaml").read_text(encoding="utf-8"))
    assert {name: stored[name] for name in found} == found
    assert f"again with seed {study.seed + 1}" in page.read_text(encoding="utf-8")
    assert (folder / "draws.parquet").read_bytes() != (second / "draws.parquet").read_bytes()
    calibrate(study, folder, page, work=tmp_path / "work1", **options)  # type: ignore[arg-type]
    assert (folder / "again.yaml").exists(), "the draws are those that were compared"
    assert f"again with seed {study.seed + 1}" in page.read_text(encoding="utf-8")
    calibrate(replace(study, seed=9), folder, page, work=tmp_path / "work3", **options)  # type: ignore[arg-type]
    assert not (folder / "again.yaml").exists(), "it compared another result"
    assert "**The two do not say the same" in validation_page(first, (), {**found, "agrees": False})
    assert "The two say the same" in validation_page(first, (), {**found, "agrees": True})
