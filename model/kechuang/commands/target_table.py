"""The targets of a run as a terminal shows them, in English or Chinese, readable at 80 columns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType
    from rich.table import Table

    from kechuang.ensemble.result import Ensemble

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "heading": "{title}: {draws} draws, {parameters} parameters, seed {seed}",
        "columns": "Target|by|goal|5 - 50 - 95 %|P %",
        "alternative": "  another reading",
        "joint": "Together: ",
        "none": "This scenario names no targets.",
        "missing": "Not judged:",
        "caption": "P: share of draws that reach the goal, with its Monte-Carlo error; A, B, C: by closure of "
        "the certification ladder; + change and × ratio since 2020.",
        "posterior": "Posterior: draws of parameters, closure and luck that agree with the reported figures, replayed as they are.",
        "changed": "The posterior was made with other {changed}: run kechuang calibrate again.",
        "provisional": "Provisional parameters: one point per closure, by least squares; not a posterior.",
        "prior": "Prior parameters: nothing has been learnt from the reported figures.",
    },
    "zh": {
        "heading": "{title}:{draws} 次抽样,{parameters},种子 {seed}",
        "columns": "目标|期限|门槛|5 - 50 - 95 %|概率 %",
        "alternative": "  另一口径",
        "joint": "同时达到:",
        "none": "该情景没有列出目标。",
        "missing": "未评判:",
        "caption": "概率:达到门槛的抽样所占比例及其蒙特卡洛误差;A、B、C:按认定阶梯的三种封闭假设分列;"
        "+ 为较2020年的增量,× 为与2020年之比。",
        "posterior": "后验抽样:与已公布数据相符的参数、封闭假设与随机因素,原样重放。",
        "changed": "该后验所依据的{changed}与当前不同,请重新运行 kechuang calibrate。",
        "provisional": "参数为暂定值:每种封闭假设各取最小二乘拟合的一组,并非后验分布。",
        "prior": "参数取自先验:尚未用已公布的数据更新。",
    },
}
_PARAMETERS_ZH = {"posterior": "后验参数", "provisional": "暂定参数", "prior": "先验参数"}
_ORIGIN = {
    "en": {"parameters": "parameters", "figures": "figures", "simulation": "simulation code"},
    "zh": {"parameters": "参数", "figures": "数据", "simulation": "模拟代码"},
}
_STATUS_ZH = (
    ("no indicator yet", "暂无对应指标"),
    ("not judged: needs 2020 prices, the indicator is nominal", "需要2020年价格口径,而指标为当年价"),
    ("not judged: needs nominal, the indicator is 2020 prices", "需要当年价口径,而指标为2020年价"),
    (" lies outside the run", " 不在模拟期内"),
    ("not judged: ", ""),
)
_JUDGED = "judged"


def target_view(result: Ensemble, language: str) -> RenderableType:
    """Return the judged targets as a table and, below it, those that cannot be judged with the reason."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    words, targets = WORDS[language], result.targets
    parameters = _PARAMETERS_ZH.get(result.parameters, "") if language == "zh" else result.parameters
    heading = words["heading"].format(
        title=result.record["scenario"]["title"][language],
        draws=len(result.record["draws"]),
        parameters=parameters,
        seed=result.record["seed"],
    )
    parts: list[RenderableType] = [Text(heading, style="bold")]
    if targets.empty:
        return Group(*parts, Text(words["none"]))
    parts.append(_table(targets, language))
    missing = list(_missing(targets, language))
    if missing:
        parts += [Text(words["missing"]), *(Padding(Text(line), (0, 0, 0, 2)) for line in missing), Text()]
    parts += [Text(words["caption"], style="dim"), Text(words.get(result.parameters, ""), style="dim")]
    parts += [Text(line, style="bold") for line in posterior_notes(result, language)]
    return Group(*parts)


def posterior_notes(result: Ensemble, language: str) -> list[str]:
    """Return a line that says what has changed since the posterior of a run was made, if anything has."""
    changed = result.record.get("posterior", {}).get("changed_since", [])
    names = (", " if language == "en" else "、").join(_ORIGIN[language][name] for name in changed)
    return [WORDS[language]["changed"].format(changed=names)] if changed else []


def _table(targets: pd.DataFrame, language: str) -> Table:
    from rich import box
    from rich.table import Table

    closures = sorted(set(targets["closure"]) - {"all"})
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    first, *others = WORDS[language]["columns"].split("|")
    table.add_column(first, overflow="fold", min_width=14)
    for name in others:
        table.add_column(name, no_wrap=True, justify="right" if name != others[0] else "left")
    for closure in closures:
        table.add_column(closure, no_wrap=True, justify="right")
    judged = targets[targets["status"] == _JUDGED]
    for _, group in judged.groupby("group", sort=False):
        for _, rows in group.groupby("id", sort=False):
            table.add_row(*_cells(rows.set_index("closure"), closures, language))
        table.add_section()
    return table


def _cells(rows: pd.DataFrame, closures: list[str], language: str) -> list[str]:
    row = rows.loc["all"]
    title = str(row[f"title_{language}"])
    ranges = " ".join(_number(row[f"value_{level}"]) for level in ("05", "50", "95"))
    if row["kind"] == "alternative":
        title = WORDS[language]["alternative"]
    elif row["kind"] == "joint":
        title, ranges = WORDS[language]["joint"] + title, ""
    probability = f"{_percent(row['probability'])} ±{_error(row['error']):>2}"
    parts = [_percent(rows.loc[closure, "probability"]) if closure in rows.index else "" for closure in closures]
    return [title, str(row["date"]), _goal(row), ranges, probability, *parts]


def _missing(targets: pd.DataFrame, language: str) -> Iterator[str]:
    """Yield one line per reason with all targets that it keeps from being judged, each named once."""
    kept = targets[(targets["status"] != _JUDGED) & (targets["kind"] != "alternative")]
    for status, rows in kept.groupby("status", sort=False):
        reason, names = (
            str(status),
            [f"{row[f'title_{language}']} ({row['date']})" for _, row in rows.iterrows()],
        )
        if language == "zh":
            for english, chinese in _STATUS_ZH:
                reason = reason.replace(english, chinese)
            yield f"{reason}:{'、'.join(names)}"
        else:
            yield f"{reason.removeprefix('not judged: ')}: {'; '.join(names)}"


def _goal(row: Any) -> str:
    """Return the threshold: ≥2380, for a change ≥+5, for a ratio ≥×2."""
    sign = {">=": "≥", "<=": "≤"}.get(str(row["operation"]), "")
    against = {"change": "+", "ratio": "×"}.get(str(row["basis"]).split(" ")[0], "")
    return f"{sign}{against}{row['threshold']:g}" if sign else ""


def _number(value: Any) -> str:
    """Return about three digits, and large numbers in full: 11087, 463, 31.4, 3.41, 0.17."""
    number = float(value)
    if math.isnan(number):
        return "-"
    decimals = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2
    return f"{number:.{decimals}f}"


def _error(share: Any) -> str:
    """Return an error in percent, never rounded to nothing: 14, 0.5."""
    percent = 100.0 * float(share)
    return f"{percent:.0f}" if percent >= 0.95 else f"{percent:.1f}"


def _percent(share: Any) -> str:
    return "-" if math.isnan(float(share)) else f"{100.0 * float(share):.0f}"
