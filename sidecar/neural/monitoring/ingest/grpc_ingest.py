"""Ingest over gRPC: the same message, the same service behind it, gRPC's words for the answers.

``/neural.capture.v1.CaptureService/Capture`` takes a CaptureBatch and answers a Receipt (accepted = 1, duplicate = 2);
``CaptureStream`` takes a stream of batches and acknowledges each. Refusals: RESOURCE_EXHAUSTED or UNAVAILABLE with ``retry-after`` in
the trailing metadata (send the same again later), INVALID_ARGUMENT (damaged), OUT_OF_RANGE (too large). Needs grpcio.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from neural.monitoring.ingest.refusal import Refused
from neural.monitoring.ingest.service import IngestService, Receipt
from neural.wire.protobuf import uint_field

SERVICE: Final = "neural.capture.v1.CaptureService"
_FRAMING_BYTES: Final = 1024  # room above the largest batch, for gRPC's own framing


def build_grpc_server(service: IngestService, *, max_concurrent: int = 64) -> Any:
    """A ``grpc.aio.Server`` with the service on it; add ports and start it. Raises ModuleNotFoundError without grpcio."""
    import grpc
    import grpc.aio

    options = [("grpc.max_receive_message_length", service.limits.max_bytes + _FRAMING_BYTES)]
    server = grpc.aio.server(options=options, maximum_concurrent_rpcs=max_concurrent)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, _handlers(service, grpc)),))
    return server


def _handlers(service: IngestService, grpc: Any) -> dict[str, Any]:
    codes = {429: grpc.StatusCode.RESOURCE_EXHAUSTED, 503: grpc.StatusCode.UNAVAILABLE, 413: grpc.StatusCode.OUT_OF_RANGE}

    async def accept(body: bytes, context: Any) -> bytes:
        try:
            receipt = await asyncio.to_thread(service.accept_batch, body) if service.blocking else service.accept_batch(body)
        except Refused as refused:
            if refused.retry_after_seconds:
                context.set_trailing_metadata((("retry-after", str(refused.retry_after_seconds)),))
            await context.abort(codes.get(refused.status, grpc.StatusCode.INVALID_ARGUMENT), str(refused))
            raise  # abort has raised already
        return _encode(receipt)

    async def stream(bodies: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for body in bodies:
            yield await accept(body, context)

    return {
        "Capture": grpc.unary_unary_rpc_method_handler(accept),
        "CaptureStream": grpc.stream_stream_rpc_method_handler(stream),
    }


def _encode(receipt: Receipt) -> bytes:
    """message Receipt { uint64 accepted = 1; bool duplicate = 2; }"""
    return uint_field(1, receipt.accepted) + uint_field(2, int(receipt.duplicate))
