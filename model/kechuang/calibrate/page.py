"""docs/validation/README.md: what the figures teach and what they do not, in plain words, from the result of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kechuang.analyse.findings import Finding
from kechuang.calibrate.assess import IDENTIFIED, LEARNT, NOT_LEARNT, PARTLY, SET_BY_PRIOR, by_status
from kechuang.calibrate.page_checks import cities_section, sensitivity_section, worth_section
from kechuang.calibrate.page_text import interval, number, sentence, table, tick
from kechuang.calibrate.plain_words import ENOUGH, WIDEST, parameter_words, plain_words

Result = Mapping[str, Any]


def validation_page(result: Result, others: Sequence[Finding] = (), again: Result | None = None) -> str:
    """Return the page; `others` is what forecast and transfer have found, `again` the comparison with another seed."""
    parts = [
        _title(result),
        plain_words(result, others),
        _head(result),
        _learnt(result),
        _figures(result),
        _moved_by(result),
        _left_out(result),
        cities_section(result),
        sensitivity_section(result),
        worth_section(result),
        _closures(result),
        *([] if again is None else [_again(again)]),
        _making(result),
    ]
    return "\n\n".join(parts) + "\n"


def _title(result: Result) -> str:
    study = result["study"]
    scale = "" if study["scale"] == 1 else f" **Made with a city of scale {study['scale']:g}: a trial, not a result.**"
    return (
        "# What the figures teach, and what they do not\n\n"
        f"Made on {result['date']} by `kechuang calibrate {study['name']}` (generated; do not edit).{scale}"
    )


def _head(result: Result) -> str:
    study, parameters = result["study"], result["parameters"]
    groups = by_status(parameters)
    enough = result["effective"] >= ENOUGH
    verdict = "" if enough else f" That is below {ENOUGH:.0f}: **the table is too small, and nothing below should be quoted.**"
    return (
        f"{len(study['figures'])} reported figures were held against {result['rows']['all']:,} simulations of the years 2016 to "
        f"2020, each with its own parameters, closure and luck. Weighted by how well they agree with the figures, given how "
        f"inexactly the figures were reported, they are worth {result['effective']:.0f} equally good ones; the largest counts "
        f"for {result['largest_weight']:.1%}.{verdict}\n\n"
        f"Of {len(parameters)} uncertain parameters the figures identify {len(groups[IDENTIFIED])}, say something about "
        f"{len(groups[PARTLY])}, and leave {len(groups[SET_BY_PRIOR])} as they were: for these the model knows "
        "only what was assumed beforehand, forecasts included."
    )


def _learnt(result: Result) -> str:
    groups = by_status(result["parameters"])
    shown = [*groups[IDENTIFIED], *groups[PARTLY]]
    rows = []
    for key in shown:
        entry = result["parameters"][key]
        by_closure = ", ".join(f"{value:.2f}" for value in entry["by_closure"])
        rows.append(
            (f"`{key}` ({parameter_words(key).en})",
             f"{entry['contraction']:.2f} ± {entry['error']:.2f} ({by_closure})", entry["status"],
             *(interval(entry[name]) for name in ("prior", "posterior", "adjusted")))
        )
    prior = ", ".join(f"`{key}`" for key in groups[SET_BY_PRIOR])
    return (
        "## What is learnt\n\n"
        "Contraction is 1 - (posterior spread / prior spread)², on the scale on which priors are normal, in brackets for "
        f"closures A, B and C. From {LEARNT:g} on a parameter is called identified; what is not above "
        f"{NOT_LEARNT:g} by two standard errors is called set by prior: the burden of proof lies with the figures. "
        "Intervals: median [5 %, 95 %]; the last column is a second opinion, by regression: no better, only different.\n\n"
        + table(("parameter", "contraction", "status", "before", "after", "after, by regression"), rows)
        + f"\n\n**Set by prior** ({len(groups[SET_BY_PRIOR])}): {prior or 'none'}."
    )


def _figures(result: Result) -> str:
    rows = [
        (name, number(one["printed"]), interval(one["model"]), interval(one["predicted"]), f"{one['width']:.2f}",
         tick(one["inside"]))
        for name, one in result["figures"].items()
    ]
    missed = [name for name, one in result["figures"].items() if not one["inside"]]
    wide = [name for name, one in result["figures"].items() if one["width"] > WIDEST]
    return (
        "## The figures that were fitted\n\n"
        "What the posterior says about each of them. It must hold them, or the model could not make them all at once; that it "
        "does proves nothing else. Width: of the predicted 90 % interval, relative to that of the error model.\n\n"
        + table(("figure", "printed", "model", "as it would be printed", "width", "inside"), rows)
        + f"\n\n{sentence(missed, 'All printed figures lie inside.', 'Outside')} "
        + sentence(wide, f"No interval is wider than {WIDEST:g} times the error model's.", f"Wider than {WIDEST:g} times")
    )


def _moved_by(result: Result) -> str:
    rows = [
        (name, ", ".join(f"`{key}` {value:+.2f}" for key, value in found.items()) or "none that stands out of luck")
        for name, found in result["moved_by"].items()
    ]
    return (
        "## What each figure speaks about\n\n"
        "The parameters that move a figure most before anything is learnt: rank correlations over the pilot's draws of the prior, "
        "inside closures. Where none stands out, the figure can teach little about any of them.\n\n"
        + table(("figure", "parameters"), rows)
    )


def _left_out(result: Result) -> str:
    rows = [
        (name, number(one["printed"]), interval(one["predicted"]), f"{one['rank']:.2f}", f"{one['effective']:.0f}",
         tick(one["inside"]))
        for name, one in result["left_out"].items()
    ]
    missed = [name for name, one in result["left_out"].items() if not one["inside"]]
    return (
        "## Each figure from the others\n\n"
        "One figure at a time is left out and predicted from the rest. A wide interval says that the other figures hardly speak "
        "to it. Rank: share of the prediction below the printed figure; effective: how many equally good simulations stand "
        "behind it.\n\n"
        + table(("figure", "printed", "predicted from the others", "rank", "effective", "inside"), rows)
        + f"\n\n{sentence(missed, 'Every figure lies in the interval that the others predict.', 'Not predicted')}"
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
        + table(("closure", "effective", "log evidence", "share by evidence"), rows)
    )


def _again(again: Result) -> str:
    verdict = (
        "The two say the same, within what luck does to tables of this size."
        if again["agrees"]
        else "**The two do not say the same: what differs hangs on the luck of the table.**"
    )
    return (
        "## Once more with another seed\n\n"
        f"On {again['date']} the whole study was run again with seed {again['seed']}: other vectors, other luck, nothing in common "
        f"but figures, priors and code ({again['rows']:,} simulations, worth {again['effective']:.0f}). Of {again['comparisons']} "
        "means of parameters and figures and contractions, the largest difference is "
        f"{again['largest']:.1f} standard errors ({again['of']}); among so many, luck alone stays below {again['bar']:.1f} in 19 "
        f"cases of 20. The mean square of all differences is {again['mean_square']:.2f}; luck alone makes it about 1. {verdict}"
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
        + table(("figure", *kept), rows)
        + "\n\nThe method is that of [decision 023](../decisions/023-calibration.md)."
    )
