"""The part of JSONPath (RFC 9535) that a mapping needs: names, indexes and wildcards. No filters, no recursion, no eval."""

from __future__ import annotations

import re
from typing import Any, Final

WILDCARD: Final = None
Step = str | int | None
"""A member name, an index, or WILDCARD."""
Path = tuple[Step, ...]

_STEP = re.compile(
    r"""\.(?P<name>[^\s.\[\]'"*]+) | (?P<star>\.\*|\[\*\]) | \[(?P<index>-?\d+)\] | \[(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)")\]""",
    re.VERBOSE,
)
_MAX_STEPS = 32


def parse_path(text: str) -> Path:
    """``$.a.b[0]['c d'][*]`` as steps. Raises ValueError with the place of the mistake."""
    if not text.startswith("$"):
        raise ValueError(f"{text!r} is not a JSONPath: it starts with $, for example $.customer.age")
    steps: list[Step] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or len(steps) == _MAX_STEPS:
            raise ValueError(f"{text!r}: can't read {text[at:]!r}; names, [0], [*] and ['odd name'] are understood")
        steps.append(_step(match))
        at = match.end()
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    if match["star"]:
        return WILDCARD
    if match["index"]:
        return int(match["index"])
    return next(text for text in (match["name"], match["single"], match["double"]) if text is not None)


def find(document: Any, path: Path) -> Any:
    """The value at the path, None where there is none. A wildcard gives the list of what follows it, for each item."""
    for place, step in enumerate(path):
        if step is None:  # WILDCARD
            items = _items(document)
            rest = path[place + 1 :]
            return [find(item, rest) for item in items] if rest else items
        document = _member(document, step)
        if document is None:
            return None
    return document


def _items(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    return list(document.values()) if isinstance(document, dict) else []


def _member(document: Any, step: str | int) -> Any:
    if isinstance(document, dict):
        return document.get(step) if isinstance(step, str) else None
    if isinstance(document, list) and isinstance(step, int) and -len(document) <= step < len(document):
        return document[step]
    return None
