"""Labels as people send them: JSON or JSON Lines, checked, spread over rows, in one canonical form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from neural.monitoring.ingest.refusal import Refused

MAX_LABELS: Final = 100_000  # of one request, rows counted singly
MAX_ID: Final = 512  # characters
MAX_LABEL: Final = 4096  # characters of a text label


def read_labels(body: bytes, *, now: float) -> bytes:
    """``{"labels": […]}``, a list, or JSON Lines, to the canonical JSON of a LABELS entry. Raises Refused with the item's number."""
    items = _items(body)
    labels = [label for number, item in enumerate(items, start=1) for label in _labels_of(item, number, now)]
    if len(labels) > MAX_LABELS:
        raise Refused(413, "too_many_labels", f"{len(labels)} labels, at most {MAX_LABELS} a request")
    return canonical_labels(labels)


def canonical_labels(labels: Sequence[Mapping[str, Any]]) -> bytes:
    return orjson.dumps({"labels": labels})


def _items(body: bytes) -> Sequence[Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _lines(body)
    if isinstance(document, dict):
        document = document.get("labels", [document])
    if not isinstance(document, list):
        raise Refused(400, "bad_labels", 'send {"labels": [{"id": …, "label": …}]} or one object a line')
    if len(document) > MAX_LABELS:
        raise Refused(413, "too_many_labels", f"{len(document)} labels, at most {MAX_LABELS} a request")
    return document


def _lines(body: bytes) -> Sequence[Any]:
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > MAX_LABELS:
        raise Refused(413, "too_many_labels", f"{len(lines)} lines, at most {MAX_LABELS} a request")
    items = []
    for number, line in enumerate(lines, start=1):
        try:
            items.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            raise Refused(400, "bad_json", f"line {number} is not JSON") from None
    return items


def _labels_of(item: Any, number: int, now: float) -> Iterable[dict[str, Any]]:
    if not isinstance(item, dict) or "id" not in item or "label" not in item:
        raise Refused(400, "bad_labels", f"item {number} has no id and label")
    identity, label = item["id"], item["label"]
    if isinstance(identity, float) and identity.is_integer():
        identity = int(identity)  # to JSON, 1.0 is the number 1
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    if not isinstance(identity, str) or not 0 < len(identity) <= MAX_ID:
        raise Refused(400, "bad_labels", f"item {number}: id is a text of 1 to {MAX_ID} characters")
    time = _time(item.get("time"), number, now)
    if not isinstance(label, list):
        return ({"id": identity, "label": _scalar(label, number), "time": time},)
    return [{"id": f"{identity}:{row}", "label": _scalar(value, number), "time": time} for row, value in enumerate(label)]


def _scalar(label: Any, number: int) -> Any:
    if isinstance(label, str) and len(label) > MAX_LABEL:
        raise Refused(400, "bad_labels", f"item {number}: a label has at most {MAX_LABEL} characters")
    if label is None or not isinstance(label, str | int | float | bool):
        raise Refused(400, "bad_labels", f"item {number}: a label is a text, a number or true/false")
    return label


def _time(value: Any, number: int, now: float) -> float:
    """Unix seconds or RFC 3339; the time of arrival when none is given."""
    if value is None:
        return now
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if isinstance(value, str) and (parsed := parse_time(value)) is not None:
        return parsed
    raise Refused(400, "bad_labels", f"item {number}: time is Unix seconds or RFC 3339, for example 2026-01-31T12:00:00Z")


def parse_time(text: str) -> float | None:
    """RFC 3339 as Unix seconds; a time without zone is UTC. None when it is no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
