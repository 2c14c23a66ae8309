"""M7 Hiring: how many R&D staff a firm wants, who meets whom, and how much R&D the staff can do.

    wanted_i  = floor(R_i/cost + u_i)                            persons; R_i R&D in mind after trend growth, u_i a permanent draw
    layoffs   = floor(speed (staff_i - wanted_i))                per quarter, where staff exceed it
    matches   = min(u, v, A u^.5 v^.5)                           by place and kind, then what is left of the city's own number
    R_i      <= cost (staff_i + 1)                               万元 a year; one for part-time work of owner and other staff
    R_i      >= (notch - l_i) S_i                                certified firms and applicants: what nobody is there for is bought
Whoever meets whom is settled by keyed draws. Sources: Petrongolo and Pissarides 2001 (Cobb-Douglas matching); the part-time
person and the R&D that certified firms buy from others are assumed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.randomness import uniform
from kechuang.world.mechanisms.research import ResearchParameters, notch
from kechuang.world.population.firms import NO_CERTIFICATE, FirmColumns
from kechuang.world.population.talent import TalentColumns

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@compiled
def wanted_heads(research: float, cost: float, draw: float) -> int:
    """Return the R&D staff for some R&D a year; the part of a person is rounded by the firm's permanent draw."""
    return math.floor(research / cost + draw)


@compiled
def research_ceiling(cost: float, heads: int) -> float:
    """Return the real R&D a year that this staff and one part-time person can do (万元)."""
    return cost * (heads + 1.0)


def matches(seekers: Floats, vacancies: Floats, efficiency: Floats) -> Floats:
    """Return how many vacancies are filled in a quarter."""
    return np.minimum(np.minimum(seekers, vacancies), efficiency * np.sqrt(seekers * vacancies))


@compiled
def heads_wanted(firms: FirmColumns, count: int, head_key: np.uint64, cost: float) -> Rows:
    """Return how many R&D staff each firm wants for the R&D that it has in mind."""
    wanted = np.zeros(count, dtype=np.int64)
    for i in range(count):
        if firms.alive[i] == 1 and firms.does_research[i] == 1:
            wish = max(firms.research_intensity[i], firms.research_wish[i])
            wanted[i] = wanted_heads(4.0 * firms.sales[i] * wish, cost, uniform(head_key, firms.identity[i]))
    return wanted


@compiled
def jobs_by_step(firms: FirmColumns, count: int, places: int, steps: int) -> Floats:
    """Return how many R&D staff firms have by place and step of the ladder."""
    jobs = np.zeros((places, steps))
    for i in range(count):
        jobs[firms.place[i], firms.ladder[i]] += firms.research_staff[i]
    return jobs


@compiled
def layoffs_of(staff: NDArray[np.int32], wanted: Rows, speed: float) -> Rows:
    """Return how many people each firm lets go this quarter."""
    out = np.zeros(wanted.size, dtype=np.int64)
    for i in range(wanted.size):
        if staff[i] > wanted[i]:
            out[i] = int(speed * (staff[i] - wanted[i]))
    return out


@compiled
def list_vacancies(
    firms: FirmColumns, count: int, wanted: Rows, kind_key: np.uint64, order_key: np.uint64, kinds: Floats
) -> tuple[Rows, NDArray[np.int8], Floats]:
    """Return firm, kind and place in the queue of every vacancy; `kinds` are cumulative shares of the kinds of talent.

    A firm's vacancies are numbered from its staff on: one more adds a vacancy and leaves the draws of the others alone.
    """
    number = 0
    for i in range(count):
        number += max(0, wanted[i] - firms.research_staff[i])
    firm, kind, order = np.empty(number, dtype=np.int64), np.empty(number, dtype=np.int8), np.empty(number)
    found = 0
    for i in range(count):
        for slot in range(firms.research_staff[i], wanted[i]):
            shift = np.uint64(slot)
            draw = uniform(kind_key + shift, firms.identity[i])
            firm[found], order[found] = i, uniform(order_key + shift, firms.identity[i])
            kind[found] = 0 if draw < kinds[0] else (1 if draw < kinds[1] else 2)
            found += 1
    return firm, kind, order


@compiled
def markets_of(people: TalentColumns, rows: Rows, places: int) -> Rows:
    """Return the market in which each of these people looks for a job: kind of talent and place, as one number."""
    market = np.empty(rows.size, dtype=np.int64)
    for k in range(rows.size):
        market[k] = people.kind[rows[k]] * places + people.place[rows[k]]
    return market


@compiled
def unmatched(market: Rows, matched: NDArray[Any], nobody: int, markets: int) -> Floats:
    """Return by market how many vacancies or seekers are still marked as matched with nobody."""
    number = np.zeros(markets)
    for k in range(market.size):
        if matched[k] == nobody:
            number[market[k]] += 1.0
    return number


@compiled
def pair(queue: Rows, market: Rows, seekers: Rows, seeker_market: Rows, quota: Rows, chosen: Rows, taken: NDArray[np.int8]) -> None:
    """Give open vacancies (in the order of `queue`) free seekers of their market (in the order of `seekers`) up to its quota."""
    start = np.zeros(quota.size + 1, dtype=np.int64)
    for s in seekers:
        start[seeker_market[s] + 1] += 1 - taken[s]
    start = np.cumsum(start)
    next_one, lists = start[:-1].copy(), np.empty(seekers.size, dtype=np.int64)
    for s in seekers:
        if taken[s] == 0:
            lists[next_one[seeker_market[s]]] = s
            next_one[seeker_market[s]] += 1
    pointer = start[:-1].copy()
    for v in queue:
        here = market[v]
        if chosen[v] < 0 and quota[here] > 0 and pointer[here] < start[here + 1]:
            chosen[v] = lists[pointer[here]]
            taken[chosen[v]] = 1
            pointer[here] += 1
            quota[here] -= 1


@compiled
def hire(
    people: TalentColumns,
    staff: NDArray[np.int32],
    firm_place: NDArray[np.int8],
    firm: Rows,
    chosen: Rows,
    seekers: Rows,
    offers: Floats,
    newcomer: int,
    nothing_due: int,
) -> Rows:
    """Let the chosen begin their jobs at the posted wage; return the rows of newcomers among them.

    A match with one's own employer comes to nothing, and the vacancy stays open.
    """
    newcomers, found = np.empty(firm.size, dtype=np.int64), 0
    for v in range(firm.size):
        if chosen[v] < 0:
            continue
        i, old = seekers[chosen[v]], people.employer[seekers[chosen[v]]]
        if old == firm[v]:
            chosen[v] = -1
            continue
        if old >= 0:
            staff[old] -= 1
        people.employer[i] = firm[v]
        staff[firm[v]] += 1
        people.place[i] = firm_place[firm[v]]
        people.wage[i] = offers[people.kind[i], people.place[i]]
        if people.due[i] == newcomer:
            people.due[i] = nothing_due
            newcomers[found] = i
            found += 1
    return newcomers[:found]


@compiled
def limit_research(firms: FirmColumns, count: int, cost: float, p: ResearchParameters) -> tuple[float, float]:
    """Cut every firm's R&D to what its staff can do, remembering its wish; return wished and real R&D a year (万元)."""
    wished, done = 0.0, 0.0
    for i in range(count):
        firms.research_wish[i] = firms.research_intensity[i]
        if firms.alive[i] == 0 or firms.does_research[i] == 0:
            continue
        annual = 4.0 * firms.sales[i]
        wished += annual * firms.research_intensity[i]
        most = research_ceiling(cost, firms.research_staff[i]) / annual
        if firms.research_intensity[i] > most:
            floor = 0.0
            if firms.certified[i] > NO_CERTIFICATE or firms.applied[i] == 1:
                floor = min(firms.research_intensity[i], notch(annual, p) - firms.relabelled[i])
            firms.research_intensity[i] = max(most, floor)
        done += annual * firms.research_intensity[i]
    return wished, done
