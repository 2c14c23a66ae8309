"""The record of figures and targets holds together: every number has a source, a use, or a reason for having none."""

from __future__ import annotations

import ast
import operator
import re
from pathlib import Path

import pytest

from kechuang import evidence as evidence_module
from kechuang import resources
from kechuang.errors import InputError
from kechuang.evidence import evidence_file, find_evidence, load_evidence, load_summaries, load_targets, trace
from kechuang.parameters import MECHANISMS, load_parameters
from kechuang.provenance import KINDS, catalogue
from kechuang.records import quoted_numbers
from kechuang.scenario.levers import LEVERS
from kechuang.targets import ANALYST, read_targets, select_targets, target_file
from kechuang.world.indicators import INDICATORS

OTHER_USES = {"cities/taizhou", "wenzhou", *MECHANISMS}
"""What may use a figure without being a parameter, lever, target, summary, indicator or figure."""
FIT_TO = {
    "tz_hte_2020_press": ("high_tech_2020", 1190), "tz_tsme_2020_press": ("tech_sme_2020", 5500),
    "tz_iva_growth_2020q1": ("value_added_q1", -18.3), "tz_iva_growth_2020m11": ("value_added_november", 3.4),
    "tz_rd_expense_growth_2020m11": ("research_november", 32.9), "tz_xwhr_users_2020": ("platform_users", 84_000),
    "tz_xwhr_total_2020": ("platform_financing", 326.34), "tz_vc_projects_2020": ("fund_projects", 50),
    "tz_platforms_coop_2020": ("carriers", 80), "tz_academician_projects": ("academician_projects", 28),
    "tz_digital_projects_2020": ("digital_key_projects", 100),
    "tz_digital_investment_2020": ("digital_investment", 47.4),
}
"""The figures a run may be fitted to; a new one is a decision, not an edit of a file."""
RECORDS = list(load_evidence().values())
SEED_RECORDS = [record for record in RECORDS if record.seed]
PRINTED = [record for record in SEED_RECORDS if not record.derived_from]


def test_ids_are_unique_and_every_document_is_read() -> None:
    ids = [record.id for record in evidence_file().records]
    assert len(ids) == len(set(ids)) == len(load_evidence())
    assert {record.seed for record in SEED_RECORDS} == {"000", "001", "002", "003", "004"}
    assert len(PRINTED) >= 120
    assert all(file.file.startswith(seed) for seed, file in evidence_file().seeds.items())


def test_every_figure_has_a_use_or_a_reason() -> None:
    for record in RECORDS:
        if record.role == "context":
            assert len(record.why_unused) > 10, record.id
            assert not record.used_by, record.id
        else:
            assert record.used_by, record.id


def test_fit_figures_are_the_agreed_ones_and_each_has_a_summary_that_reads_it() -> None:
    fit = {record.id: (record.summary, record.value) for record in RECORDS if record.role == "fit"}
    assert fit == FIT_TO
    assert {summary for summary, _ in fit.values()} == set(load_summaries()), "a summary without a figure"
    for record in RECORDS:
        if record.role == "fit":
            assert record.mechanism == load_summaries()[record.summary].mechanism, record.id
            assert record.error is not None, record.id
            assert record.error.discrepancy is not None, record.id


def test_summaries_of_present_mechanisms_read_declared_indicators() -> None:
    for key in ("high_tech_2020", "tech_sme_2020", "value_added_q1", "value_added_november", "research_november"):
        assert load_summaries()[key].indicator in INDICATORS, key


def test_later_figures_of_the_neighbour_are_for_the_transfer_test_only() -> None:
    late = [record for record in SEED_RECORDS if record.seed == "003" and record.role != "context"]
    assert len(late) >= 15
    for record in late:
        assert record.role == "check", record.id
        assert "never fitted" in record.note, record.id
        assert not set(record.used_by) & set(load_parameters()), record.id


def test_figures_dated_after_2020_are_plans_policies_or_stand_in_a_seed() -> None:
    for record in RECORDS:
        years = [int(year) for year in re.findall(r"\d{4}", record.period)]
        if max(years, default=0) > 2020 and not record.seed:
            assert record.reading == "announced" or record.id == "corridor_plan_scope", record.id


@pytest.mark.parametrize("record", PRINTED, ids=lambda record: record.id)
def test_the_value_is_the_printed_number(record: evidence_module.Evidence) -> None:
    assert 1 <= len(record.quote) <= 12
    printed = [number * record.multiplier for number in quoted_numbers(record.quote)]
    assert any(number == pytest.approx(record.value, rel=1e-12) for number in printed), record.quote
    if record.multiplier != 1:
        assert {1e4: "万", 1e8: "亿"}[record.multiplier] in record.quote


@pytest.mark.parametrize(
    ("words", "numbers"),
    [("1190家", (1190,)), ("8.4万户", (8.4,)), ("三十条", (30,)), ("十五年", (15,)), ("三千三百", (3300,)),
     ("三百", (300,)), ("一区五园", (1, 5)), ("两届", (2,)), ("翻番", (2,)), ("雙倍增", (2,)),
     ("全省之最", (1,)), ("第三", (3,)), ("11月22日", (11, 22)), ("上不封顶", ())],
)
def test_numbers_are_read_from_chinese_words(words: str, numbers: tuple[float, ...]) -> None:
    assert quoted_numbers(words) == numbers


OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def computed(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp):
        return float(OPERATORS[type(node.op)](computed(node.left), computed(node.right)))
    if isinstance(node, ast.Name):
        value = load_evidence()[node.id].value
        assert value is not None
        return value
    assert isinstance(node, ast.Constant)
    return float(node.value)


@pytest.mark.parametrize("record", [record for record in RECORDS if record.derived_from], ids=lambda record: record.id)
def test_derived_figures_follow_from_their_formula(record: evidence_module.Evidence) -> None:
    tree = ast.parse(record.formula, mode="eval").body
    assert {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} == set(record.derived_from)
    assert record.value is not None
    assert computed(tree) == pytest.approx(record.value, rel=2e-3)


def test_everything_that_uses_a_figure_exists() -> None:
    known = (set(load_parameters()) | set(LEVERS) | set(load_targets()) | set(load_summaries()) | set(INDICATORS)
             | set(load_evidence()) | OTHER_USES)
    unknown = {(record.id, name) for record in RECORDS for name in record.used_by if name not in known}
    assert not unknown


def test_no_orphans_among_parameters_levers_and_targets() -> None:
    figures = load_evidence()
    for parameter in load_parameters().values():
        assert parameter.source, parameter.key
        assert not [name for name in parameter.evidence if name not in figures], parameter.key
    for lever in LEVERS.values():
        assert lever.source or lever.evidence, lever.key
        assert not [name for name in lever.evidence if name not in figures], lever.key
    for target in load_targets().values():
        assert target.source in figures, target.id
        sources = {target.threshold_source, *(other.source for other in target.alternatives)} - {ANALYST}
        assert sources <= set(figures), target.id
        assert target.id in figures[target.source].used_by, target.id


def test_nothing_rests_on_a_figure_that_is_not_used() -> None:
    context = {record.id for record in RECORDS if record.role == "context"}
    cited = {name for one in (*load_parameters().values(), *LEVERS.values()) for name in one.evidence}
    assert not cited & context


def test_definition_traps_are_told() -> None:
    assert "queue" in find_evidence("corridor_goal_2026_qual").meaning.en
    share, ambition = find_evidence("jj_digital_share_of_tz"), find_evidence("jj_digital_goal")
    assert share.value == ambition.value == 40
    assert (share.role, ambition.role) == ("check", "target")
    assert "not a target of the city" in ambition.meaning.en.lower()
    assert "imports" in find_evidence("jj_trade_2020").meaning.en
    assert find_evidence("tz_vc_funds_total_2020").reading == "announced"


def test_targets_name_indicators_and_thresholds_that_can_be_judged() -> None:
    for target in load_targets().values():
        available = target.indicator in INDICATORS
        if available and target.basis == "level":
            assert target.unit == INDICATORS[target.indicator].unit, target.id
        if available and target.prices:
            assert target.prices == INDICATORS[target.indicator].prices, target.id
        if target.analyst and target.group.startswith("corridor"):
            assert target.qualitative, target.id
    values = {key: target.threshold for key, target in load_targets().items()}
    assert values["gdp-2026"] == 8000
    assert values["research-intensity-2026"] == 3.4
    assert values["high-tech-doubling-2025"] == 2 * 1190
    assert values["tech-sme-doubling-2025"] == 2 * 5500


def test_targets_of_documents_have_the_number_of_the_document() -> None:
    for target in load_targets().values():
        if target.threshold_source.startswith("tz_target"):
            assert target.threshold == find_evidence(target.threshold_source).value, target.id


def test_targets_are_selected_by_group_or_id_in_the_order_of_the_file() -> None:
    assert set(target_file().groups) == {"corridor-2026", "corridor-2035", "city-2025", "city-2026",
                                         "set-2016-for-2020"}
    chosen = select_targets(["gdp-2026", "corridor-2035", "gdp-2026"])
    assert [target.id for target in chosen][-1] == "gdp-2026"
    assert len(chosen) == 1 + sum(target.group == "corridor-2035" for target in load_targets().values())
    with pytest.raises(InputError, match=r'"corridor-2036" \(did you mean "corridor-20'):
        select_targets(["corridor-2036"])


def test_alternatives_change_only_what_they_name() -> None:
    target = load_targets()["high-tech-doubling-2025"]
    (variant,) = target.variants()
    assert (variant.threshold, variant.basis, variant.date) == (2, "ratio to 2021Q4", "2025Q4")
    assert variant.base_quarter == 24
    assert target.base_quarter is None
    assert target.quarter == 40


def test_trace_goes_both_ways() -> None:
    page = trace("tz_iva_growth_2020q1")
    assert {step.item.key for step in page.origins} >= {"tz_iva_growth_2020m11", "tz_iva_growth_gain_2020", "000"}
    assert {step.item.key for step in page.dependants} >= {"shock_depth_2020", "value_added_q1", "M1"}
    assert "tz_hte_2020_press" in {step.item.key for step in trace("certification_cost").origins}
    assert "tz_doubling_plan_001" in {step.item.key for step in trace("tech-sme-doubling-2025").origins}
    assert "pol_tax_hte" in {step.item.key for step in trace("high_tech_tax_rate").origins}
    checks = {step.item.key for step in trace("rd_intensity").checks}
    assert "jx_rd_2020" in checks
    assert not checks & {step.item.key for step in trace("rd_intensity").origins}


def test_pages_can_be_printed_in_both_languages_and_as_data() -> None:
    for item in catalogue():
        page = trace(f"{item.kind}:{item.key}")
        assert page.item == item
        assert page.lines("en")[0].startswith(item.kind)
        assert page.lines("zh")
        assert page.to_plain()["key"] == item.key
    assert {item.kind for item in catalogue()} == set(KINDS)


def test_unknown_names_get_a_hint() -> None:
    with pytest.raises(InputError, match=r'did you mean "certification_cost"'):
        trace("certification_costs")
    with pytest.raises(InputError, match=r'did you mean "tz_gdp_2020"'):
        find_evidence("tz_gdp_2002")


BAD_TARGETS = """\
groups: {g: {en: G, zh: 组}}
events: {}
targets:
  - id: one
    group: h
    title: {en: One, zh: 一}
    indicator: gdp
    operation: ">"
    threshold: 1
    unit: x
    date: 2026Q5
    region: taizhou
    sorce: gdp_2020
    threshold_source: analyst
"""


def test_a_bad_file_is_explained_all_at_once_with_places(tmp_path: Path) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(BAD_TARGETS, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_targets(file, "targets.yaml")
    found = [(problem.line, problem.key) for problem in caught.value.problems]
    assert found == [(4, "targets.0"), (8, "targets.0.operation"), (11, "targets.0.date"), (13, "targets.0.sorce")]
    assert 'did you mean "source"' in str(caught.value)


def test_a_file_that_is_no_yaml_says_where(tmp_path: Path) -> None:
    file = tmp_path / "evidence.yaml"
    file.write_text("records: [1, 2\nseeds: {", encoding="utf-8")
    with pytest.raises(InputError, match=r"evidence.yaml:\d+:\d+: is not valid YAML"):
        evidence_module.read_evidence(file, "evidence.yaml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("value: 1190\n", "value: 1191\n"), 'not in the quote "1190家"'),
        (("summary: high_tech_2020\n", "summary: high_tech_2021\n"), 'did you mean "high_tech_2020"'),
        (("id: tz_hte_2020_press\n", "id: tz_hte_2015\n"), '"tz_hte_2015" stands twice'),
        (("unit: car washes\n", "unit: car wash\n"), 'did you mean "car washes"'),
    ],
)
def test_a_wrong_record_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    whole = resources.path("calibration/evidence.yaml").read_text(encoding="utf-8")
    head, records = whole.split("\nrecords:\n")
    wanted = [record for record in records.split("\n\n")
              if re.search(r"id: (tz_hte_2020_press|tz_hte_2015|anlu_washes_20210103)\n", record)]
    text = f"{head}\nrecords:\n" + "\n\n".join(wanted) + "\n"
    assert change[0] in text
    file = tmp_path / "evidence.yaml"
    file.write_text(text.replace(change[0], change[1], 1) if change[0] != "summary: high_tech_2020\n"
                    else change[1].join(text.rsplit(change[0], 1)), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        evidence_module.read_evidence(file, "evidence.yaml")
    assert message in str(caught.value)
    assert caught.value.problems[0].line > 1


def test_shipped_files_are_found_and_missing_ones_are_explained() -> None:
    assert resources.path("calibration/evidence.yaml").is_file()
    assert resources.find("calibration/../pyproject.toml") is None
    with pytest.raises(InputError, match="not among the files shipped"):
        resources.path("calibration/nothing.yaml")


def test_a_wheel_has_its_data_beside_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "kechuang"
    (package / "data" / "calibration").mkdir(parents=True)
    (package / "data" / "calibration" / "evidence.yaml").write_text("records: []\n", encoding="utf-8")
    monkeypatch.setattr(resources, "_PACKAGE", package)
    assert resources.path("calibration/evidence.yaml") == package / "data" / "calibration" / "evidence.yaml"
