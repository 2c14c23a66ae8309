"""Do the tasks of first_tasks.yaml as a planner would and write what was typed and seen: `python docs/make_first_steps.py`.

Writes first-steps.md and first-steps.zh.md. Takes some minutes: every command runs.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

DOCS = Path(__file__).parent
TASKS = DOCS / "first_tasks.yaml"
PAGES = {"en": DOCS / "first-steps.md", "zh": DOCS / "first-steps.zh.md"}
HEADS = {"en": "# First steps, as they were typed", "zh": "# 第一步：实际操作记录"}
OTHERS = {"en": "[中文](first-steps.zh.md)", "zh": "[English](first-steps.md)"}
MADE = {
    "en": "Made by `python docs/make_first_steps.py`: the commands were run, the answers are theirs.",
    "zh": "由`python docs/make_first_steps.py`生成：命令均已运行，输出为其结果。",
}
SAVED = {"en": "Saved as `{name}`:", "zh": "保存为`{name}`："}
TALKS = ("run", "compare")
"""Commands whose answer exists in both languages."""


def read_tasks() -> Mapping[str, Any]:
    """Return the introduction and the tasks."""
    found: Mapping[str, Any] = YAML(typ="safe").load(TASKS.read_text(encoding="utf-8"))
    return found


def spoken(command: str, language: str) -> str:
    """Return the command as it is typed for answers in a language."""
    speaks = shlex.split(command)[1] in TALKS
    return f"{command} --lang {language}" if speaks and language != "en" else command


def answer(command: str, folder: Path) -> str:
    """Return what a command printed, on both streams, without the path of the folder it was run in."""
    words = shlex.split(command)
    words[0] = str(Path(sys.executable).with_name(words[0]))
    surroundings = {**os.environ, "COLUMNS": "100", "LINES": "1000", "NO_COLOR": "1"}
    done = subprocess.run(words, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 2):
        raise SystemExit(f"{command} ended with status {done.returncode}:\n{done.stderr}")
    shown = done.stdout + (done.stderr if done.returncode else "")
    status = "" if done.returncode == 0 else f"\n(exit status {done.returncode})"
    lines = [line.rstrip() for line in (shown + status).replace(f"{folder}/", "").splitlines()]
    return "\n".join(lines).strip("\n")


def page(tasks: Mapping[str, Any], language: str) -> str:
    """Return the page in one language; every task is done in a fresh folder that all of them share."""
    parts = [HEADS[language], OTHERS[language], str(tasks["intro"][language]), MADE[language]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for number, task in enumerate(tasks["tasks"], 1):
            parts += [f"## {number}. {task['title'][language]}", task["why"][language]]
            for file, text in task["files"].items():
                (folder / file).write_text(text, encoding="utf-8")
                parts += [SAVED[language].format(name=file), f"```text\n{text.strip()}\n```"]
            for command in task["commands"]:
                typed = spoken(command, language)
                print(typed, file=sys.stderr)
                parts.append(f"```text\n$ {typed}\n{answer(typed, folder)}\n```")
            parts.append(task["seen"][language])
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    for language, file in PAGES.items():
        file.write_text(page(read_tasks(), language), encoding="utf-8", newline="\n")
