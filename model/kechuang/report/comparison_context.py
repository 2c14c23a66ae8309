"""What section builders of a comparison have at hand, and how its numbers are written: differences always bear a sign."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kechuang.report import wording
from kechuang.report.context import Speech
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    from kechuang.report.comparison_folder import Compared, ComparisonFolder
    from kechuang.report.sources import Sources


@dataclass
class ComparisonContext(Speech):
    """One language of the report of one comparison."""

    found: ComparisonFolder
    sources: Sources
    language: str
    drawings: dict[str, str] = field(default_factory=dict)

    def title(self, scenario: Compared) -> Markup:
        """Return the title of a scenario, linked to what it sets; twins of one name are told apart by their number."""
        name = self.texts.pick(scenario.title) or scenario.label
        twin = scenario.label.rpartition(" (")[2] if scenario.label.endswith(")") and " (" in scenario.label else ""
        return self.link(f"scenario-{self.place(scenario.label)}", f"{name} ({twin}" if twin else name)

    def plain_title(self, scenario: Compared) -> str:
        """Return the title of a scenario without a link, for figures and alternative texts."""
        return str(self.title(scenario).striptags())

    def place(self, label: str) -> int:
        """Return the number of a scenario, 1 for the base."""
        return 1 + [scenario.label for scenario in self.found.scenarios].index(label)

    def with_unit(self, key: str) -> Markup:
        """Return an indicator linked to its definition, with the unit of its differences."""
        unit = difference_unit(key, self.language)
        return Markup("{} <span class=\"date\">{}</span>").format(self.indicator(key), unit) if unit else self.indicator(key)

    def signed(self, value: float, like: Sequence[float] = ()) -> str:
        """Return a difference with its sign and as many decimals as two digits of the finest of `like` (or itself) need."""
        if not math.isfinite(value):
            return wording.MISSING
        places = decimals(min((abs(one) for one in like if one and math.isfinite(one)), default=abs(value)))
        text = wording.number(value, places, self.language)
        return f"+{text}" if value > 0.0 and any(digit in text for digit in "123456789") else text

    def estimate(self, row: Any) -> str:
        """Return a mean difference with half of its 95 % interval: '+390 ± 540'."""
        half = float(row["high"] - row["low"]) / 2.0
        if not math.isfinite(half) or half == 0.0:
            return self.signed(float(row["mean"]))
        return f"{self.signed(float(row['mean']), (half,))}\u00a0±\u00a0{wording.number(half, decimals(half), self.language)}"

    def estimate_of(self, row: Any) -> str:
        """Return a present value in 亿元 with its 95 % interval: '+1.39 (−1.36 to +4.13)'."""
        value, low, high = (float(row[name]) for name in ("value", "low", "high"))
        if not math.isfinite(value):
            return wording.MISSING
        size = (max(abs(low), abs(high)) if math.isfinite(low) else value,)
        middle = self.signed(value, size)
        return middle if not math.isfinite(low) else self.range_text(middle, self.signed(low, size), self.signed(high, size))

    def plain(self, value: float) -> str:
        """Return a number that is no difference with three digits, no more."""
        if abs(value) >= 1000.0:
            return wording.rounded(value, 0, self.language)
        return wording.number(value, decimals(value, digits=3), self.language)

    def bounds(self, low: float, high: float) -> str:
        """Return 'low to high' with the decimals of the wider end."""
        size = (max(abs(low), abs(high)),)
        return self.interval(self.signed(low, size), self.signed(high, size))

    def percent(self, share: float) -> str:
        """Return a share in whole percent."""
        return wording.percent(share, self.language)


def decimals(size: float, digits: int = 2) -> int:
    """Return how many decimals show that many digits of a number of this size, four at most."""
    if not math.isfinite(size) or size == 0.0:
        return 0
    return min(4, max(0, digits - 1 - math.floor(math.log10(abs(size)))))


def difference_unit(key: str, language: str) -> str:
    """Return the unit of differences of an indicator; those of a percentage are points."""
    indicator = INDICATORS[key]
    return wording.unit_name("points" if indicator.unit == "%" else indicator.unit, language)
