"""The committed posterior: parameter vectors with their closure and luck, learnt from the reported figures.

Made by `kechuang calibrate` (kechuang.calibrate), stored in the Parquet file below; runs replay its draws as they are. A draw is
a vector and a luck seed together, because both were learnt: fresh luck would spread 2020 beyond what was reported.
The head of the file says from which parameters, figures and simulation code it was made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kechuang.errors import InputError, Problem

if TYPE_CHECKING:
    from kechuang.parameters import Draw

POSTERIOR = "calibration/studies/posterior/draws.parquet"
ORIGIN = ("parameters", "figures", "simulation")
"""What a posterior was made from; a SHA-256 each in the head of its file."""
_FACES = ("analyse", "calibrate", "commands", "ensemble", "report", "dashboard")
"""Parts of the package that cannot change what a simulation gives."""
_ALONE = ("__init__.py", "__main__.py", "cli.py", "evidence.py", "posterior.py", "provenance.py", "provisional.py", "targets.py")


def is_current() -> bool:
    """Say whether there is a committed posterior for the parameters as they are now: runs then use it by default."""
    from kechuang.parameters import parameters_hash

    return made_from().get("parameters") == parameters_hash()


@cache
def made_from() -> Mapping[str, str]:
    """Return the head of the committed posterior: date, study, hashes; empty if there is none."""
    from kechuang.resources import find

    file = find(POSTERIOR)
    return read_head(file) if file else {}


def changed_since() -> tuple[str, ...]:
    """Return what is no longer as it was when the posterior was made, of ORIGIN."""
    now = origin()
    return tuple(name for name in ORIGIN if made_from().get(name) != now[name])


def posterior_draws() -> tuple[Draw, ...]:
    """Return all committed draws; InputError if there are none, or if their parameters are no longer the model's."""
    from kechuang.resources import find

    file = find(POSTERIOR)
    if file is None:
        message = "there is no posterior yet: kechuang calibrate makes one; --parameters provisional or prior do without"
        raise InputError(Problem(POSTERIOR, message=message))
    return read_draws(file, POSTERIOR)


def read_head(file: Path) -> dict[str, str]:
    """Return what the head of a file of draws says about its making."""
    import pyarrow.parquet as pq

    metadata = pq.read_schema(file).metadata or {}
    return {key.decode(): value.decode() for key, value in metadata.items() if not key.startswith(b"ARROW")}


def read_draws(file: Path, name: str) -> tuple[Draw, ...]:
    """Read draws with columns draw, closure, luck and one per parameter that has a prior; the others keep their value."""
    import pyarrow.parquet as pq

    from kechuang.parameters import Draw, load_parameters

    known = load_parameters()
    table = pq.read_table(file)
    drawn = [key for key, parameter in known.items() if parameter.prior is not None]
    missing = [key for key in ("draw", "closure", "luck", *drawn) if key not in table.column_names]
    if missing:
        message = f"has no {', '.join(missing)}: made from other parameters; run kechuang calibrate again"
        raise InputError(Problem(name, message=message))
    fixed = {key: parameter.value for key, parameter in known.items()}
    return tuple(
        Draw(row["draw"], row["closure"], {**fixed, **{key: row[key] for key in drawn}}, row["luck"])
        for row in table.to_pylist()
    )


def origin() -> dict[str, str]:
    """Return the hashes of what a posterior made now would rest on."""
    from kechuang.parameters import parameters_hash

    return {"parameters": parameters_hash(), "figures": figures_hash(), "simulation": simulation_hash()}


def figures_hash() -> str:
    """Return the SHA-256 of every figure to fit with its error and summary."""
    from kechuang.evidence import load_evidence, load_summaries

    records = [
        [record.id, record.number, str(record.error), load_summaries()[record.summary].model_dump()]
        for record in load_evidence().values()
        if record.role == "fit"
    ]
    return hashlib.sha256(json.dumps(sorted(records), ensure_ascii=False).encode()).hexdigest()


@cache
def simulation_hash() -> str:
    """Return the SHA-256 over the files that decide what a simulation gives, code and data of city and law."""
    from kechuang.resources import path

    package = Path(__file__).resolve().parent
    code = [
        file
        for file in sorted(package.rglob("*.py"))
        if file.relative_to(package).parts[0] not in (*_FACES, *_ALONE)
    ]
    digest = hashlib.sha256()
    for file in code:
        digest.update(f"{file.relative_to(package).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    for name in ("calibration/law.yaml", "calibration/cities/taizhou.yaml"):
        digest.update(hashlib.sha256(path(name).read_bytes()).digest())
    return digest.hexdigest()
