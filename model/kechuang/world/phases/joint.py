"""Joint projects in a quarter (V16): new teams are formed, members learn from each other, instalments are claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.queues import in_order
from kechuang.randomness import Purpose, poissons, stream_key, uniform, uniforms
from kechuang.world.mechanisms import joint
from kechuang.world.mechanisms.venture import best, gumbel

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

LEVER = "joint_projects"
Rows = NDArray[np.int64]


class Project(NamedTuple):
    """A joint project: identities of its members, the leader first, and the quarters from which and until before which."""

    members: tuple[int, ...]
    starts: int
    ends: int


class Candidates(NamedTuple):
    """Firms that may join: rows, cell (place and industry), R&D of a quarter (万元), luck, and positions by falling luck.

    `leaders` are positions of those that could lead, in all cells and in the favoured ones, those who wish most first; `free`
    is cleared for whoever is in a team.
    """

    rows: Rows
    cell: Rows
    research: NDArray[np.float64]
    luck: NDArray[np.float64]
    line: Rows
    leaders: tuple[Rows, Rows]
    free: NDArray[np.bool_]


class JointProjects:
    """All joint projects ever started."""

    def __init__(self) -> None:
        self.projects: list[Project] = []

    def running(self, quarter: int) -> int:
        """Return the number of projects that are running at the end of quarter t."""
        return sum(project.ends > quarter for project in self.projects)


def run_joint_projects(city: Corridor) -> None:
    """End what is over, start new projects, and claim the instalments of all that run."""
    columns, count, quarter = city.firms.columns, city.firms.count, city.quarter
    over = np.flatnonzero((columns.project_ends[:count] > 0) & (columns.project_ends[:count] <= quarter))
    columns.project_ends[over] = 0
    columns.project_grant[over] = columns.project_unchanged[over] = 0.0
    if city.mean_pool > 0.0:
        _start(city)
    rows = np.flatnonzero((columns.project_ends[:count] > 0) & (columns.alive[:count] == 1))
    budget = city.policy.support.budgets[LEVER]
    amounts = budget.ration(columns.project_grant[rows], lambda: columns.project_unchanged[rows])
    city.claim(LEVER, "joint projects", rows, amounts)


def _start(city: Corridor) -> None:
    """Form the teams of this quarter: those open to all first, then those meant for some industries or steps."""
    values, usual = (paths[city.quarter] for paths in (city.policy.support.projects, city.policy.support.unchanged_projects))
    everywhere, most, unchanged = (_number(city, float(value)) for value in (values.min(), values.max(), usual.max()))
    if most == 0:
        return
    path = float(city.policy.support.projects_path[city.quarter])
    open_to_all = joint.leading_cells(np.full_like(values, path), path)
    favoured = joint.leading_cells(values, path)
    found = _candidates(city, (open_to_all, favoured), most)
    for number in range(most):
        team = _team(city, found, found.leaders[number >= everywhere], number)
        if team.size >= joint.SMALLEST_TEAM:
            _begin(city, team, extra=number >= unchanged)


def _number(city: Corridor, yearly: float) -> int:
    """Return the number of projects of the quarter; the draw is the same for every path, so more paths only add."""
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.JOINT_COUNT))
    return int(poissons(key, np.zeros(1, np.int64), np.array([0.25 * city.scale * yearly]))[0])


def _candidates(city: Corridor, cells: tuple[NDArray[np.bool_], NDArray[np.bool_]], teams: int) -> Candidates:
    """Return who may join this quarter, and who may lead in each of two sets of cells (place, industry, step).

    Of leaders only as many are ranked as all teams could use up.
    """
    columns, count, seed, quarter = city.firms.columns, city.firms.count, city.luck_seed, city.quarter
    rows, research = joint.who_may_join(columns, count, float(_prices(city)[0].min()) / joint.SMALLEST_TEAM)
    identity, place = columns.identity[rows], columns.place[rows].astype(np.int64)
    wish, join = (stream_key(seed, quarter, int(purpose)) for purpose in (Purpose.JOINT_LEADER, Purpose.JOINT_PARTNER))
    at = (place, columns.industry[rows], columns.ladder[rows])
    able = np.flatnonzero((cells[0] | cells[1])[at] & (research >= _instalment(city, rows) / joint.SMALLEST_TEAM))
    score = np.log(research[able]) + gumbel(uniforms(wish, identity[able]))
    inside = [of_cells[at][able] for of_cells in cells]
    everywhere, favoured = (
        able[here][best(score[here], identity[able[here]], teams * joint.LARGEST_TEAM)] for here in inside
    )
    draws, cell = uniforms(join, identity), place * city.shape[1] + columns.industry[rows]
    line, free = in_order(draws)[::-1], np.ones(rows.size, dtype=bool)
    return Candidates(rows, cell, research, gumbel(draws), line, (everywhere, favoured), free)


def _team(city: Corridor, found: Candidates, leaders: Rows, number: int) -> Rows:
    """Return the rows of a team, the leader first; fewer than three where nobody fits."""
    columns = city.firms.columns
    head = next((int(k) for k in leaders if found.free[k]), None)
    if head is None:
        return found.rows[:0]
    row = found.rows[head : head + 1]
    akin = city.proximity[columns.industry[row[0]]]
    near = np.log(np.outer(city.nearness[columns.place[row[0]]], akin))  # by place and industry
    near[:, akin < city.rules.value("proximity_related")] = -np.inf
    least = float(_instalment(city, row)[0]) / joint.SMALLEST_TEAM
    size = joint.team_size(uniform(stream_key(city.luck_seed, city.quarter, int(Purpose.JOINT_SIZE)), number))
    found.free[head] = False
    others = joint.members_for(
        found.line, found.luck, found.free, found.cell, near.ravel(), found.research, least, size - 1
    )
    if others.size + 1 >= joint.SMALLEST_TEAM:
        found.free[others] = False
    else:
        found.free[head] = True
    return np.concatenate([row, found.rows[others]])


def _prices(city: Corridor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what a project gets in a quarter by place, industry and step (万元), with and without budgeted changes."""
    policy, quarter = city.policy.support, city.quarter
    part = city.policy.price(quarter, city.deflator) / city.rules.joint.quarters
    return part * policy.grant[quarter], part * policy.unchanged_grant[quarter]


def _instalment(city: Corridor, rows: Rows, *, unchanged: bool = False) -> NDArray[np.float64]:
    """Return what a project led by each of these firms gets in a quarter (万元)."""
    columns = city.firms.columns
    of_cell = _prices(city)[1 if unchanged else 0]
    return np.asarray(of_cell[columns.place[rows], columns.industry[rows], columns.ladder[rows]])


def _begin(city: Corridor, team: Rows, *, extra: bool) -> None:
    """Start a project: note its grant with the members, and let them learn from each other."""
    columns, p, ends = city.firms.columns, city.rules.joint, city.quarter + city.rules.joint.quarters
    columns.project_ends[team] = ends
    columns.project_grant[team] = _instalment(city, team[:1]) / team.size
    columns.project_unchanged[team] = 0.0 if extra else _instalment(city, team[:1], unchanged=True) / team.size
    place, industry = columns.place[team], columns.industry[team]
    outside = city.proximity[np.ix_(industry, industry)] * city.nearness[np.ix_(place, place)]
    rivals = (industry[:, None] == industry) & (place[:, None] == place)
    learnt = joint.learnt_in_team(columns.knowledge[team], outside, rivals, p.rivalry)
    unit = city.rules.spillovers.carrier_knowledge_unit * city.mean_pool
    if unit > 0.0:
        city.boosts.add(team, learnt / unit, np.full(team.size, ends))
    city.joint.projects.append(Project(tuple(columns.identity[team].tolist()), city.quarter, ends))
