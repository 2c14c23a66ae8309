"""Runs on a Dask cluster: the same bytes as here, nothing that arrived is lost, unfit workers are named."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fake_world
from kechuang.calibrate.posterior_study import simulated
from kechuang.calibrate.study import read_study
from kechuang.cli import main
from kechuang.ensemble import cluster as module
from kechuang.ensemble.cluster import cluster_address, on_cluster
from kechuang.ensemble.plan import Engine
from kechuang.ensemble.run import run_ensemble
from kechuang.errors import InputError
from kechuang.scenario import Scenario, load_scenario
from test_calibration_table import STUDY, contents

ENGINE = Engine(fake_world.simulate, fake_world.warm_up)
HERE = importlib.util.find_spec("distributed") is not None
needs_dask = pytest.mark.skipif(not HERE, reason="distributed is not installed (kechuang[cluster])")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("baseline").with_run(until=8)


def start(workers: int = 2, threads: int = 1) -> Any:
    from distributed import LocalCluster

    # Threads of this process stand for workers: no network, no processes to start.
    return LocalCluster(n_workers=workers, threads_per_worker=threads, processes=False, dashboard_address=None)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with start() as running:
        yield running.scheduler_address


def run(scenario: Scenario, out: Path) -> Path:
    return run_ensemble(scenario, 6, 7, parameters="prior", workers=1, out=out, progress=False, engine=ENGINE).folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@needs_dask
def test_a_cluster_gives_the_bytes_that_this_machine_gives(scenario: Scenario, address: str, tmp_path: Path) -> None:
    here = run(scenario, tmp_path / "here")
    with on_cluster(address):
        there = run(scenario, tmp_path / "there")
    assert there.name == here.name
    assert bytes_of(there) == bytes_of(here)
    assert cluster_address() is None


@needs_dask
def test_the_table_of_a_calibration_comes_from_a_cluster_too(address: str, tmp_path: Path) -> None:
    file = tmp_path / "small" / "study.yaml"
    file.parent.mkdir()
    file.write_text(STUDY, encoding="utf-8")
    study = read_study(file, "study.yaml")
    simulated(study, tmp_path / "here", 1, False, ENGINE)
    with on_cluster(address):
        simulated(study, tmp_path / "there", 1, False, ENGINE)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


@needs_dask
def test_what_has_arrived_is_not_run_again(
    scenario: Scenario, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "fail-3").touch()
    monkeypatch.setenv("FAULTS", str(tmp_path / "faults"))
    with on_cluster(address), pytest.raises(ArithmeticError, match="draw 3 fails on order"):
        run(scenario, tmp_path)
    kept = len(list(tmp_path.glob("baseline/.work-*/draw-*.npz")))
    (tmp_path / "faults" / "fail-3").unlink()
    ran: list[int] = []
    save = module.workfolder.save
    monkeypatch.setattr(module.workfolder, "save", lambda folder, result: (ran.append(result.draw_id), save(folder, result)))
    with on_cluster(address):
        run(scenario, tmp_path)
    assert len(ran) == 6 - kept
    assert 3 in ran


@needs_dask
def test_unfit_workers_are_named(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(1, threads=2) as running, on_cluster(running.scheduler_address), pytest.raises(InputError, match="--nthreads 1"):
        run(scenario, tmp_path)
    with start(0) as running, on_cluster(running.scheduler_address), pytest.raises(InputError, match="has no workers"):
        run(scenario, tmp_path)
    monkeypatch.setattr(module, "_PATIENCE", "0.2s")
    with on_cluster("tcp://127.0.0.1:9"), pytest.raises(InputError, match="no scheduler answers"):
        run(scenario, tmp_path)


@needs_dask
def test_workers_with_other_code_are_named(
    scenario: Scenario, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = iter(["a", "b"])
    monkeypatch.setattr(module, "code_hash", lambda: next(hashes, "mine"))
    with on_cluster(address), pytest.raises(InputError, match="another version of kechuang"):
        run(scenario, tmp_path)


@pytest.mark.skipif(HERE, reason="distributed is installed")
@pytest.mark.parametrize("command", [["run", "baseline"], ["calibrate", "demo"]])
def test_without_dask_a_cluster_is_refused_before_any_run(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--cluster", "tcp://127.0.0.1:8786"])
    assert ended.value.code == 2
    assert "pip install 'kechuang[cluster]'" in capsys.readouterr().err
