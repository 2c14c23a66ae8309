"""What must hold of people at the end of every quarter (I11): stocks by kind, jobs, and the staff that firms count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kechuang.world.books.ledger import Residual
from kechuang.world.mechanisms.talent import jobs_held
from kechuang.world.population.labour import FLOWS, SIGN
from kechuang.world.population.talent import GRADUATE, KINDS

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def check_people(city: Corridor) -> list[Residual]:
    """Return the residual of every identity of people: any person too many is a violation of 1, of graduates a share."""
    labour, firms, talent = city.labour, city.firms, city.talent
    present, jobs = jobs_held(talent.columns, talent.count, firms.count)
    now = np.append(present, labour.graduates.sum())
    off = now - labour.opening - sum(SIGN[name] * labour.flows[name] for name in FLOWS)
    names = (*KINDS, "graduates")
    share = (off != 0.0).astype(np.float64)
    share[GRADUATE] = abs(float(off[GRADUATE])) / max(float(now[GRADUATE]), 1.0)
    found = [
        Residual("people are conserved", name, city.quarter, float(off[k]), float(share[k])) for k, name in enumerate(names)
    ]
    staff, counts = jobs[1:], firms.columns.research_staff[: firms.count]
    dead = int(staff[firms.columns.alive[: firms.count] == 0].sum())
    told, negative = int(np.abs(staff - counts).sum()), int((counts < 0).sum() + (labour.graduates < 0.0).sum())
    unemployed = float(jobs[0] - (talent.count - present.sum()))
    split = float(now[:GRADUATE].sum()) - float(labour.census.employed.sum()) - unemployed
    for name, value in (
        ("every employer exists", dead),
        ("staff of firms are people", told),
        ("no negative number of people", negative),
        ("with and without a job are all people", split),
    ):
        found.append(Residual(name, "city", city.quarter, float(value), float(value != 0)))
    return found
