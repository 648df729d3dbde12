"""A record whose request still runs: how much of its bodies is held, and how it ends."""

from __future__ import annotations

from typing import Final

from neural.capture.account import Account
from neural.capture.record import Chunks, Record, chunk_list
from neural.wire.event import Flag

_GROWTH: Final = 16  # a body that outgrows its room is charged this many times its size at once, up to its cap: rarely, then
_BODIES_OFF: Final = int(Flag.BODIES_OFF)


class Underway(Record):
    """Counts a body by what is left of its room: one subtraction a chunk.

    ``…_granted``: bytes the body may grow to before it must be charged for more; 0: nothing (more) of it is kept.
    ``…_room``: what is left of that. ``…_size`` holds only what came while nothing was granted, until ``hand_over``.
    """

    __slots__ = ("account", "refused", "request_granted", "request_room", "response_granted", "response_room")

    account: Account
    refused: bool  # some chunk was not kept: ``held`` is not the sum of the sizes
    request_granted: int
    request_room: int
    response_granted: int
    response_room: int

    def keep_request(self, body: bytes) -> None:
        room = self.request_room - len(body)
        if room < 0:
            self.outgrown_request(body)
            return
        self.request_room = room
        self.request_chunks = with_chunk(self.request_chunks, body)

    def keep_response(self, body: bytes) -> None:
        room = self.response_room - len(body)
        if room < 0:
            self.outgrown_response(body)
            return
        self.response_room = room
        self.response_chunks = with_chunk(self.response_chunks, body)

    def outgrown_request(self, body: bytes) -> None:
        """The chunk is larger than the room left: charge for more and keep it, or keep nothing from here on."""
        granted = self._grant(body, self.request_granted, self.request_room, self.account.request_cap)
        if granted:
            self.request_room += granted - self.request_granted - len(body)
            self.request_granted = granted
            self.request_chunks = with_chunk(self.request_chunks, body)
        else:
            self.request_size += self.request_granted - self.request_room + len(body)
            self.request_granted = self.request_room = 0

    def outgrown_response(self, body: bytes) -> None:
        """The same for the response."""
        granted = self._grant(body, self.response_granted, self.response_room, self.account.response_cap)
        if granted:
            self.response_room += granted - self.response_granted - len(body)
            self.response_granted = granted
            self.response_chunks = with_chunk(self.response_chunks, body)
        else:
            self.response_size += self.response_granted - self.response_room + len(body)
            self.response_granted = self.response_room = 0

    def _grant(self, body: bytes, granted: int, room: int, cap: int) -> int:
        """How far the body may grow, the chunk included; 0 when it is not to be kept."""
        received = granted - room
        if granted and received < cap:
            size = received + len(body)
            wanted = max(size, min(size * _GROWTH, cap))
            if self.account.reserve(self, wanted - granted):
                return wanted
            self.lose_bodies()
        self.refused = True  # its end is cut off, or all of it is let go of
        return 0

    def lose_bodies(self) -> None:
        """Let go of the bodies; sizes go on being counted."""
        self.request_size += self.request_granted - self.request_room
        self.response_size += self.response_granted - self.response_room
        self.request_granted = self.request_room = self.response_granted = self.response_room = 0
        self.request_chunks = self.response_chunks = None
        self.refused = True
        self.flags |= _BODIES_OFF

    def hand_over(self) -> None:
        """The request is over and everything is noted: into the books. To be called once."""
        self.request_size += self.request_granted - self.request_room
        self.response_size += self.response_granted - self.response_room
        if self.refused:
            self.held = sum(map(len, chunk_list(self.request_chunks))) + sum(map(len, chunk_list(self.response_chunks)))
        else:
            self.held = self.request_size + self.response_size
        self.account.finish(self)


def with_chunk(kept: Chunks, chunk: bytes) -> Chunks:
    if kept is None:
        return chunk
    chunks = chunk_list(kept)
    chunks.append(chunk)
    return chunks
