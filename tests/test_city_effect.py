"""An effect of the city: where two parameters would have to stand, on cities whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ruamel.yaml import YAML
from scipy.special import ndtr

from kechuang.analyse import freeze
from kechuang.analyse.city_effect import PARAMETERS, Variant, city_effect, explained, redrawn
from kechuang.analyse.city_effect_page import verdict
from kechuang.analyse.findings import EFFECT, findings
from kechuang.calibrate.emulator import Emulator
from kechuang.calibrate.scores import drawn, values_of
from kechuang.calibrate.studies import write_study
from kechuang.commands import validate_commands
from kechuang.commands.validate_commands import Request
from kechuang.ensemble.draws import draws_for
from kechuang.errors import InputError
from kechuang.parameters import default_draw
from test_transfer import city_file, frozen_here  # noqa: F401 - a fixture


def test_only_the_two_parameters_are_drawn_anew():
    draws = draws_for("posterior", 30, 1)
    moved, scores = redrawn(draws, 1)
    for before, after, row in zip(draws, moved, scores, strict=True):
        assert (after.id, after.closure, after.luck) == (before.id, before.closure, before.luck)
        assert {key for key in before.values if after.values[key] != before.values[key]} == set(PARAMETERS)
        for key, score in zip(PARAMETERS, row, strict=True):
            assert drawn()[key].cdf(after.number(key)) == pytest.approx(float(ndtr(score)))


def test_the_weights_are_the_posterior_of_a_linear_city():
    """Counts are a + B z with a remainder: z given the counts is normal, with mean and variance in closed form."""
    slopes, remainder, errors = np.array([[0.5, -0.4], [0.6, 0.0]]), np.array([[0.02, 0.005], [0.005, 0.01]]), np.array([0.05, 0.1])
    emulator = Emulator(np.array([7.0, 8.5]), slopes, np.zeros((0, 2), dtype=np.int64), np.zeros((2, 0)), remainder)
    actual = np.array([7.3, 8.8])
    weights, nearest = explained(emulator, actual, errors)
    precision = np.linalg.inv(remainder + np.diag(errors**2))
    covariance = np.linalg.inv(np.eye(2) + slopes.T @ precision @ slopes)
    mean = covariance @ slopes.T @ precision @ (actual - emulator.intercepts)
    grid = np.linspace(-3, 3, 121)
    found = np.array([weights.sum(axis=1) @ grid, weights.sum(axis=0) @ grid])
    assert found == pytest.approx(mean, abs=0.005)
    assert weights.sum(axis=1) @ np.square(grid - found[0]) == pytest.approx(covariance[0, 0], rel=0.02)
    assert nearest == pytest.approx(0.0, abs=0.02)  # two parameters can meet any two counts of a linear city


def city_of(times: float, luck: np.random.Generator, answers: bool = True) -> Variant:
    """Return runs of a city whose SMEs grow with imitation and whose high-tech firms also fall with the cost."""
    scores = luck.normal(size=(100, 2))
    imitation, cost = (values_of(scores[:, k], key) for k, key in enumerate(PARAMETERS))
    smes = 12_000 * (imitation / 0.35) if answers else np.full(100, 5000.0)
    counts = np.column_stack([1000 * (smes / 12_000) * (36 / cost) ** 0.5, smes]) / times
    return Variant({"start": "few"}, scores, counts * np.exp(0.05 * luck.normal(size=(100, 2))))


@pytest.mark.parametrize(("times", "effect"), [(1.0, False), (1.8, True)])
def test_a_city_whose_answer_is_known(times, effect):
    """What was learnt: imitation .35 and cost 36, a tenth wide. The other city has `times` as many of both counts.

    n = 100 runs, counts known to 4 % and 6 % (discrepancies of the evidence): .08 is two standard errors of imitation.
    """
    luck = np.random.default_rng(3)
    learnt = [
        default_draw("B").with_values(
            registration_imitation=0.35 * np.exp(0.1 * luck.normal()), certification_cost=36 * np.exp(0.1 * luck.normal())
        )
        for _ in range(300)
    ]
    found = city_effect([city_of(times, luck)], learnt, {"high_tech_firms": 1000.0, "tech_sme_firms": 12_000.0})
    first, second = (found[0]["parameters"][key] for key in PARAMETERS)
    assert found[0]["explained"]
    assert found[0]["effect"] is effect
    assert first["there"] == pytest.approx(0.35 * times, rel=0.08)
    assert second["low"] < 36 < second["high"]
    assert first["between_cities"] == pytest.approx(abs(np.log(first["there"] / first["learnt"])) / np.sqrt(2), abs=0.002)
    assert verdict(found).startswith("Effect of the city" if effect else "No effect of the city")


def test_a_city_that_no_values_explain():
    luck = np.random.default_rng(4)
    learnt = [default_draw("B")] * 3
    found = city_effect([city_of(1.0, luck, answers=False)], learnt, {"high_tech_firms": 1000.0, "tech_sme_firms": 12_000.0})
    assert not found[0]["explained"]
    assert verdict(found).startswith("No values of the two parameters")


def test_the_command_on_an_invented_city(tmp_path, frozen_here, capsys):  # noqa: F811
    twin, out = city_file(tmp_path, "twin", 1.0), tmp_path / "results"
    freeze.write_freeze(20, "provisional")
    request = Request(scale=0.02, workers=1, out=out, quiet=True)
    with pytest.raises(InputError, match="after the first transfer"):
        validate_commands.effect(twin, request)
    out.mkdir()
    (out / "transfer-twin.yaml").write_text("first", encoding="utf-8")
    with pytest.raises(InputError, match="3 are too few"):
        validate_commands.effect(twin, replace(request, draws=3))
    with pytest.raises(InputError, match="leave --parameters away"):
        validate_commands.effect(twin, replace(request, parameters="prior"))
    validate_commands.effect(twin, request)
    content = YAML(typ="safe").load((out / "city-effect-twin.yaml").read_text(encoding="utf-8"))
    assert len(content["effects"]) == 2  # one for each reading of the start
    assert content["draws"] == 20
    assert not list(out.glob(".work-*"))
    page = (out / "city-effect-twin.md").read_text(encoding="utf-8")
    assert verdict(content["effects"]) in page
    assert "a trial, not a result" in page
    assert (out / "transfer-twin.yaml").read_text(encoding="utf-8") == "first"
    assert capsys.readouterr().out.strip().endswith("city-effect-twin.md")


@pytest.mark.parametrize(
    ("moved", "explains", "words"),
    [(3.0, True, "an effect of the city"), (-0.5, True, "would have to stand -0.5 standard deviations"), (0.0, False, "Neither")],
)
def test_the_finding_in_one_sentence(tmp_path, moved, explains, words):
    parameters = {PARAMETERS[0]: {"moved": moved}, PARAMETERS[1]: {"moved": 0.0}}
    write_study(tmp_path / f"{EFFECT}.yaml", "test", {"effects": [{"parameters": parameters, "explained": explains}]})
    (tmp_path / "city-effect.md").touch()
    found = findings(tmp_path, tmp_path)
    assert [words in one.en for one in found] == [True]
    assert "温州" in found[0].zh


def test_scores_are_normal():
    """n = 60 draws: the mean of 120 scores lies within 4 standard errors of 0 (false alarm 1 in 16 000)."""
    _, scores = redrawn(draws_for("prior", 60, 1), 9)
    assert abs(scores.mean()) < 4 / np.sqrt(scores.size)
