"""What a stranger meets: the lock file, make, the README's commands, and a wheel outside the checkout."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from kechuang import __version__
from kechuang.cli import main

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh.md")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
SMALL = ["--parameters", "prior", "--draws", "3", "--scale", "0.05", "--workers", "1", "--quiet"]
"""Put behind every `kechuang run` of a README: the last of two equal options counts."""
SHORT = ["--until", "2027Q4"]
"""Put behind every command of a README that runs cities: dates of targets lie before it and after it."""


def normal_name(requirement: str) -> str:
    """Return the name in a requirement as package indexes write it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[\s<>=!~;]", requirement, maxsplit=1)[0]).lower()


# The lock


def test_lock_pins_everything_with_hashes_and_names_no_host() -> None:
    assert "://" not in LOCK
    assert "index" not in re.sub(r"^[a-z-]+==", "", LOCK, flags=re.MULTILINE)
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    for entry in entries:
        assert re.match(r"^[a-z0-9.-]+(\[[a-z]+\])?==\S+", entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]


def test_lock_covers_all_that_the_project_asks_for() -> None:
    locked = {normal_name(line) for line in LOCK.splitlines() if re.match(r"\S", line)}
    project = PROJECT["project"]
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        assert normal_name(requirement) in locked, requirement


def test_lock_has_an_entry_for_every_python() -> None:
    from packaging.requirements import Requirement

    lines = [line.rstrip(" \\") for line in LOCK.splitlines() if re.match(r"\S", line)]
    requirements = [Requirement(line) for line in lines]
    for version in ("3.11.0", "3.12.0", "3.13.0"):
        environment = {"python_version": version[:4], "python_full_version": version, "sys_platform": "linux"}
        chosen = [r for r in requirements if r.marker is None or r.marker.evaluate(environment)]
        names = [r.name for r in chosen]
        assert len(names) == len(set(names)), f"two versions of one package for {version}"
        assert {"mesa", "numpy", "scipy", "hatchling", "pytest"} <= set(names)


# make


def test_versions_agree() -> None:
    assert PROJECT["project"]["version"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["run", "test", "test-all", "lint", "setup", "clean", "help"])
def test_make_targets_are_sound(target: str) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_continuous_integration_runs_lint_and_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    commands = [line for line in script.read_text(encoding="utf-8").splitlines() if line.startswith("make")]
    assert commands == ["make lint", "make test", "make test-worlds"]


def test_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


# The README


def readme_commands() -> list[tuple[str, str]]:
    """Return (file, command) for every `$ ` line of the console blocks."""
    found = []
    for name in READMES:
        file = ROOT / name
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        for block in re.findall(r"^```console\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
            found += [(name, line[2:].strip()) for line in block.splitlines() if line.startswith("$ ")]
    return found


@pytest.mark.parametrize("name", READMES)
def test_readme_begins_with_the_two_commands(name: str) -> None:
    commands = [command for file, command in readme_commands() if file == name]
    assert [command.split("#")[0].strip() for command in commands[:2]] == ["make run", "make test"]


def distinct_commands() -> list[str]:
    """Return every command of both READMEs once; their comments are in two languages."""
    return list(dict.fromkeys(shlex.join(shlex.split(command, comments=True)) for _, command in readme_commands()))


@pytest.mark.usefixtures("few_figures")
@pytest.mark.parametrize("command", distinct_commands())
def test_readme_command_works(command: str, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        done = subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return
    if words[0] != "kechuang":
        pytest.skip(f"set-up command, exercised by a fresh clone: {words[0]}")
    folder = tmp_path / small_run.name
    shutil.copytree(small_run, folder)
    for shipped in ("scenarios", "calibration"):
        (tmp_path / shipped).symlink_to(ROOT / shipped)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kechuang.ensemble.run.available_processors", lambda: 1)
    arguments = [str(folder) if word.startswith("outputs/") else word for word in words[1:]]
    if arguments[0] == "run":
        arguments += [*SMALL, *SHORT, "--out", str(tmp_path / "out")]
    if arguments[0] == "compare":
        arguments += SHORT
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert not caught.value.code


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_wheel_carries_the_data_and_nothing_else_of_the_checkout(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "kechuang/data/scenarios/baseline.yaml" in names
    assert "kechuang/data/calibration/parameters.yaml" in names
    assert "kechuang/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"kechuang", f"kechuang-{__version__}.dist-info"}
    for file in (ROOT / "scenarios").glob("*.yaml"):
        assert f"kechuang/data/scenarios/{file.name}" in names


def test_wheel_works_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    (libraries,) = environment.glob("lib/python*/site-packages")
    # Dependencies come from the environment of the tests; its own .pth files, and so the checkout, do not.
    ours = Path(sys.prefix) / libraries.relative_to(environment)
    (libraries / "dependencies.pth").write_text(f"{ours}\n", encoding="utf-8")
    zipfile.ZipFile(wheel).extractall(libraries)
    python = environment / "bin" / "python"

    def run(*arguments: str) -> str:
        code = "import sys; from kechuang.cli import main; main(sys.argv[1:])"
        done = subprocess.run(
            [str(python), "-c", code, *arguments],
            cwd=tmp_path,
            # As plain Python: compiling the kernels once more would take longer than a small run.
            env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [str(python), "-c", "import kechuang; print(kechuang.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(libraries) in where.stdout
    run("check", "baseline")
    assert "certification_cost" in run("evidence")
    run("run", "baseline", *SMALL, "--scale", "0.01", "--until", "2016Q4")
    assert list((tmp_path / "outputs" / "baseline").glob("*/report.html"))
