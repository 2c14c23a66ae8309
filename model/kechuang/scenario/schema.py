"""The shape of a scenario file as pydantic models: which keys there are, of which type and range.

What depends on several keys at once (one dose per lever, ranges against the baseline path, places) is checked
in `checks.py`. The models are built on first use from the catalogues of levers and shocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model

from kechuang.scenario.lever_record import Dial
from kechuang.scenario.levers import LEVERS
from kechuang.scenario.shocks import SHOCKS, ShockKind
from kechuang.scenario.window import FIRST_LABEL, LAST, LAST_LABEL, parse_quarter

DEFAULT_DRAWS, DEFAULT_SEED = 100, 2026
BOUNDS: dict[str, tuple[float, float]] = {
    "ramp": (0, LAST),
    "budget": (0, 1000),
    "draws": (1, 100_000),
    "seed": (0, 2**40 - 1),
}
"""Allowed range of the numbers that belong to no lever or shock."""
NAME_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
QUARTER_PATTERN = r"^20[0-9]{2}Q[1-4]$"


def _law(value: object) -> object:
    """Let `law: 2020` be written without quotes."""
    return "2020" if type(value) is int and value == 2020 else value


def _bounded(key: str) -> Any:
    low, high = BOUNDS[key]
    return Field(strict=True, ge=low, le=high)


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True)]
Words = Annotated[str, Field(strict=True, min_length=1, max_length=4000)]
Name = Annotated[str, Field(strict=True, max_length=60, pattern=NAME_PATTERN)]
_QUARTER_SCHEMA = {"type": "string", "pattern": QUARTER_PATTERN}
Quarter = Annotated[int, BeforeValidator(parse_quarter), WithJsonSchema(_QUARTER_SCHEMA)]
_LAW_SCHEMA = {"enum": ["2020", 2020, "known"]}
Law = Annotated[Literal["2020", "known"], BeforeValidator(_law), WithJsonSchema(_LAW_SCHEMA)]
Tide = Literal["damped", "known"]
SupportCeiling = Literal["kept", "planned", "none"]
NodeCalendar = Literal["none", "slow", "plan", "fast"]
Ramp = Annotated[int, _bounded("ramp")]
Budget = Annotated[float, _bounded("budget"), Field(allow_inf_nan=False)]
Draws = Annotated[int, _bounded("draws")]
Seed = Annotated[int, _bounded("seed")]


class Strict(BaseModel):
    """A mapping whose keys are all known and whose values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Strict):
    """A text in English and Chinese; a language left out is shown in the other one."""

    en: Words | None = None
    zh: Words | None = None


class Dose(Strict):
    """A change of one dial: exactly one of value, level and path, and when."""

    value: Number | None = Field(None, description="added to the baseline path; 0 changes nothing")
    level: Number | None = Field(None, description="replaces the baseline path")
    path: dict[Quarter, Number] | None = Field(
        None,
        min_length=1,
        description="replaces the baseline path quarter by quarter; each value holds until the next",
        json_schema_extra={"propertyNames": {"pattern": QUARTER_PATTERN}},
    )
    from_: Quarter | None = Field(None, alias="from", description="first quarter (default 2021Q1)")
    until: Quarter | None = Field(None, description=f"last quarter (default {LAST_LABEL})")
    ramp: Ramp | None = Field(None, description="quarters to full strength; 4 gives 1/4, 2/4, 3/4, then all")


class LeverEntry(Dose):
    """What a scenario says about one lever."""

    budget: Budget | None = Field(
        None, description="亿元 a year for the change, pro rata when it binds; 0 switches the change off"
    )


class Run(Strict):
    """How far and how often the scenario is run."""

    until: Quarter = Field(LAST, description=f"last quarter of the run, {FIRST_LABEL} to {LAST_LABEL}")
    draws: Draws = Field(DEFAULT_DRAWS, description="number of parameter draws")
    seed: Seed = Field(DEFAULT_SEED, description="seed of the luck of all draws")


def describe(dial: Dial, meaning: str) -> str:
    """Return the meaning of a dial with unit and allowed range."""
    return f"{meaning} ({dial.unit}; {dial.low:g} to {dial.high:g})"


@cache
def lever_model(key: str) -> type[LeverEntry]:
    """Return the model of one lever, with its targets and dials."""
    lever = LEVERS[key]
    names, steps = Annotated[list[Words], Field(min_length=1)], Annotated[list[Whole], Field(min_length=1)]
    fields: dict[str, Any] = {
        target: (
            (steps if target == "ladder" else names) | None,
            Field(None, description=f"{target} reached"),
        )
        for target in lever.reach
    }
    for dial in lever.dials[1:]:
        model = create_model(f"{key}__{dial.key}", __base__=Dose, __doc__=describe(dial, dial.en))
        fields[dial.key] = (model | None, None)
    built: type[LeverEntry] = create_model(key, __base__=LeverEntry, __doc__=describe(lever.main, lever.en), **fields)
    return built


def shock_model(kind: ShockKind) -> type[Strict]:
    """Return the model of one shock."""
    fields: dict[str, Any] = {"from_": (Quarter, Field(alias="from", description="first quarter of the shock"))}
    for setting in kind.settings:
        bounds = Field(strict=True, ge=setting.low, le=setting.high)
        number: Any = Annotated[int, bounds] if setting.whole else Annotated[Number, bounds]
        default: Any = ... if setting.default is None else setting.default
        fields[setting.key] = (number, Field(default, description=f"{setting.meaning} ({setting.unit})"))
    built: type[Strict] = create_model(kind.key, __base__=Strict, __doc__=kind.en, **fields)
    return built


@cache
def scenario_model() -> type[Strict]:
    """Return the model of a whole scenario file."""
    levers: dict[str, Any] = {key: (lever_model(key) | None, None) for key in LEVERS}
    shocks: dict[str, Any] = {key: (shock_model(kind) | None, None) for key, kind in SHOCKS.items()}
    levers_model = create_model("Levers", __base__=Strict, __doc__="Changes of policy.", **levers)
    shocks_model = create_model("Shocks", __base__=Strict, __doc__="What happens to the city.", **shocks)
    built: type[Strict] = create_model(
        "Scenario",
        __base__=Strict,
        __doc__="A scenario file of kechuang.",
        name=(Name, Field(description="short name, such as talent-first; it names the output folder")),
        title=(Text | None, None),
        summary=(Text | None, None),
        extends=(
            Words | list[Words] | None,
            Field(None, description="library name or ./file.yaml, or several"),
        ),
        law=(Law, Field("2020", description="national law after 2020: as it stood in 2020, or as known")),
        tide=(Tide, Field("damped", description="national growth of high-tech firms")),
        support_ceiling=(
            SupportCeiling,
            Field(
                "kept",
                description="cash of all city levers after 2020: kept in real terms, planned to grow, or no ceiling",
            ),
        ),
        nodes=(
            NodeCalendar,
            Field("none", description="nodes of the corridor plan: none, one a year, as planned, or four a year"),
        ),
        levers=(levers_model | None, None),
        shocks=(shocks_model | None, None),
        run=(Run | None, None),
        targets=(list[Words] | None, Field(None, description="targets of calibration/targets.yaml")),
    )
    return built


def limits(location: Sequence[str | int]) -> tuple[float, float]:
    """Return the allowed range of a bounded number at a place of the file."""
    key = str(location[-1])
    if location[0] == "shocks":
        setting = next(one for one in SHOCKS[str(location[1])].settings if one.key == key)
        return setting.low, setting.high
    return BOUNDS[key]
