"""Carriers come into being: those of the start, births by the path and by doses, enclaves, nodes of the corridor plan.

Candidates have fixed identities and come in where their draw lies below what the lever leaves of the highest rate, so a
dose adds or removes whole carriers and renumbers nobody. Where the ceiling on support cut claims last year, the same share
of births is given up; what has been built or rented is paid first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import quarter_index
from kechuang.randomness import Purpose, normal, poissons, stream_key, uniform
from kechuang.units import wan_from_yi
from kechuang.world.mechanisms import initial, platforms
from kechuang.world.phases.government import book_administration, pay_out
from kechuang.world.policy.platform_policy import CARRIERS, ROUNDING
from kechuang.world.population.carriers import ELSEWHERE
from kechuang.world.population.firms import EVENT_SHIFT, identity_of

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

AT_START, BY_PATH, BY_DOSE, ENCLAVE, NODE = range(5)
"""Kinds of carriers, the first part of their identities."""
MOST_BY_DOSE = 40.0
"""Carriers a year: no scenario can add more, so the candidates of doses are drawn at this rate."""
RUNNING_PAID_FROM = quarter_index("2021Q1")
"""Carriers that open from here on are paid for running; what older ones got is not known."""


def found_carriers(city: Corridor) -> None:
    """Draw the carriers of the end of 2015; their places follow high-tech firms, their industries R&D."""
    columns, count, carriers = city.firms.columns, city.firms.count, city.carriers
    research = np.zeros(city.shape)
    np.add.at(research, (columns.place[:count], columns.industry[:count]), columns.research_last[:count])
    whole_city = research.sum(axis=0) if research.any() else np.ones(city.shape[1])
    research = np.where(research.sum(axis=1, keepdims=True) > 0.0, research, whole_city)
    carriers.mix = research / research.sum(axis=1, keepdims=True)
    carriers.place_weight = city.place_share * city.high_tech_quotient
    key = stream_key(city.luck_seed, 0, int(Purpose.CARRIER_START))
    number = platforms.whole(city.rules.platforms.carriers_2015, uniform(key, 0))
    for k in range(number):
        identity = identity_of(AT_START, 0, 0, k)
        place = _pick(city, Purpose.CARRIER_PLACE, identity, carriers.place_weight)
        industry = _pick(city, Purpose.CARRIER_INDUSTRY, identity, carriers.mix[place])
        _open(city, identity, place, industry, stock=number)


def open_carriers(city: Corridor) -> None:
    """Open nodes and enclaves, pay for what runs, and let new carriers be built."""
    _open_nodes(city)
    _run_enclaves(city)
    _run_carriers(city)
    _build(city)


def distances_to(city: Corridor) -> NDArray[np.float64]:
    """Return the distance (km) from each place to each carrier; an enclave is near to the places that it serves."""
    columns = city.carriers.columns
    far = np.broadcast_to(columns.distance, (city.shape[0], columns.distance.size)).copy()
    home = columns.place != ELSEWHERE
    far[:, home] = city.distances[:, columns.place[home]]
    for row in np.flatnonzero(columns.enclave & columns.open):
        number = int(columns.identity[row] - identity_of(ENCLAVE, 0, 0, 0))
        served, _ = city.policy.platforms.enclave_reach(city.quarter, number)
        far[served, row] = city.rules.platforms.enclave_distance
    return far


def _newcomers(city: Corridor) -> Iterator[tuple[int, int, int]]:
    """Yield identity, place and industry of the candidates of the quarter that would be built."""
    policy, quarter, carriers = city.policy.platforms, city.quarter, city.carriers
    key = stream_key(city.luck_seed, quarter, int(Purpose.CARRIER_BIRTHS))
    numbers = poissons(key, np.arange(2), np.array([policy.usual_births, MOST_BY_DOSE]) / 4.0)
    kept, (more, aimed) = policy.kept_births(quarter), policy.extra_births(quarter)
    luck = stream_key(city.luck_seed, quarter, int(Purpose.CARRIER_ACCEPTANCE))
    for kind, number in zip((BY_PATH, BY_DOSE), numbers, strict=True):
        if kind == BY_DOSE and more == 0.0:
            continue
        for k in range(int(number)):
            identity = identity_of(kind, 0, quarter, k)
            cells = aimed if kind == BY_DOSE else np.ones(city.shape, dtype=bool)
            place = _pick(city, Purpose.CARRIER_PLACE, identity, carriers.place_weight * cells.any(axis=1))
            mix = carriers.mix[place] * cells[place]
            industry = _pick(city, Purpose.CARRIER_INDUSTRY, identity, mix if mix.any() else cells[place])
            ratio = more / MOST_BY_DOSE if kind == BY_DOSE else float(kept[place, industry])
            city.rate_excess += ratio > 1.0 + ROUNDING
            if uniform(luck, identity) < ratio * city.ceiling.expected:
                yield identity, place, industry


def _build(city: Corridor) -> None:
    """Let candidates of the quarter in; the budget of a change pays whole grants until it is used up."""
    policy, quarter, price = city.policy.platforms, city.quarter, _price(city)
    budget, due, unchanged = policy.budgets[CARRIERS], [], []
    for identity, place, industry in _newcomers(city):
        grant = price * float(policy.grant[quarter, place, industry])
        extra = identity >> EVENT_SHIFT == BY_DOSE and budget.yearly is not None
        if extra and not budget.afford(grant):
            continue
        _open(city, identity, place, industry, extra=extra)
        due.append(grant)
        unchanged.append(grant if extra else price * float(policy.unchanged_grant[quarter, place, industry]))
    paid = budget.ration(np.array(due), lambda: np.array(unchanged))
    _pay(city, "building of research carriers", float(paid.sum()))


def _run_carriers(city: Corridor) -> None:
    """Pay for carriers that have opened in the last years, from their second quarter on.

    The budget of a change pays for those that it brought.
    """
    columns, p, quarter = city.carriers.columns, city.rules.platforms, city.quarter
    age = quarter - columns.born
    young = (columns.born >= RUNNING_PAID_FROM) & (age > 0) & (age <= p.running_quarters) & ~columns.enclave
    cost = 0.25 * _price(city) * p.running_cost * young.astype(np.float64)
    paid = city.policy.platforms.budgets[CARRIERS].ration(cost, lambda: cost * ~columns.extra)
    _pay(city, "running of research carriers", float(paid.sum()))


def _run_enclaves(city: Corridor) -> None:
    """Keep as many enclaves open as the path provides for and the budget of a change, spread over its year, can pay."""
    policy, quarter, p = city.policy.platforms, city.quarter, city.rules.platforms
    columns, budget, cost = city.carriers.columns, policy.budgets[CARRIERS], 0.25 * _price(city) * p.enclave_cost
    wanted, usual = policy.enclave_count(quarter), policy.enclave_count(quarter, unchanged=True)
    columns.open[columns.enclave] = False
    if budget.yearly is not None and wanted > usual:
        room = max(budget.left, 0.0) / (4 - city.position)
        fits = int(np.floor(room / cost + ROUNDING)) if cost > 0.0 else wanted
        budget.note_refused(cost * max(0, wanted - usual - fits))
        wanted = min(wanted, usual + fits)
    for number in range(wanted):
        _open_enclave(city, number, extra=number >= usual and budget.yearly is not None)
    claims = np.full(wanted, cost)
    paid = budget.ration(claims, lambda: claims * (np.arange(wanted) < usual))
    _pay(city, "running of research carriers", float(paid.sum()))


def _open_enclave(city: Corridor, number: int, extra: bool) -> None:
    """Open an enclave, or open it again as it was."""
    identity = identity_of(ENCLAVE, 0, 0, number)
    row = city.carriers.row_of(identity)
    if row >= 0:
        city.carriers.columns.open[row] = True
        return
    points = list(city.geography.outside_points.values())
    point = points[_pick(city, Purpose.ENCLAVE_POINT, identity, np.ones(len(points)))]
    served, industries = city.policy.platforms.enclave_reach(city.quarter, number)
    mix = (city.carriers.mix * (city.carriers.place_weight * served)[:, None]).sum(axis=0) * industries
    industry = _pick(city, Purpose.CARRIER_INDUSTRY, identity, mix if mix.any() else industries)
    _open(city, identity, ELSEWHERE, industry, enclave=True, extra=extra, distance=point[1])


def _open_nodes(city: Corridor) -> None:
    """Open the nodes whose quarter it is, each with a carrier of its own."""
    opening = city.nodes.opening(city.quarter)
    for node in opening:
        identity, place = identity_of(NODE, 0, 0, city.nodes.number(node)), city.geography.place_index(node.place)
        drawn = _pick(city, Purpose.CARRIER_INDUSTRY, identity, city.carriers.mix[place])
        _open(city, identity, place, city.geography.industry_index(node.industry) if node.industry else drawn, node=True)
    _pay(city, "building of research carriers", len(opening) * _price(city) * city.rules.platforms.node_grant)


def _open(city: Corridor, identity: int, place: int, industry: int, stock: int = 0, **kind: bool | float) -> None:
    """Add a carrier; the more there are, the weaker is the next one."""
    p, seed = city.rules.platforms, city.luck_seed
    z = normal(stream_key(seed, 0, int(Purpose.CARRIER_QUALITY)), identity)
    room = uniform(stream_key(seed, 0, int(Purpose.CARRIER_CAPACITY)), identity)
    city.carriers.add(
        identity=identity,
        place=place,
        industry=industry,
        quality=platforms.quality_of(stock or len(city.carriers) + 1, z, p),
        capacity=platforms.capacity_of(city.scale, room, p),
        born=city.quarter,
        **kind,
    )


def _pick(city: Corridor, purpose: Purpose, identity: int, weights: NDArray[np.generic]) -> int:
    """Return the position that a carrier's draw picks under weights."""
    draw = uniform(stream_key(city.luck_seed, 0, int(purpose)), identity)
    return initial.pick_one(draw, np.asarray(weights, dtype=np.float64))


def _price(city: Corridor) -> float:
    """Return 1亿元 of a lever as money of the quarter at the scale of the city (万元)."""
    return float(city.scale * wan_from_yi(1.0) * city.policy.price(city.quarter, city.deflator))


def _pay(city: Corridor, flow: str, amount: float) -> None:
    """Pay those who build and run carriers; most of what they buy comes from outside."""
    if amount > 0.0:
        pay_out(city, CARRIERS, flow, "outside", amount)
        book_administration(city, CARRIERS, amount)
