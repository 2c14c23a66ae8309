"""The command line: exit statuses, what is printed where, and how little is loaded to answer."""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import kechuang
from kechuang.errors import CheckFailed
from worlds import status_of

HEAVY = ("mesa", "numba", "scipy", "pandas", "matplotlib", "pyarrow")


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("--version") == 0
    assert capsys.readouterr().out == f"kechuang {kechuang.__version__}\n"
    assert status_of("--help") == 0
    text = capsys.readouterr().out
    for command in ("run", "report", "verify", "evidence", "check", "schema"):
        assert command in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "no-such-scenario"),
        ("run", "baseline", "--until", "2035"),
        ("run", "baseline", "--draws", "0"),
        ("run", "baseline", "--parameters", "posteriors"),
        ("run", "baseline", "--parameters", "prior", "--workers", "0"),
        ("run", "baseline", "--parameters", "prior", "--scale", "1.5"),
        ("verify", "no-such-folder"),
        ("evidence", "no_such_figure"),
        ("check", "no-such-scenario"),
    ],
)
def test_wrong_input_is_status_2_on_stderr_without_traceback(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(*arguments) == 2
    said = capsys.readouterr()
    assert said.err.strip()
    assert "Traceback" not in said.err
    assert not said.out


def test_several_wrong_options_are_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("run", "baseline", "--parameters", "prior", "--workers", "0", "--scale", "2") == 2
    said = capsys.readouterr().err
    assert "--workers" in said
    assert "--scale" in said


def test_unknown_option_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("run", "baseline", "--drawz", "3") == 2
    assert "--drawz" in capsys.readouterr().err


def test_our_bug_keeps_its_traceback() -> None:
    code = (
        "import kechuang.cli, kechuang.scenario\n"
        "def broken(*_, **__): raise ZeroDivisionError('ours')\n"
        "kechuang.scenario.load_scenario = broken\n"
        "kechuang.cli.main(['run', 'baseline'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_failed_check_is_status_3(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise CheckFailed("the books do not close in 2016Q1")

    monkeypatch.setattr("kechuang.scenario.load_scenario", broken)
    assert status_of("run", "baseline") == 3
    assert capsys.readouterr().err == "the books do not close in 2016Q1\n"


def test_verify_passes_and_names_an_altered_file(
    small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / small_run.name
    shutil.copytree(small_run, folder)
    assert status_of("verify", str(folder)) == 0
    assert "files are as recorded" in capsys.readouterr().out
    with (folder / "targets.csv").open("a", encoding="utf-8") as stream:
        stream.write("\n")
    assert status_of("verify", str(folder)) == 3
    assert "targets.csv" in capsys.readouterr().err
    assert status_of("verify", str(folder), "--json") == 3
    said = capsys.readouterr()
    assert json.loads(said.out)["altered"] == ["targets.csv"]


@pytest.mark.usefixtures("few_figures")
def test_run_prints_table_and_path_and_verifies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    options = (
        "--parameters",
        "prior",
        "--draws",
        "3",
        "--scale",
        "0.05",
        "--workers",
        "1",
        "--out",
        str(tmp_path),
    )
    assert status_of("run", "baseline", *options, "--quiet") == 0
    said = capsys.readouterr()
    assert not said.err
    last = Path(said.out.splitlines()[-1])
    assert last.name == "report.html"
    assert last.is_file()
    assert max(len(line) for line in said.out.splitlines()[:-1]) <= 80
    assert "no indicator yet" in said.out
    assert status_of("verify", str(last.parent)) == 0
    assert "note" not in capsys.readouterr().out
    first = {file.name: file.read_bytes() for file in last.parent.iterdir() if file.is_file()}
    assert status_of("run", "baseline", *options, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["run_id"] == last.parent.name
    assert {"id", "probability", "status"} <= set(document["targets"][0])
    assert first == {file.name: file.read_bytes() for file in last.parent.iterdir() if file.is_file()}


@pytest.mark.usefixtures("few_figures")
def test_report_is_a_pure_function_of_the_other_files(
    small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / small_run.name
    shutil.copytree(small_run, folder)
    assert status_of("report", str(folder)) == 0
    page = Path(capsys.readouterr().out.strip())
    once = page.read_bytes()
    assert status_of("report", str(folder), "--lang", "zh") == 0
    assert status_of("verify", str(folder)) == 0
    assert status_of("report", str(folder), "--lang", "both") == 0
    assert page.read_bytes() == once
    assert status_of("report", str(tmp_path)) == 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_evidence_lists_and_follows(capsys: pytest.CaptureFixture[str], language: str) -> None:
    assert status_of("evidence", "--lang", language) == 0
    listed = capsys.readouterr().out
    assert "certification_cost" in listed
    assert status_of("evidence", "certification_cost", "--lang", language) == 0
    assert "M5" in capsys.readouterr().out
    assert status_of("evidence", "certification_cost", "--json") == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "parameter"


@pytest.mark.parametrize(
    "command",
    ["", "main(['--help'])", "main(['--version'])", "main(['check', 'baseline'])", "main(['run', '--help'])"],
)
def test_nothing_heavy_is_loaded_to_answer(command: str) -> None:
    code = (
        "import sys\nimport kechuang\n"
        f"command = {command!r}\n"
        "if command:\n"
        "    from kechuang.cli import main\n"
        "    try:\n        exec(command)\n"
        "    except SystemExit as leaving:\n        assert not leaving.code\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    assert run_python(code).splitlines()[-1] == "LOADED []"


def test_importing_the_package_loads_no_module_of_it() -> None:
    code = "import sys, kechuang; print([name for name in sys.modules if name.startswith('kechuang.')])"
    assert run_python(code).strip() == "[]"


def test_public_names_resolve_and_unknown_ones_do_not() -> None:
    for name in kechuang.__all__:
        assert getattr(kechuang, name) is not None
        assert name in dir(kechuang)
    with pytest.raises(AttributeError, match="no attribute 'corridor'"):
        _ = kechuang.corridor


@pytest.mark.parametrize("arguments", [["--help"], ["check", "baseline"]])
def test_answers_in_under_0_8_seconds(arguments: list[str]) -> None:
    """Processor time, which is what we can answer for: tests run beside other tests."""
    command = [sys.executable, "-c", "from kechuang.cli import main; main()", *arguments]
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=True, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert statistics.median(seconds) < 0.8, seconds
