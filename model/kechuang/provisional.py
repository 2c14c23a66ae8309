"""The provisional point: the parameter values, one set per closure, that runs use until there is a posterior.

Found by `kechuang calibrate provisional` (kechuang.calibrate.provisional), stored in the study file below.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kechuang.errors import did_you_mean

if TYPE_CHECKING:
    from kechuang.datafile import Node
    from kechuang.parameters import Closure, Draw, Value

PROVISIONAL = "calibration/studies/provisional.yaml"


def provisional_draw(closure: Closure = "B") -> Draw:
    """Return the parameter vector of the provisional point in a closure: defaults with the fitted values."""
    from kechuang.parameters import default_draw

    return default_draw(closure).with_values(**provisional_values()[closure])


@cache
def provisional_values() -> dict[str, dict[str, Value]]:
    """Return closure -> parameter values of the provisional point, as written in its study file."""
    from kechuang.resources import path

    return read_provisional(path(PROVISIONAL), PROVISIONAL)


def read_provisional(path: Path, name: str) -> dict[str, dict[str, Value]]:
    """Read a study file with `closures: {A: {values: {...}}, B: ..., C: ...}` beside its diagnostics."""
    from kechuang.datafile import DataFile
    from kechuang.parameters import CLOSURES, load_parameters

    file = DataFile(path, name)
    known = load_parameters()
    fitted: dict[str, dict[str, Value]] = {}
    closures = _entry(file.root, "closures")
    for closure, block in (closures.fields(CLOSURES) if closures else {}).items():
        values = _entry(block, "values")
        fitted[closure] = {}
        for key, node in values.items() if values else ():
            if key in known:
                one = not isinstance(known[key].value, tuple)
                fitted[closure][key] = node.number() if one else node.numbers()
            else:
                node.problem(f"is not a parameter{did_you_mean(key, known)}")
    file.finish()
    return fitted


def _entry(node: Node, name: str) -> Node | None:
    found = dict(node.items()).get(name)
    if found is None:
        node.problem(f"lacks {name}")
    return found
