"""Shocks: what happens to the city, in contrast to what a government decides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """One number of a shock; required in a file unless it has a default."""

    key: str
    unit: str
    low: float
    high: float
    meaning: str
    default: float | None = None
    whole: bool = False


@dataclass(frozen=True)
class ShockKind:
    """A shock a scenario may contain; every shock also has `from`, its first quarter."""

    key: str
    en: str
    zh: str
    mechanism: str
    settings: tuple[Setting, ...]
    source: str


_DECLARED = (
    ShockKind(
        "export_recession",
        "Export recession",
        "出口衰退",
        "demand",
        (
            Setting(
                "depth",
                "log points",
                0,
                0.5,
                "drop of demand below its path, for an industry of mean exposure",
            ),
            Setting("quarters", "quarters", 1, 40, "how long the drop lasts", whole=True),
        ),
        "assumed: a what-if",
    ),
    ShockKind(
        "certification_tightening",
        "Stricter certification of high-tech firms",
        "高企认定从严",
        "certification ladder",
        (
            Setting(
                "notch",
                "percentage points of sales",
                0,
                5,
                "rise of the R&D threshold in every size class",
                0.0,
            ),
            Setting("audit", "times", 1, 10, "factor on the cost of relabelled R&D", 1.0),
            Setting("renewal", "share", -1, 0, "change of the pass rate of re-applications", 0.0),
        ),
        "assumed: a what-if on the rules of 国科发火〔2016〕32号",
    ),
)

SHOCKS: dict[str, ShockKind] = {kind.key: kind for kind in _DECLARED}
"""All shocks by key."""
