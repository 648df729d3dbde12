"""What every part of the YAML file is built from: a strict, frozen pydantic model, and the words people write in it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Section(BaseModel):
    """One part of the configuration. Unknown keys are refused; values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)


_DURATION_UNITS_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SIZE_UNITS_BYTES = {
    "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)?\s*")


def parse_duration_seconds(value: Any) -> float:
    """'5m', '1h30m', '100ms' or a number of seconds, in seconds. Raises ValueError with an example."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = str(value).strip()
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).strip():
        raise ValueError(f"{value!r} is not a duration: write for example 30s, 5m, 1h30m, 7d")
    return sum(float(number) * _DURATION_UNITS_SECONDS[unit] for number, unit in parts)


def parse_size_bytes(value: Any) -> int:
    """'5GiB', '64kB' or a number of bytes, in bytes. Raises ValueError with an example."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(str(value))
    if not match or (match[2] or "B") not in _SIZE_UNITS_BYTES:
        raise ValueError(f"{value!r} is not a size: write for example 64KiB, 100MB, 5GiB")
    return int(float(match[1]) * _SIZE_UNITS_BYTES[match[2] or "B"])


def parse_fraction(value: Any) -> float:
    """'99.9%' or 0.999, as a fraction. Raises ValueError with an example."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = str(value).strip()
    try:
        return round(float(text[:-1]) / 100, 12) if text.endswith("%") else float(text)
    except ValueError:
        raise ValueError(f"{value!r} is not a share: write for example 99.9% or 0.999") from None


Duration = Annotated[float, BeforeValidator(parse_duration_seconds, json_schema_input_type=str | float)]
"""Seconds; written 5m, 1h30m, 100ms."""
Size = Annotated[int, BeforeValidator(parse_size_bytes, json_schema_input_type=str | int)]
"""Bytes; written 5GiB, 64KiB."""
Fraction = Annotated[float, BeforeValidator(parse_fraction, json_schema_input_type=str | float)]
"""A share between 0 and 1; written 99.9% or 0.999."""
