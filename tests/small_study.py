"""The study files of the tests of the calibration: one text, of which every test file changes what it needs."""

from __future__ import annotations

_STUDY = """
seed: 5
scale: {scale}
figures: [{figures}]
discrepancy: {discrepancy}
rows: {{pilot: {pilot}, rounds: {rounds}}}
proposal: {{defence: 0.2, all_figures: 0.5, inflation: 2, candidates: 20, cut: 3, screen: 3}}
draws: {draws}
checks:
  cities: {cities}
  ranks: {cities}
  discrepancy: [2]
  priors: {priors}
  dates: {dates}
"""
ANOTHER_PRIOR = "[{parameter: pool_size, prior: {lognormal: [12000, 0.5]}}]"
ANOTHER_DATE = "[{figure: tz_hte_2015, indicator: high_tech_firms, date: 2016Q4, share: 0.15}]"


def study_text(
    figures: str,
    pilot: int,
    rounds: list[int],
    *,
    scale: float = 1,
    discrepancy: float = 1,
    draws: int = 12,
    cities: int = 4,
    priors: str = "[]",
    dates: str = "[]",
) -> str:
    """Return the text of a study file; `figures` is a list of names with commas, `cities` also the number of ranks."""
    return _STUDY.format(
        figures=figures, pilot=pilot, rounds=rounds, scale=scale, discrepancy=discrepancy, draws=draws, cities=cities,
        priors=priors, dates=dates,
    )
