"""The committed posterior: written, read, replayed as it is, and never mistaken for one of other parameters."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

import fake_world
import kechuang.posterior as posterior_module
import kechuang.resources
from kechuang.calibrate.assess import status
from kechuang.calibrate.export import demand_layout_tools
from kechuang.calibrate.page import validation_page
from kechuang.calibrate.posterior_study import calibrate
from kechuang.calibrate.scores import drawn
from kechuang.calibrate.study import read_study
from kechuang.calibrate.weights import Contraction
from kechuang.cli import main
from kechuang.commands.target_table import posterior_notes
from kechuang.ensemble.draws import draws_for, parameters_or_default
from kechuang.ensemble.plan import Engine, RunPlan
from kechuang.ensemble.record import input_files
from kechuang.ensemble.run import run_ensemble
from kechuang.errors import InputError
from kechuang.parameters import load_parameters, parameters_hash
from kechuang.posterior import POSTERIOR, changed_since, is_current, made_from, origin, posterior_draws
from kechuang.scenario import load_scenario
from small_study import ANOTHER_PRIOR, study_text

FAKE = Engine(fake_world.simulate, fake_world.warm_up)
STUDY = study_text("platform_users, carriers", 20, [20], discrepancy=8, priors=ANOTHER_PRIOR)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """Return the folder of a posterior made with the world of the tests, and its result."""
    folder = tmp_path_factory.mktemp("posterior")
    (folder / "small").mkdir()
    file = folder / "small" / "study.yaml"
    file.write_text(STUDY, encoding="utf-8")
    out = folder / "out"
    study = read_study(file, "study.yaml")
    result = calibrate(
        study, out, out / "README.md", workers=1, progress=False, netcdf=True, engine=FAKE, work=folder / "work"
    )
    return out, result


@pytest.fixture
def committed(made: tuple[Path, dict[str, object]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put that posterior where the committed one lies."""
    find, file = kechuang.resources.find, made[0] / "draws.parquet"
    monkeypatch.setattr(kechuang.resources, "find", lambda name: file if name == POSTERIOR else find(name))
    made_from.cache_clear()
    yield file
    made_from.cache_clear()


@pytest.fixture
def none_committed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    find = kechuang.resources.find
    monkeypatch.setattr(kechuang.resources, "find", lambda name: None if name == POSTERIOR else find(name))
    made_from.cache_clear()
    yield
    made_from.cache_clear()


def test_draws_are_full_vectors_with_closure_luck_and_weight(made: tuple[Path, dict[str, object]]) -> None:
    frame = pq.read_table(made[0] / "draws.parquet").to_pandas()
    assert frame["closure"].tolist() == list("ABC" * 4)
    assert frame["weight"].sum() == pytest.approx(1.0)
    assert (frame["distance"] >= 0.0).all()
    assert set(drawn()) <= set(frame.columns)
    for key, prior in drawn().items():
        low, high = prior.support
        assert frame[key].between(low, high).all(), key
    head = posterior_module.read_head(made[0] / "draws.parquet")
    assert head["study"] == "small"
    assert {name: head[name] for name in origin()} == origin()


def test_runs_replay_committed_draws_with_their_luck(committed: Path) -> None:
    frame = pq.read_table(committed).to_pandas()
    plan = RunPlan(load_scenario("baseline"), draws_for("posterior", 6, 11), 11, "posterior")
    assert [draw.closure for draw in plan.draws] == list("ABCABC")
    assert len({draw.id for draw in plan.draws}) == 6
    for draw, luck in zip(plan.draws, plan.luck_seeds(), strict=True):
        row = frame.loc[draw.id]
        assert luck == row["luck"]
        assert all(draw.number(key) == row[key] for key in drawn())
        assert all(draw.values[key] == load_parameters()[key].value for key in set(draw.values) - set(drawn()))
    assert {draw.id for seed in range(20) for draw in draws_for("posterior", 3, seed)} == set(range(12))
    assert POSTERIOR in input_files(plan)
    assert plan.describe()["posterior"]["changed_since"] == []


def test_more_draws_than_are_committed_are_refused(committed: Path) -> None:
    with pytest.raises(InputError, match="has 12 draws, not 13"):
        draws_for("posterior", 13, 1)


def test_the_posterior_is_the_default_only_where_its_parameters_are_the_present_ones(
    committed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_current()
    assert parameters_or_default(None) == "posterior"
    assert parameters_or_default("prior") == "prior"
    monkeypatch.setattr("kechuang.parameters.parameters_hash", lambda: "other")
    assert not is_current()
    assert parameters_or_default(None) == "provisional"
    assert changed_since() == ("parameters",)


def test_without_a_posterior_runs_use_the_provisional_point(none_committed: None) -> None:
    assert parameters_or_default(None) == "provisional"
    with pytest.raises(InputError, match="no posterior yet"):
        posterior_draws()


def test_a_run_says_which_parameters_it_used_and_what_has_changed(
    committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kechuang.posterior.simulation_hash", lambda: "newer")
    run = run_ensemble(load_scenario("baseline"), 3, 2, out=tmp_path, workers=1, progress=False, engine=FAKE)
    assert run.parameters == "posterior"
    assert run.record["posterior"]["changed_since"] == ["simulation"]
    assert posterior_notes(run, "en") == [
        "The posterior was made with other simulation code: run kechuang calibrate again."
    ]
    assert "模拟代码" in posterior_notes(run, "zh")[0]
    assert run.draws["seed"].tolist() == pq.read_table(committed).to_pandas().loc[run.draws["draw"], "luck"].tolist()
    silent = SimpleNamespace(record={"posterior": {"changed_since": []}})
    assert posterior_notes(silent, "en") == []  # type: ignore[arg-type]


def test_draws_of_other_parameters_are_refused(tmp_path: Path, made: tuple[Path, dict[str, object]]) -> None:
    table = pq.read_table(made[0] / "draws.parquet").drop_columns(["pool_size"])
    pq.write_table(table, tmp_path / "draws.parquet")
    with pytest.raises(InputError, match="has no pool_size"):
        posterior_module.read_draws(tmp_path / "draws.parquet", "draws.parquet")


def test_the_page_says_what_the_result_says(made: tuple[Path, dict[str, object]]) -> None:
    page = (made[0] / "README.md").read_text(encoding="utf-8")
    result = made[1]
    for heading in ("What is learnt", "The figures that were fitted", "Each figure from the others", "Synthetic cities",
                    "If the assumptions were others", "The three readings of certification", "How it was made"):
        assert f"## {heading}" in page
    assert "the table is too small" in page  # forty rows a closure are no posterior
    assert "**Set by prior**" in page
    enough = {**result, "effective": 250.0}
    assert "the table is too small" not in validation_page(enough)
    small = {**result, "study": {**result["study"], "scale": 0.1}}  # type: ignore[dict-item]
    assert "a trial, not a result" in validation_page(small)


def test_status_puts_the_burden_of_proof_on_the_figures() -> None:
    def word(mean: float, error: float, by_closure: tuple[float, ...] = (), effective: float = 1e6) -> str:
        values = np.array(by_closure or (mean,) * 3)[:, None]
        narrower = Contraction(values, np.full((3, 1), error * np.sqrt(3.0)), np.full(3, effective))
        return status(narrower, 0, ("A", "B", "C"))

    assert word(0.6, 0.05) == "identified"
    assert word(0.3, 0.05) == "partly identified"
    assert word(0.3, 0.15) == "set by prior"
    assert word(0.3, 0.05, effective=20.0) == "set by prior"  # sqrt(2 / 60) is 0.18
    assert word(0.05, 0.01) == "set by prior"
    assert word(0.4, 0.02, (0.6, 0.6, 0.0)) == "identified in A, B"
    assert word(0.4, 0.04, (0.6, 0.6, 0.0)) == "partly identified"


def test_unknown_studies_are_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["calibrate", "posterier"])
    assert caught.value.code == 2
    assert 'did you mean "posterior"' in capsys.readouterr().err


def test_netcdf_without_its_packages_is_refused_before_any_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"kechuang\[calibrate\]"):
        demand_layout_tools()


def test_the_netcdf_has_the_groups_of_arviz(made: tuple[Path, dict[str, object]]) -> None:
    import h5netcdf

    with h5netcdf.File(made[0] / "posterior.nc", "r") as book:
        assert set(book.groups) >= {"posterior", "prior", "posterior_predictive", "observed_data", "sample_stats"}
        assert book["posterior"]["pool_size"].shape == (1, 12)
        assert book["posterior"]["pool_size"].dimensions == ("chain", "draw")
        assert float(book["observed_data"]["carriers"][()]) == 80.0


@pytest.mark.skipif(importlib.util.find_spec("arviz") is None, reason="arviz is not installed (kechuang[calibrate])")
@pytest.mark.filterwarnings("ignore")
def test_arviz_reads_the_netcdf(made: tuple[Path, dict[str, object]]) -> None:
    import arviz  # type: ignore[import-not-found]

    data = arviz.from_netcdf(made[0] / "posterior.nc")
    assert float(data.posterior["pool_size"].mean()) > 0.0


@pytest.mark.slow
def test_the_whole_chain_runs_small_with_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # else its rows stay in outputs/ of the checkout, and the next run of this test finds them
    file = tmp_path / "tiny" / "study.yaml"
    file.parent.mkdir()
    file.write_text(
        study_text("value_added_q1", 8, [3], scale=0.02, discrepancy=8, priors=ANOTHER_PRIOR), encoding="utf-8"
    )
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", str(file), "--workers", "1", "--out", str(tmp_path / "out"), "--quiet"])
    assert not ended.value.code
    assert "33 rows, effective size" in capsys.readouterr().out
    result = (tmp_path / "out" / "result.yaml").read_text(encoding="utf-8")
    assert f"parameters: {parameters_hash()}" in result
    assert "a trial, not a result" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert len(posterior_module.read_draws(tmp_path / "out" / "draws.parquet", "draws")) == 12
