"""Indicators of talent: people by kind, who comes and leaves, wages, vacancies, academicians, spin-offs."""

from __future__ import annotations

from kechuang.world.indicators.record import Indicator

_STAFF = "R&D staff and top talent of the firms followed one by one"

PEOPLE_INDICATORS = (
    Indicator("talent_total", "persons", "R&D staff and top talent", "研发人员与高端人才", f"{_STAFF}, with and without a job"),
    Indicator("talent_researchers", "persons", "Researchers", "研究人员", "researchers, with and without a job"),
    Indicator(
        "talent_inflow",
        "persons",
        "Talent moving in",
        "人才流入",
        "researchers, engineers and top talent who moved to the city in the quarter",
        kind="flow",
    ),
    Indicator(
        "talent_trained",
        "persons",
        "Engineers trained for local firms",
        "定向培养的工程师",
        "engineers in the quarter out of the extra training of graduates",
        kind="flow",
    ),
    Indicator(
        "talent_outflow",
        "persons",
        "Talent leaving",
        "人才流出",
        "researchers, engineers and top talent who left the city or retired in the quarter",
        kind="flow",
    ),
    Indicator(
        "wage_researcher",
        "万元 per person",
        "Wage of researchers",
        "研究人员年薪",
        "mean yearly wage of researchers with a job",
        kind="index",
        prices="nominal",
        decimals=1,
    ),
    Indicator(
        "talent_unfilled_share",
        "%",
        "Unfilled vacancies for R&D staff",
        "研发岗位空缺未满足率",
        "share of the quarter's vacancies for R&D staff that nobody was found for",
        kind="index",
        decimals=1,
    ),
    Indicator(
        "talent_unemployed_share",
        "%",
        "R&D staff looking for a job",
        "研发人员待业比例",
        f"share without a job among {_STAFF}",
        kind="index",
        decimals=1,
    ),
    Indicator(
        "rd_unstaffed_share",
        "%",
        "R&D not done for want of staff",
        "因人手不足未开展的研发占比",
        "share of the R&D that firms have in mind for which they have no staff, in the quarter",
        kind="index",
        decimals=1,
    ),
    Indicator(
        "academicians",
        "academicians",
        "Visits of academicians",
        "院士来访（累计）",
        "visits of academicians since 2019Q2",
        kind="cumulative",
    ),
    Indicator(
        "academician_projects",
        "projects",
        "Projects with academicians",
        "院士合作项目（累计）",
        "projects at firms of the city that came of these visits",
        kind="cumulative",
    ),
    Indicator(
        "spin_offs",
        "firms",
        "Spin-offs",
        "研发人员创办企业",
        "firms founded in the quarter by R&D staff and top talent",
        kind="flow",
    ),
    Indicator("graduates", "persons", "Graduates", "高校毕业生存量", "graduates in the city beside R&D staff and top talent"),
)
