"""Facts on credit: F15 who is served and who is rationed, F16 R&D and debt, F17 bad loans and the pandemic.

Each holds for a window, 2016-2020 and 2021-2035, which the table names by its last year. F15 asks that larger firms are
approved at least as often; debt over sales may rise or fall with size, but has to do so all the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.analyse.facts_record import EARLY, INFINITE, Fact
from kechuang.world.measure.pictures import SIZE_CLASSES

if TYPE_CHECKING:
    from kechuang.analyse.facts_panel import CityYear

PANDEMIC_YEAR = 2020


def approval_by_size(city: CityYear) -> NDArray[np.float64]:
    """Return the approved part of the applications by class of size; NaN where nobody of a class applied."""
    asked = city.credit.approved + city.credit.refused
    return np.where(asked > 0, city.credit.approved / np.maximum(asked, 1.0), math.nan)


def debt_by_size(city: CityYear) -> NDArray[np.float64]:
    """Return loans over yearly sales by class of size, means over year-ends weighted by sales."""
    sales = city.credit.sales
    return np.where(sales > 0, city.credit.loans / np.maximum(sales, 1e-9), math.nan)


def smallest_rise(values: NDArray[np.float64]) -> float:
    """Return the smallest step from a class of size to the next larger one."""
    return float(np.diff(values).min())


def steadiness(values: NDArray[np.float64]) -> float:
    """Return the smallest step in the direction that the classes of size mostly take; negative where it turns."""
    return max(smallest_rise(values), smallest_rise(-values))


def _rationed(city: CityYear) -> float:
    counts = city.credit.counts
    return counts["rationed"] / counts["applicants"] if counts["applicants"] else math.nan


def _constrained(city: CityYear) -> float:
    counts = city.credit.counts
    asked = counts["applicants"] + counts["discouraged"]
    return (counts["rationed"] + counts["discouraged"]) / asked if asked else math.nan


def _research_debt(city: CityYear) -> float:
    return float(np.mean(city.credit.correlations))


def _least_bad(city: CityYear) -> float:
    return min(city.credit.bad)


def _most_bad(city: CityYear) -> float:
    return max(city.credit.bad)


def _bump(city: CityYear) -> float:
    """Return by how much bad loans rose at most in 2020 above the end of 2019 (points)."""
    start = 4 * (PANDEMIC_YEAR - city.credit.first)
    return max(city.credit.bad[start : start + 4]) - city.credit.bad[start - 1]


def _of_class(by_size: Callable[[CityYear], NDArray[np.float64]], size_class: int) -> Callable[[CityYear], float]:
    return lambda city: float(by_size(city)[size_class])


def credit_facts(class_names: tuple[str, ...]) -> Iterator[Fact]:
    """Yield F15 to F17."""
    small = "China Household Finance Survey 2013 (46 % of small firms get credit); approval 93.98 % in 2018 (evidence)"
    rise = "smallest step of the approval rate from a class of size to the next larger one"
    yield Fact("F15", "approval", rise, 0.0, INFINITE, small, lambda city: smallest_rise(approval_by_size(city)))
    steady = "smallest step of loans over sales from a class of size to the next, in the direction most take"
    yield Fact("F15", "debt", steady, 0.0, INFINITE, small, lambda city: steadiness(debt_by_size(city)))
    for k in range(len(SIZE_CLASSES)):
        for part, by_size, what in (
            ("approval", approval_by_size, "approved share of applications"),
            ("debt", debt_by_size, "loans over yearly sales"),
        ):
            statistic = f"{what}, sales {class_names[k]}"
            yield Fact("F15", f"{part} {k + 1}", statistic, -INFINITE, INFINITE, "", _of_class(by_size, k))
    rationed = "share of formal applicants that are refused or granted markedly less"
    yield Fact("F15", "rationed", rationed, 0.03, 0.20, "approval 93.98 % in 2018 (evidence)", _rationed)
    constrained = "rationed and discouraged firms over applicants and discouraged firms"
    yield Fact("F15", "constrained", constrained, 0.15, 0.45, small, _constrained)
    research = "correlation of real R&D over sales with loans over sales among doers, mean of year-ends"
    yield Fact("F16", "collateral", research, -0.35, -0.02, "Hall and Lerner 2010 (from memory)", _research_debt)
    reported = "1.58 % at the end of 2015, 0.79 % in September 2018 (evidence)"
    yield Fact("F17", "lowest", "lowest ratio of bad loans in any quarter, %", 0.4, 2.0, reported, _least_bad)
    yield Fact("F17", "highest", "highest ratio of bad loans in any quarter, %", 0.4, 2.0, reported, _most_bad)
    bump = "highest ratio of bad loans in 2020 less that of the end of 2019, points"
    yield Fact("F17", "bump", bump, -INFINITE, 1.5, reported, _bump, years=EARLY, strict=True)
