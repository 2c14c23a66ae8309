"""What a run says about the reported figures: one number per figure, computed the way the figure is.

Which indicator a summary reads, and when, stands in calibration/evidence.yaml beside the figures themselves.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from kechuang.clock import quarter_index
from kechuang.evidence import load_evidence, load_summaries
from kechuang.world.indicators import INDICATORS, POSITION
from kechuang.world.simulate import RunResult

CHECKED = {"gdp_2020": ("gdp_four_quarters", "2020Q4"), "research_share_2020": ("rd_intensity", "2020Q4")}
"""Summaries that inputs pin down: printed beside the fitted ones, never fitted."""


class Figure(NamedTuple):
    """A reported figure as something to fit: its value and the standard deviation of the model's discrepancy."""

    value: float
    discrepancy: float


@cache
def summaries() -> dict[str, tuple[str, str]]:
    """Return indicator and quarter of every summary whose indicator the model has."""
    read = {
        name: (summary.indicator, summary.date)
        for name, summary in load_summaries().items()
        if summary.indicator in INDICATORS
    }
    return {**read, **CHECKED}


@cache
def figures() -> dict[str, Figure]:
    """Return the figures to fit by summary, for the summaries that the model can make."""
    found = {}
    for record in load_evidence().values():
        error, printed = record.error, record.value if record.value is not None else record.low
        if record.role != "fit" or record.summary not in summaries() or error is None or error.discrepancy is None:
            continue
        value = float(printed or 0.0)
        found[record.summary] = Figure(value, error.discrepancy * (abs(value) if error.scale == "relative" else 1.0))
    return found


def summarise(result: RunResult) -> dict[str, float]:
    """Return every summary that the run reaches in time."""
    out = {}
    for name, (key, quarter) in summaries().items():
        row = quarter_index(quarter) - 1
        if row < result.indicators.shape[0]:
            out[name] = float(result.indicators[row, POSITION[key]])
    return out
