"""Keyed draws against a hand-written splitmix64, their uniformity and independence, and what keeps keys apart.

Statistical tests run on fixed seeds; each states n and the probability of failing for a true generator.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import chi2

from kechuang.clock import year_of
from kechuang.ensemble.draws import seed_of
from kechuang.randomness import (
    Purpose,
    exponential,
    logistic,
    normal,
    normal_from_uniform,
    stream_key,
    uniform,
    uniforms,
)
from kechuang.world.population.firms import identity_of
from worlds import furthest

WORD = 2**64
GAMMA, MIX_1, MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
SEEDS = st.integers(0, 2**40 - 1)
QUARTERS = st.integers(0, 2**16 - 1)
PURPOSES = st.integers(0, 2**8 - 1)


# Reference: splitmix64 in integers of any length ----------------------------------------------------------------------


def mixed(word: int) -> int:
    word = ((word ^ (word >> 30)) * MIX_1) % WORD
    word = ((word ^ (word >> 27)) * MIX_2) % WORD
    return word ^ (word >> 31)


def unmixed(word: int) -> int:
    """Return the word that `mixed` takes to this one."""
    word ^= (word >> 31) ^ (word >> 62)
    word = (word * pow(MIX_2, -1, WORD)) % WORD
    word ^= (word >> 27) ^ (word >> 54)
    word = (word * pow(MIX_1, -1, WORD)) % WORD
    return word ^ (word >> 30) ^ (word >> 60)


def key_by_hand(seed: int, quarter: int, purpose: int) -> int:
    return mixed(((seed ^ (quarter << 40) ^ (purpose << 56)) + GAMMA) % WORD)


def uniform_by_hand(key: int, identity: int) -> float:
    return ((mixed((key + identity * GAMMA) % WORD) >> 11) + 0.5) / 2**53


def test_reference_gives_the_published_numbers_of_splitmix64() -> None:
    """First five outputs of the generator from seed 1234567."""
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert [mixed((1234567 + k * GAMMA) % WORD) for k in range(1, 6)] == published
    assert int(stream_key(1234567, 0, 0)) == published[0]


@settings(max_examples=300, deadline=None)
@given(SEEDS, QUARTERS, PURPOSES, st.integers(0, 2**43 - 1))
def test_draws_are_those_of_the_reference(seed: int, quarter: int, purpose: int, identity: int) -> None:
    key = stream_key(seed, quarter, purpose)
    assert int(key) == key_by_hand(seed, quarter, purpose)
    u = uniform(key, identity)
    assert u == min(uniform_by_hand(int(key), identity), 1 - 2.0**-53)
    assert uniforms(key, np.array([identity]))[0] == u


def test_draws_of_other_laws_are_quantiles_of_the_uniform_one() -> None:
    key = stream_key(9, 3, int(Purpose.GROWTH))
    for identity in range(50):
        u = uniform(key, identity)
        assert normal(key, identity) == normal_from_uniform(u)
        assert exponential(key, identity) == pytest.approx(-math.log(u), rel=1e-15)
        assert logistic(key, identity) == pytest.approx(math.log(u / (1 - u)), rel=1e-12)


def test_the_outermost_words_stay_inside_zero_and_one() -> None:
    """Identities made so that the hash gives all ones, and zero: no draw is 0 or 1, so every quantile is finite."""
    for word, nearest in ((WORD - 1, 1.0), (0, 0.0)):
        identities = [
            (key, ((unmixed(word) - key) * pow(GAMMA, -1, WORD)) % WORD)
            for key in (int(stream_key(seed, 1, 1)) for seed in range(8))
        ]
        key, identity = next((key, one) for key, one in identities if one < 2**63)
        assert mixed((key + identity * GAMMA) % WORD) == word
        u = uniform(np.uint64(key), identity)
        assert 0.0 < u < 1.0
        assert abs(u - nearest) < 1e-15
        assert all(math.isfinite(draw(np.uint64(key), identity)) for draw in (normal, exponential, logistic))


# Keys never meet ------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.tuples(SEEDS, QUARTERS, PURPOSES), st.tuples(SEEDS, QUARTERS, PURPOSES))
def test_different_streams_have_different_keys(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    """Seed, quarter and purpose fill separate bits and the hash can be undone, so keys are equal only if all three are."""
    key = int(stream_key(*one))
    packed = (unmixed(key) - GAMMA) % WORD
    assert (packed & (2**40 - 1), (packed >> 40) & 0xFFFF, packed >> 56) == one
    assert (one == other) == (key == int(stream_key(*other)))


def test_all_streams_of_a_run_are_different() -> None:
    dates = [*range(81), *range(2016, 2036)]  # quarters, and years for what is drawn once a year
    keys = {int(stream_key(seed, date, int(purpose))) for seed in (1, 2) for date in dates for purpose in Purpose}
    assert len(keys) == 2 * len(dates) * len(Purpose)


def test_dates_purposes_and_seeds_fit_their_bits() -> None:
    assert year_of(80) < 2**16
    assert all(0 < int(purpose) < 2**8 for purpose in Purpose)
    assert all(0 <= seed_of(run, draw) < 2**40 for run in (0, 2026, 2**40) for draw in range(200))


def test_no_two_purposes_share_a_number() -> None:
    members = Purpose.__members__
    assert len({int(purpose) for purpose in members.values()}) == len(members)


def test_numbers_of_purposes_stay_what_they_were() -> None:
    """They are part of every result: a number once given is never changed."""
    given_numbers = {"DEMAND_NOISE": 1, "GROWTH": 2, "TASTE_PERMANENT": 25, "PASS": 37, "PATENTS": 45, "EXIT": 50}
    assert {name: int(Purpose[name]) for name in given_numbers} == given_numbers
    assert int(Purpose.PARAMETER) == 90


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 7), st.integers(0, 4095), st.integers(0, 255), st.integers(0, 2**20 - 1))
def test_identities_can_be_taken_apart_again(event: int, cell: int, quarter: int, number: int) -> None:
    identity = identity_of(event, cell, quarter, number)
    parts = (identity >> 40, (identity >> 28) & 0xFFF, (identity >> 20) & 0xFF, identity & 0xFFFFF)
    assert parts == (event, cell, quarter, number)
    assert identity < 2**43


# Inverse normal -------------------------------------------------------------------------------------------------------


def test_inverse_normal_against_scipy() -> None:
    """To 1e-14 of max(1, |z|), in the middle and far into both tails."""
    u = np.concatenate(
        [
            np.linspace(1e-6, 1 - 1e-6, 20_001),
            np.geomspace(1e-300, 1e-6, 2000),
            1 - np.geomspace(2.0**-53, 1e-6, 2000),
            [0.075, 0.925, np.nextafter(0.925, 1), np.exp(-25.0), 0.5],  # where the pieces of the formula meet
        ]
    )
    found, expected = np.array([normal_from_uniform(float(one)) for one in u]), ndtri(u)
    assert (np.abs(found - expected) / np.maximum(1.0, np.abs(expected))).max() < 1e-14
    assert normal_from_uniform(0.5) == 0.0


# Uniform and independent ----------------------------------------------------------------------------------------------

N = 40_000
FAILS = 1e-6
"""Probability with which each of the tests below would fail for truly independent uniform numbers."""


def across(what: str, offset: int = 0) -> np.ndarray:
    """Return N draws that differ in the agent, the quarter, the seed or the purpose alone."""
    steps = range(offset, offset + N)
    if what == "agents":
        return np.asarray(uniforms(stream_key(7, 5, 2), np.arange(offset, offset + N)))
    if what == "candidates":
        return np.asarray(uniforms(stream_key(7, 5, 2), identity_of(1, 40, 5, 0) + np.arange(offset, offset + N)))
    if what == "quarters":
        return np.array([uniform(stream_key(7, step, 2), 11) for step in steps])
    if what == "seeds":
        return np.array([uniform(stream_key(step, 5, 2), 11) for step in steps])
    return np.array([uniform(stream_key(7, step >> 8, step & 0xFF), 11) for step in steps])


def surprise(counts: np.ndarray) -> float:
    """Return the probability of counts that are at least as uneven (chi-square) under equal chances."""
    expected = counts.sum() / counts.size
    return float(chi2.sf(((counts - expected) ** 2 / expected).sum(), counts.size - 1))


WAYS = ["agents", "candidates", "quarters", "seeds", "purposes"]


@pytest.mark.statistical
@pytest.mark.parametrize("what", WAYS)
def test_draws_are_uniform(what: str) -> None:
    """n = 40 000: 256 equal bins, and Kolmogorov's distance below 2.7; false alarm 1e-6 each."""
    u = across(what)
    assert surprise(np.bincount((256 * u).astype(int), minlength=256)) > FAILS
    assert furthest(u, lambda x: x) < 2.7
    # The last bits are as even as the first.
    assert surprise(np.bincount(((u * 2**40) % 64).astype(int), minlength=64)) > FAILS


@pytest.mark.statistical
@pytest.mark.parametrize("what", WAYS)
def test_neighbouring_draws_are_independent(what: str) -> None:
    """n = 40 000 pairs one and two steps apart: 32 x 32 cells, and |r| below 4.9 / sqrt(n); false alarm 1e-6 each."""
    u = across(what)
    for step in (1, 2):
        first, second = (32 * u[:-step]).astype(int), (32 * u[step:]).astype(int)
        assert surprise(np.bincount(32 * first + second, minlength=1024)) > FAILS
        assert abs(np.corrcoef(u[:-step], u[step:])[0, 1]) < 4.9 / math.sqrt(N)


@pytest.mark.statistical
def test_streams_of_neighbouring_keys_are_independent() -> None:
    """The same 40 000 agents under 6 keys that differ in one number only: 15 pairs, false alarm 1e-6 each."""
    keys = [(7, 5, 2), (8, 5, 2), (7, 6, 2), (7, 5, 3), (7, 2020, 2), (2**40 - 1, 5, 2)]
    columns = [uniforms(stream_key(*key), np.arange(N)) for key in keys]
    table = np.corrcoef(columns) - np.eye(len(keys))
    assert np.abs(table).max() < 4.9 / math.sqrt(N)
    for i, one in enumerate(columns):
        for other in columns[:i]:
            cells = 16 * (16 * one).astype(int) + (16 * other).astype(int)
            assert surprise(np.bincount(cells, minlength=256)) > FAILS


@pytest.mark.statistical
def test_runs_of_draws_are_independent_in_three_dimensions() -> None:
    """n = 13 333 triples of neighbours in 12^3 cells; false alarm 1e-6."""
    u = (12 * across("agents")[: 3 * (N // 3)].reshape(-1, 3)).astype(int)
    assert surprise(np.bincount(144 * u[:, 0] + 12 * u[:, 1] + u[:, 2], minlength=1728)) > FAILS


def test_these_tests_see_a_bad_generator() -> None:
    """A counter, a stuck bit and a copy of the neighbour all fail."""
    counter = (np.arange(N) * 0.001) % 1.0
    first, second = (32 * counter[:-1]).astype(int), (32 * counter[1:]).astype(int)
    assert surprise(np.bincount(32 * first + second, minlength=1024)) < FAILS
    stuck = np.floor(across("agents") * 64) / 64
    assert surprise(np.bincount((256 * stuck).astype(int), minlength=256)) < FAILS
    assert furthest(0.98 * across("agents"), lambda x: x) > 2.7
