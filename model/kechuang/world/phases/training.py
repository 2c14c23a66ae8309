"""Training of graduates for local firms (V19): some stay, and half of these become engineers after two years.

Persons trained in a quarter are candidates with identities of their own; money of a change with a budget cuts their number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.world.mechanisms.initial import pick
from kechuang.world.phases.government import book_administration, pay_out
from kechuang.world.population import talent as people
from kechuang.world.population.labour import Cohort

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

LEVER, FLOW = "graduate_training", "training of graduates"
HAIR = 1e-6
"""Of a person: sums of quarters that should be whole numbers are, whatever the rounding."""


def train(city: Corridor, wage: float) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Train the persons of the quarter; return the rows of new engineers and the industries that each was trained for."""
    _begin(city)
    delay = round(city.rules.value("training_quarters"))
    ready = [cohort for cohort in city.labour.cohorts if cohort.quarter + delay <= city.quarter]
    city.labour.cohorts = [cohort for cohort in city.labour.cohorts if cohort.quarter + delay > city.quarter]
    rows, industries = [np.zeros(0, dtype=np.int64)], [np.zeros((0, city.shape[1]), dtype=bool)]
    for cohort in ready:
        new, fits = _become_engineers(city, cohort, wage)
        rows.append(new)
        industries.append(fits)
    return np.concatenate(rows), np.concatenate(industries)


def _begin(city: Corridor) -> None:
    """Pay for the persons of this quarter; those who stay join the graduates."""
    talent, labour, quarter = city.policy.talent, city.labour, city.quarter
    total, free, industries = talent.training(quarter)
    unit = 0.25 * city.scale * city.rules.value("training_cost") * city.policy.price(quarter, city.deflator)
    wanted = np.array([unit * total])

    def due_anyway() -> NDArray[np.float64]:
        return np.array([unit * float(talent.unchanged.training[quarter, 0, :, 0].max())])

    paid = float(talent.budgets[LEVER].ration(wanted, due_anyway)[0])
    if paid <= 0.0:
        return
    pay_out(city, LEVER, FLOW, "outside", paid)
    book_administration(city, LEVER, paid)
    persons = 0.25 * city.scale * total * paid / float(wanted[0])
    before, labour.training_places = labour.training_places, labour.training_places + persons
    number = int(labour.training_places + HAIR) - int(before + HAIR)
    cohort = Cohort(quarter, number, round(number * min(1.0, free / total)), industries)
    labour.cohorts.append(cohort)
    stay = _stayers(city, cohort)
    labour.graduates = labour.graduates + stay.size * _share_of_graduates(city)
    labour.flows["trained"][people.GRADUATE] += stay.size


def _stayers(city: Corridor, cohort: Cohort) -> NDArray[np.int64]:
    """Return the identities of those of a cohort who stay in the city."""
    identity = people.identities_of(people.TRAINED, 0, cohort.quarter, np.arange(cohort.number))
    key = stream_key(city.luck_seed, 0, int(Purpose.TRAINING_STAY))
    return np.asarray(identity[uniforms(key, identity) < city.rules.value("training_stay_share")])


def _become_engineers(
    city: Corridor, cohort: Cohort, wage: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Turn part of a cohort into engineers, at places where firms of their industries have R&D staff."""
    labour, columns, count = city.labour, city.firms.columns, city.firms.count
    identity = _stayers(city, cohort)
    key = stream_key(city.luck_seed, 0, int(Purpose.TRAINING_ENGINEER))
    identity = identity[uniforms(key, identity) < city.rules.value("training_engineer_share")]
    aimed = (identity & ((1 << people.QUARTER_SHIFT) - 1)) >= cohort.open
    industries = np.where(aimed[:, None], cohort.industries[None, :], True)
    draw = uniforms(stream_key(city.luck_seed, 0, int(Purpose.TRAINING_PLACE)), identity)
    place = np.zeros(identity.size, dtype=np.int64)
    for which, fits in ((aimed, cohort.industries), (~aimed, np.ones_like(cohort.industries))):
        staff = (columns.research_staff[:count] * fits[columns.industry[:count]]).astype(np.float64)
        weight = np.bincount(columns.place[:count], staff, city.shape[0]).astype(np.float64)
        place[which] = pick(draw[which], weight if weight.sum() > 0.0 else labour.arrival_weight)
    rows = city.talent.add(identity, people.ENGINEER, place, wage, city.quarter, people.NOTHING_DUE)
    labour.flows["trained"][people.ENGINEER] += identity.size
    moved = min(float(identity.size), 0.9 * float(labour.graduates.sum()))
    labour.flows["trained"][people.GRADUATE] -= moved
    labour.graduates = labour.graduates - moved * _share_of_graduates(city)
    return np.arange(rows.start, rows.stop), industries


def _share_of_graduates(city: Corridor) -> NDArray[np.float64]:
    """Return how graduates are spread over places."""
    total = float(city.labour.graduates.sum())
    return city.labour.graduates / total if total > 0.0 else city.labour.arrival_weight / city.labour.arrival_weight.sum()
