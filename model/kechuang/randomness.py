"""Keyed draws: the luck of an agent depends on who, when and what for, never on the order of events.

A draw is a two-round splitmix64 hash of (seed, quarter, purpose, agent id). The first round mixes seed,
quarter and purpose into a key that is constant inside a loop; the second mixes in the id. A policy that
adds a firm therefore leaves the luck of all others untouched, bit for bit, which is what makes paired
comparisons of policies precise. No other source of randomness is allowed in `kechuang.world`.

Source of the mixing constants: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators";
of the inverse normal: Wichura 1988, algorithm AS 241 (PPND16, relative accuracy 1e-16).
"""

from __future__ import annotations

import math
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled


class Purpose(IntEnum):
    """What a draw decides. Numbers are part of every result: append, never renumber."""

    DEMAND_NOISE = 1
    GROWTH = 2
    GROWTH_VARIANCE = 3
    INITIAL_SIZE = 10
    INITIAL_AGE = 11
    INITIAL_INDUSTRY = 12
    INITIAL_PLACE = 13
    INITIAL_STATUS = 14
    INITIAL_CERTIFICATE_AGE = 15
    INITIAL_RESERVOIR = 16
    PRODUCTIVITY = 20
    MARGIN = 21
    RESEARCH_INTENSITY = 22
    RESEARCH_PARTICIPATION = 23
    SOFT_BENEFIT = 24
    TASTE_PERMANENT = 25
    TASTE_YEARLY = 26
    REGISTRATION_COUNT = 30
    REGISTRATION = 31
    REGISTRATION_BIN = 32
    REGISTRATION_SIZE = 33
    REGISTRATION_AGE = 34
    AWARENESS = 35
    APPLICATION_WINDOW = 36
    PASS = 37
    RENEWAL = 38
    PROMOTION = 39
    CROSSING_COUNT = 40
    CROSSING = 41
    CROSSING_SIZE = 42
    CROSSING_AGE = 43
    PATENTS = 45
    EXIT = 50
    CELL_EXIT = 51
    CELL_ENTRY = 52
    ZONE_APPROVAL = 60
    LOAN_ORDER = 61
    LOAN_SCORE = 62
    SECOND_BANK = 63
    GUARANTEE = 64
    LOAN_RENEWAL = 65
    DEFAULT = 66
    MAIN_BANK_CHOICE = 67
    HAS_SECOND_BANK = 68
    SECOND_BANK_CHOICE = 69
    PLATFORM = 70
    BANK_AT_REGISTRATION = 71
    FUND_DEALS = 72
    FUND_MEETING = 73
    FUND_CHOICE = 74
    FUND_TICKET = 75
    FUND_FOLLOW_ON = 76
    FUND_EXIT = 77
    FUND_MULTIPLE = 78
    GRANT_TAKE_UP = 80
    BANK_CHURN = 81
    PARAMETER = 90
    TALENT_HEADS = 100
    TALENT_KIND = 101
    TALENT_LEAVE = 102
    JOB_CHANGE = 103
    ARRIVAL_COUNT = 104
    ARRIVAL = 105
    VACANCY_KIND = 106
    VACANCY_ORDER = 107
    SEEKER_ORDER = 108
    MATCH_ROUNDING = 109
    SUBSIDY_ELIGIBLE = 110
    TRAINING_STAY = 111
    TRAINING_ENGINEER = 112
    TRAINING_PLACE = 113
    ACADEMICIAN_VISITS = 114
    ACADEMICIAN_CONVERSION = 115
    ACADEMICIAN_PARTNER = 116
    FOUNDING = 117
    FOUNDING_SIZE = 118
    CARRIER_START = 120
    CARRIER_BIRTHS = 121
    CARRIER_ACCEPTANCE = 122
    CARRIER_PLACE = 123
    CARRIER_INDUSTRY = 124
    CARRIER_QUALITY = 125
    CARRIER_CAPACITY = 126
    ENCLAVE_POINT = 127
    CARRIER_CONTRACT = 128
    CARRIER_CHOICE = 129
    CARRIER_ORDER = 130
    VOUCHER_QUARTER = 131
    DIGITAL_START = 140
    DIGITAL_COUNT = 141
    DIGITAL_COST = 142
    DIGITAL_CHOICE = 143
    DIGITAL_LIGHT = 144
    DIGITAL_LIGHT_COST = 145
    INCUBATOR_ORDER = 146
    INCUBATOR_SINCE = 147
    JOINT_COUNT = 148
    JOINT_LEADER = 149
    JOINT_SIZE = 150
    JOINT_PARTNER = 151


_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_PURPOSE_SHIFT, _QUARTER_SHIFT = np.uint64(56), np.uint64(40)
_TO_UNIT = 1.0 / 9007199254740992.0
_LARGEST = 1.0 - _TO_UNIT
_MANY = 600.0
_PURPOSES = 2**8
_NOTHING = 1e-18
"""A probability that adds nothing to a sum close to 1."""


@compiled
def _mix(word: np.uint64) -> np.uint64:
    word = (word ^ (word >> _S30)) * _MIX_1
    word = (word ^ (word >> _S27)) * _MIX_2
    return word ^ (word >> _S31)


@compiled
def _stream(seed: int, quarter: int, purpose: int) -> np.uint64:
    packed = np.uint64(seed) ^ (np.uint64(quarter) << _QUARTER_SHIFT) ^ (np.uint64(purpose) << _PURPOSE_SHIFT)
    return _mix(packed + _GAMMA)


@compiled
def _streams(seed: int, quarter: int) -> np.ndarray:
    keys = np.empty(_PURPOSES, dtype=np.uint64)
    for purpose in range(_PURPOSES):
        keys[purpose] = _stream(seed, quarter, purpose)
    return keys


@lru_cache(maxsize=64)
def _keys_of_quarter(seed: int, quarter: int) -> NDArray[np.uint64]:
    return _streams(seed, quarter)


def stream_key(seed: int, quarter: int, purpose: int) -> np.uint64:
    """Return the 64-bit key of all draws of one purpose in one quarter (or year) of one replicate.

    Seeds below 2^40, quarters and years below 2^16 and purposes below 2^8 never share a key. The keys of all purposes are
    mixed at once, since a quarter asks for a hundred of them.
    """
    key: np.uint64 = _keys_of_quarter(seed, quarter)[purpose]
    return key


@compiled
def uniform(key: np.uint64, identity: int) -> float:
    """Return a number in (0, 1) for one agent under a stream key."""
    word = _mix(key + np.uint64(identity) * _GAMMA)
    # The largest word rounds up to 1, of which no quantile exists.
    return min((np.float64(word >> _S11) + 0.5) * _TO_UNIT, _LARGEST)


@compiled
def normal_from_uniform(u: float) -> float:
    """Return the standard normal quantile of u in (0, 1)."""
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        numerator = (
            (
                (
                    (
                        ((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r
                        + 45921.953931549871457
                    )
                    * r
                    + 13731.693765509461125
                )
                * r
                + 1971.5909503065514427
            )
            * r
            + 133.14166789178437745
        ) * r + 3.387132872796366608
        denominator = (
            (
                (
                    (
                        ((5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061) * r
                        + 21213.794301586595867
                    )
                    * r
                    + 5394.1960214247511077
                )
                * r
                + 687.1870074920579083
            )
            * r
            + 42.313330701600911252
        ) * r + 1.0
        return q * numerator / denominator
    r = math.sqrt(-math.log(u if q < 0.0 else 1.0 - u))
    if r <= 5.0:
        r -= 1.6
        numerator = (
            (
                (
                    (
                        ((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r
                        + 1.27045825245236838258
                    )
                    * r
                    + 3.64784832476320460504
                )
                * r
                + 5.7694972214606914055
            )
            * r
            + 4.6303378461565452959
        ) * r + 1.42343711074968357734
        denominator = (
            (
                (
                    (
                        ((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r
                        + 0.14810397642748007459
                    )
                    * r
                    + 0.68976733498510000455
                )
                * r
                + 1.6763848301838038494
            )
            * r
            + 2.05319162663775882187
        ) * r + 1.0
    else:
        r -= 5.0
        numerator = (
            (
                (
                    (
                        ((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r
                        + 0.026532189526576123093
                    )
                    * r
                    + 0.29656057182850489123
                )
                * r
                + 1.7848265399172913358
            )
            * r
            + 5.4637849111641143699
        ) * r + 6.6579046435011037772
        denominator = (
            (
                (
                    (
                        ((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r
                        + 7.868691311456132591e-4
                    )
                    * r
                    + 0.0148753612908506148525
                )
                * r
                + 0.13692988092273580531
            )
            * r
            + 0.59983220655588793769
        ) * r + 1.0
    value = numerator / denominator
    return -value if q < 0.0 else value


@compiled
def normal(key: np.uint64, identity: int) -> float:
    """Return a standard normal draw for one agent."""
    return normal_from_uniform(uniform(key, identity))


@compiled
def exponential(key: np.uint64, identity: int) -> float:
    """Return an exponential draw with mean 1 for one agent."""
    return -math.log(uniform(key, identity))


@compiled
def logistic(key: np.uint64, identity: int) -> float:
    """Return a standard logistic draw for one agent."""
    u = uniform(key, identity)
    return math.log(u / (1.0 - u))


@compiled
def uniforms(key: np.uint64, identities: np.ndarray) -> np.ndarray:
    """Return the draws of many agents as one array (used where a whole population is drawn at once)."""
    out = np.empty(identities.size)
    for i in range(identities.size):
        out[i] = uniform(key, identities[i])
    return out


@compiled
def happens(u: float, hazard: float) -> bool:
    """Say whether an event of this cumulative hazard happens at a draw u: u < 1 - exp(-hazard).

    The hazard is never below that probability, so most draws are decided without the exponential.
    """
    return u < hazard and u < 1.0 - math.exp(-hazard)


@compiled
def poisson_from_uniform(u: float, mean: float) -> float:
    """Return the Poisson quantile of u; beyond a mean of 600 the rounded normal, whose error is far below its spread."""
    if mean > _MANY:
        return max(0.0, math.floor(mean + math.sqrt(mean) * normal_from_uniform(u) + 0.5))
    term = math.exp(-mean)
    total, number = term, 0.0
    while total < u and (number < mean or term > _NOTHING):
        number += 1.0
        term *= mean / number
        total += term
    return number


@compiled
def poissons(key: np.uint64, identities: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Return Poisson counts of many agents or cells, each with its own mean; monotone in the mean."""
    out = np.empty(identities.size, dtype=np.int64)
    for i in range(identities.size):
        out[i] = int(poisson_from_uniform(uniform(key, identities[i]), means[i]))
    return out
