"""What a client sends to make a silence: the schema that the OpenAPI document shows, and the check that holds a body to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from neural.monitoring.alerts import LONGEST_SECONDS, RECURRENCE_PATTERN, parse_recurrence
from neural.monitoring.api.problems import Problem

MIN_SECONDS = 1.0
MAX_SECONDS = 366 * 86400.0
MAX_ENDS_IN_SECONDS = 10 * MAX_SECONDS
MAX_MATCHERS = 20
MAX_TEXT = 512
_TEXT = {"type": "string", "maxLength": MAX_TEXT}
_ONCE: Mapping[str, Any] = {
    "matchers": {
        "type": "object",
        "minProperties": 1,
        "maxProperties": MAX_MATCHERS,
        "propertyNames": {"minLength": 1, "maxLength": MAX_TEXT},
        "additionalProperties": {**_TEXT, "minLength": 1},
        "description": "Label → value; every one must match. rule and severity are labels too; * is any text.",
    },
    "seconds": {"type": "number", "minimum": MIN_SECONDS, "maximum": MAX_SECONDS, "description": "How long."},
    "author": {**_TEXT, "default": ""},
    "reason": {**_TEXT, "default": ""},
}
_AGAIN = ("every", "time_zone", "ends_in_seconds")
"""What only a window that comes again has."""
EXAMPLE = {"matchers": {"rule": "drift"}, "seconds": 3600, "author": "ada", "reason": "new model"}


@cache
def body_schema() -> Mapping[str, Any]:
    """Either a silence from now on, or a window that comes again. The time zones are those that this machine knows."""
    again = {
        **_ONCE,
        "seconds": {
            "type": "number", "minimum": MIN_SECONDS, "maximum": LONGEST_SECONDS, "description": "How long each time: a week at most.",
        },
        "every": {"type": "string", "pattern": RECURRENCE_PATTERN, "description": "When it begins: 'sat,sun 22:00', 'daily 02:00', '1,15 03:00'."},
        "time_zone": {"enum": sorted(_zones()), "default": "UTC", "description": "Whose wall clock every means."},
        "ends_in_seconds": {
            "type": "number", "minimum": MIN_SECONDS, "maximum": MAX_ENDS_IN_SECONDS, "description": "When it has come for the last time, from now.",
        },
    }  # fmt: skip
    return {
        "oneOf": [
            {"title": "Once", "type": "object", "required": ["matchers", "seconds"], "additionalProperties": False, "properties": _ONCE},
            {
                "title": "Again and again", "type": "object", "required": ["matchers", "seconds", "every", "ends_in_seconds"],
                "additionalProperties": False, "properties": again,
            },
        ]
    }  # fmt: skip


def checked(body: Any) -> dict[str, Any]:
    """The body, if it fits ``body_schema``. Raises Problem 422 naming the first mistake."""
    if not isinstance(body, dict):
        raise Problem(422, "the body must be an object")
    known = (*_ONCE, *_AGAIN)
    if unknown := sorted(set(body) - set(known)):
        raise Problem(422, f"{unknown[0][:MAX_TEXT]!r} is not known here: {', '.join(known)}")
    _check_matchers(body.get("matchers"))
    for name in ("author", "reason"):
        value = body.get(name, "")
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise Problem(422, f"{name}: must be a text of at most {MAX_TEXT} characters")
    if "every" in body:
        _check_number(body, "seconds", LONGEST_SECONDS)
        _check_recurrence(body)
    else:
        _check_number(body, "seconds", MAX_SECONDS)
        if alone := [name for name in _AGAIN if name in body]:
            raise Problem(422, f"{alone[0]}: goes with every")
    return body


def _check_matchers(matchers: Any) -> None:
    if not isinstance(matchers, dict) or not 1 <= len(matchers) <= MAX_MATCHERS:
        raise Problem(422, f"matchers: must be an object with 1 to {MAX_MATCHERS} labels")
    for name, value in matchers.items():
        if not (1 <= len(name) <= MAX_TEXT and isinstance(value, str) and 1 <= len(value) <= MAX_TEXT):
            raise Problem(422, f"matchers: labels and values must be texts of 1 to {MAX_TEXT} characters")


def _check_number(body: Mapping[str, Any], name: str, most: float) -> None:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not MIN_SECONDS <= value <= most:
        raise Problem(422, f"{name}: must be a number from {MIN_SECONDS:.0f} to {most:.0f}")


def _check_recurrence(body: Mapping[str, Any]) -> None:
    every = body["every"]
    if not isinstance(every, str) or not re.search(RECURRENCE_PATTERN, every):
        raise Problem(422, f"every: {_what_is_wrong(every)}")
    _check_number(body, "ends_in_seconds", MAX_ENDS_IN_SECONDS)
    name = body.get("time_zone", "UTC")
    if not isinstance(name, str) or name not in _zones():
        raise Problem(422, f"time_zone: {str(name)[:MAX_TEXT]!r} is not a time zone: write for example UTC or Europe/Berlin")


def _what_is_wrong(every: Any) -> str:
    if isinstance(every, str):
        try:
            parse_recurrence(every[:MAX_TEXT])
        except ValueError as error:
            return str(error)
    return "must be days in small letters, a space and a time, such as sat,sun 22:00"


@cache
def _zones() -> frozenset[str]:
    return frozenset({"UTC", *available_timezones()})
