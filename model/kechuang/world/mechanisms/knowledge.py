"""M4, own part: the knowledge stock of a firm and its invention patents.

    K_t       = (1 - dK)^(1/4) K_{t-1} + R_{t-2}                               万元, R real R&D of a quarter, lag 2 quarters
    patents_t ~ Poisson(c_s (R_year / P / 100万)^betaP / 4) ;  stock decays by a constant share a quarter
P is the deflator; the lag of two quarters is assumed. Sources: Griliches 1979 (knowledge stock), Hall, Mairesse and Mohnen
2010 (depreciation), Link and Scott 2018 (patent elasticity).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.randomness import poisson_from_uniform, uniform
from kechuang.world.population.firms import FirmColumns

RESEARCH_UNIT = 100.0
"""万元 a year: the R&D at which the patent productivities are stated."""


class KnowledgeParameters(NamedTuple):
    """Depreciation per year, decay per quarter, patents per year."""

    knowledge_depreciation: float
    patent_productivity: NDArray[np.float64]
    patent_elasticity: float
    patent_decay: float

    @classmethod
    def of(cls, draw: Draw) -> KnowledgeParameters:
        """Take the record from a draw."""
        return cls(
            draw.number("knowledge_depreciation"),
            np.array(draw.vector("patent_productivity")),
            draw.number("patent_elasticity"),
            draw.number("patent_decay"),
        )


@compiled
def next_knowledge(stock: float, research_before_last: float, depreciation: float) -> float:
    """Return the stock after a quarter (万元)."""
    return stock * (1.0 - depreciation) ** 0.25 + research_before_last


@compiled
def patent_mean(real_research_year: float, productivity: float, elasticity: float) -> float:
    """Return the expected invention patents of a quarter at a yearly real R&D (万元, prices of the deflator's base)."""
    return 0.25 * productivity * (real_research_year / RESEARCH_UNIT) ** elasticity


@compiled
def accumulate_knowledge(
    firms: FirmColumns, count: int, key: np.uint64, season: float, deflator: float, p: KnowledgeParameters
) -> float:
    """Age knowledge and patent stocks, add what R&D brings; return the patents granted in the quarter."""
    granted = 0.0
    for i in range(count):
        if firms.alive[i] == 0 or firms.does_research[i] == 0:
            continue
        research = firms.research_intensity[i] * firms.sales[i] * season
        firms.knowledge[i] = next_knowledge(firms.knowledge[i], firms.research_before_last[i], p.knowledge_depreciation)
        firms.research_before_last[i] = firms.research_last[i]
        firms.research_last[i] = research
        mean = patent_mean(
            4.0 * firms.research_intensity[i] * firms.sales[i] / deflator,
            p.patent_productivity[firms.industry[i]],
            p.patent_elasticity,
        )
        new = poisson_from_uniform(uniform(key, firms.identity[i]), mean)
        firms.patents[i] = firms.patents[i] * (1.0 - p.patent_decay) + new
        granted += new
    return granted
