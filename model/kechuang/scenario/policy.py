"""The effective value of every lever in every quarter, recomputed from the baseline path and the scenario.

A policy never edits a parameter. Arrays have the shape [quarters + 1, places, industries, ladder steps] with
t = 0 (end of 2015) to `scenario.until`; money is nominal to 2020Q4 and in prices of 2020Q4 after it. NumPy is
imported on first use, so that checking a file stays light.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from kechuang.scenario.baseline import INDUSTRY_COUNT, LADDER_COUNT, baseline_grid
from kechuang.scenario.levers import MAIN
from kechuang.scenario.places import industry_keys, place_keys
from kechuang.scenario.records import LeverChange, Scenario

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]


def baseline(scenario: Scenario, key: str, dial: str = MAIN) -> Values:
    """Return the policy path without any change, under the law of the scenario."""
    import numpy as np

    shape = (scenario.until + 1, len(place_keys(scenario.city)), INDUSTRY_COUNT, LADDER_COUNT)
    return np.broadcast_to(_grids(key, dial, scenario.law, scenario.until)[:, None, :, :], shape).copy()


@cache
def _grids(key: str, dial: str, law: str, until: int) -> Values:
    """Return the baseline path by quarter, industry and step; nobody writes to it."""
    import numpy as np

    return np.array([baseline_grid(key, dial, quarter, law) for quarter in range(until + 1)])


def effective(scenario: Scenario, key: str, dial: str = MAIN, path: Values | None = None) -> Values:
    """Return the policy path with the scenario's changes at full budget; `path` stands in for the baseline path.

    `value` adds to the path, `level` and `path` replace it; with a ramp of r quarters the n-th quarter of the
    change moves n/r of the way. A change with budget 0, and one of value 0, leave every bit as it was.
    """
    import numpy as np

    values = baseline(scenario, key, dial) if path is None else path
    for change in scenario.changes(key, dial):
        if change.budget == 0:
            continue
        target = values.copy()
        for quarter in range(change.from_quarter, min(change.until_quarter, scenario.until) + 1):
            target[quarter] = _moved(change, values[quarter], quarter)
        values = np.where(_reached(change, scenario.city), target, values)
    return values


def changes_with_budget(scenario: Scenario) -> tuple[LeverChange, ...]:
    """Return the changes whose cost a yearly budget above 0 limits; the world rations them pro rata."""
    return tuple(change for change in scenario.levers if change.budget is not None and change.budget > 0)


def _moved(change: LeverChange, path: Values, quarter: int) -> Values:
    """Return the values of one quarter with the change in force."""
    import numpy as np

    strength = min(1.0, (quarter - change.from_quarter + 1) / change.ramp) if change.ramp else 1.0
    if change.mode == "value":
        return path + strength * change.amount
    level = change.amount if change.mode == "level" else [v for start, v in change.path if start <= quarter][-1]
    if strength == 1.0:
        return np.full_like(path, level)
    return path + strength * (level - path)


def _reached(change: LeverChange, city: str) -> NDArray[np.bool_]:
    """Return which places, industries and ladder steps a change reaches."""
    import numpy as np

    def mask(named: tuple[str, ...] | tuple[int, ...], order: tuple[str, ...] | range) -> NDArray[np.bool_]:
        return np.array([not named or key in named for key in order])

    places, industries = mask(change.places, place_keys(city)), mask(change.industries, industry_keys())
    steps = mask(change.ladder, range(LADDER_COUNT))
    reached: NDArray[np.bool_] = places[:, None, None] & industries[None, :, None] & steps[None, None, :]
    return reached
