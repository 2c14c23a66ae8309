"""Levers on credit, guarantees and funds (V8-V13).

Ranges and paths whose source does not name them are assumed; every `source` says which.
"""

from __future__ import annotations

from kechuang.scenario.lever_record import MAIN, Dial, Lever

_CREDIT = "bank credit, guarantees and risk compensation"
_FIRM_STEPS = (0, 1, 2, 3)

FINANCE_LEVERS: tuple[Lever, ...] = (
    Lever(
        number=8,
        key="guarantee_coverage",
        level="city",
        mechanism=_CREDIT,
        en="Share of a loss borne by the credit guarantee fund",
        zh="信保基金风险分担比例",
        reach=("ladder",),
        ladder_steps=_FIRM_STEPS,
        dials=(
            Dial(MAIN, "share of the loss", 0, 0.9, (("2016Q1", 0.80),)),
            Dial(
                "capital",
                "亿元",
                0,
                100,
                (("2016Q1", 5), ("2018Q1", 10)),
                en="Capital of the fund",
                zh="信保基金资本金",
            ),
            Dial("fee", "% a year", 0, 5, (("2016Q1", 0.75),), en="Guarantee fee", zh="担保费率"),
            Dial(
                "leverage",
                "times capital",
                0,
                20,
                (("2016Q1", 10),),
                en="Guarantees per capital",
                zh="放大倍数",
            ),
        ),
        standard_dose=(("capital", 5),),
        source="fund records of 2015-18; coverage assumed",
        evidence=("tz_xinbao_fund_initial", "tz_xinbao_fund_2018", "tz_xinbao_leverage_2018m5"),
    ),
    Lever(
        number=9,
        key="risk_compensation",
        level="city",
        mechanism=_CREDIT,
        en="Share of a bank's remaining loss paid by the city",
        zh="科技信贷风险补偿比例",
        reach=("ladder",),
        ladder_steps=_FIRM_STEPS,
        dials=(
            Dial(MAIN, "share of the loss", 0, 0.8, (("2016Q1", 0), ("2018Q1", 0.3))),
            Dial(
                "pool",
                "亿元 a year",
                0,
                5,
                (("2016Q1", 0), ("2018Q1", 0.1)),
                en="Compensation pool",
                zh="风险补偿资金池",
            ),
        ),
        standard_dose=((MAIN, 0.2), ("pool", 0.2)),
        source="a compensation scheme was announced for Jiaojiang; numbers assumed",
    ),
    Lever(
        number=10,
        key="data_platform_coverage",
        level="city",
        mechanism="financial data platform",
        en="Share of useful public records open to banks",
        zh="金融服务数据平台覆盖率",
        dials=(Dial(MAIN, "share of records", 0, 1.5, (("2019Q3", 0), ("2020Q4", 1)), linear=True),),
        standard_dose=((MAIN, 0.25),),
        source="records opened by 2020; first quarter assumed in 2018Q4-2020Q2, the path has the middle",
        evidence=("tz_xwhr_total_2020",),
    ),
    Lever(
        number=11,
        key="loan_renewal",
        level="city",
        mechanism=_CREDIT,
        en="Share of R&D loans that may roll over",
        zh="研发贷款无还本续贷比例",
        reach=("ladder",),
        ladder_steps=_FIRM_STEPS,
        dials=(Dial(MAIN, "share of loans", 0, 1, (("2016Q1", 0),)),),
        standard_dose=((MAIN, 0.5),),
        source="planned, not running in 2020; range and dose assumed",
    ),
    Lever(
        number=12,
        key="patent_pledge",
        level="city",
        mechanism=_CREDIT,
        en="Loan value of pledged patents",
        zh="知识产权质押率",
        dials=(
            Dial(MAIN, "share of value", 0, 0.6, (("2016Q1", 0.25),)),
            Dial(
                "interest_subsidy",
                "percentage points",
                0,
                5,
                (("2016Q1", 1),),
                en="Interest subsidy",
                zh="质押贷款贴息",
            ),
        ),
        standard_dose=((MAIN, 0.15),),
        source="assumed; pledged lending as in trademark pledges of 2018",
        evidence=("tz_trademark_pledge_2018m6",),
    ),
    Lever(
        number=13,
        key="guidance_fund",
        level="city",
        mechanism="guidance funds and venture capital",
        en="Announced size of the science funds",
        zh="科技创投类基金总规模",
        reach=("places", "industries"),
        dials=(
            Dial(
                MAIN,
                "亿元",
                0,
                500,
                (
                    ("2015Q4", 20),
                    ("2016Q4", 30),
                    ("2017Q4", 50),
                    ("2018Q4", 80),
                    ("2019Q4", 105),
                    ("2020Q4", 127),
                ),
                linear=True,
            ),
            Dial(
                "city_share",
                "share",
                0,
                1,
                (("2016Q1", 0.25),),
                en="City's share of calls",
                zh="市级出资比例",
            ),
        ),
        standard_dose=((MAIN, 20),),
        source="127亿元 in 2020; earlier years and city share assumed",
        evidence=("tz_vc_funds_total_2020",),
    ),
)
