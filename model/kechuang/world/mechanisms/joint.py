"""M9, joint projects (V16): open-call and consortium projects of three to six firms that share what they know.

    projects of a quarter ~ Poisson(path / 4);  leader: highest  ln R&D + Gumbel noise  on the upper steps of the ladder
    partners: highest  ln(w(i, j) exp(-d/d0)) + Gumbel noise  in the same or a related industry
    what i learns of j: K_j max(0, w_team (1 - rivalry [same industry and place]) - w(i, j) exp(-d/d0))     万元 of knowledge
Inside a team proximity is w_team = 1 and distance gone; what the pool holds of the partner anyway is not counted twice. The
sum enters the pool as carrier units for the quarters of the project. Every member does at least as much R&D of its own as
its share of the grant. Source: Branstetter and Sakakibara 2002 (more where much can be learnt, less among rivals).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.world.population.firms import FirmColumns

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]
SMALLEST_TEAM, LARGEST_TEAM = 3, 6
LEADING_STEP = 2
"""Lowest step of a leader where a scenario names no step."""
INSIDE = 1.0
"""Proximity inside a team."""


class JointParameters(NamedTuple):
    """Quarters of a project, and the share of a partner's knowledge that rivals keep from each other."""

    quarters: int
    rivalry: float

    @classmethod
    def of(cls, draw: Draw) -> JointParameters:
        """Take the record from a draw."""
        return cls(int(draw.number("joint_project_quarters")), draw.number("joint_project_rivalry"))


@compiled
def who_may_join(firms: FirmColumns, count: int, least: float) -> tuple[Rows, Numbers]:
    """Return the rows of firms in no team and the R&D they do in a quarter, where it is this much at least (万元)."""
    rows, research, found = np.empty(count, dtype=np.int64), np.empty(count), 0
    for i in range(count):
        if firms.alive[i] == 1 and firms.project_ends[i] == 0:
            does = firms.sales[i] * firms.research_intensity[i] * firms.does_research[i]
            if does > 0.0 and does >= least:
                rows[found], research[found] = i, does
                found += 1
    return rows[:found], research[:found]


def team_size(draw: float) -> int:
    """Return the number of members from a draw in (0, 1): each size is as likely."""
    return SMALLEST_TEAM + int(draw * (LARGEST_TEAM - SMALLEST_TEAM + 1))


@compiled
def members_for(
    line: Rows,
    luck: Numbers,
    free: NDArray[np.bool_],
    cell: Rows,
    closeness: Numbers,
    research: Numbers,
    least: float,
    number: int,
) -> Rows:
    """Return the positions of the members with the highest closeness plus luck, the highest first.

    `line` has positions by falling luck and `closeness` (logs, by cell) is 0 at most, so the search ends where nobody further
    back can be better. Only free firms with this much research a quarter at least (万元) join.
    """
    chosen, scores, found = np.empty(number, dtype=np.int64), np.full(number, -np.inf), 0
    for i in line:
        if found == number and luck[i] <= scores[number - 1]:
            break
        score = closeness[cell[i]] + luck[i]
        if not free[i] or research[i] < least or score <= scores[number - 1]:
            continue
        place = number - 1
        while place > 0 and score > scores[place - 1]:
            scores[place], chosen[place] = scores[place - 1], chosen[place - 1]
            place -= 1
        scores[place], chosen[place] = score, i
        found = min(found + 1, number)
    return chosen[:found]


def leading_cells(values: Numbers, path: float) -> NDArray[np.bool_]:
    """Return the cells (place, industry, step) whose firms may lead what the most favoured cells have.

    Leaders are high-tech or leading firms, unless more than the path is meant for some steps alone.
    """
    reached = values >= values.max()
    if values.max() <= path or reached.any(axis=(0, 1)).all():
        reached = reached & (np.arange(values.shape[2]) >= LEADING_STEP)
    return np.asarray(reached)


def learnt_in_team(
    knowledge: Numbers, outside: Numbers, rivals: NDArray[np.bool_], rivalry: float, inside: float = INSIDE
) -> Numbers:
    """Return what each member gains (万元 of knowledge); `outside` is how much of j reaches i anyway (rows i, columns j)."""
    gain = np.maximum(inside * (1.0 - rivalry * rivals) - outside, 0.0)
    np.fill_diagonal(gain, 0.0)
    return np.asarray(gain @ knowledge)
