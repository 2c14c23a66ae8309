"""What the forecast and the transfer have found, a sentence each in both languages, read from their study files.

The page of the calibration quotes them, so that whoever reads one page knows what the others say.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kechuang.analyse.city_effect import FAR, far_moved, largest_move
from kechuang.analyse.forecast import FULL
from kechuang.analyse.forecast_page import core_score
from kechuang.parameters import load_parameters

FORECAST, TRANSFER, EFFECT = "forecast", "transfer-wenzhou", "city-effect-wenzhou"
"""Names of the study files in calibration/studies/."""
_PAGES = {FORECAST: "forecast.md", TRANSFER: "transfer.md", EFFECT: "city-effect.md"}
_VERDICTS = {
    "pass": ("passes: both counts of 2020 lie in its 90 % intervals", "通过：2020年两项企业数均落在90%区间之内"),
    "partial": (
        "passes in part: the counts are missed or said too vaguely, but the high-tech firms come near once the number of "
        "technology SMEs is given",
        "部分通过：两项企业数预测有偏或过宽，但给定科技型中小企业数后，高新技术企业数接近实际",
    ),
    "fail": ("fails: the counts of 2020 are not met", "未通过：未能预测2020年的企业数"),
}


class Finding(NamedTuple):
    """A sentence in English and Chinese, and the page beside this one that says more."""

    en: str
    zh: str
    page: str


def findings(studies: Path, pages: Path) -> list[Finding]:
    """Return what the study files in one folder say, those whose page stands in the other folder."""
    tellers = {FORECAST: _forecast, TRANSFER: _transfer, EFFECT: _effect}
    return [
        Finding(*words, _PAGES[name])
        for name, teller in tellers.items()
        if (studies / f"{name}.yaml").is_file() and (pages / _PAGES[name]).is_file()
        for words in teller(read_plain(studies / f"{name}.yaml"))
    ]


def read_plain(file: Path) -> Mapping[str, Any]:
    """Return the content of a study file."""
    from ruamel.yaml import YAML

    content: Mapping[str, Any] = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    return content


def _forecast(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    score = core_score(content["in_sample"]["figures"])
    if score is None:
        return []
    numbers = f"{score.core:.3f} : {score.full:.3f}"
    if score.as_well:
        return [(
            f"The forecast core alone does as well as the full model on the {score.counts} fitted counts that both make (mean CRPS "
            f"{numbers}, in sample): as far as these can tell, counts need no more than the core, and the rest is there for "
            "questions about levers; which of the two forecasts better, only later figures can say",
            f"就两者均能给出的{score.counts}项拟合企业数而言，仅用预测内核与完整模型一样好（平均CRPS为{numbers}，样本内）："
            "就此而言，预测企业数用内核即可，其余部分用于回答政策工具问题；两者谁预测得更好，只有以后的数据才能说明",
        )]
    return [(
        f"The forecast core alone does worse than the full model on the {score.counts} fitted counts that both make (mean CRPS "
        f"{numbers}, in sample)",
        f"就两者均能给出的{score.counts}项拟合企业数而言，仅用预测内核不如完整模型（平均CRPS为{numbers}，样本内）",
    )]


def _transfer(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    en, zh = _VERDICTS[content["verdict"]]
    if content["verdict"] == "partial" and all(entry["extrapolated"] for entry in content["entries"] if entry["model"] == FULL):
        en, zh = f"{en} (extrapolated: no draw has as many)", f"{zh}（属外推：没有一次抽样达到这一数量）"
    return [(
        f"Carried to Wenzhou without any refitting, the model {en}",
        f"不作任何重新拟合、直接用于温州时，模型{zh}",
    )]


def _effect(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    moved = far_moved(content["effects"])
    if not any(entry["explained"] for entry in content["effects"]):
        return [(
            "Neither more imitation nor another cost of certification would bring both counts of Wenzhou out right",
            "登记模仿系数和认定成本无论取何值，都不能使温州的两项企业数同时吻合",
        )]
    parameters = load_parameters()
    if not moved:
        most, far = largest_move(content["effects"])
        return [(
            f"For both counts of Wenzhou to come out right, {parameters[most].meaning.en} would have to stand {far:+.1f} standard "
            f"deviations from what was learnt, the largest move; {FAR:g} would be called an effect of the city",
            f"要使温州的两项企业数同时吻合，偏离最大的是{parameters[most].meaning.zh}，须偏离所学数值{far:+.1f}个标准差；"
            f"超过{FAR:g}个标准差才称为城市效应",
        )]
    en = " and ".join(parameters[key].meaning.en for key in moved)
    zh = "、".join(parameters[key].meaning.zh for key in moved)
    return [(
        f"For both counts of Wenzhou to come out right, {en} would have to stand more than {FAR:g} standard deviations from what "
        "was learnt: an effect of the city, to be kept in mind with projections",
        f"要使温州的两项企业数同时吻合，{zh}须偏离所学数值{FAR:g}个标准差以上：这是城市效应，解读预测时应予考虑",
    )]
