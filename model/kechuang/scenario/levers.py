"""The catalogue of the 19 levers, and where a scenario may use them."""

from __future__ import annotations

from kechuang.scenario.catalogue_finance import FINANCE_LEVERS
from kechuang.scenario.catalogue_firms import FIRM_LEVERS
from kechuang.scenario.catalogue_support import PLATFORM_LEVERS, TALENT_LEVERS
from kechuang.scenario.lever_record import MAIN, Dial, Lever

__all__ = ["AVAILABLE", "LEVERS", "MAIN", "Dial", "Lever", "available_keys"]

_DECLARED = (*FIRM_LEVERS, *TALENT_LEVERS, *FINANCE_LEVERS, *PLATFORM_LEVERS)

LEVERS: dict[str, Lever] = {lever.key: lever for lever in sorted(_DECLARED, key=lambda lever: lever.number)}
"""All levers by key, in the order V1-V19."""

AVAILABLE: dict[str, Lever] = {key: lever for key, lever in LEVERS.items() if lever.available}
"""The levers whose mechanism is in the model; a scenario that sets another one is refused."""


def available_keys() -> tuple[str, ...]:
    """Return the keys of the levers that a scenario may set now."""
    return tuple(AVAILABLE)
