"""Ensembles: same bytes however they were computed, nothing finished is lost, nothing altered goes unseen."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fake_world
from kechuang.clock import quarter_label
from kechuang.ensemble import workfolder
from kechuang.ensemble.draws import draw_hash, draws_for, seed_of
from kechuang.ensemble.executor import RETRIES, WorkersLostError
from kechuang.ensemble.plan import Engine
from kechuang.ensemble.record import package_versions, run_id_of, seal_report, verify
from kechuang.ensemble.result import Ensemble
from kechuang.ensemble.run import run_ensemble
from kechuang.errors import InputError
from kechuang.parameters import CLOSURES, Draw, default_draw
from kechuang.provisional import read_provisional
from kechuang.scenario import Scenario, load_scenario
from kechuang.world.indicators import INDICATORS, KEYS

ENGINE = Engine(fake_world.simulate, fake_world.warm_up)
QUARTERS = 8
RUN_OPTIONS = (
    "--parameters",
    "prior",
    "--draws",
    "12",
    "--seed",
    "7",
    "--until",
    quarter_label(QUARTERS),
    "--quiet",
)
INTERRUPTED_RUN = Path(__file__).with_name("interrupted_run.py")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("baseline").with_run(until=QUARTERS)


def run_fake(scenario: Scenario, out: Path, draws: int = 5, workers: int = 1, **options: object) -> Ensemble:
    return run_ensemble(
        scenario,
        draws,
        7,
        parameters="prior",
        workers=workers,
        out=out,
        progress=False,
        engine=ENGINE,
        **options,
    )


def content_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}


@pytest.fixture(scope="module")
def finished(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    return run_fake(scenario, tmp_path_factory.mktemp("one"))


# Draws and seeds


def test_luck_seed_is_stable_and_fits_below_the_quarter() -> None:
    assert seed_of(2026, 0) == seed_of(2026, 0)
    seeds = {seed_of(run, draw) for run in range(30) for draw in range(100)}
    assert len(seeds) == 3000
    assert max(seeds) < 2**40
    # Written out, because a change would change every result ever recorded.
    assert seed_of(2026, 0) == 490256470289


def test_closures_take_turns_and_longer_ensembles_begin_alike() -> None:
    short, long = draws_for("prior", 4, 11), draws_for("prior", 7, 11)
    assert [draw.closure for draw in long] == ["A", "B", "C", "A", "B", "C", "A"]
    assert [draw_hash(draw) for draw in short] == [draw_hash(draw) for draw in long[:4]]
    assert draw_hash(short[0]) != draw_hash(draws_for("prior", 1, 12)[0])


def test_unknown_parameter_set_and_no_draws_are_the_users_input() -> None:
    with pytest.raises(InputError, match='did you mean "prior"'):
        draws_for("priors", 3, 1)
    with pytest.raises(InputError, match="at least 1 draw"):
        draws_for("prior", 0, 1)


def test_provisional_file_is_read_and_its_faults_have_a_place(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "status: provisional\nclosures:\n"
        + "".join(
            f"  {closure}:\n    values: {{certification_cost: 4{number}}}\n    distance: 0.1\n"
            for number, closure in enumerate(CLOSURES)
        ),
        encoding="utf-8",
    )
    assert read_provisional(file, "study.yaml")["C"] == {"certification_cost": 42.0}
    file.write_text("closures: {A: {values: {certification_coast: 4}}, B: {}}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_provisional(file, "study.yaml")
    text = str(caught.value)
    assert 'did you mean "certification_cost"' in text
    assert "study.yaml:1" in text
    assert "lacks values" in text
    assert "lacks C" in text


def test_draw_hash_sees_every_value() -> None:
    draw = default_draw("A")
    assert draw_hash(draw) != draw_hash(draw.with_closure("B"))
    name = next(name for name, value in draw.values.items() if not isinstance(value, tuple))
    assert draw_hash(draw) != draw_hash(draw.with_values(**{name: float(draw.number(name)) + 1.0}))
    renamed = Draw(99, draw.closure, draw.values)
    assert draw_hash(draw) == draw_hash(renamed), "the id is no part of the parameter vector"


# The run folder


def test_tables_hold_what_the_world_returned(finished: Ensemble, scenario: Scenario) -> None:
    draw = draws_for("prior", 5, 7)[3]
    expected = fake_world.simulate(scenario, draw, seed_of(7, 3))
    rows = finished.indicators[finished.indicators["draw"] == 3]
    assert list(rows["quarter"]) == [quarter_label(t) for t in range(1, QUARTERS + 1)]
    assert set(rows["closure"]) == {draw.closure}
    assert set(rows["replicate"]) == {0}
    np.testing.assert_array_equal(rows["gdp"], expected.indicators[:, KEYS.index("gdp")])
    firms = expected.indicators[:, KEYS.index("high_tech_firms")]
    np.testing.assert_array_equal(rows["high_tech_firms"].astype(float), np.rint(firms))
    assert np.isnan(firms[0])
    assert list(finished.indicators.columns) == ["draw", "closure", "replicate", "quarter", *KEYS]


def test_long_tables_hold_what_the_world_returned(finished: Ensemble, scenario: Scenario) -> None:
    expected = fake_world.simulate(scenario, draws_for("prior", 5, 7)[2], seed_of(7, 2))
    counts = finished.breakdown.query("draw == 2 and indicator == 'tech_sme_firms' and quarter == '2017Q4'")
    np.testing.assert_array_equal(counts["value"], expected.breakdown["tech_sme_firms"][1].ravel())
    assert counts["place"].nunique() == fake_world.PLACES
    assert list(counts["industry"].unique()[:2]) == ["medicine", "auto_parts"]
    cost = finished.costs.query("draw == 2 and lever == 'certification_bonus' and quarter == '2016Q3'").iloc[0]
    np.testing.assert_array_equal(
        cost[["cash", "forgone_local", "forgone_total", "contingent", "administration"]], expected.costs[2, 1]
    )
    np.testing.assert_array_equal(finished.snapshots["2017Q4_ladder"][2], expected.snapshots["2017Q4"]["ladder"])
    agents = finished.diagnostics.query("draw == 2 and name == 'agents'")["value"]
    assert agents.item() == expected.diagnostics["agents"]
    values = finished.draws.set_index("draw")
    assert values.loc[2, "seed"] == seed_of(7, 2)
    assert values.loc[2, "certification_cost"] == draws_for("prior", 5, 7)[2].number("certification_cost")


def test_column_types_are_declared_not_guessed(finished: Ensemble) -> None:
    import pyarrow.parquet as pq

    schema = pq.read_schema(finished.folder / "indicators.parquet")
    for key, indicator in INDICATORS.items():
        counted = indicator.unit in {"firms", "persons", "patents"}
        assert str(schema.field(key).type) == ("int64" if counted else "double"), key
        assert schema.field(key).metadata[b"unit"].decode() == indicator.unit


def test_record_names_inputs_and_outputs_but_no_machine(finished: Ensemble) -> None:
    record = finished.record
    assert finished.folder.name == run_id_of((finished.folder / "record.json").read_bytes())
    assert record["scenario"]["name"] == "baseline"
    assert record["seed"] == 7
    assert [draw["seed"] for draw in record["draws"]] == [seed_of(7, draw) for draw in range(5)]
    assert {
        "calibration/parameters.yaml",
        "calibration/evidence.yaml",
        "calibration/cities/taizhou.yaml",
        "scenarios/baseline.yaml",
    } <= set(record["inputs"])
    assert record["packages"] == package_versions()
    assert set(record["outputs"]) == set(content_of(finished.folder)) - {"record.json"}
    text = json.dumps(record)
    for private in (str(Path.home()), str(finished.folder.parent), str(Path.cwd())):
        assert private not in text, private
    assert not re.search(rf"\b{re.escape(os.uname().nodename)}\b", text)


def test_quantiles_and_plot(finished: Ensemble) -> None:
    table = finished.quantiles("gdp", (0.5,))
    median = finished.indicators.query("quarter == '2016Q2'")["gdp"].median()
    assert table.loc["2016Q2", 0.5] == median
    axes = finished.plot("gdp")
    assert "GDP of the quarter" in axes.get_title()
    with pytest.raises(InputError, match='did you mean "gdp"'):
        finished.plot("gpd")


def test_derived_tables_are_recorded_and_the_report_is_not(scenario: Scenario, tmp_path: Path) -> None:
    seen: list[str] = []

    def finish(folder: Path) -> None:
        seen.append(folder.name)
        (folder / "report.html").write_text("page", encoding="utf-8")
        seal_report(folder)

    def count(_: Scenario, frame: pd.DataFrame) -> str:
        return f"rows\n{len(frame)}\n"

    result = run_fake(scenario, tmp_path, derived={"targets.csv": count}, finish=finish)
    assert seen == [result.folder.name], "the report is built where the folder already bears its id"
    assert result.targets["rows"].item() == 5 * QUARTERS
    assert "targets.csv" in result.record["outputs"]
    assert "report.html" not in result.record["outputs"]
    assert [file.name for file in (tmp_path / "baseline").iterdir()] == [result.folder.name], (
        "nothing half done is left"
    )


# Same bytes


def test_one_and_two_workers_give_the_same_bytes(finished: Ensemble, scenario: Scenario, tmp_path: Path) -> None:
    two = run_fake(scenario, tmp_path, workers=2)
    assert two.folder.name == finished.folder.name
    assert content_of(two.folder) == content_of(finished.folder)


@pytest.mark.parametrize("change", [{"draws": 4}, {"scale": 0.5}, {"audit": True}])
def test_what_matters_changes_the_run_id(
    finished: Ensemble, scenario: Scenario, tmp_path: Path, change: dict[str, object]
) -> None:
    assert run_fake(scenario, tmp_path, **change).folder.name != finished.folder.name  # type: ignore[arg-type]


def test_a_second_run_replaces_an_altered_copy(scenario: Scenario, tmp_path: Path) -> None:
    first = run_fake(scenario, tmp_path)
    (first.folder / "costs.parquet").write_bytes(b"spoilt")
    second = run_fake(scenario, tmp_path)
    assert second.folder == first.folder
    assert not verify(second.folder).altered


# Nothing finished is lost


def test_a_killed_worker_costs_nothing_but_time(
    finished: Ensemble, scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kill-2").touch()
    monkeypatch.setenv("FAULTS", str(tmp_path))
    result = run_fake(scenario, tmp_path / "out", workers=2)
    assert not (tmp_path / "kill-2").exists(), "the worker was killed"
    assert content_of(result.folder) == content_of(finished.folder)


def test_a_draw_that_always_kills_ends_the_run_with_the_others_kept(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "always-kill-4").touch()
    monkeypatch.setenv("FAULTS", str(tmp_path))
    with pytest.raises(WorkersLostError, match=f"died {RETRIES + 1} times with 1 draws unfinished"):
        run_fake(scenario, tmp_path / "out", workers=2)
    (work,) = (tmp_path / "out" / "baseline").iterdir()
    assert workfolder.finished(work, range(5)) == {0, 1, 2, 3}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_one_draw_is_raised_and_the_others_are_kept(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    (tmp_path / "fail-3").touch()
    monkeypatch.setenv("FAULTS", str(tmp_path))
    with pytest.raises(ArithmeticError, match="draw 3 fails"):
        run_fake(scenario, tmp_path / "out", workers=workers)
    (work,) = (tmp_path / "out" / "baseline").iterdir()
    assert {0, 1, 2} <= workfolder.finished(work, range(5))


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_keeps_the_finished_draws_and_the_same_command_goes_on(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    (tmp_path / "slow").touch()
    monkeypatch.setenv("FAULTS", str(tmp_path))
    out = tmp_path / "out"
    command = [
        sys.executable,
        str(INTERRUPTED_RUN),
        *RUN_OPTIONS,
        "--workers",
        str(workers),
        "--out",
        str(out),
    ]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_for_draws(out, 2)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does: parent and workers get it
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "of 12 draws are finished and kept" in said
    assert "Traceback" not in said
    kept = wait_for_draws(out, 2)
    assert len(kept) < 12
    for file in kept:
        (tmp_path / f"fail-{int(file.stem.removeprefix('draw-'))}").touch()  # none of these may run again
    (tmp_path / "slow").unlink()
    resumed = run_fake(scenario, out, draws=12)
    monkeypatch.delenv("FAULTS")
    assert content_of(resumed.folder) == content_of(run_fake(scenario, tmp_path / "undisturbed", draws=12).folder)


def wait_for_draws(out: Path, count: int) -> list[Path]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = sorted(out.glob("baseline/.work-*/draw-*.npz"))
        if len(found) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError("no draw was finished in a minute")


def test_a_half_written_draw_is_run_again(finished: Ensemble, scenario: Scenario, tmp_path: Path) -> None:
    draw = draws_for("prior", 1, 7)[0]
    workfolder.save(tmp_path, fake_world.simulate(scenario, draw, seed_of(7, 0)))
    file = workfolder.draw_file(tmp_path, 0)
    assert workfolder.finished(tmp_path, range(2)) == {0}
    file.write_bytes(file.read_bytes()[:-200])
    assert workfolder.finished(tmp_path, range(2)) == set()
    assert not file.exists()


def test_a_lost_parent_ends_its_workers(tmp_path: Path) -> None:
    (tmp_path / "slow").touch()
    command = [
        sys.executable,
        str(INTERRUPTED_RUN),
        *RUN_OPTIONS,
        "--workers",
        "2",
        "--out",
        str(tmp_path / "out"),
    ]
    process = subprocess.Popen(
        command,
        env={**os.environ, "FAULTS": str(tmp_path)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for_draws(tmp_path / "out", 1)
    process.kill()
    process.wait(timeout=30)
    deadline = time.monotonic() + 30
    while group_lives(process.pid):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.1)


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


# Nothing altered goes unseen


@pytest.fixture
def sealed(scenario: Scenario, tmp_path: Path) -> Path:
    def finish(folder: Path) -> None:
        (folder / "report.html").write_text("<p>page</p>", encoding="utf-8")
        (folder / "figures").mkdir()
        (folder / "figures" / "fan.svg").write_text("<svg/>", encoding="utf-8")
        seal_report(folder)

    return run_fake(scenario, tmp_path, derived={"targets.csv": lambda *_: "id\n"}, finish=finish).folder


def test_an_untouched_folder_is_as_recorded(sealed: Path) -> None:
    found = verify(sealed)
    assert not found.altered
    assert not found.notes
    inputs = json.loads((sealed / "record.json").read_text(encoding="utf-8"))["inputs"]
    assert found.checked == 11 + len(inputs), "eleven files and every input"


def test_one_changed_byte_in_any_file_is_found(sealed: Path) -> None:
    files = [file for file in sorted(sealed.rglob("*")) if file.is_file()]
    assert len(files) == 11
    for file in files:
        original = file.read_bytes()
        changed = bytearray(original)
        changed[len(changed) // 2] ^= 1
        file.write_bytes(bytes(changed))
        name = file.relative_to(sealed).as_posix()
        blamed = " ".join(verify(sealed).altered)
        assert name in blamed or name == "report.sha256", name
        assert blamed, name
        file.write_bytes(original)
    assert not verify(sealed).altered


def test_missing_added_and_renamed_are_told_apart(sealed: Path) -> None:
    (sealed / "costs.parquet").unlink()
    (sealed / "notes.txt").write_text("mine", encoding="utf-8")
    found = verify(sealed)
    assert found.altered == ["costs.parquet (missing)"]
    assert found.notes == ["notes.txt is not part of the run"]
    renamed = sealed.rename(sealed.with_name("my-run"))
    assert "the folder was renamed" in " ".join(verify(renamed).notes)


def test_another_code_version_is_said_not_failed(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kechuang.ensemble.record.code_hash", lambda: "0" * 64)
    monkeypatch.setattr("kechuang.ensemble.record.package_versions", lambda: {"numpy": "0.1"})
    found = verify(sealed)
    assert not found.altered
    assert "another version of the code" in found.notes[0]
    assert any("made with numpy" in note for note in found.notes)


def test_a_folder_without_record_is_the_users_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a run folder"):
        verify(tmp_path)
    with pytest.raises(InputError, match="is not a run folder"):
        Ensemble(tmp_path)
