"""The folder of a comparison, `outputs/compare-<names>/<id>/`: its tables and the record of the runs compared.

`record.json` names the runs by id and by the SHA-256 of their records, which in turn hold that of every file; its own
hash is the id of the comparison. No time and no path of a machine stands in it, so the same comparison gives the same
bytes. `kechuang verify` checks it as it checks a run.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.analyse.compare_statistics import BOOTSTRAP_SEED, COVERAGE, RESAMPLES

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.analyse.comparison import Comparison
    from kechuang.ensemble.result import Ensemble

FORMAT = 1
_LONGEST_NAME = 200
_SHOWN = ("title", "summary", "law", "tide", "nodes", "support_ceiling", "levers", "shocks")
"""What a report of the comparison says about a scenario: a report is made from the folder alone."""


def home_of(runs: Sequence[Ensemble], out: Path) -> Path:
    """Return the folder of all comparisons of these scenarios."""
    return out / f"compare-{'-'.join(run.scenario_name for run in runs)}"[:_LONGEST_NAME]


def write_comparison(comparison: Comparison, out: Path, finish: Callable[[Path], None] | None = None) -> Path:
    """Write the folder beside its final place, let `finish` add to it, rename it; return the final folder."""
    from kechuang.ensemble.plan import canonical_json
    from kechuang.ensemble.record import RECORD, run_id_of, seal_report

    home = home_of(comparison.runs, out)
    staging = home / f".new-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        content = staging / "content"
        content.mkdir(parents=True)
        _write(content / "comparison.csv", comparison.table)
        _write(content / "costs.csv", comparison.costs)
        _write(content / "rankings.csv", comparison.rankings)
        _write(content / "flows.csv", comparison.flows)
        _write(content / "targets.csv", comparison.targets)
        _write(content / "paths.csv", comparison.paths)
        _write_attribution(content, comparison)
        text = canonical_json(_record(comparison, content))
        (content / RECORD).write_text(text, encoding="utf-8", newline="\n")
        if finish is not None:
            finish(content)
        seal_report(content)
        final = _put_in_place(content, home / run_id_of(text.encode()), staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _forget_coalitions(comparison)
    return final


def _write_attribution(content: Path, comparison: Comparison) -> None:
    """Write the shares and the values of all coalitions, where a comparison has them."""
    if not comparison.attributions:
        return
    from kechuang.analyse.attribution_runs import COALITIONS, frame_of

    _write(content / "attribution.csv", comparison.attribution)
    pairs = [(found.plan, found.values) for found in comparison.attributions]
    frame_of(pairs).to_parquet(content / COALITIONS, index=False, compression="zstd")


def _forget_coalitions(comparison: Comparison) -> None:
    """Remove what was kept for an interruption: the folder of the comparison holds it now."""
    from kechuang.analyse.attribution_runs import work_folder

    for found in comparison.attributions:
        shutil.rmtree(work_folder(found.plan, found.home), ignore_errors=True)


def _record(comparison: Comparison, content: Path) -> dict[str, Any]:
    from kechuang.ensemble.plan import code_hash
    from kechuang.ensemble.record import RECORD, package_versions, sha256_of

    first = comparison.runs[0].record
    return {
        "format": FORMAT,
        "kind": "comparison",
        "base": comparison.base,
        "runs": [
            {
                "label": label,
                "scenario": run.scenario_name,
                **{key: run.record["scenario"][key] for key in _SHOWN if key in run.record["scenario"]},
                "run": run.folder.name,
                "folder": f"../../{run.scenario_name}/{run.folder.name}",
                "record": sha256_of(run.folder / RECORD),
            }
            for label, run in zip(comparison.labels, comparison.runs, strict=True)
        ],
        "draws": comparison.draws,
        **{key: first[key] for key in ("seed", "parameters", "scale", "audit")},
        "until": first["scenario"]["run"]["until"],
        "dates": list(comparison.dates),
        **_attribution_record(comparison),
        "intervals": {"coverage": COVERAGE, "bootstrap_seed": BOOTSTRAP_SEED, "resamples": RESAMPLES},
        "code": code_hash(),
        "packages": package_versions(),
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "outputs": {file.name: sha256_of(file) for file in sorted(content.iterdir())},
    }


def _attribution_record(comparison: Comparison) -> dict[str, Any]:
    """Return what a later comparison needs to find these coalitions again."""
    if not comparison.attributions:
        return {}
    plan = comparison.attributions[0].plan
    keys = {found.plan.label: found.plan.key for found in comparison.attributions}
    return {"attribution": {"draws": plan.count, "dates": list(plan.dates), "keys": keys}}


def _write(file: Path, table: pd.DataFrame) -> None:
    file.write_text(
        table.to_csv(index=False, float_format="%.10g", lineterminator="\n"), encoding="utf-8", newline="\n"
    )


def _put_in_place(folder: Path, final: Path, staging: Path) -> Path:
    """Rename a complete folder to its final name; an earlier copy with the same id makes way."""
    if final.exists():
        final.rename(staging / "replaced")
    return folder.rename(final)
