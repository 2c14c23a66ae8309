"""The city: a mesa.Model whose `step` is one quarter, read from top to bottom."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np
from numpy.typing import NDArray

from kechuang.city import City, load_city
from kechuang.city_numbers import adapted
from kechuang.clock import quarter_label, quarter_of_year, year_of
from kechuang.errors import InputError, Problem
from kechuang.parameters import Draw
from kechuang.provisional import provisional_draw
from kechuang.scenario import Scenario
from kechuang.world.books import balance, identities
from kechuang.world.books.audit import Audit
from kechuang.world.books.ledger import Ledger, Residual
from kechuang.world.indicators import INDICATORS, KEYS, POSITION
from kechuang.world.institutions.banks import Banks
from kechuang.world.institutions.funds import Funds
from kechuang.world.institutions.government import CompensationFund, Government, GuaranteeFund
from kechuang.world.institutions.treasury import Ceiling, Claim
from kechuang.world.institutions.vouchers import VoucherPool
from kechuang.world.mechanisms import initial, spillovers
from kechuang.world.mechanisms.demand import Demand, trend_growth
from kechuang.world.phases import (
    academicians,
    closing,
    credit,
    demography,
    digital,
    founding,
    government,
    incubators,
    joint,
    ladder,
    losses,
    platforms,
    production,
    support,
    talent,
    venture,
    zone,
)
from kechuang.world.policy.nodes import Nodes
from kechuang.world.policy.own import Event, Events, OwnLever, events_by_phase
from kechuang.world.policy.policy_state import CostLedger, Policy
from kechuang.world.policy.shocks import Shocks
from kechuang.world.population.boosts import Boosts
from kechuang.world.population.carriers import Carriers
from kechuang.world.population.contracts import NO_CONTRACTS
from kechuang.world.population.firms import CellCounts, Firms, count_cells, living_sum
from kechuang.world.population.labour import Labour
from kechuang.world.population.reservoir import Reservoir
from kechuang.world.population.talent import Talent
from kechuang.world.rules import Rules
from kechuang.world.setup import build_city
from kechuang.world.surroundings import Surroundings

if TYPE_CHECKING:
    import pandas as pd

LARGEST_SEED = 2**40
"""Keys of draws hold forty bits of the seed."""


class Corridor(mesa.Model):  # type: ignore[misc]
    """Taizhou and its corridor from the end of 2015.

    `scenario` says what is decided and what happens, `draw` holds the parameters nobody knows
    (default: the provisional point of closure B with the numbers of the scenario's city), `seed` is the luck.
    `scale` simulates a part of the city (0.1: a tenth) and reports counts and money of the whole. `levers` and `events`
    are an analyst's own Python (kechuang.world.policy.own). `audit` keeps every firm's account apart and stops
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
        levers: Iterable[OwnLever] = (),
        events: Events | None = None,
        collect: bool = True,
    ) -> None:
        super().__init__()
        self.resolved = scenario  # not `scenario`: from Mesa 3.5 on that name is a property of its own
        self.luck_seed = scenario.seed if seed is None else seed
        if not 0 <= self.luck_seed < LARGEST_SEED:
            raise InputError([Problem("seed", message=f"lies in 0 to 2^40 - 1, not at {self.luck_seed}")])
        geography = load_city(scenario.city)
        self.rules = Rules.of(draw or adapted(provisional_draw("B"), geography), scale)
        self.audit, self.scale = audit, scale
        self.own_levers = tuple(levers)
        self.own_events = events_by_phase(self.own_levers, events)
        self.quarter, self.listing_quarter, self.money = 0, 4, 1.0
        self._read_city(geography)
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
            self._phase("guarantees", credit.run_guarantees)  # guarantee capital, compensation pool, credit platform
            self._phase("demand", production.move_demand)  # what the world buys from each industry
            self._phase("credit", credit.lend)  # applications, refusals, renewals
            self._phase("deals", venture.invest)  # funds call capital and pay it into firms
            self._phase("talent", talent.run_market)  # R&D staff leave, arrive, change jobs and are hired
            self._phase("academicians", academicians.receive)  # visits that become projects at firms
            self._phase("research", production.choose_research)  # who does R&D, and how much of sales
            self._phase("contracts", platforms.sign_contracts)  # carriers open; firms buy R&D from them, some with vouchers
            self._phase("growth", production.grow)  # firms and cells share demand
            self._phase("capacity", talent.limit_research)  # nobody does more R&D than there is staff for
            self._phase("accounts", production.keep_accounts)  # sales, wages, taxes, interest, investment
            self._phase("joint", joint.run_joint_projects)  # teams of firms, their instalments
            self._phase("support", support.grant_research)  # grants claimed on reported R&D
            self._phase("digital", digital.digitalise)  # projects of digitalisation work, start and are subsidised
            self._phase("incubators", incubators.run_incubators)  # rent, graduates, new tenants
            self._phase("default", losses.settle_defaults)  # firms in debt fail, banks and funds bear it
            self._phase("knowledge", production.learn)  # knowledge, patents, spillovers, productivity
            self._phase("registration", ladder.register)  # units come onto the provincial list
            self._phase("certification", ladder.certify)  # apply Q2-Q3, list and renew Q4, promotion
            self._phase("exit", demography.close_firms)  # firms close, accounts are settled
            self._phase("divestment", venture.leave)  # funds leave firms and pay their partners
            self._phase("zone", zone.run_zone)  # the national high-tech zone of the corridor
            self._phase("cells", demography.renew_cells)  # births and closures in the reservoir
            self._phase("crossing", demography.cross_threshold)  # units outgrow the reservoir
            self._phase("founding", founding.found_firms)  # R&D staff found firms of their own
            self._phase("purge", demography.purge_list)  # the list forgets the dead
            self._phase("banks", losses.close_banks)  # interest, costs, dividends, funding
            self._phase("households", closing.settle_households)  # income tax, saving, consumption
            self._phase("government", government.settle_government)  # claims of levers, revenue, spending, debt
            self._phase("closing", closing.close_quarter)  # identities, indicators
        if self.audit or not math.isfinite(self.worst_residual):
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

    @property
    def position(self) -> int:
        """Position of this quarter in its year, 0 to 3."""
        return quarter_of_year(self.quarter) - 1

    # Counting ---------------------------------------------------------------------------------------------------

    def count_by_cell(self) -> CellCounts:
        """Return the number of firms by place and industry: all, on the list, certified, doing R&D."""
        return CellCounts(*count_cells(self.firms.columns, self.firms.count, *self.shape))

    def doer_share(self) -> NDArray[np.float64]:
        """Return the share of firms that do R&D by place and industry (0 where there is no firm)."""
        counts = self.count_by_cell()
        return np.asarray(counts.doers / np.maximum(counts.everyone, 1.0))

    def firms_sales(self) -> float:
        """Return sales of all firms at a seasonally adjusted quarterly rate (万元)."""
        return self._living_sum("sales")

    def _living_sum(self, name: str) -> float:
        columns = self.firms.columns
        return float(living_sum(columns.alive, getattr(columns, name), self.firms.count))

    # Books ------------------------------------------------------------------------------------------------------

    def deposits(self) -> dict[str, float]:
        """Return what every sector but the outside holds (万元)."""
        return {
            "firms": self._living_sum("deposits"),
            "cells": float(self.reservoir.deposits.sum()),
            "households": self.household_deposits,
            "government": self.government.deposits,
            "guarantee fund": self.guarantee_fund.capital,
            "compensation fund": self.compensation.left,
            "funds": self.funds.deposits(),
            "science banks": 0.0,
            "other banks": 0.0,
        }

    def claim(self, lever: str, flow: str, rows: NDArray[np.int64], amounts: NDArray[np.float64]) -> None:
        """Note what a lever owes firms (万元); it is paid at the end of the quarter, as far as the ceiling allows."""
        if rows.size:
            self.claims.append(Claim(lever, flow, rows, amounts))

    def support(self, lever: str, rows: NDArray[np.int64], amounts: NDArray[np.float64]) -> None:
        """Let firms claim money (万元, one amount a row) from an own lever; what it costs stands under the lever's key."""
        flows = {own.key: own.flow for own in self.own_levers}
        if lever not in flows:
            raise InputError([Problem("own levers", key=lever, message=f"is not one of {', '.join(flows) or 'none'}")])
        self.claim(lever, flows[lever], rows, amounts)

    def balance_sheet(self) -> pd.DataFrame:
        """Return what every sector owns and owes (万元): stocks by sector, rows summing to zero but for fixed capital."""
        return balance.balance_sheet(self)

    def flow_matrix(self) -> pd.DataFrame:
        """Return the transaction-flow matrix of the quarter (万元): flows by sector, rows and columns summing to zero."""
        return balance.flow_matrix(self)

    # Putting it together --------------------------------------------------------------------------------------------------

    def _read_city(self, city: City) -> None:
        self.geography = city
        self.place_share = initial.place_shares(city, self.rules.value("corridor_firm_share"))
        self.high_tech_quotient = np.array([place.high_tech_quotient for place in city.places])
        self.digital_core = np.array([industry.digital_core for industry in city.industries])
        self.in_corridor = np.array([place.zone in ("core", "corridor") for place in city.places])
        self.shape = (len(city.places), len(city.industries))
        value = self.rules.value
        self.distances = np.array(city.distances)
        self.nearness = spillovers.nearness_of(self.distances, value("spillover_distance"))
        self.proximity = spillovers.proximity_of(city, value("proximity_related"), value("proximity_other"))
        self.boosts = Boosts()
        self.talent, self.labour = Talent(), Labour(len(city.places))
        self.carriers, self.contracts = Carriers(), NO_CONTRACTS
        self.nodes = Nodes(self.resolved, city, value("node_floor"))
        self.season = self.rules.vector("seasonal_weights")
        quarters = max(self.resolved.until, 20) + 1
        self.deflator = np.exp(np.log1p(self.rules.demand.deflator_growth) * np.arange(quarters) / 4.0)
        self.surroundings = Surroundings(self.rules, self.resolved.tide, self.scale, quarters, self.deflator)
        self.log_tide = self.surroundings.log_tide

    def _open_books(self) -> None:
        self.policy = Policy(self.resolved, self.rules.draw, self.scale)
        self.law = self.policy.law(0)
        self.shocks = Shocks(self.resolved)
        self.costs = CostLedger(max(self.resolved.until, 20), tuple(lever.key for lever in self.own_levers))
        self.own_flows = tuple(lever.flow for lever in self.own_levers)
        self.ledger = Ledger()
        self.government, self.guarantee_fund = Government(self), GuaranteeFund(self)
        self.compensation, self.banks = CompensationFund(self), Banks(self)
        self.funds = Funds(self)
        self.ceiling, self.zone = Ceiling(), zone.Zone()
        self.digital, self.joint = digital.Digital(), joint.JointProjects()
        self.incubators = incubators.Incubators(*self.shape, self.rules.incubators)
        self.mean_pool = 0.0
        self.vouchers = VoucherPool()
        self.claims: list[Claim] = []
        self.audit_book = Audit(self.audit)
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
                "spin_offs",
            ),
            0,
        )
        self.opening = identities.NOWHERE
        self.closing: identities.Standing | None = None
        self.booked: dict[str, float] = {}
        self.residuals: list[Residual] = []
        self.worst_residual = 0.0
        self.history: list[dict[str, float]] = []
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
        units = (self.count_by_cell().everyone + self.reservoir.units) * self.rules.vector("technology_weight")
        self.pool_weight = units / units.sum()
        self.surroundings.anchor(self.firms, self.reservoir)
        self.drawn_rules = Rules(**self.rules.__dict__)

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
