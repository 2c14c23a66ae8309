"""Academicians in a quarter (V7): visits, projects at partner firms, and the grants that these claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, poissons, stream_key, uniforms
from kechuang.world.mechanisms import academicians as rules

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

LEVER, FLOW = "top_talent_grant", "grants to top talent projects"
def receive(city: Corridor) -> None:
    """Draw the visits of the quarter and begin the projects that come of them, one at most with a firm.

    With the grant common to all firms a visit may lead anywhere; what a larger grant for some cells adds happens there.
    """
    quarter, seed, value = city.quarter, city.luck_seed, city.rules.value
    if quarter < rules.FIRST_QUARTER:
        return
    mean = np.array([city.scale * value("academician_visits")])
    visits = poissons(stream_key(seed, quarter, int(Purpose.ACADEMICIAN_VISITS)), np.zeros(1, dtype=np.int64), mean)
    city.labour.visits += int(visits[0])
    paths, conversion = city.policy.talent, value("academician_conversion")
    elasticity, key = value("top_grant_elasticity"), stream_key(seed, quarter, int(Purpose.ACADEMICIAN_CONVERSION))
    grants = (paths.paths.grant[quarter], paths.unchanged.grant[quarter])
    free, most, usual = (
        rules.project_chance(conversion, float(grant) / city.money, elasticity)
        for grant in (grants[0].min(), grants[0].max(), grants[1].max())
    )
    boost, quarters = value("academician_pool_boost"), round(value("academician_boost_quarters"))
    draws = uniforms(key, np.arange(visits[0]))
    projects = np.flatnonzero(draws < max(free, most))
    if projects.size == 0:
        return
    columns = city.firms.columns
    partners = rules.who_is_in_line(columns, city.firms.count)
    anywhere = int((draws[projects] < free).sum())
    rows = _partners(city, partners, anywhere)
    if projects.size > anywhere:
        cell = (columns.place[partners], columns.industry[partners], columns.ladder[partners])
        aimed = np.setdiff1d(partners[grants[0][cell] >= grants[0].max()], rows)
        rows = np.concatenate([rows, _partners(city, aimed, projects.size - anywhere)])
    city.labour.projects += rows.size
    city.boosts.add(rows, np.full(rows.size, boost), np.full(rows.size, quarter + quarters))
    _claim_grants(city, rows, usual=int((draws[projects] < usual).sum()))


def _partners(city: Corridor, rows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Return the rows of the first in line among these firms."""
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.ACADEMICIAN_PARTNER))
    columns = city.firms.columns
    return rows[rules.line_of_partners(columns.knowledge[rows], uniforms(key, columns.identity[rows]), number)]


def _claim_grants(city: Corridor, rows: NDArray[np.int64], usual: int) -> None:
    """Let partners claim what their cells pay; beyond the `usual` number, projects come from a change with a budget."""
    columns, quarter, talent = city.firms.columns, city.quarter, city.policy.talent
    cell, price = (columns.place[rows], columns.industry[rows], columns.ladder[rows]), city.policy.price(quarter, city.deflator)

    def due_anyway() -> NDArray[np.float64]:
        return np.asarray(price * talent.unchanged.grant[quarter][cell] * (np.arange(rows.size) < usual))

    paid = talent.budgets[LEVER].ration(price * talent.paths.grant[quarter][cell], due_anyway)
    if paid.sum() > 0.0:
        city.claim(LEVER, FLOW, rows, paid)
