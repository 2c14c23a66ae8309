"""Reading a report in tests: its tags, its visible text, the cells of its tables."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """What stands in a page: tags in order, ids, addresses, and every tag left open or closed twice."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at line {self.getpos()[0]}")

    def values(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def visible(html: str) -> str:
    return re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]+>", " ", html, flags=re.DOTALL)


def table_of(text: str, caption: str) -> list[list[str]]:
    """Return the rows of a table of the page by a part of its caption, cells as text."""
    found = next(table for table in re.findall("<table>.*?</table>", text, flags=re.DOTALL) if caption in table)
    rows = re.findall(r"<tr.*?</tr>", found[found.index("<tbody>"):], flags=re.DOTALL)
    cells = (re.findall(r"<t[hd].*?</t[hd]>", row, flags=re.DOTALL) for row in rows)
    return [[unescape(re.sub("<[^>]+>", "", cell)) for cell in row] for row in cells]


def amount(cell: str) -> float:
    return float(cell.replace(",", "").replace("−", "-") or 0.0)
