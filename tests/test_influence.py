"""What moves the answer, and what a further figure is worth: known answers, luck that counts as nothing, draws that repeat."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from kechuang.analyse import association, figure_worth
from kechuang.analyse.figure_worth import CANDIDATES, LATER, PAST, Candidate, average_worth, best, error_of, worths
from kechuang.analyse.influence import CLOSURE, Vectors, average_shares, influences, outcomes, vectors_of
from kechuang.clock import quarter_label
from kechuang.evidence import load_summaries
from kechuang.targets import load_targets
from kechuang.world.indicators import INDICATORS

CLOSURES = np.array(["A", "B", "C"])
TARGET = load_targets()["high-tech-doubling-2025"]


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def vectors(parameters: dict[str, np.ndarray], closures: np.ndarray | None = None,
            simulation: np.ndarray | None = None) -> Vectors:
    size = len(next(iter(parameters.values())))
    ids = np.arange(size)
    return Vectors(ids, CLOSURES[ids % 3] if closures is None else closures, parameters,
                   ids if simulation is None else simulation)


# --- association ------------------------------------------------------------------------------------------


def test_effective_count_by_hand() -> None:
    assert association.effective_count(np.array([1, 2, 3, 4])) == 4.0
    assert association.effective_count(np.array([1, 1, 1, 2])) == pytest.approx(16 / 10)
    assert association.effective_count(np.array([5, 5, 5])) == 1.0
    assert association.effective_count(np.array([])) == 0.0


def test_ranks_by_hand() -> None:
    values, groups = np.array([10.0, 30.0, 20.0, 5.0, 5.0]), np.array(["A", "A", "A", "B", "B"])
    assert association.ranks_inside(values, groups) == pytest.approx([-1 / 3, 1 / 3, 0, 0, 0])
    assert association.normal_scores(np.array([7.0, 9.0])) == pytest.approx([-0.6744898, 0.6744898])


def test_the_statistics_are_those_of_scipy() -> None:
    from scipy import stats

    x, noise = generator(1).normal(size=(2, 60))
    y = x + 2.0 * noise
    expected = stats.spearmanr(x, y)
    group = np.full(60, "A")
    found = association.correlation(association.ranks_inside(x, group), association.ranks_inside(y, group))
    assert found == pytest.approx(expected.statistic)
    assert association.correlation_p_value(found, 58.0) == pytest.approx(expected.pvalue)
    groups = CLOSURES[np.arange(60) % 3]
    ranked = stats.rankdata(y)
    anova = stats.f_oneway(*(ranked[groups == name] for name in CLOSURES))
    assert association.groups_p_value(y, groups, 60.0) == pytest.approx(anova.pvalue)


def test_a_correlation_without_draws_is_no_finding() -> None:
    assert association.correlation(np.ones(5), np.arange(5.0)) == 0.0
    assert association.correlation_p_value(0.99, 2.0) == 1.0
    assert association.correlation_p_value(1.0, 30.0) == 0.0
    assert association.adjusted_square(0.99, 2.0) == 0.0
    assert association.squared_interval(0.99, 2.0) == (0.0, 1.0)
    assert association.groups_p_value(np.arange(6.0), CLOSURES[np.arange(6) % 3], 5.0) == 1.0
    assert association.groups_p_value(np.arange(6.0), np.full(6, "A"), 6.0) == 1.0


def test_squared_intervals_hold_the_truth_nine_times_in_ten() -> None:
    """2000 samples of 40 normal pairs with a rank correlation of 0.482: coverage 0.9 +- 4 standard errors of 0.0067."""
    draws = generator(2)
    x = draws.normal(size=(2000, 40))
    y = 0.5 * x + math.sqrt(0.75) * draws.normal(size=(2000, 40))
    truth = (6.0 / math.pi * math.asin(0.25)) ** 2
    group = np.full(40, "A")
    inside = 0
    for one, other in zip(x, y, strict=True):
        found = association.correlation(association.ranks_inside(one, group), association.ranks_inside(other, group))
        low, high = association.squared_interval(found, 38.0)
        inside += low <= truth <= high
    assert inside / 2000 == pytest.approx(0.9, abs=4 * 0.0067)


def test_a_single_odd_draw_is_no_pattern() -> None:
    labels, odd = np.arange(99), np.zeros(99)
    odd[0] = 1.0
    assert not association.varies_enough(odd, labels)
    assert not association.varies_enough(np.zeros(99), labels)
    odd[:8] = 1.0
    assert association.varies_enough(odd, labels)
    assert not association.varies_enough(odd, np.where(odd > 0.0, 0, labels)), "eight times the same simulation"
    assert association.varies_enough(np.array([1.0, 2.0, 3.0]), labels[:3])


def test_rare_outcomes_are_not_named_too_often() -> None:
    """400 times 8 of 100 draws reach a target, 100 idle figures: any named in at most 5 % (one side; 4.5 standard errors)."""
    draws, named = generator(11), 0
    reached = association.normal_scores((np.arange(100) < 8).astype(float))
    for _ in range(400):
        figures = draws.normal(size=(100, 100)).argsort(axis=1).argsort(axis=1)
        p_values = [association.correlation_p_value(association.correlation(one - 49.5, reached), 98.0) for one in figures]
        named += any(association.clear(p_values))
    assert named / 400 <= 0.05 + 4.5 * math.sqrt(0.05 * 0.95 / 400)


# --- unknowns ---------------------------------------------------------------------------------------------


def test_shares_of_a_known_answer() -> None:
    """Closure gives 0.3 of the variance, p 0.4, q 0.2 downwards, luck 0.1: 900 draws, rank shares within 0.06."""
    draws = generator(3)
    p, q, idle, luck = draws.normal(size=(4, 900))
    closure = np.array([-1.0, 0.0, 1.0])[np.arange(900) % 3] * math.sqrt(1.5 * 0.3)
    value = closure + math.sqrt(0.4) * p - math.sqrt(0.2) * q + math.sqrt(0.1) * luck
    found, = influences(vectors({"p": p, "q": q, "idle": idle}), {"target": value})
    assert [unknown.key for unknown in found.clear] == ["p", CLOSURE, "q"]
    assert {unknown.key: unknown.sign for unknown in found.clear} == {"p": 1, CLOSURE: 0, "q": -1}
    assert found.share("p") == pytest.approx(0.4, abs=0.06)
    assert found.share("q") == pytest.approx(0.2, abs=0.06)
    assert found.share(CLOSURE) == pytest.approx(0.3, abs=0.06)
    assert found.share("idle") == 0.0
    one = found.clear[0]
    assert one.low < one.share < one.high
    assert average_shares([found])[0] == ("p", one.share)


def test_luck_is_named_at_most_one_time_in_twenty() -> None:
    """200 runs of 60 draws, 12 idle parameters, 3 targets: at most 5 % name anything (one side; 4.5 standard errors)."""
    draws, named = generator(4), 0
    for _ in range(200):
        idle = {f"p{k}": draws.normal(size=60) for k in range(12)}
        values = {f"t{k}": draws.lognormal(size=60) for k in range(3)}
        named += any(one.clear for one in influences(vectors(idle), values))
    assert named / 200 <= 0.05 + 4.5 * math.sqrt(0.05 * 0.95 / 200)


def test_draws_that_repeat_are_not_counted_twice() -> None:
    p, luck = generator(5).normal(size=(2, 15))
    value = p + 0.8 * luck
    once, = influences(vectors({"p": p}), {"target": value})
    many = np.repeat(np.arange(15), 12)
    labels = CLOSURES[np.arange(15) % 3][many]
    repeated, = influences(vectors({"p": p[many]}, labels, many), {"target": value[many]})
    assert repeated.different == pytest.approx(15.0)
    p_values = [{unknown.key: unknown.p_value for unknown in one.unknowns}["p"] for one in (once, repeated)]
    assert p_values[1] == pytest.approx(p_values[0], rel=0.05)
    naive, = influences(vectors({"p": p[many]}, labels), {"target": value[many]})
    assert {unknown.key: unknown.p_value for unknown in naive.unknowns}["p"] < 1e-3 * p_values[0]


def test_what_does_not_vary_and_what_has_no_value() -> None:
    p = generator(6).normal(size=30)
    value = p.copy()
    value[:3] = np.nan
    found = influences(vectors({"p": p}), {"fixed": np.ones(30), "some": value})
    assert [one.target for one in found] == ["some"]
    assert found[0].different == 27.0
    lone, = influences(vectors({"p": p[:3]}), {"target": p[:3]})
    assert lone.unknowns == (), "one draw per closure says nothing"


def test_vectors_of_a_provisional_and_a_posterior_run() -> None:
    frame = pd.DataFrame({"draw": np.repeat(np.arange(6), 2), "closure": np.repeat(list("ABCABC"), 2),
                          "quarter": ["2020Q3", "2020Q4"] * 6})
    point = pd.DataFrame({"draw": range(6), "closure": list("ABCABC"), "seed": range(6), "p": [1.0, 2.0, 3.0] * 2, "fixed": 1.0})
    found = vectors_of(point, frame)
    assert found.parameters == {}
    assert len(set(found.simulation.tolist())) == 6, "the same point with other luck is another simulation"
    drawn = point.assign(p=[1.0, 2.0, 3.0, 1.0, 5.0, 6.0], seed=[7, 8, 9, 7, 8, 9])
    found = vectors_of(drawn, frame)
    assert list(found.parameters) == ["p"]
    labels = found.simulation.tolist()
    assert labels[0] == labels[3], "the same vector and luck"
    assert len(set(labels)) == 5
    bare = vectors_of(None, frame)
    assert bare.parameters == {}
    assert len(set(bare.simulation.tolist())) == 6


# --- figures ----------------------------------------------------------------------------------------------


def run_of(size: int, seed: int, noise: float) -> pd.DataFrame:
    """Return a run in which firms of 2019 tell those of 2025 but for `noise`, and everything else is luck of its own."""
    draws = generator(seed)
    base = draws.normal(size=size)
    labels = [quarter_label(t) for t in range(1, 41)]
    ids = np.tile(np.arange(size), len(labels))
    columns = {item.indicator: 1000 * np.exp(0.3 * draws.normal(size=ids.size)) for item in CANDIDATES}
    frame = pd.DataFrame({"draw": ids, "closure": CLOSURES[ids % 3], "replicate": 0, "quarter": np.repeat(labels, size), **columns})
    later = math.sqrt(1 - noise**2) * base + noise * draws.normal(size=size)
    for label, level in (("2019Q4", base), ("2025Q4", later)):
        frame.loc[frame["quarter"] == label, "high_tech_firms"] = 1000 * np.exp(0.2 * level)
    return frame


def test_a_figure_is_worth_what_theory_says() -> None:
    """Correlation 0.8, log spread 0.2, error 2 %: 1 - sqrt(1 - 0.64 * 0.04 / 0.0404) = 0.395; 600 draws, within 0.06."""
    frame = run_of(600, 7, 0.6)
    found = vectors_of(None, frame)
    values = outcomes([TARGET], frame)
    worth = worths(found, [TARGET], values, frame)
    top, = best(worth, TARGET.id, PAST, 3)
    assert (top.candidate.indicator, top.quarter) == ("high_tech_firms", "2019Q4")
    assert error_of("high_tech_2020")[0] == pytest.approx(0.02**2)
    assert top.narrower == pytest.approx(1 - math.sqrt(1 - 0.64 * 0.04 / 0.0404), abs=0.06)
    assert top.low < top.narrower < top.high
    assert best(worth, TARGET.id, LATER, 3) == []
    candidate, quarter, share = average_worth(worth, (*PAST, *LATER))[0]
    assert (candidate.indicator, quarter, share) == ("high_tech_firms", "2019Q4", top.narrower)
    known = worths(found, [TARGET], values, frame, {("high_tech_firms", "2019Q4")})
    assert best(known, TARGET.id, PAST, 3) == [], "what is known already is not asked for"


def test_an_inexact_figure_is_worth_less(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = run_of(300, 8, 0.3)
    found = vectors_of(None, frame)
    values = outcomes([TARGET], frame)
    exact, = best(worths(found, [TARGET], values, frame), TARGET.id, PAST, 1)
    monkeypatch.setattr(figure_worth, "error_of", lambda sibling: (0.2**2, True))
    vague, = best(worths(found, [TARGET], values, frame), TARGET.id, PAST, 1)
    explained = [1 - (1 - one.narrower) ** 2 for one in (exact, vague)]
    spread = float(np.log(frame.loc[frame["quarter"] == "2019Q4", "high_tech_firms"]).var(ddof=0))
    assert explained[1] / explained[0] == pytest.approx((spread + 0.02**2) / (spread + 0.2**2))


def test_figures_of_luck_are_worth_nothing() -> None:
    """30 runs of 24 draws, 180 figures of luck each: one is named in at most 5 % of runs (one side; 4.5 standard errors)."""
    named = 0
    for seed in range(30):
        frame = run_of(24, 100 + seed, 1.0)
        worth = worths(vectors_of(None, frame), [TARGET], outcomes([TARGET], frame), frame)
        assert len(worth) > 150
        named += bool(average_worth(worth, (*PAST, *LATER)))
    assert named / 30 <= 0.05 + 4.5 * math.sqrt(0.05 * 0.95 / 30)


def test_a_figure_of_the_target_date_is_no_candidate() -> None:
    frame = run_of(60, 9, 0.5)
    target = load_targets()["gdp-2026"].model_copy(update={"date": "2022Q4", "indicator": "high_tech_firms", "id": "early"})
    worth = worths(vectors_of(None, frame), [target], outcomes([target], frame), frame)
    assert {one.quarter for one in worth} == {*PAST, "2021Q4"}


def test_yearly_figures_are_sums_over_the_year() -> None:
    frame = run_of(12, 10, 0.5)
    year = frame[frame["quarter"].isin(["2018Q1", "2018Q2", "2018Q3", "2018Q4"])]
    expected = year.groupby("draw")["patents"].sum()
    found = figure_worth._figures(vectors_of(None, frame), frame)
    one = next(figure for figure in found if (figure.candidate.indicator, figure.quarter) == ("patents", "2018Q4"))
    assert one.scores == pytest.approx(association.normal_scores(expected.to_numpy()))


def test_candidates_exist_and_their_siblings_speak_of_them() -> None:
    assert len({item.indicator for item in CANDIDATES}) == len(CANDIDATES)
    summaries = load_summaries()
    for item in CANDIDATES:
        indicator = INDICATORS[item.indicator]
        assert not (item.yearly and indicator.kind in ("stock", "index", "cumulative")), item.indicator
        if item.sibling:
            assert error_of(item.sibling)[0] > 0.0
            assert INDICATORS[summaries[item.sibling].indicator].unit == indicator.unit
    assert error_of("") == (figure_worth.PLAIN_ERROR**2, True)
    assert not error_of("value_added_november")[1], "growth is held in points"
    assert Candidate("patents", "statistics") not in CANDIDATES


def test_few_draws_in_perfect_order_prove_nothing() -> None:
    """Six ranks fall into line once in 360 times; among hundreds of tests that is no finding."""
    assert association.correlation_p_value(1.0, 4.0) == 1.0
    assert association.correlation_p_value(1.0, 16.0) == 0.0
    assert association.adjusted_square(1.0, 4.0) == 0.0
