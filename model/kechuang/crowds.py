"""Columns of a crowd as one argument of a kernel.

Numba takes a tuple of fifty arrays apart at every call, which costs as much as a kernel needs for two thousand firms.
`shared` writes down once where the arrays lie, and kernels read that note. Inside a kernel the columns are the named tuple
they were, so loops are as fast as over arrays passed one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import NativeValue, register_model, unbox
from numpy.typing import NDArray

Columns = TypeVar("Columns", bound=NamedTuple)
_ITEMS, _ITEM_SIZE, _PLACE, _ROWS = 2, 3, 4, 5
"""Where in the description of an array what stands."""


class CrowdType(types.NamedTuple):
    """Type that a kernel sees: a named tuple of arrays, read from the note of a crowd."""


class _Layout(NamedTuple):
    """Where in a note places, items and rows of the columns stand, and how large a row of each is; windows have it in common."""

    place_at: NDArray[np.int64]
    items_at: NDArray[np.int64]
    rows_at: NDArray[np.int64]
    items_in_a_row: NDArray[np.int64]
    bytes_in_a_row: NDArray[np.int64]

    @classmethod
    def of(cls, note: NDArray[np.int64], starts: NDArray[np.int64]) -> _Layout:
        """Read the layout from a note whose columns are described from `starts` on."""
        in_a_row = note[starts + _ITEMS] // max(note[_ROWS], 1)
        in_bytes = in_a_row * note[starts + _ITEM_SIZE]
        return cls(starts + _PLACE, starts + _ITEMS, starts + _ROWS, in_a_row, in_bytes)


class _Crowd:
    """The arrays of a named tuple as attributes, with the note that kernels read and the type they know them by."""

    _numba_type_: CrowdType
    _note: NDArray[np.int64]
    _layout: _Layout

    def __init__(self, kind: CrowdType, note: NDArray[np.int64], held: dict[str, Any]) -> None:
        address, _ = note.__array_interface__["data"]
        self.__dict__.update(held, _numba_type_=kind, _note=note, _address=address)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} cannot be exchanged, since kernels would not see it: write into the array that is there")

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (getattr(self, name) for name in self._numba_type_.fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return shared, (self._numba_type_.instance_class(*self),)


class _Window(_Crowd):
    """Successive rows of a crowd; a column is cut when it is asked for, since kernels need the note alone."""

    def __init__(self, whole: _Crowd, rows: slice, note: NDArray[np.int64]) -> None:
        super().__init__(whole._numba_type_, note, {"_whole": whole, "_rows": rows, "_layout": whole._layout})

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name not in self._numba_type_.fields:
            raise AttributeError(name)
        column: NDArray[Any] = getattr(self._whole, name)[self._rows]
        self.__dict__[name] = column
        return column


def shared(columns: Columns) -> Columns:
    """Return columns (a named tuple of arrays in C order) in a form that kernels take at the price of one argument.

    What the arrays hold may change afterwards; the arrays themselves stay.
    """
    if getattr(numba.config, "DISABLE_JIT"):  # noqa: B009 - the attribute is made at run time
        return columns
    kind = CrowdType([numba.typeof(column) for column in columns], type(columns))  # type: ignore[no-untyped-call]
    described = [_described(column) for column in columns]
    starts = np.cumsum([0, *(len(numbers) for numbers in described[:-1])])
    note = np.concatenate(described)
    return cast(Columns, _Crowd(kind, note, {**columns._asdict(), "_layout": _Layout.of(note, starts)}))


def window(columns: Columns, rows: slice) -> Columns:
    """Return the columns of successive rows without copying; kernels take them like the whole crowd.

    Raises ValueError for a slice with a step other than one.
    """
    if rows.step not in (None, 1):
        raise ValueError(f"a window has rows in succession, not every {rows.step}th")
    if not isinstance(columns, _Crowd):
        return type(columns)(*(column[rows] for column in columns))
    note, layout = columns._note.copy(), columns._layout
    first, end, _ = rows.indices(note[_ROWS])
    number = max(end - first, 0)
    note[layout.place_at] += first * layout.bytes_in_a_row
    note[layout.items_at] = number * layout.items_in_a_row
    note[layout.rows_at] = number
    return cast(Columns, _Window(columns, rows, note))


def _described(column: NDArray[Any]) -> tuple[int, ...]:
    """Return what a kernel holds of an array: no owner (the crowd keeps it alive), items, place, shape and strides."""
    return (0, 0, column.size, column.itemsize, column.ctypes.data, *column.shape, *column.strides)


register_model(CrowdType)(models.TupleModel)


@unbox(CrowdType)  # type: ignore[untyped-decorator]
def _read_note(kind: CrowdType, crowd: Any, kernel: Any) -> NativeValue:
    builder, interpreter = kernel.builder, kernel.pyapi
    number = interpreter.object_getattr_string(crowd, "_address")
    address = interpreter.long_as_voidptr(number)
    interpreter.decref(number)
    note = builder.bitcast(address, kernel.context.get_value_type(kind).as_pointer())
    arrays = [builder.load(cgutils.gep_inbounds(builder, note, 0, position)) for position in range(len(kind))]
    return NativeValue(kernel.context.make_tuple(builder, kind, arrays))
