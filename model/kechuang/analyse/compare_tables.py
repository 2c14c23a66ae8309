"""Tables of a comparison that a reader wants beside the differences at a date: targets side by side, differences over time.

    P(attain) of every target under every scenario, with what the paired draws say: how many reach it here and not in the
    base (gained), and in the base and not here (lost). gained - lost is the difference of the two probabilities, exactly.

The error of a difference is that of a mean of -1, 0 and 1 over draws with half a draw added to each of the four cells of
the table of pairs, so that a few draws which all agree do not claim certainty (Agresti and Min 2005, "Simple improved
confidence intervals for comparing matched proportions").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kechuang.analyse.compare_outcome import Outcome
from kechuang.analyse.targets import JUDGED, Judgement, judgement_of, monte_carlo_error
from kechuang.targets import Target, select_targets, target_file

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from kechuang.ensemble.result import Ensemble

    Numbers = NDArray[np.float64]

PATH_KEYS = ("high_tech_firms", "tech_sme_firms", "rd_real", "gdp_four_quarters", "local_revenue", "lever_cost_cash")
"""Indicators whose difference is kept for every quarter."""
PATH_LEVELS = {"q05": 0.05, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q95": 0.95}
PATH_COLUMNS = ("scenario", "base", "indicator", "quarter", "mean", *PATH_LEVELS)
TARGET_COLUMNS = (
    "scenario", "id", "kind", "group", "title_en", "title_zh", "indicator", "unit", "basis", "operation", "threshold", "date",
    "draws", "probability", "error", "gained", "lost", "difference", "difference_error", "status",
)
"""`kind` is target or joint; gained, lost and difference are missing for the base itself."""


def path_rows(base: Outcome, scenario: Outcome) -> Iterator[dict[str, Any]]:
    """Yield mean and quantiles of the difference in every quarter for the indicators that are drawn over time."""
    import numpy as np

    for key in PATH_KEYS:
        gaps = scenario.indicators[key] - base.indicators[key]
        for place, quarter in enumerate(base.quarters):
            known = gaps[~np.isnan(gaps[:, place]), place]
            if known.size:
                about = {"scenario": scenario.label, "base": base.label, "indicator": key, "quarter": quarter}
                quantiles = np.quantile(known, list(PATH_LEVELS.values())).tolist()
                yield {**about, "mean": float(known.mean()), **dict(zip(PATH_LEVELS, quantiles, strict=True))}


def target_rows(runs: Mapping[str, Ensemble]) -> Iterator[dict[str, Any]]:
    """Yield a row per target or joint event and scenario; the first run is the base, and its targets are those asked."""
    labels = list(runs)
    chosen = select_targets(runs[labels[0]].record["scenario"]["targets"])
    frames = {label: _once(run) for label, run in runs.items()}
    judged = {label: {target.id: judgement_of(target, frame) for target in chosen} for label, frame in frames.items()}
    for target in chosen:
        yield from _rows(_about(target), {label: _attained(judged[label][target.id]) for label in labels})
    for event, title in target_file().events.items():
        members = [target for target in chosen if target.event == event]
        if len(members) > 1:
            about = {"id": event, "kind": "joint", "group": members[0].group, "title_en": title.en, "title_zh": title.zh,
                     "operation": "and", "date": max(target.date for target in members)}
            yield from _rows(about, {label: _together(judged[label], members) for label in labels})


def _once(run: Ensemble) -> pd.DataFrame:
    frame = run.indicators
    return frame[frame["replicate"] == 0]


def _about(target: Target) -> dict[str, Any]:
    return {
        "id": target.id, "kind": "target", "group": target.group, "title_en": target.title.en, "title_zh": target.title.zh,
        "indicator": target.indicator, "unit": target.unit, "basis": target.basis, "operation": target.operation,
        "threshold": target.threshold, "date": target.date,
    }


def _attained(judged: Judgement | str) -> Numbers | str:
    return judged if isinstance(judged, str) else judged.attained


def _together(judged: Mapping[str, Judgement | str], members: Sequence[Target]) -> Numbers | str:
    """Return in which draws all members are reached, or why that cannot be said."""
    import numpy as np

    found = [_attained(judged[target.id]) for target in members]
    missing = [outcome for outcome in found if isinstance(outcome, str)]
    return missing[0] if missing else np.asarray(np.min([one for one in found if not isinstance(one, str)], axis=0))


def _rows(about: Mapping[str, Any], attained: Mapping[str, Numbers | str]) -> Iterator[dict[str, Any]]:
    first = next(iter(attained.values()))
    for number, (label, reached) in enumerate(attained.items()):
        if isinstance(reached, str):
            yield {"scenario": label, **about, "draws": 0, "status": reached}
            continue
        paired = _paired(first, reached) if number and not isinstance(first, str) else {}
        yield {"scenario": label, **about, **_share(reached), **paired, "status": JUDGED}


def _share(reached: Numbers) -> dict[str, Any]:
    import numpy as np

    known = reached[~np.isnan(reached)]
    count, successes = int(known.size), float(known.sum())
    share = successes / count if count else math.nan
    return {"draws": count, "probability": share, "error": monte_carlo_error(successes, count)}


def _paired(base: Numbers, other: Numbers) -> dict[str, Any]:
    import numpy as np

    gaps = (other - base)[~np.isnan(other - base)]
    if not gaps.size:
        return {}
    size, gained, lost = int(gaps.size), int((gaps > 0.0).sum()), int((gaps < 0.0).sum())
    error = math.sqrt(gained + lost + 1.0 - (gained - lost) ** 2 / (size + 2.0)) / (size + 2.0)
    shares = {"gained": gained / size, "lost": lost / size, "difference": (gained - lost) / size}
    return {**shares, "difference_error": error}


