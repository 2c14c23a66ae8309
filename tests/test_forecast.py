"""The frozen forecast: what it reads, what it writes, the core without the rest, and its page."""

from __future__ import annotations

import re

import numpy as np
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from kechuang.analyse import forecast
from kechuang.analyse.forecast_core import CORE_VALUES, core_draw, core_scenario
from kechuang.analyse.rivals import NAMES
from kechuang.analyse.validation_runs import Options, run_core, run_full
from kechuang.calibrate.summaries import summaries
from kechuang.commands import validate_commands
from kechuang.commands.study_commands import validate
from kechuang.ensemble.draws import draws_for
from kechuang.errors import InputError
from kechuang.evidence import load_evidence
from kechuang.parameters import default_draw, load_parameters
from kechuang.scenario import load_scenario, policy
from kechuang.scenario.levers import LEVERS

DRAWS = 3


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the folder of a tiny forecast: three draws, a fiftieth of the city."""
    out = tmp_path_factory.mktemp("forecast")
    request = validate_commands.Request(draws=DRAWS, parameters="prior", scale=0.02, workers=1, out=out, quiet=True)
    validate_commands.forecast(request)
    return out


def test_every_model_has_every_date_and_draw(made):
    table = pq.read_table(made / "forecast.parquet").to_pandas()
    assert list(table.columns) == ["model", "indicator", "date", "draw", "value"]
    own = {forecast.FULL, forecast.CORE, forecast.CORE_FITTED}
    assert set(table["model"]) == own | set(NAMES)
    for (model, indicator), part in table.groupby(["model", "indicator"]):
        assert len(part) == DRAWS * len(forecast.DATES), (model, indicator)
        assert set(part["date"]) == set(forecast.DATES)
    assert set(table.loc[table["model"].isin(own), "indicator"]) == {*forecast.COUNTS, *forecast.MACRO}
    assert np.isfinite(table["value"]).all()
    assert not table.duplicated(["model", "indicator", "date", "draw"]).any()


def test_the_file_says_what_it_was_made_from(made):
    about = pq.read_schema(made / "forecast.parquet").metadata[b"kechuang"].decode()
    content = YAML(typ="safe").load((made / "forecast.yaml").read_text(encoding="utf-8"))
    for part in ("parameters", "draws", "code"):
        assert len(content["hashes"][part]) == 64
        assert content["hashes"][part] in about
    assert content["origin"] == "2020Q4"
    assert content["scenario"] == "seed-only"
    assert content["date"]


def test_the_page_claims_no_skill_and_says_what_is_off(made):
    page = (made / "forecast.md").read_text(encoding="utf-8")
    assert "No verdict on skill" in page
    assert "in sample" in page
    assert "cannot be switched off" in page
    assert "a trial, not a result" in page  # a fiftieth of the city
    assert all(f"| {key} {name} |" in page for key, name in NAMES.items())


def test_work_is_cleared_when_the_forecast_stands(made):
    assert not list(made.glob(".work-*"))
    assert not list(made.glob("*.part"))


def test_nothing_later_than_2020_is_read():
    # The figures scored in sample and those that the rivals know end with the press of January 2021 about 2020.
    records = load_evidence()
    names = [*forecast._FIRST.values(), *forecast._LAST.values()]
    names += [record.id for record in records.values() if record.role == "fit"]
    for name in names:
        dates = re.findall(r"\d{4}(?:-\d\d)?", records[name].period)
        assert dates, name
        assert max(dates) <= "2021-01", name
    assert all(quarter <= "2020Q4" for _, quarter in summaries().values())


# The core -------------------------------------------------------------------------------------------------------------------


def test_core_keeps_the_ladder_and_switches_the_rest_off():
    scenario = core_scenario(load_scenario("baseline").with_run(until="2020Q4"))
    for key in ("certification_bonus", "high_tech_tax_rate", "super_deduction"):
        assert policy.effective(scenario, key)[20].max() > 0, key
    for key in ("research_grant", "talent_subsidy", "guidance_fund", "innovation_voucher", "incubator_space", "joint_projects",
                "digital_retrofit_subsidy", "top_talent_grant", "risk_compensation", "data_platform_coverage"):
        assert policy.effective(scenario, key)[1:].max() == 0, key
    assert policy.effective(scenario, "guarantee_coverage", "capital")[1:].max() == 0


def test_core_levers_and_values_exist_and_keep_their_form():
    assert set(CORE_VALUES) <= set(load_parameters())
    assert {change.key for change in core_scenario(load_scenario("baseline")).levers} < set(LEVERS)
    draw = default_draw("C")
    core = core_draw(draw)
    assert (core.id, core.closure) == (draw.id, draw.closure)
    assert {key for key in draw.values if core.values[key] != draw.values[key]} <= set(CORE_VALUES)


def test_core_runs_without_money_people_platforms_and_digital(tmp_path):
    scenario = load_scenario("seed-only").with_run(until="2020Q4")
    draws = draws_for("provisional", 1, scenario.seed)
    options = Options(0.05, 1, tmp_path, False)
    core, full = run_core(scenario, draws, "provisional", options), run_full(scenario, draws, "provisional", options)
    for key in ("fund_projects", "carriers", "carrier_contracts", "digital_key_projects", "digital_investment",
                "academician_projects", "guarantee_outstanding", "compensation_paid", "spin_offs", "digital_coverage",
                "incubator_tenants", "joint_projects", "platform_users"):
        assert np.nan_to_num(core.at(key, "2020Q4")).max() == 0, key
    assert core.at("high_tech_firms", "2020Q4")[0] == pytest.approx(full.at("high_tech_firms", "2020Q4")[0], rel=0.5)
    assert core.at("npl_ratio", "2020Q4")[0] < 0.1 < full.at("npl_ratio", "2020Q4")[0]
    assert core.folder != full.folder
    # Without a limit by staff the core does all the R&D that firms wish for.
    assert core.at("rd_real", "2020Q4")[0] >= full.at("rd_real", "2020Q4")[0]


# Weights --------------------------------------------------------------------------------------------------------------------


def test_reading_of_an_excess_lies_above_the_printed_figure():
    assert forecast.endpoint("high_tech_2020") == (1190.0, pytest.approx(23.8))
    assert forecast.endpoint("tech_sme_2020") == (5560.0, pytest.approx(np.hypot(220, 60)))


def test_rows_are_drawn_in_proportion_to_weights():
    rows = forecast.systematic(np.array([0.5, 0.0, 0.3, 0.2]), 10)
    assert np.bincount(rows, minlength=4).tolist() == [5, 0, 3, 2]
    assert forecast.systematic(np.array([1.0]), 4).tolist() == [0] * 4


def test_weights_by_hand():
    class Found:
        plan = type("Plan", (), {"draws": (0, 1)})

        def at(self, key, quarter):
            return {"high_tech_firms": np.array([1190.0, 1190.0 * np.exp(23.8 / 1190)]),
                    "tech_sme_firms": np.array([5560.0, 5560.0])}[key]

    weights = forecast.endpoint_weights(Found())
    assert weights[1] / weights[0] == pytest.approx(np.exp(-0.5))
    assert weights.sum() == pytest.approx(1.0)


# The command ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", [{}, {"facts": True, "forecast": True}, {"freeze": True, "transfer": "wenzhou"},
                                    {"transfer": "wenzhou", "effect": "wenzhou"}])
def test_one_validation_at_a_time(chosen):
    with pytest.raises(InputError, match="one of --facts, --forecast, --freeze, --transfer CITY and --effect"):
        validate(**chosen)
