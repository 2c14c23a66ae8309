"""The decorator of rules and kernels: Numba with a cache on disk, and types that stay visible to type checkers.

NUMBA_DISABLE_JIT=1 runs the same functions as plain Python. Numba notices a change of the file that a kernel stands in, but
not of the rules it calls from other files; the cache therefore lies in a folder named after the text of all of them, so an
edited rule is never answered with the old one.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])
PACKAGE = Path(__file__).resolve().parent


def kernel_sources() -> list[Path]:
    """Return the files that hold rules and kernels."""
    world = PACKAGE / "world"
    return [
        PACKAGE / "compiled.py",
        PACKAGE / "crowds.py",
        PACKAGE / "queues.py",
        PACKAGE / "randomness.py",
        PACKAGE / "calibrate" / "luck.py",
        world / "measure" / "headcount.py",
        world / "population" / "admission.py",
        world / "population" / "firms.py",
        world / "population" / "reservoir.py",
        *sorted((world / "mechanisms").glob("*.py")),
    ]


def cache_folder() -> Path:
    """Return the folder of compiled kernels for the rules as they stand."""
    digest = hashlib.sha256()
    for source in kernel_sources():
        digest.update(source.read_bytes())
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    beside = PACKAGE / "__pycache__"
    if chosen:
        base = Path(chosen)
    elif os.access(beside if beside.is_dir() else PACKAGE, os.W_OK):
        base = beside
    else:
        base = Path(tempfile.gettempdir()) / f"kechuang-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    return base / f"kernels-{digest.hexdigest()[:16]}"


setattr(numba.config, "CACHE_DIR", str(cache_folder()))  # noqa: B010 - the attribute is made at run time


def compiled(function: Function) -> Function:
    """Compile a function on first use and keep the result in its cache.

    A division by nothing gives what NumPy gives, inf or nan, and no exception: the books refuse both at the end of the quarter,
    and kernels without a way out at every division are a tenth faster.
    """
    return cast(Function, njit(cache=True, error_model="numpy")(function))


def inlined(function: Function) -> Function:
    """Compile a part of a kernel into the kernel itself.

    For functions that take the columns of a population: a call would count references on every column.
    """
    return cast(Function, njit(cache=True, error_model="numpy", inline="always")(function))
