"""Message templates: ``Error rate is {error_rate:.2%}``.

Only whole names are looked up: no attributes, no calls, no nested fields, and formats of bounded width, so that a template can't
reach into objects or blow up. ``{drift.score:.2f}`` and ``{drift.feature_score[age]}`` are plain names too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_FIELD = re.compile(r"\{\{|\}\}|\{([^{}:!]*)(?:!([rsa]))?(?::([^{}]*))?\}")
_SPEC = re.compile(r"(?:[^{}]?[<>=^])?[+\- ]?#?0?\d{0,3}[,_]?(?:\.\d{1,2})?[bcdeEfFgGnosxX%]?")
_MISSING = "no data"
MOST_CHARACTERS = 4000
"""A rendered message is cut here."""


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill in the template. Unknown names and None read "no data"; a format that doesn't suit its value is left out."""
    text = _FIELD.sub(lambda match: _one(match, values), template)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def field_names(template: str) -> list[str]:
    """The names a template asks for."""
    return [match[1] for match in _FIELD.finditer(template) if match[0] not in ("{{", "}}")]


def problem(template: str) -> str:
    """What is wrong with a template, or ''."""
    rest = _FIELD.sub("", template)
    if "{" in rest or "}" in rest:
        return "a brace is not closed (write {{ and }} for braces)"
    for match in _FIELD.finditer(template):
        if match[3] and not _SPEC.fullmatch(match[3]):
            return f"{match[3]!r} is not a format such as .2%, .1f or ,.0f"
    return ""


def _one(match: re.Match[str], values: Mapping[str, Any]) -> str:
    if match[0] in ("{{", "}}"):
        return match[0][0]
    value = values.get(match[1].strip())
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return _MISSING
    spec = match[3] or ""
    if not spec or not _SPEC.fullmatch(spec):
        return f"{value:g}" if isinstance(value, float) and not isinstance(value, bool) else str(value)
    try:
        return format(value, spec) if isinstance(value, str | int | float) else str(value)
    except (ValueError, TypeError):
        return str(value)
