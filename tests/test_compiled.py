"""An edited rule is never answered with kernels compiled from the old one."""

from __future__ import annotations

import ast
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
