"""The catalogue of the 19 levers."""

from __future__ import annotations

from kechuang.scenario.catalogue_finance import FINANCE_LEVERS
from kechuang.scenario.catalogue_firms import FIRM_LEVERS
from kechuang.scenario.catalogue_support import PLATFORM_LEVERS, TALENT_LEVERS
from kechuang.scenario.lever_record import MAIN, Dial, Lever

__all__ = ["LEVERS", "MAIN", "Dial", "Lever"]

_DECLARED = (*FIRM_LEVERS, *TALENT_LEVERS, *FINANCE_LEVERS, *PLATFORM_LEVERS)

LEVERS: dict[str, Lever] = {lever.key: lever for lever in sorted(_DECLARED, key=lambda lever: lever.number)}
"""All levers by key, in the order V1-V19."""
