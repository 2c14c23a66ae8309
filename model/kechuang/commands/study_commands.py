"""`kechuang validate` and `kechuang study`: full-size studies that write dated results and a page, failures included."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kechuang.errors import CheckFailed, InputError, Problem, did_you_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kechuang.analyse.facts_study import Verdict

STUDIES = ("ladder", "levers")
_LADDER = """Three studies of the certification ladder: ranges of the closures and their common mass, new certificates per
technology SME with the heterogeneity of firms on and off, excess mass at the thresholds. Page: docs/studies/ladder.md.
Made by: kechuang study ladder"""
_LEVERS = """Every lever at its standard dose from 2023 on against the same draws and luck without it: effects with intervals,
costs per effect, claims with their verdicts, doses of nothing. Page: docs/studies/levers.md.
Made by: kechuang study levers"""
Workers = Annotated[int | None, typer.Option(min=1, help="Processes (default: all processors).")]
Scale = Annotated[float, typer.Option(min=0.02, max=1.0, help="Share of the city to simulate, for quick looks.")]
Out = Annotated[Path | None, typer.Option(help="Folder for all files (default: calibration/studies and docs/studies).")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("validate")(validate)
    app.command("study")(study)


def validate(
    facts: Annotated[bool, typer.Option("--facts", help="Judge the stylised facts.")] = False,
    forecast: Annotated[bool, typer.Option("--forecast", help="Freeze the forecast from 2020, with its rivals.")] = False,
    freeze: Annotated[bool, typer.Option("--freeze", help="Write, once, what a transfer may not change.")] = False,
    transfer: Annotated[str | None, typer.Option(metavar="CITY", help="Carry the frozen model to another city.")] = None,
    effect: Annotated[str | None, typer.Option(metavar="CITY", help="Afterwards: what would have to differ there.")] = None,
    draws: Annotated[int | None, typer.Option(min=1, help="Parameter vectors (facts: 51; forecast, freeze: 501).")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Luck seeds for each of them.")] = 2,
    parameters: Annotated[str | None, typer.Option(help="posterior, prior or provisional (default as in run).")] = None,
    scale: Scale = 1.0,
    workers: Workers = None,
    out: Out = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 if a fact or the transfer fails.")] = False,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")] = False,
) -> None:
    """Compare the model with what it was not fitted to; a finished validation exits 0 whatever its verdict."""
    if sum((facts, forecast, freeze, transfer is not None, effect is not None)) != 1:
        message = "say what to validate: one of --facts, --forecast, --freeze, --transfer CITY and --effect CITY"
        raise InputError(Problem("kechuang validate", message=message))
    if not facts:
        from kechuang.commands import validate_commands

        chosen = validate_commands.Request(draws, parameters, scale, workers, out, strict, quiet, as_json)
        if forecast:
            validate_commands.forecast(chosen)
        elif freeze:
            validate_commands.freeze(chosen)
        elif transfer is not None:
            validate_commands.transfer(transfer, chosen)
        else:
            validate_commands.effect(effect or "", chosen)
        return
    from kechuang.ensemble.draws import parameters_or_default

    _facts(draws or 51, seeds, parameters_or_default(parameters), scale, workers, out, strict, quiet, as_json)


def _facts(
    draws: int,
    seeds: int,
    parameters: str,
    scale: float,
    workers: int | None,
    out: Path | None,
    strict: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    from kechuang.analyse.facts_study import COMMENT, study_content, study_facts, study_page
    from kechuang.calibrate.studies import write_study

    about: dict[str, Any] = {
        "scenario": "baseline",
        "draws": draws,
        "seeds": seeds,
        "runs": draws * seeds,
        "parameters_from": parameters,
        "scale": scale,
    }
    verdicts = unless_stopped(
        lambda: study_facts(draws, seeds, parameters, scale=scale, workers=workers, progress=not (quiet or as_json))
    )
    data, page = _folders(out)
    content = study_content(verdicts, about)
    write_study(data / "facts.yaml", COMMENT, content)
    _write(page / "facts.md", study_page(verdicts, about))
    if as_json:
        print(json.dumps(content, ensure_ascii=False, indent=1))
    else:
        _print_verdicts(verdicts)
        print(page / "facts.md")
    failed = [f"{item.fact.name} {item.year}" for item in verdicts if item.passed is False]
    if strict and failed:
        raise CheckFailed("stylised facts outside their band: " + ", ".join(failed))


def study(
    name: Annotated[str, typer.Argument(help="ladder or levers")] = "ladder",
    draws: Annotated[int | None, typer.Option(min=2, help="Draws (ladder: 60 of the prior; levers: 42 pairs).")] = None,
    seeds: Annotated[int, typer.Option(min=2, help="Luck seeds at the provisional point (ladder).")] = 24,
    scale: Scale = 1.0,
    workers: Workers = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Make a study again: its data, its figures and its page."""
    if name not in STUDIES:
        message = f'"{name}" is not a study; there is {", ".join(STUDIES)}' + did_you_mean(name, STUDIES)
        raise InputError(Problem("NAME", message=message))
    def made() -> list[Path]:
        if name == "levers":
            return _levers(draws or 42, scale, workers, _folders(out), not quiet)
        return _ladder(draws or 60, seeds, scale, workers, _folders(out), not quiet)

    for file in unless_stopped(made):
        print(file)


def unless_stopped(work: Callable[[], Any]) -> Any:
    """Do the work; a user who stops it gets one line and the exit status of an interruption."""
    from kechuang.ensemble.executor import Interrupted

    try:
        return work()
    except Interrupted as interruption:
        print(interruption, file=sys.stderr)
        raise typer.Exit(Interrupted.exit_status) from None


def _folders(out: Path | None) -> tuple[Path, Path]:
    """Return where the data and where the page of a study go."""
    from kechuang.ensemble.run import default_out

    if out is not None:
        return out, out
    root = default_out().parent
    if (root / "pyproject.toml").is_file() and (root / "calibration").is_dir():
        return root / "calibration" / "studies", root / "docs" / "studies"
    return root / "outputs" / "studies", root / "outputs" / "studies"


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")


def _print_verdicts(verdicts: list[Verdict]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in ("fact", "year", "median (5 %, 95 %)", "band", "inside", "verdict"):
        table.add_column(title, no_wrap=True)
    for item in verdicts:
        fact = item.fact
        band = f"{fact.low:g} to {fact.high:g}" if fact.has_band else "-"
        verdict = {True: "pass", False: "FAIL", None: "-"}[item.passed]
        inside = f"{item.share:.2f}" if fact.has_band else "-"
        spread = f"{item.q50:.2g} ({item.q05:.2g}, {item.q95:.2g})"
        table.add_row(fact.name + "*" * fact.built_in, str(item.year), spread, band, inside, verdict)
    Console().print(table)
    print("* built in: the mechanism was shaped on it")


def _ladder(
    draws: int, seeds: int, scale: float, workers: int | None, folders: tuple[Path, Path], progress: bool
) -> list[Path]:
    import pandas as pd

    from kechuang.analyse import ladder_bunching, ladder_closures, ladder_dilution
    from kechuang.analyse.ladder_jobs import prior_jobs, provisional_jobs
    from kechuang.analyse.ladder_page import ladder_page
    from kechuang.calibrate.studies import write_study
    from kechuang.report import ladder_figures
    from kechuang.scenario import load_scenario

    scenario = load_scenario("baseline")
    few = max(2, seeds // 3)
    variants = ladder_dilution.variant_jobs(scenario, seeds)
    rates = ladder_dilution.certification_rates(scenario, variants, scale, workers, progress)
    bunching = ladder_bunching.bunching_runs(scenario, provisional_jobs(scenario, few), scale, workers, progress)
    jobs = provisional_jobs(scenario, seeds) + prior_jobs(scenario, draws)
    counts: pd.DataFrame = ladder_closures.closure_counts(scenario, jobs, scale, workers, progress)
    content = {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "scale": scale,
        "runs": {
            "provisional_seeds": seeds,
            "prior_draws": draws,
            "provisional_seeds_short": seeds,
            "provisional_seeds_bunching": few,
        },
        "closures": ladder_closures.ranges(counts),
        "dilution": ladder_dilution.rates_summary(rates),
        "bunching": ladder_bunching.bunching_summary(bunching),
    }
    data, page = folders
    write_study(data / "ladder.yaml", _LADDER, content)
    _write(page / "ladder.md", ladder_page(content))
    classes = ladder_bunching.mean_counts(bunching, 2020)
    return [
        data / "ladder.yaml",
        page / "ladder.md",
        *_save_figures(page, "ladder-ranges", partial(ladder_figures.ranges_figure, counts)),
        *_save_figures(page, "ladder-dilution", partial(ladder_figures.rates_figure, rates)),
        *_save_figures(page, "ladder-bunching", partial(ladder_figures.bunching_figure, classes)),
    ]


def _levers(draws: int, scale: float, workers: int | None, folders: tuple[Path, Path], progress: bool) -> list[Path]:
    from kechuang.analyse.lever_page import lever_page
    from kechuang.analyse.lever_study import content_of, study_levers
    from kechuang.calibrate.studies import write_study
    from kechuang.ensemble.draws import parameters_or_default
    from kechuang.scenario import load_scenario

    scenario, parameters = load_scenario("baseline"), parameters_or_default(None)
    comparison, zeros, tests = study_levers(scenario, draws, scale, workers, progress, parameters)
    content = {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "scale": scale,
        "draws": draws,
        "parameters_from": parameters,
        "levers": content_of(comparison, zeros, tests),
    }
    data, page = folders
    write_study(data / "levers.yaml", _LEVERS, content)
    _write(page / "levers.md", lever_page(content))
    return [data / "levers.yaml", page / "levers.md"]


def _save_figures(folder: Path, name: str, make: Callable[[str], Figure]) -> list[Path]:
    """Save a figure as SVG and PNG in both languages; a PNG that has to be in English says so."""
    from kechuang.report import fonts

    files = []
    for language in ("en", "zh"):
        vector, picture = (folder / f"{name}.{language}.{ending}" for ending in ("svg", "png"))
        _write(vector, fonts.svg(make(language), name) + "\n")
        notice = fonts.save_png(make, language, picture)
        if notice:
            print(notice, file=sys.stderr)
        files += [vector, picture]
    return files
