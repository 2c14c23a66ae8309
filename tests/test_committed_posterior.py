"""The posterior that is shipped: of the parameters and figures as they stand, and replayed to the last bit."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from kechuang.calibrate.page import ENOUGH, WIDEST
from kechuang.calibrate.summaries import summarise
from kechuang.ensemble.draws import parameters_or_default
from kechuang.parameters import CLOSURES
from kechuang.posterior import POSTERIOR, changed_since, posterior_draws
from kechuang.resources import path
from kechuang.world.simulate import blank_scenario, simulate

RESULT = YAML(typ="safe").load((path(POSTERIOR).parent / "result.yaml").read_text(encoding="utf-8"))


def test_it_is_of_the_parameters_and_figures_as_they_stand() -> None:
    assert not {"parameters", "figures"} & set(changed_since()), "changed: run `make study-calibration` again"
    assert parameters_or_default(None) == "posterior"


@pytest.mark.parametrize("closure", CLOSURES)
def test_draws_replay_to_the_numbers_that_they_were_learnt_with(closure: str) -> None:
    """The last draw of each closure, over the whole city: a change of the world that moves numbers asks for a new posterior."""
    table = pq.read_table(path(POSTERIOR))
    draw, row = next(
        pair for pair in reversed(list(zip(posterior_draws(), table.to_pylist(), strict=True))) if pair[0].closure == closure
    )
    assert draw.luck is not None
    seen = summarise(simulate(blank_scenario("2020Q4"), draw, draw.luck))
    learnt = {name.removeprefix("summary "): value for name, value in row.items() if name.startswith("summary ")}
    assert len(learnt) == 12
    assert {name: seen[name] for name in learnt} == learnt, "numbers change: run `make study-calibration` again"


def test_it_is_worth_enough_draws_and_holds_every_figure() -> None:
    assert RESULT["effective"] >= ENOUGH
    assert set(RESULT["figures"]) == set(RESULT["left_out"])
    assert [name for name, one in RESULT["figures"].items() if not one["inside"] or one["width"] > WIDEST] == []
    assert all(sum(draw.closure == closure for draw in posterior_draws()) == 167 for closure in CLOSURES)
