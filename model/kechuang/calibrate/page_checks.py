"""The sections of docs/validation/README.md that say how far its answers can be trusted, and what would better them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kechuang.calibrate.page_text import interval, number, sentence, table
from kechuang.calibrate.plain_words import (
    COVERED,
    MANY,
    MOVED,
    best_figure,
    cities_are_answered,
    column_words,
    parameter_words,
    ranks_are_uniform,
    wanted_words,
)
from kechuang.calibrate.sensitivity import FEW
from kechuang.calibrate.worth import BRINGS

Result = Mapping[str, Any]

_COLUMNS = ("figure", "known to", "mean of all", "learnt parameters", "numbers of 2020", "most from", "would also teach")


def cities_section(result: Result) -> str:
    """Return what synthetic cities show about coverage and ranks."""
    found, head = result["recovery"], "## Synthetic cities\n\n"
    if not cities_are_answered(result):
        return (
            f"{head}{found['cities_tried']} simulations were taken as the truth of other cities with figures of their own. For "
            f"none of them are the other rows worth {found['least']:.0f} equally good ones: the table cannot tell whether its "
            "intervals are right."
        )
    rows = [(_parameter(key), f"{one['covered']:.0%}", f"{one['p_value']:.2g}") for key, one in found["parameters"].items()]
    columns = ("identified parameter", "inside its 90 % interval", "p of uniform ranks")
    low, high = COVERED
    off = [f"`{key}`" for key, one in found["parameters"].items() if not low <= one["covered"] <= high]
    ranks = "uniform ranks would do that" if ranks_are_uniform(result) else "**uniform ranks would not do that**"
    return (
        f"{head}{found['cities']} simulations were taken as the truth of other cities with figures of their own, and learnt back "
        f"from the rest of the table (effective size: median {found['effective_median']:.0f}). {_exactness(found)}"
        f"{found['cities_tried']} were looked "
        f"at; cities for which the rows are worth fewer than {found['least']:.0f} were passed over, by their figures and without a "
        "look at their truth: the table has no answer there, nor is it asked for one. "
        f"Over all {len(result['parameters'])} parameters, nominal 90 % intervals hold the truth in {found['covered_all']:.0%} of "
        f"cases. Ranks of the truth in {found['ranks']} cities of {found['ranks_tried']} are tested for uniformity "
        f"(Kolmogorov-Smirnov); the least of {len(result['parameters'])} p-values is {found['least_p_value_all']:.2g}: {ranks}.\n\n"
        + (f"{table(columns, rows)}\n\n" if rows else "")
        + sentence(off, f"Every identified parameter is covered in {low:.0%} to {high:.0%} of cities.",
                   f"Covered in less than {low:.0%} or more than {high:.0%} of cities (one in {MANY} may be)")
    )


def _exactness(found: Result) -> str:
    """Return with what errors the cities print, where these are not those of Taizhou."""
    if found["discrepancy"] == 1.0:
        return ""
    return (
        f"Their figures are printed, and read, with discrepancies {found['discrepancy']:g} times those of Taizhou: of "
        f"{found['exact_tried']} cities that print as exactly as Taizhou the table can answer for {found['exact_answered']}. The "
        "test is therefore one of the engine, its weights and its intervals, at errors for which there are rows enough. "
    )


def sensitivity_section(result: Result) -> str:
    """Return how parameters move under other assumptions, and what the other date of a figure says."""
    found = result["sensitivity"]
    rows = [
        (name if name in found["counted"] else f"{name} *", f"{one['effective']:.0f}",
         *(interval(values) for values in one["parameters"].values()))
        for name, one in found["variants"].items()
    ]
    keys = list(found["envelope"])
    envelope = ["envelope", "", *(f"[{number(one['q05'])}, {number(one['q95'])}]" for one in found["envelope"].values())]
    moved = [f"`{key}`" for key, one in found["envelope"].items() if one["moved"] > MOVED]
    thin = "" if len(found["counted"]) == len(found["variants"]) else (
        f"\n\n\\* Effective size below {FEW:g}: the table has too few such rows, and they are not part of the envelope."
    )
    return (
        "## If the assumptions were others\n\n"
        "The same table, weighted again: other sizes of the model's discrepancy, other priors where nothing is learnt, another "
        "date of a figure, closures weighted by how well each explains the figures.\n\n"
        + table(("assumption", "effective", *(f"`{key}`" for key in keys)), [*rows, envelope])
        + thin
        + "\n\n"
        + sentence(
            moved,
            f"No quantile moves by more than {MOVED:g} of its 90 % width.",
            f"Moves by more than {MOVED:g} of its 90 % width, so that only the envelope should be quoted",
        )
        + "".join(f"\n\n{_date_words(column, one)}" for column, one in found["dates"].items())
    )


def _date_words(column: str, entry: Result) -> str:
    """Say what the variant of another date can and cannot say."""
    text = (
        f"**The date of {number(entry['printed'])}.** The source does not say to which year the figure belongs; with a chance of "
        f"{entry['share']:g} it is that of {entry['date']}. All simulations start from it. As they are weighted, they have "
        f"{interval(entry['as_is'])} {column_words(column).en}; the variant asks for {number(entry['printed'])} there too, so "
        "that all growth falls into the years after it. It can say whether what is learnt hangs on the speed of these later "
        "years. It cannot say what a lower start would do: that needs other simulations."
    )
    if entry["effective"] >= FEW:
        return f"{text} Its rows have {interval(entry['as_read'])} there."
    return (
        f"{text} Its rows are worth only {entry['effective']:.0f} equally good ones ({interval(entry['as_read'])} there): the "
        "model hardly ever stands still for so long, and the table says nothing about this reading."
    )


def worth_section(result: Result) -> str:
    """Return what each further year-end figure would take from what is not yet known, best first."""
    found = result["worth"]
    if not found["figures"]:
        return f"## What one further figure would be worth\n\n{best_figure(result).en}"
    rows = [_worth_row(entry) for entry in found["figures"]]
    return (
        "## What one further figure would be worth\n\n"
        f"{best_figure(result).en}\n\n"
        "If a figure of a year's end were printed, with an error like that of its sibling among the fitted figures (2 % where "
        "there is none), the posterior variance of what is learnt and of the numbers of 2020 that no figure speaks to would on "
        "average fall by these shares; a spread falls by 1 - sqrt(1 - share), 10 % for a share of 19 %. The chance correlations "
        "of few rows are taken out, so that a figure without information has 0 on average; below "
        f"{found['noise']:.1%} a mean cannot be told from 0. The last column names parameters now set by prior of whose variance "
        f"the figure would surely take {BRINGS:.0%}.\n\n"
        + table(_COLUMNS, rows)
    )


def _worth_row(entry: Result) -> tuple[str, ...]:
    shares = entry["shares"]
    parameters = [share for name, share in shares.items() if "@" not in name]
    numbers = [share for name, share in shares.items() if "@" in name]
    most = max(shares, key=lambda name: float(shares[name]))
    mean = f"{entry['score']:.1%} ± {entry['score_error']:.1%}"
    return (
        column_words(entry["figure"]).en,
        f"{entry['error']:.1%}",
        mean if entry["above_noise"] else f"{mean}, not told from 0",
        *(f"{sum(part) / len(part):.1%}" if part else "–" for part in (parameters, numbers)),
        f"{wanted_words(most).en} ({shares[most]:.0%})" if entry["above_noise"] else "–",
        ", ".join(f"`{key}`" for key in entry["teaches"]) or "–",
    )


def _parameter(key: str) -> str:
    return f"`{key}` ({parameter_words(key).en})"
