"""`kechuang.compare`: scenarios under the same parameters and the same luck, and what the difference is worth.

    effect = kc.compare("baseline", "plan.yaml", draws=50)
    effect.at("high_tech_firms", "2026Q4")     # mean, interval, probability of the difference
    effect.table, effect.costs, effect.rankings  # data frames; effect.plot("high_tech_firms") a fan of differences
    effect.flows                               # new, lapsed and closed firms behind a difference of counts
    effect.attribution                         # with attribute=True: the difference split over levers and channels

The first scenario is the base. All run its draws, its luck and the shortest horizon, so that draw k of one meets draw
k of the other; each is a run folder of its own, and one that lies there finished is used as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.analyse.compare_outcome import outcome_of
from kechuang.analyse.comparison import STANDARD_DATE, Comparison

if TYPE_CHECKING:
    from kechuang.scenario import Scenario


def compare(
    base: Scenario | str,
    *others: Scenario | str,
    draws: int | None = None,
    seed: int | None = None,
    until: str | None = None,
    dates: Sequence[str] = (),
    parameters: str | None = None,
    workers: int | None = None,
    out: Path | str | None = None,
    audit: bool = False,
    progress: bool = True,
    scale: float = 1.0,
    attribute: bool = False,
    attribute_draws: int | None = None,
    attribute_until: str | None = None,
    finish: Callable[[Path], None] | None = None,
) -> Comparison:
    """Run scenarios (or those of these names or paths) on the same draws and return how they differ from the first.

    `draws` and `seed` default to those of the first scenario; all run until the earliest of their last quarters (or
    `until`). `dates` are the quarters of the tables. Other options as in `kechuang.run`; the comparison is written to
    `<out>/compare-<names>/<id>/`. `attribute` splits the differences over levers, on the first `attribute_draws` draws (24
    unless there are fewer) up to `attribute_until` (2026Q4); that takes hundreds of shorter runs. `finish` gets the
    folder before it is in its place, to add a report.
    """
    from kechuang.analyse.attribution import attribute as split
    from kechuang.analyse.attribution import window_of
    from kechuang.analyse.compare_folder import home_of, write_comparison
    from kechuang.analyse.compare_runs import aligned, dates_of, demand_same_draws, labels_of, run_or_reuse
    from kechuang.ensemble.draws import parameters_or_default
    from kechuang.ensemble.own_files import written_files
    from kechuang.ensemble.run import default_out
    from kechuang.scenario import load_scenario
    from kechuang.targets import select_targets

    loaded = [load_scenario(one) if isinstance(one, str) else one for one in (base, *others)]
    scenarios = aligned(loaded, draws, seed, until)
    wanted = dates_of(dates, scenarios[0].until, STANDARD_DATE)
    window = window_of(attribute_draws, attribute_until, scenarios[0], wanted) if attribute else None
    for scenario in scenarios:
        select_targets(scenario.targets)  # an unknown target is said before the first run, not after it
    home = Path(out) if out is not None else default_out()
    options: dict[str, Any] = {
        "parameters": parameters_or_default(parameters),
        "workers": workers,
        "audit": audit,
        "scale": scale,
        "progress": progress,
    }
    files = [written_files(one) if isinstance(one, str) else {} for one in (base, *others)]
    pairs = zip(scenarios, files, strict=True)
    runs = [run_or_reuse(scenario, out=home, files=own, **options) for scenario, own in pairs]
    demand_same_draws(runs)
    labels = labels_of(scenarios)
    outcomes = [outcome_of(run, label) for run, label in zip(runs, labels, strict=True)]
    attributions = [
        split(scenarios[0], other, label, window, home_of(runs, home), **options)
        for other, label in zip(scenarios[1:], labels[1:], strict=True)
        if window is not None
    ]
    found = Comparison(outcomes, wanted, runs, attributions=attributions)
    found.folder = write_comparison(found, home, finish)
    return found
