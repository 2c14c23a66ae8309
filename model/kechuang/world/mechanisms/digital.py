"""M10 Digitalisation in two kinds: key projects of large firms, which come in a given number, and light retrofits of many.

    key projects of a quarter ~ Poisson(kD(year) / 4);  cost lognormal with mean 4740万, largest first to
        the highest  ln S + ln gap + Gumbel noise  among above-scale firms with S over the threshold that can pay the cost
        gap: 1 without a project, 1 - light share after a light retrofit, light share once a key project has ripened
    light retrofits: above-scale firms without any project, hazard  (pD + qD covered) exp(response (share - .10)) a year,
        cost U(20, 300)万, again only where deposits carry it
    effect on log productivity, quarters k after the start:  -dip for k < 4, then psiD (k - 3)/ramp up to psiD;
        light: the same at light share, two quarters each;  a later key project: the same as the first at light share
Money in 万元 at prices of 2020; the margin follows productivity as in spillovers.py. Sources: Bass 1969 (imitation); China
Accounting and Finance Review 27(5) (effect from negative to positive over time); sizes and rates in calibration/parameters.yaml.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.world.mechanisms.venture import gumbel
from kechuang.world.population.firms import FirmColumns

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]
NONE, LIGHT, KEY, BOTH, AGAIN = range(5)
"""What a firm has had: a light retrofit comes only before a key project, and more than one key project counts as again."""
AFTER_KEY = np.array([KEY, BOTH, AGAIN, AGAIN, AGAIN], dtype=np.int8)
"""What a firm has had after one more key project."""
FIRST_YEAR = 2016
DIP_QUARTERS = 4
LIGHT_DIP_QUARTERS = LIGHT_RAMP_QUARTERS = 2
QUARTERS_BETWEEN = 4
"""A firm gets one kind in a year."""
USUAL_SHARE = 0.10
"""Share of cost at which the subsidy moves no hazard."""
LIGHT_SPREAD = 0.875
"""Half-width of the cost of light retrofits over its mean: 20 to 300 around 160."""


class DigitalParameters(NamedTuple):
    """Numbers and rates per year, money in 万元 at prices of 2020, gains in log productivity."""

    arrivals: Numbers
    arrivals_2020: float
    cost: float
    cost_sd: float
    gain: float
    dip: float
    light_share: float
    external: float
    imitation: float
    response: float
    light_cost: float
    coverage_2015: float
    key_size: float
    ramp_quarters: float

    @classmethod
    def of(cls, draw: Draw) -> DigitalParameters:
        """Take the record from a draw."""
        return cls(
            np.array(draw.vector("digital_project_arrivals")),
            draw.number("digital_project_arrivals_2020"),
            draw.number("digital_project_cost"),
            draw.number("digital_project_cost_sd"),
            draw.number("digital_productivity_gain"),
            draw.number("digital_productivity_dip"),
            draw.number("digital_light_gain_share"),
            draw.number("digital_light_external"),
            draw.number("digital_light_imitation"),
            draw.number("digital_subsidy_response"),
            draw.number("digital_light_cost"),
            draw.number("digital_coverage_2015"),
            draw.number("digital_key_size"),
            draw.number("digital_ramp_quarters"),
        )


@compiled
def coverage(alive: NDArray[np.int8], above_scale: NDArray[np.int8], digital: NDArray[np.int8], count: int) -> float:
    """Return the share of above-scale firms that have had at least one project."""
    panel, covered = 0, 0
    for i in range(count):
        if alive[i] == 1 and above_scale[i] == 1:
            panel += 1
            covered += digital[i] > NONE
    return covered / max(panel, 1)


@compiled
def core_value_added(
    firms: FirmColumns, count: int, core: NDArray[np.bool_], per_sales: Numbers
) -> Numbers:
    """Return value added of every living firm of the digital core (万元); `per_sales` is that before margins, by industry."""
    values, found = np.empty(count), 0
    for i in range(count):
        if firms.alive[i] == 1 and core[firms.industry[i]]:
            values[found] = (per_sales[firms.industry[i]] + firms.margin[i]) * firms.sales[i]
            found += 1
    return values[:found]


@compiled
def who_changes(firms: FirmColumns, count: int, quarter: int, ripe_after: int) -> Rows:
    """Return the rows of the living firms whose last project still moves their productivity."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        if firms.digital[i] > NONE and quarter - firms.digitised[i] <= ripe_after and firms.alive[i] == 1:
            rows[found] = i
            found += 1
    return rows[:found]


@compiled
def panel_beyond(firms: FirmColumns, count: int, least: float) -> Rows:
    """Return the rows of the above-scale firms that sell more than this a year (万元)."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        if firms.alive[i] == 1 and firms.above_scale[i] == 1 and 4.0 * firms.sales[i] > least:
            rows[found] = i
            found += 1
    return rows[:found]


@compiled
def without_project(firms: FirmColumns, count: int) -> Rows:
    """Return the rows of the above-scale firms that have had no project yet."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        if firms.alive[i] == 1 and firms.above_scale[i] == 1 and firms.digital[i] == NONE:
            rows[found] = i
            found += 1
    return rows[:found]


def arrivals_in(year: int, p: DigitalParameters) -> float:
    """Return the expected number of key projects of a year: from 2020 on it is constant."""
    position = max(year - FIRST_YEAR, 0)
    return float(p.arrivals[position]) if position < p.arrivals.size else p.arrivals_2020


def key_cost(z: float, price: float, p: DigitalParameters) -> float:
    """Return the cost of a key project from a standard normal draw; the mean over draws is the parameter."""
    return float(price * p.cost * np.exp(p.cost_sd * z - 0.5 * p.cost_sd**2))


def light_cost(draw: Numbers, price: float, p: DigitalParameters) -> Numbers:
    """Return costs of light retrofits from draws in (0, 1)."""
    return np.asarray(price * p.light_cost * (1.0 + LIGHT_SPREAD * (2.0 * draw - 1.0)))


def light_hazard(share: Numbers, covered: float, p: DigitalParameters) -> Numbers:
    """Return light retrofits per firm without a project and year, where the city pays this share of their cost."""
    return np.asarray((p.external + p.imitation * covered) * np.exp(p.response * (share - USUAL_SHARE)))


def quarterly(hazard: Numbers) -> Numbers:
    """Return the chance of a quarter at a yearly hazard."""
    return np.asarray(-np.expm1(-0.25 * hazard))


def wish_for_key(annual: Numbers, digital: NDArray[np.int8], draw: Numbers, p: DigitalParameters) -> Numbers:
    """Return how firms line up for key projects: the larger and the less digital, the earlier, and luck."""
    left = p.light_share
    gap = np.array([1.0, 1.0 - left, left, left, left])[digital]
    return np.asarray(np.log(annual) + np.log(np.maximum(gap, 1e-9)) + gumbel(draw))


def may_start_key(digital: NDArray[np.int8], age: Rows, p: DigitalParameters) -> NDArray[np.bool_]:
    """Return who may take on a key project: no other project within a year, and a former key project has ripened."""
    wait = np.array([0, QUARTERS_BETWEEN] + 3 * [ripe_after(p)])[digital]
    return (digital == NONE) | (age >= wait)


def match_projects(costs: Numbers, wish: Numbers, cash: Numbers, identity: Rows) -> tuple[Rows, Rows]:
    """Return which projects start and in which firm (positions): each takes the first in line that can pay for it."""
    largest_first = np.argsort(-costs, kind="stable")
    return first_able(largest_first, costs, np.lexsort((identity, -wish)), cash)


@compiled
def first_able(projects: Rows, costs: Numbers, line: Rows, cash: Numbers) -> tuple[Rows, Rows]:
    """Return projects and firms matched when each project, in turn, takes the first firm in line with the cash for it."""
    left, started, firms, found = cash[line], np.empty(projects.size, np.int64), np.empty(projects.size, np.int64), 0
    for project in projects:
        for k in range(line.size):
            if left[k] >= costs[project]:
                left[k] = -1.0
                started[found], firms[found] = project, line[k]
                found += 1
                break
    return started[:found], firms[:found]


@compiled
def effect_at(age: int, dip_quarters: int, ramp_quarters: float, dip: float, gain: float) -> float:
    """Return what a project adds to log productivity so many quarters after its start (negative age: nothing yet)."""
    if age < 0:
        return 0.0
    if age < dip_quarters:
        return -dip
    return gain * min((age - dip_quarters + 1) / ramp_quarters, 1.0)


@compiled
def change_of_effect(digital: NDArray[np.int8], age: Rows, p: DigitalParameters) -> Numbers:
    """Return by how much the last project of firms changes their log productivity in this quarter."""
    change = np.empty(age.size)
    for k in range(age.size):
        light = digital[k] == LIGHT
        size = p.light_share if light or digital[k] == AGAIN else 1.0
        dip, ramp = (LIGHT_DIP_QUARTERS, float(LIGHT_RAMP_QUARTERS)) if light else (DIP_QUARTERS, p.ramp_quarters)
        before = effect_at(age[k] - 1, dip, ramp, p.dip, p.gain)
        change[k] = size * (effect_at(age[k], dip, ramp, p.dip, p.gain) - before)
    return change


def ripe_after(p: DigitalParameters) -> int:
    """Return the quarters after which no project moves productivity any more."""
    return DIP_QUARTERS + int(np.ceil(p.ramp_quarters))
