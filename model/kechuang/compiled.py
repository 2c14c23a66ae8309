"""The decorator of rules and kernels: Numba with a cache on disk, and types that stay visible to type checkers.

NUMBA_DISABLE_JIT=1 runs the same functions as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function on first use and keep the result in its cache."""
    return cast(Function, njit(cache=True)(function))


def inlined(function: Function) -> Function:
    """Compile a part of a kernel into the kernel itself.

    For functions that take the columns of a population: a call would count references on every column.
    """
    return cast(Function, njit(cache=True, inline="always")(function))
