"""The policy path without any scenario: policy as it was to 2020Q4, then the policy of 2020 for ever.

Plain Python, so that checking a scenario file loads no array library. Money is in prices of 2020Q4 after that
quarter; the world applies its own deflator.
"""

from __future__ import annotations

from functools import cache

from kechuang.clock import quarter_index
from kechuang.scenario.lever_record import Dial
from kechuang.scenario.levers import LEVERS

INDUSTRY_COUNT, LADDER_COUNT = 8, 4
SOFTWARE = 7
"""Position of software and services, the one of the eight industries that is not manufacturing."""

Grid = tuple[tuple[float, ...], ...]
"""Values by industry (8) and ladder step (4)."""


@cache
def baseline_grid(key: str, dial_key: str, quarter: int, law: str) -> Grid:
    """Return the baseline value of a dial in quarter t (0 = end of 2015) by industry and ladder step."""
    dial = LEVERS[key].dial(dial_key)
    if dial.calendar == "super_deduction":
        return tuple(
            tuple(super_deduction(quarter, industry == SOFTWARE, step, law) for step in range(LADDER_COUNT))
            for industry in range(INDUSTRY_COUNT)
        )
    row = (path_value(dial, quarter),) * LADDER_COUNT
    return (row,) * INDUSTRY_COUNT


def baseline_values(key: str, dial_key: str, quarter: int, law: str) -> set[float]:
    """Return the different baseline values of a dial in quarter t, over industries and ladder steps."""
    return {value for row in baseline_grid(key, dial_key, quarter, law) for value in row}


def path_value(dial: Dial, quarter: int) -> float:
    """Return the value of a dial's own path in quarter t; before its first point the first value holds."""
    points = [(quarter_index(label), float(value)) for label, value in dial.path]
    before = [point for point in points if point[0] <= quarter]
    after = [point for point in points if point[0] > quarter]
    if not before:
        return points[0][1]
    start, low = before[-1]
    if not dial.linear or not after:
        return low
    end, high = after[0]
    return low + (high - low) * (quarter - start) / (end - start)


def super_deduction(quarter: int, software: bool, ladder_step: int, law: str) -> float:
    """Return the extra deduction in % of R&D by the national calendar (calibration/law.yaml)."""
    from kechuang.law import super_deduction as calendar

    trade = calendar(law, quarter)["other" if software else "manufacturing"]
    return trade["listed_percent" if ladder_step >= 1 else "base_percent"]
