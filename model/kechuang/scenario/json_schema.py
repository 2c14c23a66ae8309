"""The JSON Schema of scenario files, for editors."""

from __future__ import annotations

from typing import Any

from kechuang.scenario.levers import LEVERS
from kechuang.scenario.places import industry_keys, place_names
from kechuang.scenario.schema import scenario_model

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def scenario_json_schema() -> dict[str, Any]:
    """Return the models' own schema, without null, with the names of places, industries and ladder steps."""
    schema = _without_null(scenario_model().model_json_schema(by_alias=True))
    definitions = schema["$defs"]
    for key, lever in LEVERS.items():
        properties = definitions[key]["properties"]
        names: dict[str, Any] = {
            "places": list(place_names()),
            "industries": list(industry_keys()),
            "ladder": list(lever.ladder_steps),
        }
        for target in lever.reach:
            properties[target]["items"] = {"enum": names[target]}
        for dial in lever.dials[1:]:
            as_mapping = properties[dial.key]
            properties[dial.key] = {
                "description": as_mapping.get("description", ""),
                "anyOf": [
                    {
                        "type": "number",
                        "minimum": dial.low,
                        "maximum": dial.high,
                        "description": "the new level",
                    },
                    {key: value for key, value in as_mapping.items() if key != "description"},
                ],
            }
    return {"$schema": DIALECT, **schema}


def _without_null(value: Any) -> Any:
    """Drop the null that an optional key has in the models: a file leaves the key out instead."""
    if isinstance(value, list):
        return [_without_null(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_null(one) for key, one in value.items() if not (key == "default" and one is None)}
    choices = [one for one in kept.get("anyOf", []) if one != {"type": "null"}]
    if len(choices) == 1:
        kept.pop("anyOf")
        kept = {**choices[0], **kept}
    elif choices:
        kept["anyOf"] = choices
    return kept
