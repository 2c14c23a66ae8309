"""`kechuang calibrate`: from a study file to draws, diagnostics and a page; resumable until the last rename."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kechuang.analyse.findings import findings
from kechuang.calibrate.assess import assess
from kechuang.calibrate.export import DRAWS, LAYOUT, RESULT, demand_layout_tools, draws_table, write_draws, write_layout
from kechuang.calibrate.page import validation_page
from kechuang.calibrate.rows import LAST, ModelRows
from kechuang.calibrate.studies import write_study
from kechuang.calibrate.study import Study
from kechuang.calibrate.table import Design, Table, fill
from kechuang.calibrate.weights import weigh
from kechuang.ensemble.executor import Interrupted
from kechuang.ensemble.plan import Engine, default_engine
from kechuang.ensemble.run import available_processors, default_out, progress_bar
from kechuang.posterior import origin, simulation_hash
from kechuang.world.simulate import blank_scenario

COMMENT = """What the figures teach: effective sizes, what is learnt about each parameter, each figure predicted from the
others, recovery of synthetic cities, sensitivity. The draws stand in draws.parquet. Made by: kechuang calibrate"""


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
    write_draws(draws, out / DRAWS)
    if netcdf:
        write_layout(draws, table, out / LAYOUT)
    write_study(out / RESULT, COMMENT, result)
    if page is not None:
        write_page(result, page, out.parent)
    return result


def write_page(result: Mapping[str, Any], page: Path, studies: Path) -> None:
    """Write the page of a result, with what the other studies of a folder have found where their pages stand beside it."""
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(validation_page(result, findings(studies, page.parent)), encoding="utf-8", newline="\n")


def refresh_page(studies: Path, pages: Path) -> Path | None:
    """Write the page of the committed posterior again from its result file, if both are there, and return it.

    Done when another validation has something new to say; nothing is computed.
    """
    from ruamel.yaml import YAML

    result, page = studies / "posterior" / RESULT, pages / "README.md"
    if not (result.is_file() and page.is_file()):
        return None
    write_page(YAML(typ="safe").load(result.read_text(encoding="utf-8")), page, studies)
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
