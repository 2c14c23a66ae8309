"""The one table of texts: every sentence of the report in English and in Chinese, side by side in `texts.yaml`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from kechuang.world.indicators import INDICATORS

_FILE = Path(__file__).with_name("texts.yaml")


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, str]]:
    """Return the texts by dotted key; each holds 'en' and 'zh'."""
    flat: dict[str, dict[str, str]] = {}
    _flatten("", _load(), flat)
    return flat


def _load() -> dict[str, Any]:
    from ruamel.yaml import YAML

    loaded = YAML(typ="safe").load(_FILE.read_text(encoding="utf-8"))
    return dict(loaded)


def _flatten(prefix: str, node: dict[str, Any], flat: dict[str, dict[str, str]]) -> None:
    """Collect leaves: a mapping that holds nothing but texts under 'en' and 'zh' is one."""
    for name, child in node.items():
        key = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(child, dict) and not set(child) <= {"en", "zh"}:
            _flatten(key, child, flat)
        else:
            flat[key] = child


class Texts:
    """The texts of one language; call it with a key and the values of the placeholders."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._table = table()

    def __call__(self, key: str, **values: object) -> Markup:
        """Return a text, placeholders filled in; values that are not markup are escaped."""
        text = Markup.escape(self._table[key][self.language].strip())
        return text.format(**values) if values else text

    def plain(self, key: str, **values: object) -> str:
        """Return a text for places that do their own escaping (figures, attributes)."""
        text = self._table[key][self.language].strip()
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Whether the table holds this key."""
        return key in self._table

    def either(self, key: str, fallback: str) -> Markup:
        """Return a text, or what stands in the data when the table does not know the key."""
        return self(key) if self.has(key) else Markup.escape(fallback)

    def pick(self, both: object) -> str:
        """Return this language's part of an {en, zh} mapping, the other one where it is missing, or plain text."""
        if not isinstance(both, dict):
            return str(both or "")
        other = "en" if self.language == "zh" else "zh"
        return str(both.get(self.language) or both.get(other) or "")

    def definition(self, key: str) -> str:
        """Return the definition of an indicator: English as declared with it, Chinese from the table."""
        name = f"definition.{key}"
        if self.language == "zh" and name in self._table:
            return self.plain(name)
        return INDICATORS[key].definition
