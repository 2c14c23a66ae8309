"""Where the shipped files (`scenarios/`, `calibration/`) are, in a checkout and in an installed wheel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kechuang.errors import InputError, Problem

_PACKAGE = Path(__file__).resolve().parent
_SHIPPED = ("scenarios", "calibration")


def roots() -> Iterator[Path]:
    """Yield the folders that may hold the shipped files: the checkout first, then the data of a wheel."""
    checkout = _PACKAGE.parent.parent
    # A wheel lies two levels below some library folder too; only a project file makes it a checkout.
    if (checkout / "pyproject.toml").is_file() and (checkout / "model" / _PACKAGE.name).is_dir():
        yield checkout
    yield _PACKAGE / "data"


def find(relative: str) -> Path | None:
    """Return the shipped file or folder of this name (such as 'calibration/evidence.yaml'), or None."""
    if Path(relative).is_absolute() or ".." in Path(relative).parts:
        return None
    for root in roots():
        candidate = root / relative
        if candidate.exists():
            return candidate
    return None


def path(relative: str) -> Path:
    """Return the shipped file or folder of this name; InputError says where it was looked for."""
    found = find(relative)
    if found is not None:
        return found
    looked = " and ".join(str(root) for root in roots())
    raise InputError(Problem(
        file=relative,
        message=f"not among the files shipped with kechuang (looked in {looked}); "
                f"names start with {' or '.join(f'{folder}/' for folder in _SHIPPED)}; "
                "if it should be there, install the package again",
    ))
