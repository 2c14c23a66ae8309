"""Many runs for a study, on one or several processes: results in the order of the jobs, a bar, Ctrl-C without debris."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from kechuang.ensemble.executor import Interrupted
from kechuang.ensemble.run import available_processors

Job = TypeVar("Job")
Found = TypeVar("Found")


def run_jobs(
    work: Callable[[Job], Found], jobs: Sequence[Job], name: str, workers: int | None = None, progress: bool = True
) -> list[Found]:
    """Return `work(job)` for every job; `work` and its jobs must be fit to be sent to another process."""
    workers = min(workers or available_processors(), max(1, len(jobs)))
    with _bar(len(jobs), name, progress) as advance:
        advance(0, "preparing the model (compiled on first use, under a minute)")
        _warm_up()
        advance(0, name)
        try:
            if workers == 1:
                return [_counted(work(job), advance, name) for job in jobs]
            return _in_pool(work, jobs, workers, lambda: advance(1, name))
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted: {name} is not finished, and nothing was written") from None


def _counted(found: Found, advance: Callable[[int, str], None], name: str) -> Found:
    advance(1, name)
    return found


def _in_pool(
    work: Callable[[Job], Found], jobs: Sequence[Job], workers: int, advance: Callable[[], None]
) -> list[Found]:
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start_worker)
    try:
        found = []
        for one in pool.map(work, jobs):
            found.append(one)
            advance()
        return found
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _warm_up()


def _warm_up() -> None:
    from kechuang.world.simulate import warm_up

    warm_up()


@contextmanager
def _bar(total: int, name: str, visible: bool) -> Iterator[Callable[[int, str], None]]:
    """Yield a function that moves the bar by some runs and sets its text."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("runs"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not visible,
    )
    with bar:
        task = bar.add_task(name, total=total)
        yield lambda steps, text: bar.update(task, advance=steps, description=text)
