"""What would change the answer, computed once for all languages of a report; the arithmetic stands in kechuang.analyse."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kechuang.report.figures import LAST_REPORTED

if TYPE_CHECKING:
    from kechuang.analyse.figure_worth import Worth
    from kechuang.analyse.influence import Influence, Numbers, Vectors
    from kechuang.report.folder import RunFolder
    from kechuang.report.sources import Sources
    from kechuang.targets import Target

OPEN = (0.05, 0.95)
"""Probabilities between which more knowledge could change the answer."""


@dataclass
class Findings:
    """The judged targets that lie ahead of the figures, what moves them, and what further figures would be worth."""

    run: RunFolder
    sources: Sources

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The targets, as the program declares them."""
        judged = (result.id for result in self.run.targets
                  if result.kind == "target" and result.closure == "all" and result.judged and result.date > LAST_REPORTED)
        return tuple(self.sources.targets[name] for name in judged if name in self.sources.targets)

    @cached_property
    def open(self) -> frozenset[str]:
        """Targets that are neither all but reached nor all but missed, among those that vary."""
        low, high = OPEN
        unsure = {result.id for result in self.run.targets if result.closure == "all" and low <= result.probability <= high}
        return frozenset(one.target for one in self.influences if one.target in unsure)

    @property
    def meant(self) -> frozenset[str]:
        """The targets that the sentences of the first page are about: the open ones, or all where none is open."""
        return self.open or frozenset(one.target for one in self.influences)

    @cached_property
    def vectors(self) -> Vectors:
        """The parameter vectors of the draws."""
        from kechuang.analyse.influence import vectors_of

        return vectors_of(self.run.draws_table, self.run.indicators)

    @cached_property
    def values(self) -> dict[str, Numbers]:
        """What is held against the threshold of each target, one number per draw."""
        from kechuang.analyse.influence import outcomes

        return outcomes(self.targets, self.run.indicators)

    @cached_property
    def influences(self) -> tuple[Influence, ...]:
        """With what the spread of each target goes; targets that are the same in nearly all draws are left out."""
        from kechuang.analyse.influence import influences

        return influences(self.vectors, self.values)

    @cached_property
    def worths(self) -> tuple[Worth, ...]:
        """What each further figure would be worth for each target."""
        from kechuang.analyse.figure_worth import worths

        known = {(figure.indicator, figure.quarter) for figure in self.sources.known_figures}
        return worths(self.vectors, self.targets, self.values, self.run.indicators, known)

    @cached_property
    def different(self) -> float:
        """How many different simulations the draws are worth."""
        from kechuang.analyse.association import effective_count

        return effective_count(self.vectors.simulation)
