"""What the levers of the ladder do, and in which direction: paired worlds with the same luck, the lever alone apart.

n = 14 seeds, half of the city, levers from 2017Q1, effects at the end of 2020. A claim holds when the two-sided 99.9 %
interval of the mean paired effect (Student) excludes 0 on the claimed side; "no effect" holds when the interval lies
inside a stated bound. A true null effect would pass a directional claim once in 2000 such tests.
Not here: that the certificate weakens the super-deduction, which is a matter of the user cost of one firm.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtrit

from kechuang.ensemble.draws import draws_for
from kechuang.scenario import Scenario
from kechuang.world.indicators import POSITION
from kechuang.world.model import Corridor
from worlds import scenario_of

SEEDS = range(700, 714)
SCALE, LAST, START = 0.5, "2020Q4", "2017Q1"
POINT = draws_for("provisional", 3, 1)[1]

pytestmark = [pytest.mark.statistical, pytest.mark.slow]

WORLDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bonus doubled": {"levers": {"certification_bonus": {"value": 20, "from": START}}},
    "no bonus": {"levers": {"certification_bonus": {"level": 0, "from": START}}},
    "rate 25": {"levers": {"high_tech_tax_rate": {"level": 25, "from": START}}},
    "rate 10": {"levers": {"high_tech_tax_rate": {"level": 10, "from": START}}},
    "deduction + 25": {"levers": {"super_deduction": {"value": 25, "from": START}}},
    "notch + 1": {"shocks": {"certification_tightening": {"from": START, "notch": 1}}},
}


def measures(scenario: Scenario, seed: int) -> dict[str, float]:
    city = Corridor(scenario, POINT, seed, scale=SCALE, collect=False).run()
    end = {
        key: float(city.indicators[-1, POSITION[key]])
        for key in ("high_tech_firms", "tech_sme_firms", "rd_real", "rd_reported", "rd_relabelled")
    }
    firms = city.firms.frame()
    city.release()
    held = firms[firms["certified"] > -999]
    yearly = 4.0 * held["sales"]
    taxable = np.maximum(0.0, (held["margin"] - held["research_intensity"]) * yearly)
    reported = held["research_intensity"] + held["relabelled"]
    return {
        **end,
        "certified_under_5000": float((yearly < 5000).sum()),
        "certified_over_5000": float((yearly >= 5000).sum()),
        "mean_sales": float(yearly.mean()),
        "mean_tax_base": float(taxable.mean()),
        "median_real_intensity": float(held["research_intensity"].median()),
        "at_the_notch": float(((reported - notches(yearly)).abs() < 0.0025).sum()),
    }


def notches(yearly: pd.Series[float]) -> pd.Series[float]:
    return pd.Series(np.select([yearly <= 5000, yearly <= 20000], [0.05, 0.04], 0.03), index=yearly.index)


@cache
def world(name: str) -> pd.DataFrame:
    scenario = scenario_of(LAST, **WORLDS[name])
    return pd.DataFrame([measures(scenario, seed) for seed in SEEDS])


def effect(name: str, key: str) -> tuple[float, float]:
    """Return the 99.9 % interval of the mean paired effect on a measure, as a share of its mean without the lever."""
    difference = (world(name)[key] - world("plain")[key]).to_numpy()
    half = stdtrit(len(SEEDS) - 1, 0.9995) * difference.std(ddof=1) / math.sqrt(len(SEEDS))
    base = world("plain")[key].mean()
    return float((difference.mean() - half) / base), float((difference.mean() + half) / base)


def rises(name: str, key: str) -> bool:
    return effect(name, key)[0] > 0.0


def falls(name: str, key: str) -> bool:
    return effect(name, key)[1] < 0.0


def half_width(values: np.ndarray) -> float:
    return float(stdtrit(values.size - 1, 0.9995) * values.std(ddof=1) / math.sqrt(values.size))


def relative_effects(name: str, key: str) -> np.ndarray:
    return ((world(name)[key] - world("plain")[key]) / world("plain")[key].mean()).to_numpy()


def test_bonus_brings_smaller_firms_and_little_research() -> None:
    """V2: more certificates, more so below 5000万; mean sales and tax base of the certified fall.

    "Little": doubling or ending the bonus moves two fifths or more of the certificates and real R&D by less than 5 %.
    """
    for name, sign in (("bonus doubled", 1.0), ("no bonus", -1.0)):
        low, high = sorted(sign * bound for bound in effect(name, "high_tech_firms"))
        assert low > 0.3
        small, large = (sign * relative_effects(name, key) for key in ("certified_under_5000", "certified_over_5000"))
        assert (small - large).mean() > half_width(small - large)
        for key in ("mean_sales", "mean_tax_base"):
            low, high = sorted(sign * bound for bound in effect(name, key))
            assert high < 0.0, key
        low, high = effect(name, "rd_real")
        assert low > -0.05
        assert high < 0.05


def test_tax_rate_moves_reported_more_than_real_research() -> None:
    """V1: 25 % instead of 15 takes certificates, bunching, reported R&D and, by less, real R&D; 10 % brings firms."""
    for key in ("high_tech_firms", "rd_reported", "rd_real", "rd_relabelled", "at_the_notch"):
        assert falls("rate 25", key), key
    lost = {key: (world("plain")[key] - world("rate 25")[key]).to_numpy() for key in ("rd_reported", "rd_real")}
    more = lost["rd_reported"] - lost["rd_real"]
    assert more.mean() - half_width(more) > 0.0
    assert rises("rate 10", "high_tech_firms")


def test_super_deduction_moves_real_research_and_takes_relabelling() -> None:
    """V3: real and reported R&D up, relabelled R&D down, technology SMEs as before."""
    assert rises("deduction + 25", "rd_real")
    assert rises("deduction + 25", "rd_reported")
    assert falls("deduction + 25", "rd_relabelled")
    low, high = effect("deduction + 25", "tech_sme_firms")
    assert low > -0.01
    assert high < 0.01


def test_a_higher_threshold_takes_firms_and_brings_research() -> None:
    """Notch + 1 point: fewer certified, higher median intensity of those that are, more real R&D in the city."""
    assert falls("notch + 1", "high_tech_firms")
    assert rises("notch + 1", "median_real_intensity")
    assert rises("notch + 1", "rd_real")
