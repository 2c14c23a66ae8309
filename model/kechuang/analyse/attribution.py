"""The difference between two scenarios split over what they set differently, with the error of every share.

    effect = kc.compare("baseline", "corridor-plan", attribute=True)
    effect.attribution      # a row per date, indicator and player, with the sums by channel and the total

Shares of a player are Shapley shares (kechuang.analyse.attribution_shares), averaged over draws; those of a channel are
the sums over its players, draw by draw, so that their errors know how the shares move together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.analyse.attribution_players import APART, CHANNELS, game_of
from kechuang.analyse.attribution_runs import AttributionPlan, Values, values_of
from kechuang.analyse.attribution_shares import Coalition, is_exact, shares_of
from kechuang.analyse.compare_outcome import NOT_COMPARED
from kechuang.analyse.compare_statistics import mean_interval
from kechuang.clock import quarter_index, quarter_label
from kechuang.errors import InputError, Problem
from kechuang.world.indicators import INDICATORS, KEYS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kechuang.ensemble.plan import Engine
    from kechuang.scenario import Scenario

    Numbers = NDArray[np.float64]

STANDARD_DRAWS, STANDARD_UNTIL = 24, "2026Q4"
TOTAL, CHANNEL = "total", "channel"
COLUMNS = (
    "scenario",
    "base",
    "date",
    "indicator",
    "unit",
    "kind",
    "key",
    "en",
    "zh",
    "channel",
    "mean",
    "low",
    "high",
    "error",
    "of_total",
    "draws",
    "method",
)
"""`kind` is total, lever, shock, setting or channel; `of_total` is missing where the total cannot be told from zero;
`method` is exact (all coalitions), sampled (orders keyed by draw) or idle (changes nothing before the horizon)."""


@dataclass(frozen=True)
class Window:
    """How far and on how many draws a difference is split; `dates` are those of the comparison inside."""

    draws: int
    until: int
    dates: tuple[str, ...]


@dataclass(frozen=True)
class Attribution:
    """A plan with the values of its coalitions, and what follows from them."""

    plan: AttributionPlan
    values: Values
    home: Path

    @cached_property
    def total(self) -> Numbers:
        """The difference itself, [draws, dates, keys]."""
        import numpy as np

        everyone = frozenset(self.plan.players)
        found = [self.values[draw.id, everyone] - self.values[draw.id, frozenset()] for draw in self.plan.draws]
        return np.array(found)

    @cached_property
    def shares(self) -> dict[str, Numbers]:
        """Share of each player by key, [draws, dates, keys]."""
        import numpy as np

        plan = self.plan
        found = [shares_of(plan.players, plan.seed, draw.id, partial(self.worth, draw.id)) for draw in plan.draws]
        return {player: np.array([shares[player] for shares in found]) for player in plan.players}

    def worth(self, draw: int, members: Coalition) -> Numbers:
        """Return the indicators of a coalition in a draw, [dates, keys]."""
        return self.values[draw, members]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table: total, players, idle players and channels, for each date and indicator."""
        for place, date in enumerate(self.plan.dates):
            for position, key in enumerate(KEYS):
                if key not in NOT_COMPARED:
                    about = {"scenario": self.plan.label, "base": self.plan.game.base.name, "date": date}
                    for row in self._split(place, position):
                        yield {**about, "indicator": key, "unit": INDICATORS[key].unit, **row}

    def _split(self, place: int, position: int) -> Iterator[dict[str, Any]]:
        import numpy as np

        game, total = self.plan.game, self.total[:, place, position]
        shares = {player: share[:, place, position] for player, share in self.shares.items()}
        known = ~np.isnan(np.array([total, *shares.values()])).any(axis=0)
        method = "exact" if is_exact(self.plan.players) else "sampled"
        whole = _mean(total[known])
        sure = whole["low"] > 0.0 or whole["high"] < 0.0
        whole_mean = whole["mean"] if sure else math.nan
        yield {"kind": TOTAL, "key": TOTAL, "channel": "", **whole, "of_total": 1.0 if sure else math.nan, "method": method}
        nothing = np.zeros(int(known.sum()))
        for player in (*game.players, *game.idle):
            share = shares[player.key][known] if player in game.players else nothing
            about = {"kind": player.kind, "key": player.key, "en": player.en, "zh": player.zh, "channel": player.channel}
            found = _mean(share)
            used = method if player in game.players else "idle"
            yield {**about, **found, "of_total": found["mean"] / whole_mean, "method": used}
        for channel in (*CHANNELS, APART):
            members = [shares[player.key][known] for player in game.players if player.channel == channel]
            if members or channel != APART:
                found = _mean(np.sum(members, axis=0) if members else nothing)
                about = {"kind": CHANNEL, "key": channel, "channel": channel}
                yield {**about, **found, "of_total": found["mean"] / whole_mean, "method": method}


def window_of(draws: int | None, until: str | None, compared: Scenario, dates: Sequence[str]) -> Window:
    """Return how far to split; InputError for what cannot be. Without a date inside, the last quarter is split."""
    problems = []
    count = min(STANDARD_DRAWS, compared.draws) if draws is None else draws
    if count < 2:
        message = f"an error needs at least 2 draws, not {count}"
        problems.append(Problem("--attribute-draws", message=message))
    last = min(quarter_index(STANDARD_UNTIL), compared.until)
    if until is not None:
        try:
            last = quarter_index(until)
        except ValueError as error:
            problems.append(Problem("--attribute-until", message=str(error)))
        if not 1 <= last <= compared.until:
            message = f"{until} lies outside the runs, which end in {quarter_label(compared.until)}"
            problems.append(Problem("--attribute-until", message=message))
    if problems:
        raise InputError(problems)
    inside = tuple(date for date in dates if quarter_index(date) <= last)
    return Window(count, last, inside or (quarter_label(last),))


def attribute(
    base: Scenario,
    other: Scenario,
    label: str,
    window: Window,
    home: Path,
    *,
    parameters: str = "provisional",
    workers: int | None = None,
    audit: bool = False,
    scale: float = 1.0,
    progress: bool = True,
    engine: Engine | None = None,
) -> Attribution:
    """Split what `other` has more than `base`; `home` is the folder of the comparisons of these scenarios."""
    game = game_of(base, other, window.until)
    plan = AttributionPlan(game, label, window.dates, window.draws, parameters, audit, scale)
    return Attribution(plan, values_of(plan, home, workers, progress, engine), home)


def _mean(values: Numbers) -> dict[str, Any]:
    """Return mean, interval and error over draws; NaN without a draw that has a value."""
    if not values.size:
        return {"mean": math.nan, "low": math.nan, "high": math.nan, "error": math.nan, "draws": 0}
    low, high = mean_interval(values)
    error = float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else math.nan
    return {"mean": float(values.mean()), "low": low, "high": high, "error": error, "draws": int(values.size)}
