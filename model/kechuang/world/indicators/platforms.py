"""Indicators of platforms: carriers of research, enclaves, nodes of the corridor plan, contracts."""

from __future__ import annotations

from kechuang.world.indicators.record import Indicator

PLATFORM_INDICATORS = (
    Indicator(
        "carriers",
        "carriers",
        "Carriers of research",
        "创新载体数",
        "carriers of research that work, enclaves and those of plan nodes included",
    ),
    Indicator(
        "carriers_in_corridor",
        "carriers",
        "Carriers in the corridor",
        "走廊内创新载体数",
        "carriers of research inside the corridor, without enclaves",
        scope="corridor",
    ),
    Indicator(
        "enclaves",
        "carriers",
        "Enclaves in other cities",
        "科创飞地数",
        "carriers of research in other cities that serve firms of this one",
    ),
    Indicator(
        "nodes_open",
        "nodes",
        "Open nodes of the corridor plan",
        "已开园走廊功能组团",
        "functional nodes of the corridor plan that have opened",
        scope="corridor",
    ),
    Indicator(
        "carrier_contracts",
        "contracts",
        "Contracts with carriers",
        "载体技术合同数",
        "contracts that firms signed with carriers of research in the quarter",
        kind="flow",
    ),
    Indicator(
        "technology_turnover",
        "亿元",
        "Technology market inside the city",
        "市内技术合同成交额",
        "value of contracts between firms and carriers in the quarter; it is part of the R&D of firms",
        kind="flow",
        prices="nominal",
        decimals=2,
    ),
)
