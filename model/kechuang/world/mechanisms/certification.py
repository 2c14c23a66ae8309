"""M5b Certification as a national high-tech firm: the notch, the decision to apply, listing, renewal and promotion.

    V_i  = G_i - C - Cgap_i + soft_i + kT ln(T_t/T_0) + sigma_H (0.7 z_i + 0.3 z_i,year)         apply in Q2 or Q3 if V_i > 0
    G_i  = A (T0 - T_with) + Bonus,  A = 1 + beta + beta^2;  Bonus = bonus (1 + renewal_share beta^3 rho)
    gap  = max(0, notch(S) - r);  Cgap = A S4 (c dr + cL l^2/2),  l = min(gap, c/cL),  dr = gap - l
    c    = max(floor, 1 - rate (1 + sd) - m S4 theta / max(K, share S4))                           net price of R&D
    pass = logit^-1(b0 + b1 ln(1+patents) + b2 researchers/staff - b3 l);  listing in Q4, valid 12 quarters
    cap  : closure C lists at most cap_0 T_t/T_0 new certificates a year, best scores first
    renewal at 12 quarters: V with the renewal bonus and cost share, no new gap while the floor is held; passes with rho
    promotion to step 3: min(max, exp(c0 + c1 ln(S4/1亿) + c2 ln(1+patents))) per year

Money in 万元, l and r as shares of sales; T is the national number of high-tech firms. Sources: Chen, Liu, Suarez
Serrato and Xu 2021 (notch, relabelling); 国科发火〔2016〕32 (thresholds, validity). No certification-causes-innovation
term: the published effects are zero, negative and positive.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled, inlined
from kechuang.parameters import Draw
from kechuang.randomness import happens, logistic, uniform
from kechuang.world.mechanisms.research import ResearchParameters, notch
from kechuang.world.mechanisms.taxes import TaxLaw, marginal_rate, tax_without, taxable_profit
from kechuang.world.population.firms import NO_CERTIFICATE, FirmColumns


class CertificationParameters(NamedTuple):
    """Money in 万元, rates per year, shares of sales."""

    cost: float
    taste_scale: float
    taste_permanent_share: float
    tide_pull: float
    discount_factor: float
    relabelling_curvature: float
    research_price_floor: float
    knowledge_floor_share: float
    knowledge_elasticity: float
    pass_base: float
    pass_patents: float
    pass_staff: float
    pass_relabelling: float
    renewal_pass: float
    renewal_cost_share: float
    certificate_quarters: float
    leader_base: float
    leader_size: float
    leader_patents: float
    leader_rate_max: float

    @classmethod
    def of(cls, draw: Draw) -> CertificationParameters:
        """Take the record from a draw."""
        return cls(draw.number("certification_cost"), *(draw.number(name) for name in cls._fields[1:]))


class CertificationSetting(NamedTuple):
    """What is common to all firms in a year of applications."""

    quarter: int
    log_tide: float
    researcher_cost: float
    bonus: NDArray[np.float64]
    renewal_share: NDArray[np.float64]
    tax_rate: NDArray[np.float64]
    extra_deduction: NDArray[np.float64]


class Decision(NamedTuple):
    """What a firm's calculation gives: value of applying (万元), relabelled and added R&D (shares of sales)."""

    value: float
    relabelled: float
    added: float


@compiled
def annuity(discount_factor: float) -> float:
    """Return the discounted number of years of a certificate's three years."""
    return 1.0 + discount_factor + discount_factor**2


@compiled
def tax_gain(profit: float, annual_sales: float, persons: float, certified_rate: float, law: TaxLaw) -> float:
    """Return the tax saved in a year by a certificate, zero where a better schedule is open (万元)."""
    without = tax_without(profit, annual_sales, persons, law)
    return without - min(without, certified_rate * profit)


@compiled
def research_price(
    rate: float, extra: float, margin: float, annual_sales: float, knowledge: float, p: CertificationParameters
) -> float:
    """Return the net price of one more yuan of real R&D after tax and its own productivity gain."""
    stock = max(knowledge, p.knowledge_floor_share * annual_sales)
    return max(
        p.research_price_floor, 1.0 - rate * (1.0 + extra) - margin * annual_sales * p.knowledge_elasticity / stock
    )


@compiled
def gap_split(gap: float, price: float, p: CertificationParameters) -> tuple[float, float]:
    """Return the cheapest way to close a gap: relabelled share and added real R&D."""
    relabelled = min(gap, price / p.relabelling_curvature)
    return relabelled, gap - relabelled


@compiled
def gap_cost(annual_sales: float, price: float, relabelled: float, added: float, p: CertificationParameters) -> float:
    """Return the three-year cost of closing the gap (万元)."""
    return (
        annuity(p.discount_factor)
        * annual_sales
        * (price * added + 0.5 * p.relabelling_curvature * relabelled * relabelled)
    )


@compiled
def pass_probability(
    patents: float, research_staff_share: float, relabelled: float, p: CertificationParameters
) -> float:
    """Return the probability that an application passes the review."""
    score = (
        p.pass_base
        + p.pass_patents * math.log(1.0 + patents)
        + p.pass_staff * research_staff_share
        - p.pass_relabelling * relabelled
    )
    return 1.0 / (1.0 + math.exp(-score))


@compiled
def promotion_rate(annual_sales: float, patents: float, money: float, p: CertificationParameters) -> float:
    """Return the yearly rate at which a high-tech firm becomes a leader; `money` is 1 but in tests of units."""
    return min(
        p.leader_rate_max,
        math.exp(
            p.leader_base
            + p.leader_size * math.log(annual_sales / (10000.0 * money))
            + p.leader_patents * math.log(1.0 + patents)
        ),
    )


@inlined
def decide(
    firms: FirmColumns,
    i: int,
    renewal: bool,
    yearly_taste: float,
    setting: CertificationSetting,
    law: TaxLaw,
    research: ResearchParameters,
    p: CertificationParameters,
) -> Decision:
    """Work out what certification (or its renewal) is worth to firm i and how it would meet the threshold."""
    place, industry = firms.place[i], firms.industry[i]
    annual = 4.0 * firms.sales[i]
    intensity = firms.research_intensity[i]
    persons = firms.staff[i]
    extra = setting.extra_deduction[place, industry, max(firms.ladder[i], 1)]
    profit = taxable_profit(annual, firms.margin[i], intensity, extra)
    rate = setting.tax_rate[place, industry, 2]
    bonus = setting.bonus[place, industry, firms.ladder[i]]
    share = setting.renewal_share[place, industry, firms.ladder[i]]
    gain = annuity(p.discount_factor) * tax_gain(profit, annual, persons, rate, law)
    soft = (
        firms.soft_benefit[i]
        + p.tide_pull * setting.log_tide
        + p.taste_scale * (p.taste_permanent_share * firms.taste[i] + (1.0 - p.taste_permanent_share) * yearly_taste)
    )
    gap = max(0.0, notch(annual, research) - intensity - (firms.relabelled[i] if renewal else 0.0))
    marginal = marginal_rate(profit, annual, persons, law.normal_rate, law)
    price = research_price(marginal, extra, firms.margin[i], annual, firms.knowledge[i], p)
    relabelled, added = gap_split(gap, price, p)
    if renewal:
        reward = share * bonus
        cost = p.renewal_cost_share * p.cost
    else:
        reward = bonus * (1.0 + share * p.discount_factor**3 * p.renewal_pass)
        cost = p.cost
    value = gain + reward - cost - gap_cost(annual, price, relabelled, added, p) + soft
    return Decision(value, relabelled, added)


@compiled
def evaluate(
    firms: FirmColumns,
    count: int,
    taste_key: np.uint64,
    setting: CertificationSetting,
    law: TaxLaw,
    research: ResearchParameters,
    p: CertificationParameters,
) -> NDArray[np.float64]:
    """Return value, relabelled and added R&D of a first application for every row (used for the initial state)."""
    out = np.full((count, 3), -np.inf)
    for i in range(count):
        if firms.alive[i] == 1:
            decision = decide(firms, i, False, logistic(taste_key, firms.identity[i]), setting, law, research, p)
            out[i, 0], out[i, 1], out[i, 2] = decision.value, decision.relabelled, decision.added
    return out


@compiled
def apply_for_certification(
    firms: FirmColumns,
    count: int,
    window: int,
    window_key: np.uint64,
    taste_key: np.uint64,
    setting: CertificationSetting,
    law: TaxLaw,
    research: ResearchParameters,
    p: CertificationParameters,
) -> int:
    """Let firms whose window (0: Q2, 1: Q3) this is apply where it pays; raise their R&D at once; count them."""
    applications = 0
    for i in range(count):
        if firms.alive[i] == 0 or firms.certified[i] > NO_CERTIFICATE:
            continue
        direct = firms.ladder[i] == 0 and firms.above_scale[i] == 1 and firms.aware[i] >= 1
        if firms.ladder[i] == 0 and not direct:
            continue
        own_window = 0 if uniform(window_key, firms.identity[i]) < 0.5 else 1
        if own_window != window:
            continue
        decision = decide(firms, i, False, logistic(taste_key, firms.identity[i]), setting, law, research, p)
        if firms.ladder[i] == 0:
            firms.aware[i] = 2
        if decision.value > 0.0:
            applications += 1
            firms.applied[i] = 1
            firms.does_research[i] = 1
            firms.relabelled[i] = decision.relabelled
            firms.research_intensity[i] = min(research.intensity_max, firms.research_intensity[i] + decision.added)
    return applications


@compiled
def review(
    firms: FirmColumns,
    count: int,
    pass_key: np.uint64,
    setting: CertificationSetting,
    p: CertificationParameters,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows and scores of the applications that pass; those that fail give up their relabelling."""
    rows = np.empty(count, dtype=np.int64)
    scores = np.empty(count)
    passed = 0
    for i in range(count):
        if firms.alive[i] == 0 or firms.applied[i] == 0:
            continue
        researchers = 4.0 * firms.research_intensity[i] * firms.sales[i] / setting.researcher_cost
        chance = pass_probability(firms.patents[i], researchers / max(firms.staff[i], 1.0), firms.relabelled[i], p)
        if uniform(pass_key, firms.identity[i]) < chance:
            rows[passed], scores[passed] = i, chance
            passed += 1
        else:
            firms.relabelled[i] = 0.0
        firms.applied[i] = 0
    return rows[:passed], scores[:passed]


@compiled
def renew(
    firms: FirmColumns,
    count: int,
    renewal_key: np.uint64,
    taste_key: np.uint64,
    setting: CertificationSetting,
    law: TaxLaw,
    research: ResearchParameters,
    p: CertificationParameters,
) -> NDArray[np.int64]:
    """Renew or end the certificates that reach their term; return the rows of the renewed, lapsed rows after them."""
    renewed, lapsed = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        if firms.alive[i] == 0 or firms.certified[i] <= NO_CERTIFICATE:
            continue
        if setting.quarter - firms.certified[i] < p.certificate_quarters:
            continue
        identity = firms.identity[i]
        decision = decide(firms, i, True, logistic(taste_key, identity), setting, law, research, p)
        if decision.value > 0.0 and uniform(renewal_key, identity) < p.renewal_pass:
            firms.certified[i] = setting.quarter
            firms.relabelled[i] = min(firms.relabelled[i] + decision.relabelled, notch(4.0 * firms.sales[i], research))
        else:
            firms.certified[i] = NO_CERTIFICATE
            firms.relabelled[i] = 0.0
            firms.ladder[i] = 1 if firms.ladder[i] == 2 else firms.ladder[i]
        renewed[lapsed] = i
        lapsed += 1
    return renewed[:lapsed]


@compiled
def promote(firms: FirmColumns, count: int, key: np.uint64, money: float, p: CertificationParameters) -> int:
    """Let high-tech firms become leaders; return how many did this quarter."""
    promoted = 0
    for i in range(count):
        if firms.alive[i] == 1 and firms.ladder[i] == 2:
            draw = uniform(key, firms.identity[i])
            if draw >= 0.25 * p.leader_rate_max:
                continue
            if happens(draw, 0.25 * promotion_rate(4.0 * firms.sales[i], firms.patents[i], money, p)):
                firms.ladder[i] = 3
                promoted += 1
    return promoted
