"""What the stylised facts look at: one city at the end of a year, with the year and the five years before it.

`observe` runs a city and keeps only this; a full run to 2035 costs little more than one without it. Firms followed one
by one are "firms", the cells of the reservoir are "units"; together they are all industrial and software units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.analyse.credit_panel import CreditWatch, CreditYears
from kechuang.clock import quarter_index, quarter_of_year, year_of
from kechuang.scenario import Scenario
from kechuang.world import settings
from kechuang.world.indicators import POSITION
from kechuang.world.mechanisms.demography import AGES
from kechuang.world.model import Corridor
from kechuang.world.population.firms import NO_CERTIFICATE
from kechuang.world.setup import RESERVOIR_RANGE

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.parameters import Draw

YEARS = (2020, 2035)
WINDOW = 5
"""Years over which exits are pooled: 2016-2020 and 2031-2035."""
SOFTWARE = 7
_QUANTILES = 40
_KEPT = (
    "identity", "place", "industry", "ladder", "born", "certified", "sales", "productivity",
    "does_research", "research_intensity", "relabelled",
)  # fmt: skip


@dataclass(frozen=True)
class CityYear:
    """A city at a year-end. Sales in 万元 a year, ages in completed years, R&D as a share of sales.

    `firms` are the living, `before` those of the year-end before, `earlier` of the one before that; `floor` are the firms
    of the last quarter just after the R&D floor of certified firms has acted; `exits` and `at_risk` count by age
    (firm-quarters of five years);
    `unit_ages` are shares of reservoir units by age; `registrations` is [cells of place and industry, year-ends] from the
    end of 2015, `tech_smes` counts by year-end from 2015 and `certificates_new` by year from 2016, both of the whole city.
    `credit` covers the years since the last CityYear, `stakes` are all deals of the venture funds so far. `people` (万)
    and `units_by_place`, all units with firms among them, are by place; `spin_offs` (of the year) and `research_staff` (people
    with a job at its end, all of the whole city) by year of the window.
    """

    year: int
    firms: pd.DataFrame
    before: pd.DataFrame
    earlier: pd.DataFrame
    floor: pd.DataFrame
    exits: NDArray[np.float64]
    at_risk: NDArray[np.float64]
    unit_ages: NDArray[np.float64]
    units: float
    unit_sizes: NDArray[np.float64]
    unit_weights: NDArray[np.float64]
    industrial_staff: float
    registrations: NDArray[np.float64]
    tech_smes: NDArray[np.float64]
    certificates_new: NDArray[np.float64]
    drift: float
    credit: CreditYears
    stakes: pd.DataFrame
    people: NDArray[np.float64]
    units_by_place: NDArray[np.float64]
    spin_offs: NDArray[np.float64]
    research_staff: NDArray[np.float64]

    @property
    def age(self) -> NDArray[np.float64]:
        """Completed years of age of `firms`."""
        return _completed(self.firms, self.year)

    def pairs(self) -> pd.DataFrame:
        """Return the firms alive at both year-ends, with sales and age at the first one and log growth between them."""
        both = self.before.merge(self.firms[["identity", "sales"]], on="identity", suffixes=("", "_now"))
        both["growth"] = np.log(both["sales_now"] / both["sales"])
        both["age"] = _completed(both, self.year - 1)
        return both


def observe(
    scenario: Scenario, draw: Draw, seed: int, scale: float = 1.0, years: tuple[int, ...] = YEARS
) -> dict[int, CityYear]:
    """Run a city and return what the facts need at the end of each of these years."""
    watch = _Watch(years)
    city = Corridor(
        scenario,
        draw,
        seed,
        scale=scale,
        collect=False,
        events={
            "credit": [watch.credit.after_lending],
            "research": [watch.after_floor],
            "certification": [watch.before_exits],
            "exit": [watch.after_exits],
        },
    )
    watch.year_end(city)
    last = quarter_index(f"{max(years)}Q4")
    while city.quarter < min(last, scenario.until):
        city.step()
        if quarter_of_year(city.quarter) == 4:
            watch.year_end(city)
    city.release()
    return watch.seen


class _Watch:
    """Collects, while a city runs, what its CityYears will hold."""

    def __init__(self, years: tuple[int, ...]) -> None:
        self.years, self.seen = years, dict[int, CityYear]()
        self.exits = np.zeros((0, AGES))
        self.at_risk = np.zeros((0, AGES))
        self.registered: list[NDArray[np.float64]] = []
        self.known = np.zeros(0, dtype=np.int64)
        self.before: pd.DataFrame | None = None
        self.earlier: pd.DataFrame | None = None
        self.floor: pd.DataFrame | None = None
        self._alive = np.zeros(0, dtype=bool)
        self.credit = CreditWatch()

    def after_floor(self, city: Corridor) -> None:
        if quarter_of_year(city.quarter) == 4 and year_of(city.quarter) in self.years:
            self.floor = _frame(city)

    def before_exits(self, city: Corridor) -> None:
        self._alive = city.firms.columns.alive[: city.firms.count] == 1

    def after_exits(self, city: Corridor) -> None:
        columns = city.firms.columns
        count = self._alive.size
        age = np.clip((city.quarter - columns.born[:count].astype(np.int64)) // 4, 0, AGES - 1)
        gone = self._alive & (columns.alive[:count] == 0)
        if quarter_of_year(city.quarter) == 1:
            self.exits = np.vstack([self.exits, np.zeros(AGES)])
            self.at_risk = np.vstack([self.at_risk, np.zeros(AGES)])
        self.exits[-1] += np.bincount(age[gone], minlength=AGES)
        self.at_risk[-1] += np.bincount(age[self._alive], minlength=AGES)

    def year_end(self, city: Corridor) -> None:
        now = _frame(city)
        self._count_registrations(city, now)
        year = year_of(city.quarter) if city.quarter else 2015
        if city.quarter:
            self.credit.year_end(city)
        if year in self.years and self.before is not None and self.earlier is not None and self.floor is not None:
            self.seen[year] = self._city_year(city, year, now, self.before, self.earlier, self.floor)
        if year + 1 in self.years:
            self.before = now
        if year + 2 in self.years:
            self.earlier = now

    def _count_registrations(self, city: Corridor, now: pd.DataFrame) -> None:
        """Add the firms on the list that were not on it at an earlier year-end to their cells."""
        listed = now[now["ladder"] > 0]
        new = listed[~np.isin(listed["identity"], self.known)]
        self.known = np.union1d(self.known, new["identity"].to_numpy())
        cells = city.shape[0] * city.shape[1]
        cell = new["place"].to_numpy(dtype=np.int64) * city.shape[1] + new["industry"].to_numpy(dtype=np.int64)
        added = np.bincount(cell, minlength=cells).astype(float)
        self.registered.append(added + (self.registered[-1] if self.registered else 0.0))

    def _city_year(
        self,
        city: Corridor,
        year: int,
        now: pd.DataFrame,
        before: pd.DataFrame,
        earlier: pd.DataFrame,
        floor: pd.DataFrame,
    ) -> CityYear:
        cells = city.reservoir
        sizes, weights = unit_sizes(city)
        shares = (cells.age_mix * cells.units[..., None]).sum(axis=(0, 1)) / max(cells.units.sum(), 1)
        indicators = city.indicators[: city.quarter].reshape(-1, 4, city.indicators.shape[1])
        industrial = now["industry"] != SOFTWARE
        per_worker = settings.worker_sales(city)[now["industry"]] * np.exp(now["productivity"])
        staff = now["sales"] / city.deflator[city.quarter] / per_worker
        return CityYear(
            year=year,
            firms=now.assign(staff=staff),
            before=before,
            earlier=earlier,
            floor=floor,
            exits=self.exits[-WINDOW:].sum(axis=0),
            at_risk=self.at_risk[-WINDOW:].sum(axis=0),
            unit_ages=shares,
            units=float(cells.units.sum()),
            unit_sizes=sizes,
            unit_weights=weights,
            industrial_staff=float(
                (staff[industrial].sum() + city.cell_staff[:, :SOFTWARE].sum())
                / max(industrial.sum() + cells.units[:, :SOFTWARE].sum(), 1)
            ),
            registrations=np.array(self.registered).T,
            tech_smes=np.append(
                self.registered[0].sum() / city.scale, indicators[:, 3, POSITION["tech_sme_firms"]]
            ),
            certificates_new=indicators[:, :, POSITION["certificates_new"]].sum(axis=1),
            drift=settings.reporting_drift(city),
            credit=self.credit.close(city),
            stakes=city.funds.frame(),
            people=np.array([place.population for place in city.geography.places]),
            units_by_place=cells.units.sum(axis=1) + np.bincount(now["place"], minlength=city.shape[0]),
            spin_offs=indicators[-WINDOW:, :, POSITION["spin_offs"]].sum(axis=1),
            research_staff=indicators[-WINDOW:, 3, POSITION["talent_total"]]
            * (1.0 - indicators[-WINDOW:, 3, POSITION["talent_unemployed_share"]] / 100.0),
        )


def unit_sizes(city: Corridor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sizes that stand for the units of the reservoir (万元 a year) and how many units each stands for."""
    from scipy.special import ndtr, ndtri

    bins, units = city.reservoir.bins, city.reservoir.units.ravel()
    spread, cut = city.rules.value("reservoir_sd"), city.rules.initial.above_scale_size
    smallest, largest = (np.log(bound * city.money) for bound in RESERVOIR_RANGE)
    medians = np.linspace(smallest, largest, bins.means.size)
    median = np.exp(np.interp(city.reservoir.mean_size().ravel(), bins.means, medians))
    inside = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    below = ndtr(np.log(cut / median) / spread)
    sizes = median[:, None] * np.exp(spread * ndtri(below[:, None] * inside))
    weights = np.broadcast_to((units / _QUANTILES)[:, None], sizes.shape)
    return sizes.ravel(), np.ascontiguousarray(weights).ravel()


def _frame(city: Corridor) -> pd.DataFrame:
    """Return the living firms with yearly sales at the present rate (万元), and whether they hold a certificate."""
    import pandas as pd

    columns, count = city.firms.columns, city.firms.count
    living = columns.alive[:count] == 1
    frame = pd.DataFrame({name: getattr(columns, name)[:count][living] for name in _KEPT})
    frame["sales"] *= 4.0
    frame["certified"] = frame["certified"] > NO_CERTIFICATE
    frame["research_intensity"] *= frame["does_research"]
    return frame


def _completed(firms: pd.DataFrame, year: int) -> NDArray[np.float64]:
    """Return completed years of age at the end of a year."""
    quarter = quarter_index(f"{year}Q4") if year >= 2016 else 0
    return np.floor((quarter - firms["born"].to_numpy(dtype=float)) / 4.0)
