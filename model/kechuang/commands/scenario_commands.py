"""`kechuang check` and `kechuang schema`: are scenario files right, and what may they hold?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kechuang.clock import quarter_label
from kechuang.errors import InputError, Problem, did_you_mean

if TYPE_CHECKING:
    from kechuang.scenario import Scenario

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...", help="Scenario files, or library names such as baseline.", show_default=False
    ),
]
Kind = Annotated[str, typer.Argument(help="What to describe; there is: scenario.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the program."""
    app.command("check")(check)
    app.command("schema")(schema)


def check(
    files: Files,
    show: Annotated[
        bool, typer.Option("--show", help="Print the resolved file with the origin of every leaf.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing when all is well.")] = False,
) -> None:
    """Check scenario files: every problem with file, line and column, and what to do about it."""
    from kechuang.scenario import load_scenario

    checked: dict[str, Scenario] = {}
    problems: dict[str, list[Problem]] = {}
    for file in dict.fromkeys(files):
        try:
            checked[file] = load_scenario(file)
        except InputError as error:
            problems[file] = error.problems
    if as_json:
        _print_json(
            [_record(file, checked.get(file), problems.get(file, [])) for file in dict.fromkeys(files)]
        )
        if problems:
            raise typer.Exit(InputError.exit_status)
        return
    for file, scenario in checked.items():
        if show:
            typer.echo(_resolved(scenario), nl=False)
        elif not quiet:
            typer.echo(f"{file}: right ({_in_words(scenario)})")
    if problems:
        raise InputError([problem for found in problems.values() for problem in found])


def schema(kind: Kind = "scenario") -> None:
    """Print the JSON Schema of a kind of file, for editors that complete and check while you type."""
    from kechuang.scenario.json_schema import scenario_json_schema

    kinds = {"scenario": scenario_json_schema}
    if kind not in kinds:
        known = f"{did_you_mean(kind, kinds)}; there is: {', '.join(kinds)}"
        raise InputError(Problem(kind, message=f"there is no schema of this kind{known}"))
    _print_json(kinds[kind]())


def _resolved(scenario: Scenario) -> str:
    from kechuang.scenario.show import resolved_yaml

    return resolved_yaml(scenario)


def _in_words(scenario: Scenario) -> str:
    """Return what a scenario changes, in a few words."""
    levers = list(dict.fromkeys(change.key for change in scenario.levers))
    parts = [f"to {quarter_label(scenario.until)}", f"{scenario.draws} draws"]
    parts.append(f"levers {', '.join(levers)}" if levers else "no lever")
    if scenario.shocks:
        parts.append(f"shocks {', '.join(shock.key for shock in scenario.shocks)}")
    return ", ".join(parts)


def _record(file: str, scenario: Scenario | None, problems: list[Problem]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "file": file,
        "right": scenario is not None,
        "problems": [
            {"file": one.file, "line": one.line, "column": one.column, "key": one.key, "message": one.message}
            for one in problems
        ],
    }
    if scenario is not None:
        record.update(scenario=scenario.to_plain(), origins=scenario.origins)
    return record


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
