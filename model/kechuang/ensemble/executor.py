"""Runs the jobs of a plan, in this process, in workers or on a cluster, and loses nothing that was finished.

Workers write their results themselves (kechuang.ensemble.workfolder), so nothing large travels through a
pipe and a finished draw outlives whatever happens next. Resuming is one sentence: run what has no file.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from kechuang.ensemble import workfolder
from kechuang.ensemble.cluster import cluster_address, run_on_cluster
from kechuang.ensemble.plan import Engine, Job, RunResult

RETRIES = 3
"""How often the unfinished draws are tried again after a worker process was lost."""
_POLL_SECONDS = 0.5

_engine: Engine | None = None
"""The engine of a worker process, set once by its initializer."""


class Interrupted(KeyboardInterrupt):
    """The user stopped the run; the finished draws are kept and the same command goes on from them."""

    exit_status = 130


class WorkersLostError(RuntimeError):
    """Worker processes died again and again without an error of their own (memory, or the machine)."""


def execute(
    jobs: Sequence[Job],
    engine: Engine,
    folder: Path,
    workers: int,
    on_finished: Callable[[int], None],
) -> None:
    """Run every job that has no result in the folder; `on_finished` hears how many of all jobs are done."""
    for part in {job.part for job in jobs}:
        (folder / part).mkdir(parents=True, exist_ok=True)
    losses = 0
    while True:
        pending = _pending(jobs, folder)
        counted = partial(_count_on, on_finished, len(jobs) - len(pending))
        counted(0)
        if not pending:
            return
        try:
            if (address := cluster_address()) is not None:
                run_on_cluster(pending, engine, folder, address, RETRIES, counted)
            elif workers == 1:
                _run_here(pending, engine, folder, counted)
            else:
                _run_in_pool(pending, engine, folder, min(workers, len(pending)), counted)
        except BrokenProcessPool as error:
            losses += 1
            if losses > RETRIES:
                raise WorkersLostError(_lost(len(pending))) from error
        except KeyboardInterrupt:
            done = len(jobs) - len(_pending(jobs, folder))
            raise Interrupted(
                f"interrupted: {done} of {len(jobs)} draws are finished and kept in {folder}; "
                "the same command goes on from there"
            ) from None


def _pending(jobs: Sequence[Job], folder: Path) -> list[Job]:
    """Return the jobs that have no whole result in the folder yet."""
    draws: dict[str, set[int]] = {}
    for job in jobs:
        draws.setdefault(job.part, set()).add(job.draw.id)
    done = {part: workfolder.finished(folder / part, wanted) for part, wanted in draws.items()}
    return [job for job in jobs if job.draw.id not in done[job.part]]


def _lost(count: int) -> str:
    return (
        f"worker processes died {RETRIES + 1} times with {count} draws unfinished. "
        "The finished draws are kept; try --workers 1. If kechuang.run was called from a script, "
        'the call must stand under `if __name__ == "__main__":`'
    )


def _count_on(on_finished: Callable[[int], None], before: int, now: int) -> None:
    on_finished(before + now)


def _run_here(jobs: Sequence[Job], engine: Engine, folder: Path, counted: Callable[[int], None]) -> None:
    for count, job in enumerate(jobs, start=1):
        workfolder.save(folder / job.part, _simulate(engine, job))
        counted(count)


def _run_in_pool(
    jobs: Sequence[Job], engine: Engine, folder: Path, workers: int, counted: Callable[[int], None]
) -> None:
    pool = ProcessPoolExecutor(
        max_workers=workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(engine,),
    )
    # On any exit the draws not yet started are dropped and the running ones, seconds each, are waited for.
    try:
        with _workers_born_deaf():
            futures = [pool.submit(_run_job, job, folder) for job in jobs]
        _follow(futures, counted)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _workers_born_deaf() -> Iterator[None]:
    """Ignore Ctrl-C while processes are started: they inherit that, so none dies of it while importing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _follow(futures: Sequence[Future[None]], counted: Callable[[int], None]) -> None:
    waiting: set[Future[None]] = set(futures)
    while waiting:
        ready, waiting = wait(waiting, timeout=_POLL_SECONDS, return_when=FIRST_EXCEPTION)
        for future in ready:
            future.result()
        counted(sum(future.done() for future in futures))


def _start_worker(engine: Engine) -> None:
    """Prepare a worker: Ctrl-C is the parent's business, a lost parent ends it, kernels are loaded."""
    global _engine  # noqa: PLW0603 - the one state of a worker process
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    engine.warm_up()
    _engine = engine


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_job(job: Job, folder: Path) -> None:
    if _engine is None:
        raise RuntimeError("a job reached a worker process that was not started by this module")
    workfolder.save(folder / job.part, _simulate(_engine, job))


def _simulate(engine: Engine, job: Job) -> RunResult:
    return engine.simulate(job.scenario, job.draw, job.seed, audit=job.audit, scale=job.scale)
