"""What a transfer is worth: scores of every model and variant, and one verdict by a rule that was fixed before.

    pass     for one reading of the start, under all other readings of the city, both outcomes lie in the full model's 90 %
             intervals and no interval is wider than a factor of three
    partial  otherwise, if for one reading, under all other readings, the high-tech firms given the true number of technology
             SMEs (regression of logs over draws) come within a fifth of the truth
    fail     otherwise
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kechuang.analyse import scores
from kechuang.analyse.forecast import FULL
from kechuang.analyse.transfer import COUNTS, Draws, Prediction
from kechuang.city_numbers import CityTest

WIDEST, NEAR, CHECK_NEAR = 3.0, 0.2, 0.4
"""Ratio of the ends of a 90 % interval; relative errors of the conditional count and of what is only looked at."""
JOINT_RIVAL = "tide"
"""The naive transfer whose joint score a useful model has to beat."""


def judge(predictions: Sequence[Prediction], test: CityTest, truth: Mapping[str, float]) -> dict[str, Any]:
    """Return scores by model and variant, the verdict with its reason, and what may be said about skill."""
    entries = [_entry(one, truth) for one in predictions]
    full = [entry for entry in entries if entry["model"] == FULL]
    readings = sorted({entry["variant"].get(test.reading, "") for entry in full})
    groups = {reading: [entry for entry in full if entry["variant"].get(test.reading, "") == reading] for reading in readings}
    passed = [reading for reading, group in groups.items() if all(entry["all_inside"] and entry["narrow"] for entry in group)]
    near = [reading for reading, group in groups.items() if all(entry["conditional_near"] for entry in group)]
    return {
        "verdict": "pass" if passed else "partial" if near else "fail",
        "readings_that_pass": passed,
        "readings_that_come_near_given_the_technology_smes": near,
        "outcomes": {key: truth[key] for key in test.outcomes},
        "entries": entries,
        "skill": skill_against_rivals(entries),
    }


def _entry(one: Prediction, truth: Mapping[str, float]) -> dict[str, Any]:
    counts = {key: _count(one.values[key], truth[key]) for key in COUNTS if key in one.values and key in truth}
    entry: dict[str, Any] = {
        "model": one.model,
        "variant": dict(one.variant),
        "counts": counts,
        "all_inside": len(counts) == len(COUNTS) and all(count["inside"] for count in counts.values()),
        "narrow": bool(counts) and all(count["width"] < WIDEST for count in counts.values()),
    }
    if len(counts) == len(COUNTS):
        logs = np.log(np.column_stack([np.maximum(one.values[key], 0.5) for key in COUNTS]))
        entry["energy"] = _short(scores.energy_score(logs, np.log([truth[key] for key in COUNTS])))
        given, extrapolated = conditional(one.values["tech_sme_firms"], one.values["high_tech_firms"], truth["tech_sme_firms"])
        error = given / truth["high_tech_firms"] - 1.0
        entry |= {"conditional": _short(given), "conditional_error": _short(error), "extrapolated": extrapolated}
        entry["conditional_near"] = bool(abs(error) <= NEAR)
    entry["checks"] = {
        key: {**_quantiles(values), "outcome": truth[key], "near": bool(abs(np.median(values) / truth[key] - 1.0) <= CHECK_NEAR)}
        for key, values in one.values.items()
        if key in truth and key not in COUNTS
    }
    return entry


def conditional(given: Draws, wanted: Draws, at: float) -> tuple[float, bool]:
    """Return the wanted count where the given one is `at`, by a line through the logs, and whether no draw lies as far out."""
    x, y = np.log(np.maximum(given, 0.5)), np.log(np.maximum(wanted, 0.5))
    spread = float(x.var())
    slope = float(np.cov(x, y, bias=True)[0, 1]) / spread if spread > 0.0 else 0.0
    value = float(np.exp(y.mean() + slope * (np.log(at) - x.mean())))
    return value, not bool(given.min() <= at <= given.max())


def _count(values: Draws, outcome: float) -> dict[str, Any]:
    low, high = scores.interval(values, 0.9)
    used = np.maximum(values, 0.5)
    return {
        **_quantiles(values),
        "inside": bool(low <= outcome <= high),
        "width": _short(high / max(low, 0.5)),
        "log_crps": _short(scores.log_crps(used, outcome)),
        "interval_score": _short(scores.weighted_interval_score(np.log(used), float(np.log(outcome)))),
    }


def skill_against_rivals(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return, by variant, what the scores allow to say about full model and core against the naive transfers."""
    found = []
    for entry in entries:
        rivals = {
            other["model"]: other
            for other in entries
            if other["variant"] == entry["variant"] and other["model"] in ("factor", JOINT_RIVAL)
        }
        if entry["model"] in rivals or "energy" not in entry or len(rivals) < 2:
            continue
        losses = {name: {key: count["log_crps"] for key, count in one["counts"].items()} for name, one in rivals.items()}
        own = {key: count["log_crps"] for key, count in entry["counts"].items()}
        verdict = scores.skill_verdict(own, losses, serious=tuple(losses))
        joint = entry["energy"] < rivals[JOINT_RIVAL]["energy"]
        about = {"model": entry["model"], "variant": entry["variant"]}
        found.append({**about, **verdict.to_plain(), "joint_score_better_than_tide": joint})
    return found


def _quantiles(values: Draws) -> dict[str, float]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {"q05": _short(low), "q50": _short(middle), "q95": _short(high)}


def _short(value: float) -> float:
    return float(f"{value:.5g}")
