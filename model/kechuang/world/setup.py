"""Putting the city of end-2015 together: the rules are in mechanisms/initial.py, here is their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.world import settings
from kechuang.world.mechanisms import certification, demography, growth, initial, knowledge, research
from kechuang.world.phases.carriers import found_carriers
from kechuang.world.phases.credit import open_banks
from kechuang.world.phases.digital import open_digital
from kechuang.world.phases.talent import open_talent
from kechuang.world.population.firms import Firms, identity_of
from kechuang.world.population.reservoir import Reservoir, SizeBins
from kechuang.world.rules import Rules

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

INITIAL_PEERS = 0.35
"""Share of R&D doers among peers that the participation of 2015 is drawn at; afterwards it is counted."""
RESERVOIR_RANGE = (20.0, 4000.0)
"""万元: medians between which the cut lognormal of the reservoir is tabulated."""
LEVEL_STEPS = 6


def build_city(city: Corridor) -> None:
    """Create firms, cells and certificates of the end of 2015 in a new model."""
    rules, seed = city.rules, city.luck_seed
    listed, others = _counts(rules, seed, city.scale)
    firms = Firms(capacity=max(1024, 3 * (listed + others)))
    rows = firms.add(listed + others)
    firms.columns.identity[rows] = [identity_of(0, 0, 0, k) for k in range(listed + others)]
    _draw_industries(firms, rules, seed, listed)
    initial.draw_traits(firms, rows, seed, rules.vector("margin_mean"), 0.0, rules.initial)
    initial.draw_sizes(firms, seed, listed, rules.initial)
    _meet_value_added(firms, rules, city.scale)
    city.firms = firms
    _draw_ages(firms, rules, seed)
    firms.columns.ladder[:listed] = 1
    firms.columns.above_scale[rows] = (4.0 * firms.columns.sales[rows] >= rules.initial.above_scale_size) & (
        firms.columns.industry[rows] != initial.SOFTWARE
    )
    growth.describe(firms.columns, firms.count, 0, 1.0, rules.growth)
    _start_research(city, listed)
    _draw_places(city)
    _fill_stocks(city)
    city.reservoir = _reservoir(city)
    open_banks(city)
    open_talent(city)
    open_digital(city)
    found_carriers(city)


def _counts(rules: Rules, seed: int, scale: float) -> tuple[int, int]:
    listed = round(rules.initial.registry_total * scale)
    identity = np.arange(listed, dtype=np.int64)
    sizes = rules.initial.listed_median * np.exp(
        rules.initial.listed_sd * initial.normals(stream_key(seed, 0, int(Purpose.INITIAL_SIZE)), identity)
    )
    above = int((sizes >= rules.initial.above_scale_size).sum())
    direct = round(rules.initial.direct_high_tech * scale)
    return listed, max(round(rules.initial.above_scale_firms * scale) - above, direct)


def _draw_industries(firms: Firms, rules: Rules, seed: int, listed: int) -> None:
    columns, count = firms.columns, firms.count
    draw = uniforms(stream_key(seed, 0, int(Purpose.INITIAL_INDUSTRY)), columns.identity[:count])
    share = rules.vector("industry_firm_share")
    industrial = share.copy()
    industrial[initial.SOFTWARE] = 0.0
    columns.industry[:listed] = initial.pick(draw[:listed], share * rules.vector("technology_weight"))
    columns.industry[listed:count] = initial.pick(draw[listed:], industrial)


def _meet_value_added(firms: Firms, rules: Rules, scale: float) -> None:
    """Rescale sizes so that value added of the panel over 2016 would be its known share at trend growth."""
    count, columns = firms.count, firms.columns
    season = rules.vector("seasonal_weights")
    growth = (rules.demand.demand_trend + rules.demand.deflator_growth) / 4.0
    over_2016 = float((season * np.exp(growth * np.arange(1, 5))).sum())
    total = scale * 1e4 * rules.value("industry_value_added_2016") * rules.value("above_scale_value_share") / over_2016
    per_sales = value_added_ratio(firms, rules)
    share = rules.vector("industry_sales_share")
    mean_ratio = np.array(
        [
            per_sales[columns.industry[:count] == s].mean() if (columns.industry[:count] == s).any() else 1.0
            for s in range(share.size)
        ]
    )
    value_target = total * share * mean_ratio / float((share * mean_ratio).sum())
    for industry, target in enumerate(value_target):
        rows = np.flatnonzero(
            (columns.industry[:count] == industry) & (4.0 * columns.sales[:count] >= rules.initial.above_scale_size)
        )
        if rows.size and target > 0:
            threshold = rules.initial.above_scale_size
            excess = 4.0 * columns.sales[rows] - threshold
            base = float((per_sales[rows] * threshold).sum())
            factor = max(0.02, (target - base) / max(float((per_sales[rows] * excess).sum()), 1e-9))
            columns.sales[rows] = (threshold + factor * excess) / 4.0


def value_added_ratio(firms: Firms, rules: Rules) -> NDArray[np.float64]:
    """Return value added over sales of every firm."""
    industry = firms.columns.industry[: firms.count]
    p = rules.accounts
    return np.asarray(
        np.array(p.value_added_share)[industry] * (np.array(p.wage_share)[industry] + p.rates.vat_rate)
        + firms.columns.margin[: firms.count]
    )


def _draw_ages(firms: Firms, rules: Rules, seed: int) -> None:
    columns, count = firms.columns, firms.count
    shares = demography.stationary_ages(rules.value("unit_growth_start"), rules.demography.exit_hazard)
    draw = uniforms(stream_key(seed, 0, int(Purpose.INITIAL_AGE)), columns.identity[:count])
    columns.born[:count] = -initial.draw_ages(draw, shares)


def _start_research(city: Corridor, listed: int) -> None:
    """Choose doers, level of R&D and the first high-tech firms together: each depends on the others."""
    firms, rules, columns = city.firms, city.rules, city.firms.columns
    setting, law = settings.research_setting(city, 0), city.policy.law(0)
    places, industries = setting.peers.shape
    setting = setting._replace(peers=np.full((places, industries), INITIAL_PEERS))
    wanted = city.scale * 1e4 * rules.value("research_reported_2015")
    neutral = rules.research.log_median_intensity
    level = 0.0
    for _ in range(LEVEL_STEPS):
        _forget_certificates(city, listed)
        city.rules.research = rules.research._replace(log_median_intensity=tuple(own + level for own in neutral))
        research.choose_research(columns, firms.count, setting, law, city.rules.research)
        _first_high_tech(city, listed)
        panel = columns.above_scale[: firms.count] == 1
        annual = 4.0 * columns.sales[: firms.count]
        floor_part = float((annual * columns.relabelled[: firms.count])[panel].sum())
        reported = floor_part + float((annual * columns.research_intensity[: firms.count])[panel].sum())
        level += float(np.log(max(wanted - floor_part, 0.05 * wanted) / max(reported - floor_part, 1e-9)))


def _forget_certificates(city: Corridor, listed: int) -> None:
    columns, count = city.firms.columns, city.firms.count
    columns.research_intensity[:count] = 0.0
    columns.relabelled[:count] = 0.0
    columns.does_research[:count] = 0
    columns.ladder[:count] = 0
    columns.ladder[:listed] = 1
    columns.certified[:count] = -999


def _first_high_tech(city: Corridor, listed: int) -> None:
    rules, columns, count = city.rules, city.firms.columns, city.firms.count
    p = rules.initial
    annual = 4.0 * columns.sales[:count]
    steady = (
        columns.research_intensity[:count]
        * annual
        / (rules.knowledge.knowledge_depreciation + rules.value("knowledge_growth_start"))
    )
    columns.knowledge[:count] = steady
    key = stream_key(city.luck_seed, 0, int(Purpose.TASTE_YEARLY))
    found = certification.evaluate(
        columns, count, key, settings.certification_setting(city, 0), city.policy.law(0), city.rules.research, rules.certification
    )
    identity = columns.identity[:count]
    draw = uniforms(stream_key(city.luck_seed, 0, int(Purpose.INITIAL_STATUS)), identity)
    chosen = initial.choose_high_tech(
        found[:, 0],
        listed,
        columns.above_scale[:count] == 1,
        annual,
        draw,
        round(p.registry_listed_high_tech * city.scale),
        round(p.direct_high_tech * city.scale),
    )
    columns.ladder[chosen] = 2
    columns.does_research[chosen] = 1
    columns.relabelled[chosen] = found[chosen, 1]
    columns.research_intensity[chosen] = np.minimum(
        city.rules.research.intensity_max, columns.research_intensity[chosen] + found[chosen, 2]
    )
    weights = rules.vector("certificate_age_weights")
    age = initial.pick(
        uniforms(stream_key(city.luck_seed, 0, int(Purpose.INITIAL_CERTIFICATE_AGE)), identity[chosen]), weights
    )
    columns.certified[chosen] = -4 * age


def _draw_places(city: Corridor) -> None:
    """Draw places last: nothing before depends on them, and high-tech firms stand denser in the corridor."""
    columns, count = city.firms.columns, city.firms.count
    draw = uniforms(stream_key(city.luck_seed, 0, int(Purpose.INITIAL_PLACE)), columns.identity[:count])
    certified = columns.ladder[:count] == 2
    columns.place[:count] = initial.pick(draw, city.place_share)
    columns.place[:count][certified] = initial.pick(draw[certified], city.place_share * city.high_tech_quotient)
    tilt = round(4 * city.rules.initial.high_tech_age_tilt)
    columns.born[:count][certified] -= tilt


def _fill_stocks(city: Corridor) -> None:
    """Fill what depends on sales and R&D: knowledge, patents, money, and the year that lies behind."""
    columns, count, rules = city.firms.columns, city.firms.count, city.rules
    annual = 4.0 * columns.sales[:count]
    spending = columns.research_intensity[:count] * columns.does_research[:count] * annual
    columns.research_last[:count] = columns.research_before_last[:count] = spending / 4.0
    columns.knowledge[:count] = spending / (
        rules.knowledge.knowledge_depreciation + rules.value("knowledge_growth_start")
    )
    productivity = rules.knowledge.patent_productivity[columns.industry[:count]]
    unit = knowledge.RESEARCH_UNIT * city.money
    mean = 0.25 * productivity * (spending / unit) ** rules.knowledge.patent_elasticity
    columns.patents[:count] = mean / rules.knowledge.patent_decay
    columns.deposits[:count] = rules.accounts.rates.liquidity_target * annual
    columns.capital[:count] = rules.accounts.rates.tangible_share * annual
    fill_past_year(city, slice(0, count))


def fill_past_year(city: Corridor, rows: slice) -> None:
    """Give firms the sales and reported R&D of the four quarters before, at trend growth."""
    columns = city.firms.columns
    growth = (city.rules.demand.demand_trend + city.rules.demand.deflator_growth) / 4.0
    back = (city.quarter - np.arange(4) - 1) % 4
    past = 4.0 * columns.sales[rows, None] * np.exp(-growth * back) * city.season
    done = columns.research_intensity[rows] * columns.does_research[rows]
    reported = done * np.exp(settings.reporting_drift(city)) + columns.relabelled[rows]
    columns.sales_year[rows], columns.reported_year[rows] = past, past * reported[:, None]


def _reservoir(city: Corridor) -> Reservoir:
    rules, firms = city.rules, city.firms
    industry = firms.columns.industry[: firms.count]
    software = int((industry == initial.SOFTWARE).sum())
    units = np.zeros((city.place_share.size, industry_count(rules)), dtype=np.int64)
    share = rules.vector("industry_firm_share")
    industrial = [s for s in range(share.size) if s != initial.SOFTWARE]
    total = max(0, round(rules.value("manufacturing_units") * city.scale) - (firms.count - software))
    units[:, industrial] = initial.spread(total, np.outer(city.place_share, share[industrial]))
    services = max(0, round(rules.value("software_units") * city.scale) - software)
    units[:, initial.SOFTWARE] = initial.spread(services, city.place_share)
    smallest, largest = (bound * city.money for bound in RESERVOIR_RANGE)
    bins = SizeBins(
        rules.registration.size_bin_bounds,
        rules.value("reservoir_sd"),
        rules.initial.above_scale_size,
        smallest,
        largest,
    )
    ages = demography.stationary_ages(rules.value("unit_growth_start"), rules.demography.exit_hazard)
    return Reservoir(
        units,
        ages,
        bins.mean_at(rules.value("reservoir_median"), smallest, largest),
        bins,
        rules.accounts.rates.liquidity_target,
        rules.accounts.rates.tangible_share,
    )


def industry_count(rules: Rules) -> int:
    """Return the number of industries."""
    return int(rules.vector("industry_firm_share").size)
