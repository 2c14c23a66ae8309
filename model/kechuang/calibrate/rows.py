"""Rows of the table made by the model: simulated by the ensemble's executor, kept as Parquet parts.

A finished row is on disk at once (written beside and renamed); every thousand rows become one part, then their single
files go. Whatever stops the work, the same command goes on with the rows that are missing, and the parts have the same
bytes as if nothing had happened. Rows of earlier code are kept if the present code gives the same numbers.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kechuang.calibrate.scores import draw_of, drawn
from kechuang.calibrate.summaries import summaries
from kechuang.calibrate.table import Array, Labels, Pick, Request
from kechuang.clock import quarter_index
from kechuang.ensemble import workfolder
from kechuang.ensemble.executor import execute
from kechuang.ensemble.plan import Engine, Job
from kechuang.parameters import CLOSURES
from kechuang.scenario import Scenario
from kechuang.world.indicators import POSITION

if TYPE_CHECKING:
    import pyarrow as pa

PART = 1000
"""Rows of a part: some minutes of work, and few enough files."""
REPLAYED = 30
"""Rows simulated again before rows of other code are kept; rows in succession are of all closures."""
MADE_BY = "code.txt"
"""Holds the hash of the code whose numbers the rows are."""
LAST = "2020Q4"
"""Where the runs of the table stop."""
_PATHS = ("high_tech_firms", "tech_sme_firms", "above_scale_firms", "rd_intensity", "gdp_four_quarters", "employment")
_YEARS = range(2016, 2021)


def columns() -> dict[str, tuple[str, str]]:
    """Return name -> indicator and quarter: the summaries, and a few indicators at the end of every year."""
    paths = {f"{key}@{year}Q4": (key, f"{year}Q4") for key in _PATHS for year in _YEARS}
    return {**summaries(), **paths}


@dataclass(frozen=True)
class ModelRows:
    """Simulates rows with the model; an instance is the `Simulate` of kechuang.calibrate.table."""

    folder: Path
    scenario: Scenario
    scale: float
    engine: Engine
    workers: int
    advance: Callable[[int], None]

    def settle(self, code: str) -> Path | None:
        """Keep the rows of a folder for code with this hash, and return where those of code with other numbers went.

        Where other code made the rows, a sample of them is simulated again: if all columns agree to the last bit the rows
        are the present code's as well; else the folder is set aside under another name, and nothing is lost.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        made_by = self.folder / MADE_BY
        before = made_by.read_text(encoding="utf-8").strip() if made_by.exists() else ""
        if before == code:
            return None
        shutil.rmtree(self.folder / "running", ignore_errors=True)
        aside = None
        if self._parts() and not self._same_numbers():
            aside = self.folder.with_name(f"{self.folder.name}.{before[:8] or 'unknown'}-{time.time_ns():x}")
            self.folder.rename(aside)
            self.folder.mkdir()
        made_by.write_text(f"{code}\n", encoding="utf-8")
        return aside

    def _same_numbers(self) -> bool:
        """Simulate rows from all over the table once more and compare them to what is stored."""
        finished = np.sort(self._finished())
        firsts = np.linspace(0, max(finished.size - len(CLOSURES), 0), REPLAYED // len(CLOSURES)).astype(np.int64)
        places = np.unique(np.add.outer(firsts, np.arange(len(CLOSURES))))
        chosen = finished[places[places < finished.size]]
        again = self.folder / "again"
        shutil.rmtree(again, ignore_errors=True)
        request, stored = self._read(chosen)
        found = self._simulate(request, again, self.advance)
        shutil.rmtree(again)
        return all(np.array_equal(found[name], stored[name], equal_nan=True) for name in stored)

    def __call__(self, ids: Labels, pick: Pick) -> tuple[Request, dict[str, Array]]:
        """Return the rows with these ids and their columns, those that are missing picked and simulated."""
        self.folder.mkdir(parents=True, exist_ok=True)
        before = self._finished()
        missing = ids[~np.isin(ids, before)]
        done = int((before <= ids.max()).sum())  # a table made for a longer last round has more
        for start in range(0, missing.size, PART):
            self._make_part(pick(missing[start : start + PART]), done)
            done += min(PART, missing.size - start)
        shutil.rmtree(self.folder / "running", ignore_errors=True)
        self.advance(done)
        return self._read(ids)

    def _finished(self) -> Labels:
        import pyarrow.parquet as pq

        parts = [pq.read_table(file, columns=["row"])["row"].to_numpy() for file in self._parts()]
        return np.concatenate([np.empty(0, dtype=np.int64), *parts])

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob("rows-*.parquet"))

    def _make_part(self, request: Request, done: int) -> None:
        running = self.folder / "running"
        found = self._simulate(request, running, lambda count: self.advance(done + count))
        _write(_table(request, found), self.folder / f"rows-{int(request.ids[0]):07d}.parquet")
        for identity in request.ids:
            workfolder.draw_file(running, int(identity)).unlink()

    def _simulate(self, request: Request, running: Path, advance: Callable[[int], None]) -> dict[str, Array]:
        jobs = []
        for position in range(request.ids.size):
            identity, closure = int(request.ids[position]), CLOSURES[int(request.closure[position])]
            luck = int(request.luck[position])
            draw = draw_of(request.scores[position], closure, identity, luck)
            jobs.append(Job(self.scenario, draw, luck, audit=False, scale=self.scale))
        engine = Engine(partial(summary_run, self.engine.simulate), self.engine.warm_up)
        execute(jobs, engine, running, self.workers, advance)
        found = {name: np.empty(len(jobs)) for name in columns()}
        for place, job in enumerate(jobs):
            values = workfolder.load(running, job.draw.id).indicators[0]
            for name, value in zip(found, values, strict=True):
                found[name][place] = value
        return found

    def _read(self, ids: Labels) -> tuple[Request, dict[str, Array]]:
        """Return the rows with these ids as they were simulated, and their columns."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        whole = pa.concat_tables([pq.read_table(file) for file in self._parts()])
        table = whole.filter(pc.is_in(whole["row"], pa.array(ids))).sort_by("row")
        rows = Request(
            ids=table["row"].to_numpy(),
            closure=np.array([CLOSURES.index(name) for name in table["closure"].to_pylist()], dtype=np.int64),
            luck=table["luck"].to_numpy(),
            scores=np.stack([table[key].to_numpy() for key in drawn()], axis=1),
            log_ratio=table["log_ratio"].to_numpy(),
        )
        return rows, {name: table[name].to_numpy() for name in columns()}


def summary_run(
    simulate: Callable[..., Any], scenario: Scenario, draw: Any, seed: int, audit: bool, scale: float
) -> workfolder.StoredResult:
    """Run the model once and keep only the columns of the table."""
    result = simulate(scenario, draw, seed, audit=audit, scale=scale)
    wanted = columns().values()
    row = [result.indicators[quarter_index(quarter) - 1, POSITION[key]] for key, quarter in wanted]
    return workfolder.StoredResult(
        draw.id, draw.closure, seed, np.array([row], dtype=float), {}, np.zeros((0, 0)), (), {}, {}
    )


def _table(request: Request, found: Mapping[str, Array]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            "row": pa.array(request.ids, pa.int64()),
            "closure": pa.array([CLOSURES[int(number)] for number in request.closure], pa.string()),
            "luck": pa.array(request.luck, pa.int64()),
            "log_ratio": pa.array(request.log_ratio, pa.float64()),
            **{key: pa.array(request.scores[:, place], pa.float64()) for place, key in enumerate(drawn())},
            **{name: pa.array(values, pa.float64()) for name, values in found.items()},
        }
    )


def _write(table: pa.Table, file: Path) -> None:
    """Write a part; it appears under its name only when it is whole."""
    import pyarrow.parquet as pq

    beside = file.with_name(f"{file.stem}.{os.getpid()}.tmp")
    pq.write_table(table, beside, compression="zstd", compression_level=3)
    beside.replace(file)
