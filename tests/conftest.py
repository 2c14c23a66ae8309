"""What all tests share: a small run of the real model, a report, and a guard over the global source of luck."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
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


@pytest.fixture
def few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the charts of one indicator in reports, not of all: for tests that ask for a report and not for what is in it."""
    from kechuang.report import projections

    monkeypatch.setattr(projections, "FAN_KEYS", ("high_tech_firms",))
    monkeypatch.setattr(projections, "RANGE_KEYS", ("high_tech_firms",))


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the folder of a small finished run of the baseline, made once for all test processes."""

    def make(shared: Path) -> Path:
        import kechuang as kc

        return kc.run("baseline", out=shared, **SMALL_RUN).folder  # type: ignore[arg-type]

    return _made_once(tmp_path_factory, worker_id, "small-run", make)


@pytest.fixture(scope="session")
def reported_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the folder of a made-up run with its report, built once for all test processes; to be read only."""

    def make(shared: Path) -> Path:
        from kechuang.report import build
        from report_folder import write_run_folder

        found = write_run_folder(shared / "run", title='Plan <script>alert("x")</script> & more')
        build(found)
        return found

    return _made_once(tmp_path_factory, worker_id, "reported-run", make)


def _made_once(factory: pytest.TempPathFactory, worker_id: str, name: str, make: Callable[[Path], Path]) -> Path:
    """Return the folder that `make` gives, from the first process that asks for it; the others wait."""
    base = factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / name
    try:
        shared.mkdir()
    except FileExistsError:
        return _wait_for(shared / "folder.txt")
    made = ""
    try:
        made = str(make(shared))
    finally:
        # Written beside and renamed; empty when the work failed, so that nobody waits for it.
        (shared / "folder.tmp").write_text(made, encoding="utf-8")
        (shared / "folder.tmp").rename(shared / "folder.txt")
    return Path(made)


def _wait_for(file: Path) -> Path:
    deadline = time.monotonic() + 300
    while not file.exists():
        assert time.monotonic() < deadline, f"another test process did not finish the {file.parent.name}"
        time.sleep(0.2)
    made = file.read_text(encoding="utf-8")
    assert made, f"the {file.parent.name} failed in another test process"
    return Path(made)
