"""Are the targets reached? Probability of attainment, what is missing, and when, by closure and mixed.

A target compares an indicator at its date (the value itself, its ratio to an earlier quarter, or its change
since then) with a threshold. Every draw counts once; the mixture of the closures, called "all", is all draws
together, because closures take turns. The error of a probability is the half-width of the Wilson interval at
one standard error: unlike sqrt(p (1 - p) / n) it is not zero when none or all of a few draws reach the target
(source: Wilson 1927, "Probable inference, the law of succession, and statistical inference").

Nothing is dropped silently: a target that cannot be judged keeps its row, with the reason in `status`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kechuang.clock import quarter_index, quarter_label
from kechuang.targets import Target, select_targets, target_file
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from kechuang.scenario import Scenario

ALL = "all"
"""Name of the mixture of the closures."""
JUDGED = "judged"
LEVELS = (0.05, 0.50, 0.95)
COLUMNS = (
    "id",
    "kind",
    "group",
    "title_en",
    "title_zh",
    "indicator",
    "unit",
    "region",
    "basis",
    "prices",
    "operation",
    "threshold",
    "date",
    "source",
    "closure",
    "draws",
    "probability",
    "error",
    "value_05",
    "value_50",
    "value_95",
    "shortfall_05",
    "shortfall_50",
    "shortfall_95",
    "ever",
    "first_quarter",
    "status",
)
"""`kind` is target, alternative (another reading of the same target) or joint (several targets at once);
`shortfall` is what is missing to the threshold, negative where it is passed; `ever` is the share of draws
that stand at or beyond the threshold in any quarter of the run, `first_quarter` the median of the first such
quarter."""


@dataclass(frozen=True)
class Judgement:
    """What the draws say about one target; one entry per draw in every array, NaN where there is no value."""

    values: NDArray[np.float64]
    attained: NDArray[np.float64]
    first: NDArray[np.float64]


def judge_targets(names: Sequence[str], indicators: pd.DataFrame) -> pd.DataFrame:
    """Return one row per target, alternative and joint event, and closure; `names` are ids or groups."""
    import pandas as pd

    closures = _closures(indicators)
    chosen = select_targets(names)
    judged = {target.id: judgement_of(target, indicators) for target in chosen}
    rows: list[dict[str, Any]] = []
    for target in chosen:
        rows += _rows(target, "target", target.id, judged[target.id], closures)
        for number, variant in enumerate(target.variants(), start=1):
            rows += _rows(variant, "alternative", f"{target.id}/{number}", judgement_of(variant, indicators), closures)
    rows += _joint_rows(chosen, judged, closures)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def targets_csv(scenario: Scenario, indicators: pd.DataFrame) -> str:
    """Return the text of `targets.csv` for a scenario's own targets; draws that ran a second time count once."""
    table = judge_targets(scenario.targets, indicators[indicators["replicate"] == 0])
    return table.to_csv(index=False, float_format="%.10g", lineterminator="\n")


def monte_carlo_error(successes: float, draws: int) -> float:
    """Return the half-width of the Wilson interval of a share at one standard error."""
    if draws == 0:
        return math.nan
    share = successes / draws
    return math.sqrt(share * (1.0 - share) / draws + 0.25 / draws**2) / (1.0 + 1.0 / draws)


def judgement_of(target: Target, indicators: pd.DataFrame) -> Judgement | str:
    """Return what the draws say, or why they cannot say it."""
    import numpy as np

    reason = _why_not(target, indicators)
    if reason:
        return reason
    table = _by_draw(indicators, target.indicator)
    numbers = table.to_numpy(dtype=float)
    labels = [str(label) for label in table.columns]
    if target.base_quarter is not None:
        start = labels.index(quarter_label(target.base_quarter))
        base = numbers[:, [start]]
        if target.basis.startswith("ratio"):  # a ratio to nothing is no number
            numbers = np.divide(numbers, base, out=np.full_like(numbers, np.nan), where=base != 0.0)[:, start:]
        else:
            numbers = (numbers - base)[:, start:]
        labels = labels[start:]
    reached = numbers >= target.threshold if target.operation == ">=" else numbers <= target.threshold
    values = numbers[:, labels.index(target.date)]
    attained = np.where(np.isnan(values), np.nan, reached[:, labels.index(target.date)])
    quarters = np.array([quarter_index(label) for label in labels], dtype=float)
    first = np.where(reached.any(axis=1), quarters[reached.argmax(axis=1)], np.nan)
    return Judgement(values, attained, first)


def _why_not(target: Target, indicators: pd.DataFrame) -> str:
    if target.indicator not in indicators.columns:
        return "no indicator yet"
    prices = INDICATORS[target.indicator].prices
    if target.prices and prices and target.prices != prices:
        return f"not judged: needs {target.prices}, the indicator is {prices}"
    quarters = set(indicators["quarter"])
    wanted = [target.date, *([quarter_label(target.base_quarter)] if target.base_quarter else [])]
    outside = [label for label in wanted if label not in quarters]
    return f"not judged: {outside[0]} lies outside the run" if outside else ""


def _by_draw(indicators: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return one row per draw and replicate, one column per quarter (their text sorts as time does)."""
    table = indicators.pivot(index=["draw", "replicate"], columns="quarter", values=key)
    return table.sort_index().sort_index(axis=1)


def _closures(indicators: pd.DataFrame) -> NDArray[np.str_]:
    """Return the closure of each draw, in the order of `_by_draw`."""
    import numpy as np

    pairs = indicators[["draw", "replicate", "closure"]].drop_duplicates().sort_values(["draw", "replicate"])
    return np.array(pairs["closure"].to_list(), dtype=str)


def _rows(
    target: Target, kind: str, identity: str, judged: Judgement | str, closures: NDArray[np.str_]
) -> Iterator[dict[str, Any]]:
    about = {
        "id": identity,
        "kind": kind,
        "group": target.group,
        "title_en": target.title.en,
        "title_zh": target.title.zh,
        "indicator": target.indicator,
        "unit": target.unit,
        "region": target.region,
        "basis": target.basis,
        "prices": target.prices,
        "operation": target.operation,
        "threshold": target.threshold,
        "date": target.date,
        "source": target.threshold_source,
    }
    if isinstance(judged, str):
        yield {**about, "closure": ALL, "draws": 0, "status": judged}
        return
    for closure, chosen in _parts(closures):
        yield {**about, "closure": closure, "status": JUDGED, **_numbers(target, judged, chosen)}


def _parts(closures: NDArray[np.str_]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    import numpy as np

    yield ALL, np.ones(closures.size, dtype=bool)
    for closure in sorted(set(closures.tolist())):
        yield closure, closures == closure


def _numbers(target: Target, judged: Judgement, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    import numpy as np

    known = chosen & ~np.isnan(judged.attained)
    values = judged.values[known]
    sign = 1.0 if target.operation == ">=" else -1.0
    found: dict[str, Any] = _share(judged.attained[known])
    if values.size:
        for name, numbers in (("value", values), ("shortfall", sign * (target.threshold - values))):
            quantiles = np.quantile(numbers, LEVELS)
            found |= {
                f"{name}_{level * 100:02.0f}": number for level, number in zip(LEVELS, quantiles.tolist(), strict=True)
            }
    first = judged.first[chosen]
    reached = first[~np.isnan(first)]
    found["ever"] = reached.size / max(1, first.size)
    if reached.size:
        # The lower median is a quarter that a draw has, never one between two quarters.
        found["first_quarter"] = quarter_label(int(np.sort(reached)[(reached.size - 1) // 2]))
    return found


def _share(attained: NDArray[np.float64]) -> dict[str, Any]:
    draws = int(attained.size)
    successes = float(attained.sum())
    return {
        "draws": draws,
        "probability": successes / draws if draws else math.nan,
        "error": monte_carlo_error(successes, draws),
    }


def _joint_rows(
    chosen: Sequence[Target], judged: dict[str, Judgement | str], closures: NDArray[np.str_]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of events that several targets must meet in the same draw."""
    import numpy as np

    for event, title in target_file().events.items():
        members = [target for target in chosen if target.event == event]
        if len(members) < 2:
            continue
        about = {
            "id": event,
            "kind": "joint",
            "group": members[0].group,
            "title_en": title.en,
            "title_zh": title.zh,
            "operation": "and",
            "date": max(target.date for target in members),
            "source": members[0].threshold_source,
        }
        outcomes = [judged[target.id] for target in members]
        missing = [outcome for outcome in outcomes if isinstance(outcome, str)]
        if missing:
            yield {**about, "closure": ALL, "draws": 0, "status": missing[0]}
            continue
        together = np.min([outcome.attained for outcome in outcomes if isinstance(outcome, Judgement)], axis=0)
        for closure, part in _parts(closures):
            shares = _share(together[part & ~np.isnan(together)])
            yield {**about, "closure": closure, "status": JUDGED, **shares}
