"""Ingest over gRPC: the same messages, the same service behind it, gRPC's words for the answers.

``/neural.capture.v1.CaptureService/Capture`` takes a CaptureBatch and answers a Receipt; ``CaptureStream`` takes a stream of batches and
acknowledges each; ``Labels`` takes a LabelBatch. Refusals: RESOURCE_EXHAUSTED or UNAVAILABLE with ``retry-after`` in the trailing metadata
(send the same again later), INVALID_ARGUMENT (damaged), OUT_OF_RANGE (too large), UNAUTHENTICATED (no token). Needs grpcio.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from pydantic import SecretStr

from neural.monitoring.ingest.bearer import is_allowed
from neural.monitoring.ingest.label_message import labels_json
from neural.monitoring.ingest.refusal import Refused
from neural.monitoring.ingest.service import IngestService, Receipt
from neural.wire.protobuf import uint_field

SERVICE: Final = "neural.capture.v1.CaptureService"
_FRAMING_BYTES: Final = 1024  # room above the largest batch, for gRPC's own framing
_CODES: Final = {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 413: "OUT_OF_RANGE", 401: "UNAUTHENTICATED"}


def build_grpc_server(service: IngestService, *, tokens: Sequence[SecretStr] = (), max_concurrent: int = 64) -> Any:
    """A ``grpc.aio.Server`` with the service on it; add ports and start it. With ``tokens``, callers need one of them.

    Raises ModuleNotFoundError without grpcio.
    """
    import grpc
    import grpc.aio

    options = [("grpc.max_receive_message_length", service.limits.max_bytes + _FRAMING_BYTES), ("grpc.so_reuseport", 0)]
    server = grpc.aio.server(options=options, maximum_concurrent_rpcs=max_concurrent)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, _handlers(service, tokens, grpc)),))
    return server


def _handlers(service: IngestService, tokens: Sequence[SecretStr], grpc: Any) -> dict[str, Any]:
    async def answer(accept: Callable[[bytes], Receipt], body: bytes, context: Any) -> bytes:
        try:
            _check_token(context, tokens)
            receipt = await asyncio.to_thread(accept, body) if service.blocking else accept(body)
        except Refused as refused:
            if refused.retry_after_seconds:
                context.set_trailing_metadata((("retry-after", str(refused.retry_after_seconds)),))
            code = grpc.StatusCode[_CODES.get(refused.status, "INVALID_ARGUMENT")]
            await context.abort(code, str(refused))
            raise  # abort has raised already
        return _encode(receipt)

    async def capture(body: bytes, context: Any) -> bytes:
        return await answer(service.accept_batch, body, context)

    async def stream(bodies: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for body in bodies:
            yield await answer(service.accept_batch, body, context)

    async def labels(body: bytes, context: Any) -> bytes:
        return await answer(lambda message: service.accept_labels(labels_json(message)), body, context)

    return {
        "Capture": grpc.unary_unary_rpc_method_handler(capture),
        "CaptureStream": grpc.stream_stream_rpc_method_handler(stream),
        "Labels": grpc.unary_unary_rpc_method_handler(labels),
    }


def _check_token(context: Any, tokens: Sequence[SecretStr]) -> None:
    if tokens:
        given = next((value for key, value in context.invocation_metadata() or () if key == "authorization"), "")
        if not is_allowed(given if isinstance(given, str) else "", tokens):
            raise Refused(401, "unauthorized", "send one of the sidecar's tokens as authorization: Bearer …")


def _encode(receipt: Receipt) -> bytes:
    """message Receipt { uint64 accepted = 1; bool duplicate = 2; }"""
    return uint_field(1, receipt.accepted) + uint_field(2, int(receipt.duplicate))
