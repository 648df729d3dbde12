"""Long bodies: what is held is charged for before, the cap is kept, and counting stays cheap however many chunks there are."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural.capture.account import Account
from neural.capture.bodies import body_columns
from neural.capture.body import CHUNK_BYTES, LongBody, long_body
from neural.capture.settings import Settings
from neural.wire import Flag

TRUNCATED = int(Flag.REQUEST_TRUNCATED)


class Purse:
    """Gives as long as there is something. ``asked`` counts how often it was."""

    def __init__(self, size: int = 10**9):
        self.left = self.size = size
        self.asked = 0

    def reserve(self, size: int) -> bool:
        self.asked += 1
        if size > self.left:
            return False
        self.left -= size
        return True

    def release(self, size: int) -> None:
        self.left += size

    @property
    def charged(self) -> int:
        return self.size - self.left


def weight(chunks: list[bytes]) -> int:
    return sum(map(len, chunks)) + len(chunks) * CHUNK_BYTES


def kept(body: LongBody, cap: int) -> tuple[bytes, int, int]:
    """(what is shipped, the size that is told, flags)."""
    flags = [0]
    columns = body_columns([body], cap, flags, TRUNCATED)
    return b"".join(columns.chunks), columns.sizes[0], flags[0]


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=60), st.integers(1, 5_000), st.integers(0, 20_000))
def test_what_is_held_is_always_charged_for(chunks, cap, memory):
    purse = Purse(memory)
    body = long_body(purse, cap, b"", chunks[0])
    for chunk in chunks[1:]:
        body.add(chunk)
        assert weight(body.chunks) <= body.charged == purse.charged <= memory
    whole = b"".join(chunks)
    assert body.finish() == purse.charged >= weight(body.chunks)
    shipped, size, flags = kept(body, cap)
    assert size == len(whole)
    if body.off:
        assert (shipped, flags) == (b"", Flag.BODIES_OFF)
    else:
        assert (shipped, flags) == (whole[:cap], TRUNCATED if len(whole) > cap else 0)


@pytest.mark.parametrize(("chunk", "number"), [(65_536, 16), (20, 5_000), (5_000, 2), (1_048_576, 1)])
def test_a_finished_body_of_even_chunks_is_charged_for_what_it_holds(chunk, number):
    purse = Purse()
    body = long_body(purse, 2**20, b"", b"x" * chunk)
    for _ in range(number - 1):
        body.add(b"x" * chunk)
    assert body.finish() == purse.charged
    assert 0 <= purse.charged - weight(body.chunks) <= 16 * CHUNK_BYTES


def test_many_small_chunks_are_counted_once_and_charged_for_rarely(monkeypatch):
    purse, kept_by_call = Purse(), 0
    keep = LongBody.keep

    def counted(self, chunk):
        nonlocal kept_by_call
        kept_by_call += 1
        keep(self, chunk)

    monkeypatch.setattr(LongBody, "keep", counted)
    body = long_body(purse, 2**20, b"", b"x" * 20)
    for _ in range(50_000):
        body.add(b"x" * 20)
    assert kept_by_call < 200
    assert purse.asked <= 6


def test_a_megabyte_in_the_chunks_of_a_usual_server_asks_once():
    books = Account(Settings(), threading.Event())
    body = long_body(books, 2**20, b"", b"x" * 65_536)
    assert (body.fit, body.paid, body.charged) == (65_536, 16, 2**20 + 16 * CHUNK_BYTES)


def test_a_body_that_finds_no_memory_is_let_go_of_and_its_size_told():
    purse = Purse(100_000)
    body = long_body(purse, 2**20, b"", b"x" * 2_000)
    for _ in range(99):
        body.add(b"x" * 2_000)
    assert (kept(body, 2**20), purse.charged, body.finish()) == ((b"", 200_000, Flag.BODIES_OFF), 0, 0)
