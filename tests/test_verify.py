"""`kechuang verify` on real folders: one byte changed in any file of a run or comparison, or in any input, is named, status 3."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import kechuang.resources
from kechuang.ensemble.own_files import written_files
from kechuang.ensemble.record import RECORD, REPORT_SEAL, verify
from worlds import status_of

SMALL = ("--draws", "2", "--until", "2017Q4", "--parameters", "prior", "--scale", "0.03", "--workers", "1", "--quiet")
MINE = "name: mine\ntitle: {en: Mine, zh: 我的}\nextends: ./parent.yaml\nlevers:\n  research_grant: {value: 1, from: 2016Q3}\n"
PARENT = "name: parent\nextends: baseline\nlevers:\n  certification_bonus: {value: 10, from: 2016Q2}\n"


def run_of(place: Path, name: str) -> Path:
    (folder,) = [file.parent for file in place.glob(f"outputs/{name}/*/{RECORD}")]
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a planner's folder: two scenario files, a comparison of one with the baseline, and the runs and reports of it."""
    folder = tmp_path_factory.mktemp("planner")
    (folder / "parent.yaml").write_text(PARENT, encoding="utf-8")
    (folder / "mine.yaml").write_text(MINE, encoding="utf-8")
    out = ("--out", str(folder / "outputs"))
    assert status_of("compare", "baseline", str(folder / "mine.yaml"), *SMALL, *out) == 0
    assert status_of("report", str(run_of(folder, "mine"))) == 0
    return folder


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the shipped data, which is read in place of them."""
    copy = tmp_path / "shipped"
    for name in ("calibration", "scenarios"):
        shutil.copytree(kechuang.resources.path(name), copy / name)
    monkeypatch.setattr(kechuang.resources, "find", lambda name: copy / name if (copy / name).exists() else None)
    return copy


@contextmanager
def flipped(file: Path) -> Iterator[None]:
    """Change one byte of a file while the caller looks, then put it back."""
    original = file.read_bytes()
    changed = bytearray(original)
    changed[len(changed) // 2] ^= 1
    file.write_bytes(bytes(changed))
    try:
        yield
    finally:
        file.write_bytes(original)


def blamed(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the command says is altered; '' with status 0."""
    capsys.readouterr()
    status = status_of("verify", str(folder))
    said = capsys.readouterr()
    assert status == (3 if said.err else 0)
    return said.err


@pytest.mark.parametrize("kind", ["mine", "compare-baseline-mine"])
def test_one_byte_of_any_file_of_the_folder(place: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_of(place, kind)
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    names = {file.relative_to(folder).as_posix() for file in files}
    assert {RECORD, REPORT_SEAL, "report.html", "targets.csv"} <= names
    assert any(name.startswith("figures/") for name in names)
    assert blamed(folder, capsys) == ""
    figures = [file for file in files if file.parent.name == "figures"]
    for file in [file for file in files if file not in figures[2:]]:  # one figure is as good as forty
        with flipped(file):
            found = " ".join(verify(folder).altered)
            assert found, file.name
            assert file.name in found or file.name == REPORT_SEAL, file.name
    assert blamed(folder, capsys) == ""


def test_one_byte_of_any_shipped_input(place: Path, shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_of(place, "mine")
    inputs = json.loads((folder / RECORD).read_text(encoding="utf-8"))["inputs"]
    assert {"calibration/parameters.yaml", "calibration/evidence.yaml", "scenarios/baseline.yaml"} <= set(inputs)
    for name in inputs:
        with flipped(shipped / name):
            assert f"{name} (an input" in blamed(folder, capsys)
    (shipped / "calibration" / "law.yaml").unlink()
    assert "calibration/law.yaml (an input, missing)" in blamed(folder, capsys)


def test_one_byte_of_a_planners_own_files(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that was named and the one it extends; they are found above the run and in the working folder."""
    folder = run_of(place, "mine")
    record = (folder / RECORD).read_text(encoding="utf-8")
    assert set(json.loads(record)["files"]) == {"mine.yaml", "parent.yaml"}
    assert str(place) not in record, "a record names no path of a machine"
    for name in ("mine.yaml", "parent.yaml"):
        with flipped(place / name):
            assert f"{name} (an input" in blamed(folder, capsys)
    away = tmp_path / "away" / folder.name
    shutil.copytree(folder, away)
    assert blamed(away, capsys) == ""
    assert [note for note in verify(away).notes if "mine.yaml" in note], "a file that is not here is said, not failed"
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "mine.yaml").write_text(MINE + "# a remark\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "desk")
    assert "mine.yaml (an input" in blamed(away, capsys)


def test_one_byte_of_the_runs_behind_a_comparison(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, run = run_of(place, "compare-baseline-mine"), run_of(place, "mine")
    for name in ("indicators.parquet", RECORD):
        with flipped(run / name):
            assert f"mine/{run.name}/{name}" in blamed(folder, capsys)
    hidden = run.rename(run.with_name("elsewhere"))
    try:
        assert blamed(folder, capsys) == ""
        assert [note for note in verify(folder).notes if "one of the runs compared, is not here" in note]
    finally:
        hidden.rename(run)


@pytest.mark.parametrize("kind", ["mine", "compare-baseline-mine"])
def test_a_report_built_again_has_the_same_bytes(place: Path, kind: str) -> None:
    folder = run_of(place, kind)
    before = {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert status_of("report", str(folder)) == 0
    assert {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_own_files_of_a_scenario(place: Path, tmp_path: Path) -> None:
    assert written_files("corridor-plan") == {}
    assert written_files(kechuang.resources.path("scenarios/baseline.yaml")) == {}
    assert set(written_files(place / "mine.yaml")) == {"mine.yaml", "parent.yaml"}
    copy = tmp_path / "baseline.yaml"
    shutil.copy(kechuang.resources.path("scenarios/baseline.yaml"), copy)
    (tmp_path / "sub").mkdir()
    top = tmp_path / "sub" / "baseline.yaml"
    top.write_text("name: top\nextends: ../baseline.yaml\n", encoding="utf-8")
    assert {name: path.resolve() for name, path in written_files(top).items()} == {
        "baseline.yaml": top.resolve(), "baseline.yaml (2)": copy.resolve()
    }
