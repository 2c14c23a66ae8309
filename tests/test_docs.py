"""The documentation is true: links lead somewhere, both READMEs agree, tables are those of the code, snippets run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main

from kechuang.cli import app
from kechuang.errors import CheckFailed, InputError
from kechuang.scenario import load_scenario
from kechuang.scenario.levers import LEVERS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
READMES = (ROOT / "README.md", ROOT / "README.zh.md")
FOLDERS = ("model", "outputs", "scenarios")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / folder / "README.md" for folder in FOLDERS)])
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
SECTIONS = ("Context", "Choice", "Rejected", "What would change it")


def name_of(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else ""


def blocks(file: Path, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    text = file.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def prose(file: Path) -> str:
    """Return a page without fenced blocks and code spans."""
    text = re.sub(r"^```.*?^```", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "``", text)


def without_comments(block: str) -> list[str]:
    return [re.split(r"\s+#\s|^#\s", line)[0].rstrip() for line in block.splitlines()]


def headings(file: Path) -> set[str]:
    """Return the anchors of a page as GitHub writes them."""
    titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


# Links and paths


@pytest.mark.parametrize("file", PAGES, ids=name_of)
def test_links_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(file)):
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https://"), f"{target}: link to a page by https"
            continue
        path, _, anchor = target.partition("#")
        goal = (file.parent / path).resolve() if path else file
        assert goal.is_relative_to(ROOT), f"{target} leaves the project"
        assert goal.exists(), f"{target}: no such file"
        if anchor:
            assert anchor in headings(goal), f"{target}: no such heading"


@pytest.mark.parametrize("file", PAGES, ids=name_of)
def test_paths_in_text_exist(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:model|scenarios|calibration|docs|notebooks|tests|benchmarks)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path


def test_every_page_is_reached_from_the_index() -> None:
    reached = set(re.findall(r"\]\(([^)#\s]+)\)", (DOCS / "index.md").read_text(encoding="utf-8")))
    pages = {str(file.relative_to(DOCS)) for file in DOCS.rglob("*.md") if file.name != "index.md"}
    pages -= {page for page in pages if page.startswith(("studies/", "validation/"))}  # made by commands, named as folders
    assert not pages - reached, "pages that docs/index.md does not name"


# The two READMEs


@pytest.mark.parametrize("language", ["console", "python", "yaml", "text"])
def test_readmes_have_the_same_blocks(language: str) -> None:
    english, chinese = (blocks(file, language) for file in READMES)
    assert english, f"no {language} block"
    assert [without_comments(block) for block in english] == [without_comments(block) for block in chinese]


def test_readmes_have_the_same_shape() -> None:
    english, chinese = (file.read_text(encoding="utf-8") for file in READMES)
    for pattern in (r"^## ", r"^\| ", r"^- \*\*", r"\]\(docs/", r"^!\["):
        found = [len(re.findall(pattern, text, flags=re.MULTILINE)) for text in (english, chinese)]
        assert found[0] == found[1] > 0, pattern


@pytest.mark.parametrize("file", READMES, ids=name_of)
def test_readme_names_every_command_and_status(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    commands: Any = typer.main.get_command(app)
    assert set(re.findall(r"^\| `kechuang (\w+)", text, flags=re.MULTILINE)) == set(commands.commands)
    for used in re.findall(r"`kechuang (\w+)", text):
        assert used in commands.commands, used
    for status in (0, InputError.exit_status, CheckFailed.exit_status, 130, 1):
        assert re.search(rf"[:;：；] ?{status} ", text), f"exit status {status} is not explained"


def test_readme_counts_the_levers() -> None:
    english, chinese = (file.read_text(encoding="utf-8") for file in READMES)
    assert f"All {len(LEVERS)} levers work" in english
    assert f"{len(LEVERS)}项政策工具全部可用" in chinese


def test_readme_names_every_scenario_of_the_library() -> None:
    names = {file.stem for file in (ROOT / "scenarios").glob("*.yaml")}
    for file in READMES:
        assert names <= set(re.findall(r"`([\w-]+)`", file.read_text(encoding="utf-8"))), file.name


def test_chinese_text_has_chinese_punctuation() -> None:
    for line in prose(ROOT / "README.zh.md").splitlines():
        half = re.search(r"[\u4e00-\u9fff`][,;:!?()]|[,;:!?()][\u4e00-\u9fff]", re.sub(r"\]\([^)]*\)", "]", line))
        assert half is None, f"{half[0] if half else ''} in: {line}"


# Snippets


# The README in Chinese holds the code of the other one (test_readmes_have_the_same_blocks).
@pytest.mark.parametrize("file", [page for page in PAGES if page != READMES[1]], ids=name_of)
def test_python_snippets_run(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snippets = blocks(file, "python")
    if not snippets:
        return
    import matplotlib as mpl

    monkeypatch.setattr(mpl, "rcParams", mpl.rcParams.copy())
    mpl.use("agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kechuang.ensemble.run.available_processors", lambda: 1)
    for snippet in snippets:
        exec(compile(snippet, str(file), "exec"), {})


@pytest.mark.parametrize("file", READMES, ids=name_of)
def test_scenario_snippets_are_right(file: Path, tmp_path: Path) -> None:
    for number, snippet in enumerate(blocks(file, "yaml")):
        path = tmp_path / f"snippet-{number}.yaml"
        path.write_text(snippet, encoding="utf-8")
        scenario = load_scenario(path)
        assert f"{scenario.name}.yaml" in file.read_text(encoding="utf-8"), "saved under another name than told"


# First steps


@pytest.fixture
def first_steps(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS))
    import make_first_steps  # type: ignore[import-not-found]

    return make_first_steps


def test_first_steps_answer_as_printed(first_steps: ModuleType, tmp_path: Path) -> None:
    """Commands that run no city are typed again; the others, typed in the README too, stand there with an answer."""
    tasks = first_steps.read_tasks()["tasks"]
    pages = {language: file.read_text(encoding="utf-8") for language, file in first_steps.PAGES.items()}
    typed_again = 0
    for task in tasks:
        for name, text in task["files"].items():
            (tmp_path / name).write_text(text, encoding="utf-8")
            assert all(text.strip() in page for page in pages.values()), name
        for command in task["commands"]:
            if command.split()[1] in first_steps.TALKS:
                assert all(f"$ {first_steps.spoken(command, one)}\n" in page for one, page in pages.items())
                continue
            seen = first_steps.answer(command, tmp_path)
            typed_again += 1
            assert all(f"$ {command}\n{seen}\n```" in page for page in pages.values()), f"run {first_steps.__name__}.py"
    assert len(tasks) == 6
    assert typed_again >= 7


# ODD and decisions


@pytest.fixture
def make_odd(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS))
    import make_odd  # type: ignore[import-not-found]

    return make_odd


def test_odd_is_up_to_date(make_odd: ModuleType) -> None:
    text = (DOCS / "odd.md").read_text(encoding="utf-8")
    assert make_odd.render(text) == text, f"run {Path(sys.executable).name} docs/make_odd.py"


def test_odd_notices_a_change_and_a_lost_marker(make_odd: ModuleType) -> None:
    text = (DOCS / "odd.md").read_text(encoding="utf-8")
    assert make_odd.render(text.replace("firms and cells share demand", "firms share demand")) == text
    with pytest.raises(ValueError, match="schedule"):
        make_odd.render(text.replace("<!-- begin: schedule -->", ""))
    with pytest.raises(ValueError, match="weather"):
        make_odd.render(text + "<!-- begin: weather -->\n<!-- end: weather -->\n")


def test_odd_tables_are_complete(make_odd: ModuleType) -> None:
    from kechuang.parameters import load_parameters
    from kechuang.randomness import Purpose
    from kechuang.world.indicators import KEYS
    from kechuang.world.policy.own import PHASES
    from kechuang.world.population.firms import FirmColumns

    text = (DOCS / "odd.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text))
    assert {*FirmColumns._fields, *KEYS, *LEVERS, *load_parameters(), *(one.name for one in Purpose)} <= named
    assert make_odd.schedule().count("\n") == len(PHASES) + 1


def test_flows_of_a_run_are_those_of_the_odd(make_odd: ModuleType) -> None:
    import kechuang as kc

    city = kc.Corridor(kc.load_scenario("baseline"), seed=1, scale=0.02, collect=False)
    posted: set[str] = set()
    for _ in range(4):
        city.step()
        posted |= set(city.ledger.flows)
    listed = set(re.findall(r"^\| ([^|]+?) \|", make_odd.flows(), flags=re.MULTILINE))
    assert posted <= listed
    city.release()


@pytest.mark.parametrize("file", DECISIONS, ids=name_of)
def test_decision_is_short_and_complete(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    number = file.name[:3]
    assert re.match(rf"# {number} \S", text), "the title begins with the number of the file"
    assert len(text.splitlines()) < 40
    titles = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert [title for title in titles if title in SECTIONS] == list(SECTIONS)


def test_decisions_are_numbered_and_indexed_under_their_title() -> None:
    assert [file.name[:3] for file in DECISIONS] == [f"{number:03d}" for number in range(1, len(DECISIONS) + 1)]
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for file in DECISIONS:
        title = file.read_text(encoding="utf-8").splitlines()[0].removeprefix(f"# {file.name[:3]} ")
        assert f"| [{file.name[:3]}](decisions/{file.name}) | {title} |" in index, file.name
