"""What a run says about the reported figures: one number per figure, computed the way the figure is."""

from __future__ import annotations

from kechuang.clock import quarter_index
from kechuang.world.indicators import POSITION
from kechuang.world.simulate import RunResult

SUMMARIES: dict[str, tuple[str, str]] = {
    "high_tech_2020": ("high_tech_firms", "2020Q4"),
    "tech_sme_2020": ("tech_sme_firms", "2020Q4"),
    "value_added_q1": ("industrial_value_added_ytd_growth", "2020Q1"),
    "value_added_november": ("industrial_value_added_november_growth", "2020Q4"),
    "research_november": ("rd_november_growth", "2020Q4"),
    "gdp_2020": ("gdp_four_quarters", "2020Q4"),
    "research_share_2020": ("rd_intensity", "2020Q4"),
}
"""Summary: indicator and quarter."""


def summarise(result: RunResult) -> dict[str, float]:
    """Return every summary that the run reaches in time."""
    out = {}
    for name, (key, quarter) in SUMMARIES.items():
        row = quarter_index(quarter) - 1
        if row < result.indicators.shape[0]:
            out[name] = float(result.indicators[row, POSITION[key]])
    return out
