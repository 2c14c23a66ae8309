"""The scenario files that a planner wrote: bound to a run by their hash, and found again when the run is verified.

A record names no path of a machine. It holds the name of each file with the SHA-256 of its bytes; `kechuang verify` looks for
a file of that name in the working folder and in the folders above the run. One that is not there is said, not failed: what it
said stands resolved in the record.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from kechuang.errors import InputError
from kechuang.scenario.library import LIBRARY, OVERRIDES, displayed, locate
from kechuang.scenario.reader import read_document


def written_files(source: str | os.PathLike[str]) -> dict[str, Path]:
    """Return name -> path of the files that this scenario is written in, but those that are shipped; InputError as on loading."""
    found: dict[Path, Path] = {}
    _walk(locate(source), found)
    shipped = set(_shipped_folders())
    own = [path for resolved, path in found.items() if resolved.parent not in shipped]
    # Two files of one name in two folders cannot both be found by it again: they are told apart by a number.
    names: dict[str, Path] = {}
    for path in own:
        number = sum(path.name == name.partition(" (")[0] for name in names)
        names[f"{path.name} ({number + 1})" if number else path.name] = path
    return names


def find_again(name: str, run_folder: Path) -> list[Path]:
    """Return the files of this name where a planner would have them: the working folder, and all folders above the run."""
    plain = name.partition(" (")[0]
    folders = dict.fromkeys([Path.cwd(), *run_folder.resolve().parents])
    return [folder / plain for folder in folders if (folder / plain).is_file()]


def altered_files(expected: Mapping[str, str], run_folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, what is wrong) for every own file that no file found by its name equals: altered, or not here."""
    for name, digest in expected.items():
        found = find_again(name, run_folder)
        if not found:
            yield name, "missing"
        elif all(hashlib.sha256(file.read_bytes()).hexdigest() != digest for file in found):
            yield name, "altered"


def _shipped_folders() -> Iterator[Path]:
    from kechuang.resources import find

    for name in (LIBRARY, OVERRIDES):
        folder = find(name)
        if folder is not None:
            yield folder.resolve()


def _walk(path: Path, found: dict[Path, Path]) -> None:
    resolved = path.resolve()
    if resolved in found:
        return
    found[resolved] = path
    tree, _ = read_document(path, displayed(path))
    node = tree.children.get("extends")
    entries = [] if node is None else node.value if isinstance(node.value, list) else [node]
    for entry in entries:
        try:
            parent = locate(str(entry.value), beside=path)
        except InputError:
            continue  # said with its line when the scenario is loaded
        if parent.is_file():
            _walk(parent, found)
