"""`kechuang validate --forecast`, `--freeze`, `--transfer` and `--effect`: the model held against what it was not fitted to."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kechuang.commands.study_commands import unless_stopped
from kechuang.errors import CheckFailed, InputError, Problem

if TYPE_CHECKING:
    from kechuang.analyse.validation_runs import Options

DRAWS = 501
"""Of a forecast and of the freeze, unless the command says otherwise; a transfer runs each frozen draw eight times."""
EFFECT_DRAWS = 100
"""Of an effect of the city: enough for a regression of two counts on two parameters."""
LEAST_DRAWS = 20
"""Fewer rows would leave the regression no freedom."""


@dataclass(frozen=True)
class Request:
    """What the command line said about a validation; None where it said nothing."""

    draws: int | None = None
    parameters: str | None = None
    scale: float = 1.0
    workers: int | None = None
    out: Path | None = None
    strict: bool = False
    quiet: bool = False
    as_json: bool = False

    def options(self) -> Options:
        """Return how runs are to be made; unfinished work stands in the folder of the results, if one is named."""
        from kechuang.analyse.validation_runs import Options

        return Options(self.scale, self.workers, self.out, not (self.quiet or self.as_json))

    def parameter_set(self) -> str:
        """Return the parameter set, the posterior where none was named and one is committed for the present parameters."""
        from kechuang.ensemble.draws import parameters_or_default

        return parameters_or_default(self.parameters)

    def folders(self) -> tuple[Path, Path]:
        """Return where the data and where the page go."""
        from kechuang.ensemble.run import default_out

        if self.out is not None:
            return self.out, self.out
        root = default_out().parent
        if (root / "pyproject.toml").is_file() and (root / "calibration").is_dir():
            return root / "calibration" / "studies", root / "docs" / "validation"
        return root / "outputs" / "validation", root / "outputs" / "validation"


def forecast(request: Request) -> None:
    """Make the frozen forecast, its study file and its page."""
    from kechuang.analyse.forecast import make_forecast, quantile_table, write_forecast
    from kechuang.analyse.forecast_page import COMMENT, forecast_page
    from kechuang.calibrate.studies import write_study

    made = unless_stopped(
        lambda: make_forecast(request.draws or DRAWS, request.parameter_set(), request.options())
    )
    data, page = request.folders()
    content = {**made.about, "quantiles": quantile_table(made.table), "in_sample": made.in_sample, "envelope": made.envelope}
    write_forecast(data / "forecast.parquet", made)
    write_study(data / "forecast.yaml", COMMENT, content)
    _publish(page / "forecast.md", forecast_page(content), content, request)


def _publish(page: Path, text: str, content: dict[str, Any], request: Request) -> None:
    """Write a page and say where it is, or print the content for machines; the page of the posterior quotes the result."""
    from kechuang.calibrate.posterior_study import refresh_page

    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8", newline="\n")
    refresh_page(request.folders()[0], page.parent)
    print(json.dumps(content, ensure_ascii=False, indent=1) if request.as_json else page)


def freeze(request: Request) -> None:
    """Write what a transfer may not change: once, and only at its place."""
    from kechuang.analyse.freeze import write_freeze

    if request.out is not None or request.scale != 1.0:
        raise InputError(Problem("--freeze", message="the freeze has one place and one size; leave --out and --scale away"))
    print(write_freeze(request.draws or DRAWS, request.parameter_set()))


def transfer(city: str, request: Request) -> None:
    """Carry the frozen model to a city; the first result of the whole city is written once and never again."""
    from kechuang.analyse.freeze import changed_since, read_freeze
    from kechuang.analyse.transfer import test_of
    from kechuang.city import load_city

    frozen = read_freeze()
    test_of(city)
    changed = changed_since(frozen)
    first = replace(request, out=None).folders()[0] / _file_name(load_city(city).key)
    check_transfer(request, changed, first)
    carry_out(city, frozen, changed, request)


def carry_out(city: str, frozen: dict[str, Any], changed: list[str], request: Request) -> None:
    """Run a transfer, store its predictions, then look up the outcomes and judge."""
    from kechuang.analyse import transfer as study
    from kechuang.analyse.transfer_page import COMMENT, transfer_page
    from kechuang.analyse.transfer_verdict import judge
    from kechuang.calibrate.studies import write_study
    from kechuang.city import load_city
    from kechuang.ensemble.draws import draws_for

    test, key = study.test_of(city), load_city(city).key
    data, page = request.folders()
    file = data / _file_name(key)
    draws = draws_for(frozen["parameters_from"], frozen["draws"], frozen["seed"])
    predictions, runs = unless_stopped(
        lambda: study.predict(city, draws, frozen["parameters_from"], frozen["seed"], request.options())
    )
    study.write_predictions(file.with_suffix(".parquet"), predictions)
    truth = study.outcomes({**test.outcomes, **test.checks})
    for variant in load_city(city).numbers.variants():
        predictions.append(study.share_prediction(variant, truth["tech_sme_firms"], len(draws), frozen["seed"]))
    about = {"city": key, "city_file": city, "scale": request.scale, "freeze": frozen, "changed_since_freeze": changed}
    content = {**about, **judge(predictions, test, truth)}
    write_study(file, COMMENT, content)
    for one in runs:
        one.clear()
    _publish(page / ("transfer.md" if key == "wenzhou" else f"transfer-{key}.md"), transfer_page(content), content, request)
    if request.strict and content["verdict"] == "fail":
        raise CheckFailed(f"the transfer to {key} fails: see the page")


def _file_name(key: str) -> str:
    return f"transfer-{key}.yaml"


def check_transfer(request: Request, changed: list[str], first: Path) -> None:
    """Refuse what would make the first result something else than the first result of what was frozen."""
    problems = []
    if request.draws is not None or request.parameters is not None:
        message = "draws and parameters are those of calibration/freeze-1.json; leave --draws and --parameters away"
        problems.append(Problem("--transfer", message=message))
    if request.out is None:
        if changed:
            message = f"changed since the freeze: {', '.join(changed)}; the first result has to be that of what was frozen"
            problems.append(Problem("--transfer", message=message))
        if request.scale != 1.0:
            problems.append(Problem("--scale", message="the first result is that of the whole city"))
        if first.exists():
            message = "is there already: the first result stays unchanged; with --out another look goes elsewhere"
            problems.append(Problem(str(first), message=message))
    elif not first.exists():
        message = "nothing is looked at before the first result of the whole city stands; leave --out away"
        problems.append(Problem("--out", message=message))
    if problems:
        raise InputError(problems)


def effect(city: str, request: Request) -> None:
    """After the first result of a transfer: where two parameters would have to stand in that city."""
    from kechuang.analyse import city_effect as study
    from kechuang.analyse.city_effect_page import COMMENT, city_effect_page
    from kechuang.analyse.freeze import read_freeze
    from kechuang.analyse.transfer import outcomes, test_of
    from kechuang.calibrate.studies import write_study
    from kechuang.city import load_city
    from kechuang.ensemble.draws import draws_for

    frozen, test, key = read_freeze(), test_of(city), load_city(city).key
    data, page = request.folders()
    first = data / _file_name(key)
    if not first.exists():
        raise InputError(Problem(str(first), message="is not there; an effect of the city is asked for after the first transfer"))
    if request.parameters is not None:
        raise InputError(Problem("--effect", message="parameters are those of calibration/freeze-1.json; leave --parameters away"))
    source, seed = frozen["parameters_from"], frozen["seed"]
    draws = draws_for(source, min(request.draws or EFFECT_DRAWS, frozen["draws"]), seed)
    if len(draws) < LEAST_DRAWS:
        raise InputError(Problem("--draws", message=f"{len(draws)} are too few for a regression; take {LEAST_DRAWS} or more"))
    variants, runs = unless_stopped(lambda: study.run_city(city, draws, source, seed, request.options()))
    effects = study.city_effect(variants, draws_for(source, frozen["draws"], seed), outcomes(test.outcomes))
    about = {"city": key, "city_file": city, "scale": request.scale, "draws": len(draws), "parameters_from": source, "seed": seed}
    content = {**about, "effects": effects}
    write_study(data / f"city-effect-{key}.yaml", COMMENT, content)
    for one in runs:
        one.clear()
    name = "city-effect.md" if key == "wenzhou" else f"city-effect-{key}.md"
    _publish(page / name, city_effect_page(content), content, request)
