"""The run record: what made a run, and the SHA-256 of everything that went in and came out.

`record.json` holds no time, no host and no path of a machine, so the same run gives the same bytes; the hash
of these bytes is the run id and names the folder. The report is built from the other files and may be built
again in another language, therefore its checksums stand beside the record, in `report.sha256` (which
`sha256sum -c` can read).
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.ensemble.own_files import altered_files
from kechuang.ensemble.plan import canonical_json, code_hash
from kechuang.errors import InputError, Problem
from kechuang.posterior import POSTERIOR
from kechuang.provisional import PROVISIONAL
from kechuang.scenario.library import LIBRARY, OVERRIDES

if TYPE_CHECKING:
    from kechuang.ensemble.plan import RunPlan

RECORD = "record.json"
REPORT_SEAL = "report.sha256"
FORMAT = 1
ID_LENGTH = 16
"""A run id is the first 16 hexadecimal digits of the record's SHA-256: no two runs meet by chance."""

PACKAGES = ("mesa", "numba", "llvmlite", "numpy", "pandas", "pyarrow", "scipy", "matplotlib", "pydantic")
"""Packages that can change a number or a byte of the output."""
_CALIBRATION_INPUTS = ("parameters.yaml", "evidence.yaml", "targets.yaml", "law.yaml")


@dataclass
class Verification:
    """What a check of a run folder found: files that differ from the record, and things worth knowing."""

    run_id: str
    checked: int = 0
    altered: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def input_files(plan: RunPlan) -> dict[str, Path]:
    """Return the files a run was made from, by names that are the same on every machine."""
    from kechuang.resources import find

    names = [f"calibration/{name}" for name in _CALIBRATION_INPUTS]
    cities = find("calibration/cities")
    if cities is not None:
        names += [f"calibration/cities/{file.name}" for file in sorted(cities.glob("*.yaml"))]
    names += {"provisional": [PROVISIONAL], "posterior": [POSTERIOR]}.get(plan.parameters, [])
    # A planner's own files lie anywhere and are bound apart (`files`); what they say stands resolved in the record itself.
    origins = {Path(text.rpartition(":")[0]).name for text in plan.scenario.origins.values()}
    written = [name for name in sorted(origins) if name.endswith(".yaml")]
    names += [f"{folder}/{name}" for folder in (LIBRARY, OVERRIDES) for name in written]
    found = {name: find(name) for name in names}
    return {name: file for name, file in found.items() if file is not None}


def write_record(folder: Path, plan: RunPlan, outputs: Iterable[Path]) -> str:
    """Write `record.json` beside the outputs of a run and return the run id."""
    content = {
        "format": FORMAT,
        "kind": "run",
        **plan.describe(),
        "packages": package_versions(),
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "inputs": {name: sha256_of(file) for name, file in input_files(plan).items()},
        **({"files": {name: sha256_of(file) for name, file in sorted(plan.files.items())}} if plan.files else {}),
        "outputs": {file.relative_to(folder).as_posix(): sha256_of(file) for file in outputs},
    }
    text = canonical_json(content)
    (folder / RECORD).write_text(text, encoding="utf-8", newline="\n")
    return run_id_of(text.encode())


def run_id_of(record: bytes) -> str:
    """Return the run id that belongs to the bytes of a record."""
    return hashlib.sha256(record).hexdigest()[:ID_LENGTH]


def package_versions() -> dict[str, str]:
    """Return name -> version of kechuang and of the packages that can change a result."""
    versions = {"kechuang": metadata.version("kechuang")}
    for name in PACKAGES:
        versions[name] = metadata.version(name)
    return versions


def seal_report(folder: Path) -> None:
    """Write the checksums of the report, its figures and the record it shows into `report.sha256`."""
    files = [folder / RECORD, *sorted(folder.glob("report*.html")), *sorted(folder.glob("figures/*"))]
    lines = [f"{sha256_of(file)}  {file.relative_to(folder).as_posix()}\n" for file in files]
    (folder / REPORT_SEAL).write_text("".join(lines), encoding="utf-8", newline="\n")


def read_record(folder: Path) -> dict[str, Any]:
    """Return the record of a run folder; InputError if there is none."""
    file = folder / RECORD
    if not file.is_file():
        message = "is not a run folder (it has no record.json); name one such as outputs/baseline/<run id>"
        raise InputError(Problem(str(folder), message=message))
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(Problem(str(file), message=f"is damaged: {error}")) from error
    if not isinstance(content, dict) or not isinstance(content.get("outputs"), dict):
        raise InputError(Problem(str(file), message="is not a run record"))
    return content


def verify(folder: Path) -> Verification:
    """Compare a run folder and what it was made from with its record, offline; nothing is changed, nothing is run again.

    Inputs are the shipped data files, the scenario files that a planner wrote, and, of a comparison, the runs compared.
    """
    record_file = folder / RECORD
    if not record_file.is_file():
        read_record(folder)
    run_id = run_id_of(record_file.read_bytes())
    found = Verification(run_id, checked=1)
    _compare_name(folder.resolve().name, found)
    try:
        record = read_record(folder)
    except InputError as error:
        found.altered.append(f"{RECORD} ({error})")
        return found
    _compare(folder, record["outputs"], found)
    _compare(folder, _read_seal(folder, found), found)
    _compare_inputs(record, found)
    _compare_own_files(folder, record, found)
    _compare_runs(folder, record, found)
    _note_strangers(folder, record, found)
    _note_other_versions(record, found)
    return found


def _compare_name(name: str, found: Verification) -> None:
    """A folder bears the id of the record that was written with it, unless somebody gave it another name."""
    if name == found.run_id:
        return
    if re.fullmatch(f"[0-9a-f]{{{ID_LENGTH}}}", name):
        found.altered.append(f"{RECORD} (its id is {found.run_id}, the folder is called {name})")
    else:
        found.notes.append(f"the folder was renamed; its run id is {found.run_id}")


def _compare(folder: Path, expected: Mapping[str, str], found: Verification) -> None:
    for name, digest in expected.items():
        file = folder / name
        found.checked += 1
        if not file.is_file():
            found.altered.append(f"{name} (missing)")
        elif sha256_of(file) != digest:
            found.altered.append(name)


def _compare_inputs(record: Mapping[str, Any], found: Verification) -> None:
    from kechuang.resources import find

    for name, digest in record.get("inputs", {}).items():
        file = find(name)
        found.checked += 1
        if file is None:
            found.altered.append(f"{name} (an input, missing)")
        elif sha256_of(file) != digest:
            found.altered.append(f"{name} (an input, changed since the run)")


def _compare_own_files(folder: Path, record: Mapping[str, Any], found: Verification) -> None:
    expected = record.get("files", {})
    found.checked += len(expected)
    for name, wrong in altered_files(expected, folder):
        if wrong == "missing":
            found.checked -= 1
            found.notes.append(f"{name}, which the scenario was written in, is not here; what it said stands in {RECORD}")
        else:
            found.altered.append(f"{name} (an input, changed since the run)")


def _compare_runs(folder: Path, record: Mapping[str, Any], found: Verification) -> None:
    """Check the runs that a comparison was made from, as far as they lie where they lay."""
    for run in record.get("runs", []):
        place = folder / run["folder"]
        if not (place / RECORD).is_file():
            found.notes.append(f"{run['scenario']}/{run['run']}, one of the runs compared, is not here")
            continue
        name = f"{run['scenario']}/{run['run']}"
        if sha256_of(place / RECORD) != run["record"]:
            found.altered.append(f"{name}/{RECORD} (one of the runs compared)")
            continue
        inner = verify(place)
        found.checked += inner.checked
        found.altered.extend(f"{name}/{one}" for one in inner.altered)


def _read_seal(folder: Path, found: Verification) -> dict[str, str]:
    seal = folder / REPORT_SEAL
    if not seal.is_file():
        found.notes.append(f"there is no report yet: kechuang report {folder} builds it")
        return {}
    expected = {}
    for line in seal.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, separator, name = line.partition("  ")
        if not separator or ".." in Path(name).parts or Path(name).is_absolute():
            found.altered.append(f"{REPORT_SEAL} (unreadable line)")
            continue
        expected[name] = digest
    return expected


def _note_strangers(folder: Path, record: Mapping[str, Any], found: Verification) -> None:
    known = {*record["outputs"], RECORD, REPORT_SEAL}
    seal = folder / REPORT_SEAL
    if seal.is_file():
        text = seal.read_text(encoding="utf-8", errors="replace")
        known |= {line.partition("  ")[2] for line in text.splitlines()}
    names = (file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*")) if file.is_file())
    found.notes.extend(f"{name} is not part of the run" for name in names if name not in known)


def _note_other_versions(record: Mapping[str, Any], found: Verification) -> None:
    if record.get("code") != code_hash():
        found.notes.append("the run was made by another version of the code of kechuang")
    then, now = record.get("packages", {}), package_versions()
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            found.notes.append(f"made with {name} {then.get(name, '-')}, here is {now.get(name, '-')}")
