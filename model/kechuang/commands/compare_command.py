"""`kechuang compare`: scenarios on the same draws and the same luck, and how they differ from the first."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kechuang.commands.run_commands import PARAMETERS_HELP, Json, Language, Quiet, build_report
from kechuang.errors import InputError, Problem, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.analyse.comparison import Comparison


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("compare")(compare)


def compare(
    scenarios: Annotated[
        list[str],
        typer.Argument(
            metavar="A B [C...]", help="Scenario files or library names; A is the base.", show_default=False
        ),
    ],
    draws: Annotated[int | None, typer.Option(help="Number of draws (default: that of A).")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of draws and luck (default: that of A).")] = None,
    until: Annotated[str | None, typer.Option(help="Last quarter (default: the earliest of the scenarios').")] = None,
    at: Annotated[
        list[str] | None, typer.Option(help="Quarter to compare at, repeatable (default: 2026Q4 and the last).")
    ] = None,
    indicator: Annotated[
        list[str] | None, typer.Option(help="Indicator to show, repeatable (default: the main ones).")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes (default: one per processor).")] = None,
    parameters: Annotated[str | None, typer.Option(help=PARAMETERS_HELP)] = None,
    out: Annotated[Path | None, typer.Option(help="Where run folders and comparison go (default: outputs).")] = None,
    scale: Annotated[float, typer.Option(help="Share of the city to simulate, for quick looks.")] = 1.0,
    audit: Annotated[bool, typer.Option("--audit", help="Check every account in every quarter.")] = False,
    attribute: Annotated[
        bool, typer.Option("--attribute", help="Split the differences over levers; takes hundreds of shorter runs.")
    ] = False,
    attribute_draws: Annotated[
        int | None, typer.Option(help="Draws to split (default: 24, or all if there are fewer).", show_default=False)
    ] = None,
    attribute_until: Annotated[
        str | None, typer.Option(help="Last quarter to split (default: 2026Q4, or the last).", show_default=False)
    ] = None,
    lang: Annotated[Language, typer.Option(help="Language of the tables.")] = Language.en,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare scenarios draw by draw: differences, what they cost, and whether the evidence orders them."""
    from kechuang.analyse.compare import compare as compare_scenarios
    from kechuang.ensemble.executor import Interrupted

    _check(indicator or [], attribute, attribute_draws, attribute_until)
    try:
        found = compare_scenarios(
            *scenarios,
            draws=draws,
            seed=seed,
            until=until,
            dates=at or (),
            parameters=parameters,
            workers=workers,
            out=out,
            audit=audit,
            progress=not (quiet or as_json),
            scale=scale,
            attribute=attribute,
            attribute_draws=attribute_draws,
            attribute_until=attribute_until,
            finish=build_report,
        )
    except KeyboardInterrupt as interruption:
        # Between two runs there is nothing to say but that the finished ones are kept.
        print(str(interruption) or "interrupted: finished runs are kept and will be used again", file=sys.stderr)
        raise typer.Exit(Interrupted.exit_status) from None
    if as_json:
        print(json.dumps(_summary(found, indicator), ensure_ascii=False, indent=1))
    else:
        _print_outcome(found, indicator, lang.value)


def _check(indicators: list[str], attribute: bool, draws: int | None, until: str | None) -> None:
    """Refuse unknown indicators, and options of an attribution without one, before hours of runs, all at once."""
    from kechuang.analyse.compare_outcome import NOT_COMPARED
    from kechuang.world.indicators import KEYS

    known = [key for key in KEYS if key not in NOT_COMPARED]
    problems = [
        Problem("--indicator", message=f'"{key}" is not an indicator that can be compared{did_you_mean(key, known)}')
        for key in indicators
        if key not in known
    ]
    if not attribute:
        given = (("--attribute-draws", draws), ("--attribute-until", until))
        problems += [
            Problem(option, message="says how to split a difference; add --attribute") for option, value in given if value
        ]
    if problems:
        raise InputError(problems)


def _summary(found: Comparison, indicators: list[str] | None) -> dict[str, Any]:
    runs = zip(found.labels, found.runs, strict=True)
    return {
        "base": found.base,
        "runs": [{"label": label, "run_id": run.folder.name, "folder": str(run.folder)} for label, run in runs],
        "draws": found.draws,
        "seed": found.runs[0].record["seed"],
        "parameters": found.runs[0].parameters,
        "dates": list(found.dates),
        "folder": str(found.folder),
        "report": str(_report_of(found)),
        "table": _rows(_chosen(found.table, indicators)),
        "costs": _rows(found.costs),
        "rankings": _rows(_chosen(found.rankings, indicators)),
        "flows": _rows(found.flows),
        "targets": _rows(found.targets),
        "attribution": _rows(_chosen(found.attribution, indicators)),
    }


def _chosen(table: pd.DataFrame, indicators: list[str] | None) -> pd.DataFrame:
    return table[table["indicator"].isin(indicators)] if indicators else table


def _rows(table: pd.DataFrame) -> Any:
    """Return the rows for JSON in full precision; what is not a number, or infinite, is null."""
    return json.loads(table.to_json(orient="records", force_ascii=False, double_precision=15))


def _print_outcome(found: Comparison, indicators: list[str] | None, language: str) -> None:
    from rich.console import Console

    from kechuang.commands.attribution_table import attribution_view
    from kechuang.commands.compare_table import comparison_view

    console = Console()
    console.print(comparison_view(found, language, indicators))
    console.print(attribution_view(found, language, indicators))
    # A path must stay in one piece to be copied, however narrow the terminal is.
    print(_report_of(found))


def _report_of(found: Comparison) -> Path:
    return (found.folder or Path()) / "report.html"
