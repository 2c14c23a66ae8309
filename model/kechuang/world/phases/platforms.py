"""Contracts of a quarter: firms that do R&D turn to a carrier they know, some of them with an innovation voucher."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.units import wan_from_yi
from kechuang.world.institutions.vouchers import Pots, pro_rata
from kechuang.world.mechanisms import platforms
from kechuang.world.phases.carriers import distances_to, open_carriers
from kechuang.world.policy.platform_policy import VOUCHER
from kechuang.world.population.contracts import NO_CONTRACTS, Contracts

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]


class Interest(NamedTuple):
    """Firms that may sign: row, chance without voucher, value (万元); carriers known by cell and how well they are reached."""

    firm: Rows
    chance: Numbers
    value: Numbers
    known: Rows
    reach: Numbers


class Vouchers(NamedTuple):
    """What vouchers mean to each firm of the interest, and the money there is.

    `face` is what its voucher promises (万元, 0: none), `unchanged` the same without changes that have a budget, `inside` says
    that it may draw on earmarked money, `effect` by what share its chance of a contract rises.
    """

    face: Numbers
    unchanged: Numbers
    inside: NDArray[np.bool_]
    effect: Numbers
    pots: Pots


def sign_contracts(city: Corridor) -> None:
    """Open carriers, let firms sign, and claim what vouchers owe them."""
    open_carriers(city)
    _release_vouchers(city)
    interest = find_interest(city)
    vouchers = _hand_out(city, interest)
    city.contracts = _sign(city, interest, vouchers)
    if city.contracts.number:
        _learn_from(city, city.contracts)


def find_interest(city: Corridor) -> Interest:
    """Return every firm that does R&D, with its chance of a contract; R&D is that of the quarter before."""
    columns, p = city.firms.columns, city.rules.platforms
    firm = platforms.who_buys(columns, city.firms.count)
    known, reach = known_by_cell(city)
    chance, value = platforms.offers(columns, firm, reach.sum(axis=2), float(city.deflator[city.quarter]), p)
    return Interest(firm, chance, value, known, reach)


def known_by_cell(city: Corridor) -> tuple[Rows, Numbers]:
    """Return the rows of the carriers that firms of each place and industry know, and how well they reach them."""
    columns = city.carriers.columns
    working = np.flatnonzero(columns.open)
    distance = distances_to(city)[:, working]
    nearness = np.exp(-distance / city.rules.value("spillover_distance"))
    industry, quality = columns.industry[working], columns.quality[working]
    known, reach = platforms.known_carriers(distance, nearness, industry, quality, city.proximity)
    return np.where(known == platforms.NOBODY, platforms.NOBODY, working[known] if working.size else known), reach


def _release_vouchers(city: Corridor) -> None:
    policy, quarter = city.policy.platforms, city.quarter
    money = 0.25 * city.scale * wan_from_yi(1.0) * city.policy.price(quarter, city.deflator)
    everybody, whole = float(policy.pool_open[quarter]), float(policy.pool_total[quarter])
    city.vouchers.release(
        city.position == 0, money * everybody, money * (whole - everybody), money * float(policy.unchanged_pool[quarter])
    )


def _hand_out(city: Corridor, interest: Interest) -> Vouchers:
    """Let firms ask whose quarter it is; they expect what the pool can pay when all of them reckon so."""
    columns, policy, quarter = city.firms.columns, city.policy.platforms, city.quarter
    key = stream_key(city.luck_seed, 0, int(Purpose.VOUCHER_QUARTER))
    at = platforms.whose_turn(columns, interest.firm, key, city.position)
    firm = interest.firm[at]
    cell = (columns.place[firm], columns.industry[firm], columns.ladder[firm])
    price, open_to = city.policy.price(quarter, city.deflator), policy.pool[quarter][cell] > 0.0
    face, unchanged = (
        open_to * np.minimum(share[quarter][cell] * interest.value[at], price * cap[quarter][cell])
        for share, cap in (
            (policy.voucher_share, policy.voucher_cap),
            (policy.unchanged_share, policy.unchanged_cap),
        )
    )
    inside = policy.earmarked(quarter)[cell]
    likely = interest.chance[at] * face
    asked = Pots(float(likely[inside].sum()), float(likely[~inside].sum()))
    pots = city.vouchers.pots(*asked)
    effect = platforms.voucher_effect(city.rules.platforms) * _trusted(city) * city.ceiling.expected
    expected = Pots(*(platforms.expected_payment(pot, ask, effect) for pot, ask in zip(pots, asked, strict=True)))
    held = np.zeros((4, interest.firm.size))
    held[:, at] = face, unchanged, inside, np.where(face > 0.0, effect * expected.of(inside), 0.0)
    return Vouchers(held[0], held[1], held[2] > 0.0, held[3], pots)


def _trusted(city: Corridor) -> float:
    """Return the share of the pool that firms count on: what the budget of a change let through last year."""
    budget, pool = city.policy.platforms.budgets[VOUCHER], city.vouchers
    if budget.yearly is None or pool.left <= 0.0:
        return 1.0
    usual = min(pool.unchanged / pool.left, 1.0)
    return usual + budget.expected * (1.0 - usual)


def _sign(city: Corridor, interest: Interest, vouchers: Vouchers) -> Contracts:
    """Return the contracts: luck decides who signs, carriers serve by hash order until they are full."""
    columns, seed, quarter = city.firms.columns, city.luck_seed, city.quarter
    identity = columns.identity[interest.firm]
    luck = uniforms(stream_key(seed, quarter, int(Purpose.CARRIER_CONTRACT)), identity)
    willing = np.flatnonzero(luck < interest.chance * (1.0 + vouchers.effect))
    if willing.size == 0:
        return NO_CONTRACTS
    identity, firm = identity[willing], interest.firm[willing]
    taste = uniforms(stream_key(seed, quarter, int(Purpose.CARRIER_CHOICE)), identity)
    place, industry = columns.place[firm], columns.industry[firm]
    chosen = platforms.choose_known(taste, interest.reach[place, industry])
    carrier = interest.known[place, industry, chosen]
    order = uniforms(stream_key(seed, quarter, int(Purpose.CARRIER_ORDER)), identity)
    served = platforms.within_capacity(carrier, order, city.carriers.columns.capacity)
    at = willing[served]
    paid = _redeem(city, vouchers, at)
    with_voucher = (vouchers.face[at] > 0.0) & (vouchers.pots.of(vouchers.inside[at]) > 0.0)
    return Contracts(
        firm[served], carrier[served], interest.value[at], paid, with_voucher, with_voucher & (luck[at] >= interest.chance[at])
    )


def _redeem(city: Corridor, vouchers: Vouchers, at: Rows) -> Numbers:
    """Return what the pool owes for each contract; the budget of a change cuts what it pays beyond the path."""
    inside, pool = vouchers.inside[at], city.vouchers
    claims = pro_rata(vouchers.face[at], inside, vouchers.pots)
    usual = pro_rata(vouchers.unchanged[at], np.ones(at.size, dtype=bool), Pots(pool.unchanged, 0.0))
    paid = city.policy.platforms.budgets[VOUCHER].ration(claims, lambda: usual)
    pool.take(float(paid[inside].sum()), float(paid[~inside].sum()), float(usual.sum()))
    return paid


def _learn_from(city: Corridor, contracts: Contracts) -> None:
    """Let firms draw on what their carriers know for some quarters, and claim their vouchers."""
    p = city.rules.platforms
    lasting = np.where(contracts.with_voucher, min(p.voucher_fade_quarters, p.effect_quarters), p.effect_quarters)
    city.boosts.add(contracts.firm, city.carriers.columns.quality[contracts.carrier], city.quarter + lasting)
    owed = contracts.voucher > 0.0
    city.claim(VOUCHER, "innovation vouchers", contracts.firm[owed], contracts.voucher[owed])
