"""Numbers and probabilities as people say them, in English and in Chinese."""

from __future__ import annotations

import math
import re

from kechuang.report.text import Texts, table
from kechuang.world.indicators import INDICATORS, Indicator

MISSING = "–"
_MINUS = "−"
_NUMERALS_ZH = ("", "一", "二", "三", "四", "五", "六", "七", "八", "九")
_PROBABILITIES = ((0.0, "none"), (0.05, "below"), (0.075, "twentieth"), (0.925, "tenths"), (0.95, "nineteen"))
"""Names of the words for a probability up to each bound; above the last one it is 'above', at 1 'all'."""


def number(value: float, decimals: int = 0, language: str = "en") -> str:
    """Write a number with that many digits after the point; English groups thousands, Chinese from 10 000 on."""
    if not math.isfinite(value):
        return MISSING
    text = f"{abs(value):,.{decimals}f}"
    if language == "zh" and abs(value) < 10_000:
        text = text.replace(",", "")
    negative = value < 0 and any(digit in text for digit in "123456789")
    return (_MINUS if negative else "") + text


def rounded(value: float, decimals: int = 0, language: str = "en", digits: int = 3) -> str:
    """Write a projected number: large ones to three significant digits, for the rest is noise."""
    if math.isfinite(value) and abs(value) >= 10**digits:
        step = 10 ** (math.floor(math.log10(abs(value))) - digits + 1)
        return number(round(value / step) * step, 0, language)
    if math.isfinite(value) and decimals > 0 and abs(value) >= 100:
        decimals = min(decimals, 1)
    return number(value, decimals, language)


def unit(indicator: Indicator, language: str) -> str:
    """Return the unit of an indicator in the language of the reader."""
    return unit_name(indicator.unit, language)


def chart_unit(indicator: Indicator, language: str) -> str:
    """Return a unit in letters that every font has, for figures in English, where 亿元 might come out as boxes."""
    return table().get(f"chart_unit.{indicator.unit}", {}).get(language) or unit(indicator, language)


def unit_name(name: str, language: str) -> str:
    """Return a unit as it is declared (in English) in the language of the reader."""
    return table().get(f"unit.{name}", {}).get(language, name)


def quantity(value: float, key: str, language: str, exact: bool = False) -> str:
    """Write the value of an indicator with its unit; `exact` keeps every digit that the indicator declares."""
    indicator = INDICATORS[key]
    write = number if exact else rounded
    return with_unit(write(value, indicator.decimals, language), unit(indicator, language), language)


def with_unit(text: str, unit_text: str, language: str) -> str:
    """Join number and unit: a no-break space in English, none in Chinese."""
    if not unit_text or text == MISSING:
        return text
    return f"{text}{unit_text}" if language == "zh" else f"{text}\u00a0{unit_text}"


def unbroken(text: str) -> str:
    """Return a text whose numbers do not break at their spaces, nor before 亿元 and 万元: '10 000 亿元' stays on one line."""
    return re.sub(r"(?<=\d) (?=\d|[亿万]元|%)", "\u00a0", text)


def percent(share: float, language: str) -> str:
    """Write a share in whole percent: '23 %' or '23%', '< 1 %' for one that is small but not nothing."""
    if 0.0 < share < 0.005:
        return with_unit("<\u00a01", "%", language)
    return with_unit(number(100.0 * share, 0, language), "%", language)


def probability(value: float, draws: int, language: str) -> str:
    """Say a probability in plain words, such as 'about 3 in 10' or '约三成'."""
    if not math.isfinite(value):
        return MISSING
    name = next((name for bound, name in _PROBABILITIES if value <= bound), "above" if value < 1 else "all")
    count = _NUMERALS_ZH[tenths(value)] if language == "zh" and name == "tenths" else tenths(value)
    return Texts(language).plain(f"probability.{name}", draws=draws, tenths=count)


def tenths(value: float) -> int:
    """Return the nearest number of tenths, 1 to 9 for anything that is neither impossible nor certain."""
    if value <= 0:
        return 0
    if value >= 1:
        return 10
    return min(9, max(1, math.floor(10 * value + 0.5)))


def quarter(label: str, language: str) -> str:
    """Write a quarter such as 2026Q4 as 'end of 2026' / '2026年末', other quarters as '2023Q1' / '2023年一季度'."""
    year, ordinal = label[:4], label[-1]
    if ordinal == "4":
        return f"{year}年末" if language == "zh" else f"end of {year}"
    return f"{year}年{_NUMERALS_ZH[int(ordinal)]}季度" if language == "zh" else label


def year(label: str, language: str) -> str:
    """Write the year of a quarter."""
    return f"{label[:4]}年" if language == "zh" else label[:4]


def condition(operation: str, threshold: float, decimals: int, language: str) -> str:
    """Write the condition of a target: '≥ 2,380'."""
    sign = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "==": "="}.get(operation, operation)
    digits = next((count for count in range(decimals) if abs(threshold - round(threshold, count)) < 1e-9), decimals)
    return f"{sign}\u00a0{number(threshold, digits, language)}"


def sales(amount: float, language: str) -> str:
    """Write an amount of money given in 万元 as people say it: 2000万, 5亿; 20 m, 5 bn."""
    if language == "zh":
        return f"{amount / 10_000:g}亿" if amount >= 10_000 else f"{amount:g}万"
    return f"{amount / 100_000:g} bn" if amount >= 100_000 else f"{amount / 100:g} m"
