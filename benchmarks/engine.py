"""How long a run takes, phase by phase: `make bench` writes a dated table and its data to benchmarks/results/.

The city runs at the provisional point of closure B. Rounds are whole runs one after the other in one process with kernels
loaded; medians are reported, with the spread beside them. Nanoseconds are per living firm and quarter.
"""

from __future__ import annotations

import datetime
import json
import platform
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from kechuang.provisional import provisional_draw
from kechuang.world.model import Corridor
from kechuang.world.simulate import blank_scenario, warm_up

RESULTS = Path(__file__).parent / "results"
HORIZONS = (20, 80)
ROUNDS = 7


class TimedCorridor(Corridor):
    """A city that notes how long each phase of each quarter takes."""

    def __init__(self, *arguments: object, **options: object) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.firm_quarters = 0
        super().__init__(*arguments, **options)  # type: ignore[arg-type]

    def _phase(self, name, work) -> None:  # type: ignore[no-untyped-def]
        start = time.perf_counter()
        super()._phase(name, work)
        self.seconds[name] += time.perf_counter() - start
        if name == "closing":
            self.firm_quarters += len(self.firms)


def one_run(quarters: int, seed: int) -> dict[str, object]:
    """Time start and steps of one run."""
    start = time.perf_counter()
    city = TimedCorridor(blank_scenario(), provisional_draw("B"), seed, collect=False)
    built = time.perf_counter()
    city.run(quarters)
    end = time.perf_counter()
    city.release()
    return {
        "start": built - start,
        "steps": end - built,
        "phases": dict(city.seconds),
        "firm_quarters": city.firm_quarters,
    }


def fresh_process() -> float:
    """Time a new process from start to the end of its first quarter, kernels cached."""
    code = (
        "from kechuang.world.simulate import blank_scenario as b; from kechuang.world.model import Corridor as C;"
        "C(b(), seed=1, collect=False).step()"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure, print and write."""
    warm_up()
    results: dict[str, object] = {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "rounds": ROUNDS,
    }
    lines = [
        f"# Engine, {results['date']}",
        "",
        f"Python {results['python']}, {ROUNDS} rounds, medians (least to greatest). One process, one core.",
        "",
    ]
    for quarters in HORIZONS:
        runs = [one_run(quarters, seed) for seed in range(1, ROUNDS + 1)]
        steps = sorted(float(run["steps"]) for run in runs)  # type: ignore[arg-type]
        firm_quarters = statistics.median(int(run["firm_quarters"]) for run in runs)  # type: ignore[call-overload]
        median = statistics.median(steps)
        lines += [
            f"## {quarters} quarters",
            "",
            f"{median:.3f} s ({steps[0]:.3f} to {steps[-1]:.3f}) after {runs[0]['start']:.3f} s of setting up; "
            f"{firm_quarters / 1e6:.2f} million firm-quarters, {1e9 * median / firm_quarters:.0f} ns each.",
            "",
            "| phase | ns per firm and quarter | share |",
            "|--|--|--|",
        ]
        phases = {
            name: statistics.median(float(run["phases"][name]) for run in runs)  # type: ignore[index]
            for name in runs[0]["phases"]
        }  # type: ignore[attr-defined]
        lines += [
            f"| {name} | {1e9 * seconds / firm_quarters:.1f} | {seconds / median:.0%} |"
            for name, seconds in sorted(phases.items(), key=lambda item: -item[1])
        ]
        lines.append("")
        results[f"{quarters} quarters"] = {
            "median": median,
            "all": steps,
            "firm_quarters": firm_quarters,
            "phases": phases,
        }
    fresh = sorted(fresh_process() for _ in range(3))
    results["fresh process to first quarter"] = fresh
    lines += [
        f"A fresh process reaches the end of its first quarter in {fresh[1]:.2f} s ({fresh[0]:.2f} to {fresh[-1]:.2f}),"
        " kernels cached.",
        "",
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "engine.md").write_text("\n".join(lines), encoding="utf-8")
    (RESULTS / "engine.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
