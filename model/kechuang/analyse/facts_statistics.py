"""The statistics behind the stylised facts: pure functions of arrays, each with a known answer to test it by.

Sizes may be in any unit; growth is in logs per year; shares lie between 0 and 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Labels = NDArray[np.int64]

TAIL_SHARE, TAIL_FIRMS = 0.05, 200
SIZE_BINS = 20
MAX_SHAPE, MIN_SHAPE = 5.0, 0.2
INTENSITY_STEP = 0.0025
INTENSITY_RANGE = (0.005, 0.12)
BELOW_NOTCH, ABOVE_NOTCH = 0.015, 0.005
_ROUNDING = 1e-9


def hill_exponent(sizes: Numbers) -> float:
    """Return the tail exponent of the largest 5 %, at least 200 (source: Hill 1975); 1 is Zipf's law."""
    count = min(max(math.ceil(TAIL_SHARE * sizes.size), TAIL_FIRMS), sizes.size - 1)
    if count < 2:
        return math.nan
    largest = np.sort(sizes)[::-1]
    return float(count / np.log(largest[:count] / largest[count]).sum())


def log_skewness(sizes: Numbers, weights: Numbers | None = None) -> float:
    """Return the skewness of log size; 0 for a lognormal law."""
    logs = np.log(sizes)
    mean = np.average(logs, weights=weights)
    deviation = logs - mean
    spread = np.average(deviation**2, weights=weights)
    return float(np.average(deviation**3, weights=weights) / spread**1.5)


def lognormal_distance(sizes: Numbers) -> float:
    """Return the Kolmogorov-Smirnov distance between sizes and the lognormal law with their mean and variance."""
    from scipy.special import ndtr

    logs = np.sort(np.log(sizes))
    fitted = ndtr((logs - logs.mean()) / logs.std())
    steps = np.arange(logs.size + 1) / logs.size
    return float(max((steps[1:] - fitted).max(), (fitted - steps[:-1]).max()))


def subbotin_shape(growth: Numbers) -> float:
    """Return the maximum-likelihood shape of a centred Subbotin law: 1 is Laplace, 2 is Gauss (Bottazzi, Secchi 2002)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    size = np.abs(growth)

    def minus_likelihood(shape: float) -> float:
        scale = float(np.mean(size**shape)) ** (1.0 / shape)
        return math.log(2.0 * scale) + math.log(shape) / shape + float(gammaln(1.0 + 1.0 / shape)) + 1.0 / shape

    return float(minimize_scalar(minus_likelihood, bounds=(MIN_SHAPE, MAX_SHAPE), method="bounded").x)


def demeaned(values: Numbers, groups: Labels) -> Numbers:
    """Return deviations from the mean of the own group."""
    _, own = np.unique(groups, return_inverse=True)
    means = np.bincount(own, weights=values) / np.bincount(own)
    return np.asarray(values - means[own])


def size_decile(sizes: Numbers, bins: int = 10) -> Labels:
    """Return which of ten (or `bins`) equally filled classes of size each firm belongs to."""
    rank = np.argsort(np.argsort(sizes, kind="stable"), kind="stable")
    return np.asarray(rank * bins // max(sizes.size, 1), dtype=np.int64)


def size_variance_slope(growth: Numbers, sizes: Numbers) -> float:
    """Return the slope of ln sd of growth on ln size over twenty classes of size."""
    classes = size_decile(sizes, SIZE_BINS)
    logs = np.log(sizes)
    spread = np.array([growth[classes == k].std() for k in range(SIZE_BINS)])
    place = np.array([logs[classes == k].mean() for k in range(SIZE_BINS)])
    return slope(np.log(spread), place)


def slope(y: Numbers, x: Numbers) -> float:
    """Return the least-squares slope of y on x."""
    centred = x - x.mean()
    return float(centred @ y / (centred @ centred))


def within_slope(y: Numbers, x: Numbers, groups: Labels) -> float:
    """Return the slope of y on x among members of the same group (fixed effects)."""
    inside = demeaned(x, groups)
    return float(inside @ y / (inside @ inside))


def top_share(values: Numbers, share: float = 0.1) -> float:
    """Return the part of a total that the largest `share` of its holders has."""
    count = max(1, round(share * values.size))
    return float(np.sort(values)[::-1][:count].sum() / values.sum())


def variance_share(values: Numbers, groups: Labels) -> float:
    """Return the share of variance that lies between groups."""
    return float(1.0 - demeaned(values, groups).var() / values.var())


def survival(exits: Numbers, at_risk: Numbers, years: int) -> float:
    """Return the share that lives for some years, from exits and quarters at risk by completed year of age."""
    if at_risk.size < years or (at_risk[:years] <= 0).any():
        return math.nan
    return float(np.prod((1.0 - exits[:years] / at_risk[:years]) ** 4))


def peak_year(exits: Numbers, at_risk: Numbers, years: int = 10) -> float:
    """Return the year of life (1 is the first) with the highest hazard among the first ten."""
    known = at_risk[:years] > 0
    hazard = np.where(known, exits[:years] / np.maximum(at_risk[:years], 1.0), 0.0)
    return float(np.argmax(hazard) + 1) if known.any() else math.nan


def intensity_counts(intensity: Numbers) -> tuple[Numbers, Numbers]:
    """Return lower edges and counts of R&D over sales in steps of a quarter point; an edge belongs to its upper bin."""
    low, high = INTENSITY_RANGE
    edges = low + INTENSITY_STEP * np.arange(round((high - low) / INTENSITY_STEP) + 1)
    counts, _ = np.histogram(intensity, edges - _ROUNDING)
    return np.asarray(edges[:-1], dtype=float), counts.astype(float)


def smooth_counterfactual(lower: Numbers, counts: Numbers, notch: float) -> Numbers:
    """Return the counts that a smooth law would put into the bins: a Poisson fit that leaves the threshold out.

    The log of the expected count is a cubic in the log of intensity, which nests the lognormal law; bins from 1.5
    points below to half a point above the threshold do not enter.
    """
    middle = np.log(lower + 0.5 * INTENSITY_STEP)
    scaled = (middle - middle.mean()) / middle.std()
    design = np.vander(scaled, 4)
    used = (lower < notch - BELOW_NOTCH - _ROUNDING) | (lower >= notch + ABOVE_NOTCH - _ROUNDING)
    start = np.log(np.maximum(counts[used], 0.5))
    coefficients = np.linalg.lstsq(design[used], start, rcond=None)[0]
    for _ in range(30):
        expected = np.exp(np.clip(design[used] @ coefficients, -20.0, 20.0))
        weighted = design[used] * expected[:, None]
        step = np.linalg.lstsq(weighted.T @ design[used], design[used].T @ (counts[used] - expected), rcond=None)[0]
        coefficients = coefficients + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(np.exp(np.clip(design @ coefficients, -20.0, 20.0)))


def excess_mass(intensity: Numbers, notch: float, below: bool = False) -> float:
    """Return firms in the half point from the threshold on, over what a smooth law would put there, less one.

    `below` looks at the half point before the threshold instead; fewer than 50 firms give no value.
    """
    lower, counts = intensity_counts(intensity)
    start = notch - ABOVE_NOTCH if below else notch
    inside = (lower >= start - _ROUNDING) & (lower < start + ABOVE_NOTCH - _ROUNDING)
    expected = smooth_counterfactual(lower, counts, notch)[inside].sum()
    return float(counts[inside].sum() / expected - 1.0) if counts.sum() >= 50 else math.nan


def is_s_shaped(cumulative: Numbers) -> bool:
    """Say whether a cumulative curve is first convex and then concave, and a logistic beats a line (F test, 10 %).

    Convex first: increments (means over three years) peak strictly inside. The test treats the points as
    independent, which cumulative counts are not; it therefore says yes too readily.
    """
    from scipy.special import fdtrc

    increments = np.convolve(np.diff(cumulative), np.ones(3) / 3.0, mode="valid")
    peak = int(np.argmax(increments))
    if not 0 < peak < increments.size - 1:
        return False
    years = np.arange(cumulative.size, dtype=float)
    line = float(((cumulative - np.polyval(np.polyfit(years, cumulative, 1), years)) ** 2).sum())
    curve = max(_logistic_residual(years, cumulative), 1e-12 * max(line, 1e-300))
    ratio = (line - curve) / (curve / (cumulative.size - 4))
    return bool(ratio > 0.0 and fdtrc(2, cumulative.size - 4, ratio / 2.0) < 0.1)


def _logistic_residual(years: Numbers, cumulative: Numbers) -> float:
    """Return the least sum of squares around floor + rise / (1 + exp(-speed (t - middle)))."""
    from scipy.optimize import minimize

    centred = cumulative - cumulative.mean()

    def residual(shape: Numbers) -> float:
        curve = 1.0 / (1.0 + np.exp(-np.clip(math.exp(min(shape[0], 3.0)) * (years - shape[1]), -50.0, 50.0)))
        curve -= curve.mean()
        return float(centred @ centred - (curve @ centred) ** 2 / max(float(curve @ curve), 1e-300))

    starts = [(-0.7, middle * years[-1]) for middle in (0.3, 0.6)]
    return min(float(minimize(residual, start, method="Nelder-Mead").fun) for start in starts)
