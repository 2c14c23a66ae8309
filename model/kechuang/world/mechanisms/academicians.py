"""M7 Academicians: visits that become projects at partner firms, which learn more for some quarters.

    visits   ~ Poisson(visits per quarter) from 2019Q2 on
    project  : logit p = logit(aA) + e ln(max(grant, 100万)/300万)       a share of visits; grant in 万元 of 2020
    partner  : drawn with the weight of its knowledge among certified, leading and above-scale firms
A project adds Q_top carrier units to the pool of its partner for T_top quarters. Sources: 55 visits and 28 projects to the
end of 2020 (city report); the effect of the grant is assumed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

REFERENCE_GRANT, LEAST_GRANT = 300.0, 100.0
"""万元: the grant at which the share of visits is that of the report, and what no grant at all counts as."""
FIRST_QUARTER = 14
"""2019Q2."""


def project_chance(conversion: float, grant: float, elasticity: float) -> float:
    """Return the probability that a visit becomes a project at a grant (万元 at prices of 2020)."""
    odds = conversion / (1.0 - conversion) * math.exp(elasticity * math.log(max(grant, LEAST_GRANT) / REFERENCE_GRANT))
    return odds / (1.0 + odds)


def choose_partner(knowledge: NDArray[np.float64], draws: NDArray[np.float64]) -> int:
    """Return the position of the partner among firms with knowledge, each with a chance in proportion; -1 where none is."""
    return int(np.argmin(-np.log(draws) / knowledge)) if knowledge.size else -1
