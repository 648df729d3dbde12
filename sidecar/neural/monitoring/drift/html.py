"""A drift result as a small HTML table, for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Protocol


class _Result(Protocol):
    @property
    def drift_severity(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def features(self) -> Mapping[str, Mapping[str, Any]]: ...


ROWS = 50


def drift_table(result: _Result) -> str:
    """Features by effect, at most 50."""
    head = "<tr><th>feature</th><th>moved</th><th>p</th><th>verdict</th></tr>"
    rows = "".join(_row(name, found) for name, found in list(result.features.items())[:ROWS])
    return f"<p><b>{escape(result.drift_severity)}</b>: {escape(result.reason)}</p><table>{head}{rows}</table>"


def _row(name: str, found: Mapping[str, Any]) -> str:
    effect, p = found.get("drift_score"), found.get("p_value")
    moved = "" if effect is None else f"{effect:.1%}"
    chance = "" if p is None else f"{p:.2g}"
    return f"<tr><td>{escape(name)}</td><td>{moved}</td><td>{chance}</td><td>{escape(str(found.get('outcome', '')))}</td></tr>"
