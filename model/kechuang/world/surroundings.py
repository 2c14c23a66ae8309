"""What surrounds the modelled firms and is given to them: the rest of the city, other R&D, and the national tide.

    rest of the city  value added of agriculture, construction, services and industry outside the model: the difference
                      between reported GDP and the model's start in 2016, the same share of industry in 2020, a constant
                      growth rate between them; from 2021 it grows like demand (real trend plus prices)
    other revenue     reported revenue of 2020 less taxes of modelled units in that year, moving with the rest of the city
    other R&D         other_research_share of 2.4 % of GDP in 2020, moving with the rest of the city
    tide              log of the national number of high-tech firms over its value at the end of 2015; 'damped' lets its
                      growth fall towards a low rate after 2020, 'known' reads the national path
Units: 亿元 a quarter. Sources: GDP and industry 2016 and 2020 (evidence), tide_* in calibration/parameters.yaml.
"""

from __future__ import annotations

import numpy as np

from kechuang.clock import quarter_index, year_of
from kechuang.units import yi_from_wan
from kechuang.world.mechanisms.demand import trend_growth
from kechuang.world.population.firms import Firms
from kechuang.world.population.reservoir import Reservoir
from kechuang.world.rules import Rules

END_2020 = quarter_index("2020Q4")
MIDDLE_2016 = 2.5
"""Quarters from the end of 2015 to the middle of 2016."""


class Surroundings:
    """Exogenous paths of one draw; `anchor` fixes the rest of the city once the start is known."""

    def __init__(self, rules: Rules, tide: str, scale: float, quarters: int, deflator: np.ndarray) -> None:
        self.rules, self.scale, self.quarters, self.deflator = rules, scale, quarters, deflator
        self.log_tide = self._tide(tide)
        self.rest = np.zeros(quarters)

    def _tide(self, tide: str) -> np.ndarray:
        value = self.rules.value
        past = self.rules.vector("national_tide_growth")
        known = self.rules.vector("tide_known_growth")
        growth, last = np.zeros(self.quarters), 0.0
        for quarter in range(1, self.quarters):
            year = year_of(quarter)
            if year <= 2020:
                rate = float(past[year - 2016])
            elif tide == "known":
                rate = float(known[min(year - 2021, known.size - 1)])
            else:
                final = value("tide_damped_growth")
                rate = final + (float(past[-1]) - final) * value("tide_damping") ** (year - 2020)
            last += np.log1p(rate * value("tide_scale")) / 4.0
            growth[quarter] = last
        return growth

    def anchor(self, firms: Firms, reservoir: Reservoir) -> None:
        """Fix the path of the rest of the city from the model's own start and reported GDP."""
        rules, value = self.rules, self.rules.value
        p = rules.accounts
        count = firms.count
        industry = firms.columns.industry[:count]
        ratio = np.array(p.value_added_share) * (np.array(p.wage_share) + p.rates.vat_rate)
        firm_value = float(((ratio[industry] + firms.columns.margin[:count]) * firms.columns.sales[:count]).sum())
        cell_value = float((reservoir.sales * (ratio + rules.vector("margin_mean"))[None, :]).sum())
        season = rules.vector("seasonal_weights")
        growth = rules.demand.demand_trend + np.log1p(rules.demand.deflator_growth)
        over_2016 = float((season * np.exp(growth / 4.0 * np.arange(1, 5))).sum())
        modelled_2016 = yi_from_wan(4.0 * (firm_value + cell_value)) * over_2016 / self.scale
        modelled_2020 = modelled_2016 * value("industry_value_added_2020") / value("industry_value_added_2016")
        first = value("gdp_2016") - modelled_2016
        last = value("gdp_2020") - modelled_2020
        yearly = np.log(last / first) / 4.0
        for quarter in range(1, self.quarters):
            if quarter <= END_2020:
                self.rest[quarter] = first / 4.0 * np.exp(yearly * (quarter - MIDDLE_2016) / 4.0)
            else:
                step = trend_growth(quarter, rules.demand) / 4.0 + np.log(
                    self.deflator[quarter] / self.deflator[quarter - 1]
                )
                self.rest[quarter] = self.rest[quarter - 1] * np.exp(step)
        self.rest *= self.scale

    def rest_of_city(self, quarter: int) -> float:
        """Return value added of the rest of the city (亿元 in quarter t)."""
        return float(self.rest[quarter])

    def other_revenue(self, quarter: int) -> float:
        """Return revenue of the city from what the model does not contain (亿元 in quarter t)."""
        value = self.rules.value
        whole = value("local_revenue_2020") - value("modelled_revenue_2020")
        return float(self.scale * whole * self.rest[quarter] / self.rest[END_2020 - 3 : END_2020 + 1].sum())

    def other_research(self, quarter: int) -> float:
        """Return R&D outside the modelled firms (亿元 in quarter t)."""
        value = self.rules.value
        whole = value("other_research_share") * value("research_share_2020") / 100.0 * value("gdp_2020")
        year = self.rest[END_2020 - 3 : END_2020 + 1].sum()
        return float(self.scale * whole * self.rest[quarter] / year)
