"""The national calendar: bands and rates by year, compared with hand-computed taxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from kechuang.errors import InputError
from kechuang.law import (
    LAWS,
    SmallProfit,
    load_law,
    read_law,
    small_profit_bands,
    super_deduction,
)
from kechuang.parameters import default_draw
from kechuang.resources import path


def tax(bands: SmallProfit, profit: float, regular_rate: float = 0.25) -> float:
    """Tax by the bands as the law words it: the whole profit at the regular rate above the limit."""
    if profit > bands.limit:
        return regular_rate * profit
    total, lower = 0.0, 0.0
    for upper, rate in zip(bands.band_bounds, bands.band_rates, strict=True):
        total += rate * max(0.0, min(profit, upper) - lower)
        lower = upper
    return total


@pytest.mark.parametrize(("law", "year", "profit", "due"), [
    ("2020", 2016, 30, 3.0), ("2020", 2016, 31, 7.75),
    ("2020", 2017, 50, 5.0), ("2020", 2017, 50.01, 12.5025),
    ("2020", 2018, 100, 10.0), ("2020", 2018, 101, 25.25),
    ("2020", 2019, 7.5, 0.375), ("2020", 2019, 100, 5.0), ("2020", 2019, 300, 25.0),
    ("2020", 2020, 301, 75.25), ("2020", 2035, 300, 25.0),
    ("known", 2020, 300, 25.0),
    ("known", 2021, 100, 2.5), ("known", 2021, 300, 22.5),
    ("known", 2022, 300, 12.5),
    ("known", 2023, 300, 15.0), ("known", 2035, 300, 15.0),
    ("2020", 2015, 30, 3.0),
])
def test_tax_of_small_firms(law, year, profit, due):
    assert tax(small_profit_bands(law, year), profit) == pytest.approx(due)


def test_gain_of_the_high_tech_rate_just_above_the_limit():
    # 301万元 of profit: 75.25 at the regular rate, 45.15 at 15 %, gain 30.1; below the limit the gain is 0.
    rate = load_law().high_tech.rate
    bands = small_profit_bands("2020", 2020)
    assert tax(bands, 301) - rate * 301 == pytest.approx(30.1)
    assert max(0.0, tax(bands, 300) - rate * 300) == 0.0
    assert max(0.0, tax(bands, 7.5) - rate * 7.5) == 0.0


@pytest.mark.parametrize(("year", "staff", "assets", "staff_other", "assets_other"), [
    (2016, 100, 3000, 80, 1000), (2018, 100, 3000, 80, 1000), (2019, 300, 5000, 300, 5000)])
def test_limits_of_staff_and_assets(year, staff, assets, staff_other, assets_other):
    for law in LAWS:
        bands = small_profit_bands(law, year)
        assert (bands.staff_max, bands.assets_max) == (staff, assets)
        assert (bands.staff_max_other, bands.assets_max_other) == (staff_other, assets_other)


@pytest.mark.parametrize(("law", "quarter", "manufacturing", "other"), [
    ("2020", 1, (50, 50), (50, 50)),        # 2016Q1
    ("2020", 4, (50, 50), (50, 50)),
    ("2020", 5, (50, 62.5), (50, 62.5)),    # 2017Q1: 50 + half of the list x 25
    ("2020", 9, (75, 75), (75, 75)),        # 2018Q1
    ("2020", 80, (75, 75), (75, 75)),
    ("known", 20, (75, 75), (75, 75)),      # 2020Q4
    ("known", 21, (100, 100), (75, 75)),    # 2021Q1
    ("known", 25, (100, 100), (75, 87.5)),  # 2022Q1: 75 + half of the list x 25
    ("known", 28, (100, 100), (100, 100)),  # 2022Q4
    ("known", 80, (100, 100), (100, 100)),
    ("known", 0, (50, 50), (50, 50)),
])
def test_super_deduction(law, quarter, manufacturing, other):
    found = super_deduction(law, quarter)
    for trade, (base, listed) in {"manufacturing": manufacturing, "other": other}.items():
        assert found[trade] == {"base_percent": base, "listed_percent": listed}


def test_both_laws_agree_up_to_2020():
    for year in range(2016, 2021):
        assert small_profit_bands("2020", year) == small_profit_bands("known", year)
    for quarter in range(1, 21):
        assert super_deduction("2020", quarter) == super_deduction("known", quarter)


def test_the_parameters_agree_with_the_law():
    law, draw = load_law(), default_draw()
    assert law.regular_rate == draw.number("corporate_rate") == 0.25
    assert law.high_tech.notch_rates == draw.vector("notch_rates")
    assert law.high_tech.notch_bounds == draw.vector("notch_bounds")
    assert law.high_tech.certificate_quarters == draw.number("certificate_quarters")
    # User cost at 25 % tax and the super-deduction of 2016: (1 - 0.25 x 1.5) / 0.75.
    assert draw.number("user_cost_reference") == pytest.approx((1 - 0.25 * 1.5) / 0.75, abs=5e-4)


def test_loss_carry_forward():
    losses = load_law().loss_carry_forward
    assert (losses.ordinary, losses.listed, losses.listed_from) == (5, 10, 2018)


def test_unknown_laws_are_refused():
    with pytest.raises(InputError, match=r'law "knwon" is not one of 2020, known \(did you mean "known"\?\)'):
        small_profit_bands("knwon", 2020)
    with pytest.raises(InputError, match='law "2021"'):
        super_deduction("2021", 1)


def problems(tmp_path: Path, old: str, new: str) -> str:
    text = path("calibration/law.yaml").read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "law.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_law(file, "law.yaml")
    return "\n".join(str(problem) for problem in caught.value.problems)


@pytest.mark.parametrize(("old", "new", "message"), [
    ("high_tech:", "hightech:", 'unknown field (did you mean "high_tech"?)'),
    ("from: 2017\n", "from: 2016\n", "must come after the entry before it"),
    ("from: 2017Q1", "from: 2017", "is not a quarter; write it like 2023Q1"),
    ("bounds: [100, 300]", "bounds: [300, 100]", "must rise and end at the limit"),
    ("rates: [0.05, 0.10]", "rates: [0.05]", "must have 2 elements, has 1"),
    ("rates: [0.10]", "rates: [10]", "10 is not between 0 and 1"),
    ("manufacturing: 50", "manufacturing: 500", "500 is not between 0 and 200"),
    ("notch_rates: [0.05, 0.04, 0.03]", "notch_rates: [0.05, 0.04]", "must have 3 elements"),
    ("evaluated_share:", "evaluated:", 'did you mean "evaluated_share"'),
    ("  ordinary: 5\n", "", "lacks ordinary"),
    ("limit: 30\n", "limit: thirty\n", 'must be a number, not "thirty"'),
    ("  known:\n    - from: 2021\n", "  known: []\n  kown:\n    - from: 2021\n", 'did you mean "known"'),
])
def test_faults_of_a_calendar_are_named(tmp_path, old, new, message):
    assert message in problems(tmp_path, old, new)


def test_an_empty_calendar_is_refused(tmp_path):
    file = tmp_path / "law.yaml"
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="lacks regular_rate, small_profit, super_deduction"):
        read_law(file, "law.yaml")
