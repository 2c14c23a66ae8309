"""What the tables of a comparison say, in English and in Chinese."""

from __future__ import annotations

from kechuang.analyse.compare_costs import BOTH_BAD, BOTH_GOOD, NOT_REPORTED, SAVED
from kechuang.analyse.compare_statistics import NO_VALUE, UNDEFINED
from kechuang.analyse.comparison import CANNOT_ORDER

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "heading": "{draws} draws, seed {seed}; the same parameters and the same luck in all scenarios",
        "subject": "{date}: {scenario} minus {base}",
        "columns": "Indicator|base|difference|5 - 50 - 95 %|P %|ratio",
        "costs": "Costs up to {date}, 亿元 in 2020 prices, as of the end of 2020 (differences)",
        "cost columns": "Item|who|4 % a year [95 %]:|2 %|6 %",
        "orders": "Order of the scenarios, highest first",
        "order columns": "Indicator|at|most frequent|% of draws|verdict:",
        "same": "same",
        "no value": "-",
        CANNOT_ORDER: "The evidence cannot order these",
        "but": "; clear: ",
        "narrow": "Ordered by less than the Monte-Carlo error",
        "comma": ", ",
        "and": "; ",
        "colon": ": ",
        "before unit": ", ",
        "a quarter": " a quarter",
        "payer city": "city",
        "payer all": "all public",
        "payer both": "either",
        SAVED: "saved per unit lost",
        BOTH_GOOD: "gains and saves",
        BOTH_BAD: "costs and loses",
        "caption": "Difference: mean over draws with its 95 % interval (paired t), then its 5, 50 and 95 % among draws; "
        "P: share of draws above the base, with its Monte-Carlo error; ratio: variance of independent runs over that "
        "of paired ones. Money in prices of the day unless 2020 prices are named. Costs: share of the city, or all "
        "public budgets; ratios with 95 % bootstrap intervals. An order needs 80 % of the draws.",
        "posterior": "Posterior draws: the spread is that of luck, closure and what the figures leave open about parameters.",
        "provisional": "Provisional parameters, one point per closure: the spread is that of luck and closure only. "
        "What nobody knows about the parameters is not in these intervals and probabilities.",
        "prior": "Prior parameters: nothing has been learnt from the reported figures.",
    },
    "zh": {
        "heading": "{draws} 次抽样，种子 {seed}；各情景的参数与随机因素完全相同",
        "subject": "{date}：{scenario} 减 {base}",
        "columns": "指标|基准|差值|5 - 50 - 95 %|概率 %|方差比",
        "costs": "截至 {date} 的成本差额，亿元，2020年价格，折现到2020年底",
        "cost columns": "项目|承担方|年折现率4 %[95 %]:|2 %|6 %",
        "orders": "各情景排序(由高到低)",
        "order columns": "指标|时点|最常见排序|占抽样 %|结论:",
        "same": "相同",
        "no value": "-",
        CANNOT_ORDER: "现有证据无法排序",
        "but": "；可确定：",
        "narrow": "排序优势小于蒙特卡洛误差",
        "comma": "、",
        "and": "、",
        "colon": "：",
        "before unit": " ",
        "a quarter": "/季",
        "payer city": "本市",
        "payer all": "各级财政",
        "payer both": "两种口径",
        SAVED: "每减少一单位所节省",
        BOTH_GOOD: "成效增加且支出减少",
        BOTH_BAD: "支出增加而成效减少",
        "caption": "差值：各次抽样配对差的均值及其95 %置信区间（配对t），其后为配对差的5、50、95 %分位数；概率：高于基准的"
        "抽样所占比例及其蒙特卡洛误差；方差比：独立模拟的方差与配对模拟的方差之比。除注明2020年价格外，金额均为当年价。成本分"
        "本市承担和各级财政合计两种口径；单位成本附95 %自助法区间。只有80 %以上的抽样一致，才认为可以排序。",
        "posterior": "后验抽样：差异来自随机因素、封闭假设以及数据未能确定的参数。",
        "provisional": "参数为暂定值，每种封闭假设各一组：区间和概率只反映随机因素与封闭假设的差别，不含参数本身的不确定性。",
        "prior": "参数取自先验：尚未用已公布的数据更新。",
    },
}
COST_ITEMS: dict[str, dict[str, str]] = {
    "en": {
        "cash": "Cash, with administration",
        "forgone": "Tax forgone",
        "contingent": "Expected loss",
        "total": "Total",
        "local_revenue": "Local revenue, all causes",
        "rd_real": "Real R&D gained",
        "value_added": "Value added gained",
        "per_high_tech_firm": "Per additional high-tech firm, 万元",
        "relabelled_share": "  of these certified by relabelling, %",
        "per_real_rd": "Per yuan of real R&D, yuan",
        "per_value_added": "Per yuan of value added, yuan",
    },
    "zh": {
        "cash": "现金支出（含管理费用）",
        "forgone": "减免税收",
        "contingent": "预期损失",
        "total": "合计",
        "local_revenue": "地方税收变化（各种原因）",
        "rd_real": "增加的实际研发",
        "value_added": "增加的增加值",
        "per_high_tech_firm": "每新增一家高企，万元",
        "relabelled_share": "  其中靠归集达标的，%",
        "per_real_rd": "每1元实际研发，元",
        "per_value_added": "每1元增加值，元",
    },
}
UNITS: dict[str, dict[str, str]] = {
    "en": {"firms": "", "persons": "", "patents": "", "%": "pp"},
    "zh": {"firms": "", "persons": "", "patents": "", "%": "百分点"},
}
"""Units of differences as words; those not listed are written as declared."""
STATUS_ZH = {
    UNDEFINED: "无法计算：成效与零无法区分",
    NOT_REPORTED: "未报告：该时点或门槛没有研发强度分布",
    NO_VALUE: "无数值",
}
