"""The reservoir: all units too small to be followed one by one, as cells of place and industry with head-counts.

A cell holds whole units, their mix of ages, their sales, deposits and fixed capital. Sizes inside a cell are lognormal,
cut at the above-scale threshold; the cell's mean places the distribution, so size bins need no bookkeeping of their own.
Money in 万元; sales at a seasonally adjusted quarterly rate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.randomness import Purpose, poissons, stream_key
from kechuang.world.mechanisms.demography import AGES, DemographyParameters

GRID = 400


class SizeBins:
    """Shares of units by size bin as a function of the mean size of a cut lognormal distribution."""

    def __init__(self, bounds: NDArray[np.float64], sd: float, cut: float, smallest: float, largest: float) -> None:
        from scipy.special import ndtr

        medians = np.exp(np.linspace(np.log(smallest), np.log(largest), GRID))
        upper = np.append(bounds[bounds < cut], cut)
        z = (np.log(upper)[None, :] - np.log(medians)[:, None]) / sd
        cumulative = ndtr(z) / ndtr(z[:, -1:])
        self.upper = upper
        self.lower = np.append(upper[0] / 4.0, upper[:-1])
        self.shares = np.diff(np.concatenate([np.zeros((GRID, 1)), cumulative], axis=1), axis=1)
        self.means = medians * np.exp(0.5 * sd * sd) * ndtr(z[:, -1] - sd) / ndtr(z[:, -1])

    def mean_at(self, median: float, smallest: float, largest: float) -> float:
        """Return the mean size of a cell whose uncut median is given."""
        medians = np.linspace(np.log(smallest), np.log(largest), GRID)
        return float(np.interp(np.log(median), medians, self.means))

    def at(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the shares of units by bin (last axis) for cells of these mean annual sizes."""
        return _between(np.ravel(mean), self.means, self.shares).reshape(*mean.shape, self.shares.shape[1])


@compiled
def _between(mean: NDArray[np.float64], means: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows of a table at these means, linear between the means of its rows and constant beyond them."""
    found = np.empty((mean.size, shares.shape[1]))
    for k in range(mean.size):
        low = min(max(np.searchsorted(means, mean[k], side="right") - 1, 0), means.size - 2)
        weight = min(max((mean[k] - means[low]) / (means[low + 1] - means[low]), 0.0), 1.0)
        for b in range(shares.shape[1]):
            found[k, b] = (1.0 - weight) * shares[low, b] + weight * shares[low + 1, b]
    return found


class Reservoir:
    """Cells of (place, industry): units by age, sales and the owners' money."""

    def __init__(
        self,
        units: NDArray[np.int64],
        ages: NDArray[np.float64],
        mean_size: float,
        bins: SizeBins,
        liquidity: float,
        tangible: float,
    ) -> None:
        self.units = units.copy()
        self.first_units = units.copy()
        self.age_mix = np.broadcast_to(ages, (*units.shape, AGES)).copy()
        self.sales = units * mean_size / 4.0
        self.bins = bins
        self.deposits = liquidity * 4.0 * self.sales
        self.capital = tangible * 4.0 * self.sales

    def mean_size(self) -> NDArray[np.float64]:
        """Return mean annual sales of a unit by cell (万元)."""
        return np.where(self.units > 0, 4.0 * self.sales / np.maximum(self.units, 1), self.bins.means[0])

    def grow(self, log_growth: NDArray[np.float64]) -> None:
        """Let sales of each industry grow by its log growth of the quarter."""
        self.sales *= np.exp(log_growth)[None, :]

    def close_units(
        self, seed: int, quarter: int, parameters: DemographyParameters, relief: NDArray[np.float64] | float = 1.0
    ) -> NDArray[np.int64]:
        """Close units by age hazard, times `relief` by cell and age; return how many closed by cell."""
        risk = self.age_mix * -np.expm1(-0.25 * parameters.exit_hazard) * relief
        rate = risk.sum(axis=2)
        expected = self.units * rate
        closed = self._draw(seed, quarter, Purpose.CELL_EXIT, expected)
        closed = np.minimum(closed, self.units)
        left = self.units - closed
        share_left = np.where(self.units > 0, left / np.maximum(self.units, 1), 1.0)
        thinned = self.age_mix - risk * np.where(rate > 0, (1.0 - share_left) / np.maximum(rate, 1e-12), 0.0)[..., None]
        thinned = np.maximum(thinned, 0.0)
        self.age_mix = thinned / np.maximum(thinned.sum(axis=2, keepdims=True), 1e-12)
        self.sales *= 1.0 - (1.0 - share_left) * parameters.reservoir_exit_size
        self.units = left
        self._shut_empty_cells()
        return closed

    def open_units(self, seed: int, quarter: int, rate: NDArray[np.float64], size: float) -> NDArray[np.int64]:
        """Open units at a rate per unit and quarter and a mean annual size (万元); return how many by cell."""
        born = self._draw(seed, quarter, Purpose.CELL_ENTRY, self.units * rate)
        total = self.units + born
        weight = np.where(total > 0, self.units / np.maximum(total, 1), 1.0)[..., None]
        self.age_mix *= weight
        self.age_mix[..., 0] += 1.0 - weight[..., 0]
        self.sales += born * size / 4.0
        self.units = total
        return born

    def age_one_year(self) -> None:
        """Each January: everybody is a year older, the last class keeps the oldest."""
        oldest = self.age_mix[..., -1].copy()
        self.age_mix[..., 1:] = self.age_mix[..., :-1].copy()
        self.age_mix[..., 0] = 0.0
        self.age_mix[..., -1] += oldest

    def take(
        self, place: NDArray[np.int64], industry: NDArray[np.int64], annual_sales: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Remove units that become firms of their own; return the deposits and capital that go with them (万元)."""
        shape, cell = self.units.shape, place * self.units.shape[1] + industry
        sales = np.bincount(cell, annual_sales / 4.0, minlength=self.units.size).reshape(shape)
        number = np.bincount(cell, minlength=self.units.size).reshape(shape)
        share = np.divide(sales, self.sales, out=np.zeros(shape), where=self.sales > 0)
        share = np.minimum(share, 1.0)
        of_cell = np.divide(annual_sales / 4.0, sales[place, industry])
        deposits = (self.deposits * share)[place, industry] * of_cell
        capital = (self.capital * share)[place, industry] * of_cell
        self.deposits -= self.deposits * share
        self.capital -= self.capital * share
        self.sales = np.maximum(self.sales - sales, 0.0)
        self.units -= number
        self._shut_empty_cells()
        return deposits, capital

    def _shut_empty_cells(self) -> None:
        """A cell without units sells nothing; what it sold falls to others when sales add up to demand."""
        self.sales[self.units == 0] = 0.0

    def _draw(self, seed: int, quarter: int, purpose: Purpose, mean: NDArray[np.float64]) -> NDArray[np.int64]:
        key = stream_key(seed, quarter, int(purpose))
        return np.asarray(poissons(key, np.arange(mean.size), mean.ravel()).reshape(mean.shape))
