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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.analyse.compare_statistics import BOOTSTRAP_SEED, COVERAGE, RESAMPLES

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.analyse.compare import Comparison

FORMAT = 1
_LONGEST_NAME = 200


def write_comparison(comparison: Comparison, out: Path) -> Path:
    """Write the folder beside its final place and rename it; return the final folder."""
    from kechuang.ensemble.plan import canonical_json
    from kechuang.ensemble.record import RECORD, run_id_of, seal_report

    names = [run.scenario_name for run in comparison.runs]
    home = out / f"compare-{'-'.join(names)}"[:_LONGEST_NAME]
    staging = home / f".new-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        content = staging / "content"
        content.mkdir(parents=True)
        _write(content / "comparison.csv", comparison.table)
        _write(content / "costs.csv", comparison.costs)
        _write(content / "rankings.csv", comparison.rankings)
        text = canonical_json(_record(comparison, content))
        (content / RECORD).write_text(text, encoding="utf-8", newline="\n")
        seal_report(content)
        return _put_in_place(content, home / run_id_of(text.encode()), staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


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
        "intervals": {"coverage": COVERAGE, "bootstrap_seed": BOOTSTRAP_SEED, "resamples": RESAMPLES},
        "code": code_hash(),
        "packages": package_versions(),
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "outputs": {file.name: sha256_of(file) for file in sorted(content.glob("*.csv"))},
    }


def _write(file: Path, table: pd.DataFrame) -> None:
    file.write_text(
        table.to_csv(index=False, float_format="%.10g", lineterminator="\n"), encoding="utf-8", newline="\n"
    )


def _put_in_place(folder: Path, final: Path, staging: Path) -> Path:
    """Rename a complete folder to its final name; an earlier copy with the same id makes way."""
    if final.exists():
        final.rename(staging / "replaced")
    return folder.rename(final)
