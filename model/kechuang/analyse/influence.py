"""Which unknowns move the answer: with what the spread of each target's indicator goes, over the draws of a finished run.

    closure    variance between closures over all variance, as in kechuang.analyse.target_spread
    parameter  squared correlation r^2 of its ranks with those of the indicator, ranks taken inside closures and pooled,
               adjusted for luck, 1 - (1 - r^2)(v + 1)/v with v degrees of freedom, times the share inside closures

A parameter is clear where the t-test of its rank correlation, the closure where the analysis of variance on ranks, passes
Holm's correction over all parameters, the closure and all targets at once: the chance that anything at all is named by luck is 5 %.
Parameters that go together in a posterior share what they explain, and ranks miss what first rises and then falls, so shares
need not add up and "goes with" is not "is caused by". At a provisional point no parameter varies inside a closure and none is
tested.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kechuang.analyse import association
from kechuang.analyse.target_spread import variances
from kechuang.analyse.targets import judgement_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from kechuang.targets import Target

    Numbers = NDArray[np.float64]

CLOSURE = "closure"
"""Name of the closure among the unknowns."""
_NOT_PARAMETERS = ("draw", "closure", "seed")


@dataclass(frozen=True)
class Vectors:
    """What the draws of a run were: id, closure and seed of each, and the parameters that vary inside a closure."""

    draws: NDArray[np.int64]
    closures: NDArray[np.str_]
    parameters: dict[str, Numbers]
    simulation: NDArray[np.int64]
    """A number for each draw, the same for draws that are the same simulation (vector and luck)."""

@dataclass(frozen=True)
class Unknown:
    """What goes with one unknown: share of the variance with its 90 % interval, direction (+1, -1; 0 for the closure)."""

    key: str
    share: float
    low: float
    high: float
    sign: int
    p_value: float
    clear: bool = False


@dataclass(frozen=True)
class Influence:
    """One target: over how many different draws, how many unknowns were tested, and all of them, the largest first."""

    target: str
    different: float
    unknowns: tuple[Unknown, ...]

    @property
    def clear(self) -> tuple[Unknown, ...]:
        """The unknowns that can be told from luck."""
        return tuple(unknown for unknown in self.unknowns if unknown.clear)

    def share(self, key: str) -> float:
        """Return the share of an unknown, 0 where it cannot be told from luck."""
        return next((unknown.share for unknown in self.clear if unknown.key == key), 0.0)


def vectors_of(draws: pd.DataFrame | None, indicators: pd.DataFrame) -> Vectors:
    """Return the vectors behind the indicators; without a table of draws each counts as different and no parameter is known."""
    import pandas as pd

    known = indicators[["draw", "closure"]].drop_duplicates("draw").sort_values("draw").set_index("draw")
    table = pd.DataFrame(index=known.index) if draws is None else draws.set_index("draw").reindex(known.index)
    groups = table.drop(columns=[name for name in _NOT_PARAMETERS if name in table]).groupby(known["closure"])
    varies = (groups.nunique() > 1).any()
    names = [str(name) for name in varies.index[varies]]
    labels = [table[name] for name in ("seed", *names) if name in table]
    same = table.assign(closure=known["closure"]).groupby(["closure", *(series.name for series in labels)], dropna=False)
    numbers = same.ngroup().to_numpy() if labels else np.arange(len(known))
    return Vectors(
        known.index.to_numpy(dtype=np.int64),
        known["closure"].to_numpy(dtype=str),
        {name: table[name].to_numpy(dtype=float) for name in names},
        np.asarray(numbers, dtype=np.int64),
    )


def outcomes(targets: Sequence[Target], indicators: pd.DataFrame) -> dict[str, Numbers]:
    """Return what is held against each threshold, one number per draw in order; targets that cannot be judged are left out."""
    found = {}
    for target in targets:
        judged = judgement_of(target, indicators)
        if not isinstance(judged, str):
            found[target.id] = judged.values
    return found


def influences(vectors: Vectors, values: Mapping[str, Numbers]) -> tuple[Influence, ...]:
    """Return what moves each target, by id; those whose value is the same in nearly all draws are left out."""
    raw = [one for name, numbers in values.items() if (one := _influence(name, vectors, numbers)) is not None]
    passed = iter(association.clear([unknown.p_value for one in raw for unknown in one.unknowns]))
    return tuple(_judged(one, [next(passed) for _ in one.unknowns]) for one in raw)


def average_shares(found: Sequence[Influence]) -> list[tuple[str, float]]:
    """Return the unknowns that are clear for some target with their mean share over all targets, the largest first."""
    keys = dict.fromkeys(unknown.key for one in found for unknown in one.clear)
    means = [(key, sum(one.share(key) for one in found) / len(found)) for key in keys]
    return sorted(means, key=lambda pair: (-pair[1], pair[0]))


def _judged(one: Influence, passed: Sequence[bool]) -> Influence:
    unknowns = [replace(each, clear=clear) for each, clear in zip(one.unknowns, passed, strict=True)]
    ordered = sorted(unknowns, key=lambda each: (not each.clear, -each.share, each.p_value, each.key))
    return Influence(one.target, one.different, tuple(ordered))


def _influence(name: str, vectors: Vectors, values: Numbers) -> Influence | None:
    known = np.isfinite(values)
    outcome, closures = values[known], vectors.closures[known]
    if outcome.size < 2 or not association.varies_enough(outcome, vectors.simulation[known]):
        return None
    size = association.effective_count(vectors.simulation[known])
    between, within = variances(outcome, closures)
    if not math.isfinite(within):  # a closure with a single draw has no spread of its own
        return Influence(name, size, ())
    share, groups = between / (between + within), np.unique(closures).size
    unknowns = []
    if groups > 1:
        p_value = association.groups_p_value(outcome, closures, size)
        unknowns.append(Unknown(CLOSURE, share, math.nan, math.nan, 0, p_value))
    ranks = association.ranks_inside(outcome, closures)
    unknowns += [
        _unknown(key, association.ranks_inside(numbers[known], closures), ranks, 1.0 - share, size - groups - 1.0)
        for key, numbers in vectors.parameters.items()
    ]
    return Influence(name, size, tuple(unknowns))


def _unknown(key: str, parameter: Numbers, outcome: Numbers, inside: float, freedom: float) -> Unknown:
    """Return what goes with one parameter; `inside` is the share of the variance inside closures."""
    found = association.correlation(parameter, outcome)
    low, high = association.squared_interval(found, freedom)
    share = inside * association.adjusted_square(found, freedom)
    p_value = association.correlation_p_value(found, freedom)
    return Unknown(key, share, inside * low, inside * high, int(np.sign(found)), p_value)

