"""A record whose request still runs: how much of its bodies is held, and how it ends."""

from __future__ import annotations

from typing import Final

from neural.capture.account import KEEP_NOTHING, Account
from neural.capture.record import Chunks, Record, chunk_list
from neural.wire.event import Flag

_GROWTH: Final = 4  # a body that outgrows its charge is charged this many times its size at once: rarely, then
_BODIES_OFF: Final = int(Flag.BODIES_OFF)


class Underway(Record):
    """``request_room`` and ``response_room``: how large a body may be before ``outgrown`` must decide about it."""

    __slots__ = ("account", "outgrew", "request_room", "response_room")

    account: Account
    outgrew: bool  # a body was larger than its room: then ``held`` is not the sum of the sizes
    request_room: int
    response_room: int

    def outgrown(self, kept: Chunks, body: bytes, size: int, room: int, *, is_request: bool) -> tuple[Chunks, int]:
        """A body is larger than its room. Keeps the chunk and charges for it, or refuses it. (chunks, new room)."""
        self.outgrew = True
        cap = self.account.request_cap if is_request else self.account.response_cap
        if size - len(body) >= cap or room == KEEP_NOTHING:
            return kept, KEEP_NOTHING  # enough of it is kept: its end is cut off
        wanted = max(size, min(size * _GROWTH, cap))
        if not self.account.reserve(self, wanted - room):
            self.lose_bodies()
            return None, KEEP_NOTHING
        chunks = chunk_list(kept)
        chunks.append(body)
        return chunks, wanted

    def lose_bodies(self) -> None:
        """Let go of the bodies; sizes go on being counted."""
        self.request_chunks = self.response_chunks = None
        self.request_room = self.response_room = KEEP_NOTHING
        self.outgrew = True
        self.flags |= _BODIES_OFF

    def hand_over(self) -> None:
        """The request is over and everything is noted: into the books. To be called once."""
        if self.outgrew:
            self.held = sum(map(len, chunk_list(self.request_chunks))) + sum(map(len, chunk_list(self.response_chunks)))
        else:
            self.held = self.request_size + self.response_size
        self.account.finish(self)
