"""`kechuang run`, `report`, `verify`, `evidence`: from a scenario to a report, and back to the sources."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kechuang.errors import CheckFailed

if TYPE_CHECKING:
    from kechuang.ensemble.result import Ensemble
    from kechuang.scenario import Scenario


class Language(StrEnum):
    """Language of what is printed."""

    en = "en"
    zh = "zh"


class ReportLanguage(StrEnum):
    """Language of a report; `both` can be switched on the page and opens in English."""

    en = "en"
    zh = "zh"
    both = "both"


LANGUAGES: dict[str, tuple[str, ...]] = {"en": ("en",), "zh": ("zh",), "both": ("en", "zh")}
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]
PARAMETERS_HELP = "posterior, provisional or prior (default: posterior if one is committed, else provisional)."
Cluster = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler to run on, such as tcp://host:8786, instead of here.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A run folder, such as outputs/baseline/<run id>.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("run")(run)
    app.command("report")(report)
    app.command("verify")(verify)
    app.command("evidence")(evidence)


def run(
    scenario: Annotated[str, typer.Argument(help="A scenario file, or a library name such as baseline.")],
    draws: Annotated[int | None, typer.Option(help="Number of draws (default: the scenario's).")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of draws and luck (default: the scenario's).")] = None,
    until: Annotated[str | None, typer.Option(help="Last quarter, such as 2026Q4 (default: the scenario's).")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes (default: one per processor).")] = None,
    parameters: Annotated[str | None, typer.Option(help=PARAMETERS_HELP)] = None,
    out: Annotated[Path | None, typer.Option(help="Where run folders go (default: outputs).")] = None,
    scale: Annotated[float, typer.Option(help="Share of the city to simulate, for quick looks.")] = 1.0,
    audit: Annotated[bool, typer.Option("--audit", help="Check every account in every quarter.")] = False,
    precision: Annotated[
        float | None,
        typer.Option(help="Add batches of draws until no target has a larger Monte-Carlo error, such as 0.03."),
    ] = None,
    max_draws: Annotated[
        int | None, typer.Option(help="Where --precision gives up (default: 1000; of the posterior all).", show_default=False)
    ] = None,
    again: Annotated[
        int, typer.Option(help="Draws to run again with other luck, which tells luck from parameters.")
    ] = 0,
    cluster: Cluster = None,
    lang: Annotated[Language, typer.Option(help="Language of the table.")] = Language.en,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run a scenario over many draws, print its targets and write a run folder with a report."""
    from kechuang.analyse.projection import run as run_scenario
    from kechuang.ensemble.cluster import on_cluster
    from kechuang.ensemble.executor import Interrupted
    from kechuang.ensemble.own_files import written_files

    loaded = _load(scenario, until)
    try:
        with on_cluster(cluster):
            result = run_scenario(
                loaded,
                draws,
                seed,
                parameters=parameters,
                workers=workers,
                out=out,
                audit=audit,
                progress=not (quiet or as_json),
                scale=scale,
                finish=build_report,
                again=again,
                precision=precision,
                max_draws=max_draws,
                files=written_files(scenario),
            )
    except Interrupted as interruption:
        print(interruption, file=sys.stderr)
        raise typer.Exit(Interrupted.exit_status) from None
    if as_json:
        print(json.dumps(_summary(result), ensure_ascii=False, indent=1))
    else:
        _print_outcome(result, lang.value)


def report(
    folder: Folder,
    lang: Annotated[ReportLanguage, typer.Option(help="Language of the report.")] = ReportLanguage.both,
    as_json: Json = False,
) -> None:
    """Build the report of a run folder again; it is a pure function of the other files there."""
    from kechuang.ensemble.record import seal_report
    from kechuang.report import build

    page = build(folder, LANGUAGES[lang.value])
    seal_report(folder)
    print(json.dumps({"report": str(page)}, ensure_ascii=False) if as_json else page)


def verify(folder: Folder, as_json: Json = False) -> None:
    """Compare a run folder with its record, offline; altered files are named (exit status 3)."""
    from kechuang.ensemble.record import verify as verify_folder

    found = verify_folder(folder)
    if as_json:
        content = {
            "run_id": found.run_id,
            "checked": found.checked,
            "altered": found.altered,
            "notes": found.notes,
        }
        print(json.dumps(content, ensure_ascii=False, indent=1))
    else:
        for note in found.notes:
            print(f"note: {note}")
    if found.altered:
        lines = [f"{folder}: differs from its record:", *(f"  {name}" for name in found.altered)]
        raise CheckFailed("\n".join(lines))
    if not as_json:
        print(f"run {found.run_id}: {found.checked} files are as recorded")


def evidence(
    identity: Annotated[str | None, typer.Argument(metavar="[ID]", help="A figure, parameter or target.")] = None,
    lang: Annotated[Language, typer.Option(help="Language of the text.")] = Language.en,
    as_json: Json = False,
) -> None:
    """Show where a number comes from and what depends on it; without ID, list everything there is."""
    from kechuang.provenance import catalogue, trace

    if identity is not None:
        found = trace(identity)
        plain: object = found.to_plain(lang.value)
        lines = found.lines(lang.value)
    else:
        items = catalogue()
        plain = [{"kind": item.kind, "key": item.key, "text": item.text.in_language(lang.value)} for item in items]
        lines = [item.line(lang.value) for item in items]
    print(json.dumps(plain, ensure_ascii=False, indent=1) if as_json else "\n".join(lines))


def _load(name: str, until: str | None) -> Scenario:
    from kechuang.scenario import load_scenario

    return load_scenario(name).with_run(until=until)


def build_report(folder: Path) -> None:
    """Add the report and its checksums to a folder of a run or a comparison."""
    from kechuang.ensemble.record import seal_report
    from kechuang.report import build

    build(folder)
    seal_report(folder)


def _summary(result: Ensemble) -> dict[str, Any]:
    rows, spread = (
        json.loads(table.to_json(orient="records", force_ascii=False)) for table in (result.targets, result.spread)
    )
    return {
        "scenario": result.scenario_name,
        "run_id": result.folder.name,
        "parameters": result.parameters,
        "draws": len(result.record["draws"]),
        "seed": result.record["seed"],
        "folder": str(result.folder),
        "report": str(result.folder / "report.html"),
        "targets": rows,
        "spread": spread,
    }


def _print_outcome(result: Ensemble, language: str) -> None:
    from rich.console import Console

    from kechuang.commands.spread_table import spread_view
    from kechuang.commands.target_table import target_view

    console = Console()
    console.print(target_view(result, language))
    console.print(spread_view(result.spread, language))
    # A path must stay in one piece to be copied, however narrow the terminal is.
    print(result.folder / "report.html")
