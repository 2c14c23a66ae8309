"""An edited rule is never answered with kernels compiled from the old one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from kechuang import compiled


def test_every_file_with_rules_counts_towards_the_cache() -> None:
    package = Path(compiled.__file__).parent
    with_rules = {
        file
        for file in package.rglob("*.py")
        if any(
            isinstance(node, ast.FunctionDef)
            and any(isinstance(d, ast.Name) and d.id in ("compiled", "inlined") for d in node.decorator_list)
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        )
    }
    assert with_rules
    assert with_rules <= set(compiled.kernel_sources())


def test_another_text_has_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = tmp_path / "rule.py"
    monkeypatch.setattr(compiled, "kernel_sources", lambda: [rule])
    rule.write_text("a = 1")
    first = compiled.cache_folder()
    assert compiled.cache_folder() == first
    rule.write_text("a = 2")
    assert compiled.cache_folder() != first


def test_numba_uses_the_folder() -> None:
    assert Path(numba.config.CACHE_DIR) == compiled.cache_folder()


def test_a_chosen_folder_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert compiled.cache_folder().parent == tmp_path


LEFT_COLD = """
import importlib, pkgutil
import kechuang.world
from kechuang.scenario import load_scenario
from kechuang.parameters import default_draw
from kechuang.world.simulate import simulate, warm_up

warm_up()
names = [found.name for found in pkgutil.walk_packages(kechuang.world.__path__, "kechuang.world.")]
loaded = [importlib.import_module(name) for name in (*names, "kechuang.randomness", "kechuang.queues")]
kernels = {id(kernel): kernel for module in loaded for kernel in vars(module).values() if hasattr(kernel, "signatures")}
before = {key: len(kernel.signatures) for key, kernel in kernels.items()}
simulate(load_scenario("corridor-plan"), default_draw("A"), seed=4, scale=0.1)
late = {key: len(kernel.signatures) - before[key] for key, kernel in kernels.items()}
print(len(kernels), sorted(kernels[key].py_func.__name__ for key, more in late.items() if more))
"""


def test_after_warming_up_a_run_compiles_nothing() -> None:
    """Else every process of a sweep would stop in the middle of its first run to compile or load a kernel."""
    done = subprocess.run([sys.executable, "-c", LEFT_COLD], capture_output=True, text=True, check=True)
    number, late = done.stdout.split(" ", 1)
    assert int(number) > 100
    assert late.strip() == "[]"
