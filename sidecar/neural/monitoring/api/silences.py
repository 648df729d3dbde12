"""Silences: list, make, end."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from neural.monitoring.alerts import LONGEST_SECONDS, parse_recurrence, zone
from neural.monitoring.api.operation import Call, Operation, Reply
from neural.monitoring.api.problems import Problem
from neural.monitoring.clock import Clock
from neural.monitoring.store import Silence, Store
from neural.monitoring.views import silence_dict

MIN_SECONDS = 1.0
MAX_SECONDS = 366 * 86400.0
_LONGEST_YEARS_SECONDS = 10 * 366 * 86400.0
MAX_MATCHERS = 20
MAX_TEXT = 512
_TEXT = {"type": "string", "maxLength": MAX_TEXT}
BODY_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["matchers", "seconds"],
    "additionalProperties": False,
    "properties": {
        "matchers": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": MAX_MATCHERS,
            "propertyNames": {"minLength": 1, "maxLength": MAX_TEXT},
            "additionalProperties": {**_TEXT, "minLength": 1},
            "description": "Label → value; every one must match. rule and severity are labels too; * is any text.",
        },
        "seconds": {"type": "number", "minimum": MIN_SECONDS, "maximum": MAX_SECONDS, "description": "How long."},
        "every": {**_TEXT, "description": "Again and again until ends_at: 'sat,sun 22:00'; seconds is then the length of each."},
        "time_zone": {**_TEXT, "default": "UTC", "description": "Whose wall clock every means."},
        "ends_at": {"type": "number", "description": "With every: when it has come for the last time, Unix seconds."},
        "author": {**_TEXT, "default": ""},
        "reason": {**_TEXT, "default": ""},
    },
}
EXAMPLE = {"matchers": {"rule": "drift"}, "seconds": 3600, "author": "ada", "reason": "new model"}
_REPLY = {"$ref": "#/components/schemas/Silence"}


@dataclass(frozen=True, slots=True)
class Silences:
    """``writer`` is a store that may be written; silences are for the alert engine to read at its next evaluation."""

    store: Store
    writer: Store
    clock: Clock

    def list(self, _: Call) -> Reply:
        return Reply({"silences": [silence_dict(one) for one in self.store.silences(active_at=self.clock())]})

    def make(self, call: Call) -> Reply:
        body, now = checked(call.body), self.clock()
        made = Silence(
            uuid.uuid4().hex, body["matchers"], now, now + float(body["seconds"]), body.get("author", ""), body.get("reason", "")
        )
        if every := body.get("every", ""):
            made = replace(
                made, ends_at=_last(body, now), every=every, lasts=float(body["seconds"]), time_zone=body.get("time_zone", "UTC")
            )
        self.writer.put_silence(made)
        return Reply(silence_dict(made), 201, {"Location": f"/api/v1/silences/{made.silence_id}"})

    def end(self, call: Call) -> Reply:
        now = self.clock()
        found = [one for one in self.store.silences(active_at=now) if one.silence_id == call.path["silence_id"]]
        if not found:
            raise Problem(404, "no such silence is in force")
        self.writer.put_silence(replace(found[0], ends_at=now))
        return Reply(None, 204)


def checked(body: Any) -> dict[str, Any]:
    """The body, if it fits ``BODY_SCHEMA``. Raises Problem 422 naming the first mistake."""
    if not isinstance(body, dict):
        raise Problem(422, "the body must be an object")
    if unknown := sorted(set(body) - set(BODY_SCHEMA["properties"])):
        raise Problem(422, f"{unknown[0][:MAX_TEXT]!r} is not known here: {', '.join(BODY_SCHEMA['properties'])}")
    matchers, seconds = body.get("matchers"), body.get("seconds")
    if not isinstance(matchers, dict) or not 1 <= len(matchers) <= MAX_MATCHERS:
        raise Problem(422, f"matchers: must be an object with 1 to {MAX_MATCHERS} labels")
    if not all(
        1 <= len(name) <= MAX_TEXT and isinstance(value, str) and 1 <= len(value) <= MAX_TEXT for name, value in matchers.items()
    ):
        raise Problem(422, f"matchers: labels and values must be texts of 1 to {MAX_TEXT} characters")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise Problem(422, f"seconds: must be a number from {MIN_SECONDS:.0f} to {MAX_SECONDS:.0f}")
    for name in ("author", "reason", "every", "time_zone"):
        value = body.get(name, "")
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise Problem(422, f"{name}: must be a text of at most {MAX_TEXT} characters")
    if body.get("every"):
        _check_recurrence(body)
    elif "ends_at" in body or "time_zone" in body:
        raise Problem(422, "ends_at and time_zone go with every")
    return body


def _check_recurrence(body: Mapping[str, Any]) -> None:
    try:
        parse_recurrence(body["every"])
        zone(body.get("time_zone", "UTC"))
    except ValueError as error:
        raise Problem(422, str(error)) from None
    if body["seconds"] > LONGEST_SECONDS:
        raise Problem(422, "seconds: one opening lasts a week at most")


def _last(body: Mapping[str, Any], now: float) -> float:
    """When a window that comes again has come for the last time."""
    ends = body.get("ends_at")
    if isinstance(ends, bool) or not isinstance(ends, int | float) or not now < ends <= now + _LONGEST_YEARS_SECONDS:
        raise Problem(422, "ends_at: must be Unix seconds that lie ahead, ten years at most")
    return float(ends)


def silence_operations(store: Store, writer: Store | None, clock: Clock) -> tuple[dict[str, Operation], dict[str, Operation]]:
    """The operations of /silences and of /silences/{silence_id}. Without a writer they can only be read."""
    silences = Silences(store, writer or store, clock)
    listing = Operation(
        "silences", "The silences in force", silences.list, response={"$ref": "#/components/schemas/Silences"}, tag="alerts"
    )
    if writer is None:
        return {"GET": listing}, {}
    make = Operation(
        "silence", "Deliver no alert that matches, for a while", silences.make, response=_REPLY, body_schema=BODY_SCHEMA,
        body_example=EXAMPLE, mutates=True, success=201, problems=(401, 403, 413, 415, 422), tag="alerts",
    )  # fmt: skip
    end = Operation(
        "end_silence", "End a silence now", silences.end, mutates=True, success=204, problems=(401, 403, 404), tag="alerts"
    )
    return {"GET": listing, "POST": make}, {"DELETE": end}
