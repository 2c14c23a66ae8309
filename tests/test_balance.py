"""Balance sheet and flow matrix: what every sector owns and owes, and that nothing is left over."""

from __future__ import annotations

import numpy as np
import pytest

from kechuang.parameters import prior_draw
from kechuang.world.books.balance import CLOSED, FLOWS_OF_DEPOSITS
from kechuang.world.books.ledger import SECTORS
from kechuang.world.model import Corridor
from worlds import LIMIT, city_of, scenario_of

LEVERS = {
    "guarantee_coverage": {"capital": {"value": 5, "from": "2017Q1"}},
    "guidance_fund": {"value": 40, "from": "2017Q1"},
    "certification_bonus": {"value": 50, "from": "2017Q1"},
}


def cities() -> list[Corridor]:
    """Return three cities of other parameters, one of them with levers that cost much."""
    plans = (scenario_of(), scenario_of(levers=LEVERS), scenario_of(law="known"))
    return [city_of(plan, prior_draw(k, 7), seed=k) for k, plan in enumerate(plans)]


@pytest.mark.parametrize("number", range(3))
def test_rows_and_columns_sum_to_zero_every_quarter(number: int) -> None:
    city = cities()[number]
    for _ in range(12):
        city.step()
        flows, sheet = city.flow_matrix(), city.balance_sheet()
        gross = city.ledger.gross()
        assert list(flows.columns) == list(sheet.columns) == list(SECTORS)
        assert np.abs(flows.sum(axis=0)).max() < LIMIT * gross
        assert np.abs(flows.sum(axis=1)).max() < LIMIT * gross
        stocks = sheet.drop(index=["fixed capital", "net worth"])
        assert np.abs(stocks.sum(axis=1)).max() < LIMIT * float(np.abs(sheet.to_numpy()).sum())
        assert np.abs(sheet.loc["net worth", list(CLOSED)]).max() < LIMIT * float(np.abs(sheet.to_numpy()).sum())
        assert sheet.loc["net worth"].sum() == pytest.approx(-sheet.loc["fixed capital"].sum())


def test_a_book_that_lies_is_seen_in_its_column_and_row() -> None:
    """A bank that writes 5万元 of capital too much owns less than it owes; deposits out of nothing have no source."""
    city = city_of(scale=0.03).run(5)
    city.banks.columns.capital[-1] += 5.0
    assert city.balance_sheet().loc["net worth", "other banks"] == pytest.approx(5.0)
    city.household_deposits += 7.0
    flows = city.flow_matrix()
    assert flows["households"].sum() == pytest.approx(-7.0)
    assert flows["other banks"].sum() == pytest.approx(0.0, abs=1e-6)


def test_changes_of_deposits_are_uses_of_holders_and_sources_of_banks() -> None:
    city = city_of(scale=0.03).run(6)
    flows = city.flow_matrix()
    change, placed = (flows.loc[name] for name in FLOWS_OF_DEPOSITS)
    held = city.deposits()["households"] - city.ledger.opening["households"]
    assert change["households"] == pytest.approx(-held)
    assert change.sum() == pytest.approx(0.0, abs=1e-6)
    assert placed["outside"] == pytest.approx(change["other banks"])


def test_debt_of_the_city_is_owed_to_the_outside() -> None:
    city = city_of(scenario_of("2022Q4", levers=LEVERS, support_ceiling="none")).run()
    sheet = city.balance_sheet()
    assert city.government.debt > 0.0
    assert sheet.loc["debt of the city", "government"] == -city.government.debt
    assert sheet.loc["debt of the city", "outside"] == city.government.debt
    assert sheet.loc["capital of the city's funds", "government"] == pytest.approx(
        city.guarantee_fund.capital + city.compensation.left
    )
