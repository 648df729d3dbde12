"""One spelling for one category, wherever it comes from."""

from __future__ import annotations

import math
from typing import Any


def category(value: Any) -> str | None:
    """A JSON scalar as a category: 1, 1.0 and "1" are the same one; true is "true". None (and NaN) is missing.

    Raises TypeError for lists and objects.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    raise TypeError(f"{type(value).__name__} is no category")


def class_name(value: Any) -> str | None:
    """A predicted class or a label as text: as ``category``, but true is "1", as in the probabilities of a binary model."""
    return ("1" if value else "0") if isinstance(value, bool) else category(value)
