"""Study files in calibration/studies/: what was computed, when, from what, so that it can be computed again."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np

from kechuang.calibrate.summaries import summaries

QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}


def write_study(file: Path, comment: str, content: dict[str, Any]) -> None:
    """Write a study as readable YAML with its date and the hash of the parameters it rests on."""
    from ruamel.yaml import YAML

    from kechuang.parameters import parameters_hash

    file.parent.mkdir(parents=True, exist_ok=True)
    yaml = YAML()
    yaml.width = 110
    partial = file.with_suffix(".part")
    with partial.open("w", encoding="utf-8") as stream:
        stream.writelines(f"# {line}\n" for line in comment.splitlines())
        yaml.dump({"date": datetime.date.today().isoformat(), "parameters": parameters_hash(), **content}, stream)
    partial.replace(file)


def spread(values: Any, reported: float | None = None) -> dict[str, float]:
    """Return the 5, 50 and 95 % quantiles of some draws and, for a reported figure, its rank among them (0 to 1)."""
    drawn = np.asarray(values, dtype=float)
    drawn = drawn[np.isfinite(drawn)]
    out = {name: _short(float(np.quantile(drawn, level))) for name, level in QUANTILES.items()}
    if reported is not None:
        out["reported"] = reported
        out["rank"] = _short(float((drawn < reported).mean()))
    return out


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def summary_values(indicators: Any) -> dict[str, Any]:
    """Return, for every summary, its values over draws from an indicators frame."""
    return {
        name: indicators.loc[indicators["quarter"] == quarter, key].to_numpy()
        for name, (key, quarter) in summaries().items()
    }
