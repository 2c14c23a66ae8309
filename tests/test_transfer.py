"""Transfer of the model to another city: on invented cities only, small, and on predictions made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from kechuang.analyse import freeze, transfer, transfer_verdict
from kechuang.analyse.forecast import CORE, FULL
from kechuang.analyse.transfer import Prediction
from kechuang.analyse.transfer_page import transfer_page
from kechuang.analyse.validation_runs import Options
from kechuang.city import load_city
from kechuang.city_numbers import LOCAL, CityTest, adapted
from kechuang.commands import validate_commands
from kechuang.commands.validate_commands import Request
from kechuang.ensemble.draws import draws_for
from kechuang.errors import CheckFailed, InputError
from kechuang.parameters import default_draw, prior_draw
from kechuang.resources import path
from kechuang.scenario import Scenario, load_scenario
from kechuang.world.indicators import POSITION
from kechuang.world.model import Corridor
from worlds import scenario_of

SHARES = ("other_research_share", "industry_firm_share", "industry_sales_share", "above_scale_value_share", "research_share_2020",
          "corridor_firm_share", "shock_depth_2020")
"""Local parameters that do not grow with the size of a city."""


def city_file(folder: Path, key: str, times: float, places: tuple[str, ...] = (), **numbers: object) -> str:
    """Write a copy of Taizhou with this many times the units, of some of its places if asked, and return its path."""
    yaml = YAML()
    content = yaml.load(path("calibration/cities/taizhou.yaml").read_text(encoding="utf-8"))
    content["key"] = key
    if places:
        keep_places(content, places)
    factors = {name: {"factor": 1 if name in SHARES else times, "source": "assumed: a test"} for name in LOCAL}
    content["numbers"] = {
        "quantities": {
            "start": {"readings": {"few": 430 * times, "many": 520 * times}, "source": "assumed: a test"},
            "smes": {"prior": {"lognormal": [1012 * times, 0.1]}, "source": "assumed: a test"},
        },
        "parameters": factors,
        "test": {
            "reading": "start",
            "start": {"high_tech_firms": "start", "tech_sme_firms": "smes"},
            "outcomes": {"high_tech_firms": ["tz_hte_2020_press"], "tech_sme_firms": ["tz_tsme_2020_press"]},
        },
        **numbers,
    }
    file = folder / f"{key}.yaml"
    yaml.dump(content, file)
    return str(file)


def keep_places(content: dict, places: tuple[str, ...]) -> None:
    names = list(content["places"])
    rows = [names.index(name) for name in places]
    content["distances"] = {
        names[row]: [content["distances"][names[max(row, other)]][min(row, other)] for other in rows[: number + 1]]
        for number, row in enumerate(rows)
    }
    content["places"] = {name: content["places"][name] for name in places}
    whole = sum(place["firm_percent"] for place in content["places"].values())
    for place in content["places"].values():
        place["firm_percent"] = round(place["firm_percent"] * 100 / whole, 2)
        place["high_tech_quotient"] = 1.0
    content["groups"] = {"corridor": [name for name in places if content["places"][name]["zone"] in ("core", "corridor")]}
    content["nodes"] = {}


# A city is data -------------------------------------------------------------------------------------------------------------


def test_a_city_of_twice_the_units_runs_like_taizhou_at_twice_the_scale(tmp_path):
    # A doubled city at scale 0.02 has the firms of Taizhou at 0.04, with the same luck; it reports them times 50, not 25.
    # Only the amounts of single programmes, which do not grow with a city, differ: within a twentieth.
    twin = city_file(tmp_path, "twin", 2.0)
    scenario = scenario_of("2020Q4")
    draw = default_draw("B")
    own = Corridor(scenario, draw, 3, scale=0.04, collect=False).run()
    other = Corridor(scenario.in_city(twin), adapted(draw, load_city(twin)), 3, scale=0.02, collect=False).run()
    assert other.firms.count == pytest.approx(own.firms.count, rel=0.05)
    for key in ("high_tech_firms", "tech_sme_firms", "above_scale_firms", "gdp_four_quarters", "sales", "rd_real", "carriers"):
        assert reading(other, key) / reading(own, key) == pytest.approx(2.0, rel=0.05), key
    own.release()
    other.release()


def reading(city: Corridor, key: str) -> float:
    return float(city.indicators[-1, POSITION[key]])


def test_a_city_with_other_places_runs(tmp_path):
    places = ("central_core", "luqiao_rest", "huangyan_rest", "jiaojiang_rest", "linhai", "wenling", "yuhuan", "tiantai",
              "xianju", "sanmen")
    small = city_file(tmp_path, "small", 0.5, places)
    city = Corridor(scenario_of("2016Q4").in_city(small), None, 1, scale=0.05, collect=False).run()
    assert city.shape[0] == 10
    assert city.rules.value("manufacturing_units") == pytest.approx(22500)
    assert reading(city, "high_tech_firms") > 0
    city.release()


def test_wenzhou_says_something_about_every_local_number():
    city = load_city("wenzhou")
    assert set(city.numbers.parameters) == set(LOCAL)
    assert len(city.numbers.variants()) == 4
    assert all(item.source for item in city.numbers.quantities.values())
    assert sum(place.firm_share for place in city.places) == pytest.approx(1.0, abs=1e-4)
    shares = [city.numbers.parameters[key].value for key in ("industry_firm_share", "industry_sales_share")]
    assert [sum(share) for share in shares] == pytest.approx([1.0, 1.0])  # type: ignore[arg-type]


def test_wenzhou_can_be_built():
    scenario = transfer.city_scenario("wenzhou", 1, 1).with_run(until="2016Q1")
    city = Corridor(scenario, None, 1, scale=0.02, audit=True, collect=False).run()
    assert city.shape == (15, 8)
    city.release()


def test_numbers_of_a_city_by_hand():
    city, draw = load_city("wenzhou"), default_draw("C")
    many = adapted(draw, city, {"high_tech_2015": "fourfold", "carrier_ratio": "institutes"})
    assert many.number("registry_listed_high_tech") == pytest.approx(0.7 * 601)
    assert many.number("direct_high_tech") == pytest.approx(0.3 * 601)
    assert many.number("registry_total") == pytest.approx(1270 - 0.3 * 601)
    assert many.number("listing_cap_2015") == pytest.approx(108 * 601 / 430, rel=1e-4)
    assert many.number("carriers_2015") == pytest.approx(25 * 41 / 80)
    assert many.vector("talent_stock_2015")[3] == pytest.approx(539 * 1.445)
    # What a firm is and does is carried over untouched.
    assert {key for key in draw.values if many.values[key] != draw.values[key]} <= set(LOCAL)


def test_readings_of_one_draw_share_everything_else():
    city, draw = load_city("wenzhou"), prior_draw(5, 2020)
    few, many = (adapted(draw, city, {"high_tech_2015": reading}, 2020) for reading in ("fivefold", "fourfold"))
    assert few.number("manufacturing_units") == many.number("manufacturing_units")
    assert few.number("pool_size") / draw.number("pool_size") == pytest.approx(
        few.number("manufacturing_units") / draw.number("manufacturing_units")
    )
    other = adapted(prior_draw(8, 2020), city, {}, 2020)
    assert other.number("shock_depth_2020") / prior_draw(8, 2020).number("shock_depth_2020") != pytest.approx(
        few.number("shock_depth_2020") / draw.number("shock_depth_2020")
    )


def test_unknown_readings_are_refused():
    with pytest.raises(InputError, match="sixfold"):
        adapted(default_draw(), load_city("wenzhou"), {"high_tech_2015": "sixfold"})


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"parameters": {}}, "says nothing about shock_depth_2020"),
        ({"quantities": {"start": {"value": 1, "prior": {"uniform": [0, 1]}, "source": "x"}}}, "exactly one of value"),
        ({"test": {"reading": "smes", "start": {}, "outcomes": {}}}, '"smes" is not one of start'),
    ],
)
def test_faults_of_a_city_are_named_with_their_place(tmp_path, numbers, expected):
    with pytest.raises(InputError, match=expected) as found:
        load_city(city_file(tmp_path, "bad", 1.0, **numbers))
    assert "bad.yaml:" in str(found.value)


# The scenario knows its city -----------------------------------------------------------------------------------------------


def test_a_scenario_keeps_its_city():
    moved = scenario_of().in_city("wenzhou")
    assert moved.with_run(draws=7).city == "wenzhou"
    assert moved.to_plain()["city"] == "wenzhou"
    assert Scenario.from_plain(moved.to_plain()) == moved
    assert "city" not in scenario_of().to_plain()


def test_a_lever_cannot_aim_at_places_of_another_city():
    aimed = scenario_of(levers={"certification_bonus": {"value": 5, "places": ["linhai"]}})
    with pytest.raises(InputError, match='no place "linhai"'):
        aimed.in_city("wenzhou")


def test_levers_of_wenzhou_stand_in_its_scenario():
    scenario = transfer.city_scenario("wenzhou", 5, 2020)
    assert {change.key for change in scenario.levers} == {"zone_approval", "joint_projects"}
    assert scenario.city == "wenzhou"
    assert scenario.until == 20
    assert scenario.tide == load_scenario("seed-only").tide


# The verdict, by hand ------------------------------------------------------------------------------------------------------

TEST = CityTest("start", {}, {"high_tech_firms": ("a",), "tech_sme_firms": ("b",)}, {"leading_firms": ("c",)})
TRUTH = {"high_tech_firms": 1000.0, "tech_sme_firms": 5000.0, "leading_firms": 60.0}


def prediction(model: str, reading: str, mapping: str, high: float, smes: float, spread: float = 0.2) -> Prediction:
    steps = np.linspace(-1, 1, 201)
    values = {
        "high_tech_firms": high * np.exp(spread * steps),
        "tech_sme_firms": smes * np.exp(spread * steps),
        "leading_firms": 70.0 + steps,
    }
    return Prediction(model, {"start": reading, "mapping": mapping}, values)


def verdict_of(*entries: tuple[str, str, float, float, float]) -> dict:
    predictions = [prediction(FULL, *entry) for entry in entries]
    return transfer_verdict.judge(predictions, TEST, TRUTH)


def test_pass_needs_one_reading_under_all_mappings():
    right, wrong = (1050.0, 4900.0, 0.2), (2000.0, 9000.0, 0.2)
    assert verdict_of(("few", "x", *wrong), ("many", "x", *right), ("many", "y", *right))["verdict"] == "pass"
    half = verdict_of(("few", "x", *right), ("few", "y", *wrong))
    assert half["verdict"] != "pass"
    assert half["readings_that_pass"] == []


def test_wide_intervals_do_not_pass():
    # exp(2 x 0.9 x 0.7) = 3.5: wider than a factor of three, and the truth in the middle.
    wide = verdict_of(("few", "x", 1000.0, 5000.0, 0.7))
    assert wide["entries"][0]["all_inside"] is True
    assert wide["entries"][0]["narrow"] is False
    assert wide["verdict"] == "partial"


def test_partial_and_fail_by_the_count_given_the_other():
    # High-tech firms are a fifth of technology SMEs in every draw, as in truth, although both are too many.
    assert verdict_of(("few", "x", 2000.0, 10_000.0, 0.1))["verdict"] == "partial"
    assert verdict_of(("few", "x", 2000.0, 5_000.0, 0.1))["verdict"] == "fail"


def test_conditional_count_by_hand():
    given = np.array([100.0, 200.0, 400.0])
    value, outside = transfer_verdict.conditional(given, 3.0 * given**2, 800.0)
    assert value == pytest.approx(3.0 * 800.0**2)
    assert outside is True
    assert transfer_verdict.conditional(given, given, 200.0) == (pytest.approx(200.0), False)


def test_checks_and_skill_stand_beside_the_verdict():
    found = transfer_verdict.judge(
        [prediction(model, "few", "x", *values) for model, values in
         ((FULL, (1000, 5000)), (CORE, (1000, 5000)), ("factor", (600, 3000)), ("tide", (700, 3500)))],
        TEST, TRUTH,
    )
    assert found["entries"][0]["checks"]["leading_firms"]["near"] is True  # 70 against 60, within two fifths
    assert {entry["model"] for entry in found["skill"]} == {FULL, CORE}
    assert all("no verdict on skill (n = 2" in entry["verdict"] for entry in found["skill"])
    assert all(entry["joint_score_better_than_tide"] for entry in found["skill"])


def test_naive_transfers_by_hand():
    starts = {"start high_tech_firms": np.full(4000, 481.0), "start tech_sme_firms": np.full(4000, 1270.0)}
    factor, tide = transfer.naive_predictions({}, starts, 1)
    # 481 x 2.767 = 1331, and 481 x 1.28^5 = 1653; medians of 4000 draws within a hundredth.
    assert np.median(factor.values["high_tech_firms"]) == pytest.approx(1331, rel=0.01)
    assert np.median(tide.values["high_tech_firms"]) == pytest.approx(481 * 1.28**5, rel=0.01)
    share = transfer.share_prediction({}, 10_000.0, 4000, 1)
    assert np.median(share.values["high_tech_firms"]) == pytest.approx(10_000 * 1190 / 5540, rel=0.01)
    assert list(share.values) == ["high_tech_firms"]


# The freeze, and the whole chain on an invented city -------------------------------------------------------------------------


@pytest.fixture
def frozen_here(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(freeze, "freeze_file", lambda: tmp_path / freeze.NAME)
    return tmp_path


def test_no_transfer_without_a_freeze(frozen_here):
    with pytest.raises(InputError, match="is not there"):
        validate_commands.transfer("wenzhou", Request())


def test_a_freeze_is_written_once(frozen_here):
    file = freeze.write_freeze(3, "provisional")
    before = file.read_bytes()
    with pytest.raises(InputError, match="written once"):
        freeze.write_freeze(5, "prior")
    assert file.read_bytes() == before
    content = freeze.read_freeze()
    assert (content["draws"], content["parameters_from"]) == (3, "provisional")
    assert {"code", "draws", "facts", "parameters", "calibration/evidence.yaml", "calibration/cities/wenzhou.yaml",
            "calibration/studies/provisional.yaml"} <= set(content["hashes"])
    assert freeze.changed_since(content) == []


def test_what_changed_since_the_freeze_is_named(frozen_here):
    file = freeze.write_freeze(3, "provisional")
    content = json.loads(file.read_text(encoding="utf-8"))
    content["hashes"]["code"] = "0"
    del content["hashes"]["facts"]
    assert freeze.changed_since(content) == ["code", "facts"]


def test_a_damaged_freeze_is_said(frozen_here):
    (frozen_here / freeze.NAME).write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        freeze.read_freeze()


@pytest.mark.parametrize(
    ("request_", "changed", "first", "expected"),
    [
        (Request(), ["code"], False, "changed since the freeze: code"),
        (Request(scale=0.5), [], False, "whole city"),
        (Request(draws=3), [], False, "leave --draws"),
        (Request(), [], True, "stays unchanged"),
        (Request(out=Path("elsewhere")), [], False, "before the first result"),
    ],
)
def test_the_first_result_is_guarded(tmp_path, request_, changed, first, expected):
    file = tmp_path / "transfer-wenzhou.yaml"
    if first:
        file.write_text("first", encoding="utf-8")
    with pytest.raises(InputError, match=expected):
        validate_commands.check_transfer(request_, changed, file)
    validate_commands.check_transfer(Request(out=tmp_path) if first else Request(), [], file)


def test_a_city_without_a_test_is_no_transfer(frozen_here):
    freeze.write_freeze(2, "provisional")
    with pytest.raises(InputError, match="no outcomes"):
        validate_commands.transfer("taizhou", Request())


def test_the_whole_chain_on_an_invented_city(tmp_path, frozen_here, capsys, monkeypatch):
    twin = city_file(tmp_path, "twin", 1.0)
    freeze.write_freeze(2, "provisional")
    looked_up = []
    real = transfer.outcomes
    out = tmp_path / "results"

    def look_up(figures):
        looked_up.append((out / "transfer-twin.parquet").is_file())
        return real(figures)

    monkeypatch.setattr(transfer, "outcomes", look_up)
    request = Request(scale=0.02, workers=1, out=out, quiet=True)
    validate_commands.carry_out(twin, freeze.read_freeze(), [], request)
    assert looked_up == [True], "predictions stand on disk before the outcomes are read"
    content = YAML(typ="safe").load((out / "transfer-twin.yaml").read_text(encoding="utf-8"))
    assert content["verdict"] in ("pass", "partial", "fail")
    assert content["outcomes"] == {"high_tech_firms": 1190.0, "tech_sme_firms": 5500.0}
    assert {entry["model"] for entry in content["entries"]} == {FULL, CORE, "factor", "tide", "share"}
    assert not list(out.glob(".work-*"))
    page = (out / "transfer-twin.md").read_text(encoding="utf-8")
    assert "no verdict on skill (n = 2" in page
    assert "Pseudo-out-of-sample" in page
    assert "## After the verdict: an effect of the city?" in page
    assert "a trial, not a result" in page
    assert capsys.readouterr().out.strip().endswith("transfer-twin.md")
    beyond = [{**entry, "extrapolated": True} for entry in content["entries"]]
    assert "In 2 of 2 combinations of readings no draw" in transfer_page({**content, "entries": beyond})
    within = [{**entry, "extrapolated": False} for entry in content["entries"]]
    assert "no draw of the full model" not in transfer_page({**content, "entries": within})
    assert transfer_page({**content, "changed_since_freeze": ["code"]}).count("Changed since the freeze: code.") == 1


def test_strict_turns_a_failed_transfer_into_a_failed_check(tmp_path, frozen_here, monkeypatch):
    twin = city_file(tmp_path, "twin", 1.0)
    freeze.write_freeze(2, "provisional")
    monkeypatch.setattr(transfer, "predict", lambda *_: (
        [Prediction(model, {"start": reading}, {key: np.array([1.0, 2.0]) for key in transfer.COUNTS})
         for reading in ("few", "many") for model in (FULL, CORE, "factor", "tide")], []))
    with pytest.raises(CheckFailed, match="twin fails"):
        validate_commands.carry_out(twin, freeze.read_freeze(), [], Request(out=tmp_path, strict=True, quiet=True))


def test_finished_draws_of_a_stopped_transfer_are_taken_over(tmp_path, monkeypatch):
    from kechuang.analyse import validation_runs
    from kechuang.ensemble.plan import Engine

    calls = []

    def count_and_run(*args, **options):
        from kechuang.world.simulate import simulate

        calls.append(args[1].id)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return simulate(*args, **options)

    monkeypatch.setattr(validation_runs, "default_engine", lambda: Engine(count_and_run, lambda: None))
    options = Options(0.02, 1, tmp_path, False)
    draws = draws_for("provisional", 2, 1)
    with pytest.raises(KeyboardInterrupt):
        validation_runs.run_full(scenario_of("2016Q2"), draws, "provisional", options)
    validation_runs.run_full(scenario_of("2016Q2"), draws, "provisional", options)
    assert calls == [0, 1, 1]
