"""Imports point down only, and the world has no source of luck but keyed draws."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "model" / "kechuang"

# From the faces down to the ground; a module may import from its own row and from rows below it.
LAYERS = (
    ("cli", "__main__", "commands", "dashboard", "report"),
    ("analyse", "calibrate"),
    ("ensemble",),
    ("world",),
    ("scenario", "parameters", "provisional", "posterior", "evidence", "city", "city_file", "city_numbers", "law", "priors",
     "targets", "provenance"),
    # The declaration of what is reported is plain data; targets refer to it.
    ("clock", "randomness", "queues", "errors", "units", "resources", "datafile", "records", "compiled", "crowds",
     "world.indicators"),
)
LEVEL = {name: level for level, names in enumerate(reversed(LAYERS)) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))
PUBLIC_FACE = PACKAGE / "__init__.py"


def module_name(file: Path) -> str:
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def level_of(module: str) -> int | None:
    """Return the layer of a module named without the leading package, by its longest listed prefix."""
    parts = module.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((LEVEL[prefix] for prefix in prefixes if prefix in LEVEL), None)


def imported_modules(tree: ast.Module, module: str) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of every import of our package, at the top of a file or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("kechuang."):
                    yield node.lineno, alias.name.removeprefix("kechuang.")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: relative imports hide the layer"
            source = node.module or ""
            if source == "kechuang":
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif source.startswith("kechuang."):
                inside = source.removeprefix("kechuang.")
                for alias in node.names:
                    file = PACKAGE / Path(*inside.split(".")) / f"{alias.name}.py"
                    yield node.lineno, f"{inside}.{alias.name}" if file.is_file() else inside


@pytest.mark.parametrize("file", MODULES, ids=module_name)
def test_imports_point_down_only(file: Path) -> None:
    if file == PUBLIC_FACE:
        return  # gathers the public names of all layers, lazily
    own = level_of(module_name(file))
    assert own is not None, f"{module_name(file)} belongs to no layer: add it to LAYERS"
    for line, imported in imported_modules(ast.parse(file.read_text(encoding="utf-8")), module_name(file)):
        if imported == "__version__":
            continue
        theirs = level_of(imported)
        assert theirs is not None, f"{file}:{line}: kechuang.{imported} belongs to no layer"
        assert theirs <= own, f"{file}:{line}: imports kechuang.{imported}, which stands above it"


def test_every_listed_layer_exists_or_is_planned() -> None:
    planned = {"__main__", "calibrate", "dashboard"}
    present = {module_name(file) for file in MODULES}
    assert {name for name in LEVEL if name not in present} <= planned


def other_luck(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, what) for every source of randomness that is not a keyed draw."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in {"random", "secrets"} or alias.name == "numpy.random":
                    yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.module in {"random", "secrets", "numpy.random", "scipy.stats"}:
                yield node.lineno, str(node.module)
            elif node.module == "numpy" and any(alias.name == "random" for alias in node.names):
                yield node.lineno, "numpy.random"
        elif isinstance(node, ast.Attribute) and node.attr in {"random", "rng", "shuffle_do", "default_rng"}:
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hash":
            yield node.lineno, "hash(), which differs from process to process"


@pytest.mark.parametrize("file", [file for file in MODULES if "world" in file.parts], ids=module_name)
def test_world_has_keyed_draws_only(file: Path) -> None:
    found = list(other_luck(ast.parse(file.read_text(encoding="utf-8"))))
    assert not found, f"{file}: {found}"


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "from random import random",
        "import numpy.random as r",
        "from numpy import random",
        "x = np.random.default_rng(1)",
        "x = self.random.random()",
        "x = model.rng.normal()",
        "x = hash('a')",
        "self.agents.shuffle_do('step')",
        "import secrets",
    ],
)
def test_other_sources_of_luck_are_seen(source: str) -> None:
    assert list(other_luck(ast.parse(source)))
