"""Wrong scenario files: each is refused with file, line and remedy, through the library and the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kechuang.errors import InputError
from kechuang.scenario import load_scenario

FOLDER = Path(__file__).parent / "bad_files"

# file: (line of the first problem, words that its message must hold)
GALLERY: dict[str, tuple[int, tuple[str, ...]]] = {
    # keys
    "unknown-key-top": (3, ("lever", "unknown key", 'did you mean "levers"')),
    "unknown-key-in-lever": (5, ("valeu", "unknown key", 'did you mean "value"')),
    "unknown-key-in-dial": (5, ("registration_bonus.form", 'did you mean "from"')),
    "unknown-key-in-run": (4, ("run.drawz", 'did you mean "draws"')),
    "unknown-lever": (4, ("unknown lever", 'did you mean "certification_bonus"', "super_deduction")),
    "unknown-shock": (4, ("export_resession", 'did you mean "export_recession"')),
    "unknown-target": (3, ("targets[2]", 'did you mean "corridor-2035"', "city-2025")),
    "shock-among-levers": (4, ("is a shock", "`shocks:`")),
    "lever-among-shocks": (4, ("is a lever", "`levers:`")),
    "run-key-at-top": (3, ("draws", "move it under `run:`")),
    "name-missing": (1, ("name", "is missing", "my-scenario")),
    "name-with-spaces": (1, ("Talent First", "lower-case")),
    "name-climbs-out": (1, ("../../etc", "cannot name a scenario")),
    "duplicate-key": (6, ("run.draws", "given twice", "line 4")),
    "empty-value": (4, ("run.draws", "is empty")),
    "list-as-key": (3, ("where a key is needed",)),
    "title-not-a-mapping": (2, ("title", "mapping is needed", "{en:")),
    "title-unknown-language": (2, ("title.cn", "known keys here: en, zh")),
    # types
    "value-is-true": (5, ("true is not a number",)),
    "value-is-text": (5, ('"10" is text', "without quotes")),
    "value-is-yes": (5, ('"yes" is text',)),
    "value-with-unit": (5, ("30万元", "without quotes or unit")),
    "value-is-infinite": (5, (".inf is not an ordinary number",)),
    "value-is-not-a-number": (5, (".nan is not an ordinary number",)),
    "value-overflows": (5, ("not an ordinary number",)),
    "value-is-a-list": (5, ("a list is not a number",)),
    "value-too-many-digits": (5, ("levers.certification_bonus.level", "400 digits")),
    "draws-is-scientific": (3, ("not a whole number", "write 100000")),
    "draws-is-negative": (3, ("-5 is outside the allowed range 1 to 100000",)),
    "draws-too-many": (3, ("100001 is outside the allowed range 1 to 100000",)),
    "draws-is-a-fraction": (3, ("10.5 is not a whole number",)),
    "seed-too-large": (3, ("run.seed", "outside the allowed range 0 to 1099511627775")),
    "lever-is-a-number": (4, ("mapping is needed", "{value: 10, from: 2023Q1}")),
    "levers-is-a-list": (4, ("a list stands where a mapping is needed",)),
    "places-is-a-word": (6, ("is not a list", "places: [corridor]")),
    "law-unknown": (3, ("2021", "2020 or known")),
    "tide-unknown": (3, ('did you mean "damped"', "damped or known")),
    # dates
    "date-without-quarter": (6, ("2023 is not a quarter", "2023Q1")),
    "date-fifth-quarter": (6, ('"2023Q5" is not a quarter', "2023Q1")),
    "date-as-day": (6, ("2023-01-01", "is not a quarter")),
    "date-before-start": (6, ("2015Q4", "outside 2016Q1 to 2035Q4")),
    "date-after-end": (3, ("run.until", "outside 2016Q1 to 2035Q4")),
    "dates-reversed": (7, ("2024Q4 lies before", "2025Q1")),
    "path-bad-quarter": (5, ("2023Q7", "is not a quarter")),
    "path-empty": (5, ("path", "is empty")),
    "path-with-from": (6, ("from", "beside path")),
    "path-after-until": (5, ("path.2030Q1", "after the last quarter", "2025Q4")),
    "ramp-negative": (6, ("-1 is outside the allowed range 0 to 80",)),
    # doses, ranges, reach
    "two-doses": (6, ("exactly one of value, level and path", "line 5")),
    "no-dose": (4, ("says no dose", "value", "renewal_share")),
    "no-dose-in-dial": (5, ("registration_bonus", "says no dose")),
    "out-of-range-level": (5, ("300000 is outside the allowed range 0 to 100", "万元 per firm")),
    "out-of-range-sum": (5, ("90 added to the baseline 20 gives 110", "0 to 100", "from -20 to 80")),
    "out-of-range-in-law": (5, ("baseline 100 gives 160 in 2021Q1", "0 to 150")),
    "out-of-range-dial": (5, ("renewal_share", "1.5 is outside the allowed range 0 to 1")),
    "out-of-range-path": (5, ("path.2024Q1", "-5 is outside")),
    "percent-as-share": (4, ("0.15 is outside the allowed range 5 to 25 %",)),
    "shock-too-deep": (4, ("depth", "10 is outside the allowed range 0 to 0.5")),
    "shock-incomplete": (4, ("export_recession.from", "is missing", "2025Q1")),
    "national-lever-by-place": (4, ("set by the nation", "delete `places`")),
    "not-by-industry": (6, ("cannot be targeted by industries", "places, ladder")),
    "unknown-place": (6, ("places[2]", 'did you mean "linhai"')),
    "unknown-industry": (4, ("industries[1]", 'did you mean "medicine"')),
    "ladder-out-of-reach": (6, ("ladder[2]", "step 2", "allowed steps: 0, 1")),
    "places-empty": (6, ("places", "is empty")),
    "budget-negative": (6, ("-1 is outside the allowed range 0 to 1000",)),
    "budget-on-tax": (4, ("forgoes tax", "delete `budget`")),
    "target-twice": (3, ("listed twice",)),
    # inheritance
    "extends-unknown-name": (2, ('"baselin"', 'did you mean "baseline"')),
    "extends-missing-file": (2, ("not-there.yaml", "no such file")),
    "extends-a-number": (2, ("must be a scenario name",)),
    "extends-itself": (2, ("circle", "extends-itself.yaml -> extends-itself.yaml")),
    "cycle-a": (2, ("circle", "cycle-a.yaml -> cycle-b.yaml -> cycle-a.yaml")),
    "collision": (5, ("levers.certification_bonus.level", "override-more.yaml:5", "same key")),
    "fault-in-parent": (3, ("draws-is-negative.yaml", "run.draws", "-5 is outside")),
    # YAML
    "alias": (4, ("&dose", "anchors are not allowed")),
    "alias-bomb": (2, ("unknown key",)),
    "tag-python": (1, ("!!python/object/apply:os.getcwd", "not allowed")),
    "tag-int": (3, ("!!int", "plain value")),
    "tag-own": (3, ("!lever", "not allowed")),
    "merge-key": (5, ("merge keys are not allowed",)),
    "directive": (2, ("%YAML 1.1", "not allowed")),
    "two-documents": (3, ("second document", "one scenario per file")),
    "tab-indent": (4, ("tab", "use spaces")),
    "bracket-open": (3, ("inside a bracket", "close it")),
    "quote-open": (2, ("quoted text", "close it")),
    "second-colon": (3, ("second colon", "double quotes")),
    "bad-escape": (3, ("not valid YAML", "quotes")),
    "bad-indent": (5, ("not valid YAML", "indentation")),
    "only-text": (1, ("holds no keys", "name: my-scenario")),
    "only-a-list": (1, ("holds no keys", "name: my-scenario")),
    "only-comments": (1, ("file is empty", "name: my-scenario")),
}
RIGHT_ALONE = {"override-more", "override-less", "cycle-b", "many-faults"}
"""Helpers of the files above, and the file with many faults, which has its own test."""


def problems_of(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    return caught.value


@pytest.mark.parametrize("name", GALLERY)
def test_wrong_file_is_refused_with_place_and_remedy(name: str) -> None:
    line, words = GALLERY[name]
    first = problems_of(FOLDER / f"{name}.yaml").problems[0]
    for word in words:
        assert word in str(first), first
    assert first.line == line, first
    assert first.column >= 1
    assert ".yaml" in first.file


def test_every_file_of_the_gallery_is_tested() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {*GALLERY, *RIGHT_ALONE}
    assert len(GALLERY) >= 45


def test_all_problems_of_a_file_come_at_once() -> None:
    problems = problems_of(FOLDER / "many-faults.yaml").problems
    assert [(one.line, one.key.rsplit(".", 1)[-1]) for one in problems] == [
        (1, "name"), (3, "tide"), (6, "valeu"), (7, "from"), (8, "places[2]"), (9, "level"), (10, "level"),
        (10, "places"), (11, "level"), (12, "draws"), (12, "seed"), (13, "targets[1]"),
    ]  # fmt: skip


GENERATED: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "empty": (b"", ("file is empty", "name: my-scenario")),
    "blank": (b"\n \n\n", ("file is empty",)),
    "binary": (b"PK\x03\x04\x14\x00\x00\x00\x08\x00", ("binary file", "name a .yaml file")),
    "gbk": ("name: bad\ntitle: {zh: 人才优先}\n".encode("gbk"), ("not UTF-8", "encoding UTF-8")),
    "utf-16": ("name: bad\n".encode("utf-16"), ("UTF-16", "encoding UTF-8")),
    "control": (b"name: bad\ntitle: {en: a\x07b}\n", ("control character", "delete it")),
    "huge": (b"# " + b"x" * 200_000, ("200 kB",)),
    "many": (b"name: bad\ntargets: [" + b"a," * 5000 + b"]\n", ("more than 5000 entries", "split")),
    "deep": (b"name: " + b"[" * 50 + b"]" * 50, ("deeper than 12 levels",)),
    "deep-mapping": ("\n".join("  " * n + "k:" for n in range(40)).encode(), ("deeper than 12 levels",)),
    "very-deep": (b"[" * 50_000, ("deeper than 12 levels",)),
}


@pytest.mark.parametrize("name", GENERATED)
def test_wrong_bytes_are_refused(name: str, tmp_path: Path) -> None:
    content, words = GENERATED[name]
    path = tmp_path / f"{name}.yaml"
    path.write_bytes(content)
    first = problems_of(path).problems[0]
    assert first.file.endswith(f"{name}.yaml")
    for word in words:
        assert word in str(first), first


def test_a_folder_a_missing_file_and_an_unreadable_name(tmp_path: Path) -> None:
    assert "is a folder" in str(problems_of(tmp_path))
    (tmp_path / "talent-first.yaml").write_text("name: talent-first\n")
    missing = str(problems_of(tmp_path / "talent-frist.yaml"))
    assert "no such file" in missing
    assert 'did you mean "talent-first.yaml"' in missing
    assert "there is no folder" in str(problems_of(tmp_path / "nowhere" / "x.yaml"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "not an ordinary file" in str(problems_of(tmp_path / "pipe.yaml"))


def test_too_long_a_chain_of_files_is_refused(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"s{number}.yaml").write_text(f"name: s{number}\nextends: ./s{number + 1}.yaml\n")
    assert "20 files at most" in str(problems_of(tmp_path / "s0.yaml"))


def kechuang(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from kechuang.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=60,
                          env={**os.environ, "PYTHONUTF8": "1"})


def test_the_command_line_says_the_same_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\x00\x01\x02")
    names = ["many-faults", "alias", "cycle-a", "collision", "extends-unknown-name", "tab-indent"]
    files = [str(FOLDER / f"{name}.yaml") for name in names]
    done = kechuang("check", *files, str(tmp_path / "binary.yaml"), str(tmp_path), "no-such-name")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for words in ("many-faults.yaml:13:11: targets[1]", "alias.yaml:5:20", "circle", "override-more.yaml:5",
                  'did you mean "baseline"', "use spaces", "binary.yaml:1:1", "is a folder", "no-such-name"):
        assert words in done.stderr


def test_one_wrong_file_among_right_ones_fails_the_check() -> None:
    done = kechuang("check", "baseline", str(FOLDER / "two-doses.yaml"))
    assert done.returncode == 2
    assert done.stdout.startswith("baseline: right")
    assert "two-doses.yaml:6:5" in done.stderr


def test_problems_as_json() -> None:
    done = kechuang("check", "--json", "baseline", str(FOLDER / "two-doses.yaml"))
    assert done.returncode == 2
    right, wrong = json.loads(done.stdout)
    assert right["right"] is True
    assert right["scenario"]["name"] == "baseline"
    assert right["origins"]["run.draws"].startswith("baseline.yaml:")
    assert wrong["right"] is False
    assert [(one["line"], one["column"]) for one in wrong["problems"]] == [(6, 5)]


def test_checking_loads_no_heavy_library() -> None:
    heavy = ("mesa", "numba", "scipy", "pandas", "numpy", "matplotlib", "pyarrow")
    program = (
        "import sys\nfrom kechuang.scenario import load_scenario\n"
        "load_scenario('no-local-policy', {'levers.super_deduction': {'value': 25, 'industries': ['medicine']}})\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
