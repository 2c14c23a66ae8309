"""Pictures of a report for the documentation: `python -m kechuang.report.pictures [RUN_FOLDER] [OUT]`.

The page is photographed by a headless Chromium with the network cut off: on a desk, on a phone, and as printed on A4
(the last needs pdftoppm). The fan chart needs no browser. What cannot be made is said, with what to install.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kechuang.errors import InputError, Problem
from kechuang.report import LANGUAGES, build

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kechuang.report.folder import RunFolder
    from kechuang.report.sources import Sources

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
INSTALL_BROWSER = ("no Chromium or Chrome was found; on Debian or Ubuntu: "
                   "apt-get install --no-install-recommends chromium fonts-noto-cjk")
INSTALL_POPPLER = "pdftoppm was not found; on Debian or Ubuntu: apt-get install --no-install-recommends poppler-utils"
VIEWS = {"desktop": (1280, 1600), "phone": (390, 1600)}
"""Width and height of the window in pixels."""
CHART = "high_tech_firms"
_SECONDS = 120


@dataclass
class Outcome:
    """What was made, and what could not be made and why."""

    files: list[Path] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Visit:
    """What a browser did with a page: whether it finished, and what it wrote to its console."""

    finished: bool
    console: tuple[str, ...]


def find_browser() -> str:
    """Return the program of an installed Chromium or Chrome, or an empty text."""
    places = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium")
    found = next((program for name in BROWSERS if (program := shutil.which(name))), "")
    return found or next((place for place in places if Path(place).is_file()), "")


def visit(browser: str, address: str, *options: str) -> Visit:
    """Open an address in a fresh headless browser that reaches no network; say what its console shows."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser, "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr", f"--user-data-dir={profile}", *_as_root(), *options, address]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return Visit(False, ())
    console = tuple(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return Visit(done.returncode == 0, console)


def _as_root() -> tuple[str, ...]:
    """Chromium refuses its sandbox to the superuser, as in most containers; the page shown is our own."""
    return ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()


def make_pictures(folder: Path, out: Path) -> Outcome:
    """Write PNG pictures of a run's fan chart and report, in both languages, into `out`."""
    outcome = Outcome()
    out.mkdir(parents=True, exist_ok=True)
    _fan_charts(folder, out, outcome)
    browser = find_browser()
    if not browser:
        outcome.notices.append(f"no pictures of the report: {INSTALL_BROWSER}")
        return outcome
    address = build(folder).resolve().as_uri()
    for language in LANGUAGES:
        for view, (width, height) in VIEWS.items():
            file = out / f"report-{view}.{language}.png"
            done = visit(browser, f"{address}#{language}", f"--window-size={width},{height}", f"--screenshot={file}")
            _note(outcome, file, done)
        _printed(browser, f"{address}#{language}", out / f"report-print.{language}.png", outcome)
    return outcome


def _note(outcome: Outcome, file: Path, done: Visit) -> None:
    if done.finished and file.is_file():
        outcome.files.append(file)
    else:
        outcome.notices.append(f"{file.name}: the browser gave no picture")
    outcome.notices += [f"{file.name}: the page wrote to the console: {line}" for line in done.console]


def _fan_charts(folder: Path, out: Path, outcome: Outcome) -> None:
    from kechuang.report.folder import read_folder
    from kechuang.report.fonts import save_png
    from kechuang.report.sources import Sources

    run, sources = read_folder(folder), Sources()
    for language in LANGUAGES:
        file = out / f"fan-chart.{language}.png"
        notice = save_png(partial(_fan_chart, run, sources), language, file)
        outcome.files.append(file)
        outcome.notices += [notice] * bool(notice)


def _fan_chart(run: RunFolder, sources: Sources, language: str) -> Figure:
    from kechuang.report.figures import fan_chart

    return fan_chart(run.indicators, CHART, language, sources.reported(CHART), sources.thresholds(run, CHART))


def _printed(browser: str, address: str, file: Path, outcome: Outcome) -> None:
    """Print the page to A4 and picture its first sheet."""
    converter = shutil.which("pdftoppm")
    if not converter:
        outcome.notices.append(f"no picture {file.name}: {INSTALL_POPPLER}")
        return
    with tempfile.TemporaryDirectory() as scratch:
        sheet = Path(scratch) / "report.pdf"
        done = visit(browser, address, "--no-pdf-header-footer", f"--print-to-pdf={sheet}")
        if sheet.is_file():
            subprocess.run([converter, "-r", "110", "-f", "1", "-l", "1", "-singlefile", "-png", str(sheet),
                            str(file.with_suffix(""))], check=True, timeout=_SECONDS)
        _note(outcome, file, done)


def newest_run(outputs: Path) -> Path:
    """Return the baseline run that was finished last; InputError if there is none."""
    runs = [record.parent for record in outputs.glob("baseline/*/record.json")]
    if not runs:
        raise InputError(Problem(str(outputs), message="holds no finished baseline run; make one: kechuang run baseline"))
    return max(runs, key=lambda run: (run / "record.json").stat().st_mtime)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pictures and print what was made; 2 where there is no run to picture."""
    parser = argparse.ArgumentParser(description="Pictures of a run's report for the documentation.")
    parser.add_argument("folder", nargs="?", type=Path, help="a run folder [default: the newest baseline run in outputs/]")
    parser.add_argument("out", nargs="?", type=Path, default=Path("docs/pictures"), help="where the pictures go")
    chosen = parser.parse_args(arguments)
    try:
        outcome = make_pictures(chosen.folder or newest_run(Path("outputs")), chosen.out)
    except InputError as error:
        print(error, file=sys.stderr)
        return InputError.exit_status
    for file in outcome.files:
        print(file)
    for notice in outcome.notices:
        print(notice, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
