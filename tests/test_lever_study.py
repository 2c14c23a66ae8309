"""The table of effects: corrections and verdicts by hand, doses of nothing, and the study on a small city."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from kechuang.analyse.lever_claims import CLAIMS, OWN_INDICATOR, Claim, holm, judge, p_value
from kechuang.analyse.lever_study import MAIN, dosed
from kechuang.cli import main
from kechuang.clock import quarter_index
from kechuang.scenario import load_scenario
from kechuang.scenario.levers import LEVERS
from kechuang.world.indicators import INDICATORS


def test_holm_by_hand() -> None:
    """.01, .02, .03, .5 of four: 4 x .01, 3 x .02, 2 x .03 (no less than the one before), 1 x .5."""
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_p_value_is_that_of_a_paired_t_test() -> None:
    """Four differences 1, 2, 3, 4: t = 2.5 / (1.29099/2) = 3.873 on 3 degrees of freedom, p = .0305."""
    assert p_value(np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(0.0305, abs=5e-5)
    assert p_value(np.zeros(5)) == 1.0
    assert p_value(np.full(5, 2.0)) == 0.0


def verdict(kind: Any, gap: np.ndarray, level: float = 100.0) -> str:
    return judge([Claim("x", "y", kind, "")], [gap], [level])[0].verdict


def test_verdicts() -> None:
    noise = np.tile([-1.0, 1.0], 20)
    assert verdict("up", noise + 5.0) == verdict("down", noise - 5.0) == "as claimed"
    assert verdict("up", noise - 5.0) == verdict("down", noise + 5.0) == "against the claim"
    assert verdict("up", noise) == verdict("down", noise) == verdict("up", np.zeros(40)) == "cannot be told"
    assert verdict("not below", noise - 5.0) == verdict("not above", noise + 5.0) == "against the claim"
    assert verdict("not below", noise) == verdict("not above", noise) == "not refuted"
    assert verdict("not below", noise + 5.0) == verdict("not above", noise - 5.0) == "as claimed"
    assert verdict("nothing", 0.1 * noise) == verdict("nothing", np.zeros(40)) == "as claimed"
    assert verdict("nothing", 10.0 * noise) == "cannot be told"
    assert verdict("nothing", noise + 5.0) == "against the claim"


def test_many_claims_make_each_harder_to_meet() -> None:
    """t = 3.9 on 39 degrees of freedom has p = .0004: enough alone, not as one of ten."""
    rng = np.tile([-1.0, 1.0], 20)
    gap = rng + 3.9 * rng.std(ddof=1) / math.sqrt(40)
    claim = Claim("x", "y", "up", "")
    assert judge([claim], [gap], [1.0])[0].verdict == "as claimed"
    assert judge([claim] * 10, [gap, *[rng] * 9], [1.0] * 10)[0].verdict == "cannot be told"


def test_claims_and_own_indicators_exist() -> None:
    assert set(OWN_INDICATOR) == set(LEVERS)
    for claim in CLAIMS:
        assert claim.lever in LEVERS
        assert claim.indicator in INDICATORS, claim.name
    for lever in LEVERS:
        assert OWN_INDICATOR[lever] in INDICATORS
        assert any(claim.lever == lever for claim in CLAIMS), lever
        assert LEVERS[lever].standard_dose, lever
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)


def test_a_dose_starts_in_2023_and_moves_every_dial_of_the_standard() -> None:
    scenario = dosed(load_scenario("baseline"), "risk_compensation", 0.5)
    new = scenario.levers[-2:]
    assert [(change.dial, change.amount, change.mode) for change in new] == [("", 0.1, "value"), ("pool", 0.1, "value")]
    assert {change.from_quarter for change in new} == {quarter_index("2023Q1")}
    assert dosed(scenario, "") is scenario


@cache
def content(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load((folder / "levers.yaml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("levers")
    arguments = ["study", "levers", "--draws", "2", "--scale", "0.02", "--workers", "1", "--quiet", "--out", str(folder)]
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 0
    return folder


def test_a_dose_of_nothing_changes_no_indicator_and_no_cost(study: Path) -> None:
    found = {lever: entry["largest_difference_at_zero_dose"] for lever, entry in content(study)["levers"].items()}
    assert found == dict.fromkeys(LEVERS, 0)


def test_every_lever_has_effects_costs_and_claims(study: Path) -> None:
    for lever, entry in content(study)["levers"].items():
        assert set(entry["effects"]) == {OWN_INDICATOR[lever], *MAIN}
        assert set(entry["costs"]) == {"2026Q4", "2035Q4"}
        assert len(entry["claims"]) == sum(claim.lever == lever for claim in CLAIMS)


def test_the_page_shows_every_lever_in_every_table(study: Path) -> None:
    page = (study / "levers.md").read_text(encoding="utf-8")
    for lever in LEVERS:
        name = f"V{LEVERS[lever].number} `{lever}`"
        own = len(content(study)["levers"][lever]["claims"])
        assert page.count(name) == 2 + 4 + own + 1, name  # effects, costs of two payers at two dates, claims, zero dose
    assert not re.search(r"\bnan\b", page)
