"""The city as data: shares, distances, groups, and files with faults."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from kechuang.city import City, load_city, read_city
from kechuang.errors import InputError
from kechuang.parameters import default_draw
from kechuang.resources import path
from kechuang.world.mechanisms.initial import place_shares
from worlds import city_of

DISTRICTS = ("jiaojiang", "huangyan", "luqiao")


@pytest.fixture(scope="module")
def city() -> City:
    return load_city("taizhou")


def test_size_of_the_city(city):
    assert (len(city.places), len(city.counties), len(city.industries), len(city.nodes)) == (13, 9, 8, 14)
    assert city.place_keys[0] == "central_core"
    assert city.industry_keys == ("medicine", "auto_parts", "equipment", "moulds_plastics", "optoelectronics",
                                  "new_materials", "traditional", "software_services")


def test_shares_and_totals(city):
    assert sum(place.firm_share for place in city.places) == pytest.approx(1.0, abs=1e-9)
    assert sum(place.population for place in city.places) == pytest.approx(662.29)
    assert sum(place.area for place in city.places) == 41 + 74
    assert sum(place.science_banks for place in city.places) == 25 == city.science_banks_by_year[-1]
    weighted = sum(place.firm_share * place.high_tech_quotient for place in city.places)
    assert weighted == pytest.approx(1.0, abs=0.002)


def test_a_quarter_of_the_firms_of_each_district_stand_in_the_corridor(city):
    firms = {place.key: place.firm_share for place in city.places}
    core = dict(city.county_weights("central_core"))
    for district, part, rest in (("jiaojiang", "jiaojiang_valley", "jiaojiang_rest"),
                                 ("huangyan", "yongning_river", "huangyan_rest"),
                                 ("luqiao", "feilong_lake", "luqiao_rest")):
        in_core = firms["central_core"] * core[district]
        whole = in_core + firms[part] + firms[rest]
        assert (in_core + firms[part]) / whole == pytest.approx(0.25, abs=0.001)
        assert in_core / whole == pytest.approx(0.10, abs=0.001)


def test_county_populations_are_those_of_the_census(city):
    census = {"jiaojiang": 82.61, "huangyan": 70.75, "luqiao": 62.89, "linhai": 111.41, "wenling": 141.62,
              "yuhuan": 64.40}
    for county, people in census.items():
        own = sum(place.population for place in city.places if place.county == county)
        in_core = 0.05 * people if county in DISTRICTS else 0.0
        assert own + in_core == pytest.approx(people, abs=0.02), county


def test_distances_are_symmetric_and_shortest_inside(city):
    size = len(city.places)
    assert len(city.distances) == size
    for i in range(size):
        assert city.distances[i][i] == min(city.distances[i])
        for j in range(size):
            assert city.distances[i][j] == city.distances[j][i] > 0
    for one, other, kilometres in (("central_core", "jiaojiang_valley", 8), ("wenling", "yuhuan", 39),
                                   ("sanmen", "xianju", 92), ("linhai", "yongning_river", 32)):
        assert city.distances[city.place_index(one)][city.place_index(other)] == kilometres


def test_the_map_has_north_and_south_where_they_are(city):
    at = {place.key: place for place in city.places}
    assert at["yuhuan"].y < at["wenling"].y < at["luqiao_rest"].y < at["linhai"].y < at["sanmen"].y
    assert at["xianju"].x < at["linhai"].x < at["jiaojiang_rest"].x
    assert at["tiantai"].x < at["sanmen"].x
    for one in city.places:
        for other in city.places:
            assert one is other or (one.x - other.x) ** 2 + (one.y - other.y) ** 2 > 36


def test_groups(city):
    assert city.expand_group("corridor") == (
        "central_core", "jiaojiang_valley", "yongning_river", "feilong_lake")
    assert city.expand_group("central_core") == ("central_core",)
    assert city.expand_group("jiaojiang") == ("jiaojiang_valley", "jiaojiang_rest")
    assert city.expand_group("linhai") == ("linhai",)
    assert {place.key for place in city.places if place.in_corridor} == set(city.expand_group("corridor"))
    assert len(city.valid_names) == 13 + 1 + 3  # six county names are names of places too
    with pytest.raises(InputError, match=r'unknown place "jiaojang" \(did you mean "jiaojiang"\?\)'):
        city.expand_group("jiaojang")


def test_indices(city):
    assert [city.place_index(key) for key in city.place_keys] == list(range(13))
    assert city.industry_index("software_services") == 7
    with pytest.raises(InputError, match="unknown industry"):
        city.industry_index("software")


def test_county_weights_add_up(city):
    for place in city.places:
        assert sum(share for _, share in city.county_weights(place.key)) == pytest.approx(1.0)
    assert city.county_weights("linhai") == (("linhai", 1.0),)


def test_related_industries(city):
    assert len(city.related) == 11
    assert city.are_related("new_materials", "medicine")
    assert city.are_related("medicine", "new_materials")
    assert not city.are_related("medicine", "software_services")


def test_nodes_of_the_plan(city):
    places = [node.place for node in city.nodes]
    assert [places.count(key) for key in city.expand_group("corridor")] == [5, 3, 3, 3]
    assert sum(node.opens <= 44 for node in city.nodes) == 10  # open by 2026Q4
    assert min(node.opens for node in city.nodes) == 28        # 2022Q4, the quarter of the plan


def test_industries_of_the_digital_core(city):
    assert [i.key for i in city.industries if i.digital_core] == ["optoelectronics", "software_services"]
    assert [i.key for i in city.industries if not i.industrial] == ["software_services"]


def test_every_column_has_an_origin(city):
    for key, origin in city.sources.items():
        assert origin.source, key
    assert city.initial == {"high_tech_firms": "tz_hte_2015", "tech_sme_firms": "tz_tsme_2015"}


def test_a_city_is_plain_data(city):
    assert pickle.loads(pickle.dumps(city)) == city


SMALL = """
key: two_towns
name: {en: "Two towns", zh: "两镇"}
sources:
  firm_percent: {source: "assumed: a test"}
  population: {source: "assumed: a test"}
  area: {source: "assumed: a test"}
  science_banks: {source: "assumed: a test"}
  high_tech_quotient: {source: "assumed: a test"}
  amenity: {source: "assumed: a test"}
  distances: {source: "assumed: a test"}
  industries: {source: "assumed: a test"}
  nodes: {source: "assumed: a test"}
  science_banks_by_year: {source: "assumed: a test"}
  outside_points: {source: "assumed: a test"}
counties:
  east: {en: "East", zh: "东县"}
places:
  harbour: {en: "Harbour", zh: "港区", counties: [east], zone: core, firm_percent: 40, population: 10,
            science_banks: 1, high_tech_quotient: 1, amenity: 0, x: 60, y: 50}
  hills: {en: "Hills", zh: "山区", counties: [east], zone: county, firm_percent: 60, population: 5,
          science_banks: 0, high_tech_quotient: 1, amenity: 0, x: 20, y: 50}
groups:
  coast: [harbour]
distances:
  harbour: [3]
  hills: [30, 5]
industries:
  pumps: {en: "Pumps", zh: "泵业", industrial: true, digital_core: false}
  boats: {en: "Boats", zh: "船舶", industrial: true, digital_core: false}
related_industries:
  - [pumps, boats]
nodes: {}
science_banks_by_year: [0, 1]
bank_seats: [harbour]
last_bank_counties: [east]
outside_points: {}
initial: {high_tech_firms: some_evidence}
"""


def read(tmp_path: Path, text: str) -> City:
    file = tmp_path / "two-towns.yaml"
    file.write_text(text, encoding="utf-8")
    return read_city(file, "two-towns.yaml")


def test_another_city_is_another_file(tmp_path):
    city = read(tmp_path, SMALL)
    assert city.place_keys == ("harbour", "hills")
    assert city.distances == ((3, 30), (30, 5))
    assert city.expand_group("east") == ("harbour", "hills")
    assert load_city(str(tmp_path / "two-towns.yaml")) == city


@pytest.mark.parametrize(("old", "new", "message"), [
    ("firm_percent: 40", "firm_percent: 41", "firm_percent adds up to 101.00, not to 100"),
    ("high_tech_quotient: 1, amenity: 0, x: 60", "high_tech_quotient: 2, amenity: 0, x: 60",
     "has the weighted mean 1.400, not 1"),
    ("zone: core", "zone: cor", 'is not one of core, corridor, rest, county (did you mean "core"?)'),
    ("counties: [east], zone: core", "counties: [eest], zone: core", 'did you mean "east"'),
    ("counties: [east], zone: core", "counties: [], zone: core", "names no county"),
    ("hills: [30, 5]", "hills: [30]", "two-towns.yaml:27:3: distances.hills: must have 2 elements, has 1"),
    ("hills: [30, 5]", "hils: [30, 5]", 'did you mean "hills"'),
    ("harbour: [3]", "harbour: [0]", "0 is not between 0.1 and 2000"),
    ("coast: [harbour]", "coast: [harbor]", 'did you mean "harbour"'),
    ("coast: [harbour]", "hills: [harbour]", "is already the name of a place or county"),
    ("[pumps, boats]", "[pumps, pumps]", "not a pair with itself"),
    ("[pumps, boats]", "[pumps, boots]", 'did you mean "boats"'),
    ("industrial: true, digital_core: false}\nrel", "industrial: 1, digital_core: false}\nrel",
     "must be true or false"),
    ("nodes: {}", 'nodes: {a: {en: "A", zh: "甲", place: hills, opens: 2022}}', "write it like 2023Q1"),
    ("nodes: {}\n", "", "lacks nodes"),
    ('  amenity: {source: "assumed: a test"}\n', "", "sources: lacks amenity"),
    ("population: 5", "population: -5", "-5 is not between 0 and 100000"),
    ("science_banks: 1,", "science_banks: 1.5,", "1.5 is not a whole number"),
])
def test_faults_of_a_city_are_named(tmp_path, old, new, message):
    assert old in SMALL
    with pytest.raises(InputError) as caught:
        read(tmp_path, SMALL.replace(old, new, 1))
    assert message in "\n".join(str(problem) for problem in caught.value.problems)


def test_unknown_cities_are_refused():
    with pytest.raises(InputError):
        load_city("atlantis")
    assert path("calibration/cities/taizhou.yaml").is_file()


@pytest.mark.parametrize("inside", [0.1, 0.25, 0.4])
def test_firms_of_the_districts_are_split_by_the_share_inside_the_corridor(city: City, inside: float) -> None:
    """The nine counties keep what they have; core and corridor hold the given share of the three districts' firms."""
    usual = np.array([place.firm_share for place in city.places])
    zone = np.array([place.zone for place in city.places])
    found = place_shares(city, inside)
    districts = np.isin(zone, ["core", "corridor", "rest"])
    assert found.sum() == pytest.approx(usual.sum())
    assert np.array_equal(found[~districts], usual[~districts])
    core = np.isin(zone, ["core", "corridor"])
    assert found[core].sum() / found[districts].sum() == pytest.approx(inside)
    assert found[core] / found[core].sum() == pytest.approx(usual[core] / usual[core].sum())
    drawn = city_of(draw=default_draw("B").with_values(corridor_firm_share=inside)).place_share
    assert np.array_equal(drawn, found)
