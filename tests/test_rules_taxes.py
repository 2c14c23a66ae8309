"""Taxes, user cost, the firm's quarter in money: every number worked out by hand beside its test."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kechuang.world.mechanisms import accounts
from kechuang.world.mechanisms.accounts import AccountParameters, MoneyRates, Stocks, finance, income_tax, settle
from kechuang.world.mechanisms.certification import tax_gain
from kechuang.world.mechanisms.research import ResearchParameters, firm_user_cost
from kechuang.world.mechanisms.taxes import (
    is_small,
    marginal_rate,
    small_profit_tax,
    tax_without,
    taxable_profit,
    unit_taxes,
    user_cost,
)
from worlds import account_setting, certification_setting, everywhere, firms_of, law_of, record, research_setting

SALES, STAFF = 1000.0, 50.0
"""A firm inside the limits of staff (100, later 300) and assets (3000万, later 5000万; proxy 0.9 of yearly sales)."""


# Corporate income tax -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "profit", "tax"),
    [
        (2019, 0.0, 0.0),
        (2019, 7.5, 0.375),  # 5 % of 7.5
        (2019, 100.0, 5.0),  # 5 % of 100
        (2019, 100.01, 5.001),  # 5 + 10 % of 0.01
        (2019, 300.0, 25.0),  # 5 + 10 % of 200 = 8.3 % of all
        (2019, 301.0, 75.25),  # the whole profit at 25 %
        (2016, 30.0, 3.0),  # 10 % of 30
        (2016, 30.01, 7.5025),  # 25 % of 30.01
        (2017, 50.0, 5.0),
        (2017, 50.01, 12.5025),
        (2018, 100.0, 10.0),
        (2018, 100.01, 25.0025),
    ],
)
def test_tax_under_the_best_schedule_without_certificate(year: int, profit: float, tax: float) -> None:
    assert tax_without(profit, SALES, STAFF, law_of(year)) == pytest.approx(tax, abs=1e-12)


@pytest.mark.parametrize(
    ("law", "year", "profit", "tax"),
    [
        ("known", 2021, 300.0, 22.5),  # 2.5 % of 100 + 10 % of 200
        ("known", 2022, 300.0, 12.5),  # 2.5 % of 100 + 5 % of 200
        ("known", 2023, 300.0, 15.0),  # 5 % of 300
        ("known", 2035, 300.0, 15.0),
        ("2020", 2035, 300.0, 25.0),  # the law of 2020 goes on
    ],
)
def test_tax_after_2020_depends_on_the_reading_of_the_law(law: str, year: int, profit: float, tax: float) -> None:
    assert tax_without(profit, SALES, STAFF, law_of(year, law)) == pytest.approx(tax, abs=1e-12)


def test_limits_of_profit_staff_and_assets_hold_at_the_boundary() -> None:
    law = law_of(2018)  # profit 100, staff 100, assets 3000
    largest = 3000.0 / 0.9  # sales at which the asset proxy reaches the limit
    assert is_small(100.0, largest, 100.0, law)
    assert not is_small(100.001, largest, 100.0, law)
    assert not is_small(100.0, largest, 100.001, law)
    assert not is_small(100.0, largest * 1.0001, 100.0, law)
    assert tax_without(90.0, largest * 1.0001, 50.0, law) == pytest.approx(22.5)  # 25 % of 90


def test_taxable_profit_counts_a_loss_as_zero() -> None:
    assert taxable_profit(20_000.0, 0.12, 0.04, 0.75) == pytest.approx(1000.0)  # 2400 - 1.75 x 800
    assert taxable_profit(1000.0, 0.05, 0.10, 0.0) == 0.0


def test_certificate_gains_nothing_for_small_firms_and_a_tenth_of_profit_above() -> None:
    law = law_of(2019)
    # P = 301: 75.25 at 25 %, 45.15 at 15 %.
    assert tax_gain(301.0, SALES, STAFF, 0.15, law) == pytest.approx(30.1)
    assert pytest.approx(45.15) == 301.0 * 0.15
    # P = 7.5 and 300 pay 5 % and 8.3 %, less than 15 %.
    for profit in (7.5, 100.0, 300.0):
        assert tax_gain(profit, SALES, STAFF, 0.15, law) == 0.0
    # Sales 2亿, margin 12 %, R&D 4 % of sales: P = 1000, gain 250 - 150.
    profit = taxable_profit(20_000.0, 0.12, 0.04, 0.75)
    assert tax_gain(profit, 20_000.0, 400.0, 0.15, law) == pytest.approx(100.0)
    # A rate below the small schedule's does save tax: 25 - 5 % of 300.
    assert tax_gain(300.0, SALES, STAFF, 0.05, law) == pytest.approx(10.0)


def test_a_certified_firm_pays_the_lower_of_both_schedules() -> None:
    law = law_of(2019)
    assert income_tax(301.0, SALES, STAFF, True, 0.15, law) == pytest.approx(45.15)
    assert income_tax(301.0, SALES, STAFF, False, 0.15, law) == pytest.approx(75.25)
    assert income_tax(300.0, SALES, STAFF, True, 0.15, law) == pytest.approx(25.0)  # not 45
    assert income_tax(0.0, SALES, STAFF, True, 0.15, law) == 0.0


def test_small_schedule_is_never_worse_than_its_last_rate_and_never_better_than_its_first() -> None:
    law = law_of(2019)
    for profit in np.linspace(1.0, 300.0, 50):
        assert 0.05 * profit - 1e-12 <= small_profit_tax(profit, law) <= 0.10 * profit + 1e-12


@pytest.mark.parametrize(
    ("profit", "certified_rate", "rate"),
    [
        (50.0, 0.25, 0.05),
        (100.0, 0.25, 0.05),
        (100.1, 0.25, 0.10),
        (300.0, 0.15, 0.10),  # the small schedule is better than the certificate
        (300.1, 0.15, 0.15),
        (300.1, 0.25, 0.25),
        (50.0, 0.03, 0.03),
    ],
)
def test_marginal_rate_is_the_slope_of_the_tax(profit: float, certified_rate: float, rate: float) -> None:
    law = law_of(2019)
    assert marginal_rate(profit, SALES, STAFF, certified_rate, law) == rate


# User cost of R&D -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "extra", "cost"),
    [
        # (1 - rate (1 + extra)) / (1 - rate), to the three decimals of the published B-index
        (0.25, 0.50, 0.833),
        (0.25, 0.75, 0.750),
        (0.25, 1.00, 0.667),
        (0.15, 0.50, 0.912),
        (0.15, 0.75, 0.868),
        (0.15, 1.00, 0.824),
        (0.10, 0.75, 0.917),
        (0.05, 0.75, 0.961),
    ],
)
def test_user_cost_is_the_b_index(rate: float, extra: float, cost: float) -> None:
    assert user_cost(rate, extra) == pytest.approx(cost, abs=5e-4)


def test_super_deduction_and_certificate_are_substitutes() -> None:
    """At 15 % one more point of deduction saves less: 50 to 100 % lowers user cost by 0.167 at 25 %, by 0.088 at 15 %."""
    at_25 = user_cost(0.25, 0.5) - user_cost(0.25, 1.0)
    at_15 = user_cost(0.15, 0.5) - user_cost(0.15, 1.0)
    assert at_25 == pytest.approx(1.0 / 6.0)  # 0.25 x 0.5 / 0.75
    assert at_15 == pytest.approx(0.075 / 0.85)
    assert at_15 < 0.6 * at_25


def test_user_cost_of_a_firm_uses_its_own_marginal_rate() -> None:
    law, p = law_of(2019), record(ResearchParameters, user_cost_reference=0.833)

    def cost(annual: float, margin: float, certified_rate: float = 0.25) -> float:
        return firm_user_cost(annual, margin, 0.02, STAFF, 0.75, certified_rate, law, p)

    # taxable = annual x (margin - 0.035)
    assert cost(1000.0, 0.085) == pytest.approx((1 - 0.05 * 1.75) / 0.95)  # P = 50, at 5 %
    assert cost(1000.0, 0.235) == pytest.approx((1 - 0.10 * 1.75) / 0.90)  # P = 200, at 10 %
    assert cost(5000.0, 0.115) == pytest.approx(0.75)  # P = 400, at 25 %
    assert cost(5000.0, 0.115, 0.15) == pytest.approx(0.7375 / 0.85)  # the same firm with a certificate
    assert cost(1000.0, 0.03) == 0.833  # a loss: the reference cost


# Money of the quarter -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cash", "target", "profit", "debt", "expected"),
    [
        (-30.0, 100.0, 50.0, 20.0, (0.0, 30.0, 0.0)),  # short of cash: borrow exactly what is missing
        (0.0, 100.0, 50.0, 20.0, (0.0, 0.0, 0.0)),
        (80.0, 100.0, 50.0, 20.0, (0.0, 0.0, 0.0)),  # below the target: keep it
        (110.0, 100.0, 50.0, 20.0, (0.0, 0.0, 10.0)),  # spare 10 goes into the debt of 20
        (150.0, 100.0, 50.0, 20.0, (15.0, 0.0, 20.0)),  # spare 50: repay 20, pay out 0.3 x 50
        (125.0, 100.0, 50.0, 20.0, (5.0, 0.0, 20.0)),  # spare 25: 20 repaid, only 5 left to pay out
        (150.0, 100.0, -50.0, 0.0, (0.0, 0.0, 0.0)),  # a loss: no dividend
    ],
)
def test_finance(cash: float, target: float, profit: float, debt: float, expected: tuple[float, ...]) -> None:
    assert finance(cash, target, profit, debt, 0.3) == pytest.approx(expected)


RATES = MoneyRates(
    vat_rate=0.07,
    research_wage_share=0.6,
    liquidity_target=0.10,
    tangible_share=0.35,
    capital_depreciation=0.08,
    payout_ratio=0.3,
)


def test_a_firms_quarter_by_hand() -> None:
    """Sales 1000 in the quarter (4000 a year), value added 224: wages 100, VAT 14, margin 110; R&D 40, tax 10.

    purchases  = 1000 - 224 = 776;  interest 3
    wear       = 0.02 x 1200 = 24;  investment = 24 + 0.25 (1400 - 1200) = 74
    surplus    = 1000 - 776 - 100 - 14 - 24 - 16 - 10 - 3 = 57
    cash       = 500 + 57 - 74 = 483;  target 400;  spare 83
    repayment  = min(200, 83) = 83;  dividends = min(0, 0.3 x 57) = 0
    """
    flow = np.zeros(12)
    after = settle(1000.0, 4000.0, 224.0, 100.0, 14.0, 40.0, 10.0, 3.0, Stocks(500.0, 200.0, 1200.0), RATES, flow)
    assert dict(zip(accounts.FLOWS, flow, strict=True)) == pytest.approx(
        {
            "sales": 1000.0,
            "purchases": -776.0,
            "production wages": -100.0,
            "value added tax": -14.0,
            "research wages": -24.0,
            "research purchases": -16.0,
            "income tax": -10.0,
            "interest and guarantee fees": -3.0,
            "investment": -74.0,
            "dividends": 0.0,
            "bills left unpaid": 0.0,
            "bills paid late": -83.0,
        }
    )
    assert after == pytest.approx((400.0, 117.0, 1250.0))  # 483 - 83; 200 - 83; 1200 + 74 - 24
    assert after.deposits - 500.0 == pytest.approx(flow.sum())


def test_a_firm_without_cash_leaves_bills_unpaid() -> None:
    """No stocks, R&D of 200: surplus = 1000 - 776 - 100 - 14 - 200 = -90, investment 0.25 x 1400 = 350, unpaid 440."""
    flow = np.zeros(12)
    after = settle(1000.0, 4000.0, 224.0, 100.0, 14.0, 200.0, 0.0, 0.0, Stocks(0.0, 0.0, 0.0), RATES, flow)
    assert after == pytest.approx((0.0, 440.0, 350.0))
    assert flow.sum() == pytest.approx(0.0, abs=1e-12)


def accounts_of_one_firm(**columns: float) -> tuple[dict[str, float], dict[str, float], np.ndarray]:
    """Return flows, measures and single postings of one above-scale firm in industry 2, in the fourth quarter of 2019."""
    standard = {"industry": 2, "place": 5, "sales": 1250.0, "margin": 0.12, "above_scale": 1, "staff": 100.0, "deposits": 900.0}
    firms = firms_of(1, **{**standard, **columns})
    firms.columns.sales_year[0] = (900.0, 1000.0, 1100.0, 1200.0)
    firms.columns.reported_year[0] = (10.0, 20.0, 30.0, 40.0)
    p = record(
        AccountParameters,
        value_added_share=(0.2,) * 8,
        wage_share=(0.5,) * 8,
        rates=RATES,
    )
    setting = account_setting(position=3, season=1.1, reporting_drift=0.21)
    postings = np.zeros((1, 12))
    totals, measures, to_funds = accounts.keep_accounts(firms.columns, 1, setting, law_of(2019), p, postings)
    flows = dict(zip(accounts.FLOWS, totals, strict=True))
    held = np.zeros(5)
    held[int(firms.columns.fund[0])] = -firms.columns.fund_share[0] * flows["dividends"]
    assert to_funds == pytest.approx(held)
    assert firms.columns.sales_year[0] == pytest.approx([900.0, 1000.0, 1100.0, 1375.0])
    return flows, dict(zip(accounts.MEASURES, measures, strict=True)), postings


def test_value_added_is_sales_less_purchases_and_wages_plus_vat_plus_margin() -> None:
    """Quarter sales 1250 x 1.1 = 1375; value added per sales 0.2 x (0.5 + 0.07) + 0.12 = 0.234."""
    flows, measures, postings = accounts_of_one_firm()
    assert measures["value_added"] == pytest.approx(0.234 * 1375.0)
    assert flows["sales"] + flows["purchases"] == pytest.approx(measures["value_added"])
    wages, tax = -flows["production wages"], -flows["value added tax"]
    assert wages == pytest.approx(0.1 * 1375.0)
    assert tax == pytest.approx(0.014 * 1375.0)
    assert measures["value_added"] == pytest.approx(wages + tax + 0.12 * 1375.0)
    assert measures["panel_value_added"] == measures["above_scale_value_added"] == measures["value_added"]
    assert measures["panel_value_added_year_ago"] == pytest.approx(0.234 * 1200.0)
    assert measures["panel_reported_year_ago"] == pytest.approx(40.0)
    assert measures["staff"] == 100.0
    assert postings[0] == pytest.approx(list(flows.values()))
    # profit 600 above the limit: 25 % of 600 a year, a quarter of it now
    assert flows["income tax"] == pytest.approx(-37.5)


def test_a_fund_gets_its_share_of_dividends() -> None:
    flows, _, _ = accounts_of_one_firm(fund=3, fund_share=0.1, deposits=2000.0)  # what it gets is asserted above
    assert flows["dividends"] < 0.0


def test_reported_research_drifts_and_relabelled_expenses_come_on_top() -> None:
    """R&D 3 % of 1375 = 41.25; reported = 41.25 x e^0.21 + 1 % of 1375."""
    _, measures, _ = accounts_of_one_firm(does_research=1, research_intensity=0.03, relabelled=0.01)
    assert measures["research"] == pytest.approx(41.25)
    assert measures["relabelled"] == pytest.approx(13.75)
    assert measures["reported"] == pytest.approx(41.25 * math.exp(0.21) + 13.75)


def test_an_intensity_without_research_costs_nothing() -> None:
    flows, measures, _ = accounts_of_one_firm(does_research=0, research_intensity=0.03)
    assert measures["research"] == flows["research wages"] == 0.0


def test_a_loan_costs_its_rate_and_a_guarantee_its_fee() -> None:
    """A quarter of 6 % of 1000 and of 0.8 % of 250."""
    flows, _, _ = accounts_of_one_firm(loans=1000.0, guaranteed=250.0)
    assert flows["interest and guarantee fees"] == pytest.approx(-15.5)


def test_tax_forgone_is_the_difference_to_the_law_without_the_measure() -> None:
    """Certified, R&D 3 %: taxable 5000 x (0.12 - 0.0525) = 337.5, undeducted 5000 x 0.09 = 450.

    Paid 15 % of 337.5 = 50.625; without certificate 84.375; without extra deduction 15 % of 450 = 67.5.
    """
    flows, measures, _ = accounts_of_one_firm(does_research=1, research_intensity=0.03, ladder=2, certified=-4)
    assert flows["income tax"] == pytest.approx(-50.625 / 4)
    assert measures["forgone_certified"] == pytest.approx((84.375 - 50.625) / 4)
    assert measures["forgone_deduction"] == pytest.approx((67.5 - 50.625) / 4)


def test_above_scale_is_last_years_sales_of_industrial_firms() -> None:
    firms = firms_of(4, industry=[0, 0, 7, 0], alive=[1, 1, 1, 0], above_scale=[0, 1, 1, 0])
    firms.columns.sales_year[:4] = [[500.0] * 4, [499.99] * 4, [5000.0] * 4, [5000.0] * 4]
    assert accounts.flag_above_scale(firms.columns, 4, 2000.0) == 1
    assert list(firms.columns.above_scale[:4]) == [1, 0, 0, 0]  # exactly 2000; below; software; gone


def test_settings_of_these_tests_have_the_shape_of_the_city() -> None:
    assert everywhere(0.15).shape == research_setting().tax_rate.shape == certification_setting().bonus.shape


def test_units_of_a_cell_pay_as_a_firm_of_their_mean_size() -> None:
    """2019: 7.5万元 of profit pay 5 %, 150 pay 5 + 5, 400 pay a quarter; a loss pays nothing."""
    sales = np.array([[75.0, 1500.0], [4000.0, 1000.0]])
    found = unit_taxes(sales, np.full((2, 2), 20.0), np.array([0.1, 0.1]), law_of(2019))
    assert found == pytest.approx(np.array([[0.375, 10.0], [100.0, 5.0]]))
    assert unit_taxes(sales, np.full((2, 2), 20.0), np.array([-0.1, 0.0]), law_of(2019)).sum() == 0.0
