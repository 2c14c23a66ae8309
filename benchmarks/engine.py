"""How long a city takes: `make bench` writes a dated table and its data to benchmarks/results/.

Runs of several sizes and lengths are made in turn, round after round, in one process with kernels loaded; medians are
reported with the least and the greatest. The city runs at the provisional point of closure B. Agents are firms, people and
carriers followed one by one; nanoseconds are per agent and quarter. The growth exponent of a phase is the slope of its time
on the number of agents between the city itself and sixteen of it, both in logs: 1 is proportional. Memory is the greatest
resident size of a process of its own, less that of one that ran a city of a fiftieth. Every run adds a line to the list of
runs: the speed of a machine that others use too changes from minute to minute, and one run says little about another hour.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from kechuang.provisional import provisional_draw
from kechuang.world.model import Corridor
from kechuang.world.simulate import blank_scenario, warm_up

sys.path.insert(0, str(Path(__file__).parent))
import yardstick

RESULTS = Path(__file__).parent / "results"
SIZES = (1.0, 4.0, 16.0)
QUARTERS = 20
WHOLE = 80
ROUNDS = {1.0: 9, 4.0: 5, 16.0: 3}
WHOLE_ROUNDS = 5
TINY = 0.02
LISTED_RUNS = 12
"""The page lists so many of the last runs."""
GOALS = {"20 quarters": 0.4, "80 quarters": 1.5, "whole": 1.5, "bytes": 200.0, "exponent": 1.15, "kernel over c": 1.5}


class TimedCorridor(Corridor):
    """A city that notes how long each phase of each quarter takes, and how many agents it has."""

    def __init__(self, *arguments: object, **options: object) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.agent_quarters = 0
        super().__init__(*arguments, **options)  # type: ignore[arg-type]

    def _phase(self, name, work) -> None:  # type: ignore[no-untyped-def]
        start = time.perf_counter()
        super()._phase(name, work)
        self.seconds[name] += time.perf_counter() - start
        if name == "closing":
            self.agent_quarters += agents_of(self)


def agents_of(city: Corridor) -> int:
    """Return the number of agents followed one by one."""
    return len(city.firms) + len(city.talent) + len(city.carriers)


def one_run(quarters: int, scale: float, seed: int) -> dict[str, Any]:
    """Time start and steps of one run."""
    start = time.perf_counter()
    city = TimedCorridor(blank_scenario(), provisional_draw("B"), seed, scale=scale, collect=False)
    built = time.perf_counter()
    city.run(quarters)
    end = time.perf_counter()
    city.release()
    return {
        "start": built - start,
        "steps": end - built,
        "phases": dict(city.seconds),
        "agent_quarters": city.agent_quarters,
        "agents": agents_of(city),
    }


def at_the_size_of_2020(seed: int) -> float:
    """Return the seconds of eighty quarters of a city that stays as large as in 2020 and 2021: ten times those two years."""
    city = Corridor(blank_scenario(), provisional_draw("B"), seed, collect=False).run(16)
    start = time.perf_counter()
    city.run(24)
    seconds = time.perf_counter() - start
    city.release()
    return 10.0 * seconds


def spread(values: list[float]) -> dict[str, float]:
    """Return median, least and greatest."""
    return {"median": statistics.median(values), "least": min(values), "greatest": max(values)}


def fresh(code: str, **environment: str) -> float:
    """Time code in a new process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **environment})
    return time.perf_counter() - start


def start_up() -> dict[str, Any]:
    """Time a new process up to the end of its first quarter, with kernels in the cache and without."""
    code = (
        "from kechuang.world.simulate import blank_scenario as b; from kechuang.world.model import Corridor as C;"
        "C(b(), seed=1, collect=False).step()"
    )
    compile_all = "from kechuang.world.simulate import warm_up; warm_up()"
    with tempfile.TemporaryDirectory() as empty:
        compiling = fresh(compile_all, NUMBA_CACHE_DIR=empty)
    return {
        "import": spread([fresh("import kechuang") for _ in range(5)]),
        "first quarter, kernels cached": spread([fresh(code) for _ in range(5)]),
        "all kernels compiled": compiling,
    }


def memory() -> dict[str, float]:
    """Return bytes per agent above a process that ran a tiny city, for the city and for sixteen of it (Linux only)."""
    if not Path("/proc/self/status").exists():
        return {"1x": math.nan, "16x": math.nan}
    code = (
        "import sys; from pathlib import Path; from kechuang.world.simulate import blank_scenario as b, warm_up; warm_up();"
        "from kechuang.world.model import Corridor as C;"
        "c = C(b(), seed=1, scale=float(sys.argv[1]), collect=False).run(20);"
        "lines = dict(line.split(':', 1) for line in Path('/proc/self/status').read_text().splitlines());"
        "print(lines['VmHWM'].split()[0], len(c.firms) + len(c.talent) + len(c.carriers))"
    )

    def measured(scale: float) -> tuple[float, int]:
        done = subprocess.run([sys.executable, "-c", code, str(scale)], check=True, capture_output=True, text=True)
        kilobytes, agents = done.stdout.split()
        return 1024.0 * int(kilobytes), int(agents)

    base, _ = measured(TINY)
    out = {"base": base}
    for scale in (1.0, 16.0):
        peak, agents = measured(scale)
        out[f"{scale:g}x"] = (peak - base) / agents
    return out


def sizes() -> dict[float, list[dict[str, Any]]]:
    """Run every size in turn."""
    runs: dict[float, list[dict[str, Any]]] = {size: [] for size in SIZES}
    for number in range(max(ROUNDS.values())):
        for size in SIZES:
            if number < ROUNDS[size]:
                runs[size].append(one_run(QUARTERS, size, number + 1))
    return runs


def phase_table(runs: dict[float, list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Return nanoseconds per agent and quarter of every phase by size, and its growth exponent."""
    seconds = {
        size: {name: statistics.median(run["phases"][name] for run in found) for name in found[0]["phases"]}
        for size, found in runs.items()
    }
    agents = {size: statistics.median(run["agent_quarters"] for run in found) for size, found in runs.items()}
    small, large = SIZES[0], SIZES[-1]
    ratio = math.log(agents[large] / agents[small])
    return {
        name: {
            **{f"{size:g}x": 1e9 * seconds[size][name] / agents[size] for size in SIZES},
            "exponent": math.log(seconds[large][name] / seconds[small][name]) / ratio,
        }
        for name in seconds[small]
    }


def main() -> None:
    """Measure, print and write."""
    warm_up()
    found = sizes()
    whole = [one_run(WHOLE, 1.0, seed) for seed in range(1, WHOLE_ROUNDS + 1)]
    steady = [at_the_size_of_2020(seed) for seed in range(1, ROUNDS[1.0] + 1)]
    results: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "start": start_up(),
        "runs": {
            **{
                f"{size:g}x, {QUARTERS} quarters": {
                    **spread([run["steps"] for run in runs]),
                    "agents": statistics.median(run["agents"] for run in runs),
                    "ns": 1e9 * statistics.median(run["steps"] / run["agent_quarters"] for run in runs),
                }
                for size, runs in found.items()
            },
            f"1x, {WHOLE} quarters": {
                **spread([run["steps"] for run in whole]),
                "agents": statistics.median(run["agents"] for run in whole),
                "ns": 1e9 * statistics.median(run["steps"] / run["agent_quarters"] for run in whole),
            },
        },
        "80 quarters at the size of 2020": spread(steady),
        "phases": phase_table(found),
        "bytes per agent": memory(),
        "yardstick": {f"{size:g}x": yardstick.compare(size) for size in SIZES[:2]},
    }
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "engine.json"
    before = json.loads(file.read_text(encoding="utf-8")).get("history", []) if file.exists() else []
    results["history"] = [*before, headline(results, datetime.datetime.now().strftime("%Y-%m-%d %H:%M"))]
    page = page_of(results)
    (RESULTS / "engine.md").write_text(page, encoding="utf-8")
    file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(page)


def headline(results: dict[str, Any], when: str) -> dict[str, Any]:
    """Return the line of a run in the list of runs: medians in seconds, and how fast scalar C was at the time."""
    return {
        "time": when,
        "scalar c": results["yardstick"]["1x"]["growth"].get("c"),
        "20 quarters": results["runs"]["1x, 20 quarters"]["median"],
        "80 quarters": results["80 quarters at the size of 2020"]["median"],
        "whole": results["runs"]["1x, 80 quarters"]["median"],
    }


def page_of(results: dict[str, Any]) -> str:
    """Return the table in Markdown, goals beside what was measured."""
    start, runs, phases = results["start"], results["runs"], results["phases"]
    lines = [
        f"# Engine, {results['date']}",
        "",
        f"Python {results['python']} on {results['machine']}, one process, one core; made by `make bench`. Sizes in turn, "
        "medians (least to greatest). Absolute times belong to the machine of that hour, as the list of runs at the end shows; "
        "ratios travel.",
        "",
        "| run | seconds | agents at its end | ns per agent and quarter |",
        "|--|--|--|--|",
    ]
    for name, run in runs.items():
        seconds = f"{run['median']:.3f} ({run['least']:.3f} to {run['greatest']:.3f})"
        lines.append(f"| {name} | {seconds} | {run['agents']:.0f} | {run['ns']:.0f} |")
    cached = start["first quarter, kernels cached"]
    lines += [
        "",
        f"`import kechuang` {start['import']['median']:.2f} s; a new process reaches the end of its first quarter in "
        f"{cached['median']:.2f} s ({cached['least']:.2f} to {cached['greatest']:.2f}) with kernels cached; compiling all "
        f"kernels takes {start['all kernels compiled']:.0f} s, once.",
        "",
        "| phase | " + " | ".join(f"ns at {size:g}x" for size in SIZES) + " | growth exponent |",
        "|--|" + "--|" * (len(SIZES) + 1),
    ]
    for name, row in sorted(phases.items(), key=lambda item: -item[1]["1x"]):
        numbers = " | ".join(f"{row[f'{size:g}x']:.1f}" for size in SIZES)
        lines.append(f"| {name} | {numbers} | {row['exponent']:.2f} |")
    lines += ["", "| rule | size | kernel, ns a firm | scalar C | NumPy | kernel over C |", "|--|--|--|--|--|--|"]
    for size, rules in results["yardstick"].items():
        for rule, row in rules.items():
            c, ratio = (f"{row[key]:.{digits}f}" if key in row else "-" for key, digits in (("c", 1), ("kernel over c", 2)))
            lines.append(f"| {rule} | {size} | {row['kernel']:.1f} | {c} | {row['numpy']:.1f} | {ratio} |")
    return "\n".join([*lines, "", *goal_lines(results), "", *history_lines(results)]) + "\n"


def history_lines(results: dict[str, Any]) -> list[str]:
    """Return the last runs, the newest last: what the hour makes of the same code."""
    rows = [
        f"| {run['time']} | {run['scalar c'] or math.nan:.0f} | {run['20 quarters']:.3f} | {run['80 quarters']:.2f} "
        f"| {run['whole']:.2f} |"
        for run in results["history"][-LISTED_RUNS:]
    ]
    head = "| run | scalar C, ns a firm | 2016-2020, s | 80 quarters at the size of 2020, s | 2016-2035, s |"
    return [head, "|--|--|--|--|--|", *rows]


def goal_lines(results: dict[str, Any]) -> list[str]:
    """Return the goals with what was measured against each."""
    phases = results["phases"]
    worst = max(phases, key=lambda name: phases[name]["exponent"])
    ratios = [row["kernel over c"] for rules in results["yardstick"].values() for row in rules.values() if "c" in row]
    measured = {
        "20 quarters": results["runs"]["1x, 20 quarters"]["median"],
        "80 quarters": results["80 quarters at the size of 2020"]["median"],
        "whole": results["runs"]["1x, 80 quarters"]["median"],
        "bytes": results["bytes per agent"]["16x"],
        "exponent": phases[worst]["exponent"],
        "kernel over c": max(ratios, default=math.nan),
    }
    words = {
        "20 quarters": "seconds for 2016-2020",
        "80 quarters": "seconds for 80 quarters at the size of 2020 (ten times 2020 and 2021)",
        "whole": "seconds for 2016-2035, in which the city grows to about three times that size",
        "bytes": f"bytes per agent above base at 16x ({results['bytes per agent']['1x']:.0f} at 1x)",
        "exponent": f"largest growth exponent of a phase ({worst})",
        "kernel over c": "kernel over scalar C, slower of the two rules",
    }
    rows = [
        f"| {words[key]} | {goal:g} | {measured[key]:.3g} | {'met' if measured[key] <= goal else 'missed'} |"
        for key, goal in GOALS.items()
    ]
    return ["| goal | at most | measured | |", "|--|--|--|--|", *rows]


if __name__ == "__main__":
    main()
