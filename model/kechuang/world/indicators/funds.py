"""Indicators of the venture funds: money called, firms invested in, stakes and ways out."""

from __future__ import annotations

from kechuang.world.indicators.record import Indicator

_YI = "亿元"

FUND_INDICATORS = (
    Indicator(
        "fund_called",
        _YI,
        "Called by science funds",
        "科创基金累计出资到位额",
        "money that the science funds have called from their partners since 2016, fees included",
        kind="cumulative",
        prices="nominal",
        decimals=2,
    ),
    Indicator(
        "fund_dry_powder",
        _YI,
        "Uncalled money of science funds",
        "科创基金可出资余额",
        "what the science funds may still call: callable commitments and recycled proceeds less what was called",
        prices="nominal",
        decimals=2,
    ),
    Indicator(
        "fund_invested",
        _YI,
        "Stakes of science funds",
        "科创基金在投余额",
        "cost of the stakes that the science funds hold",
        prices="nominal",
        decimals=2,
    ),
    Indicator(
        "fund_deals",
        "deals",
        "Deals of science funds",
        "科创基金当季投资笔数",
        "new deals and second rounds of the quarter",
        kind="flow",
    ),
    Indicator(
        "fund_projects",
        "projects",
        "Projects of science funds",
        "科创基金累计投资项目数",
        "firms in which a science fund has invested since 2016",
        kind="cumulative",
    ),
    Indicator(
        "fund_early_share",
        "%",
        "Early projects of science funds",
        "科创基金早期项目占比",
        "share of the projects since 2016 that were in the early stage when a fund came in",
        kind="index",
        decimals=1,
    ),
    Indicator(
        "fund_exits",
        "firms",
        "Exits of science funds",
        "科创基金累计退出项目数",
        "firms that science funds have left since 2016: listed, sold, written off, bought back or closed",
        kind="cumulative",
    ),
    Indicator(
        "fund_successes",
        "firms",
        "Successful exits of science funds",
        "科创基金上市及并购退出项目数",
        "firms that science funds have left by listing or sale since 2016",
        kind="cumulative",
    ),
)
