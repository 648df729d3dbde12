"""A bad value as it may be shown: enough to see what is wrong, not enough to tell whose it is."""

from __future__ import annotations

from typing import Any

from neural.monitoring.records import Kind

MAX_SHOWN = 40  # characters
_MANY_DIGITS = 6  # a word with so many digits in it may be a number of somebody's


def redacted(value: Any, kind: Kind) -> str:
    """Numbers and short category names as they are; text, and names that look personal, as their shape: "xxxx99@xxxx.xx"."""
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 – NaN is not itself
        return "null"
    if kind in (Kind.NUMERIC, Kind.BOOLEAN):
        return f"{value:.6g}"
    if kind is Kind.EMBEDDING:
        return "embedding"
    text = str(value)
    if kind is Kind.TEXT or "@" in text or len(text) > MAX_SHOWN or sum(letter.isdigit() for letter in text) >= _MANY_DIGITS:
        return shape_of(text)
    return text


def shape_of(text: str) -> str:
    """Each letter as x, each digit as 9, the rest as it is; cut to ``MAX_SHOWN`` characters."""
    cut = text[:MAX_SHOWN]
    shape = "".join(
        "9" if letter.isdigit() else "x" if letter.isalpha() else " " if letter.isspace() else letter for letter in cut
    )
    return shape if len(text) <= MAX_SHOWN else f"{shape}… ({len(text)} characters)"
