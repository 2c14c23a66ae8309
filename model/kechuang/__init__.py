"""Kechuang (科创): firms, talent, banks, funds and platforms of the Taizhou Bay innovation corridor.

    import kechuang as kc
    base = kc.load_scenario("baseline")
    result = kc.run(base, draws=12, seed=1)      # result.indicators, .targets, .costs: pandas
    result.plot("high_tech_firms")
    city = kc.Corridor(base, seed=1)             # a mesa.Model: city.step(), city.firms, city.agents

Names are looked up when they are first used: importing the package loads no library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kechuang.analyse.compare import compare
    from kechuang.analyse.projection import run
    from kechuang.city import load_city
    from kechuang.ensemble.result import Ensemble
    from kechuang.evidence import load_evidence
    from kechuang.parameters import default_draw, load_parameters, prior_draw
    from kechuang.report import build as build_report
    from kechuang.scenario import Scenario, load_scenario
    from kechuang.targets import load_targets
    from kechuang.world.indicators import INDICATORS
    from kechuang.world.model import Corridor
    from kechuang.world.policy.own import OwnLever

__version__ = "0.1.0"

__all__ = [
    "INDICATORS",
    "Corridor",
    "Ensemble",
    "OwnLever",
    "Scenario",
    "__version__",
    "build_report",
    "compare",
    "default_draw",
    "load_city",
    "load_evidence",
    "load_parameters",
    "load_scenario",
    "load_targets",
    "prior_draw",
    "run",
]

_HOMES = {
    "run": ("kechuang.analyse.projection", "run"),
    "compare": ("kechuang.analyse.compare", "compare"),
    "Ensemble": ("kechuang.ensemble.result", "Ensemble"),
    "build_report": ("kechuang.report", "build"),
    "Scenario": ("kechuang.scenario", "Scenario"),
    "load_scenario": ("kechuang.scenario", "load_scenario"),
    "Corridor": ("kechuang.world.model", "Corridor"),
    "OwnLever": ("kechuang.world.policy.own", "OwnLever"),
    "INDICATORS": ("kechuang.world.indicators", "INDICATORS"),
    "load_city": ("kechuang.city", "load_city"),
    "load_evidence": ("kechuang.evidence", "load_evidence"),
    "load_targets": ("kechuang.targets", "load_targets"),
    "load_parameters": ("kechuang.parameters", "load_parameters"),
    "default_draw": ("kechuang.parameters", "default_draw"),
    "prior_draw": ("kechuang.parameters", "prior_draw"),
}


def __getattr__(name: str) -> Any:
    """Import the home of a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'kechuang' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
