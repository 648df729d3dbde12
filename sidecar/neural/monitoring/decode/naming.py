"""Model and version from paths and messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from neural.wire.event import CaptureEvent, Flag
from neural.wire.limits import WireError
from neural.wire.protobuf import BYTES, read_fields
from neural.wire.table import EventTable, Same, same_or_all

_PATHS: Final = (
    re.compile(r"/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?(?:/|$)"),
    re.compile(r"/v1/models/(?P<model>[^/:]+)(?:/(?:versions|labels)/(?P<version>[^/:]+))?(?::|/|$)"),
    re.compile(r"^/predictions/(?P<model>[^/]+)(?:/(?P<version>[^/]+))?$"),  # TorchServe
    re.compile(r"^/seldon/[^/]+/(?P<model>[^/]+)/api/v[\d.]+/predictions$"),
)
_MAX_CACHED: Final = 4096
_INFERENCE_CALLS: Final = ("/ModelInfer", "/ModelStreamInfer")
_REQUEST_STREAMED: Final = int(Flag.REQUEST_STREAMED)
_STREAM_PREFIX: Final = 5  # bytes before each message of a gRPC stream
_MAX_PEEKED: Final = 8  # fields
_MAX_NAME: Final = 256  # characters: longer names are cut


class Names:
    """(model, version) of events: what the event says, else its path, else the defaults. Remembers paths."""

    def __init__(self, model: str, version: str) -> None:
        self._model, self._version = model, version
        self._known: dict[tuple[str, str, str], tuple[str, str]] = {}

    def of(self, event: CaptureEvent) -> tuple[str, str]:
        """The names of an event. V2 over gRPC carries them in the request message, failed calls too."""
        if event.grpc_status >= 0 and not event.model and event.path.endswith(_INFERENCE_CALLS):
            streamed = int(event.flags) & _REQUEST_STREAMED
            model, version = from_message(event.request_body[_STREAM_PREFIX:] if streamed else event.request_body)
            return self.resolve(model, event.version or version, "")
        return self.resolve(event.model, event.version, event.path)

    def of_all(self, table: EventTable) -> Sequence[tuple[str, str]]:
        """The names of every event, in order."""
        if table.column("grpc_status").count(-1) != len(table):
            return same_or_all([self.of(event) for event in table])
        columns = [table.column(name) for name in ("model", "version", "path")]
        if all(isinstance(column, Same) for column in columns):
            return Same(self.resolve(*(column[0] for column in columns)), len(table))
        return same_or_all(list(map(self.resolve, *columns)))

    def resolve(self, model: str, version: str, path: str) -> tuple[str, str]:
        key = (model, version, path)
        found = self._known.get(key)
        if found is None:
            found = self._look(model, version, path)
            if len(self._known) < _MAX_CACHED:
                self._known[key] = found
        return found

    def _look(self, model: str, version: str, path: str) -> tuple[str, str]:
        in_path = from_path(path)
        return (model or in_path[0] or self._model)[:_MAX_NAME], (version or in_path[1] or self._version)[:_MAX_NAME]


def from_path(path: str) -> tuple[str, str]:
    """(model, version) that the path names; "" where it names none."""
    for pattern in _PATHS:
        if match := pattern.search(path):
            found = match.groupdict(default="")
            return found["model"], found.get("version", "")
    return "", ""


def from_message(body: bytes) -> tuple[str, str]:
    """(model, version) of a ModelInferRequest: its first two fields; "" where there are none."""
    found = {1: "", 2: ""}
    try:
        for number, wire_type, value in read_fields(memoryview(body), _MAX_PEEKED):
            if number not in found:
                break
            if wire_type == BYTES and isinstance(value, memoryview):
                found[number] = bytes(value[: 4 * _MAX_NAME]).decode("utf-8", "replace")
    except WireError:
        pass  # truncated or no message: what was found stands
    return found[1], found[2]
