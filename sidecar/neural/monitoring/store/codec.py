"""How values become JSON in the store, and come back. NaN and infinities become null on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

import orjson

from neural.monitoring.signal import Outcome, Verdict

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_PASSTHROUGH_DATACLASS
_Row = TypeVar("_Row")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return str(value)


def dumps(value: Any) -> str:
    """Compact JSON. Numpy values, mappings, sets and dataclasses are understood; anything else becomes its ``str``."""
    return orjson.dumps(value, default=_plain, option=_OPTIONS).decode()


def loads(text: str | bytes) -> Any:
    return orjson.loads(text)


def canonical(labels: Mapping[str, str]) -> str:
    """Labels as JSON with sorted keys: the identity of a series."""
    return orjson.dumps(dict(labels), option=orjson.OPT_SORT_KEYS).decode()


def dump_verdict(verdict: Verdict) -> str:
    """A verdict without the fields that hold their default."""
    body = {
        "outcome": str(verdict.outcome),
        "reason": verdict.reason,
        "statistic": verdict.statistic,
        "threshold": verdict.threshold,
        "sample_size": verdict.sample_size,
        "p_value": verdict.p_value,
        "effect_size": verdict.effect_size,
        "method": verdict.method or None,
        "evidence": verdict.evidence or None,
    }
    return dumps({key: value for key, value in body.items() if value is not None})


def load_verdict(text: str | None) -> Verdict | None:
    if text is None:
        return None
    body = loads(text)
    body["outcome"] = Outcome(body["outcome"])
    return make_row(Verdict, body)


@cache
def _field_names(row_type: Any) -> frozenset[str]:
    return frozenset(field.name for field in fields(row_type))


def make_row(row_type: type[_Row], body: Mapping[str, Any]) -> _Row:
    """A dataclass from stored JSON; fields that a later version added, or an earlier one had, do no harm."""
    known = _field_names(row_type)  # type: ignore[arg-type]  # a type is hashable
    return row_type(**{key: value for key, value in body.items() if key in known})
