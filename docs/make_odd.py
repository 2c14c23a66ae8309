"""Write the tables of odd.md from the code they describe: `python docs/make_odd.py`, or `--check` to compare only.

A table stands between `<!-- begin: name -->` and `<!-- end: name -->`; everything outside the markers is written by
hand. The suite fails while the file differs from what this program would write.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import odd_tables
from odd_tables import code, table

import kechuang
from kechuang.evidence import evidence_file
from kechuang.randomness import Purpose
from kechuang.scenario import load_scenario
from kechuang.world import model
from kechuang.world.books.ledger import SECTORS
from kechuang.world.population.firms import COLUMN_MEANING, FirmColumns, Firms, arrays

ODD = Path(__file__).with_name("odd.md")
PACKAGE = Path(kechuang.__file__).parent
WORLD = PACKAGE / "world"
CELL_STATE = {
    "units": ("units", "units in the cell"),
    "first_units": ("units", "units at the end of 2015, which bound the lists of candidates"),
    "age_mix": ("share", "units by completed age, 31 classes, the last one open"),
    "sales": ("万元/quarter", "sales of all units at a seasonally adjusted rate, nominal"),
    "bins": ("-", "shares of units by size bin as a function of mean size, one table for all cells"),
    "deposits": ("万元", "bank deposits of all units"),
    "capital": ("万元", "fixed capital of all units at book value"),
}
HOMES = {"accounts": "M11", "surroundings": "M1", "reservoir": "M6"}
"""Mechanisms of modules whose first line names none."""


def first_sentence(documented: object) -> str:
    """Return the first sentence of a docstring."""
    return (inspect.getdoc(documented) or "").split("\n\n")[0]


@cache
def trees() -> dict[str, ast.Module]:
    """Return the parsed modules of one run by their path inside the package."""
    return {str(file.relative_to(PACKAGE)): ast.parse(file.read_text("utf-8")) for file in sorted(WORLD.rglob("*.py"))}


# State ------------------------------------------------------------------------------------------------------------


def firm_state() -> str:
    """The columns of the population of firms."""
    types = {name: array.dtype for name, array in zip(FirmColumns._fields, arrays(Firms(1).columns), strict=True)}
    return table(
        ("column", "unit", "type", "meaning"), ((code(k), u, types[k], m) for k, (u, m) in COLUMN_MEANING.items())
    )


def cell_state() -> str:
    """The state of the reservoir; refuses to leave an attribute without meaning."""
    init = next(
        node
        for node in ast.walk(trees()["world/population/reservoir.py"])
        if isinstance(node, ast.ClassDef) and node.name == "Reservoir"
    ).body[1]
    stored = [
        node.attr
        for node in ast.walk(init)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self"
    ]
    if set(stored) != set(CELL_STATE):
        raise ValueError(f"CELL_STATE describes {sorted(CELL_STATE)}, a cell holds {sorted(stored)}")
    return table(("attribute", "unit", "meaning"), ((code(key), *CELL_STATE[key]) for key in stored))


# Schedule, randomness, accounts --------------------------------------------------------------------------------------


def schedule() -> str:
    """The phases of a quarter, from the text of `Corridor.step`."""
    source = inspect.getsource(model.Corridor.step)
    found = re.findall(r'self\._phase\("(\w+)", (\w+)\.(\w+)\)\s+# (.+)', source)
    if len(found) != source.count("self._phase("):
        raise ValueError("every phase of Corridor.step needs a comment on its line")
    rows = (
        (
            number,
            code(name),
            comment,
            code(f"phases/{home}.py:{call}"),
            first_sentence(getattr(getattr(model, home), call)),
        )
        for number, (name, home, call, comment) in enumerate(found, start=1)
    )
    return table(("#", "phase", "what", "code", "in a sentence"), rows)


def purposes() -> str:
    """What draws are for, and where they are taken."""
    users: dict[str, list[str]] = {}
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Purpose":
                users.setdefault(node.attr, []).append(name.removeprefix("world/"))
    users.setdefault("PARAMETER", []).append("prior draws")
    rows = ((int(one), code(one.name), ", ".join(dict.fromkeys(users.get(one.name, ["reserved"])))) for one in Purpose)
    return table(("number", "purpose", "taken in"), rows)


@cache
def flows() -> str:
    """The transaction matrix: who receives (+) and who pays (-), one row per flow that a small run with levers posts."""
    posted: dict[str, set[tuple[int, int]]] = {}

    def listen(city: model.Corridor) -> None:
        post = city.ledger.post

        def note(name: str, receiver: str, payer: str, amount: float) -> None:
            if amount:
                source, use = (payer, receiver) if amount > 0.0 else (receiver, payer)
                posted.setdefault(name, set()).add((SECTORS.index(source), SECTORS.index(use)))
            post(name, receiver, payer, amount)

        city.ledger.post = note  # type: ignore[method-assign]

    levers = {"levers.zone_approval": {"level": 1, "from": "2016Q2"}}
    city = model.Corridor(load_scenario("baseline", levers).with_run(until="2020Q4"), seed=1, scale=0.1, collect=False)
    listen(city)
    city.run()
    city.release()
    rows = []
    for name, pairs in sorted(posted.items(), key=lambda item: (min(item[1]), item[0])):
        signs = ["" for _ in SECTORS]
        for payer, receiver in pairs:
            signs[payer] = "±" if "+" in signs[payer] or signs[payer] == "±" else "-"
            signs[receiver] = "±" if signs[receiver] in ("-", "±") else "+"
        rows.append((name, *signs))
    return table(("flow", *SECTORS), rows)


@cache
def read_names() -> frozenset[str]:
    """Return every text and every field name of the modules of one run: a parameter not among them is not read."""
    nodes = [node for tree in trees().values() for node in ast.walk(tree)]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return frozenset(texts | {ast.unparse(node.target) for node in nodes if isinstance(node, ast.AnnAssign)})


def parameters() -> str:
    """The parameters, those that a run reads with their values."""
    return odd_tables.parameters(read_names())


# Submodels -----------------------------------------------------------------------------------------------------------


@cache
def described() -> tuple[tuple[str, str, str], ...]:
    """Return (mechanism, module, docstring) of every module that states a mechanism, in the order of mechanisms."""
    found = []
    for name, tree in trees().items():
        text, stem = ast.get_docstring(tree) or "", Path(name).stem
        match = re.match(r"(M\d+[ab]?)\b", text)
        mechanism = match[1] if match else HOMES.get(stem)
        if mechanism:
            found.append((mechanism, name, text))
    return tuple(sorted(found, key=lambda one: (int(one[0][1:].rstrip("ab")), one[0], one[2][:4], one[1])))


def mechanisms() -> str:
    """Which of the twelve mechanisms this version has."""
    rows = []
    for mechanism, name in evidence_file().mechanisms.items():
        modules = [module for key, module, _ in described() if key == mechanism]
        rows.append((mechanism, name.en, name.zh, ", ".join(map(code, modules)) or "-"))
    return table(("", "mechanism", "机制", "modules"), rows)


def submodels() -> str:
    """The docstrings of the mechanisms: equations, units and sources as they stand beside the rules."""
    return "\n\n".join(f"#### {code(name)}\n\n```text\n{text}\n```" for _, name, text in described())


BLOCKS: dict[str, Callable[[], str]] = {
    "mechanisms": mechanisms,
    "places": odd_tables.places,
    "industries": odd_tables.industries,
    "firm-state": firm_state,
    "cell-state": cell_state,
    "schedule": schedule,
    "purposes": purposes,
    "flows": flows,
    "parameters": parameters,
    "levers": odd_tables.levers,
    "shocks": odd_tables.shocks,
    "indicators": odd_tables.indicators,
    "evidence": odd_tables.evidence,
    "submodels": submodels,
}


def render(text: str) -> str:
    """Return the page with every block written anew; ValueError for a marker without a block or a block without one."""
    missing = [name for name in BLOCKS if text.count(f"<!-- begin: {name} -->") != 1]
    if missing:
        raise ValueError(f"needs one begin marker each: {', '.join(missing)}")

    def block(match: re.Match[str]) -> str:
        if match[1] not in BLOCKS:
            raise ValueError(f'no block is called "{match[1]}"; there are {", ".join(BLOCKS)}')
        return f"<!-- begin: {match[1]} -->\n\n{BLOCKS[match[1]]()}\n\n<!-- end: {match[1]} -->"

    return re.sub(r"<!-- begin: ([\w-]+) -->.*?<!-- end: \1 -->", block, text, flags=re.DOTALL)


def main(arguments: Sequence[str]) -> int:
    """Write odd.md, or with `--check` say whether it is up to date (status 3 if not)."""
    old = ODD.read_text("utf-8")
    new = render(old)
    if "--check" in arguments:
        print("up to date" if new == old else "out of date: run python docs/make_odd.py")
        return 0 if new == old else 3
    ODD.write_text(new, "utf-8", newline="\n")
    print(ODD)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
