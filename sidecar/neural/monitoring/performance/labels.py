"""Labels as they come in, and the one spelling of a class name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scalar = str | int | float | bool
_INTEGRAL = re.compile(r"(-?(?:0|[1-9]\d{0,17}))(?:\.0+)?")
_TRUTH = {"true": "1", "false": "0"}


@dataclass(frozen=True, slots=True)
class Label:
    """The outcome of one prediction. ``time``: when it became known to us (Unix seconds)."""

    id: str
    label: Scalar
    time: float


def class_name(value: Any) -> str:
    """One spelling for one class: 1, 1.0, True, "1", "1.0" and "true" are all the class "1".

    Servers send a class as a number, a label file as text, an application as a boolean; they mean the same.
    """
    if isinstance(value, str):
        text = value.strip()
        match = _INTEGRAL.fullmatch(text)
        return str(int(match[1])) if match else _TRUTH.get(text.lower(), text)
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, float | np.floating) and math.isfinite(value) and float(value).is_integer():
        return str(int(value))
    return str(value)


def class_names(values: Iterable[Any]) -> NDArray[np.object_]:
    """``class_name`` of every value, as an object array."""
    given = values.tolist() if isinstance(values, np.ndarray) else list(values)
    result = np.empty(len(given), dtype=object)
    if set(map(type, given)) == {str}:  # nearly always: then equal values are the same value
        result[:] = list(map({value: class_name(value) for value in set(given)}.__getitem__, given))
        return result
    known: dict[Any, str] = {}
    for at, value in enumerate(given):
        key = (type(value), value)
        name = known.get(key)
        if name is None:
            name = known[key] = class_name(value)
        result[at] = name
    return result


def number(value: Any) -> float | None:
    """The label of a regression as a finite float, or None when it is no number."""
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def same_label(one: Scalar, other: Scalar, *, regression: bool) -> bool:
    """Whether two labels mean the same, however they are written: 1, "1" and true are one class, 2 and "2.0" one number."""
    if one == other:
        return True
    return number(one) == number(other) if regression else class_name(one) == class_name(other)
