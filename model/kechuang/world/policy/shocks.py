"""What happens to the city from outside: the shocks of a scenario, read quarter by quarter."""

from __future__ import annotations

from kechuang.scenario import Scenario


class Shocks:
    """The shocks of a scenario as functions of the quarter."""

    def __init__(self, scenario: Scenario) -> None:
        self._recession = scenario.shock("export_recession")
        self._tightening = scenario.shock("certification_tightening")

    def recession_depth(self, quarter: int) -> float:
        """Return the log depth of an export recession in quarter t, 0 outside one."""
        shock = self._recession
        if shock is None or not shock.from_quarter <= quarter < shock.from_quarter + shock["quarters"]:
            return 0.0
        return shock["depth"]

    def tightening(self, quarter: int) -> tuple[float, float, float]:
        """Return what stricter certification adds to the notch (share), multiplies audit by, and adds to renewal."""
        shock = self._tightening
        if shock is None or quarter < shock.from_quarter:
            return 0.0, 1.0, 0.0
        return shock["notch"] / 100.0, shock["audit"], shock["renewal"]
