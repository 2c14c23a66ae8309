"""The one place for conversions between the units of the model."""

from __future__ import annotations

WAN_PER_YI = 10_000.0
"""万元 in one 亿元: firm level money is in 万元, city level money in 亿元."""

QUARTERS_PER_YEAR = 4


def yi_from_wan(amount: float) -> float:
    """Return 亿元 for an amount in 万元."""
    return amount / WAN_PER_YI


def wan_from_yi(amount: float) -> float:
    """Return 万元 for an amount in 亿元."""
    return amount * WAN_PER_YI


def share_from_percent(percent: float) -> float:
    """Return 0.05 for 5 %."""
    return percent / 100.0
