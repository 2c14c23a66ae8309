"""M11, the tax rules: corporate income tax of a firm under the best schedule open to it.

    taxable   = max(0, margin - r (1 + sd)) S4                                       万元 a year
    T0        = small-profit schedule if the firm is small, else 25 % of taxable profit (a cliff: the whole profit)
    T_with    = min(T0, rate * taxable)                                              certified firms, rate 15 %
A firm is small while its taxable profit, staff and assets (proxy: asset_share of yearly sales) stay within the limits
of the year. Units: 万元; rates are shares. Source: the laws named with their dates in calibration/law.yaml.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.law import SmallProfit


class TaxLaw(NamedTuple):
    """Corporate tax law of one year: limits in 万元 and persons, rates as shares of profit.

    Small profits have two bands at most; where the law has one, the second repeats it. Plain numbers, because a kernel
    would count references on arrays at every call.
    """

    normal_rate: float
    profit_limit: float
    staff_limit: float
    asset_limit: float
    asset_share: float
    band_bounds: tuple[float, float]
    band_rates: tuple[float, float]

    @classmethod
    def of(cls, small: SmallProfit, normal_rate: float, asset_share: float) -> TaxLaw:
        """Build the record of one year from the law file."""
        bounds, rates = (tuple(float(number) for number in part) for part in (small.band_bounds, small.band_rates))
        return cls(
            float(normal_rate),
            float(small.limit),
            float(small.staff_max),
            float(small.assets_max),
            float(asset_share),
            (bounds[0], bounds[-1]),
            (rates[0], rates[-1]),
        )


@compiled
def taxable_profit(annual_sales: float, margin: float, intensity: float, extra_deduction: float) -> float:
    """Return yearly profit after R&D and its extra deduction (万元); losses count as zero."""
    return max(0.0, annual_sales * (margin - intensity * (1.0 + extra_deduction)))


@compiled
def is_small(profit: float, annual_sales: float, staff: float, law: TaxLaw) -> bool:
    """Say whether the small-profit schedule is open to a firm."""
    return profit <= law.profit_limit and staff <= law.staff_limit and law.asset_share * annual_sales <= law.asset_limit


@compiled
def small_profit_tax(profit: float, law: TaxLaw) -> float:
    """Return the tax of a small firm: each band of profit at its own rate."""
    first, second = law.band_bounds
    return law.band_rates[0] * min(profit, first) + law.band_rates[1] * max(0.0, min(profit, second) - first)


@compiled
def tax_without(profit: float, annual_sales: float, staff: float, law: TaxLaw) -> float:
    """Return the yearly tax under the best schedule open to the firm without a certificate (万元)."""
    if is_small(profit, annual_sales, staff, law):
        return min(small_profit_tax(profit, law), law.normal_rate * profit)
    return law.normal_rate * profit


@compiled
def marginal_rate(profit: float, annual_sales: float, staff: float, certified_rate: float, law: TaxLaw) -> float:
    """Return the rate on the last yuan of profit; pass the normal rate as `certified_rate` if not certified."""
    if is_small(profit, annual_sales, staff, law):
        return min(law.band_rates[0] if profit <= law.band_bounds[0] else law.band_rates[1], certified_rate)
    return min(law.normal_rate, certified_rate)


@compiled
def user_cost(rate: float, extra_deduction: float) -> float:
    """Return the user cost of one yuan of R&D, (1 - rate (1 + sd)) / (1 - rate) (Hall and Jorgenson 1967)."""
    return (1.0 - rate * (1.0 + extra_deduction)) / (1.0 - rate)


@compiled
def unit_taxes(
    annual_sales: NDArray[np.float64], staff: NDArray[np.float64], margin: NDArray[np.float64], law: TaxLaw
) -> NDArray[np.float64]:
    """Return the yearly income tax of the average unit of each cell by (place, industry), margins by industry (万元)."""
    tax = np.zeros_like(annual_sales)
    for i in range(annual_sales.shape[0]):
        for j in range(annual_sales.shape[1]):
            profit = max(0.0, margin[j] * annual_sales[i, j])
            tax[i, j] = tax_without(profit, annual_sales[i, j], staff[i, j], law)
    return tax
