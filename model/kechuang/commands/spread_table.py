"""What the spread of each target is made of, as a terminal shows it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from kechuang.analyse.targets import JUDGED
from kechuang.commands.compare_table import plain_table

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "heading": "What the spread of each target is made of, % of its variance",
        "columns": "Target|by|closure|parameters|luck",
        "together": "together {share}",
        "caption": "Closure: which reading of certification holds; parameters: what nobody knows; luck: the same "
        "parameters with other chance events. `--again 24` tells parameters from luck where they stand together.",
    },
    "zh": {
        "heading": "各目标的离散程度由哪些因素造成，占方差的%",
        "columns": "目标|期限|封闭假设|参数|随机因素",
        "together": "合计 {share}",
        "caption": "封闭假设：认定机制取哪一种；参数：尚不清楚的数值；随机因素：参数相同而偶然事件不同。参数与随机因素合计列示时，"
        "可用 --again 24 加以区分。",
    },
}


def spread_view(spread: pd.DataFrame, language: str) -> RenderableType:
    """Return the shares of closure, parameters and luck in the variance of every judged target that varies."""
    from rich.console import Group
    from rich.text import Text

    words = WORDS[language]
    shown = spread[(spread["status"] == JUDGED) & spread["closure"].notna()]
    if shown.empty:
        return Group()
    table = plain_table(words["columns"].split("|"))
    for _, row in shown.iterrows():
        table.add_row(str(row[f"title_{language}"]), str(row["date"]), *_cells(row, language))
    return Group(Text(words["heading"], style="bold"), table, Text(words["caption"], style="dim"))


def _cells(row: Any, language: str) -> tuple[str, str, str]:
    closure, parameters, luck = (_percent(row[name]) for name in ("closure", "parameters", "luck"))
    if not luck:
        return closure, "", WORDS[language]["together"].format(share=_percent(row["within"]))
    error = float(row["luck_error"])
    return closure, parameters, luck if math.isnan(error) else f"{luck} ±{_percent(error)}"


def _percent(share: Any) -> str:
    return "" if math.isnan(float(share)) else f"{100.0 * float(share):.0f}"
