"""Stylised facts F1-F17, F19 and F22: what firms do everywhere, with the band in which the model should lie.

None of them enters a fit. A fact passes when at least 80 % of the runs lie inside its band; a failed fact is published,
not repaired by moving a parameter. "Built in" marks facts on which mechanisms were shaped: passing them shows correct
code and explains nothing. F18, F20 and F21 need talent and platforms and come with them.

Populations: "firms" are followed one by one (above-scale firms and technology SMEs), "all units" are these and the
reservoir of small ones. Sources: docs/studies/facts.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from kechuang.analyse import facts_statistics as statistics
from kechuang.analyse.facts_credit import credit_facts
from kechuang.analyse.facts_funds import fund_facts
from kechuang.analyse.facts_panel import SOFTWARE, CityYear
from kechuang.analyse.facts_record import EARLY, INFINITE, LATE, Fact
from kechuang.analyse.facts_space import space_facts
from kechuang.world.measure.pictures import SIZE_CLASSES

PASSING_SHARE = 0.8
YOUNG, OLD = 5, 10
CLASS_NAMES = ("under 5000万", "5000万-2亿", "over 2亿")
NOTCHES = (0.05, 0.04, 0.03)
"""R&D over sales that certification asks of the three classes of size."""
MIN_CELL = 20
"""Registrations below which a cell of place and industry has no curve to speak of."""


def _tail(city: CityYear) -> float:
    return statistics.hill_exponent(city.firms["sales"].to_numpy())


def _skew_firms(city: CityYear) -> float:
    return statistics.log_skewness(city.firms["sales"].to_numpy())


def _skew_all(city: CityYear) -> float:
    sizes = np.concatenate([city.firms["sales"].to_numpy(), city.unit_sizes])
    weights = np.concatenate([np.ones(len(city.firms)), city.unit_weights])
    return statistics.log_skewness(sizes, weights)


def _body(city: CityYear) -> float:
    return statistics.lognormal_distance(city.firms["sales"].to_numpy())


def _growth_shape(city: CityYear) -> float:
    pairs = city.pairs()
    growth = pairs["growth"].to_numpy()
    groups = pairs["industry"].to_numpy(dtype=np.int64) * 10 + statistics.size_decile(pairs["sales"].to_numpy())
    return statistics.subbotin_shape(statistics.demeaned(growth, groups))


def _size_variance(city: CityYear) -> float:
    pairs = city.pairs()
    growth = statistics.demeaned(pairs["growth"].to_numpy(), pairs["industry"].to_numpy(dtype=np.int64))
    return statistics.size_variance_slope(growth, pairs["sales"].to_numpy())


def _size_effect(city: CityYear) -> float:
    pairs = city.pairs()
    groups = np.clip(pairs["age"].to_numpy(), 0, 30).astype(np.int64) * 8 + pairs["industry"].to_numpy(dtype=np.int64)
    return statistics.within_slope(pairs["growth"].to_numpy(), np.log(pairs["sales"].to_numpy()), groups)


def _young_exit(city: CityYear) -> float:
    young = city.exits[:YOUNG].sum() / city.at_risk[:YOUNG].sum()
    old = city.exits[YOUNG:].sum() / city.at_risk[YOUNG:].sum()
    return float(young / old)


def _young_dispersion(city: CityYear) -> float:
    pairs = city.pairs()
    growth = statistics.demeaned(pairs["growth"].to_numpy(), pairs["industry"].to_numpy(dtype=np.int64))
    young = pairs["age"].to_numpy() < YOUNG
    return float(growth[young].std() / growth[~young].std())


def _peak(city: CityYear) -> float:
    return statistics.peak_year(city.exits, city.at_risk)


def _survival(years: int) -> Callable[[CityYear], float]:
    return lambda city: statistics.survival(city.exits, city.at_risk, years)


def _age_share(chosen: Callable[[NDArray[np.float64]], NDArray[np.bool_]]) -> Callable[[CityYear], float]:
    def measure(city: CityYear) -> float:
        ages = np.arange(city.unit_ages.size, dtype=float)
        units = city.units * city.unit_ages[chosen(ages)].sum()
        return float((units + chosen(city.age).sum()) / (city.units + len(city.firms)))

    return measure


def _reported(city: CityYear) -> NDArray[np.float64]:
    """Return reported R&D of the doers among industrial firms, 万元 a year."""
    doers = city.firms[(city.firms["does_research"] == 1) & (city.firms["industry"] != SOFTWARE)]
    intensity = doers["research_intensity"] * math.exp(city.drift) + doers["relabelled"]
    return np.asarray(intensity * doers["sales"], dtype=float)


def _top_doers(city: CityYear) -> float:
    return statistics.top_share(_reported(city))


def _large_medium(city: CityYear) -> float:
    doers = city.firms[(city.firms["does_research"] == 1) & (city.firms["industry"] != SOFTWARE)]
    chosen = ((doers["staff"] >= 300) & (doers["sales"] >= 2000)).to_numpy()
    reported = _reported(city)
    return float(reported[chosen].sum() / reported.sum())


def _real_doers(city: CityYear) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    doers = city.firms[(city.firms["does_research"] == 1) & (city.firms["research_intensity"] > 0)]
    return (
        np.log(doers["research_intensity"].to_numpy()),
        np.log(doers["sales"].to_numpy()),
        doers["industry"].to_numpy(dtype=np.int64),
    )


def _research_size(city: CityYear) -> float:
    intensity, sales, _ = _real_doers(city)
    return 1.0 + statistics.slope(intensity, sales)


def _industry_effect(city: CityYear) -> float:
    intensity, _, industry = _real_doers(city)
    return statistics.variance_share(intensity, industry)


def bunching(city: CityYear, size_class: int, reported: bool) -> float:
    """Return the excess mass at the threshold of a class of size, in reported or in real R&D over sales."""
    low, high = SIZE_CLASSES[size_class]
    doers = city.floor[(city.floor["does_research"] == 1) & (city.floor["sales"] > low) & (city.floor["sales"] <= high)]
    intensity = doers["research_intensity"].to_numpy()
    if reported:
        intensity = intensity + doers["relabelled"].to_numpy()
    return statistics.excess_mass(intensity, NOTCHES[size_class])


def _bunching_reported(size_class: int) -> Callable[[CityYear], float]:
    return lambda city: bunching(city, size_class, reported=True)


def _bunching_ratio(size_class: int) -> Callable[[CityYear], float]:
    return lambda city: bunching(city, size_class, reported=False) / bunching(city, size_class, reported=True)


def _s_shapes(city: CityYear) -> float:
    curves = [curve for curve in city.registrations if curve[-1] - curve[0] >= MIN_CELL]
    return float(np.mean([statistics.is_s_shaped(curve) for curve in curves])) if curves else math.nan


def _dilution(city: CityYear) -> float:
    """Return the elasticity of new certificates per technology SME to the number of technology SMEs, five years."""
    stock, flow = city.tech_smes[-6:-1], city.certificates_new[-5:]
    return statistics.slope(np.log(np.maximum(flow, 0.5) / stock), np.log(stock))


def _staff(city: CityYear) -> float:
    return city.industrial_staff


def _declared() -> Iterator[Fact]:
    registry = "国家工商总局 2013, survival of registered firms"
    chinese = "Zhang and Wang; Heinrich and Dai 2016; Peng and Xia (firms in China)"
    haltiwanger = "Haltiwanger, Jarmin and Miranda 2013"
    yield Fact("F1", "tail", "Hill exponent of sales, largest 5 % of firms", 0.8, 1.3, chinese, _tail, built_in=True)
    memory = "Axtell 2001; Cabral and Mata 2003 (from memory)"
    yield Fact("F2", "firms", "skewness of ln sales, firms", 0.2, 1.2, memory, _skew_firms)
    yield Fact("F2", "all units", "skewness of ln sales, all units", 0.2, 1.2, memory, _skew_all)
    yield Fact("F2", "body", "Kolmogorov distance of firms' sales from a lognormal", -INFINITE, INFINITE, "", _body)
    shape = "Subbotin shape of annual growth, less means of industry and size decile (1 Laplace, 2 Gauss)"
    laplace = "Bottazzi and Secchi 2002 (Italy); Bottazzi et al. 2011 (France); Zou 2019 (China)"
    yield Fact("F3", "shape", shape, 0.7, 1.3, laplace, _growth_shape, built_in=True)
    riccaboni = "Riccaboni et al. 2008; Zou 2019 and Duschl and Peng 2015 (China)"
    variance = "slope of ln sd of growth on ln size, 20 classes"
    yield Fact("F4", "slope", variance, -0.25, -0.03, riccaboni, _size_variance, built_in=True)
    effect = "coefficient of ln size on growth within age and industry"
    yield Fact("F5", "size", effect, -0.03, 0.03, haltiwanger, _size_effect, strict=True)
    yield Fact("F6", "exit", "exit rate below 5 years over that of older firms", 1.2, INFINITE, haltiwanger, _young_exit)
    dispersion = "sd of growth below 5 years over that of older firms"
    yield Fact("F6", "dispersion", dispersion, 1.2, INFINITE, haltiwanger, _young_dispersion)
    yield Fact("F7", "peak", "year of life with the highest hazard", 2, 4, registry, _peak, built_in=True)
    yield Fact("F7", "5 years", "share surviving 5 years", 0.62, 0.76, registry, _survival(5), built_in=True)
    yield Fact("F7", "9 years", "share surviving 9 years", 0.42, 0.58, registry, _survival(9), built_in=True)
    young, old = _age_share(lambda age: age < YOUNG), _age_share(lambda age: age >= OLD)
    yield Fact("F8", "young", "share of all units under 5 years", 0.42, 0.56, registry, young, built_in=True)
    yield Fact("F8", "old", "share of all units over 10 years", 0.13, 0.30, registry, old, built_in=True)
    top, bruegel = "share of reported R&D done by the top 10 % of doers", "Veugelers 2018 (world top 2500)"
    yield Fact("F9", "top", top, 0.45, 0.80, bruegel, _top_doers)
    large = "share of reported R&D done by large and medium firms (300 staff and 2000万)"
    yield Fact("F9", "large", large, 0.40, 0.65, "Wenzhou statistics bureau, R&D of 2017 by size", _large_medium)
    cohen = "Cohen, Levin and Mowery 1987"
    yield Fact("F10", "elasticity", "elasticity of real R&D to sales among doers", 0.85, 1.10, cohen, _research_size)
    industry = "share of the variance of ln R&D intensity between industries"
    yield Fact("F11", "industry", industry, 0.25, 0.60, cohen, _industry_effect)
    chen = "Chen, Liu, Suarez Serrato and Xu 2021"
    for k, name in enumerate(CLASS_NAMES):
        excess = f"excess mass of reported R&D at {NOTCHES[k]:.0%}, sales {name}"
        yield Fact("F12", f"reported {k + 1}", excess, 0.0, INFINITE, chen, _bunching_reported(k), strict=True)
        ratio = f"excess mass of real over that of reported R&D, sales {name}"
        yield Fact("F12", f"real {k + 1}", ratio, -INFINITE, 0.5, chen, _bunching_ratio(k))
    curve = "share of cells (place and industry) whose cumulative registrations are S-shaped"
    yield Fact("F13", "diffusion", curve, 0.6, 1.0, "Griliches 1957; Rogers (from memory)", _s_shapes, years=LATE)
    dilution = "elasticity of new certificates per technology SME to technology SMEs, five years"
    yield Fact("F14", "dilution", dilution, -0.6, -0.2, "430, 1190, 1012, 5500 (evidence)", _dilution, years=EARLY)
    yield Fact("F14", "after 2020", f"{dilution}, no band", -INFINITE, INFINITE, "", _dilution, years=LATE)
    yield from credit_facts(CLASS_NAMES)
    yield from fund_facts()
    yield from space_facts()
    yield Fact("F22", "staff", "mean staff of industrial units", 15, 23, "Wenzhou, economic census for 2018", _staff)


FACTS: tuple[Fact, ...] = tuple(_declared())


def evaluate(city: CityYear) -> dict[str, float]:
    """Return every statistic that is asked for in this year, by name of the fact."""
    return {fact.name: fact.measure(city) for fact in FACTS if city.year in fact.years}
