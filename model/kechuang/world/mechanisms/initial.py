"""M12 Initial state at the end of 2015: firms, cells and certificates drawn from stationary laws, without a burn-in.

    tech SMEs    registry_total on the list of the size LN(listed_median, listed_sd), and high-tech firms among the above-scale
    above scale  LN(above_scale_median, above_scale_sd) over 2000万 with a Pareto tail from tail_start, none above size_max,
                 excess over 2000万 rescaled by industry so that value added of the panel meets its known share
    high-tech    the highest V among the listed, and above-scale firms with V > 0 drawn with weight S^0.5;
                 certificates 0, 4 or 8 quarters old, so that they expire in Q4
    R&D          r = r* with one level constant, so that reported R&D of the panel in 2015 equals its back-cast
    places       drawn last, with a location quotient for high-tech firms
A burn-in would run the ladder far beyond its starting counts. Sources: counts of 2015 (evidence), sizes and their tail
(assumed), all in calibration/parameters.yaml.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.city import City
from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.world.population.firms import Firms

SOFTWARE = 7
NORMAL_TRAITS = (Purpose.PRODUCTIVITY, Purpose.MARGIN, Purpose.RESEARCH_INTENSITY, Purpose.SOFT_BENEFIT)
LOGISTIC_TRAITS = (Purpose.RESEARCH_PARTICIPATION, Purpose.TASTE_PERMANENT)
"""Purposes of the draws that firms keep for life, by their law."""


class InitialParameters(NamedTuple):
    """Counts in firms, sizes in 万元 of annual sales."""

    above_scale_firms: float
    registry_total: float
    registry_listed_high_tech: float
    direct_high_tech: float
    listed_median: float
    listed_sd: float
    above_scale_median: float
    above_scale_sd: float
    above_scale_size: float
    tail_start: float
    tail_exponent: float
    size_max: float
    high_tech_age_tilt: float
    productivity_sd: float
    margin_productivity: float
    margin_sd: float
    research_heterogeneity: float
    soft_benefit_sd: float

    @classmethod
    def of(cls, draw: Draw) -> InitialParameters:
        """Take the record from a draw."""
        return cls(*(draw.number(name) for name in cls._fields))


def normals(key: np.uint64, identities: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return standard normal draws of many agents."""
    from scipy.special import ndtri

    return np.asarray(ndtri(uniforms(key, identities)))


def draw_traits(
    firms: Firms,
    rows: slice,
    seed: int,
    margin_mean: NDArray[np.float64],
    productivity_mean: float,
    p: InitialParameters,
) -> None:
    """Give new firms what they keep for life: productivity, margin, R&D effect, participation, soft benefit, taste."""
    from scipy.special import ndtri

    columns, identity = firms.columns, firms.columns.identity[rows]
    productivity, margin, intensity, soft_benefit = ndtri(_draws_for_life(seed, NORMAL_TRAITS, identity))
    columns.productivity[rows] = productivity_mean + p.productivity_sd * productivity
    columns.margin[rows] = (
        margin_mean[columns.industry[rows]]
        + p.margin_productivity * columns.productivity[rows]
        + p.margin_sd * margin
    )
    columns.intensity_effect[rows] = p.research_heterogeneity * intensity
    columns.soft_benefit[rows] = p.soft_benefit_sd * soft_benefit
    draws = _draws_for_life(seed, LOGISTIC_TRAITS, identity)
    columns.participation[rows], columns.taste[rows] = np.log(draws / (1.0 - draws))


def _draws_for_life(seed: int, purposes: tuple[Purpose, ...], identity: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return one row of draws for each purpose."""
    return np.stack([uniforms(stream_key(seed, 0, int(purpose)), identity) for purpose in purposes])


def pick(u: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the category of each draw u under shares that need not sum to one."""
    cumulative = np.cumsum(shares / shares.sum())
    return np.minimum(np.searchsorted(cumulative, u, side="right"), shares.size - 1)


@compiled
def pick_one(u: float, weights: NDArray[np.float64]) -> int:
    """Return the category of one draw u under weights that need not sum to one."""
    limit, running = u * weights.sum(), 0.0
    for k in range(weights.size - 1):
        running += weights[k]
        if running > limit:
            return k
    return weights.size - 1


def above_scale_sizes(u: NDArray[np.float64], p: InitialParameters) -> NDArray[np.float64]:
    """Return annual sales above the threshold: a lognormal body spliced with a Pareto tail where the tail starts."""
    from scipy.special import ndtr, ndtri

    def share_below(size: float) -> float:
        return float(ndtr((np.log(size) - np.log(p.above_scale_median)) / p.above_scale_sd))

    low, start = share_below(p.above_scale_size), share_below(p.tail_start)
    quantile = low + u * (1.0 - low)
    body = p.above_scale_median * np.exp(p.above_scale_sd * ndtri(np.minimum(quantile, start)))
    beyond = np.clip((1.0 - quantile) / (1.0 - start), 1e-12, 1.0)
    reach = 1.0 - (p.size_max / p.tail_start) ** -p.tail_exponent
    tail = p.tail_start * (1.0 - (1.0 - beyond) * reach) ** (-1.0 / p.tail_exponent)
    return np.where(quantile > start, tail, body)


def draw_sizes(firms: Firms, seed: int, listed: int, p: InitialParameters) -> None:
    """Draw sales: the first `listed` rows from the list's law, the others above the threshold."""
    columns, count = firms.columns, firms.count
    identity = columns.identity[:count]
    key = stream_key(seed, 0, int(Purpose.INITIAL_SIZE))
    annual = np.empty(count)
    annual[:listed] = p.listed_median * np.exp(p.listed_sd * normals(key, identity[:listed]))
    annual[listed:] = above_scale_sizes(uniforms(key, identity[listed:]), p)
    columns.sales[:count] = np.minimum(annual, p.size_max) / 4.0


def draw_ages(u: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return ages in quarters under a mix of completed years, spread evenly inside a year."""
    cumulative = np.concatenate([[0.0], np.cumsum(shares)])
    year = np.minimum(np.searchsorted(cumulative, u, side="right") - 1, shares.size - 1)
    inside = (u - cumulative[year]) / np.maximum(shares[year], 1e-12)
    return np.asarray(np.floor(4.0 * (year + np.clip(inside, 0.0, 0.999))), dtype=np.int64)


def choose_high_tech(
    value: NDArray[np.float64],
    listed: int,
    above: NDArray[np.bool_],
    annual: NDArray[np.float64],
    u: NDArray[np.float64],
    from_list: int,
    direct: int,
) -> NDArray[np.int64]:
    """Return the rows of the first high-tech firms: best of the list, and weighted draws from other above-scale firms."""
    best = np.argsort(-value[:listed], kind="stable")[:from_list]
    others = np.flatnonzero(above & (np.arange(value.size) >= listed))
    willing = others[value[others] > 0.0]
    if willing.size < direct:
        willing = others[np.argsort(-value[others], kind="stable")[:direct]]
    race = -np.log(u[willing]) / np.sqrt(annual[willing])
    return np.concatenate([best, willing[np.argsort(race, kind="stable")[:direct]]])


def place_shares(city: City, inside: float) -> NDArray[np.float64]:
    """Return the share of firms by place where this share of the corridor districts' firms stands inside the corridor."""
    share = np.array([place.firm_share for place in city.places])
    core = np.array([place.zone in ("core", "corridor") for place in city.places])
    rest = np.array([place.zone == "rest" for place in city.places])
    districts = float(share[core | rest].sum())
    share[core] *= inside * districts / float(share[core].sum())
    share[rest] *= (1.0 - inside) * districts / float(share[rest].sum())
    return share


def spread(total: int, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return whole numbers in proportion to shares that sum to the total (largest remainders)."""
    exact = total * shares / shares.sum()
    whole = np.floor(exact).astype(np.int64)
    remainder = (exact - whole).ravel()
    order = np.argsort(-remainder, kind="stable")[: total - int(whole.sum())]
    whole.ravel()[order] += 1
    return whole
