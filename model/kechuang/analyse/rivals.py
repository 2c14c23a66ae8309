"""Ten dumb forecasts of a count from 2020, B0 to B9: what a model has to beat before its forecast is worth anything.

Each knows what the model was fitted to and no more: the counts of 2015 and 2020 with their reading errors (`Known`),
and gives full predictive draws at year-ends. Numbers that are not computed from the two counts are priors:

    B0 no change          last count, 90 % within 10 %
    B1 random walk        drift as 2015-2020, its sd 0.06, yearly steps of sd 0.06, on logs
    B2 straight line      gain a year as 2015-2020, residual 10 %
    B3 logistic, B4 Gompertz  through both counts under a ceiling K ~ LN(4.2 x the last count, 0.7), above the last count
    B5 Bass               p ~ LN(0.02, 0.6), q ~ N(0.38, 0.15), same K; weighted by how near it comes to the last count
    B6 damped growth      g' = 0.6 g + 0.4 g_inf, g_inf ~ N(0.06, 0.03), yearly steps of sd 0.06 as in B1
    B7 national tide      constant share of the national number, which follows the damped tide; share sd 3 % a year
    B8 ratio              high-tech firms = their share of technology SMEs in 2020 (sd 10 %) x B6's technology SMEs
    B9 pool               B2 to B6 in equal parts
The ceiling 4.2 is 5000 / 1190; for technology SMEs the same multiple is assumed. Source of the family: Meade and Islam 2001.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kechuang.analyse.known_counts import Draws, Known
from kechuang.errors import InputError

ORIGIN = 2020
CEILING_OVER_LAST, CEILING_SD = 5000.0 / 1190.0, 0.7
LEAST_CEILING = 1.05
"""A ceiling lies at least 5 % above the last count: a curve through it could not reach it otherwise."""
YEARLY_SD = 0.06
POOLED = ("B2", "B3", "B4", "B5", "B6")
_CANDIDATES = 100_000


# The forecasts: draws [draws, years] of a count ---------------------------------------------------------------------------


def no_change(known: Known, years: Sequence[int], luck: np.random.Generator) -> Draws:
    """B0: the last count for ever; 90 % of the draws within a tenth."""
    error = 0.1 / 1.6449 * luck.normal(size=(known.last.size, 1))
    return np.asarray(known.last[:, None] * np.exp(error) * np.ones(len(years)))


def random_walk(known: Known, years: Sequence[int], luck: np.random.Generator) -> Draws:
    """B1: growth as before, with a drift that is not sure and yearly luck."""
    drift = known.drift + YEARLY_SD * luck.normal(size=known.last.size)
    return _at(known, years, np.cumsum(drift[:, None] + _steps(known, years, luck), axis=1))


def straight_line(known: Known, years: Sequence[int], luck: np.random.Generator) -> Draws:
    """B2: the same number of firms more every year."""
    gain = (known.last - known.first) / known.years
    ahead = np.array(years) - ORIGIN
    error = np.exp(0.1 * luck.normal(size=(known.last.size, 1)))
    return np.asarray((known.last[:, None] + gain[:, None] * ahead) * error)


def logistic(known: Known, years: Sequence[int], luck: np.random.Generator) -> Draws:
    """B3: a logistic curve through both counts under a drawn ceiling."""
    return logistic_curve(known, years, _ceilings(known, luck))


def gompertz(known: Known, years: Sequence[int], luck: np.random.Generator) -> Draws:
    """B4: a Gompertz curve through both counts under a drawn ceiling."""
    return gompertz_curve(known, years, _ceilings(known, luck))


def logistic_curve(known: Known, years: Sequence[int], ceiling: Draws) -> Draws:
    """Return K / (1 + exp(-(a + b t))) through both counts."""
    start, end = (np.log(count / (ceiling - count)) for count in (known.first, known.last))
    slope = (end - start) / known.years
    ahead = np.array(years) - ORIGIN
    return np.asarray(ceiling[:, None] / (1.0 + np.exp(-(end[:, None] + slope[:, None] * ahead))))


def gompertz_curve(known: Known, years: Sequence[int], ceiling: Draws) -> Draws:
    """Return K exp(-b exp(-c t)) through both counts."""
    start, end = (np.log(ceiling / count) for count in (known.first, known.last))
    decay = np.log(start / end) / known.years
    ahead = np.array(years) - ORIGIN
    return np.asarray(ceiling[:, None] * np.exp(-end[:, None] * np.exp(-decay[:, None] * ahead)))


def bass(known: Known, years: Sequence[int], luck: np.random.Generator) -> Draws:
    """B5: Bass diffusion from the first count; candidates are kept by how near they come to the last one."""
    many = known.take(luck.integers(known.last.size, size=_CANDIDATES))
    ceiling = _ceilings(many, luck)
    innovation = 0.02 * np.exp(0.6 * luck.normal(size=_CANDIDATES))
    imitation = np.maximum(0.38 + 0.15 * luck.normal(size=_CANDIDATES), 0.0)
    start = many.first / ceiling
    reached = ceiling * bass_share(start, innovation, imitation, many.years)
    weight = np.exp(-0.5 * (np.log(reached / many.last) / known.last_error) ** 2)
    kept = luck.choice(_CANDIDATES, size=known.last.size, p=weight / weight.sum())
    columns = [
        ceiling[kept] * bass_share(start[kept], innovation[kept], imitation[kept], many.years[kept] + year - ORIGIN)
        for year in years
    ]
    return np.column_stack(columns)


def bass_share(start: Draws, innovation: Draws, imitation: Draws, years: Draws) -> Draws:
    """Return the share x of the ceiling after some years of dx/dt = (p + q x)(1 - x), from x = start."""
    left = (1.0 - start) / (innovation + imitation * start) * np.exp(-(innovation + imitation) * years)
    return np.asarray((1.0 - innovation * left) / (1.0 + imitation * left))


def damped_growth(known: Known, years: Sequence[int], luck: np.random.Generator) -> Draws:
    """B6: growth falls from that of 2015-2020 towards a long-run rate, with yearly luck."""
    final = 0.06 + 0.03 * luck.normal(size=known.last.size)
    steps = _steps(known, years, luck)
    growth, path = known.drift, np.empty_like(steps)
    for k in range(steps.shape[1]):
        growth = 0.6 * growth + 0.4 * final + steps[:, k]
        path[:, k] = growth
    return _at(known, years, np.cumsum(path, axis=1))


def national_tide(known: Known, years: Sequence[int], luck: np.random.Generator) -> Draws:
    """B7: a constant share of the national number; the national path after 2020 is the damped one, not the known one."""
    from kechuang.parameters import load_parameters

    parameters = load_parameters()

    def drawn(key: str) -> Draws:
        prior = parameters[key].prior
        if prior is None:
            raise InputError(f"{key} has no prior")
        return np.array([prior.quantile(u) for u in luck.uniform(size=known.last.size)])

    past, damping = parameters["national_tide_growth"].value, parameters["tide_damping"].value
    if not isinstance(past, tuple) or isinstance(damping, tuple):
        raise InputError("national_tide_growth is a list, tide_damping one number")
    final, scale = drawn("tide_damped_growth"), drawn("tide_scale")
    ahead = np.arange(1, max(years) - ORIGIN + 1)
    rate = final[:, None] + (past[-1] - final[:, None]) * damping**ahead
    path = np.log1p(rate * scale[:, None]) + 0.03 * luck.normal(size=rate.shape)
    return _at(known, years, np.cumsum(path, axis=1))


def ratio(high_tech: Known, tech_sme: Draws, tech_sme_last: Draws, luck: np.random.Generator) -> Draws:
    """B8: high-tech firms as a fixed share of technology SMEs, given as draws [draws, years] and in the last year."""
    share = high_tech.last / tech_sme_last * np.exp(0.1 * luck.normal(size=high_tech.last.size))
    return np.asarray(share[:, None] * tech_sme)


def pool(parts: Sequence[Draws], luck: np.random.Generator) -> Draws:
    """B9: equal parts of other forecasts, whole paths taken from each in turn."""
    count = parts[0].shape[0]
    order = luck.permutation(count)
    mixed = np.empty_like(parts[0])
    for number, part in enumerate(parts):
        rows = order[number :: len(parts)]
        mixed[rows] = part[rows]
    return mixed


SINGLE: dict[str, Callable[[Known, Sequence[int], np.random.Generator], Draws]] = {
    "B0": no_change,
    "B1": random_walk,
    "B2": straight_line,
    "B3": logistic,
    "B4": gompertz,
    "B5": bass,
    "B6": damped_growth,
    "B7": national_tide,
}
"""Rivals that look at one count alone."""
NAMES = {
    "B0": "no change",
    "B1": "random walk with drift",
    "B2": "straight line",
    "B3": "logistic curve",
    "B4": "Gompertz curve",
    "B5": "Bass diffusion",
    "B6": "damped growth",
    "B7": "national tide, damped",
    "B8": "share of technology SMEs",
    "B9": "pool of B2 to B6",
}


def rival_forecasts(high_tech: Known, tech_sme: Known, years: Sequence[int], seed: int) -> dict[str, dict[str, Draws]]:
    """Return rival -> indicator -> draws [draws, years]; each rival and count has its own luck, keyed by the seed."""
    counts = {"high_tech_firms": high_tech, "tech_sme_firms": tech_sme}
    found = {
        rival: {
            key: forecast(known, years, np.random.default_rng([seed, number, column]))
            for column, (key, known) in enumerate(counts.items())
        }
        for number, (rival, forecast) in enumerate(SINGLE.items())
    }
    smes = found["B6"]["tech_sme_firms"]
    luck = np.random.default_rng([seed, len(SINGLE), 0])
    found["B8"] = {"high_tech_firms": ratio(high_tech, smes, tech_sme.last, luck), "tech_sme_firms": smes}
    found["B9"] = {
        key: pool([found[part][key] for part in POOLED], np.random.default_rng([seed, len(SINGLE) + 1])) for key in counts
    }
    return found


def _ceilings(known: Known, luck: np.random.Generator) -> Draws:
    """Draw ceilings from their lognormal law, cut below so that the last count lies under them."""
    from scipy.special import ndtr, ndtri

    middle = CEILING_OVER_LAST * float(np.median(known.last))
    least = ndtr(np.log(LEAST_CEILING * known.last / middle) / CEILING_SD)
    return np.asarray(middle * np.exp(CEILING_SD * ndtri(least + (1.0 - least) * luck.uniform(size=known.last.size))))


def _steps(known: Known, years: Sequence[int], luck: np.random.Generator) -> Draws:
    """Return the luck of every year after 2020."""
    return YEARLY_SD * luck.normal(size=(known.last.size, max(years) - ORIGIN))


def _at(known: Known, years: Sequence[int], log_growth: Draws) -> Draws:
    """Return counts in the years wanted from the growth of the log since 2020 in every year."""
    return np.asarray(known.last[:, None] * np.exp(log_growth[:, np.array(years) - ORIGIN - 1]))
