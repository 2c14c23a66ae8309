"""Figures to SVG and PNG with Chinese that can be read, and the same bytes on every machine.

SVG keeps text as text: the reader's browser brings the glyphs, so any machine can make it. Text is laid out with the
font that comes with matplotlib, never with an installed one, or the bytes would depend on the machine. PNG needs the
glyphs here and now: where no font has them the picture is made in English, and the caller is told.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAYOUT_FONT = "DejaVu Sans"
CSS_STACK = ("system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', 'Noto Sans', 'PingFang SC', 'Microsoft YaHei', "
             "'Noto Sans CJK SC', 'Source Han Sans SC', 'WenQuanYi Micro Hei', Arial, sans-serif")
KNOWN_FAMILIES = ("Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "Noto Sans CJK JP", "PingFang SC",
                  "Microsoft YaHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Hiragino Sans GB", "Heiti SC",
                  "SimHei", "Droid Sans Fallback", "Arial Unicode MS")
_FILE_HINTS = ("notosanscjk", "sourcehansans", "notosanssc", "pingfang", "msyh", "wqy", "droidsansfallback", "simhei")
_STYLE = {
    "font.size": 10, "axes.edgecolor": "#8a949e", "axes.linewidth": 0.8, "axes.labelcolor": "#3d4852",
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10, "text.color": "#1b2733",
    "xtick.color": "#3d4852", "ytick.color": "#3d4852", "xtick.labelsize": 9.5, "ytick.labelsize": 9.5,
    "grid.color": "#dfe4e8", "grid.linewidth": 0.7, "axes.axisbelow": True, "svg.fonttype": "none",
    "path.simplify": False, "hatch.linewidth": 0.6,
}


@contextmanager
def style(families: tuple[str, ...] = (LAYOUT_FONT,)) -> Iterator[None]:
    """Draw with the look of the report, whatever the user's own settings are."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        if families == (LAYOUT_FONT,):
            # Chinese laid out with a font that lacks it: the reader's browser has it.
            warnings.filterwarnings("ignore", message=".*[Gg]lyph.*", category=UserWarning)
        # The backend belongs to the user's session (a notebook has chosen one) and plays no part here.
        defaults: dict[Any, Any] = {**matplotlib.rcParamsDefault, **_STYLE}
        matplotlib.rcParams.update({key: value for key, value in defaults.items() if not key.startswith("backend")})
        matplotlib.rcParams["font.sans-serif"] = list(families)
        yield


def svg(figure: Figure, name: str) -> str:
    """Return a figure as one SVG element; `name` makes its ids unique among the figures of a page."""
    import matplotlib

    buffer = io.BytesIO()
    with style():
        matplotlib.rcParams["svg.hashsalt"] = f"kechuang {name}"
        figure.savefig(buffer, format="svg", transparent=True,
                       metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _tidy(buffer.getvalue().decode("utf-8"), name)


def _tidy(text: str, name: str) -> str:
    """Keep the SVG element alone, with the reader's fonts, short numbers and ids of its own."""
    text = text[text.index("<svg"):]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;\"]*", lambda _: f"font-family: {CSS_STACK}", text)
    text = re.sub(r"font: ([^;\"]*?)'[^;\"]*", lambda found: f"font: {found[1]}{CSS_STACK}", text)
    text = re.sub(r" transform=\"rotate\(-?0 [^\"]*\)\"", "", text)
    text = re.sub(r"-?\d+\.\d{3,}", _short, text)
    # Group ids of matplotlib repeat in every figure and nothing refers to them.
    text = re.sub(r"<g id=\"[^\"]*\"", "<g", text)
    for pattern in (r'(\bid=")([^"]+)', r'(xlink:href="#)([^"]+)', r"(url\(#)([^)]+)"):
        text = re.sub(pattern, lambda found: f"{found[1]}{name}-{found[2]}", text)
    return re.sub(r"\s*\n\s*", "\n", text).strip()


def _short(found: re.Match[str]) -> str:
    rounded = f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if rounded in ("-0", "") else rounded


def inline(text: str, name: str, title: str, description: str) -> str:
    """Return an SVG element ready for a page: it takes the width it gets and tells a screen reader what it shows."""
    text = re.sub(r"<style type=\"text/css\">.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*</defs>", "", text)
    head = f'<svg class="chart" role="img" aria-labelledby="{name}-title {name}-text"'
    text = re.sub(r"<svg(.*?) width=\"[^\"]*\" height=\"[^\"]*\"", lambda found: head + found[1], text, count=1)
    labels = (f'<title id="{name}-title">{escape(title)}</title>'
              f'<desc id="{name}-text">{escape(description)}</desc>')
    end = text.index(">") + 1
    return text[:end] + labels + text[end:]


def chinese_family() -> str:
    """Return an installed font family with Chinese glyphs, or an empty text."""
    from matplotlib import font_manager

    names = {entry.name for entry in font_manager.fontManager.ttflist}
    if not names & set(KNOWN_FAMILIES):
        # The list of matplotlib is made once; a font installed later is missing from it.
        for path in sorted(font_manager.findSystemFonts()):
            if any(hint in Path(path).stem.lower().replace("-", "") for hint in _FILE_HINTS):
                font_manager.fontManager.addfont(path)
        names = {entry.name for entry in font_manager.fontManager.ttflist}
    return next((family for family in KNOWN_FAMILIES if family in names), "")


def save_png(make: Callable[[str], Figure], language: str, path: Path, dpi: int = 160) -> str:
    """Save the picture that `make(language)` draws; return '' or a sentence that says it is in English, and why."""
    family = chinese_family()
    notice = ""
    if language == "zh" and not family:
        language = "en"
        notice = (f"{path.name} is in English: no font with Chinese glyphs was found on this machine "
                  "(on Debian or Ubuntu: apt-get install fonts-noto-cjk)")
    figure = make(language)
    with style((family, LAYOUT_FONT) if family else (LAYOUT_FONT,)):
        figure.savefig(path, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return notice
