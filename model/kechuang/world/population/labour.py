"""The market for talent beside the people themselves: vacancies, wages, stocks by place, and the flows of a quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.world.mechanisms import talent as rules
from kechuang.world.population.talent import KINDS

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

FLOWS = ("arrivals", "trained", "left", "founders")
SIGN = {"arrivals": 1.0, "trained": 1.0, "left": -1.0, "founders": -1.0}


class Cohort(NamedTuple):
    """Persons trained in a quarter: how many in all, how many for every industry, and for which industries the others."""

    quarter: int
    number: int
    open: int
    industries: NDArray[np.bool_]


class Census(NamedTuple):
    """People present by kind, those with a job, and the sum of the wages of these (万元 a year)."""

    present: NDArray[np.float64]
    employed: NDArray[np.float64]
    wages: NDArray[np.float64]


class Labour:
    """State of the market; arrays over kinds have researchers, engineers, top talent and, where four, graduates.

    `gap` is the share of vacancies left unfilled in the last quarter by kind and place. `wage_ratio` is the mean wage of R&D
    staff over its trend, `outside_wage` that of the alternatives over its own: 1, unless an own event moves it.
    """

    def __init__(self, places: int) -> None:
        self.gap = np.zeros((len(KINDS), places))
        self.wage_ratio = self.outside_wage = 1.0
        self.arrival_weight = self.graduate_weight = np.full(places, 1.0 / places)
        self.graduates = np.zeros(places)
        self.first_staff = self.first_graduates = self.first_employed = 1.0
        self.census = Census(np.zeros(len(KINDS)), np.zeros(len(KINDS)), np.zeros(len(KINDS)))
        self.flows = {name: np.zeros(len(KINDS) + 1) for name in FLOWS}
        self.opening = np.zeros(len(KINDS) + 1)
        self.vacancies = self.unfilled = 0
        self.cohorts: list[Cohort] = []
        self.training_places = self.grants = 0.0
        self.graduate_grants: dict[int, float] = {}
        self.visits = self.projects = 0
        self.research = (0.0, 0.0)
        """R&D that firms have in mind and R&D that they do, at a yearly rate (万元)."""

    def stocks(self) -> NDArray[np.float64]:
        """Return how many people there are of each kind, graduates last."""
        return np.append(self.census.present, self.graduates.sum())

    def open_quarter(self) -> None:
        """Note the stocks and forget the flows of the last quarter."""
        self.opening = self.stocks()
        self.flows = {name: np.zeros(len(KINDS) + 1) for name in FLOWS}

    def employed_share(self) -> float:
        """Return the share of R&D staff and top talent with a job, of which at least one in twenty is counted."""
        return max(0.05, float(self.census.employed.sum()) / max(float(self.census.present.sum()), 1.0))

    def unfilled_share(self) -> float:
        """Return the share of vacancies left unfilled (0 where there was none)."""
        return self.unfilled / self.vacancies if self.vacancies else 0.0


def take_census(city: Corridor) -> None:
    """Count the people and note what R&D staff earn relative to the trend of wages."""
    talent, labour, p = city.talent, city.labour, city.rules.talent
    labour.census = Census(*rules.census(talent.columns, talent.count))
    usual = float(labour.census.employed @ rules.reference_wages(city.quarter, p)[: len(KINDS)])
    labour.wage_ratio = float(labour.census.wages.sum()) / usual if usual > 0.0 else 1.0
