"""Levers on talent and platforms (V6, V7, V14-V16, V19).

Ranges and paths whose source does not name them are assumed; every `source` says which.
"""

from __future__ import annotations

from kechuang.scenario.lever_record import MAIN, Dial, Lever

_TALENT = "talent market and migration"
_PLATFORMS = "platforms and research carriers"
_FIRM_STEPS = (0, 1, 2, 3)

TALENT_LEVERS: tuple[Lever, ...] = (
    Lever(
        number=6,
        key="talent_subsidy",
        level="city",
        mechanism=_TALENT,
        en="Grant to a hired newcomer",
        zh="引进人才补贴",
        reach=("places", "ladder"),
        ladder_steps=_FIRM_STEPS,
        dials=(
            Dial(MAIN, "万元 per person", 0, 50, (("2016Q1", 0), ("2017Q1", 2), ("2020Q3", 4))),
            Dial(
                "weight_researcher",
                "share",
                0,
                5,
                (("2016Q1", 1),),
                en="Weight of researchers",
                zh="研究人员权重",
            ),
            Dial(
                "weight_engineer",
                "share",
                0,
                5,
                (("2016Q1", 0.5),),
                en="Weight of engineers",
                zh="工程师权重",
            ),
            Dial(
                "weight_graduate",
                "share",
                0,
                5,
                (("2016Q1", 0),),
                en="Weight of graduates",
                zh="高校毕业生权重",
            ),
            Dial("weight_top", "share", 0, 5, (("2016Q1", 0),), en="Weight of top talent", zh="顶尖人才权重"),
        ),
        standard_dose=((MAIN, 4),),
        source="dates: talent policies of 2017 and August 2020; amounts assumed (Wenzhou 2-8万元)",
        evidence=("talent_policy_1", "talent_policy_2", "pol_wz_grad"),
    ),
    Lever(
        number=7,
        key="top_talent_grant",
        level="city",
        mechanism="academicians and top teams",
        en="Grant per academician or team project",
        zh="顶尖人才“一事一议”资助",
        reach=("places", "industries"),
        dials=(Dial(MAIN, "万元 per project", 0, 10_000, (("2016Q1", 0), ("2019Q2", 300))),),
        standard_dose=((MAIN, 300),),
        source="upper limit: Taizhou talent policy of August 2020; amount assumed",
        evidence=("pol_talent_team_max", "tz_academician_projects"),
    ),
    Lever(
        number=19,
        key="graduate_training",
        level="city",
        mechanism=_TALENT,
        en="Extra graduates trained for local firms",
        zh="为本地企业定向培养毕业生",
        reach=("industries",),
        dials=(Dial(MAIN, "persons a year", 0, 20_000, (("2016Q1", 0),)),),
        standard_dose=((MAIN, 2000),),
        source="assumed",
    ),
)

PLATFORM_LEVERS: tuple[Lever, ...] = (
    Lever(
        number=14,
        key="research_carriers",
        level="city",
        mechanism=_PLATFORMS,
        en="New research carriers",
        zh="新增创新载体数",
        reach=("places", "industries"),
        dials=(
            Dial(MAIN, "carriers a year", 0, 40, (("2016Q1", 11),)),
            Dial(
                "enclaves",
                "enclaves",
                0,
                40,
                (("2016Q1", 0), ("2018Q1", 2), ("2020Q1", 4)),
                en="Carriers in other cities",
                zh="科创飞地数量",
            ),
            Dial("grant", "亿元 each", 0, 2, (("2016Q1", 0.15),), en="Grant per carrier", zh="单个载体建设补助"),
        ),
        standard_dose=((MAIN, 4),),
        source="80 carriers in 2020; 25 at the end of 2015 and costs assumed",
        evidence=("tz_platforms_coop_2020",),
    ),
    Lever(
        number=15,
        key="incubator_space",
        level="city",
        mechanism="incubators",
        en="Subsidised incubator floor",
        zh="孵化场地面积",
        reach=("places", "ladder"),
        ladder_steps=(0, 1),
        dials=(Dial(MAIN, "万 m2", 0, 300, (("2015Q4", 20), ("2020Q4", 46)), linear=True),),
        standard_dose=((MAIN, 10),),
        source="23 incubators in 2020; 2万 m2 each assumed",
        evidence=("tz_incubators_2020",),
    ),
    Lever(
        number=16,
        key="joint_projects",
        level="city",
        mechanism=_PLATFORMS,
        en="Open-call and consortium projects",
        zh="“揭榜挂帅”联合攻关项目",
        reach=("ladder", "industries"),
        ladder_steps=_FIRM_STEPS,
        dials=(
            Dial(MAIN, "projects a year", 0, 100, (("2016Q1", 0), ("2019Q1", 2), ("2020Q1", 5))),
            Dial(
                "grant",
                "万元 per project",
                0,
                2000,
                (("2016Q1", 300),),
                en="Grant per project",
                zh="单个项目补助",
            ),
        ),
        standard_dose=((MAIN, 15),),
        source="Wenzhou ran 15; the rest assumed",
        evidence=("wz_challenge_projects",),
    ),
)
