"""Fact F19: how the deals of the venture funds end, from the table of their stakes.

A deal is old from its eighth year on; it has succeeded when the fund left by listing or sale. A follow-on is part of the
deal it follows: its cost and proceeds count there. Where no deal is old enough or has ended there is no value, which the
study counts as outside the band.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from kechuang.analyse.facts_record import INFINITE, LATE, Fact
from kechuang.clock import quarter_index
from kechuang.world.mechanisms.venture import STAGES, SUCCESSES

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.analyse.facts_panel import CityYear

OLD_QUARTERS = 32
TOP_PART = 10


def success_share(stakes: pd.DataFrame, quarter: int) -> float:
    """Return which share of the deals made at least eight years before a quarter was left by listing or sale."""
    old = stakes[~stakes["follow_on"].astype(bool) & (stakes["quarter"] <= quarter - OLD_QUARTERS)]
    return float(old["route"].isin(SUCCESSES).mean()) if len(old) else math.nan


def top_gains(stakes: pd.DataFrame) -> float:
    """Return the share of the best tenth of the ended deals (at least one) in all gains; losses are no gains."""
    ended = stakes[stakes["route"] != ""]
    deals = ended.groupby(["firm", "fund"])[["cost", "proceeds"]].sum()
    gains = np.sort(np.maximum(deals["proceeds"].to_numpy() - deals["cost"].to_numpy(), 0.0))[::-1]
    if not gains.sum() > 0.0:
        return math.nan
    return float(gains[: -(-gains.size // TOP_PART)].sum() / gains.sum())


def stage_share(stakes: pd.DataFrame, stage: str) -> float:
    """Return which share of the deals was made in a stage, follow-ons apart."""
    first = stakes[~stakes["follow_on"].astype(bool)]
    return float((first["stage"] == stage).mean()) if len(first) else math.nan


def _of_stage(stage: str) -> Callable[[CityYear], float]:
    return lambda city: stage_share(city.stakes, stage)


def fund_facts() -> Iterator[Fact]:
    """Yield F19."""
    success = "share of deals at least 8 years old that ended by listing or sale"
    yield Fact("F19", "success", success, 0.25, 0.55, "Laine and Torstila 2004 (0.49 in the US); lower for state money, Fei 2019",
               lambda city: success_share(city.stakes, quarter_index(f"{city.year}Q4")), years=LATE)  # fmt: skip
    top = "share of the best 10 % of ended deals in all gains"
    yield Fact("F19", "top", top, 0.5, INFINITE, "Laine and Torstila 2004",
               lambda city: top_gains(city.stakes), years=LATE)  # fmt: skip
    for stage in STAGES:
        yield Fact("F19", stage, f"share of deals in the {stage} stage", -INFINITE, INFINITE, "", _of_stage(stage))
