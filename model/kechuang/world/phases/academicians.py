"""Academicians in a quarter (V7): visits, projects at partner firms, and the grants that these claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, poissons, stream_key, uniform, uniforms
from kechuang.world.mechanisms import academicians as rules

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

LEVER, FLOW = "top_talent_grant", "grants to top talent projects"
MOST_VISITS = 256
"""Visits of a quarter with draws of their own; keys hold sixteen bits of quarter and visit."""


def receive(city: Corridor) -> None:
    """Draw the visits of the quarter and begin the projects that come of them.

    With the grant common to all firms a visit may lead anywhere; what a larger grant for some cells adds happens there.
    """
    quarter, seed, value = city.quarter, city.luck_seed, city.rules.value
    if quarter < rules.FIRST_QUARTER:
        return
    mean = np.array([city.scale * value("academician_visits")])
    visits = poissons(stream_key(seed, quarter, int(Purpose.ACADEMICIAN_VISITS)), np.zeros(1, dtype=np.int64), mean)
    number = min(int(visits[0]), MOST_VISITS)
    city.labour.visits += number
    paths, conversion = city.policy.talent, value("academician_conversion")
    elasticity, key = value("top_grant_elasticity"), stream_key(seed, quarter, int(Purpose.ACADEMICIAN_CONVERSION))
    grants = (paths.paths.grant[quarter], paths.unchanged.grant[quarter])
    free, most, usual = (
        rules.project_chance(conversion, float(grant) / city.money, elasticity)
        for grant in (grants[0].min(), grants[0].max(), grants[1].max())
    )
    columns, count = city.firms.columns, city.firms.count
    suits = (columns.alive[:count] == 1) & ((columns.ladder[:count] >= 2) | (columns.above_scale[:count] == 1))
    partners = np.flatnonzero(suits & (columns.knowledge[:count] > 0.0))
    cell = (columns.place[partners], columns.industry[partners], columns.ladder[partners])
    aimed = partners[grants[0][cell] >= grants[0].max()]
    boost, quarters = value("academician_pool_boost"), round(value("academician_boost_quarters"))
    for visit in range(number):
        draw = uniform(key, visit)
        if draw < max(free, most):
            row = _partner(city, visit, partners if draw < free else aimed)
            city.labour.projects += row.size
            city.boosts.add(row, np.full(row.size, boost), np.full(row.size, quarter + quarters))
            _claim_grant(city, row, in_path=draw < usual)


def _partner(city: Corridor, visit: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row of the partner among these firms, or no row where there is none."""
    key = stream_key(city.luck_seed, city.quarter * MOST_VISITS + visit, int(Purpose.ACADEMICIAN_PARTNER))
    columns = city.firms.columns
    position = rules.choose_partner(columns.knowledge[rows], uniforms(key, columns.identity[rows]))
    return rows[position : position + 1] if position >= 0 else rows[:0]


def _claim_grant(city: Corridor, row: NDArray[np.int64], in_path: bool) -> None:
    """Let the partner claim what its cell pays, cut where the project or the amount comes from a change with a budget."""
    columns, quarter, talent = city.firms.columns, city.quarter, city.policy.talent
    cell, price = (columns.place[row], columns.industry[row], columns.ladder[row]), city.policy.price(quarter, city.deflator)
    promised, unchanged = price * talent.paths.grant[quarter][cell], price * talent.unchanged.grant[quarter][cell]
    paid = talent.budgets[LEVER].ration(promised, unchanged if in_path else 0.0 * unchanged)
    if paid.sum() > 0.0:
        city.claim(LEVER, FLOW, row, paid)
