"""The table of simulations on disk: nothing finished is lost, whatever happens, and the same work gives the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import fake_world
from kechuang.calibrate import posterior_study
from kechuang.calibrate import rows as rows_module
from kechuang.calibrate.posterior_study import simulated, table_key
from kechuang.calibrate.rows import columns
from kechuang.calibrate.scores import drawn
from kechuang.calibrate.study import find_studies, read_study
from kechuang.clock import quarter_index
from kechuang.ensemble.plan import Engine
from kechuang.errors import InputError
from kechuang.world.indicators import KEYS
from small_study import ANOTHER_PRIOR, study_text

SCRIPT = Path(__file__).with_name("interrupted_calibration.py")
FAKE = Engine(fake_world.simulate, fake_world.warm_up)
STUDY = study_text(
    "platform_users, carriers", 12, [6, 6], scale=0.5, discrepancy=3, draws=30, cities=2, priors=ANOTHER_PRIOR
)


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    file = tmp_path / "small" / "study.yaml"
    file.parent.mkdir()
    file.write_text(STUDY, encoding="utf-8")
    return file


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_rows_are_keyed_and_complete(study_file: Path, tmp_path: Path) -> None:
    study = read_study(study_file, "study.yaml")
    table = simulated(study, tmp_path / "work", 1, False, FAKE)
    frame = pq.read_table(tmp_path / "work" / "rows-0000000.parquet").to_pandas()
    assert table.rows.ids.tolist() == list(range(72))
    assert list(frame.columns) == ["row", "closure", "luck", "log_ratio", *drawn(), *columns()]
    assert frame["closure"].tolist() == list("ABC" * 12)
    assert (frame["log_ratio"] == 0.0).all()  # the pilot is the prior
    assert frame["luck"].between(0, 2**40 - 1).all()
    assert frame["luck"].is_unique
    # The fake world gives numbers from the luck alone, so a row can be made again by hand.
    numbers = np.random.Generator(np.random.PCG64(int(frame.loc[7, "luck"]))).uniform(0.0, 500.0, (20, len(KEYS)))
    assert frame.loc[7, "platform_users"] == numbers[19, KEYS.index("platform_users")]
    assert frame.loc[7, "high_tech_firms@2017Q4"] == numbers[7, KEYS.index("high_tech_firms")]
    assert np.isfinite(table.on_scale).all()
    assert (tmp_path / "work" / "running").exists() is False


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_work_goes_on_and_ends_in_the_same_bytes(
    study_file: Path, tmp_path: Path, workers: int
) -> None:
    whole = tmp_path / "whole"
    simulated(read_study(study_file, "study.yaml"), whole, 1, False, FAKE)
    faults = tmp_path / "faults"
    faults.mkdir()
    (faults / "slow").touch()
    work = tmp_path / "work"
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(study_file), str(work), str(workers)],
        env={**os.environ, "FAULTS": str(faults)},
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 120
    while len(list(work.glob("running/draw-*.npz"))) < 5:
        assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = {file: file.stat().st_mtime_ns for file in work.glob("running/draw-*.npz")}
    assert len(kept) >= 5
    time.sleep(1.0)  # workers notice that their parent is gone

    ran: list[int] = []
    simulate = fake_world.simulate

    def counting(scenario: object, draw: object, *rest: object, **options: object) -> object:
        ran.append(draw.id)  # type: ignore[attr-defined]
        return simulate(scenario, draw, *rest, **options)  # type: ignore[arg-type]

    simulated(read_study(study_file, "study.yaml"), work, 1, False, Engine(counting, fake_world.warm_up))
    names = {int(file.stem.removeprefix("draw-")) for file in kept}
    assert not names & set(ran), "a finished row was run again"
    assert contents(work) == contents(whole)


def test_a_part_that_is_there_is_not_made_again_and_more_rows_are_added(study_file: Path, tmp_path: Path) -> None:
    study, work = read_study(study_file, "study.yaml"), tmp_path / "work"
    first = simulated(study, work, 1, False, FAKE)
    before = contents(work)
    (work / "running").mkdir()  # killed between writing a part and removing its rows
    (work / "running" / "draw-000003.npz").write_bytes(b"half")
    longer = simulated(study.with_rows(9), work, 1, False, FAKE)
    after = contents(work)
    assert {name: after[name] for name in before} == before
    assert sorted(set(after) - set(before)) == ["rows-0000072.parquet"]
    assert longer.rows.ids.tolist() == list(range(81))
    assert np.array_equal(longer.rows.scores[:72], first.rows.scores)
    assert np.array_equal(longer.on_scale[:72], first.on_scale)


def test_rows_of_earlier_code_are_kept_if_the_numbers_are_the_same(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, work = read_study(study_file, "study.yaml"), tmp_path / "work"
    simulated(study, work, 1, False, FAKE)
    parts = {name: content for name, content in contents(work).items() if name.startswith("rows-")}
    code = (work / "code.txt").read_text()
    ran: list[str] = []

    def counting(scenario: object, draw: object, *rest: object, **options: object) -> object:
        ran.append(draw.closure)  # type: ignore[attr-defined]
        return fake_world.simulate(scenario, draw, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(posterior_study, "simulation_hash", lambda: "rewritten")
    (work / "running").mkdir()
    (work / "running" / "draw-000003.npz").write_bytes(b"of the code before")
    simulated(study, work, 1, False, Engine(counting, fake_world.warm_up))
    assert {closure: ran.count(closure) for closure in "ABC"} == {"A": 10, "B": 10, "C": 10}
    assert contents(work) == parts | {"code.txt": b"rewritten\n"}
    simulated(study, work, 1, False, Engine(counting, fake_world.warm_up))
    assert len(ran) == 30, "compared once"
    assert code != "rewritten\n"


def test_rows_of_code_with_other_numbers_are_set_aside_and_made_again(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, work = read_study(study_file, "study.yaml"), tmp_path / "work"
    first = simulated(study, work, 1, False, FAKE)
    before = contents(work)
    last = list(columns().values())[-1]

    def other(*arguments: object, **options: object) -> object:
        result = fake_world.simulate(*arguments, **options)  # type: ignore[arg-type]
        cell = quarter_index(last[1]) - 1, KEYS.index(last[0])
        result.indicators[cell] = np.nextafter(result.indicators[cell], np.inf)  # one bit of one column
        return result

    monkeypatch.setattr(posterior_study, "simulation_hash", lambda: "rewritten")
    second = simulated(study, work, 1, False, Engine(other, fake_world.warm_up))
    aside = [folder for folder in tmp_path.iterdir() if folder.name.startswith("work.")]
    assert [contents(folder) for folder in aside] == [before]
    assert aside[0].name.startswith(f"work.{before['code.txt'].decode()[:8]}-")
    name = list(columns())[-1]
    assert (second.rows.columns[name] > first.rows.columns[name]).all()
    assert np.array_equal(second.on_scale, first.on_scale)


def test_parts_are_cut_to_size(study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "PART", 10)
    table = simulated(read_study(study_file, "study.yaml"), tmp_path / "work", 1, False, FAKE)
    sizes = [pq.read_metadata(file).num_rows for file in sorted((tmp_path / "work").glob("rows-*.parquet"))]
    assert sizes == [10, 10, 10, 6, 10, 8, 10, 8]
    assert table.rows.ids.tolist() == list(range(72))


def test_a_table_is_named_by_what_decides_its_rows(study_file: Path) -> None:
    study = read_study(study_file, "study.yaml")
    key = table_key(study.design(), study.scale)
    assert table_key(study.with_rows(100).design(), study.scale) == key
    others = [
        STUDY.replace("seed: 5", "seed: 6"),
        STUDY.replace("pilot: 12", "pilot: 13"),
        STUDY.replace("discrepancy: 3", "discrepancy: 2"),
        STUDY.replace("inflation: 2", "inflation: 1"),
        STUDY.replace("scale: 0.5", "scale: 1"),
    ]
    keys = set()
    for text in others:
        study_file.write_text(text, encoding="utf-8")
        other = read_study(study_file, "study.yaml")
        keys.add(table_key(other.design(), other.scale))
    assert len(keys - {key}) == len(others)


def test_shipped_studies_can_be_read_and_the_main_one_fits_every_figure() -> None:
    from kechuang.evidence import load_evidence

    studies = {name: read_study(file, str(file)) for name, file in find_studies().items()}
    assert set(studies) == {"posterior", "demo"}
    fitted = {record.summary for record in load_evidence().values() if record.role == "fit"}
    assert set(studies["posterior"].figures) == fitted
    assert studies["posterior"].scale == 1.0
    assert {one.parameter for one in studies["posterior"].checks.priors} == {"pool_size", "renewal_pass"}


def test_all_problems_of_a_study_are_named_with_their_place(study_file: Path) -> None:
    study_file.write_text(
        STUDY.replace("carriers]", "carrier]").replace("draws: 30", "draws: 31").replace("pool_size", "pool_sice")
        .replace("defence: 0.2", "defence: 0.7").replace("seed: 5", "sead: 5").replace("pilot: 12", "pilot: 2"),
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        read_study(study_file, "study.yaml")
    text = str(caught.value)
    for part in ('did you mean "carriers"', "31 is not a multiple of 3", 'did you mean "pool_size"', "above 1",
                 "sead: unknown field", "lacks seed", "pilot: 2 is not between", "study.yaml:"):
        assert part in text, part
