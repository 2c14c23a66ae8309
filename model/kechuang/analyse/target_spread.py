"""What the spread of a target is made of: the closure of certification, unknown parameters, and luck.

By the law of total variance, with w_c the share of draws of closure c, m_c and s2_c their mean and variance,

    closure     sum of w_c (m_c - m)^2, less what the luck of few draws adds to it: sum of w_c (1 - w_c) s2_c / n_c
    luck        mean over draws that ran twice with the same parameters of (x_1 - x_2)^2 / 2
    parameters  sum of w_c s2_c - luck

Estimates below 0 are 0. At the provisional point all draws of a closure have the same parameters: within a closure all is luck.
Otherwise, without draws that ran twice (`kechuang run --again`), luck and parameters cannot be told apart and only
their sum is given. The error of luck is that of its mean over pairs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from kechuang.analyse.targets import JUDGED, judgement_of
from kechuang.targets import select_targets

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from kechuang.scenario import Scenario

    Numbers = NDArray[np.float64]

COLUMNS = (
    "id",
    "title_en",
    "title_zh",
    "date",
    "indicator",
    "basis",
    "draws",
    "pairs",
    "spread",
    "closure",
    "parameters",
    "luck",
    "luck_error",
    "within",
    "status",
)
"""`spread` is the standard deviation of the target's value; the others are shares of the variance; `within` is that of
parameters and luck together. Missing where it cannot be said."""


def spread_csv(parameters: str, scenario: Scenario, indicators: pd.DataFrame) -> str:
    """Return the text of `spread.csv` for a scenario's own targets; `parameters` is the parameter set of the run."""
    table = spread_of(scenario.targets, indicators, one_point=parameters == "provisional")
    return table.to_csv(index=False, float_format="%.10g", lineterminator="\n")


def spread_of(names: tuple[str, ...], indicators: pd.DataFrame, one_point: bool) -> pd.DataFrame:
    """Return one row per target; `one_point` says that the draws of a closure have the same parameters."""
    import numpy as np
    import pandas as pd

    pairs = indicators[["draw", "replicate", "closure"]].drop_duplicates().sort_values(["draw", "replicate"])
    first = (pairs["replicate"] == 0).to_numpy()
    rows: list[dict[str, Any]] = []
    for target in select_targets(names):
        about = {
            "id": target.id,
            "title_en": target.title.en,
            "title_zh": target.title.zh,
            "date": target.date,
            "indicator": target.indicator,
            "basis": target.basis,
        }
        judged = judgement_of(target, indicators)
        if isinstance(judged, str):
            rows.append({**about, "draws": 0, "pairs": 0, "status": judged})
            continue
        by_draw = pd.Series(judged.values, index=pairs["draw"])
        gaps = np.array((by_draw[~first] - by_draw[first]).dropna(), dtype=float)
        shares = _shares(judged.values[first], pairs["closure"].to_numpy(dtype=str)[first], gaps, one_point)
        rows.append({**about, **shares, "status": JUDGED})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _shares(values: Numbers, closures: NDArray[np.str_], gaps: Numbers, one_point: bool) -> dict[str, Any]:
    import numpy as np

    known = ~np.isnan(values)
    between, within = variances(values[known], closures[known])
    total = between + within
    found: dict[str, Any] = {"draws": int(known.sum()), "pairs": int(gaps.size), "spread": math.sqrt(total)}
    if not total > 0.0:
        return found
    found |= {"closure": between / total, "within": within / total}
    if gaps.size:
        halves = 0.5 * gaps**2
        luck = min(float(halves.mean()), within)
        error = float(halves.std(ddof=1)) / math.sqrt(gaps.size) / total if gaps.size > 1 else math.nan
        found |= {"luck": luck / total, "luck_error": error, "parameters": (within - luck) / total}
    elif one_point:
        found |= {"luck": within / total, "parameters": 0.0}
    return found


def variances(values: Numbers, closures: NDArray[np.str_]) -> tuple[float, float]:
    """Return the variance between closures, freed of the luck of few draws, and that within them."""
    import numpy as np

    parts = [values[closures == closure] for closure in np.unique(closures)]
    if min((part.size for part in parts), default=0) < 2:
        return math.nan, math.nan
    if np.ptp(values) == 0.0:  # rounding would give a variance to what does not vary
        return 0.0, 0.0
    weights = np.array([part.size / values.size for part in parts])
    means, inside = np.array([part.mean() for part in parts]), np.array([part.var(ddof=1) for part in parts])
    noise = float((weights * (1.0 - weights) * inside / np.array([part.size for part in parts])).sum())
    between = float((weights * (means - values.mean()) ** 2).sum()) - noise
    return max(between, 0.0), float(weights @ inside)
