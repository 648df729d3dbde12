"""A body that comes in several chunks, or in a large one: charged for before it is kept, cut at its cap, never joined here."""

from __future__ import annotations

from typing import Final, Protocol

_GROWTH: Final = 16  # a body is charged for this many times its size at once, up to its cap: rarely, then
_LEAST_CHARGE: Final = 4_096
CHUNK_BYTES: Final = 48  # what a chunk weighs besides its bytes: the object's head and its place in the list, rounded up
_PREPAID_CHUNKS: Final = 15  # 1 MiB, the usual cap, is the first chunk of a usual server's 64 KiB and 15 more


class Purse(Protocol):
    """Who bodies are charged to."""

    def reserve(self, size: int) -> bool:
        """Charge ``size`` more bytes; False when there is no room."""
        ...

    def release(self, size: int) -> None:
        """What was charged and is not needed."""
        ...


class LongBody:
    """The chunks of one body, in order.

    ``fit`` and ``paid`` are what makes a chunk cheap: one of at most ``fit`` bytes is simply appended while there are fewer
    than ``paid`` chunks. They are set so that all of those are charged for already. Everything else goes through ``keep``.
    """

    __slots__ = ("_cap", "_counted_bytes", "_counted_chunks", "_purse", "charged", "chunks", "fit", "lost", "off", "paid")

    _cap: int
    _counted_bytes: int
    _counted_chunks: int
    _purse: Purse
    charged: int
    chunks: list[bytes]
    fit: int
    lost: int  # bytes that came and are not kept
    off: bool  # the body is left out, and not just because it is long
    paid: int

    def add(self, chunk: bytes) -> None:
        """Any chunk, whether it is paid for or not."""
        if len(chunk) <= self.fit and len(self.chunks) < self.paid:
            self.chunks.append(chunk)
        else:
            self.keep(chunk)

    def keep(self, chunk: bytes) -> None:
        """Keep the chunk and charge for more, or keep nothing from here on. One function: a large request pays for each call."""
        chunks, charged, cap = self.chunks, self.charged, self._cap
        number, length = len(chunks), len(chunk)
        held = self._counted_bytes if number == self._counted_chunks else self.held()
        if self.lost or held >= cap:
            self._lose(length)
            return
        size = held + length
        cost = size + (number + 1) * CHUNK_BYTES
        more = number if number > _PREPAID_CHUNKS else _PREPAID_CHUNKS  # noqa: FURB136 - max() is a call
        if cost > charged:
            wanted = size * _GROWTH
            if wanted < _LEAST_CHARGE:  # noqa: PLR1730
                wanted = _LEAST_CHARGE
            if wanted > cap:
                wanted = cap if cap > size else size  # noqa: FURB136
            wanted += (number + 1 + more) * CHUNK_BYTES
            if not self._purse.reserve(wanted - charged):
                self.let_go()
                self._lose(length)
                return
            self.charged = charged = wanted
        chunks.append(chunk)
        self._counted_bytes, self._counted_chunks = size, number + 1
        # What is charged for is spread over the chunks to come: as many as there are already, so that counting stays cheap.
        left, each = charged - cost, length + CHUNK_BYTES
        if left < more * each:
            more = left // each
        if more:
            self.fit, self.paid = left // more - CHUNK_BYTES, number + 1 + more
        else:
            self._spend()

    def held(self) -> int:
        """Bytes of the chunks."""
        chunks = self.chunks
        if len(chunks) > self._counted_chunks:
            self._counted_bytes += sum(map(len, chunks[self._counted_chunks :]))
            self._counted_chunks = len(chunks)
        return self._counted_bytes

    def size(self) -> int:
        """Bytes that came."""
        return self.held() + self.lost

    def _spend(self) -> None:
        """Nothing more is paid for."""
        self.fit, self.paid = -1, 0

    def _lose(self, length: int) -> None:
        self.lost += length
        self._spend()

    def let_go(self) -> None:
        """There is no memory for it, or it can't be told any more: only its size goes on being counted."""
        self.lost += self.held()
        self._purse.release(self.charged)
        self.charged = self._counted_bytes = self._counted_chunks = 0
        self.chunks, self.off = [], True
        self._spend()

    def finish(self) -> int:
        """The body is over: what is charged for is what is held from here on. Returns that.

        Not counted again where every chunk was as large as foreseen, as those of a usual server's large request are.
        """
        if len(self.chunks) < self.paid or (self.chunks and len(self.chunks[-1]) < self.fit):
            surplus = self.charged - self.held() - len(self.chunks) * CHUNK_BYTES
            self._purse.release(surplus)
            self.charged -= surplus
        return self.charged


_new: Final = object.__new__


def long_body(purse: Purse, cap: int, first: bytes, chunk: bytes) -> LongBody:
    """``cap``: the body is cut behind that many bytes; 0: only counted. ``first``: what there was of it before ``chunk``.

    A function, not a constructor: calling a class costs CPython 3.11 three times as much.
    """
    body = _new(LongBody)
    body._purse, body._cap = purse, cap  # noqa: SLF001
    body.chunks, body.fit, body.off = [], -1, not cap
    body._counted_bytes = body._counted_chunks = body.paid = body.lost = body.charged = 0  # noqa: SLF001
    if first:
        body.keep(first)
    body.keep(chunk)
    return body
