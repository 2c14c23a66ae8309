"""Which deals the venture funds have in mind: firms they see, their number of deals, and whom they choose."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, normal, poissons, stream_key, uniform, uniforms
from kechuang.world.institutions.funds import Fund
from kechuang.world.mechanisms import venture

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

Rows = NDArray[np.int64]


class Round(NamedTuple):
    """A deal that a fund has in mind: firm, share bought, money (万元), and whether a change with a budget brings it."""

    row: int
    stage: int
    share: float
    money: float
    follow_on: bool = False
    extra: bool = False


class Seen(NamedTuple):
    """What funds see of the firms of one stage: row, identity, quality, and the draw that says to which fund they talk."""

    rows: Rows
    identity: Rows
    quality: NDArray[np.float64]
    draw: NDArray[np.float64]


class Market:
    """The firms that funds may invest in this quarter, looked at stage by stage when a fund has a deal to make."""

    def __init__(self, city: Corridor) -> None:
        self._city, self._seen = city, dict[int, Seen]()
        columns, count, deflator = city.firms.columns, city.firms.count, float(city.deflator[city.quarter])
        self._stages = venture.stages(columns, count, city.quarter, deflator, city.rules.venture)

    def at(self, stage: int) -> Seen:
        """Return the firms of a stage; quality is relative to all firms of the stage, those held by funds included."""
        if stage not in self._seen:
            self._seen[stage] = self._look(np.flatnonzero(self._stages == stage))
        return self._seen[stage]

    def _look(self, rows: Rows) -> Seen:
        city = self._city
        columns, seed, quarter = city.firms.columns, city.luck_seed, city.quarter
        identity = columns.identity[rows]
        quality = venture.quality((*venture.traits_of(columns, rows), growth_of_year(city, rows)))
        return Seen(rows, identity, quality, uniforms(stream_key(seed, quarter, int(Purpose.FUND_MEETING)), identity))


def growth_of_year(city: Corridor, rows: Rows) -> NDArray[np.float64]:
    """Return log growth of sales from the quarter a year ago to the last one known."""
    season = 4.0 * float(city.season[city.position])
    return venture.growth_of_year(city.firms.columns, rows, city.position, season)


def plan_rounds(city: Corridor, fund: Fund, market: Market, money: float) -> list[Round]:
    """Return the deals of a fund in their order, second rounds first, cut where its money runs out."""
    deals: list[Round] = []
    for deal in [*second_rounds(city, fund), *first_rounds(city, fund, market, money)]:
        paid = min(deal.money, money)
        if paid > 0.0 and paid >= venture.SMALLEST_ROUND * deal.money:
            deals.append(deal._replace(money=float(paid), share=float(deal.share * (paid / deal.money))))
            money -= paid
    return deals


def second_rounds(city: Corridor, fund: Fund) -> list[Round]:
    """Return second rounds in firms that grew: at most one each, within eight quarters of the first."""
    columns, p = city.firms.columns, city.rules.venture
    rows = np.flatnonzero(columns.fund[: city.firms.count] == fund.row + 1)
    rows = rows[growth_of_year(city, rows) > 0.0]
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.FUND_FOLLOW_ON))
    chance = venture.quarterly_chance(p.follow_on, venture.QUARTERS_OF_FOLLOW_ON)
    deals = []
    for row, firm in zip(rows.tolist(), columns.identity[rows].tolist(), strict=True):
        stakes = city.funds.held_in(firm)
        recent = city.quarter - stakes[0].quarter <= venture.QUARTERS_OF_FOLLOW_ON
        if len(stakes) == 1 and recent and uniform(key, firm) < chance:
            stage = stakes[0].stage
            share = venture.added_share(float(columns.fund_share[row]), float(p.equity_share[stage]))
            deals.append(Round(row, stage, share, _ticket(city, row, stage), True, stakes[0].extra))
    return deals


def first_rounds(city: Corridor, fund: Fund, market: Market, money: float) -> list[Round]:
    """Return new deals of a fund by stage: as many as its luck and money allow, in the best firms it talks to.

    The same draw gives the number of deals with all money, with money open to every firm, and without changes that
    have a budget. Deals beyond the second number are earmarked, those beyond the third come from such a change.
    """
    finance, p, quarter = city.policy.finance, city.rules.venture, city.quarter
    mean = venture.expected_deals(max(money, 0.0), city.policy.price(quarter, city.deflator), p)
    key = stream_key(city.luck_seed, quarter, int(Purpose.FUND_DEALS))
    identity = len(venture.STAGES) * fund.row + np.arange(len(venture.STAGES))
    open_share = finance.fund_open[quarter] / max(finance.fund_total[quarter], 1e-9)
    unlimited = finance.budgets["guidance_fund"].yearly is None
    usual_share = 1.0 if unlimited else min(1.0, fund.unchanged / max(money, 1e-9))
    numbers = [poissons(key, identity, share * mean) for share in (1.0, open_share, usual_share)]
    deals = []
    for stage, (number, free, usual) in enumerate(zip(*numbers, strict=True)):
        chosen = choose(city, market, fund.row, stage, int(free), int(number))
        for position, row in enumerate(chosen):
            money_of_deal, share = _ticket(city, row, stage), float(p.equity_share[stage])
            deals.append(Round(row, stage, share, money_of_deal, extra=bool(position >= usual)))
    return deals


def choose(city: Corridor, market: Market, fund: int, stage: int, free: int, number: int) -> list[int]:
    """Return the rows of the firms chosen: `free` among all that the fund talks to, the rest among earmarked cells.

    No fund chooses a firm that a fund has ever held.
    """
    if number <= 0:
        return []
    columns, p, seen = city.firms.columns, city.rules.venture, market.at(stage)
    inside = venture.meets(seen.draw, venture.part_of(fund, p))
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.FUND_CHOICE))
    score = venture.scores_of(seen.quality, seen.identity, inside, venture.weight_of_quality(fund, p), key)
    wanted = free + len(city.funds.stakes) if number <= free else score.size  # as many stakes, so many may be known already
    order = inside[venture.best(score, seen.identity[inside], wanted)]
    ranked = (int(seen.rows[k]) for k in order if not city.funds.ever_held(int(seen.identity[k])))
    chosen = list(islice(ranked, free))
    if number > free:
        left = np.array(list(ranked), dtype=np.int64)
        cells = city.policy.finance.earmarked(city.quarter)
        fits = cells[columns.place[left], columns.industry[left], columns.ladder[left]]
        chosen += left[fits][: number - free].tolist()
    return chosen


def _ticket(city: Corridor, row: int, stage: int) -> float:
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.FUND_TICKET))
    price = city.policy.price(city.quarter, city.deflator)
    return venture.ticket_of(stage, price, normal(key, int(city.firms.columns.identity[row])), city.rules.venture)
