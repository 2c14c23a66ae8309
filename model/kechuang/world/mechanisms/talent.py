"""M7 Talent: who comes, who leaves, who changes jobs, and what is paid.

    U_kz       = omega ln(w_kz e / (w_out e_0)) + am_z + net_k ln(stock/stock_2016) + sig sub_kz/w_kz     centred at 2016Q1
    arrivals   ~ Poisson(Mbar_k weight_z P/4),  P = s e^U / (s e^U + 1 - s)                 Mbar_k = inflow_k/s, persons
    departure  : odds o_k/(1 - o_k) e^-U, without the subsidy                               per year
    job moves  : q_k 2 / (1 + exp(-(offer - w)/(Lambda w)))                                 per year, q_k at equal pay
    offer      = trend wage of the kind x (1 + w_vac share of vacancies unfilled)           万元 a year
    cost       = cFTE (1 - l + l x mean wage of R&D staff/its trend)                        万元 a person and year
s is the share of possible movers who come at U = 0, e the share of R&D staff with a job, w_out the wage of the alternatives.
Sources: logit of migration; Harris and Todaro 1970 (the chance of a job counts with its wage), Fu and Gabriel 2012
(concentration), Moretti and Wilson 2017 (wages), Cui, Wang and Wang 2021 (subsidies may do nothing); constants assumed
where calibration/parameters.yaml says so.
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
from kechuang.world.population.talent import TalentColumns

Floats = NDArray[np.float64]
KIND_COUNT = 3
SHARE_MAX = 0.4
"""Largest share of possible movers who come that the list of candidates allows for; more is refused and counted."""
MIDDLE_OF_2016 = 2.5
"""Quarter at which yearly wages of 2016 are paid on average."""


class TalentParameters(NamedTuple):
    """Lists over researchers, engineers, top talent and graduates; rates per year, wages in 万元 a year of 2016."""

    stock_share: Floats
    graduates: float
    outflow: Floats
    job_change: Floats
    inflow: Floats
    inflow_share: float
    wage_elasticity: float
    concentration: Floats
    subsidy_effect: float
    wages: Floats
    wage_growth: float
    vacancy_response: float
    wage_scale: float
    match_efficiency: Floats
    layoff_speed: float
    wage_share: float

    @classmethod
    def of(cls, draw: Draw, scale: float = 1.0) -> TalentParameters:
        """Take the record from a draw; heads shrink with the city's scale."""
        number, vector = draw.number, draw.vector
        stock, premium = np.array(vector("talent_stock_2015")), number("researcher_wage_premium")
        staff = number("talent_concentration")
        return cls(
            stock[:KIND_COUNT] / stock[:KIND_COUNT].sum(),
            scale * 1000.0 * number("talent_stock_scale") * float(stock[KIND_COUNT]),
            np.array(vector("talent_outflow_rate")),
            np.array(vector("talent_job_change_rate")),
            scale * np.array(vector("talent_inflow")),
            number("talent_inflow_share"),
            number("talent_wage_elasticity"),
            np.array([staff, staff, staff, number("talent_concentration_graduates")]),
            number("talent_subsidy_effect"),
            number("researcher_wage_2016") * np.array([1.0, 1.0, premium, 1.0 / premium]),
            number("wage_growth"),
            number("wage_vacancy_response"),
            number("job_change_wage_scale"),
            np.array(vector("match_efficiency")),
            number("employment_adjustment"),
            number("research_wage_share"),
        )


# Rules ----------------------------------------------------------------------------------------------------------------


def reference_wages(quarter: int, p: TalentParameters) -> Floats:
    """Return the trend of the yearly wage of each kind (万元): its wage of 2016, grown with wages of the nation."""
    return p.wages * (1.0 + p.wage_growth) ** ((quarter - MIDDLE_OF_2016) / 4.0)


def posted_wages(reference: Floats, gap: Floats, p: TalentParameters) -> Floats:
    """Return what firms offer by kind and place where this share of vacancies was left unfilled (万元 a year)."""
    return np.asarray(reference[:, None] * (1.0 + p.vacancy_response * gap))


def utility(wage: Floats, amenity: Floats, log_stock: Floats, subsidy: Floats, p: TalentParameters) -> Floats:
    """Return U by kind and place: `wage` is expected pay over that of the alternatives, `subsidy` a share of the wage."""
    pull = p.concentration[: log_stock.size, None] * log_stock[:, None]
    return np.asarray(p.wage_elasticity * np.log(wage) + amenity + pull + p.subsidy_effect * subsidy)


def inflow_chance(utilities: Floats, share: float) -> Floats:
    """Return the share of possible movers who come; `share` at a utility of 0."""
    odds = share * np.exp(utilities)
    return np.asarray(odds / (odds + 1.0 - share))


def departure_rate(rate: Floats, utilities: Floats) -> Floats:
    """Return the yearly probability of leaving the city, by kind and place; `rate` by kind at a utility of 0."""
    odds = (rate / (1.0 - rate))[:, None] * np.exp(-utilities)
    return np.asarray(odds / (1.0 + odds))


def research_cost(base: float, wage_ratio: float, wage_share: float) -> float:
    """Return the yearly cost of R&D per person where wages of R&D staff stand at this ratio to their trend (万元)."""
    return base * (1.0 - wage_share + wage_share * wage_ratio)


def pool_at_start(staff: Floats, p: TalentParameters) -> Floats:
    """Return how many people look for a job at the start, by kind: as many as fill the vacancies of a usual quarter.

    A usual quarter has as many vacancies as people who arrive or change jobs; with matches A u^.5 v^.5 they are filled
    at u = v/A^2 seekers, of whom v are those who arrive or change jobs.
    """
    usual = 0.25 * (p.inflow[:KIND_COUNT] + p.job_change[:KIND_COUNT] * staff)
    return np.asarray(usual * np.maximum(0.0, p.match_efficiency[:KIND_COUNT] ** -2 - 1.0))


@compiled
def job_change_chance(rate: float, offer: float, wage: float, scale: float) -> float:
    """Return the probability that a person looks for another job in a quarter; a quarter of `rate` at equal pay."""
    return 0.5 * rate / (1.0 + math.exp(-(offer - wage) / (scale * wage)))


# Kernels --------------------------------------------------------------------------------------------------------------


@compiled
def move_people(
    people: TalentColumns,
    count: int,
    staff: NDArray[np.int32],
    layoffs: NDArray[np.int64],
    leave_key: np.uint64,
    change_key: np.uint64,
    leaves: Floats,
    offers: Floats,
    indexation: float,
    job_change: Floats,
    wage_scale: float,
) -> tuple[Floats, NDArray[np.int64]]:
    """Let people leave the city, be laid off or look around; return who left by kind and the rows of who looks for a job.

    Wages are indexed first. Rows run from the last to the first: who came last is laid off first.
    """
    left, seekers, found = np.zeros(KIND_COUNT), np.empty(count, dtype=np.int64), 0
    for i in range(count - 1, -1, -1):
        if people.present[i] == 0:
            continue
        people.wage[i] *= indexation
        kind, place, firm = people.kind[i], people.place[i], people.employer[i]
        if uniform(leave_key, people.identity[i]) < leaves[kind, place]:
            people.present[i] = 0
            people.owed[i] = 0.0
            left[kind] += 1.0
            if firm >= 0:
                people.employer[i] = -1
                staff[firm] -= 1
                layoffs[firm] -= 1
            continue
        looks = firm < 0
        if not looks and layoffs[firm] > 0:
            people.employer[i] = -1
            staff[firm] -= 1
            layoffs[firm] -= 1
            looks = True
        if not looks:
            draw = uniform(change_key, people.identity[i])
            looks = draw < 0.5 * job_change[kind] and draw < job_change_chance(
                job_change[kind], offers[kind, place], people.wage[i], wage_scale
            )
        if looks:
            seekers[found] = i
            found += 1
    return left, seekers[:found]


@compiled
def accept_arrivals(
    key: np.uint64, first: NDArray[np.int64], numbers: NDArray[np.int64], chance: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return identity and cell of the candidates who come; `first` is the identity of the first candidate of a cell."""
    identity, cell, found = np.empty(numbers.sum(), dtype=np.int64), np.empty(numbers.sum(), dtype=np.int64), 0
    for c in range(numbers.size):
        for k in range(numbers[c]):
            if uniform(key, first[c] + k) < chance[c]:
                identity[found], cell[found] = first[c] + k, c
                found += 1
    return identity[:found], cell[:found]


@compiled
def subsidies_of(
    people: TalentColumns,
    rows: NDArray[np.int64],
    firms: FirmColumns,
    subsidy: NDArray[np.float64],
    quarter: int,
    price: float,
) -> Floats:
    """Return what the employers' cells promise these people (万元); `subsidy` by kind, quarter, place, industry and step."""
    promised = np.empty(rows.size)
    for k in range(rows.size):
        i, firm = rows[k], people.employer[rows[k]]
        promised[k] = price * subsidy[people.kind[i], quarter, firms.place[firm], firms.industry[firm], firms.ladder[firm]]
    return promised


@compiled
def jobs_held(people: TalentColumns, count: int, firm_count: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return people present by kind, and rows by employer: those with none in front, who has left the city among them."""
    present, jobs = np.zeros(KIND_COUNT), np.zeros(firm_count + 1, dtype=np.int64)
    for i in range(count):
        present[people.kind[i]] += people.present[i]
        jobs[people.employer[i] + 1] += 1
    return present, jobs


@compiled
def census(people: TalentColumns, count: int) -> tuple[Floats, Floats, Floats]:
    """Return people present, people employed and the wages of these (万元 a year), by kind."""
    present, employed, wages = np.zeros(KIND_COUNT), np.zeros(KIND_COUNT), np.zeros(KIND_COUNT)
    for i in range(count):
        if people.present[i] == 1:
            kind = people.kind[i]
            present[kind] += 1.0
            if people.employer[i] >= 0:
                employed[kind] += 1.0
                wages[kind] += people.wage[i]
    return present, employed, wages
