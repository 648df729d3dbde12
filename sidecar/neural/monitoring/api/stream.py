"""GET /api/v1/stream: every evaluation as a server-sent event."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from neural.monitoring.api.operation import Call, Operation, Reply
from neural.monitoring.api.parameters import MODEL, VERSION, Parameter, read_parameters
from neural.monitoring.api.problems import Problem
from neural.monitoring.api.resource import problem_response, request_id_of
from neural.monitoring.views import Snapshot, SnapshotBoard, alert_dict, signal_dict

MAX_STREAMS = 32
"""Open streams at most: each holds a connection."""
LOOK_SECONDS = 0.5
"""How often the board is looked at: one reference is read."""
HEARTBEAT_SECONDS = 15.0
"""Proxies close connections on which nothing happens."""
_NAME = Parameter("name", "Only signals of this name; may be repeated.", many=True, example=["drift.score"])
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}


class Stream:
    """An ASGI app. ``sleep`` is a parameter so that tests need not wait."""

    def __init__(self, board: SnapshotBoard, sleep: Callable[[float], Any] = asyncio.sleep) -> None:
        self._board, self._sleep = board, sleep
        self._open = 0
        self.operation = Operation(
            "stream",
            "Every evaluation as a server-sent event: event `evaluation`, id its time, data {time, signals, alerts}",
            lambda _: Reply(None),
            (_NAME, MODEL, VERSION),
            response={"type": "string"},
            media="text/event-stream",
            problems=(429,),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = self._respond(request)
        response.headers["X-Request-Id"] = request_id_of(request)
        await response(scope, receive, send)

    def _respond(self, request: Request) -> Response:
        try:
            if request.method not in {"GET", "HEAD"}:
                raise Problem(405, "this path is for GET", headers={"Allow": "GET, HEAD"})
            call = Call(read_parameters(self.operation.parameters, request.query_params))
            if self._open >= MAX_STREAMS:
                raise Problem(429, f"{MAX_STREAMS} streams are open already", headers={"Retry-After": "30"})
        except Problem as problem:
            return problem_response(problem, request_id_of(request))
        if request.method == "HEAD":
            return Response(media_type="text/event-stream", headers=_HEADERS)
        return StreamingResponse(self.events(call), media_type="text/event-stream", headers=_HEADERS)

    async def events(self, call: Call) -> AsyncIterator[bytes]:
        """The current evaluation at once, then each new one; comments in between keep the line open."""
        self._open += 1
        try:
            seen: Snapshot | None = None
            for looks in itertools.count(1):
                snapshot = self._board.current()
                if snapshot is not None and (seen is None or snapshot.time != seen.time):
                    seen = snapshot
                    yield event(snapshot, call.query)
                elif looks % round(HEARTBEAT_SECONDS / LOOK_SECONDS) == 0:
                    yield b": keep-alive\n\n"
                await self._sleep(LOOK_SECONDS)
        finally:
            self._open -= 1


def event(snapshot: Snapshot, wanted: Mapping[str, Any]) -> bytes:
    """One event. JSON has no line breaks, so the data is one line."""
    names = wanted.get("name")
    labels = {key: wanted[key] for key in ("model", "version") if wanted.get(key) is not None}
    signals = [
        signal_dict(signal)
        for signal in snapshot.signals
        if (names is None or signal.name in names) and labels.items() <= signal.labels.items()
    ]
    body = {"time": snapshot.time, "signals": signals, "alerts": [alert_dict(row) for row in snapshot.alerts]}
    data = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)
    return b"event: evaluation\nid: %d\ndata: %s\n\n" % (round(snapshot.time * 1000), data)
