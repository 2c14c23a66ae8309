"""What an indicator is: a number that the model reports, with unit, scope, kind and price basis."""

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
