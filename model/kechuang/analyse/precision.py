"""A stopping rule for draws: enough are run once the Monte-Carlo error of every judged target is small.

Further batches follow until the error of the probability of each target, and of each joint event, closures mixed, is no larger
than the precision asked for. The error is the Wilson half-width, which no few draws make zero, so a target that all of
a handful of draws reach does not stop the rule by luck. Alternatives do not count: they are other readings of the same
target.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from kechuang.analyse.targets import ALL, JUDGED, judge_targets
from kechuang.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.scenario import Scenario

LARGEST = 0.5
"""No error of a probability reaches it."""


def stopping_rule(scenario: Scenario, precision: float, most: int | None) -> Callable[[Scenario, pd.DataFrame], bool]:
    """Return the rule for a run of at most so many draws; InputError for what can never stop or never be judged."""
    problems = []
    if not 0.0 < precision < LARGEST:
        message = f"is the error of a probability, above 0 and below {LARGEST:g}, not {precision:g}"
        problems.append(Problem("--precision", message=message))
    if most is not None and most < scenario.draws:
        message = f"{most} is less than the {scenario.draws} draws of the first batch"
        problems.append(Problem("--max-draws", message=message))
    if not scenario.targets:
        problems.append(Problem("--precision", message=f"{scenario.name} names no targets that could be judged"))
    if problems:
        raise InputError(problems)
    return partial(is_precise, precision)


def is_precise(precision: float, scenario: Scenario, indicators: pd.DataFrame) -> bool:
    """Return whether every judged target and joint event is known to this precision."""
    table = judge_targets(scenario.targets, indicators)
    counted = table[(table["status"] == JUDGED) & (table["closure"] == ALL) & (table["kind"] != "alternative")]
    return bool((counted["error"] <= precision).all())
