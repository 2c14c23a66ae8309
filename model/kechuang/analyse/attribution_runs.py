"""The runs behind an attribution: which coalitions each draw needs, run once, kept through interruptions, found again.

A coalition is run like any scenario, on the draws and luck of the comparison, and only up to the last date that is split.
Results lie in a work folder beside the comparison, one folder per coalition, until the comparison is written; what was
finished when a run was stopped is taken over by the same command. Of a written comparison, `coalitions.parquet` holds all
values, so that the same attribution is read and not run again.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.analyse.attribution_players import Game
from kechuang.analyse.attribution_shares import Coalition, coalitions_of
from kechuang.clock import quarter_index
from kechuang.ensemble import workfolder
from kechuang.ensemble.draws import draws_for, luck_of
from kechuang.ensemble.executor import execute
from kechuang.ensemble.plan import Engine, Job, RunPlan, RunResult, canonical_json, default_engine
from kechuang.ensemble.run import available_processors, progress_bar
from kechuang.ensemble.store import COUNT_UNITS
from kechuang.ensemble.workfolder import StoredResult
from kechuang.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from kechuang.parameters import Draw

    Numbers = NDArray[np.float64]

COALITIONS = "coalitions.parquet"
"""File of a comparison that holds the value of every coalition that was run."""
Values = Mapping[tuple[int, Coalition], "Numbers"]
"""(draw id, members) -> indicators at the dates, an array [dates, keys]."""


@dataclass(frozen=True)
class AttributionPlan:
    """Everything that determines the values of the coalitions; the game's last quarter is the last that is run."""

    game: Game
    label: str
    dates: tuple[str, ...]
    count: int
    parameters: str
    audit: bool = False
    scale: float = 1.0

    @property
    def seed(self) -> int:
        """Seed of draws, luck and orders."""
        return self.game.base.seed

    @cached_property
    def draws(self) -> tuple[Draw, ...]:
        """Parameter vectors: the first ones of the comparison."""
        return draws_for(self.parameters, self.count, self.seed)

    @property
    def players(self) -> tuple[str, ...]:
        """Keys of the players."""
        return tuple(player.key for player in self.game.players)

    def needed(self) -> list[tuple[Draw, Coalition]]:
        """Return the draws with the coalitions they need, each pair once."""
        return [(draw, one) for draw in self.draws for one in coalitions_of(self.players, self.seed, draw.id)]

    @cached_property
    def key(self) -> str:
        """Hash over all that can move a bit of the values: scenarios, draws, code, packages and data files."""
        from kechuang.ensemble.record import input_files, package_versions, sha256_of

        plan = RunPlan(self.game.base, self.draws, self.seed, self.parameters, self.audit, self.scale)
        content = {
            **plan.describe(),
            "other": self.game.other.to_plain(),
            "dates": list(self.dates),
            "packages": package_versions(),
            "python": platform.python_version(),
            "platform": f"{sys.platform}-{platform.machine()}",
            "inputs": {name: sha256_of(file) for name, file in input_files(plan).items()},
        }
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]


def values_of(
    plan: AttributionPlan,
    home: Path,
    workers: int | None = None,
    progress: bool = True,
    engine: Engine | None = None,
) -> Values:
    """Return the value of every coalition that is needed, from a finished comparison in `home` or by running it."""
    found = _finished(plan, home)
    if found is not None:
        return found
    built = engine or default_engine()
    work = work_folder(plan, home)
    scenarios: dict[Coalition, Any] = {}
    needed = plan.needed()
    for _, members in needed:
        if members not in scenarios:
            scenarios[members] = plan.game.coalition(members)
    jobs = [
        Job(scenarios[members], draw, luck_of(plan.seed, draw), plan.audit, plan.scale, _part(members))
        for draw, members in needed
    ]
    lean = Engine(partial(indicators_only, built.simulate), built.warm_up)
    with progress_bar(len(jobs), plan.label, progress, "runs of coalitions") as (announce, advance):
        announce("preparing the model (compiled on first use, under a minute)")
        lean.warm_up()
        announce(f"splitting {plan.label} - {plan.game.base.name}")
        execute(jobs, lean, work, workers or available_processors(), advance)
    rows = [quarter_index(date) - 1 for date in plan.dates]
    return {
        (draw.id, members): _as_stored(workfolder.load(work / _part(members), draw.id).indicators[rows])
        for draw, members in needed
    }


def work_folder(plan: AttributionPlan, home: Path) -> Path:
    """Return the folder that keeps what is finished until the comparison is written."""
    return home / f".work-{plan.key}"


def frame_of(plans: Sequence[tuple[AttributionPlan, Values]]) -> pd.DataFrame:
    """Return all values as one table: scenario, draw, members joined by +, date, and a column per indicator."""
    import numpy as np
    import pandas as pd

    from kechuang.world.indicators import KEYS

    rows = [
        (plan.label, draw, "+".join(sorted(members)), date)
        for plan, values in plans
        for draw, members in values
        for date in plan.dates
    ]
    numbers = np.concatenate([array for _, values in plans for array in values.values()])
    about = pd.DataFrame(rows, columns=["scenario", "draw", "members", "date"])
    return pd.concat([about, pd.DataFrame(numbers, columns=list(KEYS))], axis=1)


def _finished(plan: AttributionPlan, home: Path) -> Values | None:
    """Return the values of an unaltered comparison that holds this very attribution."""
    from kechuang.ensemble.record import read_record, verify

    for file in sorted(home.glob("*/record.json")):
        try:
            record = read_record(file.parent)
        except InputError:
            continue  # damaged: not a comparison that could be used; `kechuang verify` says so
        keys = (record.get("attribution") or {}).get("keys", {})
        if keys.get(plan.label) == plan.key and not verify(file.parent).altered:
            return _read(plan, file.parent / COALITIONS)
    return None


def _read(plan: AttributionPlan, file: Path) -> Values:
    import pyarrow.parquet as pq

    from kechuang.world.indicators import KEYS

    table = pq.read_table(file).to_pandas()
    table = table[table["scenario"] == plan.label]
    numbers = table[list(KEYS)].to_numpy(dtype=float).reshape(-1, len(plan.dates), len(KEYS))
    first = table.iloc[:: len(plan.dates)]
    pairs = zip(first["draw"], first["members"], strict=True)
    return {
        (int(draw), frozenset(members.split("+") if members else ())): numbers[row]
        for row, (draw, members) in enumerate(pairs)
    }


def _as_stored(indicators: Numbers) -> Numbers:
    """Return indicators with counts as whole numbers, as the tables of a run hold them."""
    import numpy as np

    from kechuang.world.indicators import INDICATORS, KEYS

    counts = np.array([INDICATORS[key].unit in COUNT_UNITS for key in KEYS])
    return np.where(counts, np.rint(indicators), indicators)


def _part(members: Coalition) -> str:
    """Return the name of a coalition's folder: all names together could be too long for one."""
    return hashlib.sha256("+".join(sorted(members)).encode()).hexdigest()[:16]


def indicators_only(simulate: Callable[..., RunResult], *arguments: Any, **options: Any) -> StoredResult:
    """Run a coalition and keep its indicators: hundreds of coalitions would fill a disk with pictures."""
    found = simulate(*arguments, **options)
    return StoredResult(
        found.draw_id, found.closure, found.seed, found.indicators, {}, found.costs[:0], (), {}, {}
    )
