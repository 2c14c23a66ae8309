"""Grants on reported R&D (V4): their size by hand, who gets them, what they do to R&D, and what bounds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kechuang.parameters import default_draw
from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.units import wan_from_yi
from kechuang.world.mechanisms import research
from kechuang.world.mechanisms.research import ResearchParameters, grant_factor, grant_of
from kechuang.world.model import Corridor
from kechuang.world.policy.policy_state import CASH, LEVERS
from kechuang.world.population.firms import NO_CERTIFICATE
from kechuang.world.simulate import simulate
from worlds import city_of, everywhere, firms_of, law_of, record, research_setting, scenario_of

GRANT = LEVERS.index("research_grant")


# By hand --------------------------------------------------------------------------------------------------------------


def test_a_grant_is_a_share_of_reported_research_up_to_its_cap() -> None:
    """2 % of 1000 is 20; of 8000 it would be 160, the cap is 100."""
    found = grant_of(np.array([0.0, 1000.0, 5000.0, 8000.0]), np.full(4, 0.02), np.full(4, 100.0))
    assert found == pytest.approx([0.0, 20.0, 100.0, 100.0])


def test_a_grant_raises_research_by_itself_and_what_it_draws_in() -> None:
    """Rate 2 %, 0.25 of private R&D per yuan: factor 1.025. With R&D of 8000 the cap of 100 is a rate of 1.25 %.

    Where a fifth more is reported than done, a fifth more is paid, and all of it goes into R&D.
    """
    p = record(ResearchParameters, grant_additionality=0.25)
    assert grant_factor(1000.0, 1000.0, 0.02, 100.0, p) == pytest.approx(1.025)
    assert grant_factor(1000.0, 1200.0, 0.02, 100.0, p) == pytest.approx(1.03)
    assert grant_factor(8000.0, 8000.0, 0.02, 100.0, p) == pytest.approx(1.0 + 1.25 * 0.0125)
    assert grant_factor(0.0, 0.0, 0.02, 100.0, p) == 1.0
    crowded = record(ResearchParameters, grant_additionality=-1.0)
    assert grant_factor(1000.0, 1000.0, 0.02, 100.0, crowded) == 1.0  # every yuan replaces one of the firm's own


def settled(additionality: float, rate: float, cap: float, **changes: Any) -> float:
    """Return yearly R&D (万元) of a firm of 6000万元 sales after a century with this grant."""
    p = record(ResearchParameters, grant_additionality=additionality, adjustment=0.4, trend=0.0)
    usual = {"industry": 2, "place": 4, "sales": 1500.0, "margin": 0.3, "does_research": 1, "research_intensity": 0.02}
    firms = firms_of(1, **{**usual, **changes})
    setting = research_setting(grant=everywhere(rate), grant_cap=everywhere(cap), grant_take_up=everywhere(1.0))
    for _ in range(400):
        research.choose_research(firms.columns, 1, setting, law_of(2019), p)
    return 6000.0 * float(firms[0].research_intensity)


@pytest.mark.parametrize("additionality", [-0.2, 0.0, 0.25, 0.4])
def test_private_research_per_yuan_of_grant_is_the_additionality(additionality: float) -> None:
    """Where the cap binds, exactly. Below it the grant is paid on R&D that it has raised itself, so that of a yuan

    ((1 + a) / (1 + (1 + a) r) - 1) is private: a less (1 + a)^2 r to first order. At the rate of 2 % that is 0.02 to 0.04.
    """
    without, capped = settled(additionality, 0.0, 100.0), settled(additionality, 0.2, 1.5)
    assert (capped - without - 1.5) / 1.5 == pytest.approx(additionality, abs=1e-6)
    rate = 0.02
    total = settled(additionality, rate, 1e9)
    grant = rate * total
    assert (total - without - grant) / grant == pytest.approx(
        additionality, abs=1.02 * (1.0 + additionality) ** 2 * rate
    )


def test_firms_that_do_not_apply_choose_as_without_grants() -> None:
    """Take-up 0.5: of 200 alike firms those below one half by their own number rise, all others stay bit for bit."""
    key = stream_key(5, 0, int(Purpose.GRANT_TAKE_UP))
    p, n = record(ResearchParameters, grant_additionality=0.0), 200
    usual = {"industry": 2, "sales": 1500.0, "margin": 0.3, "does_research": 1, "research_intensity": 0.02}
    plain, granted = firms_of(n, **usual), firms_of(n, **usual)
    setting = research_setting(
        grant=everywhere(0.1), grant_cap=everywhere(1e9), grant_take_up=everywhere(0.5), grant_key=key
    )
    research.choose_research(plain.columns, n, research_setting(), law_of(2019), p)
    research.choose_research(granted.columns, n, setting, law_of(2019), p)
    applies = uniforms(key, np.arange(n)) < 0.5
    before, after = plain.columns.research_intensity[:n], granted.columns.research_intensity[:n]
    assert 70 < applies.sum() < 130
    assert (after[applies] > before[applies]).all()
    assert np.array_equal(after[~applies], before[~applies])


# In a city ------------------------------------------------------------------------------------------------------------


def applicants(city: Corridor) -> np.ndarray:
    """Return which rows apply for grants: take-up is a permanent trait of a firm and half of them have it."""
    key = stream_key(city.luck_seed, 0, int(Purpose.GRANT_TAKE_UP))
    return np.asarray(uniforms(key, city.firms.columns.identity[: city.firms.count]) < 0.5)


def run_with(until: str, listen: dict[str, list[Callable[[Corridor], None]]], **parts: Any) -> Corridor:
    scenario = scenario_of(until, **parts)
    return city_of(scenario, default_draw("B"), 6, audit=True, scale=0.05, events=listen).run()


def grants_by_hand(city: Corridor, rate: float, cap: float = 100.0) -> np.ndarray:
    """Return what each row is owed this quarter: a share of what it reported, at most a quarter of the yearly cap."""
    columns, count = city.firms.columns, city.firms.count
    doer = (columns.alive[:count] == 1) & (columns.does_research[:count] == 1)
    reported = np.maximum(columns.reported_year[:count, city.position] - city.contracts.vouchers_of(np.arange(count)), 0.0)
    return np.asarray((doer & applicants(city)) * np.minimum(rate * reported, 0.25 * cap))


def test_claims_of_a_quarter_are_those_by_hand() -> None:
    """Path: 1 % in 2016, 1.25 % in 2017; a cap of 20万元 a year binds for some."""
    capped = []

    def compare(city: Corridor) -> None:
        by_hand = grants_by_hand(city, 0.01 if city.quarter <= 4 else 0.0125, cap=20.0)
        claimed = np.zeros(city.firms.count)
        for claim in city.claims:
            if claim.lever == "research_grant":
                claimed[claim.rows] += claim.amounts
        assert claimed == pytest.approx(by_hand)
        assert claimed.sum() > 0.0
        capped.append(int((claimed == 5.0).sum()))

    cap = {"research_grant": {"cap": {"level": 20, "from": "2016Q1"}}}
    run_with("2017Q4", {"support": [compare]}, levers=cap)
    assert sum(capped) > 0


def test_in_the_first_quarter_of_a_dose_recipients_do_more_and_all_others_the_same() -> None:
    """Twice the same city to 2018Q1; from then on one has grants of 10 % more. The notch may hold the certified up."""
    chosen: list[np.ndarray] = []
    seen: dict[str, np.ndarray] = {}

    def note(city: Corridor) -> None:
        if city.quarter == 9:
            columns, count = city.firms.columns, city.firms.count
            does = (columns.alive[:count] == 1) & (columns.does_research[:count] == 1)
            chosen.append(columns.research_intensity[:count] * does)
            bound = (columns.certified[:count] > NO_CERTIFICATE) | (columns.applied[:count] == 1)
            seen.update(applies=applicants(city), free=does & ~bound & (columns.research_intensity[:count] < 0.5))

    dose = {"research_grant": {"value": 10, "from": "2018Q1", "cap": {"level": 1000, "from": "2018Q1"}}}
    for levers in ({}, dose):
        run_with("2018Q1", {"research": [note]}, levers=levers)
    plain, granted = chosen
    assert np.array_equal(granted[~seen["applies"]], plain[~seen["applies"]]), "who does not apply does the same"
    assert (granted >= plain).all()
    recipients = seen["applies"] & seen["free"]
    assert recipients.sum() > 20
    assert (granted[recipients] > plain[recipients]).all()


def test_a_budget_pays_the_change_pro_rata_and_the_path_in_full() -> None:
    """Rate 1 + 9 % in 2016 with a budget of 0.1亿 for the 9 %: claims of the year are those of 1 % plus the budget."""
    path, claimed, shares = [], [], []

    def note(city: Corridor) -> None:
        usual, raised = grants_by_hand(city, 0.01), grants_by_hand(city, 0.1)
        path.append(usual.sum())
        amounts = np.zeros(city.firms.count)
        for claim in city.claims:
            if claim.lever == "research_grant":
                amounts[claim.rows] += claim.amounts
        claimed.append(amounts.sum())
        wants = raised > usual + 1e-9
        share = (amounts - usual)[wants] / (raised - usual)[wants]
        shares.append(share)
        assert share == pytest.approx(np.full(share.size, share.mean()), abs=1e-9), "all cut by the same share"

    lever = {"research_grant": {"value": 9, "from": "2016Q1", "budget": 0.1}}
    city = run_with("2016Q4", {"support": [note]}, levers=lever)
    assert sum(claimed) == pytest.approx(sum(path) + city.scale * wan_from_yi(0.1))
    assert min(share.mean() for share in shares) == pytest.approx(0.0, abs=1e-9)
    assert max(share.mean() for share in shares) > 0.0


def indicators(levers: dict[str, Any]) -> np.ndarray:
    return simulate(scenario_of("2019Q4", levers=levers), default_draw("B"), 5, scale=0.03).indicators


def test_a_dose_of_nothing_and_a_budget_of_nothing_change_nothing() -> None:
    plain = indicators({})
    zero = {"research_grant": {"value": 0, "from": "2016Q1", "cap": {"value": 0}, "take_up": {"value": 0}}}
    unpaid = {"research_grant": {"value": 8, "from": "2017Q1", "budget": 0}}
    paid = {"research_grant": {"value": 8, "from": "2017Q1", "budget": 1}}
    assert np.array_equal(plain, indicators(zero), equal_nan=True)
    assert np.array_equal(plain, indicators(unpaid), equal_nan=True)
    assert not np.array_equal(plain, indicators(paid), equal_nan=True)


def test_cash_of_the_path_in_2020_has_the_size_of_its_plan() -> None:
    """Orders of magnitude only: half of some 115亿 of R&D at 2 % is 1.15亿 a year, less where the cap of 100万元 binds.

    A half of 1.15 is what is left if large firms do half of the R&D and the cap takes nearly all of their part; a third
    more than it is the reading of reported R&D with its drift of 2020. Rate, cap and take-up themselves are assumed.
    """
    run = simulate(scenario_of("2020Q4"), default_draw("B"), 6, scale=0.1)
    assert 0.5 < run.costs[16:20, GRANT, CASH].sum() < 1.6
