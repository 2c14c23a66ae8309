"""What all tests share: one small run of the real model, and a guard over the global source of luck."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

SMALL_RUN = {"draws": 3, "seed": 2026, "parameters": "prior", "workers": 1, "scale": 0.05, "progress": False}
"""A twentieth of the city, one draw per closure, to 2035: seconds, and all tables of a run folder."""


@pytest.fixture(autouse=True)
def _global_luck_is_left_alone() -> Iterator[None]:
    """Fail a test after which NumPy's global generator stands elsewhere than before."""
    before = np.random.get_state()[1].copy()  # type: ignore[union-attr]
    yield
    after = np.random.get_state()[1]
    assert np.array_equal(before, after), "the global random state was used; draws are keyed in this project"


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the folder of a small finished run of the baseline, made once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "small-run"
    try:
        shared.mkdir()
    except FileExistsError:
        return _wait_for(shared / "folder.txt")
    import kechuang as kc

    made = ""
    try:
        made = str(kc.run("baseline", out=shared, **SMALL_RUN).folder)  # type: ignore[arg-type]
    finally:
        # Written beside and renamed; empty when the run failed, so that nobody waits for it.
        (shared / "folder.tmp").write_text(made, encoding="utf-8")
        (shared / "folder.tmp").rename(shared / "folder.txt")
    return Path(made)


def _wait_for(file: Path) -> Path:
    deadline = time.monotonic() + 300
    while not file.exists():
        assert time.monotonic() < deadline, "another test process did not finish the small run"
        time.sleep(0.2)
    made = file.read_text(encoding="utf-8")
    assert made, "the small run failed in another test process"
    return Path(made)
