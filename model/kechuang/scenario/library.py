"""Finds scenario files: by path, or by the name of one that is shipped with kechuang."""

from __future__ import annotations

import os
from pathlib import Path

from kechuang import resources
from kechuang.errors import InputError, Problem, did_you_mean

SUFFIXES = (".yaml", ".yml")
LIBRARY, OVERRIDES = "scenarios", "scenarios/overrides"


def library_names() -> list[str]:
    """Return the names of the shipped scenarios."""
    return _names(LIBRARY)


def override_names() -> list[str]:
    """Return the names of the shipped overrides: small files to lay on a scenario, or to run on the baseline."""
    return _names(OVERRIDES)


def shipped_file(name: str) -> Path | None:
    """Return the file of a shipped scenario or override, or None."""
    return resources.find(f"{LIBRARY}/{name}.yaml") or resources.find(f"{OVERRIDES}/{name}.yaml")


def _names(folder: str) -> list[str]:
    found = resources.find(folder)
    return sorted(file.stem for file in found.glob("*.yaml")) if found is not None else []


def looks_like_path(source: str) -> bool:
    """Tell a path (a folder or a .yaml ending in it) from a library name such as 'baseline'."""
    return "/" in source or os.sep in source or source.endswith(SUFFIXES) or source in (".", "..")


def locate(source: str | os.PathLike[str], beside: Path | None = None) -> Path:
    """Return the file meant by a path or library name; InputError names the nearest library scenario.

    A path inside a file (`beside`) is relative to that file, any other to the working folder.
    """
    if not isinstance(source, str) or looks_like_path(source):
        path = Path(source)
        return beside.parent / path if beside is not None else path
    found = shipped_file(source) if source else None
    if found is not None:
        return found
    folder = beside.parent if beside is not None else Path()
    local = next((f"{source}{suffix}" for suffix in SUFFIXES if (folder / f"{source}{suffix}").is_file()), None)
    if local is not None:
        raise InputError(Problem(source, message=f'no shipped scenario; for the file write "./{local}"'))
    names = library_names()
    small = override_names()
    known = f"there are {', '.join(names)}, and the overrides {', '.join(small)}"
    own = "name a file of your own by its path, such as ./mine.yaml"
    near = did_you_mean(source, (*names, *small))
    raise InputError(Problem(source, message=f"no shipped scenario{near}; {known}; {own}"))


def displayed(path: Path) -> str:
    """Return a path as messages show it: relative to the working folder when it lies inside."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive on Windows
        return str(path)
    return str(path) if relative.startswith("..") else relative.replace(os.sep, "/")
