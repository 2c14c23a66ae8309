"""`kechuang calibrate`: from a study file to draws, diagnostics and a page; resumable until the last rename."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from kechuang.analyse.findings import findings, read_plain
from kechuang.calibrate.agreement import agreement, read_calibration
from kechuang.calibrate.assess import assess
from kechuang.calibrate.export import (
    AGAIN,
    DRAWS,
    LAYOUT,
    RESULT,
    demand_layout_tools,
    draws_table,
    same_draws,
    write_draws,
    write_layout,
)
from kechuang.calibrate.page import validation_page
from kechuang.calibrate.rows import LAST, ModelRows
from kechuang.calibrate.studies import write_study
from kechuang.calibrate.study import Study
from kechuang.calibrate.table import Design, Table, fill
from kechuang.calibrate.weights import weigh
from kechuang.ensemble.executor import Interrupted
from kechuang.ensemble.plan import Engine, default_engine
from kechuang.ensemble.run import available_processors, default_out, progress_bar
from kechuang.errors import InputError, Problem
from kechuang.posterior import origin, simulation_hash
from kechuang.world.simulate import blank_scenario

COMMENT = """What the figures teach: effective sizes, what is learnt about each parameter, each figure predicted from the
others, recovery of synthetic cities, sensitivity. The draws stand in draws.parquet. Made by: kechuang calibrate"""
COMMENT_AGAIN = """The same study with another seed: how far apart the answers are, in standard errors of what luck alone would do.
Made by: kechuang calibrate --again"""


def calibrate(
    study: Study,
    out: Path,
    page: Path | None = None,
    *,
    workers: int | None = None,
    progress: bool = True,
    netcdf: bool = False,
    engine: Engine | None = None,
    work: Path | None = None,
) -> dict[str, Any]:
    """Run a study, write draws, result and page, and return the result.

    The table stays in `work` (default: a folder of outputs/calibration named by what decides its rows), so that the same
    study with more rows in its last round, other checks or other draws starts from it.
    """
    if netcdf:
        demand_layout_tools()
    table = simulated(study, work or work_folder(study), workers, progress, engine)
    today = datetime.date.today().isoformat()
    result = {"date": today, "study": described(study), "made_from": origin(), **assess(table, study)}
    draws = draws_table(table, weigh(table), study)
    result["distinct_draws"] = len(set(draws["row"].to_pylist()))
    if not same_draws(draws, out / DRAWS):
        (out / AGAIN).unlink(missing_ok=True)  # it compared other draws
    write_draws(draws, out / DRAWS)
    if netcdf:
        write_layout(draws, table, out / LAYOUT)
    write_study(out / RESULT, COMMENT, result)
    if page is not None:
        write_page(result, page, out.parent, out / AGAIN)
    return result


def calibrate_again(study: Study, folder: Path, page: Path, out: Path, **options: Any) -> dict[str, Any]:
    """Run a study with another seed, results to `out`, and return how well it agrees with the first, whose folder is given.

    `options` are those of `calibrate`. InputError if the first is not there.
    """
    if not ((folder / RESULT).is_file() and (folder / DRAWS).is_file()):
        raise InputError(Problem(str(folder), message="has no result to compare with: run kechuang calibrate first"))
    other = replace(study, seed=study.seed + 1)
    result = calibrate(other, out, **options)
    errors = study.design().errors
    found = agreement(read_calibration(folder, errors), read_calibration(out, errors), errors)
    about = {"date": result["date"], "seed": other.seed, "rows": result["rows"]["all"], "effective": result["effective"]}
    write_study(folder / AGAIN, COMMENT_AGAIN, {**about, **found})
    write_page(read_plain(folder / RESULT), page, folder.parent, folder / AGAIN)
    return {**about, **found}


def write_page(result: Mapping[str, Any], page: Path, studies: Path, again: Path | None = None) -> None:
    """Write the page of a result, with what the other studies of a folder have found where their pages stand beside it.

    `again` is the file that compares the result with that of another seed.
    """
    page.parent.mkdir(parents=True, exist_ok=True)
    compared = read_plain(again) if again is not None and again.is_file() else None
    page.write_text(validation_page(result, findings(studies, page.parent), compared), encoding="utf-8", newline="\n")


def refresh_page(studies: Path, pages: Path) -> Path | None:
    """Write the page of the committed posterior again from its result file, if both are there, and return it.

    Done when another validation has something new to say; nothing is computed.
    """
    result, page = studies / "posterior" / RESULT, pages / "README.md"
    if not (result.is_file() and page.is_file()):
        return None
    write_page(read_plain(result), page, studies, result.with_name(AGAIN))
    return page


def simulated(
    study: Study, work: Path, workers: int | None, progress: bool = True, engine: Engine | None = None
) -> Table:
    """Return the finished table of a study, simulating the rows that are missing."""
    design, chosen = study.design(), engine or default_engine()
    total = len(design.closures) * sum(design.rounds)
    with progress_bar(total, study.name, progress, "rows") as (announce, advance):
        announce("preparing the model (compiled on first use, under a minute)")
        chosen.warm_up()
        rows = ModelRows(
            work, blank_scenario(LAST), study.scale, chosen, workers or available_processors(), advance
        )
        try:
            announce("comparing earlier rows")
            aside = rows.settle(simulation_hash())
            announce(f"simulating {study.name}" if aside is None else f"other numbers: old rows are now in {aside.name}")
            return fill(design, rows)
        except Interrupted:
            message = f"interrupted: finished rows are kept in {work}; the same command goes on from there"
            raise Interrupted(message) from None


def work_folder(study: Study) -> Path:
    """Return the folder of a study's table, named by what decides its rows but the code and the length of the last round."""
    return default_out() / "calibration" / f"{study.name}-{table_key(study.design(), study.scale)}"


def table_key(design: Design, scale: float) -> str:
    """Return a short hash of what decides the rows of a table; whether the code does as before, its rows show."""
    kept = ("seed", "dimension", "closures", "cut", "bar")
    content: dict[str, Any] = {name: getattr(design, name) for name in kept}
    content |= {"errors": [asdict(error) for error in design.errors], "mixture": asdict(design.mixture)}
    content |= {"rounds": design.rounds[:-1], "scale": scale}
    content |= {"parameters": origin()["parameters"]}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def described(study: Study) -> dict[str, Any]:
    """Return the settings of a study as plain data."""
    return {
        "name": study.name,
        "seed": study.seed,
        "scale": study.scale,
        "figures": list(study.figures),
        "discrepancy": study.discrepancy,
        "draws": study.draws,
    }
