"""The same city in other processes: without the compiler, under other hash seeds, and a thousand times over.

A run in a fresh process prints its state as JSON; floats travel as hexadecimal text, so that they arrive bit for bit.
"""

from __future__ import annotations

import gc
import json
import weakref
from functools import cache
from typing import Any

import numpy as np
import pytest

from kechuang.parameters import prior_draw
from kechuang.world import simulate as module
from kechuang.world.indicators import INDICATORS, KEYS
from kechuang.world.mechanisms import taxes
from kechuang.world.model import Corridor
from kechuang.world.population.firms import FirmColumns
from worlds import city_of, run_python, scenario_of

QUARTERS, SCALE = 9, 0.02
"""Nine quarters pass two listings of new certificates, one renewal of old ones and two compactions."""

PRINT_RUN = """
import json, sys
import numpy as np
from worlds import city_of, scenario_of
from kechuang.parameters import prior_draw
from kechuang.world.population.firms import FirmColumns

closure, quarters, scale = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
levers = {"certification_bonus": {"level": 35, "from": "2017Q1", "budget": 0.002}}
shocks = {"export_recession": {"from": "2017Q2", "depth": 0.1, "quarters": 2}}
scenario = scenario_of("2019Q4", levers=levers, shocks=shocks)
city = city_of(scenario, prior_draw(closure, 3), 8, audit=True, scale=scale).run(quarters)
count = city.firms.count
state = {name: getattr(city.firms.columns, name)[:count] for name in FirmColumns._fields}
state |= {"units": city.reservoir.units, "cell_sales": city.reservoir.sales, "cell_deposits": city.reservoir.deposits}
state |= {"indicators": city.indicators[:quarters], "costs": city.costs.amounts}
print(json.dumps({
    name: {"kind": values.dtype.kind, "shape": values.shape,
           "values": [one.hex() if values.dtype.kind == "f" else int(one) for one in values.ravel()]}
    for name, values in state.items()
}))
"""


def printed(closure: int, **environment: str) -> dict[str, np.ndarray]:
    """Return the state of a run in a fresh process."""
    text = run_python(PRINT_RUN, str(closure), str(QUARTERS), str(SCALE), **environment)
    state: dict[str, dict[str, Any]] = json.loads(text)
    return {
        name: np.array(
            [float.fromhex(one) for one in entry["values"]] if entry["kind"] == "f" else entry["values"]
        ).reshape(entry["shape"])
        for name, entry in state.items()
    }


@cache
def compiled(closure: int) -> dict[str, np.ndarray]:
    return printed(closure, NUMBA_DISABLE_JIT="0", PYTHONHASHSEED="0")


@pytest.mark.parametrize("closure", [1, 2], ids=["B", "C"])
def test_plain_python_takes_the_same_decisions(closure: int) -> None:
    """Every count, step, date and identity is the same; money agrees to 1e-9 (exp and log differ in their last digit)."""
    plain, fast = printed(closure, NUMBA_DISABLE_JIT="1"), compiled(closure)
    assert plain.keys() == fast.keys()
    decisions = [name for name in plain if plain[name].dtype.kind == "i"]
    assert {"identity", "ladder", "certified", "applied", "does_research", "born", "units"} <= set(decisions)
    for name in decisions:
        assert np.array_equal(plain[name], fast[name]), name
    for name in plain.keys() - set(decisions) - {"indicators", "growth", "costs"}:
        assert np.allclose(plain[name], fast[name], rtol=1e-9, atol=1e-9), name
    # A growth rate is a difference of numbers near each other, and the residual is rounding alone.
    assert np.allclose(plain["growth"], fast["growth"], rtol=1e-9, atol=1e-12)
    assert np.allclose(plain["costs"], fast["costs"], rtol=1e-9, atol=1e-6)
    for key, one, other in zip(KEYS, plain["indicators"].T, fast["indicators"].T, strict=True):
        if key == "ledger_residual":
            assert max(one.max(), other.max()) < 1e-9
        elif INDICATORS[key].unit == "firms":
            assert np.array_equal(one, other), key
        else:
            assert np.allclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True), key
    assert (fast["certified"] > 0).any(), "certificates were listed"
    assert fast["costs"].sum() > 0


def test_the_plain_run_is_plain() -> None:
    told = "from kechuang.world.mechanisms.taxes import user_cost; print(type(user_cost).__name__)"
    assert run_python(told, NUMBA_DISABLE_JIT="1").strip() == "function"
    assert run_python(told, NUMBA_DISABLE_JIT="0").strip() == "CPUDispatcher"
    assert callable(taxes.user_cost)


def test_other_hash_seeds_give_the_same_bits() -> None:
    """Sets and dictionaries of text come in another order; nothing in a result may depend on it."""
    other = printed(1, NUMBA_DISABLE_JIT="0", PYTHONHASHSEED="4242")
    for name, values in compiled(1).items():
        assert values.tobytes() == other[name].tobytes(), name


def test_this_process_gives_the_same_bits_as_a_fresh_one_twice() -> None:
    levers = {"certification_bonus": {"level": 35, "from": "2017Q1", "budget": 0.002}}
    shocks = {"export_recession": {"from": "2017Q2", "depth": 0.1, "quarters": 2}}
    for audit in (True, False):
        scenario = scenario_of("2019Q4", levers=levers, shocks=shocks)
        city = city_of(scenario, prior_draw(1, 3), 8, audit=audit, scale=SCALE).run(QUARTERS)
        assert city.indicators[:QUARTERS].tobytes() == compiled(1)["indicators"].tobytes()
        count = city.firms.count
        for name in FirmColumns._fields:
            assert np.array_equal(getattr(city.firms.columns, name)[:count], compiled(1)[name]), name


# Many runs in one process ---------------------------------------------------------------------------------------------

PRINT_MEMORY = """
import gc, resource
from worlds import scenario_of
from kechuang.parameters import default_draw
from kechuang.world.simulate import simulate

scenario, draw = scenario_of("2016Q2"), default_draw("B")

def peak_after(runs):
    for seed in range(runs):
        simulate(scenario, draw, seed, scale=0.01)
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

print(peak_after(60), peak_after(200))
"""
GROWTH_ALLOWED = 8 * 1024
"""KiB by which the peak may rise over 200 runs; a model of this size takes about one MiB, 200 kept ones 200."""


def test_two_hundred_models_do_not_grow_the_process() -> None:
    before, after = (int(word) for word in run_python(PRINT_MEMORY).split())
    assert after - before < GROWTH_ALLOWED


def test_a_model_is_gone_after_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `simulate` gives is plain data; Mesa 3.3 would keep the model behind it in a table of its agent class."""
    models: list[weakref.ref[Corridor]] = []

    class Watched(Corridor):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            models.append(weakref.ref(self))

    monkeypatch.setattr(module, "Corridor", Watched)
    for seed in range(3):
        module.simulate(scenario_of("2016Q1"), prior_draw(0, 1), seed, scale=0.01)
    gc.collect()
    assert [model() for model in models] == [None] * 3
