"""Prior distributions of single numbers: quantiles, distribution functions, and their names in data files.

A draw is the quantile of a uniform number, so that a parameter keeps its luck whatever else is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from kechuang.errors import did_you_mean


@dataclass(frozen=True)
class Prior:
    """A named distribution with its numbers; `KINDS` says what the numbers of each kind mean."""

    kind: str
    numbers: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f'unknown prior "{self.kind}"{did_you_mean(self.kind, KINDS)}; '
                             f"known are {', '.join(KINDS)}")
        names = KINDS[self.kind].names
        if len(self.numbers) != len(names):
            raise ValueError(f"{self.kind} takes [{', '.join(names)}]")
        if not all(math.isfinite(number) for number in self.numbers):
            raise ValueError(f"{self.kind} takes finite numbers")
        fault = KINDS[self.kind].fault(*self.numbers)
        if fault:
            raise ValueError(f"{self.kind}: {fault}")

    def quantile(self, u: float) -> float:
        """Return the value below which a share u of the distribution lies; u in (0, 1)."""
        if not 0.0 < u < 1.0:
            raise ValueError(f"a quantile needs a number between 0 and 1, not {u}")
        return float(KINDS[self.kind].quantile(u, *self.numbers))

    def cdf(self, x: float) -> float:
        """Return the share of the distribution at or below x."""
        return float(KINDS[self.kind].cdf(x, *self.numbers))

    @property
    def support(self) -> tuple[float, float]:
        """Lower and upper end of the possible values."""
        return KINDS[self.kind].support(*self.numbers)

    @property
    def median(self) -> float:
        """The value that is exceeded as often as not."""
        return self.quantile(0.5)

    def __str__(self) -> str:
        return f"{self.kind.replace('_', '-')}({', '.join(f'{number:g}' for number in self.numbers)})"


@dataclass(frozen=True)
class _Kind:
    names: tuple[str, ...]
    quantile: Callable[..., float]
    cdf: Callable[..., float]
    support: Callable[..., tuple[float, float]]
    fault: Callable[..., str]


def _phi(z: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(z))


def _phi_inverse(u: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(u))


def _beta_quantile(u: float, a: float, b: float) -> float:
    from scipy.special import betaincinv

    return float(betaincinv(a, b, u))


def _beta_cdf(x: float, a: float, b: float) -> float:
    from scipy.special import betainc

    return float(betainc(a, b, min(1.0, max(0.0, x))))


def _half_normal_quantile(u: float, sd: float) -> float:
    return sd * _phi_inverse((1.0 + u) / 2.0)


def _half_normal_cdf(x: float, sd: float) -> float:
    return max(0.0, 2.0 * _phi(x / sd) - 1.0)


def _truncated_quantile(u: float, mean: float, sd: float) -> float:
    # Written with the upper tail: 1 - u times the mass above 0 stays exact where the lower tail is cut.
    return mean - sd * _phi_inverse((1.0 - u) * _phi(mean / sd))


def _truncated_cdf(x: float, mean: float, sd: float) -> float:
    return max(0.0, 1.0 - _phi((mean - x) / sd) / _phi(mean / sd))


def _spike_quantile(u: float, mass: float, sd: float) -> float:
    return 0.0 if u <= mass else _half_normal_quantile((u - mass) / (1.0 - mass), sd)


def _spike_cdf(x: float, mass: float, sd: float) -> float:
    return 0.0 if x < 0.0 else mass + (1.0 - mass) * _half_normal_cdf(x, sd)


def _lognormal_cdf(x: float, median: float, log_sd: float) -> float:
    return _phi(math.log(x / median) / log_sd) if x > 0.0 else 0.0


def _positive(**numbers: float) -> str:
    return ", ".join(f"{name} must be above 0" for name, number in numbers.items() if number <= 0.0)


def _anywhere(*_: float) -> tuple[float, float]:
    return -math.inf, math.inf


def _not_negative(*_: float) -> tuple[float, float]:
    return 0.0, math.inf


KINDS: dict[str, _Kind] = {
    "uniform": _Kind(
        ("low", "high"),
        lambda u, low, high: low + u * (high - low),
        lambda x, low, high: min(1.0, max(0.0, (x - low) / (high - low))),
        lambda low, high: (low, high),
        lambda low, high: "" if low < high else "low must be below high"),
    "normal": _Kind(
        ("mean", "sd"),
        lambda u, mean, sd: mean + sd * _phi_inverse(u),
        lambda x, mean, sd: _phi((x - mean) / sd),
        _anywhere,
        lambda _, sd: _positive(sd=sd)),
    "lognormal": _Kind(
        ("median", "log_sd"),
        lambda u, median, log_sd: median * math.exp(log_sd * _phi_inverse(u)),
        _lognormal_cdf,
        _not_negative,
        lambda median, log_sd: _positive(median=median, log_sd=log_sd)),
    "beta": _Kind(
        ("a", "b"), _beta_quantile, _beta_cdf,
        lambda *_: (0.0, 1.0),
        lambda a, b: _positive(a=a, b=b)),
    "half_normal": _Kind(
        ("sd",), _half_normal_quantile, _half_normal_cdf,
        _not_negative,
        lambda sd: _positive(sd=sd)),
    "truncated_normal": _Kind(
        ("mean", "sd"), _truncated_quantile, _truncated_cdf,
        _not_negative,
        lambda mean, sd: _positive(mean=mean, sd=sd)),
    "spike_half_normal": _Kind(
        ("mass_at_zero", "sd"), _spike_quantile, _spike_cdf,
        _not_negative,
        lambda mass, sd: _positive(sd=sd) or ("" if 0.0 <= mass < 1.0 else "mass_at_zero must be in [0, 1)")),
}
"""The known distributions: names of the numbers, quantile, distribution function, support, what is wrong."""
