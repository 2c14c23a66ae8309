"""Runs on a Dask cluster: inside `with on_cluster(ADDRESS)` every ensemble sends its jobs to that scheduler.

Results come back and are stored here, as if they had been made here, so that a cluster needs no common disk, a result that has
arrived outlives whatever happens next, and the same command goes on from there with or without a cluster. Workers must
have the same version of this package and one thread each; both are checked before anything runs.

    dask scheduler --port 8786          dask worker tcp://HOST:8786 --nworkers 2 --nthreads 1
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.ensemble import workfolder
from kechuang.ensemble.plan import Engine, Job, RunResult, code_hash
from kechuang.errors import InputError, Problem

if TYPE_CHECKING:
    from distributed import Client

_WHERE = "--cluster"
_PATIENCE = "10s"
_address: ContextVar[str | None] = ContextVar("address of the scheduler", default=None)


@contextmanager
def on_cluster(address: str | None) -> Iterator[None]:
    """Send the ensembles of this block to the scheduler at an address; None leaves them here."""
    if address is not None and importlib.util.find_spec("distributed") is None:
        raise InputError(Problem(_WHERE, message="needs distributed: pip install 'kechuang[cluster]'"))
    token = _address.set(address)
    try:
        yield
    finally:
        _address.reset(token)


def cluster_address() -> str | None:
    """Return the address of the scheduler that ensembles go to, None if they stay here."""
    return _address.get()


class ClusterLostError(RuntimeError):
    """Workers of the cluster died again and again with the same job."""


def run_on_cluster(
    jobs: Sequence[Job], engine: Engine, folder: Path, address: str, retries: int, counted: Callable[[int], None]
) -> None:
    """Run jobs on a cluster and store each result as it arrives; `counted` hears how many have."""
    from distributed import KilledWorker, as_completed

    with _client(address) as client:
        client.run(engine.warm_up)
        waiting = client.map(partial(_simulated, engine), jobs, pure=False, retries=retries)
        arriving = as_completed(waiting, with_results=True, loop=client.loop)
        try:
            for count, (future, (part, result)) in enumerate(arriving, start=1):
                workfolder.save(folder / part, result)
                future.release()
                counted(count)
        except KilledWorker as error:
            message = f"workers of {address} died {retries + 1} times with one draw; the finished draws are kept"
            raise ClusterLostError(message) from error


def _simulated(engine: Engine, job: Job) -> tuple[str, RunResult]:
    """Run a job on a worker."""
    return job.part, engine.simulate(job.scenario, job.draw, job.seed, audit=job.audit, scale=job.scale)


@contextmanager
def _client(address: str) -> Iterator[Client]:
    """Connect to a scheduler whose workers are fit; InputError says what is not."""
    from distributed import Client

    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(Problem(_WHERE, message=f"no scheduler answers at {address}: {error}")) from None
    with client:
        faults = _faults(client)
        if faults:
            raise InputError([Problem(_WHERE, message=message) for message in faults])
        yield client


def _faults(client: Client) -> list[str]:
    """Return what is wrong with the workers of a cluster."""
    threads: dict[str, int] = client.nthreads()
    if not threads:
        return ["the scheduler has no workers: start some with `dask worker ADDRESS --nthreads 1`"]
    many = [worker for worker, count in threads.items() if count != 1]
    hashes: dict[str, Any] = client.run(code_hash, on_error="return")
    other = [worker for worker, found in hashes.items() if found != code_hash()]
    return [
        *(f"{worker} has more than one thread: start it with --nthreads 1" for worker in many),
        *(f"{worker} has another version of kechuang, or none: install this one there" for worker in other),
    ]
