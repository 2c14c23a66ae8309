"""The venture funds of the city: what each may call, has called and holds, and one row for every stake ever taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import mesa
import numpy as np
from numpy.typing import NDArray

from kechuang.units import wan_from_yi
from kechuang.world.mechanisms.venture import CLOSURE, FUNDS, STAGES, SUCCESSES
from kechuang.world.population.firms import FirmColumns

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.world.model import Corridor

FLOWS_OF_A_FUND = {"calls": 1, "dividends": 1, "proceeds": 1, "deals": -1, "fees": -1, "distributions": -1}
"""Money that moves the account of a fund, and in which direction."""


@dataclass
class Stake:
    """One deal: who bought how much of which firm, and how it ended; money in 万元, exit quarter -1 while held.

    `extra` says that a change of the scenario with a budget brought the deal.
    """

    firm: int
    fund: int
    stage: int
    quarter: int
    cost: float
    share: float
    follow_on: bool = False
    extra: bool = False
    exit_quarter: int = -1
    route: str = ""
    proceeds: float = 0.0

    @property
    def held(self) -> bool:
        """Whether the fund still holds the stake."""
        return self.exit_quarter < 0


class Fund(mesa.Agent):  # type: ignore[misc]
    """One fund (or group of funds of one kind): commitments, calls and account, money in 万元.

    `committed` is the callable part of its announced size and `recycled` what proceeds added to it. `unchanged` is what
    could still be called without changes of the scenario that have a budget.
    """

    def __init__(self, model: Corridor, row: int) -> None:
        super().__init__(model)
        self.row, self.name = row, FUNDS[row]
        self.committed = self.unchanged = self.recycled = self.called = 0.0
        self.paid_by_city = self.paid_by_others = 0.0
        self.deposits = self.opening = self._settled = 0.0
        self.flows = dict.fromkeys(FLOWS_OF_A_FUND, 0.0)

    @property
    def callable(self) -> float:
        """All that partners have to pay in over time."""
        return self.committed + self.recycled

    @property
    def dry_powder(self) -> float:
        """What the fund may still call."""
        return max(0.0, self.callable - self.called)

    def commit(self, amount: float, unchanged: float) -> None:
        """Let partners commit more; a cut cannot take back what has been called."""
        self.committed = max(self.committed + amount, self.called - self.recycled, 0.0)
        self.unchanged = max(self.unchanged + unchanged, 0.0)

    def recycle(self, amount: float, *, extra: float) -> None:
        """Let partners commit proceeds again, `extra` of them from deals that a change with a budget brought."""
        self.recycled += amount
        self.unchanged += amount - extra

    def open_quarter(self) -> None:
        """Begin the records of a quarter with what the last distribution left, not with what the account says."""
        self.opening = self._settled
        self.flows = dict.fromkeys(FLOWS_OF_A_FUND, 0.0)

    def move(self, flow: str, amount: float) -> None:
        """Move money in or out of the account under the name of a flow."""
        self.flows[flow] += amount
        self.deposits += FLOWS_OF_A_FUND[flow] * amount

    def call(self, by_city: float, by_others: float, *, extra: bool = False) -> None:
        """Call money from the partners."""
        self.called += by_city + by_others
        self.unchanged -= 0.0 if extra else min(by_city + by_others, self.unchanged)
        self.paid_by_city += by_city
        self.paid_by_others += by_others
        self.move("calls", by_city + by_others)

    def distribute(self) -> tuple[float, float]:
        """Pay out the whole account in proportion to what partners paid in; return the parts of city and others."""
        amount = max(self.deposits, 0.0)
        by_city = amount * self.paid_by_city / max(self.paid_by_city + self.paid_by_others, 1e-9)
        self.move("distributions", amount)
        self._settled = self.deposits
        return by_city, amount - by_city

    def __repr__(self) -> str:
        return f"Fund({self.name}, called={self.called / 1e4:.1f}亿元 of {self.callable / 1e4:.1f})"


class Funds:
    """All funds of the city and the stakes they took."""

    def __init__(self, model: Corridor) -> None:
        self.agents = [Fund(model, row) for row in range(len(FUNDS))]
        self.stakes: list[Stake] = []
        self.deals = 0
        self._held: dict[int, list[Stake]] = {}
        self._ever_held: set[int] = set()
        self._begun, self._left, self._successes = [0] * len(STAGES), 0, 0
        self._model = model
        self._commit(0)

    def __iter__(self) -> Iterator[Fund]:
        """Iterate over the funds."""
        return iter(self.agents)

    def open_quarter(self, quarter: int) -> None:
        """Begin the records of a quarter and take up new commitments."""
        self.deals = 0
        for fund in self:
            fund.open_quarter()
        self._commit(quarter)

    def _commit(self, quarter: int) -> None:
        """Split what the announced size grew by among the funds, at the prices of the quarter."""
        model, finance, p = self._model, self._model.policy.finance, self._model.rules.venture
        unit = model.scale * wan_from_yi(1.0) * model.policy.price(quarter, model.deflator)

        def grown(path: NDArray[np.float64]) -> float:
            return unit * p.callable_share * float(path[quarter] - (path[quarter - 1] if quarter else 0.0))

        more, unchanged = grown(finance.fund_total), grown(finance.unchanged_fund_total)
        for fund in self:
            fund.commit(p.fund_shares[fund.row] * more, p.fund_shares[fund.row] * unchanged)

    def deposits(self) -> float:
        """Return what the funds hold together."""
        return float(sum(fund.deposits for fund in self))

    def dry_powder(self) -> float:
        """Return what the funds may still call together."""
        return float(sum(fund.dry_powder for fund in self))

    def city_part(self) -> float:
        """Return the city's part of what partners have paid in (0 before the first call)."""
        city = sum(fund.paid_by_city for fund in self)
        return float(city / max(city + sum(fund.paid_by_others for fund in self), 1e-9))

    def called(self) -> float:
        """Return what the funds have called together."""
        return float(sum(fund.called for fund in self))

    # Stakes -------------------------------------------------------------------------------------------------------

    def take(self, stake: Stake, columns: FirmColumns, row: int) -> None:
        """Add a stake in the firm of a row."""
        self.stakes.append(stake)
        self._ever_held.add(stake.firm)
        self._begun[stake.stage] += not stake.follow_on
        self._held.setdefault(stake.firm, []).append(stake)
        columns.fund[row] = stake.fund + 1
        columns.fund_share[row] += stake.share
        self.deals += 1

    def held_in(self, firm: int) -> list[Stake]:
        """Return the stakes held in a firm, the first one first."""
        return self._held.get(firm, [])

    def leave(self, columns: FirmColumns, row: int, quarter: int, route: str, multiple: float) -> list[Stake]:
        """End the stakes in the firm of a row at a multiple of their cost and return them."""
        ended = self._held.pop(int(columns.identity[row]), [])
        for stake in ended:
            stake.exit_quarter, stake.route, stake.proceeds = quarter, route, multiple * stake.cost
            self._left += not stake.follow_on
            self._successes += not stake.follow_on and route in SUCCESSES
        columns.fund[row], columns.fund_share[row] = 0, 0.0
        return ended

    def write_off(self, columns: FirmColumns, rows: NDArray[np.int64], quarter: int) -> None:
        """End the stakes in firms that have closed; nothing is left for owners of equity."""
        for row in rows[columns.fund[rows] > 0]:
            self.leave(columns, int(row), quarter, CLOSURE, 0.0)

    def ever_held(self, firm: int) -> bool:
        """Say whether a fund has ever invested in a firm."""
        return firm in self._ever_held

    def projects(self, stage: int | None = None) -> int:
        """Return the number of firms in which a fund has ever invested, of one stage at the first deal if asked."""
        return sum(self._begun) if stage is None else self._begun[stage]

    def exits(self, *, successes: bool = False) -> int:
        """Return the number of firms that funds have left, by listing or sale only if asked."""
        return self._successes if successes else self._left

    def invested(self) -> float:
        """Return the cost of all stakes held."""
        return float(sum(stake.cost for stakes in self._held.values() for stake in stakes))

    def invested_by(self) -> list[float]:
        """Return the cost of the stakes that each fund holds."""
        cost = [0.0] * len(self.agents)
        for stakes in self._held.values():
            for stake in stakes:
                cost[stake.fund] += stake.cost
        return cost

    def frame(self) -> pd.DataFrame:
        """Return all stakes as a data frame, one row a deal, with the names of fund and stage."""
        import pandas as pd

        table = pd.DataFrame([asdict(stake) for stake in self.stakes], columns=[field.name for field in fields(Stake)])
        return table.assign(
            fund=[FUNDS[stake.fund] for stake in self.stakes], stage=[STAGES[stake.stage] for stake in self.stakes]
        )
