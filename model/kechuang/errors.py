"""What can go wrong because of what the user typed, and how it is said: everything at once, with a place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, order=True)
class Problem:
    """One fault of an input: where it stands, under which key, what is wrong and what would be right."""

    file: str
    line: int = 0
    column: int = 0
    key: str = ""
    message: str = ""

    def __str__(self) -> str:
        place = self.file if not self.line else f"{self.file}:{self.line}:{self.column or 1}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class InputError(ValueError):
    """The user's input cannot be used; carries every problem found, so that all can be mended at once."""

    exit_status = 2

    def __init__(self, problems: Problem | str | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(file=problems)
        self.problems = [problems] if isinstance(problems, Problem) else sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CheckFailed(RuntimeError):
    """A check that the user asked for did not hold (exit status 3)."""

    exit_status = 3


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return ' (did you mean "x"?)' for the nearest valid name, or an empty text."""
    near = get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""
