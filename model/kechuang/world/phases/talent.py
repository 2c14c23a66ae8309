"""The market for R&D staff in a quarter: people leave and arrive, firms lay off and hire, and what R&D the staff can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.queues import in_order
from kechuang.randomness import Purpose, poissons, stream_key, uniforms
from kechuang.world import settings
from kechuang.world.mechanisms import hiring
from kechuang.world.mechanisms import talent as rules
from kechuang.world.mechanisms.initial import pick, spread
from kechuang.world.phases import talent_support, training
from kechuang.world.population import talent as people
from kechuang.world.population.labour import take_census

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
KIND_COUNT = len(people.KINDS)
NOBODY = -1
"""In the place of whoever is chosen for a vacancy."""


# Start ----------------------------------------------------------------------------------------------------------------


def open_talent(city: Corridor) -> None:
    """Give firms of the start the staff for their R&D, and let as many people look for work as a usual quarter needs."""
    firms, seed, p, labour = city.firms, city.luck_seed, city.rules.talent, city.labour
    labour.arrival_weight, labour.graduate_weight = _weights_of_places(city)
    wages = rules.reference_wages(0, p)
    wanted = hiring.heads_wanted(firms.columns, firms.count, _head_key(city), settings.research_cost(city, 0))
    employer = np.repeat(np.arange(firms.count), wanted)
    number = np.arange(employer.size) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    identity = (firms.columns.identity[employer] << people.QUARTER_SHIFT) + number
    kind = pick(uniforms(stream_key(seed, 0, int(Purpose.TALENT_KIND)), identity), p.stock_share)
    rows = city.talent.add(identity, kind, firms.columns.place[employer], wages[kind], 0, people.NOTHING_DUE)
    city.talent.columns.employer[rows] = employer
    firms.columns.research_staff[: firms.count] = wanted
    staff = np.bincount(kind, minlength=KIND_COUNT).astype(np.float64)
    for kind_of, number_of in enumerate(rules.pool_at_start(staff, p)):
        places = spread(round(float(number_of)), labour.arrival_weight)
        place = np.repeat(np.arange(places.size), places)
        first = np.repeat(np.cumsum(places) - places, places)
        cell = kind_of * places.size + place
        identity = people.identities_of(people.SEEKING_AT_START, cell, 0, np.arange(place.size) - first)
        city.talent.add(identity, kind_of, place, wages[kind_of], 0, people.NOTHING_DUE)
    take_census(city)
    labour.first_staff, labour.first_employed = max(float(labour.census.present.sum()), 1.0), labour.employed_share()
    labour.graduates = p.graduates * np.array([place.population for place in city.geography.places])
    labour.graduates /= sum(place.population for place in city.geography.places)
    labour.first_graduates = float(labour.graduates.sum())


def _weights_of_places(city: Corridor) -> tuple[Floats, Floats]:
    """Return how possible movers look at places, R&D staff and graduates: as firms and people are, before amenities."""
    share = city.rules.talent.inflow_share
    usual = rules.inflow_chance(_amenity(city), share) / share
    staff = city.place_share * city.high_tech_quotient
    graduates = np.array([place.population for place in city.geography.places])
    return staff / float((staff * usual).sum()), graduates / float((graduates * usual).sum())


def _amenity(city: Corridor) -> Floats:
    return np.array([place.amenity for place in city.geography.places])


def _head_key(city: Corridor) -> np.uint64:
    return stream_key(city.luck_seed, 0, int(Purpose.TALENT_HEADS))


# A quarter ------------------------------------------------------------------------------------------------------------


def run_market(city: Corridor) -> None:
    """Let people leave, arrive and be trained, let firms lay off and hire, and pay newcomers what the city promises."""
    labour, firms, p, quarter = city.labour, city.firms, city.rules.talent, city.quarter
    labour.open_quarter()
    reference = rules.reference_wages(quarter, p)
    offers = rules.posted_wages(reference[:KIND_COUNT], labour.gap, p)
    subsidy = talent_support.expected_by_place(city)
    stay, come = utilities(city, reference, offers, subsidy)
    growth = 0.25 * (city.trend() + city.rules.demand.deflator_growth)  # firms hire for the sales they expect
    cost = settings.research_cost(city, quarter) / float(np.exp(growth))
    wanted = hiring.heads_wanted(firms.columns, firms.count, _head_key(city), cost)
    seekers = _move(city, wanted, stay, offers)
    seekers = np.concatenate([seekers, _arrive(city, come, offers)])
    trained, industries = training.train(city, reference[people.ENGINEER])
    newcomers = _hire(city, wanted, seekers, trained, industries, offers)
    talent_support.grant_newcomers(city, newcomers)
    _move_graduates(city, stay, come)
    talent_support.pay_grants(city)


def utilities(city: Corridor, reference: Floats, offers: Floats, subsidy: Floats) -> tuple[Floats, Floats]:
    """Return U by kind (graduates last) and place, without and with the subsidy that newcomers count on (万元)."""
    labour, p = city.labour, city.rules.talent
    chance = labour.employed_share() / labour.first_employed
    wages = np.vstack([offers, np.full(offers.shape[1], reference[people.GRADUATE])])
    relative = wages / reference[:, None] / labour.outside_wage
    relative[:KIND_COUNT] *= chance
    staff = float(np.log(max(labour.census.present.sum(), 1.0) / labour.first_staff))
    graduates = float(np.log(max(labour.graduates.sum(), 1.0) / max(labour.first_graduates, 1.0)))
    stock = np.array([staff, staff, staff, graduates])
    amenity, nothing = _amenity(city), np.zeros_like(wages)
    stay = rules.utility(relative, amenity, stock, nothing, p)
    return stay, rules.utility(relative, amenity, stock, subsidy / wages, p)


def _move(city: Corridor, wanted: Rows, stay: Floats, offers: Floats) -> Rows:
    firms, p, quarter, seed = city.firms, city.rules.talent, city.quarter, city.luck_seed
    layoffs = hiring.layoffs_of(firms.columns.research_staff, wanted, p.layoff_speed)
    yearly = rules.departure_rate(p.outflow[:KIND_COUNT], stay[:KIND_COUNT])
    left, seekers = rules.move_people(
        city.talent.columns,
        city.talent.count,
        firms.columns.research_staff,
        layoffs,
        stream_key(seed, quarter, int(Purpose.TALENT_LEAVE)),
        stream_key(seed, quarter, int(Purpose.JOB_CHANGE)),
        1.0 - (1.0 - yearly) ** 0.25,
        offers,
        (1.0 + p.wage_growth) ** 0.25,
        p.job_change,
        p.wage_scale,
    )
    city.labour.flows["left"][:KIND_COUNT] = left
    return seekers


def _arrive(city: Corridor, come: Floats, offers: Floats) -> Rows:
    """Accept candidates of this quarter; their list depends on nothing but the seed."""
    p, quarter, labour = city.rules.talent, city.quarter, city.labour
    movers = 0.25 * rules.SHARE_MAX * np.outer(p.inflow[:KIND_COUNT] / p.inflow_share, labour.arrival_weight).ravel()
    cells = np.arange(movers.size)
    numbers = poissons(stream_key(city.luck_seed, quarter, int(Purpose.ARRIVAL_COUNT)), cells, movers)
    first = people.identities_of(people.ARRIVAL, cells, quarter, np.zeros(cells.size, dtype=np.int64))
    chance = rules.inflow_chance(come[:KIND_COUNT], p.inflow_share).ravel() / rules.SHARE_MAX
    city.rate_excess += int((chance > 1.0).sum())
    key = stream_key(city.luck_seed, quarter, int(Purpose.ARRIVAL))
    identity, cell = rules.accept_arrivals(key, first, numbers, chance)
    kind, place = np.divmod(cell, labour.arrival_weight.size)
    rows = city.talent.add(identity, kind, place, offers[kind, place], quarter, people.NEWCOMER)
    labour.flows["arrivals"][:KIND_COUNT] = np.bincount(kind, minlength=KIND_COUNT)
    return np.arange(rows.start, rows.stop)


def _hire(
    city: Corridor, wanted: Rows, seekers: Rows, trained: Rows, industries: NDArray[np.bool_], offers: Floats
) -> Rows:
    """Fill vacancies: trained engineers first, then inside each place, then across the city; return newcomers hired."""
    firms, labour, columns, seed = city.firms, city.labour, city.talent.columns, city.luck_seed
    key = {one: stream_key(seed, city.quarter, int(one)) for one in (Purpose.VACANCY_KIND, Purpose.VACANCY_ORDER)}
    shares = np.cumsum(city.rules.talent.stock_share)
    firm, kind, order = hiring.list_vacancies(
        firms.columns, firms.count, wanted, key[Purpose.VACANCY_KIND], key[Purpose.VACANCY_ORDER], shares
    )
    everyone = np.concatenate([seekers, trained])
    chosen, taken = np.full(firm.size, NOBODY), np.zeros(everyone.size, dtype=np.int8)
    queue = in_order(order)
    luck = uniforms(stream_key(seed, city.quarter, int(Purpose.SEEKER_ORDER)), columns.identity[everyone])
    line = in_order(luck)
    market = kind * labour.gap.shape[1] + firms.columns.place[firm]
    _place_trained(firms.columns.industry[firm], kind, queue, seekers.size, industries, chosen, taken)
    own = hiring.markets_of(columns, everyone, labour.gap.shape[1])
    _match_rounds(city, market, queue, own, line, chosen, taken)
    newcomers = hiring.hire(
        columns,
        firms.columns.research_staff,
        firms.columns.place,
        firm,
        chosen,
        everyone,
        offers,
        people.NEWCOMER,
        people.NOTHING_DUE,
    )
    opened = np.bincount(market, minlength=labour.gap.size)
    unfilled = hiring.unmatched(market, chosen, NOBODY, labour.gap.size)
    labour.gap = (unfilled / np.maximum(opened, 1)).reshape(labour.gap.shape)
    labour.vacancies, labour.unfilled = int(opened.sum()), int(unfilled.sum())
    return newcomers


def _place_trained(
    industry: NDArray[np.int8],
    kind: NDArray[np.int8],
    queue: Rows,
    first: int,
    industries: NDArray[np.bool_],
    chosen: Rows,
    taken: NDArray[np.int8],
) -> None:
    """Give people trained for firms of some industries (one row of `industries` a person) the first fitting vacancies."""
    open_jobs = [v for v in queue if kind[v] == people.ENGINEER] if len(industries) else []
    for position, fits in enumerate(industries):
        job = next((v for v in open_jobs if chosen[v] < 0 and fits[industry[v]]), None)
        if job is not None:
            chosen[job], taken[first + position] = first + position, 1


def _match_rounds(
    city: Corridor,
    market: Rows,
    queue: Rows,
    own: Rows,
    line: Rows,
    chosen: Rows,
    taken: NDArray[np.int8],
) -> None:
    """Match inside places, then across the city, where the matching function of the whole city leaves room for it.

    `market` is that of each vacancy, `own` that of each seeker.
    """
    places, efficiency = city.labour.gap.shape[1], city.rules.talent.match_efficiency[:KIND_COUNT]
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.MATCH_ROUNDING))
    rounding = uniforms(key, np.arange(KIND_COUNT * places + KIND_COUNT))
    seekers = hiring.unmatched(own, taken, 0, KIND_COUNT * places)
    vacancies = hiring.unmatched(market, chosen, NOBODY, KIND_COUNT * places)
    local = hiring.matches(seekers, vacancies, np.repeat(efficiency, places))
    by_kind = [x.reshape(KIND_COUNT, places).sum(axis=1) for x in (seekers, vacancies)]
    in_all = hiring.matches(by_kind[0], by_kind[1], efficiency)
    quota = np.floor(local + rounding[: local.size]).astype(np.int64)
    hiring.pair(queue, market, line, own, quota, chosen, taken)
    filled = by_kind[0] - hiring.unmatched(own // places, taken, 0, KIND_COUNT)
    quota = np.maximum(0, np.floor(in_all + rounding[local.size :]) - filled).astype(np.int64)
    hiring.pair(queue, market // places, line, own // places, quota, chosen, taken)


def _move_graduates(city: Corridor, stay: Floats, come: Floats) -> None:
    """Let graduates, a stock by place, arrive and leave at the rates of their utility."""
    labour, p = city.labour, city.rules.talent
    chance = rules.inflow_chance(come[people.GRADUATE], p.inflow_share) / p.inflow_share
    arrivals = 0.25 * p.inflow[people.GRADUATE] * labour.graduate_weight * chance
    yearly = rules.departure_rate(p.outflow[people.GRADUATE :], stay[people.GRADUATE :])[0]
    left = (1.0 - (1.0 - yearly) ** 0.25) * labour.graduates
    labour.graduates = labour.graduates + arrivals - left
    labour.flows["arrivals"][people.GRADUATE] += arrivals.sum()
    labour.flows["left"][people.GRADUATE] += left.sum()
    talent_support.grant_graduates(city, arrivals, yearly)


def limit_research(city: Corridor) -> None:
    """Cut R&D to what the staff of each firm can do; what is not spent is saved."""
    cost = settings.research_cost(city, city.quarter)
    city.labour.research = hiring.limit_research(city.firms.columns, city.firms.count, cost, city.rules.research)
