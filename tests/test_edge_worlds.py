"""Worlds at the edge, audited to 2035Q4: no talent comes, one firm, no platforms, one place. Economics says what each must show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kechuang.parameters import default_draw
from kechuang.world import model as world_model
from kechuang.world.indicators import POSITION
from kechuang.world.model import Corridor
from worlds import LIMIT, city_of, scenario_of

NO_PLATFORMS = {
    "research_carriers": {"level": 0, "from": "2016Q1", "enclaves": 0},
    "innovation_voucher": {"level": 0, "from": "2016Q1"},
}
ONE_FIRM = {
    **dict.fromkeys(("registry_total", "registry_listed_high_tech", "direct_high_tech"), 0.0),
    **dict.fromkeys(("external_registration", "registration_imitation", "crossing_rate", "exit_hazard_scale"), 0.0),
    "above_scale_firms": 50.0,
    "default_rate": 1e-12,
    "spin_off_hazard": 0.0,
    "research_participation_base": 20.0,
}


def ran(scale: float = 0.03, levers: dict[str, Any] | None = None, until: str = "2035Q4", **values: Any) -> Corridor:
    """Return an audited city at the end of a run with some parameters of its own."""
    scenario = scenario_of(until, levers=levers or {})
    return city_of(scenario, default_draw("B").with_values(**values), audit=True, scale=scale).run()


def last(city: Corridor, key: str) -> float:
    return float(city.indicators[-1, POSITION[key]])


@pytest.fixture(scope="module")
def usual() -> Corridor:
    return ran()


def test_where_no_talent_comes_research_ends_up_with_what_staff_is_left(usual: Corridor) -> None:
    """People leave at 5 to 8 % a year and nobody follows: after twenty years a third is left, and R&D is cut.

    It is not cut to a third: certified firms buy outside what their threshold asks, and small firms have somebody who does R&D
    beside other work. Output hardly feels it: demand is given, and R&D moves productivity by a tenth of its log.
    """
    closed = ran(talent_inflow=[0.0, 0.0, 0.0, 0.0])
    assert (np.diff(closed.indicators[:, POSITION["talent_total"]]) <= 0.0).all()
    assert last(closed, "talent_total") < 0.4 * closed.indicators[0, POSITION["talent_total"]]
    assert last(closed, "rd_unstaffed_share") > 20.0
    assert last(closed, "rd_real") < 0.8 * last(usual, "rd_real")
    assert last(closed, "wage_researcher") > last(usual, "wage_researcher")
    assert last(closed, "gdp") == pytest.approx(last(usual, "gdp"), rel=0.05)


def test_one_firm_keeps_its_books_and_borrows_no_knowledge() -> None:
    alone = ran(scale=0.02, **ONE_FIRM)
    assert len(alone.firms) == 1
    assert alone.firms.columns.research_staff[0] == alone.labour.census.employed.sum() > 0
    assert alone.indicators[:, POSITION["ledger_residual"]].max() < LIMIT
    assert last(alone, "talent_researchers") < last(ran(scale=0.02), "talent_researchers")


def test_without_platforms_nobody_signs_and_firms_learn_from_each_other_only(usual: Corridor) -> None:
    bare = ran(levers=NO_PLATFORMS, carriers_2015=0.0)
    assert last(bare, "carriers") == last(bare, "carrier_contracts") == last(bare, "technology_turnover") == 0.0
    assert last(bare, "lever_cost_cash") < last(usual, "lever_cost_cash")
    columns, count = bare.firms.columns, bare.firms.count
    boosted = columns.pool_boost[:count] > 0.0
    joint = columns.project_ends[:count] > bare.quarter
    assert not (boosted & ~joint).any() or bare.labour.projects > 0  # joint projects and academicians are no platforms
    assert last(bare, "gdp") == pytest.approx(last(usual, "gdp"), rel=0.05)


@pytest.mark.parametrize("open_place", [0, 8], ids=["central_core", "wenling"])
def test_with_all_places_but_one_closed_everything_stands_in_it(
    open_place: int, usual: Corridor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Firms, cells, carriers and staff are in one place; nobody is far from anybody, so pools of knowledge are larger."""

    def one_place(city: Any, inside: float) -> np.ndarray:
        share = np.zeros(len(city.places))
        share[open_place] = 1.0
        return share

    monkeypatch.setattr(world_model.initial, "place_shares", one_place)
    city = ran()
    columns, count = city.firms.columns, city.firms.count
    assert set(columns.place[:count].tolist()) == {open_place}
    assert set(np.flatnonzero(city.reservoir.units.sum(axis=1)).tolist()) == {open_place}
    assert last(city, "corridor_high_tech_share") == (100.0 if open_place == 0 else 0.0)
    per_firm = [
        now.mean_pool / float((now.firms.columns.knowledge[: now.firms.count] * now.firms.columns.alive[: now.firms.count]).sum())
        for now in (city, usual)
    ]
    assert per_firm[0] > 1.5 * per_firm[1]
    assert last(city, "high_tech_firms") > 0.5 * last(usual, "high_tech_firms")
    assert city.indicators[:, POSITION["ledger_residual"]].max() < LIMIT
