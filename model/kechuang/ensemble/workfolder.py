"""Finished draws on disk: written beside and renamed, so that a file that is there is whole.

A run that was stopped, by Ctrl-C or by the loss of a machine, leaves its finished draws here; the same
command takes them over. The folder goes away when the run folder is complete.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kechuang.ensemble.plan import RunResult


@dataclass(frozen=True)
class StoredResult:
    """A run result read back from a work folder; same fields as the one the world returned."""

    draw_id: int
    closure: str
    seed: int
    indicators: NDArray[np.float64]
    breakdown: dict[str, NDArray[Any]]
    costs: NDArray[np.float64]
    lever_keys: tuple[str, ...]
    snapshots: dict[str, NDArray[Any]]
    diagnostics: dict[str, float]


def draw_file(folder: Path, draw_id: int) -> Path:
    """Return the file that holds a finished draw."""
    return folder / f"draw-{draw_id:06d}.npz"


def save(folder: Path, result: RunResult) -> None:
    """Write a result; the file appears under its name only when it is whole."""
    import numpy as np

    arrays: dict[str, NDArray[Any]] = {"indicators": result.indicators, "costs": result.costs}
    arrays |= {f"breakdown/{name}": array for name, array in result.breakdown.items()}
    arrays |= {f"snapshots/{name}": array for name, array in _flat_snapshots(result).items()}
    about = {
        "draw_id": result.draw_id,
        "closure": result.closure,
        "seed": result.seed,
        "lever_keys": list(result.lever_keys),
        "diagnostics": {name: float(value) for name, value in result.diagnostics.items()},
    }
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    target = draw_file(folder, result.draw_id)
    beside = target.with_name(f"{target.stem}.{os.getpid()}.tmp")
    with beside.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
    beside.replace(target)


def _flat_snapshots(result: RunResult) -> dict[str, NDArray[Any]]:
    """Return the snapshots by one name each: those of group 2020Q4, say, as `2020Q4_size_bins`."""
    import numpy as np

    flat: dict[str, NDArray[Any]] = {}
    for name, content in result.snapshots.items():
        if isinstance(content, Mapping):
            flat |= {f"{name}_{part}": np.asarray(array) for part, array in content.items()}
        else:
            flat[name] = np.asarray(content)
    return flat


def load(folder: Path, draw_id: int) -> StoredResult:
    """Read a finished draw."""
    import numpy as np

    with np.load(draw_file(folder, draw_id), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    about = json.loads(arrays["about"].tobytes())

    def group(prefix: str) -> dict[str, NDArray[Any]]:
        return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

    return StoredResult(
        draw_id=about["draw_id"],
        closure=about["closure"],
        seed=about["seed"],
        indicators=arrays["indicators"],
        breakdown=group("breakdown/"),
        costs=arrays["costs"],
        lever_keys=tuple(about["lever_keys"]),
        snapshots=group("snapshots/"),
        diagnostics=about["diagnostics"],
    )


def finished(folder: Path, draw_ids: Iterable[int]) -> set[int]:
    """Return the draws whose files are there and whole; a damaged file is removed: its draw runs again."""
    whole = set()
    for draw_id in draw_ids:
        file = draw_file(folder, draw_id)
        if not file.is_file():
            continue
        if _is_whole(file):
            whole.add(draw_id)
        else:
            file.unlink()
    return whole


def _is_whole(file: Path) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None and "about.npy" in archive.namelist()
    except (zipfile.BadZipFile, OSError, EOFError):
        return False
