"""The freeze: what a transfer to another city may not change, written once before the transfer exists as a result.

The file names the parameter set, the number of draws and the seed, so that none of them can be chosen afterwards, and holds
hashes of the draws themselves, of parameters, evidence, law, cities, the scenario, the bands of the facts and the code.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

from kechuang.analyse.facts import FACTS
from kechuang.analyse.forecast import SCENARIO, draws_hash
from kechuang.ensemble.draws import draws_for
from kechuang.ensemble.plan import canonical_json, code_hash
from kechuang.ensemble.record import sha256_of
from kechuang.errors import InputError, Problem
from kechuang.parameters import parameters_hash
from kechuang.provisional import PROVISIONAL
from kechuang.resources import path
from kechuang.scenario import load_scenario

NAME = "freeze-1.json"
FORMAT = 1
_FILES = ("calibration/evidence.yaml", "calibration/law.yaml", f"scenarios/{SCENARIO}.yaml")


def freeze_file() -> Path:
    """Return where the freeze stands, whether or not it is there."""
    return path("calibration/parameters.yaml").parent / NAME


def write_freeze(draws: int, parameters: str) -> Path:
    """Write the freeze; InputError if there is one already, whatever it says."""
    file = freeze_file()
    seed = load_scenario(SCENARIO).seed
    content = {
        "format": FORMAT,
        "kind": "freeze",
        "date": datetime.date.today().isoformat(),
        "scenario": SCENARIO,
        "parameters_from": parameters,
        "draws": draws,
        "seed": seed,
        "hashes": hashes(draws, parameters, seed),
    }
    try:
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(canonical_json(content))
    except FileExistsError:
        message = "is there already, and a freeze is written once; a new one needs a new number and a decision that says why"
        raise InputError(Problem(f"calibration/{NAME}", message=message)) from None
    return file


def read_freeze() -> dict[str, Any]:
    """Return the freeze; InputError if there is none."""
    file = freeze_file()
    if not file.is_file():
        message = "is not there; `kechuang validate --freeze` writes it, and it is committed before anything is transferred"
        raise InputError(Problem(f"calibration/{NAME}", message=message))
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(Problem(f"calibration/{NAME}", message=f"is damaged: {error}")) from None
    if not isinstance(content, dict) or content.get("kind") != "freeze" or content.get("format") != FORMAT:
        raise InputError(Problem(f"calibration/{NAME}", message=f"is not a freeze of format {FORMAT}"))
    return content


def changed_since(frozen: dict[str, Any]) -> list[str]:
    """Return the names of everything that differs from what was frozen."""
    now = hashes(int(frozen["draws"]), str(frozen["parameters_from"]), int(frozen["seed"]))
    then = frozen["hashes"]
    return sorted(name for name in {*then, *now} if then.get(name) != now.get(name))


def hashes(draws: int, parameters: str, seed: int) -> dict[str, str]:
    """Return name -> SHA-256 of everything that decides what a transfer says."""
    files = {name: path(name) for name in (*_FILES, *_study_files(parameters))}
    cities = sorted(path("calibration/cities").glob("*.yaml"))
    return {
        "code": code_hash(),
        "parameters": parameters_hash(),
        "draws": draws_hash(draws_for(parameters, draws, seed)),
        "facts": _facts_hash(),
        **{name: sha256_of(file) for name, file in files.items()},
        **{f"calibration/cities/{file.name}": sha256_of(file) for file in cities},
    }


def _study_files(parameters: str) -> list[str]:
    """Return the files a parameter set is read from: the study of the provisional point, or what bears the set's name."""
    if parameters == "provisional":
        return [PROVISIONAL]
    root = path("calibration/parameters.yaml").parent
    named = (file.relative_to(root.parent) for file in root.rglob("*") if file.is_file())
    return sorted(file.as_posix() for file in named if parameters in file.as_posix())


def _facts_hash() -> str:
    """Return the hash of names, years and bands of the stylised facts."""
    bands = [[fact.name, fact.low, fact.high, list(fact.years)] for fact in FACTS]
    return hashlib.sha256(json.dumps(bands).encode()).hexdigest()
