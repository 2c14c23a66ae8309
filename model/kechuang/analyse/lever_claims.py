"""What economics and the literature say about each lever: the claims that the table of effects tests, and their verdicts.

A claim is about the mean of paired differences B - A at a date. Signs are tested two-sided at 0.1 % with Holm's correction
over all claims of the table: 'up' and 'down' need a mean that lies clearly on that side of zero; 'not below' and 'not above'
fail only where it lies clearly on the other side; 'nothing' means that the 99.9 % interval lies within a band around zero.
Source of the claims: the literature named in the mechanisms and in calibration/parameters.yaml; signs that nobody has
settled are not claimed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

Kind = Literal["up", "down", "not below", "not above", "nothing"]
Verdict = Literal["as claimed", "not refuted", "against the claim", "cannot be told"]
COVERAGE = 0.999
"""Coverage of the intervals that claims are judged by, after Holm's correction."""
NOTHING = 0.01
"""Half-width of the band of 'nothing', as a share of the indicator without the lever."""


@dataclass(frozen=True)
class Claim:
    """What a lever is said to do to an indicator by a date; `why` names the channel."""

    lever: str
    indicator: str
    kind: Kind
    why: str
    date: str = "2026Q4"

    @property
    def name(self) -> str:
        """Lever, indicator and date in one word."""
        return f"{self.lever}: {self.indicator} {self.kind}, {self.date}"


OWN_INDICATOR = {
    "high_tech_tax_rate": "high_tech_firms",
    "certification_bonus": "high_tech_firms",
    "super_deduction": "rd_real",
    "research_grant": "rd_real",
    "innovation_voucher": "carrier_contracts",
    "talent_subsidy": "talent_inflow",
    "top_talent_grant": "academician_projects",
    "guarantee_coverage": "guarantee_outstanding",
    "risk_compensation": "compensation_paid",
    "data_platform_coverage": "npl_ratio",
    "loan_renewal": "loans_overdue_share",
    "patent_pledge": "loans_outstanding",
    "guidance_fund": "fund_projects",
    "research_carriers": "carriers",
    "incubator_space": "incubator_tenants",
    "joint_projects": "joint_projects",
    "digital_retrofit_subsidy": "digital_coverage",
    "zone_approval": "national_zone_approved",
    "graduate_training": "talent_researchers",
}
"""The indicator that stands nearest to each lever."""
CLAIMS = (
    Claim("high_tech_tax_rate", "high_tech_firms", "up", "a lower rate makes the certificate worth more"),
    Claim("high_tech_tax_rate", "rd_reported", "up", "more firms meet the threshold"),
    Claim("certification_bonus", "high_tech_firms", "up", "the reward is part of what a certificate is worth"),
    Claim("certification_bonus", "rd_real", "nothing", "a reward for the certificate is no reward for R&D"),
    Claim("super_deduction", "rd_real", "up", "user cost of R&D falls"),
    Claim("super_deduction", "rd_reported", "up", "user cost of R&D falls"),
    Claim("research_grant", "rd_real", "not below", "grants add themselves, or crowd out at worst their own amount"),
    Claim("innovation_voucher", "carrier_contracts", "up", "part of the contracts are additional"),
    Claim("talent_subsidy", "talent_inflow", "not below", "the effect on migration may be nothing, never negative"),
    Claim("top_talent_grant", "academician_projects", "up", "more visits turn into projects"),
    Claim("guarantee_coverage", "guarantee_outstanding", "up", "the fund may cover more while capital allows"),
    Claim("guarantee_coverage", "loans_outstanding", "not below", "small firms without collateral get credit"),
    Claim("risk_compensation", "compensation_paid", "up", "the city bears part of the loss"),
    Claim("risk_compensation", "loans_outstanding", "not below", "banks lose less on the same loan"),
    Claim("data_platform_coverage", "npl_ratio", "down", "banks tell good firms from bad ones"),
    Claim("loan_renewal", "loans_overdue_share", "down", "firms that are sound need not find cash at the term"),
    Claim("patent_pledge", "loans_outstanding", "up", "patents carry loans"),
    Claim("guidance_fund", "fund_projects", "up", "more money to invest"),
    Claim("guidance_fund", "fund_called", "up", "more money to call"),
    Claim("research_carriers", "carriers", "up", "more carriers are founded"),
    Claim("research_carriers", "carrier_contracts", "up", "more carriers near firms"),
    Claim("incubator_space", "incubator_tenants", "up", "room for more tenants"),
    Claim("joint_projects", "joint_projects", "up", "more projects run"),
    Claim("digital_retrofit_subsidy", "digital_coverage", "up", "cheaper retrofits are adopted earlier"),
    Claim("zone_approval", "industrial_units", "not below", "firms move in, part of them from the rest of the city", "2035Q4"),
    Claim("graduate_training", "talent_researchers", "not below", "graduates stay in part", "2035Q4"),
    Claim("graduate_training", "wage_researcher", "not above", "more people for the same posts", "2035Q4"),
)


@dataclass(frozen=True)
class Test:
    """A claim with what the draws say: mean difference, its interval at the corrected level, p-value and verdict."""

    claim: Claim
    draws: int
    mean: float
    low: float
    high: float
    p_value: float
    p_holm: float
    verdict: Verdict


def judge(claims: Sequence[Claim], gaps: Sequence[Numbers], levels: Sequence[float]) -> list[Test]:
    """Return the verdict of every claim from its paired differences; `levels` are the means without the lever."""
    raw = [p_value(gap) for gap in gaps]
    corrected = holm(raw)
    return [
        _test(claim, gap, abs(level), one, holm_one)
        for claim, gap, level, one, holm_one in zip(claims, gaps, levels, raw, corrected, strict=True)
    ]


def _test(claim: Claim, gap: Numbers, level: float, raw: float, corrected: float) -> Test:
    from scipy.stats import t as student

    n, mean = int(gap.size), float(gap.mean())
    half = float(student.ppf(0.5 + COVERAGE / 2.0, n - 1)) * float(gap.std(ddof=1)) / math.sqrt(n)
    low, high = mean - half, mean + half
    clear = corrected < 1.0 - COVERAGE
    if claim.kind == "nothing":
        band = NOTHING * level
        verdict: Verdict = "as claimed" if -band <= low and high <= band else "cannot be told"
        if clear and abs(mean) > band:
            verdict = "against the claim"
    elif claim.kind in ("not below", "not above"):
        wrong = mean < 0.0 if claim.kind == "not below" else mean > 0.0
        verdict = "against the claim" if clear and wrong else "as claimed" if clear else "not refuted"
    else:
        wanted = mean > 0.0 if claim.kind == "up" else mean < 0.0
        verdict = ("as claimed" if wanted else "against the claim") if clear else "cannot be told"
    return Test(claim, n, mean, low, high, raw, corrected, verdict)


def p_value(gap: Numbers) -> float:
    """Return the two-sided p-value of a mean of 0: t test; 1 where all are 0, 0 where all are equal and not 0."""
    from scipy.stats import t as student

    spread = float(gap.std(ddof=1)) / math.sqrt(gap.size)
    if spread == 0.0:
        return 1.0 if float(gap.mean()) == 0.0 else 0.0
    return float(2.0 * student.sf(abs(float(gap.mean())) / spread, gap.size - 1))


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979): at most this share of false alarms among all of them."""
    order = sorted(range(len(values)), key=lambda k: values[k])
    corrected, largest = [1.0] * len(values), 0.0
    for rank, k in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[k]))
        corrected[k] = largest
    return corrected
