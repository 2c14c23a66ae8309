"""Firms as columns: growth keeps values, rows keep their order, identities are never used again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kechuang.parameters import default_draw
from kechuang.world.measure.headcount import headcount
from kechuang.world.mechanisms.credit import SCIENCE_BANK
from kechuang.world.model import Corridor
from kechuang.world.population.firms import (
    COLUMN_MEANING,
    NO_CERTIFICATE,
    CellCounts,
    FirmColumns,
    Firms,
    arrays,
    count_cells,
)
from worlds import city_of, firms_of, scenario_of


def filled(number: int) -> Firms:
    """Return firms whose every column holds its own recognisable numbers."""
    firms = Firms(capacity=4)
    rows = firms.add(number)
    for k, column in enumerate(arrays(firms.columns)):
        values = (np.arange(number) * 3 + k) % 100
        column[rows] = values[:, None] if column.ndim == 2 else values
    firms.columns.alive[rows] = 1
    firms.columns.identity[rows] = 1000 + np.arange(number)
    return firms


def copied(firms: Firms) -> dict[str, np.ndarray]:
    return {
        name: column[: firms.count].copy()
        for name, column in zip(FirmColumns._fields, arrays(firms.columns), strict=True)
    }


def test_growth_keeps_every_value() -> None:
    firms = filled(7)
    before = copied(firms)
    firms.add(500)
    assert firms.count == 507
    assert firms.capacity >= 507
    for name, values in before.items():
        assert np.array_equal(getattr(firms.columns, name)[:7], values), name


def test_capacity_grows_by_half_at_least() -> None:
    firms = Firms(capacity=100)
    firms.add(100)
    firms.add(1)
    assert firms.capacity == 150
    firms.reserve(9)
    assert firms.capacity == 150, "there is room already"


def test_new_rows_are_alive_without_certificate_and_zero_elsewhere() -> None:
    firms = filled(6)
    firms.columns.alive[2:5] = 0
    firms.compact()
    rows = firms.add(3)  # on top of what the compaction left behind
    for name, column in zip(FirmColumns._fields, arrays(firms.columns), strict=True):
        unset = dict.fromkeys(("certified", "refused", "tenant_since"), NO_CERTIFICATE)
        expected = {"alive": 1, "second_bank": -1, **unset}.get(name, 0)
        assert (column[rows] == expected).all(), name


def test_compaction_keeps_order_and_values() -> None:
    firms = filled(50)
    firms.columns.alive[[0, 3, 4, 20, 49]] = 0
    living = firms.columns.alive[:50] == 1
    before = {name: values[living] for name, values in copied(firms).items()}
    firms.compact()
    assert firms.count == len(firms) == 45
    for name, values in before.items():
        assert np.array_equal(getattr(firms.columns, name)[:45], values), name


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 1)), min_size=1, max_size=12))
def test_any_order_of_births_deaths_and_compactions_loses_nobody(steps: list[tuple[int, float]]) -> None:
    """A dictionary keeps the same book by hand."""
    firms, book, next_identity = Firms(capacity=2), {}, 0
    for births, share in steps:
        rows = firms.add(births)
        identity = np.arange(next_identity, next_identity + births)
        firms.columns.identity[rows] = identity
        firms.columns.sales[rows] = identity * 1.5
        book.update({int(one): one * 1.5 for one in identity})
        next_identity += births
        dying = [one for one in book if one % 7 < 7 * share * 0.5]
        held = np.isin(firms.columns.identity[: firms.count], dying)
        firms.columns.alive[: firms.count][held] = 0
        for one in dying:
            del book[one]
        if share > 0.4:
            firms.compact()
    alive = firms.columns.alive[: firms.count] == 1
    columns = firms.columns
    found = dict(zip(columns.identity[: firms.count][alive].tolist(), columns.sales[: firms.count][alive], strict=True))
    assert found == book
    assert list(found) == sorted(found)
    assert len(firms) == len(book)


def test_a_view_reads_and_writes_one_firm() -> None:
    firms = firms_of(3, sales=[100.0, 200.0, 300.0], industry=[1, 2, 3])
    firm = firms[1]
    assert (firm.sales, firm.industry, firm.ladder) == (200.0, 2, 0)
    firm.sales = 250.0
    firm.ladder = 2
    assert list(firms.columns.sales[:3]) == [100.0, 250.0, 300.0]
    assert list(firms.columns.ladder[:3]) == [0, 2, 0]
    assert firms[-1].sales == 300.0
    assert repr(firm) == "Firm(identity=1, industry=2, place=0, ladder=2, annual sales=1000万元)"


def test_an_unknown_column_is_named_with_those_that_exist() -> None:
    firm = firms_of(1)[0]
    with pytest.raises(AttributeError, match=r"a firm has no column 'revenue'; it has identity, .*sales"):
        _ = firm.revenue
    with pytest.raises(AttributeError, match="a firm has no column 'revenue'"):
        firm.revenue = 3.0


@pytest.mark.parametrize("row", [3, -4, 1000])
def test_rows_outside_are_refused(row: int) -> None:
    with pytest.raises(IndexError, match=f"row {row} of 3"):
        firms_of(3)[row]


def test_a_view_of_rows_shares_their_memory() -> None:
    firms = filled(10)
    view = firms.view(slice(4, 8))
    view.sales[:] = -1.0
    view.sales_year[:, 2] = 9.0
    assert (firms.columns.sales[4:8] == -1.0).all()
    assert (firms.columns.sales_year[4:8, 2] == 9.0).all()
    assert firms.columns.sales[3] != -1.0
    assert firms.columns.sales[8] != -1.0


def test_frame_shows_the_living_with_all_columns() -> None:
    firms = filled(5)
    firms.columns.alive[1] = 0
    frame = firms.frame()
    assert list(frame.columns) == list(FirmColumns._fields)
    assert frame["identity"].tolist() == [1000, 1002, 1003, 1004]
    assert frame["sales"].tolist() == firms.columns.sales[[0, 2, 3, 4]].tolist()
    assert frame["sales_year"].tolist() == firms.columns.sales_year[[0, 2, 3, 4]].sum(axis=1).tolist()
    frame.loc[:, "sales"] = 0.0
    assert firms.columns.sales[0] != 0.0, "a frame is a copy"


def test_counts_by_cell_against_a_table() -> None:
    n = 600
    firms = firms_of(
        n,
        place=np.arange(n) % 13,
        industry=np.arange(n) % 8,
        ladder=np.arange(n) % 4,
        certified=np.where(np.arange(n) % 3 == 0, -4, NO_CERTIFICATE),
        does_research=np.arange(n) % 2,
        alive=np.arange(n) % 5 > 0,
    )
    frame = firms.frame()
    chosen = CellCounts(
        everyone=frame,
        listed=frame[frame.ladder >= 1],
        certified=frame[frame.certified > NO_CERTIFICATE],
        doers=frame[frame.does_research == 1],
    )
    counts = CellCounts(*count_cells(firms.columns, n, 13, 8))
    for sort, rows in chosen._asdict().items():
        table = np.zeros((13, 8))
        np.add.at(table, (rows.place, rows.industry), 1)
        assert np.array_equal(getattr(counts, sort), table), sort


# Over a run -----------------------------------------------------------------------------------------------------------


def test_an_identity_is_never_used_again() -> None:
    """Every quarter to 2035: living firms have different identities, and none comes back after it has gone."""
    seen: set[int] = set()
    alive: set[int] = set()

    def look(city: Corridor) -> None:
        nonlocal alive
        count = city.firms.count
        now = city.firms.columns.identity[:count][city.firms.columns.alive[:count] == 1].tolist()
        assert len(set(now)) == len(now)
        born = set(now) - alive
        assert not born & seen
        seen.update(born)
        alive = set(now)

    city = city_of(scenario_of("2035Q4"), default_draw("B"), seed=5, events={"closing": [look]}).run()
    assert len(seen) > len(city.firms) > 500


def test_the_january_compaction_of_a_run_changes_no_firm() -> None:
    """Traits and stocks of every living firm are the same before and after; rows of the dead are gone."""
    city = city_of(scenario_of("2018Q2"), default_draw("B"), seed=5).run(8)
    kept = [name for name in FirmColumns._fields if name != "above_scale"]  # set anew each January
    columns, count = city.firms.columns, city.firms.count
    living = columns.alive[:count] == 1
    assert (~living).sum() > 5
    before = {name: getattr(columns, name)[:count][living].copy() for name in kept}

    def compare(now: Corridor) -> None:
        assert now.firms.count == living.sum()
        for name, values in before.items():
            assert np.array_equal(getattr(now.firms.columns, name)[: values.shape[0]], values), name

    city.own_events["opening"] = [compare]
    city.step()


def test_meanings_name_every_column_once() -> None:
    assert list(COLUMN_MEANING) == list(FirmColumns._fields)


def test_firms_are_counted_by_sort() -> None:
    """Against the columns themselves, where every sort has some firms and no two sorts are the same firms."""
    city = city_of(scenario_of("2018Q4"), default_draw("B"), scale=0.1).run()
    columns, count = city.firms.columns, city.firms.count
    alive = columns.alive[:count] == 1
    science = city.banks.columns.kind[columns.main_bank[:count]] == SCIENCE_BANK
    certified, listed = columns.certified[:count] > NO_CERTIFICATE, columns.ladder[:count] > 0
    sorts = {
        "living": alive,
        "certified": certified,
        "inside": certified & city.in_corridor[columns.place[:count]],
        "listed": listed,
        "leading": columns.ladder[:count] == 3,
        "above_scale": columns.above_scale[:count] == 1,
        "users": columns.platform_user[:count] == 1,
        "second_banks": columns.second_bank[:count] >= 0,
        "at_science_banks": listed & science,
    }
    assert headcount(city)._asdict() == {name: int((rows & alive).sum()) for name, rows in sorts.items()}
    assert not alive.all()
    assert len(set(headcount(city))) == len(sorts)


def test_rows_that_the_dead_left_are_clean_for_newcomers() -> None:
    firms = filled(9)
    firms.columns.alive[[1, 4, 5]] = 0
    firms.compact()
    fresh = Firms(capacity=4)
    new, reference = firms.view(firms.add(3)), fresh.view(fresh.add(3))
    for name, column, expected in zip(FirmColumns._fields, new, reference, strict=True):
        assert np.array_equal(column, expected), name
