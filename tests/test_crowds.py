"""Columns handed to kernels as one argument: the same numbers, the same arrays, nothing copied."""

from __future__ import annotations

import copy
import pickle
from typing import NamedTuple

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.crowds import shared, window


class Herd(NamedTuple):
    """A crowd of three columns."""

    weight: NDArray[np.float64]
    grown: NDArray[np.int8]
    by_season: NDArray[np.float64]


@compiled
def weigh(herd: Herd) -> tuple[float, int, float]:
    """Return the sums of the three columns, and count a day for everyone."""
    total, grown, last = 0.0, 0, 0.0
    for row in range(herd.weight.size):
        total += herd.weight[row]
        grown += herd.grown[row]
        last += herd.by_season[row, 3]
        herd.weight[row] += 1.0
    return total, grown, last


def herd(size: int = 7) -> Herd:
    """Return a herd whose sums are known."""
    columns = Herd(np.arange(float(size)), np.ones(size, dtype=np.int8), np.zeros((size, 4)))
    columns.by_season[:, 3] = np.arange(size) ** 2
    return columns


def test_a_kernel_sees_and_changes_the_same_arrays() -> None:
    plain = herd()
    crowd = shared(plain)
    assert weigh(crowd) == (21.0, 7, 91.0)
    assert crowd.weight is plain.weight
    assert weigh(crowd) == (28.0, 7, 91.0)
    assert [column is other for column, other in zip(crowd, plain, strict=True)] == [True] * 3


@pytest.mark.parametrize("rows", [slice(2, 5), slice(0, 7), slice(6, 7), slice(3, 3), slice(-2, None)])
def test_a_window_is_the_rows_and_nothing_else(rows: slice) -> None:
    whole = shared(herd())
    before = whole.weight.copy()
    cut = window(whole, rows)
    chosen = np.arange(7)[rows]
    assert weigh(cut) == (chosen.sum(), chosen.size, (chosen**2).sum())
    changed = before.copy()
    changed[rows] += 1.0
    assert (whole.weight == changed).all()
    assert weigh(window(cut, slice(1, 2)))[1] == min(1, max(chosen.size - 1, 0))


def test_a_window_cuts_columns_when_they_are_asked_for() -> None:
    whole = shared(herd())
    cut = window(whole, slice(2, 5))
    assert np.shares_memory(cut.weight, whole.weight)
    assert [column.shape for column in cut] == [(3,), (3,), (3, 4)]
    assert cut.weight is cut.weight
    with pytest.raises(AttributeError, match="wait"):
        _ = cut.wait  # type: ignore[attr-defined]
    other = pickle.loads(pickle.dumps(cut))
    assert weigh(other) == (9.0, 3, 29.0)
    assert whole.weight[2] == 2.0


@pytest.mark.parametrize("step", [2, -1])
def test_a_window_has_rows_in_succession(step: int) -> None:
    for columns in (herd(), shared(herd())):
        with pytest.raises(ValueError, match="in succession"):
            window(columns, slice(None, None, step))


@pytest.mark.parametrize("part", [slice(0, 7), slice(1, 3)])
def test_a_column_cannot_be_exchanged_behind_the_back_of_kernels(part: slice) -> None:
    crowd = shared(herd())
    for columns in (herd(), crowd, window(crowd, part)):
        with pytest.raises(AttributeError):
            columns.weight = np.zeros(7)  # type: ignore[misc]
    assert weigh(crowd)[0] == 21.0


def test_copies_have_arrays_of_their_own() -> None:
    crowd = shared(herd())
    for other in (copy.deepcopy(crowd), pickle.loads(pickle.dumps(crowd))):
        other.weight[:] = 100.0
        assert weigh(other)[0] == 700.0
        assert crowd.weight[6] == 6.0


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="plain Python passes the named tuple itself")
def test_a_kernel_knows_a_crowd_by_its_named_tuple() -> None:
    crowd = shared(herd())
    assert not isinstance(crowd, tuple)
    assert numba.typeof(crowd).instance_class is Herd
