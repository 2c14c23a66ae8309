"""`kechuang calibrate`: the studies that a run rests on, computed anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kechuang.commands.run_commands import Cluster
from kechuang.errors import InputError, Problem, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

POINTS = ("provisional", "prior-predictive")
"""Studies without a study file of their own."""
_PROVISIONAL = """The provisional point, by closure of the certification ladder: four parameters on four figures of 2020.
It validates nothing; all other parameters stand at their values. Made by: kechuang calibrate provisional"""
_PREDICTIVE = """What the priors alone predict: quantiles over draws of all parameters, nothing fitted, and the rank of each
reported figure among them. Made by: kechuang calibrate prior-predictive"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("calibrate")(calibrate)


def calibrate(
    study: Annotated[str, typer.Argument(help="posterior, demo, a study file; provisional or prior-predictive.")] = "posterior",
    draws: Annotated[int, typer.Option(min=3, help="Draws of the prior-predictive study.")] = 300,
    rows: Annotated[int | None, typer.Option(min=1, help="Rows per closure in the last round (default: the study's).")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes (default: all processors).")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the results, page included (default: beside the study).")] = None,
    cluster: Cluster = None,
    again: Annotated[bool, typer.Option("--again", help="Run the study with another seed, and say whether it agrees.")] = False,
    netcdf: Annotated[bool, typer.Option("--netcdf", help="Write the draws in ArviZ's netCDF layout too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Learn the parameters from the reported figures, or compute another study again; unfinished work goes on."""
    from kechuang.ensemble.cluster import on_cluster

    if study == "provisional":
        if cluster is not None:
            raise InputError(Problem("--cluster", message="the provisional point is searched here: leave it away"))
        _provisional((out or _studies_folder()) / "provisional.yaml", workers)
        return
    with on_cluster(cluster):
        if study == "prior-predictive":
            _prior_predictive((out or _studies_folder()) / "prior-predictive.yaml", draws, workers)
        else:
            _posterior(study, rows, out, again, {"workers": workers, "netcdf": netcdf, "progress": not quiet})


def _posterior(name: str, rows: int | None, out: Path | None, again: bool, options: dict[str, Any]) -> None:
    from kechuang.calibrate.posterior_study import calibrate as run_study
    from kechuang.calibrate.posterior_study import calibrate_again
    from kechuang.calibrate.study import read_study
    from kechuang.ensemble.executor import Interrupted
    from kechuang.ensemble.run import default_out

    file = _study_file(name)
    study = read_study(file, str(file)).with_rows(rows)
    folder = out or file.parent
    page = folder / "README.md" if out else _page_folder(folder) / "README.md"
    try:
        if again:
            second = default_out() / "calibration" / f"{study.name}-again"
            _say_agreement(calibrate_again(study, folder, page, second, **options), page)
            return
        result = run_study(study, folder, page, **options)
    except Interrupted as interruption:
        typer.echo(str(interruption), err=True)
        raise typer.Exit(Interrupted.exit_status) from None
    parameters = result["parameters"].values()
    identified = sum(entry["status"].startswith("identified") for entry in parameters)
    typer.echo(
        f"{result['rows']['all']} rows, effective size {result['effective']:.0f}, largest weight "
        f"{result['largest_weight']:.1%}; {identified} of {len(parameters)} parameters identified"
    )
    typer.echo(str(page))


def _say_agreement(found: dict[str, Any], page: Path) -> None:
    word = "agrees" if found["agrees"] else "does not agree"
    typer.echo(
        f"seed {found['seed']}: {found['rows']} rows, effective size {found['effective']:.0f}; {word} with the first: of "
        f"{found['comparisons']} differences the largest is {found['largest']:.1f} standard errors ({found['of']}), "
        f"up to {found['bar']:.1f} are luck"
    )
    typer.echo(str(page))


def _study_file(name: str) -> Path:
    """Return the study file of a name or path; InputError names the studies that there are."""
    from kechuang.calibrate.study import find_studies

    found = find_studies()
    if name in found:
        return found[name]
    if Path(name).is_file():
        return Path(name)
    names = [*found, *POINTS]
    message = f'"{name}" is not a study; there are {", ".join(names)}' + did_you_mean(name, names)
    raise InputError(Problem("STUDY", message=message))


def _page_folder(folder: Path) -> Path:
    """Return docs/validation for the study of the committed posterior in a checkout, else the study's own folder."""
    root = folder.parents[2]
    inside = folder.name == "posterior" and (root / "pyproject.toml").is_file() and (root / "docs").is_dir()
    return root / "docs" / "validation" if inside else folder


def _studies_folder() -> Path:
    from kechuang.resources import path

    return path("calibration/parameters.yaml").parent / "studies"


def _provisional(file: Path, workers: int | None) -> None:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    from kechuang.calibrate.provisional import FITTED, SEEDS, search
    from kechuang.calibrate.studies import write_study
    from kechuang.calibrate.summaries import figures
    from kechuang.ensemble.run import available_processors
    from kechuang.parameters import CLOSURES
    from kechuang.world.simulate import blank_scenario, warm_up

    typer.echo("preparing the model (compiled on first use, under a minute)", err=True)
    warm_up()
    closures = {}
    with ProcessPoolExecutor(workers or available_processors(), multiprocessing.get_context("spawn")) as pool:
        for closure in CLOSURES:
            values, medians = search(closure, blank_scenario("2020Q4"), pool, report=_say)
            closures[closure] = {"values": values, "medians": {key: round(value, 3) for key, value in medians.items()}}
    write_study(
        file,
        _PROVISIONAL,
        {
            "figures": {key: figures()[key]._asdict() for key in FITTED},
            "seeds": f"{SEEDS[0]}-{SEEDS[-1]}",
            "closures": closures,
        },
    )
    typer.echo(str(file))


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _prior_predictive(file: Path, draws: int, workers: int | None) -> None:
    from kechuang.calibrate.studies import spread, summary_values, write_study
    from kechuang.calibrate.summaries import figures
    from kechuang.ensemble.run import run_ensemble
    from kechuang.parameters import default_draw
    from kechuang.scenario import load_scenario

    scenario = load_scenario("baseline")
    run = run_ensemble(scenario, draws=draws, seed=1, parameters="prior", workers=workers, audit=False)
    frame = run.indicators
    inputs = {"gdp_2020": "gdp_2020", "research_share_2020": "research_share_2020"}
    reported = {key: figure.value for key, figure in figures().items()} | {
        name: default_draw().number(parameter) for name, parameter in inputs.items()
    }
    predicted = {name: spread(values, reported.get(name)) for name, values in summary_values(frame).items()}
    horizon = {}
    for key in ("high_tech_firms", "tech_sme_firms", "gdp_four_quarters", "rd_intensity"):
        horizon[key] = {
            quarter: {closure: spread(rows[key]) for closure, rows in _by_closure(frame, quarter)}
            for quarter in ("2026Q4", "2035Q4")
        }
    write_study(
        file,
        _PREDICTIVE,
        {"draws": draws, "seed": 1, "scenario": scenario.name, "figures": predicted, "horizon": horizon},
    )
    typer.echo(str(file))


def _by_closure(frame: pd.DataFrame, quarter: str) -> list[tuple[str, pd.DataFrame]]:
    rows = frame[frame["quarter"] == quarter]
    return [("all", rows), *((str(closure), part) for closure, part in rows.groupby("closure"))]
