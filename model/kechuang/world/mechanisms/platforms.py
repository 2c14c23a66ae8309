"""M9 Carriers of research: how good they are, which of them a firm knows, and when it signs a contract with one.

    ln Q_p   ~ N(-sd^2/2 - q ln(n/80), sd^2)        quality of a new carrier, 1 on average where there are n = 80 of them
    known    = the two nearest carriers and the best one of the firm's industry (highest Q_p exp(-d/d0))
    chance   = rate AC_i sum over known p of w(s_i, s_p) exp(-d(z_i, p)/d0) (1 + k e)      share of firms, a quarter
    k        = a / (1 - a)     so that a is the share of voucher contracts that vouchers bring where they pay in full
    e        : e asked (1 + k e) = money                what firms expect a voucher to pay, share of its face value
    value    = min(contract value, a year of R&D purchases)     万元, part of the firm's R&D; a carrier's quarter is limited

The firm's pool of knowledge rises by Q_p carrier units for some quarters (mechanisms/spillovers.py). An enclave stands in
another city and counts as near to every firm it serves. w is 1 within an industry, less elsewhere; d in km.
Sources: Nelson and Winter 1982 (search), Jaffe, Trajtenberg and Henderson 1993 (distance), Cornet, Vroomen and van der Steeg
2006 (eight of ten voucher contracts would not have been signed); rates, values and costs in calibration/parameters.yaml.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.queues import in_order, rank_in_group
from kechuang.randomness import uniform
from kechuang.world.mechanisms.spillovers import absorptive_capacity
from kechuang.world.population.firms import FirmColumns

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]
NEAREST = 2
"""Carriers that a firm knows because they are near."""
KNOWN = NEAREST + 1
NOBODY = -1
REFERENCE_STOCK = 80.0
"""Number of carriers at which a new one has quality 1 on average: the figure reported for 2020."""
ASKING_QUARTERS = 4
"""A firm asks for a voucher in one of so many quarters."""


class PlatformParameters(NamedTuple):
    """Contract value in 万元 of 2016, costs in 亿元, rate and capacity per quarter, distance in km, floor in 万 m2."""

    carriers_2015: float
    quality_sd: float
    quality_decline: float
    capacity: float
    contract_rate: float
    contract_value: float
    effect_quarters: int
    enclave_distance: float
    voucher_additionality: float
    voucher_fade_quarters: int
    running_cost: float
    running_quarters: float
    enclave_cost: float
    node_grant: float
    half_stock: float
    purchase_share: float

    @classmethod
    def of(cls, draw: Draw) -> PlatformParameters:
        """Take the record from a draw."""
        return cls(
            draw.number("carriers_2015"),
            draw.number("carrier_quality_sd"),
            draw.number("carrier_quality_decline"),
            draw.number("carrier_capacity"),
            draw.number("carrier_contract_rate"),
            draw.number("carrier_contract_value"),
            round(draw.number("carrier_effect_quarters")),
            draw.number("enclave_distance"),
            draw.number("voucher_additionality"),
            round(draw.number("voucher_fade_quarters")),
            draw.number("carrier_running_cost"),
            4.0 * draw.number("carrier_running_years"),
            draw.number("enclave_cost"),
            draw.number("node_grant"),
            draw.number("absorption_half_stock"),
            1.0 - draw.number("research_wage_share"),
        )


def whole(amount: float, draw: float) -> int:
    """Return an amount as a whole number whose mean over draws in (0, 1) is the amount."""
    return int(np.floor(amount + draw))


def quality_of(stock: float, z: float, p: PlatformParameters) -> float:
    """Return the quality of a carrier from a standard normal draw, where there are `stock` carriers with it."""
    crowd = p.quality_decline * np.log(max(stock, 1.0) / REFERENCE_STOCK)
    return float(np.exp(p.quality_sd * z - 0.5 * p.quality_sd**2 - crowd))


def capacity_of(scale: float, draw: float, p: PlatformParameters) -> int:
    """Return the contracts that a carrier takes in a quarter: its share of a part of the city, and one at least."""
    return max(1, whole(scale * p.capacity, draw))


@compiled
def known_carriers(
    distance: Numbers, nearness: Numbers, industry: Rows, quality: Numbers, proximity: Numbers
) -> tuple[Rows, Numbers]:
    """Return whom firms of each place and industry know, and how well they reach them (w exp(-d/d0)).

    `distance` and `nearness` are by place and carrier. Both results are [places, industries, KNOWN]; where fewer carriers
    exist, NOBODY is reached not at all. Among carriers equally near the most useful comes first, then the oldest.
    """
    places, carriers, industries = distance.shape[0], industry.size, proximity.shape[0]
    known = np.full((places, industries, KNOWN), NOBODY, dtype=np.int64)
    reach = np.zeros((places, industries, KNOWN))
    for z in range(places):
        for s in range(industries):
            for position in range(KNOWN):
                best, best_far, best_use = NOBODY, np.inf, -1.0
                for c in range(carriers):
                    if known[z, s, 0] == c or known[z, s, 1] == c:
                        continue
                    far, use = distance[z, c], proximity[s, industry[c]] * quality[c]
                    if position >= NEAREST:
                        if industry[c] != s:
                            continue
                        far, use = 0.0, quality[c] * nearness[z, c]
                    if far < best_far or (far == best_far and use > best_use):
                        best, best_far, best_use = c, far, use
                if best != NOBODY:
                    known[z, s, position] = best
                    reach[z, s, position] = proximity[s, industry[best]] * nearness[z, best]
    return known, reach


@compiled
def who_buys(firms: FirmColumns, count: int) -> Rows:
    """Return the rows of the firms that may sign a contract: those that do R&D and did some in the quarter before."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        if firms.alive[i] == 1 and firms.does_research[i] == 1 and firms.research_last[i] > 0.0:
            rows[found] = i
            found += 1
    return rows[:found]


@compiled
def whose_turn(firms: FirmColumns, rows: Rows, key: np.uint64, position: int) -> Rows:
    """Return the positions of the firms in these rows that ask for a voucher in this quarter of the year (0 to 3)."""
    at, found = np.empty(rows.size, dtype=np.int64), 0
    for k in range(rows.size):
        if int(ASKING_QUARTERS * uniform(key, firms.identity[rows[k]])) == position:
            at[found] = k
            found += 1
    return at[:found]


@compiled
def contract_chance(absorbed: float, reach: float, p: PlatformParameters) -> float:
    """Return the chance of a contract in a quarter without a voucher; `reach` is the sum over known carriers."""
    return min(1.0, p.contract_rate * absorbed * reach)


@compiled
def contract_value(price: float, research_year: float, p: PlatformParameters) -> float:
    """Return what a contract is worth (万元): the usual value, but no more than a firm buys for its R&D in a year."""
    return min(p.contract_value * price, p.purchase_share * research_year)


@compiled
def offers(firms: FirmColumns, rows: Rows, reach: Numbers, price: float, p: PlatformParameters) -> tuple[Numbers, Numbers]:
    """Return chance and value (万元) of a contract of the firms in these rows; `reach` by place and industry, summed."""
    chance, value = np.empty(rows.size), np.empty(rows.size)
    for k in range(rows.size):
        i = rows[k]
        absorbed = absorptive_capacity(firms.knowledge[i], p.half_stock)
        chance[k] = contract_chance(absorbed, reach[firms.place[i], firms.industry[i]], p)
        value[k] = contract_value(price, 4.0 * firms.research_last[i], p)
    return chance, value


def voucher_effect(p: PlatformParameters) -> float:
    """Return by what share a voucher that pays in full raises the chance of a contract."""
    return p.voucher_additionality / max(1.0 - p.voucher_additionality, 1e-9)


def expected_payment(money: float, asked: float, effect: float) -> float:
    """Return the share e of vouchers' face value that a pool pays when e of it is expected: e asked (1 + effect e) = money."""
    if asked <= 0.0 or money <= 0.0:
        return 1.0 if money > 0.0 else 0.0
    room = money / asked
    if room >= 1.0 + effect:
        return 1.0
    return float(2.0 * room / (1.0 + np.sqrt(1.0 + 4.0 * effect * room)))


def choose_known(draw: Numbers, reach: Numbers) -> Rows:
    """Return which of its known carriers each firm (row) turns to, in proportion to how well it reaches them."""
    upper = np.cumsum(reach, axis=1)
    return np.asarray((draw[:, None] * upper[:, -1:] >= upper).sum(axis=1).clip(max=KNOWN - 1), dtype=np.int64)


def within_capacity(carrier: Rows, order: Numbers, capacity: Rows) -> NDArray[np.bool_]:
    """Return who gets a contract when each carrier serves by the order of draws until it is full."""
    return np.asarray(rank_in_group(carrier, in_order(order), capacity.size) < capacity[carrier])
