"""The ingest endpoints: POST /v1/capture, /v1/labels, /v1/cloudevents and, for loggers that post to a bare URL, /."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from neural.monitoring.decode.content import unpack
from neural.monitoring.decode.parsed import Undecodable
from neural.monitoring.ingest.cloudevent_http import read_half
from neural.monitoring.ingest.refusal import Refused
from neural.monitoring.ingest.service import IngestService, Receipt
from neural.wire import CONTENT_TYPE

_PROTOBUF_TYPES: Final = frozenset({CONTENT_TYPE, "application/x-protobuf", "application/protobuf", "application/octet-stream"})
_MAX_LABELS_BYTES: Final = 16 * 2**20
_MAX_CLOUDEVENT_BYTES: Final = 32 * 2**20

Handler = Callable[[Request], Awaitable[Receipt]]


def ingest_routes(service: IngestService) -> list[Route]:
    """Routes for a Starlette app. Replies: 200 accepted (repeats too), 400 damaged, 413 too large, 415 wrong type, 429 or 503 with
    Retry-After: send the same again later."""

    async def capture(request: Request) -> Receipt:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type not in _PROTOBUF_TYPES:
            raise _refused(service, Refused(415, "wrong_content_type", f"send {CONTENT_TYPE}"))
        body = await _read(service, request, service.limits.max_bytes)
        return await _run(service, lambda: service.accept_batch(body))

    async def labels(request: Request) -> Receipt:
        body = await _read(service, request, _MAX_LABELS_BYTES)
        return await _run(service, lambda: service.accept_labels(body))

    async def cloudevents(request: Request) -> Receipt:
        body = await _read(service, request, _MAX_CLOUDEVENT_BYTES)
        try:
            half = read_half(request.headers, body, now=service.now())
        except Refused as refused:
            raise _refused(service, refused) from None
        return Receipt(0) if half is None else await _run(service, lambda: service.accept_half(half))

    return [
        Route("/v1/capture", _replying(capture), methods=["POST"]),
        Route("/v1/labels", _replying(labels), methods=["POST"]),
        Route("/v1/cloudevents", _replying(cloudevents), methods=["POST"]),
        Route("/", _replying(cloudevents), methods=["POST"]),
    ]


def _replying(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """The handler's receipt or refusal as a reply. KServe's logger takes only 200 for success."""

    async def reply(request: Request) -> Response:
        try:
            receipt = await handler(request)
        except Refused as refused:
            headers = {"retry-after": str(refused.retry_after_seconds)} if refused.retry_after_seconds else None
            return Response(_refusal_json(refused), refused.status, headers, media_type="application/json")
        except ClientDisconnect:
            return Response(status_code=400)
        text = f'{{"accepted":{receipt.accepted},"duplicate":{str(receipt.duplicate).lower()}}}'
        return Response(text, media_type="application/json")

    return reply


def _refusal_json(refused: Refused) -> bytes:
    return orjson.dumps({"error": refused.reason, "detail": refused.detail})


async def _read(service: IngestService, request: Request, max_bytes: int) -> bytes:
    """The body, never more of it than allowed, compressed or not."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        raise _refused(service, Refused(413, "too_large", f"at most {max_bytes} bytes"))
    chunks, size = list[bytes](), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise _refused(service, Refused(413, "too_large", f"at most {max_bytes} bytes"))
        chunks.append(chunk)
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    encoding = request.headers.get("content-encoding", "")
    if not encoding:
        return body
    try:
        return unpack(body, encoding, max_bytes)
    except Undecodable as problem:
        status = 413 if problem.reason == "too_large" else 400
        raise _refused(service, Refused(status, str(problem.reason), problem.detail)) from None


async def _run(service: IngestService, accept: Callable[[], Receipt]) -> Receipt:
    return await asyncio.to_thread(accept) if service.blocking else accept()


def _refused(service: IngestService, refused: Refused) -> Refused:
    service.refuse(refused)
    return refused
