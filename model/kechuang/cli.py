"""The command `kechuang`: what people type, and the exit status they get.

Exit status: 0 done; 2 the user's input is wrong (every problem on stderr, no traceback); 3 a check failed;
130 interrupted, with everything finished kept; 1 a fault of ours, with its traceback.
Heavy libraries are imported inside the commands, so that help and `check` answer at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, NoReturn

import typer

from kechuang import __version__
from kechuang.commands import calibrate_commands, compare_command, run_commands, scenario_commands, study_commands
from kechuang.errors import CheckFailed, InputError

app = typer.Typer(
    name="kechuang",
    help="Planning model of the Taizhou Bay sci-tech innovation corridor: "
    "run scenarios, see which targets are reached, at what cost, and where each number comes from.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kechuang {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


run_commands.register(app)
compare_command.register(app)
scenario_commands.register(app)
calibrate_commands.register(app)
study_commands.register(app)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line (default: that of this process) and leave with its exit status."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="kechuang")
    except InputError as error:
        _say(str(problem) for problem in error.problems)
        sys.exit(InputError.exit_status)
    except CheckFailed as error:
        _say([str(error)])
        sys.exit(CheckFailed.exit_status)
    sys.exit(0)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)
