"""Every number the model reports, declared once: what it is, in which unit, over what scope and at which prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["all", "above-scale", "corridor", "county"]
Kind = Literal["stock", "flow", "cumulative", "index"]
PriceBasis = Literal["", "nominal", "2020 prices"]


@dataclass(frozen=True)
class Indicator:
    """A reported number of the city; `decimals` is how many digits after the point are worth showing."""

    key: str
    unit: str
    en: str
    zh: str
    definition: str
    scope: Scope = "all"
    kind: Kind = "stock"
    prices: PriceBasis = ""
    decimals: int = 0

    def label(self, language: str = "en") -> str:
        """Return the label in English ('en') or Chinese ('zh')."""
        return self.zh if language == "zh" else self.en


_YI = "亿元"
_DECLARED = (
    Indicator(
        "high_tech_firms",
        "firms",
        "High-tech firms",
        "高新技术企业",
        "firms holding a national high-tech certificate not older than 12 quarters",
    ),
    Indicator(
        "tech_sme_firms",
        "firms",
        "Technology SMEs",
        "科技型中小企业",
        "firms on the provincial list, high-tech firms inside it, with the share of exited firms not yet purged",
    ),
    Indicator(
        "leading_firms",
        "firms",
        "Leading firms",
        "领军企业",
        "firms on step 3 of the ladder (little giants, champions, listed firms)",
    ),
    Indicator(
        "above_scale_firms",
        "firms",
        "Above-scale industrial firms",
        "规上工业企业",
        "industrial firms with sales of at least 2000万元 in the previous calendar year",
        "above-scale",
    ),
    Indicator(
        "above_scale_sales",
        _YI,
        "Sales of above-scale industry, last four quarters",
        "规上工业销售产值（近四季）",
        "sales of the above-scale panel over the last four quarters, stand-in for its gross output",
        "above-scale",
        "flow",
        "nominal",
        1,
    ),
    Indicator(
        "industrial_units",
        "firms",
        "Industrial and software units",
        "工业与软件单位",
        "all units of the eight industries, firms followed one by one and cells together",
    ),
    Indicator("firms_entered", "firms", "Units born", "新设企业", "units born in the quarter", kind="flow"),
    Indicator("firms_exited", "firms", "Units closed", "退出企业", "units closed in the quarter", kind="flow"),
    Indicator(
        "certificates_new",
        "firms",
        "New high-tech certificates",
        "新认定高新技术企业",
        "firms listed for the first time or again after a lapse, in the quarter",
        kind="flow",
    ),
    Indicator(
        "certificates_renewed",
        "firms",
        "Renewed certificates",
        "复审通过",
        "certificates renewed in the quarter",
        kind="flow",
    ),
    Indicator(
        "certificates_lapsed",
        "firms",
        "Lapsed certificates",
        "资格失效",
        "certificates that ended in the quarter without renewal, the firm still alive",
        kind="flow",
    ),
    Indicator(
        "certificates_direct",
        "firms",
        "New certificates without listing first",
        "直接认定",
        "new certificates of firms that were not on the provincial list before",
        kind="flow",
    ),
    Indicator(
        "registrations",
        "firms",
        "New technology SMEs",
        "新增科技型中小企业",
        "firms that entered the provincial list in the quarter",
        kind="flow",
    ),
    Indicator(
        "gdp",
        _YI,
        "GDP of the quarter",
        "地区生产总值（当季）",
        "value added of firms, cells and the exogenous rest of the city",
        kind="flow",
        prices="nominal",
        decimals=2,
    ),
    Indicator(
        "gdp_four_quarters",
        _YI,
        "GDP, last four quarters",
        "地区生产总值（近四季）",
        "sum of gdp over the last four quarters",
        kind="flow",
        prices="nominal",
        decimals=1,
    ),
    Indicator(
        "industrial_value_added",
        _YI,
        "Industrial value added",
        "规上工业增加值",
        "value added of above-scale industrial firms in the quarter",
        "above-scale",
        "flow",
        "nominal",
        2,
    ),
    Indicator(
        "industrial_value_added_ytd_growth",
        "%",
        "Above-scale value added, year to date",
        "规上工业增加值累计增速",
        "growth of the year to date over the same quarters of last year, firms in the panel in both years",
        "above-scale",
        "index",
        "2020 prices",
        1,
    ),
    Indicator(
        "industrial_value_added_november_growth",
        "%",
        "Above-scale value added, January-November",
        "规上工业增加值1—11月增速",
        "as year to date, with two thirds of the fourth quarter; set in Q4, else missing",
        "above-scale",
        "index",
        "2020 prices",
        1,
    ),
    Indicator(
        "sales",
        _YI,
        "Sales of industry",
        "工业销售额",
        "sales of firms and cells in the quarter",
        kind="flow",
        prices="nominal",
        decimals=1,
    ),
    Indicator("employment", "persons", "Employment", "从业人员", "production staff of firms and cells"),
    Indicator(
        "rd_real",
        _YI,
        "Real R&D of firms, last four quarters",
        "企业实际研发支出（近四季）",
        "R&D actually done by firms",
        kind="flow",
        prices="nominal",
        decimals=2,
    ),
    Indicator(
        "rd_reported",
        _YI,
        "Reported R&D of firms, last four quarters",
        "企业上报研发支出（近四季）",
        "real R&D with reporting drift and relabelled expenses",
        kind="flow",
        prices="nominal",
        decimals=2,
    ),
    Indicator(
        "rd_relabelled",
        _YI,
        "Relabelled expenses, last four quarters",
        "归集调整的研发支出（近四季）",
        "expenses reported as R&D to meet the certification threshold",
        kind="flow",
        prices="nominal",
        decimals=2,
    ),
    Indicator(
        "rd_intensity",
        "%",
        "R&D / GDP",
        "研发经费占GDP比重",
        "reported R&D of firms and others over GDP, last four quarters",
        kind="index",
        prices="nominal",
        decimals=2,
    ),
    Indicator(
        "rd_growth_ytd",
        "%",
        "Reported R&D of above-scale firms, year to date",
        "规上工业研发费用累计增速",
        "growth over the same quarters of last year, firms in the panel in both years",
        "above-scale",
        "index",
        "nominal",
        1,
    ),
    Indicator(
        "rd_november_growth",
        "%",
        "Reported R&D of above-scale firms, January-November",
        "规上工业研发费用1—11月增速",
        "as year to date, with two thirds of the fourth quarter; set in Q4, else missing",
        "above-scale",
        "index",
        "nominal",
        1,
    ),
    Indicator(
        "patents",
        "patents",
        "Invention patents granted",
        "发明专利授权",
        "invention patents of firms in the quarter",
        kind="flow",
    ),
    Indicator(
        "corridor_high_tech_share",
        "%",
        "High-tech firms in the corridor",
        "走廊内高新技术企业占比",
        "share of the city's high-tech firms inside the corridor",
        "corridor",
        "index",
        decimals=1,
    ),
    Indicator(
        "local_revenue",
        _YI,
        "Local revenue from the model's firms",
        "地方税收（模型企业）",
        "city share of corporate income tax, value added tax and personal income tax in the quarter",
        kind="flow",
        prices="nominal",
        decimals=2,
    ),
    Indicator(
        "lever_cost_cash",
        _YI,
        "Cash cost of levers",
        "政策现金支出",
        "cash paid for levers in the quarter",
        kind="flow",
        prices="nominal",
        decimals=3,
    ),
    Indicator(
        "lever_cost_forgone",
        _YI,
        "Tax forgone (city share)",
        "税式支出（地方部分）",
        "tax not collected because of levers, city share, in the quarter",
        kind="flow",
        prices="nominal",
        decimals=3,
    ),
    Indicator(
        "ledger_residual",
        "share",
        "Largest accounting residual",
        "最大核算残差",
        "largest violation of an accounting identity over the gross flows of the quarter",
        kind="index",
        decimals=15,
    ),
)

INDICATORS: dict[str, Indicator] = {indicator.key: indicator for indicator in _DECLARED}
KEYS: tuple[str, ...] = tuple(INDICATORS)
POSITION: dict[str, int] = {key: position for position, key in enumerate(KEYS)}
BREAKDOWN_KEYS: tuple[str, ...] = ("high_tech_firms", "tech_sme_firms", "industrial_units")
"""Indicators also counted by place and industry."""
