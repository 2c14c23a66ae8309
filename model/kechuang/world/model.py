"""The city: a mesa.Model whose `step` is one quarter, read from top to bottom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import mesa
import numpy as np
from numpy.typing import NDArray

from kechuang.city import City, load_city
from kechuang.clock import quarter_index, quarter_label, quarter_of_year, year_of
from kechuang.parameters import Draw
from kechuang.provisional import provisional_draw
from kechuang.scenario import Scenario
from kechuang.world import identities
from kechuang.world.banks import Banks
from kechuang.world.events import Shocks
from kechuang.world.government import CompensationPool, Government, GuaranteeFund
from kechuang.world.indicators import INDICATORS, KEYS, POSITION
from kechuang.world.ledger import Ledger, Residual
from kechuang.world.mechanisms.accounts import FLOWS
from kechuang.world.mechanisms.certification import CertificationSetting
from kechuang.world.mechanisms.demand import PANDEMIC_QUARTER, Demand, trend_growth
from kechuang.world.mechanisms.research import ResearchSetting
from kechuang.world.phases import closing, credit, demography, ladder, losses, production
from kechuang.world.policy_state import CostLedger, Policy
from kechuang.world.populations import Firms, count_cells
from kechuang.world.reservoir import Reservoir
from kechuang.world.rules import Rules
from kechuang.world.setup import build_city
from kechuang.world.surroundings import Surroundings

Event = Callable[["Corridor"], None]
POSTINGS = (*FLOWS, "bank loans", "interest subsidies", "bonuses", "transfer at birth", "liquidation")
LOAN_RATE_DATE, LOAN_RATE_TREND_END = quarter_index("2018Q4") - 1.5, quarter_index("2025Q1")
"""Quarters at which the loan rate has its value (the middle of 2018) and from which on it stays."""


class Corridor(mesa.Model):  # type: ignore[misc]
    """Taizhou and its corridor from the end of 2015.

    `scenario` says what is decided and what happens, `draw` holds the parameters nobody knows
    (default: the provisional point of closure B), `seed` is the luck.
    `scale` simulates a part of the city (0.1: a tenth) and reports counts and money of the whole. `events` maps the name
    of a phase to functions that are called with the model after it. `audit` keeps every firm's account apart and stops
    the run at the first violated identity.
    """

    firms: Firms
    reservoir: Reservoir

    def __init__(
        self,
        scenario: Scenario,
        draw: Draw | None = None,
        seed: int | None = None,
        *,
        audit: bool = False,
        scale: float = 1.0,
        events: Mapping[str, Iterable[Event]] | None = None,
        collect: bool = True,
    ) -> None:
        super().__init__()
        self.resolved = scenario  # not `scenario`: from Mesa 3.5 on that name is a property of its own
        self.luck_seed = scenario.seed if seed is None else seed
        self.rules = Rules.of(draw or provisional_draw("B"), scale)
        self.audit, self.scale, self.own_events = audit, scale, dict(events or {})
        self.quarter, self.listing_quarter, self.money = 0, 4, 1.0
        self._read_city(load_city("taizhou"))
        self._open_books()
        with np.errstate(over="ignore"):
            build_city(self)
        self._weigh_city()
        self.datacollector = self._collector() if collect else None

    def step(self) -> None:
        """One quarter."""
        self.quarter += 1
        with np.errstate(over="ignore"):
            self._phase("opening", closing.open_quarter)  # calendar, law and levers; yearly panel
            self._phase("funds", credit.run_funds)  # guarantee capital, compensation pool, credit platform
            self._phase("demand", production.move_demand)  # what the world buys from each industry
            self._phase("credit", credit.lend)  # applications, refusals, renewals
            self._phase("research", production.choose_research)  # who does R&D, and how much of sales
            self._phase("growth", production.grow)  # firms and cells share demand
            self._phase("accounts", production.keep_accounts)  # sales, wages, taxes, interest, investment
            self._phase("default", losses.settle_defaults)  # firms in debt fail, banks and funds bear it
            self._phase("knowledge", production.learn)  # knowledge stocks and patents
            self._phase("registration", ladder.register)  # units come onto the provincial list
            self._phase("certification", ladder.certify)  # apply Q2-Q3, list and renew Q4, promotion
            self._phase("exit", demography.close_firms)  # firms close, accounts are settled
            self._phase("cells", demography.renew_cells)  # births and closures in the reservoir
            self._phase("crossing", demography.cross_threshold)  # units outgrow the reservoir
            self._phase("purge", demography.purge_list)  # the list forgets the dead
            self._phase("banks", losses.close_banks)  # interest, costs, dividends, funding
            self._phase("households", closing.settle_households)  # income tax, saving, consumption
            self._phase("government", closing.settle_government)  # taxes in, levers and spending out
            self._phase("closing", closing.close_quarter)  # identities, indicators
        if self.audit:
            identities.demand_no_violation(self.residuals)
        if self.datacollector is not None:
            self.datacollector.collect(self)

    def run(self, until: int | None = None) -> Corridor:
        """Step to the end of the scenario (or to quarter `until`) and return the model."""
        while self.quarter < (self.resolved.until if until is None else until):
            self.step()
        return self

    def _phase(self, name: str, work: Event) -> None:
        work(self)
        for event in self.own_events.get(name, ()):
            event(self)

    # What is common to all firms of a quarter ------------------------------------------------------------------

    def research_setting(self, quarter: int) -> ResearchSetting:
        """Return what R&D decisions of quarter t look at (t = 0: the starting values of 2016)."""
        dated = max(quarter, 1)
        return ResearchSetting(
            dated if quarter else 0,
            quarter / 4.0,
            float(self.deflator[quarter]),
            self.peers,
            self.policy.tax_rate[dated],
            self.policy.super_deduction[dated],
            self.policy.no_grant,
        )

    def certification_setting(self, quarter: int) -> CertificationSetting:
        """Return what certification decisions of quarter t look at."""
        dated = max(quarter, 1)
        researcher = self.rules.value("research_cost_per_person") * (
            1.0 + self.rules.value("research_cost_growth")
        ) ** (quarter / 4.0 - 1.5)
        return CertificationSetting(
            quarter,
            quarter / 4.0,
            float(self.deflator[quarter]),
            float(self.log_tide[quarter]),
            researcher,
            self.policy.expected_bonus(dated, self.deflator),
            self.policy.renewal_share[dated],
            self.policy.tax_rate[dated],
            self.policy.super_deduction[dated],
        )

    def reporting_drift(self) -> float:
        """Return the log drift between R&D done and R&D reported, which begins in 2020."""
        return self.rules.value("reporting_drift_2020") if self.quarter >= PANDEMIC_QUARTER else 0.0

    def worker_sales(self) -> NDArray[np.float64]:
        """Return real sales per worker and year by industry in this quarter (万元)."""
        p = self.rules.research
        return np.asarray(p.sales_per_worker * np.exp(p.labour_productivity_growth * self.quarter / 4.0))

    def loan_rate(self) -> float:
        """Return the yearly rate on loans: it moves with the prime rate until 2025, and no further than its cap."""
        return min(self.rules.value("loan_rate") + self._prime_rate(), self.rules.value("loan_rate_max"))

    def funding_rate(self) -> float:
        """Return what banks pay for their funds a year: it moves with the prime rate too, and is never negative."""
        return max(0.0, self.rules.value("funding_rate") + self._prime_rate())

    def _prime_rate(self) -> float:
        years = (min(self.quarter, LOAN_RATE_TREND_END) - LOAN_RATE_DATE) / 4.0
        return self.rules.value("loan_rate_trend") * years

    def data_coverage(self) -> float:
        """Return the share of useful public records that banks see in this quarter."""
        return float(self.policy.finance.platform[self.quarter])

    @property
    def position(self) -> int:
        """Position of this quarter in its year, 0 to 3."""
        return quarter_of_year(self.quarter) - 1

    # Counting ---------------------------------------------------------------------------------------------------

    def count_by_cell(self, min_ladder: int = 0, certified: bool = False, doers: bool = False) -> NDArray[np.float64]:
        """Return the number of firms by place and industry: on or above a step, certified or doing R&D if asked."""
        return count_cells(self.firms.columns, self.firms.count, min_ladder, certified, doers, *self.shape)

    def doer_share(self) -> NDArray[np.float64]:
        """Return the share of firms that do R&D by place and industry (0 where there is no firm)."""
        return self.count_by_cell(doers=True) / np.maximum(self.count_by_cell(), 1.0)

    def firms_sales(self) -> float:
        """Return sales of all firms at a seasonally adjusted quarterly rate (万元)."""
        alive = self.firms.columns.alive[: self.firms.count] == 1
        return float(self.firms.columns.sales[: self.firms.count][alive].sum())

    # Books ------------------------------------------------------------------------------------------------------

    def deposits(self) -> dict[str, float]:
        """Return what every sector but the outside holds (万元)."""
        alive = self.firms.columns.alive[: self.firms.count] == 1
        return {
            "firms": float(self.firms.columns.deposits[: self.firms.count][alive].sum()),
            "cells": float(self.reservoir.deposits.sum()),
            "households": self.household_deposits,
            "government": self.government.deposits,
            "banks": 0.0,
            "guarantee fund": self.guarantee_fund.capital,
        }

    def open_postings(self) -> None:
        """Under audit, begin to keep single accounts of the quarter and note what each firm starts it with."""
        if self.audit:
            self.postings = np.zeros((self.firms.count, len(POSTINGS)))
            self._opening_deposits = self.firms.columns.deposits[: self.firms.count].copy()

    def note_postings(self, rows: NDArray[np.int64], name: str, amounts: NDArray[np.float64]) -> None:
        """Under audit, note flows of single firms that no kernel posts."""
        if not self.audit:
            return
        missing = self.firms.count - self.postings.shape[0]
        if missing > 0:
            self.postings = np.vstack([self.postings, np.zeros((missing, len(POSTINGS)))])
        self.postings[rows, POSTINGS.index(name)] += amounts

    def opening_deposits(self, count: int) -> NDArray[np.float64]:
        """Return what each row held when the quarter's accounts opened; rows added since held nothing."""
        opening = np.zeros(count)
        opening[: self._opening_deposits.size] = self._opening_deposits
        if self.postings.shape[0] < count:
            self.postings = np.vstack([self.postings, np.zeros((count - self.postings.shape[0], len(POSTINGS)))])
        return opening

    def tighten(self) -> None:
        """Apply what stricter certification changes in this quarter; without one, the records stay as drawn."""
        notch, audit, renewal = self.shocks.tightening(self.quarter)
        drawn = self._drawn
        self.rules.research = self.rules.research._replace(notch_rates=drawn.research.notch_rates + notch)
        self.rules.certification = drawn.certification._replace(
            relabelling_curvature=drawn.certification.relabelling_curvature * audit,
            renewal_pass=min(1.0, max(0.0, drawn.certification.renewal_pass + renewal)),
        )

    # Surroundings -----------------------------------------------------------------------------------------------

    def rest_of_city(self, quarter: int) -> float:
        """Return value added of what the model does not contain (亿元 in the quarter)."""
        return self.surroundings.rest_of_city(quarter)

    def other_research(self, quarter: int) -> float:
        """Return R&D of universities, institutes and services that the model does not contain (亿元 in the quarter)."""
        return self.surroundings.other_research(quarter)

    def _read_city(self, city: City) -> None:
        self.geography = city
        self.place_share = np.array([place.firm_share for place in city.places])
        self.high_tech_quotient = np.array([place.high_tech_quotient for place in city.places])
        self.in_corridor = np.array([place.zone in ("core", "corridor") for place in city.places])
        self.shape = (len(city.places), len(city.industries))
        self.season = self.rules.vector("seasonal_weights")
        quarters = max(self.resolved.until, 20) + 1
        self.deflator = np.exp(np.log1p(self.rules.demand.deflator_growth) * np.arange(quarters) / 4.0)
        self.surroundings = Surroundings(self.rules, self.resolved.tide, self.scale, quarters, self.deflator)
        self.log_tide = self.surroundings.log_tide

    def _open_books(self) -> None:
        self.policy = Policy(self.resolved, self.rules.draw, self.scale)
        self.law = self.policy.law(0)
        self.shocks = Shocks(self.resolved)
        self.costs = CostLedger(max(self.resolved.until, 20))
        self.ledger = Ledger()
        self.government, self.guarantee_fund = Government(self), GuaranteeFund(self)
        self.compensation, self.banks = CompensationPool(), Banks(self)
        self.platform_cells = np.zeros(2)
        self.lending: dict[str, float] = {}
        self.tally_money = dict.fromkeys(("compensation_paid", "guarantee_paid"), 0.0)
        self.household_deposits = self.household_income = self.written_off = self.unpurged = 0.0
        self.patents_granted, self.rate_excess = 0.0, 0
        self.peers = np.zeros(self.shape)
        self.tally: dict[str, int] = dict.fromkeys(
            (
                "firms_entered",
                "firms_exited",
                "certificates_new",
                "certificates_renewed",
                "certificates_lapsed",
                "certificates_direct",
                "registrations",
                "certificates_lost_by_exit",
                "defaults",
            ),
            0,
        )
        self.opening: dict[str, int] = {}
        self.opening_stocks: dict[str, float] = {}
        self.booked: dict[str, float] = {}
        self.residuals: list[Residual] = []
        self.history: list[dict[str, float]] = []
        self.postings = np.zeros((0, len(POSTINGS)))
        self._opening_deposits = np.zeros(0)
        self.panel = np.zeros((4, 4))
        self.measures = np.zeros(0)
        self.cell_value_added = self.cell_staff = np.zeros(0)
        self.indicators = np.full((self.resolved.until, len(KEYS)), np.nan)

    def _weigh_city(self) -> None:
        """Fix what the start determines: base sales, the pool's weights over cells, the rest of the city."""
        columns, count = self.firms.columns, self.firms.count
        firms = np.bincount(columns.industry[:count], weights=columns.sales[:count], minlength=self.shape[1])
        self.base_sales = firms + self.reservoir.sales.sum(axis=0)
        exposure = self.rules.vector("demand_exposure")
        exposure = exposure / (exposure @ self.base_sales / self.base_sales.sum())
        self.demand = Demand(self.rules.demand, exposure, self.luck_seed)
        units = (self.count_by_cell() + self.reservoir.units) * self.rules.vector("technology_weight")
        self.pool_weight = units / units.sum()
        self.surroundings.anchor(self.firms, self.reservoir)
        self._drawn = Rules(**self.rules.__dict__)

    def _collector(self) -> mesa.DataCollector:
        return mesa.DataCollector(
            model_reporters={"quarter": _label, **{key: partial(_reading, key=key) for key in INDICATORS}}
        )

    def release(self) -> None:
        """Free what Mesa 3.3 keeps of a model in its classes, so that thousands of runs fit into one process."""
        self.remove_all_agents()
        kept: Any = mesa.Agent.__dict__.get("_ids")
        if isinstance(kept, defaultdict):
            kept.pop(self, None)

    def year(self) -> int:
        """Return the calendar year of this quarter."""
        return year_of(self.quarter)

    def trend(self) -> float:
        """Return trend growth of real demand per year in this quarter."""
        return trend_growth(self.quarter, self.rules.demand)


def _label(model: Corridor) -> str:
    return quarter_label(model.quarter)


def _reading(model: Corridor, key: str) -> float:
    return float(model.indicators[model.quarter - 1, POSITION[key]])
