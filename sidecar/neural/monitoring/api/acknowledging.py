"""Acknowledging an alert: its reminders stop, and everybody sees who has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neural.monitoring.alerts import acknowledge
from neural.monitoring.api.operation import Call, Operation, Reply
from neural.monitoring.api.problems import Problem
from neural.monitoring.clock import Clock
from neural.monitoring.errors import DataError
from neural.monitoring.store import Store
from neural.monitoring.views import alert_dict

MAX_TEXT = 512
_TEXT = {"type": "string", "maxLength": MAX_TEXT}
BODY_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["author"],
    "additionalProperties": False,
    "properties": {"author": {**_TEXT, "minLength": 1, "description": "Who has it."}, "note": {**_TEXT, "default": ""}},
}
EXAMPLE = {"author": "ada", "note": "rolling back"}


@dataclass(frozen=True, slots=True)
class Acknowledging:
    """The handler. The alert engine reads what is written here at its next evaluation."""

    writer: Store
    clock: Clock

    def __call__(self, call: Call) -> Reply:
        author, note = _checked(call.body)
        try:
            row = acknowledge(self.writer, call.path["alert_id"], author=author, note=note, now=self.clock())
        except DataError:
            raise Problem(404, "no such alert is firing") from None
        return Reply(alert_dict(row))


def _checked(body: Any) -> tuple[str, str]:
    if not isinstance(body, dict):
        raise Problem(422, "the body must be an object")
    if unknown := sorted(set(body) - {"author", "note"}):
        raise Problem(422, f"{unknown[0][:MAX_TEXT]!r} is not known here: author, note")
    author, note = body.get("author"), body.get("note", "")
    if not isinstance(author, str) or not 1 <= len(author) <= MAX_TEXT:
        raise Problem(422, f"author: must be a text of 1 to {MAX_TEXT} characters")
    if not isinstance(note, str) or len(note) > MAX_TEXT:
        raise Problem(422, f"note: must be a text of at most {MAX_TEXT} characters")
    return author, note


def acknowledge_operation(writer: Store, clock: Clock) -> Operation:
    """POST /alerts/{alert_id}/acknowledge."""
    return Operation(
        "acknowledge", "Say that somebody has this alert: reminders stop", Acknowledging(writer, clock),
        response={"$ref": "#/components/schemas/Alert"}, body_schema=BODY_SCHEMA, body_example=EXAMPLE, mutates=True,
        problems=(401, 403, 404, 413, 415, 422), tag="alerts",
    )  # fmt: skip
