"""M1 Demand and the 2020 shock: an exogenous index per industry, a small open region that takes it as given.

    ln Y_s,t = sum_k<=t (g_k/4 + x_k) + u_t e_s + b_t e_s        x_k ~ N(0, demand_noise^2), common to all industries
    u_t      = -D0 at 2020Q1, afterwards rho_D u_{t-1}; a recession adds -depth while it lasts
    b_t      = B_t / 2 ;  B_{t+1} = B_t - b_t + betaB max(0, -u_t of 2020)      backlog: lost sales partly delivered later

Units: logs of real sales; e_s is the exposure of industry s with a sales-weighted mean of 1. The trend slows from
`demand_trend` to its 2030 and 2035 values along straight lines. A prefecture that exports most of its output takes
demand as given; an endogenous multiplier cannot be identified from two growth rates.
Sources: growth rates of 2020 (evidence), backlog as in accelerator models; all parameters in calibration/parameters.yaml.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import quarter_index
from kechuang.parameters import Draw
from kechuang.randomness import Purpose, normal_from_uniform, stream_key, uniform

PANDEMIC_QUARTER = quarter_index("2020Q1")
_TREND_YEARS = (quarter_index("2020Q4"), quarter_index("2030Q4"), quarter_index("2035Q4"))


class DemandParameters(NamedTuple):
    """Rates per year, noise per quarter, depth in logs."""

    demand_trend: float
    demand_trend_2030: float
    demand_trend_2035: float
    demand_noise: float
    shock_depth_2020: float
    shock_persistence: float
    backlog_share: float
    deflator_growth: float

    @classmethod
    def of(cls, draw: Draw) -> DemandParameters:
        """Take the record from a draw."""
        return cls(*(draw.number(name) for name in cls._fields))


def trend_growth(quarter: int, parameters: DemandParameters) -> float:
    """Return the trend growth of real demand per year in quarter t."""
    return float(
        np.interp(
            quarter, _TREND_YEARS, (parameters.demand_trend, parameters.demand_trend_2030, parameters.demand_trend_2035)
        )
    )


class Demand:
    """The demand index of the eight industries; `advance` moves it by one quarter."""

    def __init__(self, parameters: DemandParameters, exposure: NDArray[np.float64], seed: int) -> None:
        self.parameters = parameters
        self.exposure = exposure
        self.seed = seed
        self.trend = 0.0
        self.shock = 0.0
        self.recession = 0.0
        self.backlog = 0.0
        self.log_index = np.zeros(exposure.size)
        self.log_growth = np.zeros(exposure.size)

    def advance(self, quarter: int, recession_depth: float = 0.0) -> None:
        """Move to quarter t; `recession_depth` is the log depth of a recession that rules in it, else 0."""
        parameters = self.parameters
        noise = normal_from_uniform(uniform(stream_key(self.seed, quarter, int(Purpose.DEMAND_NOISE)), 0))
        self.trend += trend_growth(quarter, parameters) / 4.0 + parameters.demand_noise * noise
        lost = max(0.0, -self.shock)
        self.shock = (
            -parameters.shock_depth_2020 if quarter == PANDEMIC_QUARTER else (parameters.shock_persistence * self.shock)
        )
        self.recession = min(-recession_depth, parameters.shock_persistence * self.recession)
        new_index = self.trend + (self.shock + self.recession + self._catch_up(lost)) * self.exposure
        self.log_growth = new_index - self.log_index
        self.log_index = new_index

    def _catch_up(self, lost_last_quarter: float) -> float:
        """Return what is delivered now of the sales lost before, in logs, and carry the rest forward."""
        self.backlog += self.parameters.backlog_share * lost_last_quarter
        delivered = self.backlog / 2.0
        self.backlog -= delivered
        return delivered
