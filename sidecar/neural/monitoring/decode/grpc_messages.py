"""The messages of a captured gRPC body: one bare message of a unary call, or many with gRPC's own prefix of a stream."""

from __future__ import annotations

import struct
from typing import Final

from neural.monitoring.decode.parsed import Reason, Undecodable
from neural.wire.event import CaptureEvent, Flag

_PREFIX: Final = struct.Struct(">BI")  # compressed flag, length
_MAX_MESSAGES: Final = 10_000
_REQUEST_STREAMED, _RESPONSE_STREAMED = int(Flag.REQUEST_STREAMED), int(Flag.STREAMED)


def request_messages(event: CaptureEvent, body: bytes) -> list[bytes]:
    return split_messages(body) if int(event.flags) & _REQUEST_STREAMED else [body]


def response_messages(event: CaptureEvent, body: bytes) -> list[bytes]:
    return split_messages(body) if int(event.flags) & _RESPONSE_STREAMED else [body]


def split_messages(body: bytes) -> list[bytes]:
    """The messages of a stream, in order. Raises Undecodable."""
    messages, at = list[bytes](), 0
    while at < len(body):
        if len(messages) == _MAX_MESSAGES:
            raise Undecodable(Reason.TOO_MANY_ROWS, f"more than {_MAX_MESSAGES} messages in a stream")
        if at + _PREFIX.size > len(body):
            raise Undecodable(Reason.BAD_PROTOBUF, "a stream ends within a prefix")
        compressed, length = _PREFIX.unpack_from(body, at)
        at += _PREFIX.size
        if compressed or at + length > len(body):
            raise Undecodable(Reason.BAD_PROTOBUF, "a message of a stream is compressed or incomplete")
        messages.append(body[at : at + length])
        at += length
    return messages
