"""The bodies of a batch, on the shipper's thread: cut to their caps, and what was done to them said in the flags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from neural.capture.body import LongBody
from neural.capture.record import Body
from neural.wire.columns import Buffer
from neural.wire.event import Flag

_BODIES_OFF: Final = int(Flag.BODIES_OFF)
_REDACTED: Final = int(Flag.REDACTED)


class BodyColumns(NamedTuple):
    """The chunks of all bodies in a row; how many of their bytes belong to each; each body's size as it was on the wire."""

    chunks: Sequence[Buffer]
    lengths: Sequence[int]
    sizes: Sequence[int]


def body_columns(
    kept: Sequence[Body], cap: int, flags: list[int], truncated: int, redacted: Sequence[bytes | None] | None = None
) -> BodyColumns:
    """``redacted`` replaces the bodies, None for one that must be left out. Marks in ``flags`` what was cut or left out."""
    if redacted is not None:
        return _redacted(kept, flags, redacted)
    if {*map(type, kept)} == {bytes}:  # nearly always
        lengths = [*map(len, kept)]  # type: ignore[arg-type]
        return BodyColumns(kept, lengths, lengths)  # type: ignore[arg-type]
    chunks: list[Buffer] = []
    lengths, sizes = [], []
    for place, body in enumerate(kept):
        before = len(chunks)
        if isinstance(body, LongBody):
            flags[place] |= _cut(body, cap, truncated, chunks)
            sizes.append(body.size())
        else:
            chunks.append(_solid(body))
            sizes.append(len(chunks[-1]))
        lengths.append(sum(map(len, chunks[before:])))
    return BodyColumns(chunks, lengths, sizes)


def _cut(body: LongBody, cap: int, truncated: int, chunks: list[Buffer]) -> int:
    """Adds the body's chunks up to its cap. Returns the flags."""
    if body.off:
        return _BODIES_OFF
    left = cap
    for chunk in body.chunks:
        solid = _solid(chunk)
        if len(solid) > left:
            chunks.append(memoryview(solid)[:left])
            return truncated
        chunks.append(solid)
        left -= len(solid)
    return truncated if body.lost else 0


def _redacted(kept: Sequence[Body], flags: list[int], redacted: Sequence[bytes | None]) -> BodyColumns:
    for place, body in enumerate(redacted):
        flags[place] |= _REDACTED if body is not None else _REDACTED | _BODIES_OFF
    chunks = [body or b"" for body in redacted]
    sizes = [body.size() if isinstance(body, LongBody) else len(body) for body in kept]
    return BodyColumns(chunks, [*map(len, chunks)], sizes)


def _solid(chunk: Any) -> bytes:
    """Applications may send what is not quite bytes, and go on changing it."""
    return chunk if type(chunk) is bytes else bytes(chunk)
