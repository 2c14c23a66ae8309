"""The report of a run or of a comparison: one offline page in English and Chinese, a pure function of its folder."""

from __future__ import annotations

from pathlib import Path

LANGUAGES = ("en", "zh")


def build(folder: Path, languages: tuple[str, ...] = LANGUAGES) -> Path:
    """Write `report.html` and `figures/*.svg` into the folder of a run or of a comparison and return the path of the page.

    The first language of `languages` is the one shown when the page is opened.
    """
    from kechuang.report.page import build_page

    return build_page(Path(folder), languages)
