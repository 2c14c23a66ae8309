"""The names of targets and of their groups, without reading all that stands in the target file.

Reading the records takes longer than everything else that a check does; names stand alone in lines of their
own. A test holds this short way against the full reader.
"""

from __future__ import annotations

import re
from functools import cache

from kechuang import resources

FILE = "calibration/targets.yaml"
_NAME_LINES = {
    "groups": re.compile(r"  ([a-z0-9-]+):\s*(?:\{.*)?"),
    "targets": re.compile(r"  - id: ([a-z0-9-]+)\s*(?:#.*)?"),
}


@cache
def target_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the groups and the ids of the single targets, in the order of the file."""
    found: dict[str, list[str]] = {"groups": [], "targets": []}
    section = ""
    for line in resources.path(FILE).read_text(encoding="utf-8").splitlines():
        if line[:1] not in ("", " ", "#"):
            section = line.partition(":")[0]
        elif section in _NAME_LINES and (match := _NAME_LINES[section].fullmatch(line)):
            found[section].append(match[1])
    return tuple(found["groups"]), tuple(found["targets"])
