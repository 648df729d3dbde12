"""How one fuzzer's input becomes a captured request: an options byte, the request's length, request, response."""

from __future__ import annotations

import struct

from neural.wire import CaptureEvent, Flag, Protocol

_HEAD = struct.Struct("<BH")
_TYPES = ("application/json", "text/csv", "application/jsonlines", "application/octet-stream")
_ENCODINGS = ("", "gzip", "deflate", "gzip, gzip")


def frame(request: bytes, response: bytes, *, content_type: str = "application/json", streamed: bool = False) -> bytes:
    """The input that ``event`` reads as these bodies."""
    kind = _TYPES.index(content_type) if content_type in _TYPES else 0
    return _HEAD.pack(kind | (16 if streamed else 0), min(len(request), 65_535)) + request + response


def event(data: bytes, path: str, *, grpc: bool) -> CaptureEvent:
    """Any bytes as a request that was answered with success: what decoders are asked to read."""
    options, length = _HEAD.unpack(data[: _HEAD.size].ljust(_HEAD.size, b"\0"))
    request, response = data[_HEAD.size :][:length], data[_HEAD.size + length :]
    headers = {"content-type": _TYPES[options & 3]}
    if options & 12:
        headers["content-encoding"] = _ENCODINGS[options >> 2 & 3]
    if options & 32:  # V2's binary extension: the JSON ends where the first NUL byte stands, or in the middle
        headers["inference-header-content-length"] = str(request.find(b"\0") if b"\0" in request else len(request) // 2)
    flags = Flag.STREAMED | Flag.REQUEST_STREAMED if options & 16 else Flag.NONE
    if options & 64:
        flags |= Flag.REQUEST_TRUNCATED
    if options & 128:
        flags |= Flag.RESPONSE_TRUNCATED
    return CaptureEvent(
        "bad", 1, 1, path=path, flags=flags, request_body=request, response_body=response,
        request_headers=headers, response_headers={"content-type": headers["content-type"]},
        protocol=Protocol.GRPC if grpc else Protocol.HTTP, status=0 if grpc else 200, grpc_status=0 if grpc else -1,
    )  # fmt: skip
