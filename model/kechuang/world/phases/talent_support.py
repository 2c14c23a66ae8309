"""Grants to newcomers (V6): promised when they are hired, half paid at once and half after a year to who is still here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.world.mechanisms.hiring import jobs_by_step
from kechuang.world.mechanisms.talent import subsidies_of
from kechuang.world.phases.government import book_administration, pay_out
from kechuang.world.policy.talent_policy import Paths
from kechuang.world.population import talent as people

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

Floats = NDArray[np.float64]
LEVER, FLOW = "talent_subsidy", "talent subsidies"
QUARTERS_TO_SECOND_HALF = 4


def expected_by_place(city: Corridor) -> Floats:
    """Return what a possible newcomer counts on by kind and place (万元): the mean over the jobs that there are."""
    paths = city.policy.talent.expected_subsidy(city.quarter)
    price = city.policy.price(city.quarter, city.deflator) * city.rules.value("talent_subsidy_eligible")
    jobs = jobs_by_step(city.firms.columns, city.firms.count, paths.shape[1], paths.shape[-1])
    jobs = jobs + 1e-6 * jobs.sum(axis=0) + 1e-9  # where there are none, those of the city, or all alike
    share = jobs / jobs.sum(axis=1, keepdims=True)
    return np.asarray(price * (paths.mean(axis=2) * share).sum(axis=2))


def grant_newcomers(city: Corridor, rows: NDArray[np.int64]) -> None:
    """Promise eligible newcomers who have just been hired their grants, as far as the budget of a change goes."""
    columns, firms, quarter, talent = city.talent.columns, city.firms.columns, city.quarter, city.policy.talent
    key = stream_key(city.luck_seed, 0, int(Purpose.SUBSIDY_ELIGIBLE))
    rows = rows[uniforms(key, columns.identity[rows]) < city.rules.value("talent_subsidy_eligible")]
    price = city.policy.price(quarter, city.deflator)

    def promised_by(paths: Paths) -> Floats:
        return subsidies_of(columns, rows, firms, paths.subsidy, quarter, price)

    promised = talent.budgets[LEVER].ration(promised_by(talent.paths), lambda: promised_by(talent.unchanged))
    granted = promised > 0.0
    rows, half = rows[granted], 0.5 * promised[granted]
    columns.owed[rows], columns.due[rows] = half, quarter + QUARTERS_TO_SECOND_HALF
    city.labour.grants += float(half.sum())


def grant_graduates(city: Corridor, arrivals: Floats, leaving: Floats) -> None:
    """Promise grants to graduates who arrive in the places (persons), whatever firm they go to.

    They work on every step of the ladder; the mean over steps is what they get. `leaving` is the yearly share that leaves.
    """
    talent, labour, quarter = city.policy.talent, city.labour, city.quarter
    price = city.policy.price(quarter, city.deflator)
    eligible = city.rules.value("talent_subsidy_eligible") * arrivals

    def promised(paths: Paths) -> Floats:
        return np.asarray(price * eligible * paths.subsidy[people.GRADUATE, quarter].mean(axis=(1, 2)))

    half = 0.5 * talent.budgets[LEVER].ration(promised(talent.paths), lambda: promised(talent.unchanged))
    labour.grants += float(half.sum()) + labour.graduate_grants.pop(quarter, 0.0)
    labour.graduate_grants[quarter + QUARTERS_TO_SECOND_HALF] = float((half * (1.0 - leaving)).sum())


def pay_grants(city: Corridor) -> None:
    """Pay what was promised this quarter and the second halves of last year to people who are still here."""
    columns, labour = city.talent.columns, city.labour
    rows = np.flatnonzero(columns.due[: city.talent.count] == city.quarter)
    rows = rows[columns.present[rows] == 1]
    paid = labour.grants + float(columns.owed[rows].sum())
    columns.due[rows], columns.owed[rows] = people.NOTHING_DUE, 0.0
    labour.grants = 0.0
    pay_out(city, LEVER, FLOW, "households", paid)
    city.household_income += paid
    book_administration(city, LEVER, paid)
