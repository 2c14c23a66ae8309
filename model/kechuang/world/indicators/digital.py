"""Indicators of digitalisation, incubators and joint projects."""

from __future__ import annotations

from kechuang.world.indicators.record import Indicator

_YI = "亿元"

DIGITAL_INDICATORS = (
    Indicator(
        "digital_key_projects",
        "projects",
        "Key digital projects, year to date",
        "重点数字化项目数（年初以来）",
        "key projects of digitalisation that above-scale firms have started since January",
        "above-scale",
        "cumulative",
    ),
    Indicator(
        "digital_investment",
        _YI,
        "Cost of key digital projects, year to date",
        "重点数字化项目投资额（年初以来）",
        "cost of the key projects started since January, booked in full in the quarter of their start",
        "above-scale",
        "cumulative",
        "nominal",
        2,
    ),
    Indicator(
        "digital_coverage",
        "%",
        "Above-scale firms with a digital project",
        "规上工业企业数字化改造覆盖率",
        "share of above-scale firms that have had at least one key project or light retrofit",
        "above-scale",
        "index",
        decimals=1,
    ),
    Indicator(
        "digital_core_value_added",
        _YI,
        "Value added of core digital industries, last four quarters",
        "数字经济核心产业增加值（近四季）",
        "value added of firms and cells of the industries that the city counts in its digital core, last four quarters",
        kind="flow",
        prices="nominal",
        decimals=2,
    ),
    Indicator(
        "incubator_floor",
        "万m2",
        "Subsidised incubator floor",
        "孵化场地面积",
        "incubator floor that the city pays for in the quarter",
        decimals=1,
    ),
    Indicator(
        "incubator_tenants",
        "firms",
        "Tenants of incubators",
        "在孵企业",
        "young firms and units inside incubators; units of the cells as an expected number",
    ),
    Indicator(
        "incubator_graduates",
        "firms",
        "Graduates of incubators",
        "累计毕业企业",
        "tenants that have left an incubator alive at the end of their stay since 2016",
        kind="cumulative",
    ),
    Indicator(
        "joint_projects",
        "projects",
        "Joint projects",
        "在研联合攻关项目",
        "open-call and consortium projects that are running",
    ),
)
