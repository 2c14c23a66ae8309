"""M8b Venture funds: how many deals, which firms, what share of them, and how a fund leaves.

    deals of a quarter ~ Poisson(nu x dry powder / (mean ticket x quarters of deployment)), by stage with the stage mix
    stage: early   on the list, young, small;  growth  on the list, medium-sized;  late  on the list or above-scale, large
    choice: the firms with the highest  w z + Gumbel noise;  z standardised (productivity, margin, ln(1 + patents), step, growth)
            w (1 - aversion) for government-led funds, which good firms avoid
    share bought = ticket over value of the firm after the deal;  a second round adds share x (1 - share held)
    leaving after three years: listing, sale, write-off at yearly rates; what is left after the life of a fund is bought back
Money in 万元. Sources: Laine and Torstila 2004 (routes out of venture funds), Cao and others 2021 (funds of governments leave
less often); rates, tickets and multiples in calibration/parameters.yaml. Equity has no effect on growth of its own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.randomness import uniform
from kechuang.world.population.firms import FirmColumns

Numbers = NDArray[np.float64]
FUNDS = ("innovation fund", "talent fund", "guidance funds", "market-led funds")
MARKET_LED = 3
"""Position of the funds that the government does not lead."""
STAGES = ("early", "growth", "late")
NO_STAGE = -1
ROUTES = ("listing", "sale", "write-off")
BUYBACK, CLOSURE = "term", "closure"
"""Ways out that are no decision: the life of the fund is over, or the firm has closed."""
SUCCESSES = ("listing", "sale")
QUARTERS_TO_EXIT = 12
QUARTERS_OF_FOLLOW_ON = 8
SMALLEST_ROUND = 0.1
"""Share of its ticket that a fund puts into a firm at least when its money runs out."""


class VentureParameters(NamedTuple):
    """Money in 万元, exit rates per year; lists run over stages, routes or funds."""

    intensity: float
    callable_share: float
    ticket: Numbers
    ticket_sd: float
    stage_mix: Numbers
    stage_bounds: Numbers
    early_age: float
    equity_share: Numbers
    deployment_quarters: float
    follow_on: float
    exit_rates: Numbers
    government_exit_ratio: float
    multiple: Numbers
    multiple_sd: float
    recycling: float
    life_quarters: float
    fee: float
    fund_shares: Numbers
    quality_weight: float
    state_aversion: float

    @classmethod
    def of(cls, draw: Draw) -> VentureParameters:
        """Take the record from a draw."""
        sizes = np.array(draw.vector("fund_sizes"))
        return cls(
            draw.number("fund_deal_intensity"),
            draw.number("fund_callable_share"),
            np.array(draw.vector("fund_ticket")),
            draw.number("fund_ticket_sd"),
            np.array(draw.vector("fund_stage_mix")),
            np.array(draw.vector("fund_stage_bounds")),
            draw.number("fund_early_age"),
            np.array(draw.vector("fund_equity_share")),
            draw.number("fund_deployment_quarters"),
            draw.number("fund_follow_on"),
            draw.number("fund_exit_scale") * np.array(draw.vector("fund_exit_hazard")),
            draw.number("government_fund_exit_ratio"),
            np.array(draw.vector("fund_exit_multiple")),
            draw.number("fund_exit_multiple_sd"),
            draw.number("fund_recycling"),
            4.0 * draw.number("fund_life"),
            draw.number("fund_fee"),
            sizes / max(float(sizes.sum()), 1e-9),
            draw.number("fund_quality_weight"),
            draw.number("fund_state_aversion"),
        )


def expected_deals(dry_powder: float, price: float, p: VentureParameters) -> Numbers:
    """Return the expected number of new deals of a fund in a quarter by stage."""
    mean_ticket = price * float(p.stage_mix @ p.ticket)
    return np.asarray(p.intensity * dry_powder / (mean_ticket * p.deployment_quarters) * p.stage_mix)


@compiled
def stage_of(
    annual: float, age_years: float, listed: bool, above_scale: bool, early_age: float, small: float, large: float
) -> int:
    """Return the stage of a firm with these yearly sales at the prices of the bounds; -1 where no fund invests."""
    if annual > large:
        return 2 if listed or above_scale else NO_STAGE
    if not listed:
        return NO_STAGE
    if annual >= small:
        return 1
    return 0 if age_years < early_age else NO_STAGE


@compiled
def _stages(
    firms: FirmColumns, count: int, quarter: int, deflator: float, early_age: float, small: float, large: float
) -> NDArray[np.int8]:
    """Return the stage of every row under bounds given as numbers."""
    found = np.full(count, NO_STAGE, dtype=np.int8)
    for i in range(count):
        if firms.alive[i] == 1:
            annual, age = 4.0 * firms.sales[i] / deflator, 0.25 * (quarter - firms.born[i])
            listed, above = firms.ladder[i] > 0, firms.above_scale[i] == 1
            found[i] = stage_of(annual, age, listed, above, early_age, small, large)
    return found


def stages(
    firms: FirmColumns, count: int, quarter: int, deflator: float, p: VentureParameters
) -> NDArray[np.int8]:
    """Return the stage of every row, -1 for firms in which no fund invests."""
    small, large = p.stage_bounds
    return np.asarray(_stages(firms, count, quarter, deflator, p.early_age, small, large))


@compiled
def growth_of_year(firms: FirmColumns, rows: NDArray[np.int64], position: int, season: float) -> Numbers:
    """Return log growth of sales over those of the quarter a year ago, 0 where either is nothing.

    `position` is that of the quarter in its year, `season` four times its weight.
    """
    growth = np.zeros(rows.size)
    for k in range(rows.size):
        before = firms.sales_year[rows[k], position] / season
        if before > 0.0 and firms.sales[rows[k]] > 0.0:
            growth[k] = math.log(firms.sales[rows[k]] / before)
    return growth


@compiled
def traits_of(firms: FirmColumns, rows: NDArray[np.int64]) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return what funds look at beside growth: productivity, margin, log of patents, and step of the ladder."""
    size = rows.size
    productivity, margin, patents, step = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    for k in range(size):
        i = rows[k]
        productivity[k], margin[k] = firms.productivity[i], firms.margin[i]
        patents[k], step[k] = math.log1p(firms.patents[i]), firms.ladder[i]
    return productivity, margin, patents, step


@compiled
def add_standardised(values: Numbers, total: Numbers) -> None:
    """Add values as deviations from their mean in standard deviations; nothing where they do not differ."""
    size, mean, square = values.size, 0.0, 0.0
    for i in range(size):
        mean += values[i]
    mean /= max(size, 1)
    for i in range(size):
        square += (values[i] - mean) ** 2
    if square > 0.0:
        spread = math.sqrt(square / size)
        for i in range(size):
            total[i] += (values[i] - mean) / spread


def quality(traits: tuple[Numbers, ...]) -> Numbers:
    """Return the quality of firms: the standardised sum of their standardised traits."""
    total, standing = np.zeros(traits[0].size), np.zeros(traits[0].size)
    for trait in traits:
        add_standardised(trait, total)
    add_standardised(total, standing)
    return standing


def weight_of_quality(fund: int, p: VentureParameters) -> float:
    """Return the weight of quality in the choice of a fund: good firms avoid funds that the government leads."""
    return p.quality_weight * (1.0 if fund == MARKET_LED else 1.0 - p.state_aversion)


def gumbel(draw: Numbers) -> Numbers:
    """Return standard Gumbel noise from draws in (0, 1)."""
    return np.asarray(-np.log(-np.log(draw)))


def best(score: Numbers, identity: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Return the positions of the highest scores, the highest first; ties go to the older identity, -inf is never chosen."""
    number, possible = max(number, 0), np.flatnonzero(score > -np.inf)
    if 0 < number < possible.size:
        lowest = np.partition(score[possible], possible.size - number)[possible.size - number]
        possible = possible[score[possible] >= lowest]
    return np.asarray(possible[np.lexsort((identity[possible], -score[possible]))][:number], dtype=np.int64)


def part_of(fund: int, p: VentureParameters) -> tuple[float, float]:
    """Return the range of draws of the firms that talk to a fund: each talks to one, chosen by the sizes of the funds."""
    upper = np.cumsum(p.fund_shares)
    return float(upper[fund - 1]) if fund else 0.0, float(upper[fund]) if fund < upper.size - 1 else math.inf


@compiled
def meets(draw: Numbers, part: tuple[float, float]) -> NDArray[np.int64]:
    """Return the positions of the firms whose draw lies in the part of a fund."""
    at, found = np.empty(draw.size, dtype=np.int64), 0
    for k in range(draw.size):
        if part[0] <= draw[k] < part[1]:
            at[found] = k
            found += 1
    return at[:found]


@compiled
def scores_of(quality: Numbers, identity: NDArray[np.int64], at: NDArray[np.int64], weight: float, key: np.uint64) -> Numbers:
    """Return weighted quality plus Gumbel noise of the firms at these positions."""
    score = np.empty(at.size)
    for k in range(at.size):
        score[k] = weight * quality[at[k]] - math.log(-math.log(uniform(key, identity[at[k]])))
    return score


def ticket_of(stage: int, price: float, z: float, p: VentureParameters) -> float:
    """Return the money of a deal (万元) from a standard normal draw; the mean over draws is the stage's ticket."""
    return float(p.ticket[stage] * price * np.exp(p.ticket_sd * z - 0.5 * p.ticket_sd**2))


def quarterly_chance(chance: float, quarters: float) -> float:
    """Return the chance of a quarter that adds up to `chance` over so many quarters."""
    return float(1.0 - (1.0 - chance) ** (1.0 / quarters))


def added_share(held: float, bought: float) -> float:
    """Return by how much the share of a fund rises when it takes part in a new round: the round dilutes what it has."""
    return bought * (1.0 - held)


def exit_rates_of(fund: int, p: VentureParameters) -> Numbers:
    """Return yearly rates of listing, sale and write-off; funds led by the government list and sell less."""
    ratio = 1.0 if fund == MARKET_LED else p.government_exit_ratio
    return np.asarray(p.exit_rates * np.array([ratio, ratio, 1.0]))


def route_out(draw: float, rates: Numbers) -> str:
    """Return the way out of this quarter from a draw in (0, 1); empty where the stake is kept."""
    total = float(rates.sum())
    leaves = -float(np.expm1(-0.25 * total))
    if draw >= leaves:
        return ""
    return ROUTES[min(int(np.searchsorted(np.cumsum(rates) / total, draw / leaves, side="right")), len(ROUTES) - 1)]


def multiple_of(route: str, z: float, p: VentureParameters) -> float:
    """Return proceeds over cost of a way out from a standard normal draw; a closed firm returns nothing."""
    if route == CLOSURE:
        return 0.0
    if route == ROUTES[2]:
        return float(p.multiple[2])
    return float(p.multiple[0 if route == ROUTES[0] else 1] * np.exp(p.multiple_sd * z))
