"""docs/validation/README.md: what the figures teach and what they do not, in plain words, from the result of a study."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kechuang.calibrate.assess import LEARNT, NOT_LEARNT
from kechuang.parameters import load_parameters

Result = Mapping[str, Any]

ENOUGH = 200.0
"""Effective sample size that a posterior must have."""
WIDEST = 1.5
"""How much wider than the error model's a predicted interval may be."""


def validation_page(result: Result) -> str:
    """Return the page."""
    parts = [
        _head(result),
        _learnt(result),
        _figures(result),
        _left_out(result),
        _cities(result),
        _sensitivity(result),
        _closures(result),
        _making(result),
    ]
    return "\n\n".join(parts) + "\n"


def _head(result: Result) -> str:
    study, parameters = result["study"], result["parameters"]
    groups = _by_status(parameters)
    enough = result["effective"] >= ENOUGH
    verdict = "" if enough else f" That is below {ENOUGH:.0f}: **the table is too small, and nothing below should be quoted.**"
    scale = "" if study["scale"] == 1 else f" **Made with a city of scale {study['scale']:g}: a trial, not a result.**"
    return (
        "# What the figures teach, and what they do not\n\n"
        f"Made on {datetime.date.today().isoformat()} by `kechuang calibrate {study['name']}` (generated; do not edit).{scale}\n\n"
        f"{len(study['figures'])} reported figures were held against {result['rows']['all']:,} simulations of the years 2016 to "
        f"2020, each with its own parameters, closure and luck. Weighted by how well they agree with the figures, given how "
        f"inexactly the figures were reported, they are worth {result['effective']:.0f} equally good ones; the largest counts "
        f"for {result['largest_weight']:.1%}.{verdict}\n\n"
        f"Of {len(parameters)} uncertain parameters the figures identify {len(groups['identified'])}, say something about "
        f"{len(groups['partly identified'])}, and leave {len(groups['set by prior'])} as they were: for these the model knows "
        "only what was assumed beforehand, forecasts included."
    )


def _learnt(result: Result) -> str:
    groups = _by_status(result["parameters"])
    shown = [*groups["identified"], *groups["partly identified"]]
    rows = []
    for key in shown:
        entry = result["parameters"][key]
        by_closure = ", ".join(f"{value:.2f}" for value in entry["by_closure"])
        rows.append(
            (_name(key), f"{entry['contraction']:.2f} ± {entry['error']:.2f} ({by_closure})", entry["status"],
             *(_range(entry[name]) for name in ("prior", "posterior", "adjusted")))
        )
    prior = ", ".join(f"`{key}`" for key in groups["set by prior"])
    return (
        "## What is learnt\n\n"
        "Contraction is 1 - (posterior spread / prior spread)², on the scale on which priors are normal, in brackets for "
        f"closures A, B and C. From {LEARNT:g} on a parameter is called identified; what is not above "
        f"{NOT_LEARNT:g} by two standard errors is called set by prior: the burden of proof lies with the figures. "
        "Intervals: median [5 %, 95 %]; the last column is a second opinion, by regression: no better, only different.\n\n"
        + _table(("parameter", "contraction", "status", "before", "after", "after, by regression"), rows)
        + f"\n\n**Set by prior** ({len(groups['set by prior'])}): {prior or 'none'}."
    )


def _figures(result: Result) -> str:
    rows = [
        (name, _number(one["printed"]), _range(one["model"]), _range(one["predicted"]), f"{one['width']:.2f}",
         _tick(one["inside"]))
        for name, one in result["figures"].items()
    ]
    missed = [name for name, one in result["figures"].items() if not one["inside"]]
    wide = [name for name, one in result["figures"].items() if one["width"] > WIDEST]
    return (
        "## The figures that were fitted\n\n"
        "What the posterior says about each of them. It must hold them, or the model could not make them all at once; that it "
        "does proves nothing else. Width: of the predicted 90 % interval, relative to that of the error model.\n\n"
        + _table(("figure", "printed", "model", "as it would be printed", "width", "inside"), rows)
        + f"\n\n{_sentence(missed, 'All printed figures lie inside.', 'Outside')} "
        + _sentence(wide, f"No interval is wider than {WIDEST:g} times the error model's.", f"Wider than {WIDEST:g} times")
    )


def _left_out(result: Result) -> str:
    rows = [
        (name, _number(one["printed"]), _range(one["predicted"]), f"{one['rank']:.2f}", f"{one['effective']:.0f}",
         _tick(one["inside"]))
        for name, one in result["left_out"].items()
    ]
    missed = [name for name, one in result["left_out"].items() if not one["inside"]]
    return (
        "## Each figure from the others\n\n"
        "One figure at a time is left out and predicted from the rest. A wide interval says that the other figures hardly speak "
        "to it. Rank: share of the prediction below the printed figure; effective: how many equally good simulations stand "
        "behind it.\n\n"
        + _table(("figure", "printed", "predicted from the others", "rank", "effective", "inside"), rows)
        + f"\n\n{_sentence(missed, 'Every figure lies in the interval that the others predict.', 'Not predicted')}"
    )


def _cities(result: Result) -> str:
    found = result["recovery"]
    rows = [(_name(key), f"{one['covered']:.0%}", f"{one['p_value']:.2g}") for key, one in found["parameters"].items()]
    table = _table(("identified parameter", "inside its 90 % interval", "p of uniform ranks"), rows) if rows else ""
    return (
        "## Synthetic cities\n\n"
        f"{found['cities']} simulations were taken as the truth of other cities with figures of their own, and learnt back from "
        f"the rest of the table (effective size: median {found['effective_median']:.0f}, least {found['effective_least']:.0f}). "
        f"Over all {len(result['parameters'])} parameters, nominal 90 % intervals hold the truth in {found['covered_all']:.0%} of "
        f"cases. Ranks of the truth in {found['ranks']} cities are tested for uniformity (Kolmogorov-Smirnov); the least of "
        f"{len(result['parameters'])} p-values is {found['least_p_value_all']:.2g}.\n\n" + table
    ).rstrip()


def _sensitivity(result: Result) -> str:
    found = result["sensitivity"]
    rows = [
        (name, f"{one['effective']:.0f}", *(_range(values) for values in one["parameters"].values()))
        for name, one in found["variants"].items()
    ]
    keys = list(found["envelope"])
    envelope = ["envelope", "", *(f"[{_number(one['q05'])}, {_number(one['q95'])}]" for one in found["envelope"].values())]
    moved = [key for key, one in found["envelope"].items() if one["moved"] > 0.25]
    return (
        "## If the assumptions were others\n\n"
        "The same table, weighted again: other sizes of the model's discrepancy, other priors where nothing is learnt, closures "
        "weighted by how well each explains the figures.\n\n"
        + _table(("assumption", "effective", *(f"`{key}`" for key in keys)), [*rows, envelope])
        + "\n\n"
        + _sentence(
            [f"`{key}`" for key in moved],
            "No quantile moves by more than a quarter of its 90 % width.",
            "Moves by more than a quarter of its 90 % width, so that only the envelope should be quoted",
        )
    )


def _closures(result: Result) -> str:
    rows = [
        (name, f"{one['effective']:.0f}", f"{one['log_evidence']:.2f} ± {one['error']:.2f}", f"{one['share_by_evidence']:.2f}")
        for name, one in result["closures"].items()
    ]
    return (
        "## The three readings of certification\n\n"
        "Fixed pool (A), growing pool (B), capped certificates (C). Each counts a third in every run, because their evidence "
        "hangs on how narrow their own priors are; the last column is what the evidence alone would give them.\n\n"
        + _table(("closure", "effective", "log evidence", "share by evidence"), rows)
    )


def _making(result: Result) -> str:
    kept = result["not_ruled_out"]
    names = list(next(iter(kept.values()))) if kept else []
    rows = [(name, *(f"{shares[name]:.2f}" for shares in kept.values())) for name in names]
    hashes = ", ".join(f"{name} `{digest[:12]}`" for name, digest in result["made_from"].items())
    study = result["study"]
    return (
        "## How it was made\n\n"
        f"Pilot of {result['rows']['pilot']} rows per closure, then rounds of {', '.join(map(str, result['rows']['rounds']))}; "
        f"seed {study['seed']}; {study['draws']} draws, {result['distinct_draws']} of them different. Made from {hashes}. "
        "Share of the prior that the pilot's emulator does not rule out, by figure and by all together:\n\n"
        + _table(("figure", *kept), rows)
        + "\n\nThe method is that of [decision 023](../decisions/023-calibration.md)."
    )


def _by_status(parameters: Result) -> dict[str, list[str]]:
    """Return the parameters by status, the most contracted first; 'identified in A' counts as identified."""
    order = sorted(parameters, key=lambda key: -max(parameters[key]["contraction"], *parameters[key]["by_closure"]))
    groups: dict[str, list[str]] = {"identified": [], "partly identified": [], "set by prior": []}
    for key in order:
        word = parameters[key]["status"]
        groups["identified" if word.startswith("identified") else word].append(key)
    return groups


def _name(key: str) -> str:
    return f"`{key}` ({load_parameters()[key].meaning.en.split(':')[0].split(';')[0]})"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "--|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _range(values: Mapping[str, float]) -> str:
    return f"{_number(values['q50'])} [{_number(values['q05'])}, {_number(values['q95'])}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _tick(inside: bool) -> str:
    return "yes" if inside else "**no**"


def _sentence(names: Sequence[str], none: str, some: str) -> str:
    return f"**{some}: {', '.join(names)}.**" if names else none
