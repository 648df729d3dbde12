"""What the sidecar can be asked to do: take labels, load its configuration again. The doing is handed in by ``app``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from neural.monitoring.api.operation import Call, Operation, Reply
from neural.monitoring.api.problems import Problem
from neural.monitoring.errors import NeuralError

TakeLabels = Callable[[bytes], int]
"""JSON {"labels": […]} in, how many were taken out. Raises Problem for what it refuses."""
Reload = Callable[[], Mapping[str, Any]]
"""Loads the configuration again and says what changed. Raises ConfigError when the file is wrong: the old one stays in force."""

MAX_LABELS_BYTES = 4 * 2**20
MAX_LABELS = 20_000
_OUTCOME: Mapping[str, Any] = {"anyOf": [{"type": "string", "maxLength": 4096}, {"type": "number"}, {"type": "boolean"}]}
_LABEL: Mapping[str, Any] = {
    "type": "object",
    "required": ["id", "label"],
    "properties": {
        "id": {
            "anyOf": [{"type": "string", "minLength": 1, "maxLength": 512}, {"type": "integer"}],
            "description": "The prediction id; id:row where one request held several rows.",
        },
        "label": {
            "anyOf": [_OUTCOME, {"type": "array", "items": _OUTCOME}],
            "description": "The true outcome; a list is one for each row of the request.",
        },
        "time": {
            "anyOf": [{"type": "number"}, {"type": "string", "format": "date-time"}, {"type": "null"}],
            "description": "When it became known: Unix seconds or RFC 3339; now where left out.",
        },
    },
}
LABELS_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["labels"],
    "properties": {"labels": {"type": "array", "items": _LABEL, "minItems": 1, "description": f"At most {MAX_LABELS:,}."}},
}
EXAMPLE = {"labels": [{"id": "pred_001", "label": 1, "time": "2026-11-23T15:04:05Z"}]}


@dataclass(frozen=True, slots=True)
class Actions:
    """Handlers of POST /labels and POST /reload."""

    take_labels: TakeLabels | None = None
    load_again: Reload | None = None

    def labels(self, call: Call) -> Reply:
        assert self.take_labels is not None
        items = call.body.get("labels") if isinstance(call.body, dict) else None
        if not isinstance(items, list) or not items:
            raise Problem(422, 'the body must be {"labels": […]} with one label at least')
        if len(items) > MAX_LABELS:
            raise Problem(413, f"{len(items)} labels, at most {MAX_LABELS} a request")
        return Reply({"accepted": self.take_labels(orjson.dumps({"labels": items}))}, 202)

    def reload(self, _: Call) -> Reply:
        assert self.load_again is not None
        try:
            return Reply(dict(self.load_again()))
        except NeuralError as error:
            raise Problem(422, f"the old configuration stays in force: {error}") from None


def action_operations(take_labels: TakeLabels | None, load_again: Reload | None) -> dict[str, Operation]:
    """Name → POST operation, for those that were handed in."""
    actions = Actions(take_labels, load_again)
    operations: dict[str, Operation] = {}
    if take_labels is not None:
        operations["labels"] = Operation(
            "labels", "Hand in true outcomes", actions.labels, response={"type": "object", "required": ["accepted"]}, body_schema=LABELS_SCHEMA,
            body_example=EXAMPLE, max_body_bytes=MAX_LABELS_BYTES, mutates=True, success=202, problems=(401, 403, 413, 415, 422, 429), tag="sidecar",
        )  # fmt: skip
    if load_again is not None:
        operations["reload"] = Operation(
            "reload", "Load the configuration again", actions.reload, mutates=True, problems=(401, 403, 422), tag="sidecar"
        )
    return operations
