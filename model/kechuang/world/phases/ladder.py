"""The certification ladder: units come onto the list, firms become aware, apply, are listed, renew and rise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import quarter_of_year, year_of
from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.world import settings
from kechuang.world.mechanisms import certification, registration
from kechuang.world.phases.credit import newly_listed
from kechuang.world.population.admission import Newcomers, admit

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

FREE_REWARD = 2.0
"""万元: the registration reward already in the baseline; outreach counts what lies above it."""
WINDOWS = {2: 0, 3: 1}


def register(city: Corridor) -> None:
    """Bring units of the reservoir onto the list and make ordinary firms aware of certification."""
    p, quarter = city.rules.registration, city.quarter
    firms = city.count_by_cell()
    listed, units = firms.listed, city.reservoir.units + firms.everyone
    reachable = registration.pool(quarter, units, city.pool_weight, p)
    peers = registration.peer_shares(listed, reachable, p)
    reward = city.policy.registration_bonus[quarter, :, :, 0] - FREE_REWARD * city.money
    outreach = np.clip(reward / city.money, -registration.OUTREACH_MAX, registration.OUTREACH_MAX)
    hazard = np.maximum(0.0, registration.registration_hazard(peers, outreach, p))
    rate = hazard * np.maximum(0.0, reachable - listed) / 4.0
    _register_units(city, rate)
    key = stream_key(city.luck_seed, quarter, int(Purpose.AWARENESS))
    registration.become_aware(city.firms.columns, city.firms.count, key, hazard, p)


def _register_units(city: Corridor, rate: NDArray[np.float64]) -> None:
    """Accept candidates of this quarter where their draw lies below rate over highest rate."""
    p, quarter, seed = city.rules.registration, city.quarter, city.luck_seed
    hazard_max = p.external_registration + p.registration_imitation + registration.OUTREACH_MAX * p.outreach_effect
    highest = p.pool_size * (1.0 + p.pool_growth) ** (quarter / 4.0) * city.pool_weight * hazard_max / 4.0
    found = registration.candidates(
        seed, quarter, registration.EVENT, highest.ravel(), Purpose.REGISTRATION_COUNT, Purpose.REGISTRATION
    )
    ratio = np.divide(rate, highest, out=np.zeros_like(rate), where=highest > 0)
    city.rate_excess += int((ratio > 1.0 + 1e-12).sum())
    accepted = found.draw < ratio.ravel()[found.cell]
    identity, cell = found.identity[accepted], found.cell[accepted]
    place, industry = np.divmod(cell, rate.shape[1])
    bins = city.reservoir.bins
    shares = bins.at(city.reservoir.mean_size())[place, industry] * p.eligibility_by_size[: bins.upper.size]
    cumulative = np.cumsum(shares, axis=1) / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    choice = (
        uniforms(stream_key(seed, quarter, int(Purpose.REGISTRATION_BIN)), identity)[:, None] >= cumulative[:, :-1]
    ).sum(axis=1)
    inside = uniforms(stream_key(seed, quarter, int(Purpose.REGISTRATION_SIZE)), identity)
    size = bins.lower[choice] * (bins.upper[choice] / bins.lower[choice]) ** inside
    age_key = stream_key(seed, quarter, int(Purpose.REGISTRATION_AGE))
    age = -p.registrant_age_mean * np.log(uniforms(age_key, identity))
    rows = admit(city, Newcomers(identity, place, industry, size, age), listed=True)
    _pay_registration(city, np.arange(rows.start, rows.stop))


def certify(city: Corridor) -> None:
    """Applications in Q2 and Q3, listing and renewal in Q4, promotion in every quarter."""
    quarter, firms, rules = city.quarter, city.firms, city.rules
    window = WINDOWS.get(quarter_of_year(quarter))
    year = year_of(quarter)
    if window is not None:
        certification.apply_for_certification(
            firms.columns,
            firms.count,
            window,
            stream_key(city.luck_seed, year, int(Purpose.APPLICATION_WINDOW)),
            stream_key(city.luck_seed, year, int(Purpose.TASTE_YEARLY)),
            settings.certification_setting(city, quarter),
            city.law,
            rules.research,
            rules.certification,
        )
    if quarter_of_year(quarter) == city.listing_quarter:
        _renew(city)
        _list_new(city)
        rows = registration.register_aware(firms.columns, firms.count, rules.value("direct_registration_size_max"))
        _pay_registration(city, rows)
        newly_listed(city, rows)
    key = stream_key(city.luck_seed, quarter, int(Purpose.PROMOTION))
    certification.promote(firms.columns, firms.count, key, city.money, rules.certification)


def _renew(city: Corridor) -> None:
    quarter, columns = city.quarter, city.firms.columns
    due = certification.renew(
        columns,
        city.firms.count,
        stream_key(city.luck_seed, quarter, int(Purpose.RENEWAL)),
        stream_key(city.luck_seed, year_of(quarter), int(Purpose.TASTE_YEARLY)),
        settings.certification_setting(city, quarter),
        city.law,
        city.rules.research,
        city.rules.certification,
    )
    renewed = due[columns.certified[due] == quarter]
    city.tally["certificates_renewed"] += renewed.size
    city.tally["certificates_lapsed"] += due.size - renewed.size
    _pay(
        city,
        renewed,
        columns.ladder[renewed],
        city.policy.bonus[quarter] * city.policy.renewal_share[quarter],
        city.policy.unchanged_bonus[quarter] * city.policy.unchanged_renewal_share[quarter],
    )


def _list_new(city: Corridor) -> None:
    """List what passes the review; closure C lists only as many as its cap allows, best scores first."""
    quarter, columns = city.quarter, city.firms.columns
    key = stream_key(city.luck_seed, quarter, int(Purpose.PASS))
    rows, scores = certification.review(
        columns,
        city.firms.count,
        key,
        settings.certification_setting(city, quarter),
        city.rules.certification,
    )
    if city.rules.draw.closure == "C":
        order = np.lexsort((columns.identity[rows], -scores))
        cap = round(city.scale * city.rules.value("listing_cap_2015") * float(np.exp(city.log_tide[quarter])))
        columns.relabelled[rows[order[cap:]]] = 0.0
        rows = np.sort(rows[order[:cap]])
    city.tally["certificates_new"] += rows.size
    city.tally["certificates_direct"] += int((columns.ladder[rows] == 0).sum())
    columns.certified[rows] = quarter
    _pay(city, rows, columns.ladder[rows], city.policy.bonus[quarter], city.policy.unchanged_bonus[quarter])
    straight = rows[columns.ladder[rows] == 0]
    columns.ladder[rows] = np.maximum(columns.ladder[rows], 2)
    newly_listed(city, straight)


def _pay_registration(city: Corridor, rows: NDArray[np.int64]) -> None:
    city.tally["registrations"] += rows.size
    _pay(
        city,
        rows,
        np.zeros(rows.size, dtype=np.int8),
        city.policy.registration_bonus[city.quarter],
        city.policy.unchanged_registration_bonus[city.quarter],
    )


def _pay(
    city: Corridor,
    rows: NDArray[np.int64],
    step: NDArray[np.int8],
    reward: NDArray[np.float64],
    unchanged: NDArray[np.float64],
) -> None:
    """Let the firms in these rows claim rewards by place, industry and step, within the budget of the lever."""
    columns, quarter = city.firms.columns, city.quarter
    price = city.policy.price(quarter, city.deflator)
    cell = (columns.place[rows], columns.industry[rows], step)
    amounts = city.policy.bonus_budget.ration(price * reward[cell], lambda: np.asarray(price * unchanged[cell]))
    city.claim("certification_bonus", "certification and registration bonuses", rows, amounts)
