"""Facts on places, years and people: F18 high-tech firms stand denser than firms, F20 growth of a year says little of the
next, F21 how many of the R&D staff found firms.

The locational Gini compares where something is with where people live: 0 where it follows them, 1 where it stands in a
place without people.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.analyse.facts_record import INFINITE, Fact
from kechuang.world.population.firms import NO_CERTIFICATE

if TYPE_CHECKING:
    from kechuang.analyse.facts_panel import CityYear

    Numbers = NDArray[np.float64]

LARGE = 5000.0
"""Yearly sales (万元) from which on a firm counts as large for the persistence of growth."""


def locational_gini(numbers: Numbers, people: Numbers) -> float:
    """Return twice the area between the Lorenz curve of some numbers over people, place by place, and the diagonal.

    Places are ordered by number per head. Source: Krugman 1991.
    """
    if not numbers.sum() > 0.0:
        return math.nan
    share, head = numbers / numbers.sum(), people / people.sum()
    order = np.argsort(share / head, kind="stable")
    curve = np.concatenate([[0.0], np.cumsum(share[order])])
    return float(1.0 - (head[order] * (curve[1:] + curve[:-1])).sum())


def _concentration(city: CityYear) -> float:
    """Return how much more concentrated high-tech firms are than all units."""
    certified = city.firms[city.firms["certified"] > NO_CERTIFICATE]
    high_tech = np.bincount(certified["place"], minlength=city.people.size).astype(float)
    return locational_gini(high_tech, city.people) - locational_gini(city.units_by_place, city.people)


def persistence(city: CityYear, low: float = 0.0, high: float = INFINITE) -> float:
    """Return the correlation of log growth in two years in a row, less industry means, of firms in a range of sales."""
    now = city.firms[["identity", "sales"]]
    both = city.earlier.merge(city.before[["identity", "sales"]], on="identity", suffixes=("", "_then"))
    three = both.merge(now.rename(columns={"sales": "sales_now"}), on="identity")
    three = three[(three["sales"] >= low) & (three["sales"] < high)]
    if len(three) < 30:
        return math.nan
    logs = np.log(three[["sales", "sales_then", "sales_now"]].to_numpy(dtype=float))
    growth = np.diff(logs, axis=1)
    for industry in np.unique(three["industry"]):
        inside = (three["industry"] == industry).to_numpy()
        growth[inside] -= growth[inside].mean(axis=0)
    return float(np.corrcoef(growth.T)[0, 1])


def _by_size(city: CityYear) -> float:
    return persistence(city, low=LARGE) - persistence(city, high=LARGE)


def _founders(city: CityYear) -> float:
    return 1000.0 * float(city.spin_offs.sum() / city.research_staff.sum())


def space_facts() -> Iterator[Fact]:
    """Yield F18, F20 and F21."""
    gini = "locational Gini of high-tech firms over people less that of all units"
    yield Fact("F18", "places", gini, 0.03, 0.25, "Audretsch and Feldman 1996 (from memory); Jaffe et al. 1993", _concentration)
    annual = "correlation of annual growth with that of the year before"
    yield Fact("F20", "all", annual, -0.25, 0.10, "Bottazzi et al. 2011 (France)", persistence)
    more = "the same, firms above 5000万 of sales less those below"
    yield Fact("F20", "size", more, 0.0, INFINITE, "Bottazzi et al. 2011 (France): less negative for large firms", _by_size)
    founders = "founders per 1000 R&D staff and year"
    yield Fact("F21", "founders", founders, 0.5, 5.0, "order of magnitude (from memory)", _founders)
