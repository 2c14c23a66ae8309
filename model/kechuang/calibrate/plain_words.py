"""What a planner should take home from a calibration, as one paragraph in English and one in Chinese.

What the model knows, what it does not, where it fails, which figure to ask for: every clause is made from the result, and a
table with too few rows says nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kechuang.analyse.findings import Finding
from kechuang.calibrate.assess import IDENTIFIED, PARTLY, SET_BY_PRIOR, by_status
from kechuang.evidence import load_summaries
from kechuang.parameters import load_parameters
from kechuang.world.indicators import INDICATORS

Result = Mapping[str, Any]

ENOUGH = 200.0
"""Effective sample size that a posterior must have."""
WIDEST = 1.5
"""How much wider than the error model's a predicted interval may be."""
COVERED = (0.80, 0.98)
"""Shares of synthetic cities that nominal 90 % intervals may hold."""
MANY = 11
"""One parameter in so many may lie outside that range: with 40 cities, right intervals do too."""
UNLIKELY = 0.05
"""Chance, over all parameters together, below which ranks are not uniform."""
MOVED = 0.25
"""Move of a quantile, in 90 % widths, from which only the envelope should be quoted."""
_NAMED = 4


class Words(NamedTuple):
    """The same in English and Chinese."""

    en: str
    zh: str


def plain_words(result: Result, others: Sequence[Finding] = ()) -> str:
    """Return the two paragraphs; `others` is what forecast and transfer have found."""
    if result["effective"] < ENOUGH:
        return (
            "**In plain words.** Too few simulations agree with the figures to say what the model knows.\n\n"
            "**摘要**：与公开数据相符的模拟太少，尚不能判断模型了解什么。"
        )
    clauses = [_known(result), _failing(failures(result)), best_figure(result), *_elsewhere(others)]
    return f"**In plain words.** {' '.join(one.en for one in clauses)}\n\n**摘要**：{''.join(one.zh for one in clauses)}"


def _known(result: Result) -> Words:
    groups, figures = by_status(result["parameters"]), result["figures"]
    missed = [name for name, one in figures.items() if not one["inside"]]
    known, partly, prior = (groups[status] for status in (IDENTIFIED, PARTLY, SET_BY_PRIOR))
    made = "all of them at once" if not missed else f"all of them at once but {_figures(missed).en}"
    made_zh = "均可同时再现" if not missed else f"除{_figures(missed).zh}外均可同时再现"
    total = len(result["parameters"])
    listed, listed_zh = (f" ({_parameters(known).en})", f"（{_parameters(known).zh}）") if known else ("", "")
    return Words(
        f"The model knows Taizhou in the years 2016 to 2020 as far as {len(figures)} reported figures describe it; it makes "
        f"{made}. From them it learns {len(known)} of {total} uncertain parameters well{listed}, and {len(partly)} in part. It "
        f"does not know the other {len(prior)}: there it repeats what was assumed beforehand, and so does every statement about "
        "policies that work through them.",
        f"模型对台州2016—2020年的了解以{len(figures)}项公开数据为限，这些数据{made_zh}。据此，{total}个不确定参数中有{len(known)}个"
        f"得到较好识别{listed_zh}，{len(partly)}个得到部分识别；其余{len(prior)}个仍是事先的假定，凡依赖这些参数的政策结论也是如此。",
    )


def failures(result: Result) -> list[Words]:
    """Return what the checks of a result find wrong, in the order of the page."""
    figures, recovery = result["figures"], result["recovery"]
    found = []
    wide = [name for name, one in figures.items() if one["width"] > WIDEST]
    if wide:
        found.append(Words(f"it says {_figures(wide).en} more vaguely than the source does",
                           f"对{_figures(wide).zh}的推断比数据来源本身更模糊"))
    missed = [name for name, one in result["left_out"].items() if not one["inside"]]
    if missed:
        found.append(Words(f"from the other figures it would not have predicted {_figures(missed).en}",
                           f"仅凭其他数据无法预测{_figures(missed).zh}"))
    off = [key for key, one in recovery["parameters"].items() if not COVERED[0] <= one["covered"] <= COVERED[1]]
    if not cities_are_answered(result):
        found.append(Words("there are too few simulations to learn synthetic cities back", "模拟数量不足以对合成城市进行反演检验"))
    elif MANY * len(off) > len(recovery["parameters"]):
        found.append(Words(f"in synthetic cities its intervals are not as wide as they should be for {_parameters(off).en}",
                           f"在合成城市检验中，{_parameters(off).zh}的区间宽度不当"))
    if cities_are_answered(result) and not ranks_are_uniform(result):
        found.append(Words("ranks of the truth in synthetic cities are not uniform", "合成城市中真值的秩不服从均匀分布"))
    moved = [key for key, one in result["sensitivity"]["envelope"].items() if one["moved"] > MOVED]
    if moved:
        found.append(Words(f"what it says about {_parameters(moved).en} hangs on assumptions: only the envelope should be quoted",
                           f"关于{_parameters(moved).zh}的结论取决于假定，只宜引用包络区间"))
    return found


def ranks_are_uniform(result: Result) -> bool:
    """Whether the least p-value of all parameters is one that uniform ranks give."""
    return bool(result["recovery"]["least_p_value_all"] * len(result["parameters"]) >= UNLIKELY)


def cities_are_answered(result: Result) -> bool:
    """Whether the table could learn synthetic cities at all."""
    return "covered_all" in result["recovery"]


def _failing(found: Sequence[Words]) -> Words:
    if not found:
        return Words("None of the checks below fails, which is no proof that it is right.",
                     "以下各项检验均未失败，但这并不证明模型正确。")
    return Words(f"Where it fails: {'; '.join(one.en for one in found)}.", f"不足之处：{'；'.join(one.zh for one in found)}。")


def best_figure(result: Result) -> Words:
    """Return which further figure a planner should ask for, if any can be told from noise."""
    asked = result["worth"]["figures"]
    if not asked:
        return Words("Which further figure would help cannot be said with the rows at hand.", "现有模拟不足以判断还需要哪项数据。")
    best = asked[0]
    if not best["above_noise"]:
        return Words(
            f"None of {len(asked)} year-end figures of 2016 to 2019 can be shown to teach anything more.",
            f"在2016—2019年的{len(asked)}项年末数据中，尚不能证明有哪一项能带来新的信息。",
        )
    most = max(best["shares"], key=lambda name: float(best["shares"][name]))
    share, most_share = f"{best['score']:.0%}", f"{best['shares'][most]:.0%}"
    near = [one["figure"] for one in asked[1:] if one["above_noise"] and best["score"] - one["score"] <= 2.0 * best["score_error"]]
    as_good = f" ({', '.join(column_words(name).en for name in near)}: as good, within the error)" if near else ""
    as_good_zh = f"（{'、'.join(column_words(name).zh for name in near)}在误差范围内同样有用）" if near else ""
    name, about = column_words(best["figure"]), wanted_words(most)
    return Words(
        f"Of {len(asked)} year-end figures of 2016 to 2019, the one to ask the statistics bureau for is {name.en}{as_good}: it "
        f"would take {share} from the variance of what is known only in part or not fitted, most from {about.en} ({most_share}).",
        f"在2016—2019年的{len(asked)}项年末数据中，最值得向统计部门索取的是{name.zh}{as_good_zh}：平均可使部分已知量和未拟合量的"
        f"方差减少{share}，其中{about.zh}减少最多（{most_share}）。",
    )


def _elsewhere(others: Sequence[Finding]) -> list[Words]:
    if not others:
        return [Words("Its forecast from 2020 and its transfer to another city are not part of this page yet.",
                      "2020年起的预测和在其他城市的迁移检验尚未列入本页。")]
    return [Words(f"{one.en} ([more]({one.page})).", f"{one.zh}（[详见]({one.page})）。") for one in others]


def column_words(column: str) -> Words:
    """Return a column such as tech_sme_firms@2018Q4 in words."""
    key, quarter = column.split("@")
    indicator, year = INDICATORS[key], quarter[:4]
    name = indicator.en[0].lower() + indicator.en[1:] if indicator.en[1].islower() else indicator.en
    counted = "数" if indicator.unit in ("firms", "persons") else ""
    return Words(f"{name} at the end of {year}", f"{year}年末的{indicator.zh}{counted}")


def wanted_words(name: str) -> Words:
    """Return a parameter or a column in words."""
    return column_words(name) if "@" in name else parameter_words(name)


def parameter_words(key: str) -> Words:
    """Return the short name of a parameter: its meaning up to the first stop."""
    meaning = load_parameters()[key].meaning
    return Words(re.split("[:;,(]", meaning.en)[0].strip(), re.split("[：；，（]", meaning.zh)[0])


def _figures(names: Sequence[str]) -> Words:
    meanings = [load_summaries()[name].meaning for name in names]
    return Words("; ".join(one.en for one in meanings), "、".join(one.zh for one in meanings))


def _parameters(keys: Sequence[str]) -> Words:
    """Return the names of parameters; of many, the first few and how many more."""
    words = [parameter_words(key) for key in keys[:_NAMED]]
    more = len(keys) - len(words)
    return Words(
        ", ".join(one.en for one in words) + (f" and {more} more" if more else ""),
        "、".join(one.zh for one in words) + (f"等{len(keys)}个" if more else ""),
    )
