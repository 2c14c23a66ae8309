"""What a report shows besides the run itself: reported figures, targets, parameters, places, names of levers.

All of it is shipped with the program. The run record holds the hashes that it was made with, so that a report built
with other files can say so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kechuang.clock import quarter_index
from kechuang.errors import InputError, Problem
from kechuang.posterior import POSTERIOR
from kechuang.report.figures import LAST_REPORTED, Reported, Threshold
from kechuang.report.studies import Studies
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    from kechuang.city import City
    from kechuang.evidence import Evidence, Seed
    from kechuang.parameters import Parameter
    from kechuang.records import Words
    from kechuang.report.folder import RunFolder
    from kechuang.targets import Target

PRIOR_PREDICTIVE = "calibration/studies/prior-predictive.yaml"
SAME_QUANTITY = {
    "tz_hte_2015": ("high_tech_firms", "2015Q4", "high_tech_2015"),
    "tz_tsme_2015": ("tech_sme_firms", "2015Q4", "tech_sme_2015"),
    "tz_gdp_2016_gwr": ("gdp_four_quarters", "2016Q4", "gdp_2016"),
    "tz_gdp_2017": ("gdp_four_quarters", "2017Q4", "gdp_2017"),
    "tz_gdp_2019": ("gdp_four_quarters", "2019Q4", "gdp_2019"),
    "tz_gdp_2020": ("gdp_four_quarters", "2020Q4", "gdp_2020"),
    "tz_rd_intensity_2020": ("rd_intensity", "2020Q4", "research_share_2020"),
}
"""Figures that count the same thing as an indicator: which, when, and their name in studies of the model. Figures to
fit name theirs in the evidence file."""


@dataclass(frozen=True)
class KnownFigure:
    """A reported figure with the indicator and quarter it speaks of; `study` is its name in prior-predictive studies."""

    evidence: Evidence
    indicator: str
    quarter: str
    study: str

    @property
    def value(self) -> float:
        """The printed value (the lower end of a range)."""
        found = self.evidence.value if self.evidence.value is not None else self.evidence.low
        return float(found or 0.0)


@dataclass(frozen=True)
class PriorPredictive:
    """What the model says about a figure before any fitting: 5, 50, 95 % over prior draws, and the figure's rank."""

    q05: float
    q50: float
    q95: float
    rank: float


class Sources:
    """The shipped files as the report needs them, each read when first asked for."""

    @cached_property
    def evidence(self) -> Mapping[str, Evidence]:
        """All reported figures by id."""
        from kechuang.evidence import load_evidence

        return load_evidence()

    @cached_property
    def seeds(self) -> Mapping[str, Seed]:
        """The documents that the project starts from."""
        from kechuang.evidence import evidence_file

        return evidence_file().seeds

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """All parameters by key."""
        from kechuang.parameters import load_parameters

        return load_parameters()

    @cached_property
    def targets(self) -> Mapping[str, Target]:
        """All declared targets by id."""
        from kechuang.targets import load_targets

        return load_targets()

    @cached_property
    def target_groups(self) -> Mapping[str, Words]:
        """Titles of the groups of targets."""
        from kechuang.targets import target_file

        return target_file().groups

    @cached_property
    def studies(self) -> Studies:
        """The committed results of calibration and validation."""
        return Studies()

    def summary_name(self, summary: str, language: str) -> str:
        """Return what a figure to fit counts, by the name of its summary."""
        from kechuang.evidence import load_summaries

        known = load_summaries().get(summary)
        return summary if known is None else known.meaning.in_language(language)

    @cached_property
    def city(self) -> City:
        """The city of the run."""
        from kechuang.city import load_city

        return load_city("taizhou")

    @cached_property
    def known_figures(self) -> tuple[KnownFigure, ...]:
        """Reported figures up to 2020 that an indicator of the model can be held against, in order of indicators."""
        from kechuang.evidence import load_summaries

        figures = [
            KnownFigure(self.evidence[name], indicator, quarter, study)
            for name, (indicator, quarter, study) in SAME_QUANTITY.items() if name in self.evidence
        ]
        summaries = load_summaries()
        figures += [
            KnownFigure(record, summaries[record.summary].indicator, summaries[record.summary].date, record.summary)
            for record in self.evidence.values()
            if record.summary and summaries[record.summary].indicator in INDICATORS
        ]
        order = list(INDICATORS)
        return tuple(sorted(figures, key=lambda figure: (order.index(figure.indicator), figure.quarter)))

    @cached_property
    def prior_predictive(self) -> dict[str, PriorPredictive]:
        """The prior-predictive study by name of the figure; empty until it has been made."""
        from kechuang.resources import find

        file = find(PRIOR_PREDICTIVE)
        if file is None:
            return {}
        from ruamel.yaml import YAML

        content = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        try:
            return {
                str(name): PriorPredictive(*(float(entry[key]) for key in ("q05", "q50", "q95", "rank")))
                for name, entry in content["figures"].items()
            }
        except (KeyError, TypeError) as error:
            raise InputError(Problem(PRIOR_PREDICTIVE, message=f"needs figures with q05, q50, q95 and rank ({error})"
                                     )) from error

    @property
    def notches(self) -> tuple[float, ...]:
        """R&D over sales that a certificate asks of small, middle and large firms."""
        value = self.parameters["notch_rates"].value
        return value if isinstance(value, tuple) else (value,)

    def reported(self, indicator: str) -> list[Reported]:
        """Return the figures to draw into the chart of an indicator."""
        return [
            Reported(figure.evidence.id, figure.quarter, figure.value,
                     "check" if figure.evidence.role == "check" else "fit")
            for figure in self.known_figures if figure.indicator == indicator
        ]

    def thresholds(self, run: RunFolder, indicator: str) -> list[Threshold]:
        """Return the targets of a run to draw into the chart of an indicator: those that are levels."""
        last = quarter_index(run.quarters[1])
        return [
            Threshold(result.date, result.threshold)
            for result in run.targets
            if result.indicator == indicator and result.closure == "all" and result.kind == "target" and result.basis == "level"
            and quarter_index(LAST_REPORTED) < quarter_index(result.date) <= last
        ]

    def lever_name(self, key: str, language: str) -> str:
        """Return the name of a lever, or its key if the program does not know it."""
        from kechuang.scenario.levers import LEVERS

        lever = LEVERS.get(key)
        return key if lever is None else lever.zh if language == "zh" else lever.en

    def changed_since(self, record: Mapping[str, Any]) -> list[str]:
        """Return the shipped files that a report shows and that differ from those the run was made with."""
        from kechuang.resources import find

        changed = []
        for name in (*(f"calibration/{name}.yaml" for name in ("evidence", "parameters", "targets")), POSTERIOR):
            recorded = record.get("inputs", {}).get(name)
            file = find(name)
            if recorded and file is not None and hashlib.sha256(file.read_bytes()).hexdigest() != recorded:
                changed.append("posterior/draws.parquet" if name == POSTERIOR else file.name)
        return changed
