"""The ring and the books: nothing is lost between the lines, whatever happens at once."""

from __future__ import annotations

import threading

import pytest

from neural.capture.account import REJECTED, SHUTDOWN, Account
from neural.capture.body import CHUNK_BYTES, long_body
from neural.capture.record import PLACE_BYTES, Origin, Record
from neural.capture.settings import Settings

ORIGIN = Origin(0, "m", "1")


def record(charged: int = 0, prediction_id: bytes = b"id") -> Record:
    return Record(charged, 1.0, ORIGIN, "POST", "/", b"", (), (), prediction_id, b"", 0, 900, 1000, 200, 0, 0, b"in", b"out")


def account(**options) -> Account:
    return Account(Settings(**options), threading.Event())


def finished(books: Account, number: int, size: int = 0) -> None:
    """Requests with ``size`` bytes in long bodies."""
    for _ in range(number):
        books.begin()
        fits = not size or books.reserve(size)
        books.finish(record(size if fits else 0))


def test_every_request_is_somewhere():
    books = account()
    assert books.ledger().seen == 0
    finished(books, 5)
    books.begin()
    ledger = books.ledger()
    assert (ledger.seen, ledger.in_flight, books.waiting) == (6, 6, 5)
    books.settle(books.take(2, 10**9))
    books.settle(books.take(2, 10**9), REJECTED)
    ledger = books.ledger()
    assert (ledger.shipped, dict(ledger.dropped), ledger.in_flight, books.waiting) == (2, {"rejected": 2}, 2, 1)
    assert ledger.balanced


def test_reading_the_ledger_does_not_change_it():
    books = account()
    finished(books, 3)
    assert books.ledger() == books.ledger()
    assert books.begin()[0] == 3


def test_memory_is_bounded_and_what_does_not_fit_is_counted():
    books = account(ring_bytes=10 * PLACE_BYTES)
    finished(books, 25)
    assert books.used == 10 * PLACE_BYTES
    assert (books.waiting, books.ledger().dropped) == (10, {"ring_full": 15})


def test_long_bodies_take_places_from_others():
    books = account(ring_bytes=10 * PLACE_BYTES)
    books.begin()
    assert books.reserve(8 * PLACE_BYTES)
    finished(books, 3)
    assert (books.waiting, books.used) == (2, 10 * PLACE_BYTES)
    assert not books.reserve(1)
    books.release(8 * PLACE_BYTES)
    finished(books, 9)
    assert (books.waiting, books.ledger().dropped) == (10, {"ring_full": 2})


def test_places_are_bounded():
    books = account(ring_events=4)
    finished(books, 6)
    assert (books.waiting, books.ledger().dropped) == (4, {"ring_full": 2})
    taken = books.take(4, 10**9)
    finished(books, 1)
    assert books.ledger().dropped == {"ring_full": 3}, "what is being sent still takes its place"
    books.settle(taken)
    finished(books, 4)
    assert books.ledger().dropped == {"ring_full": 3}


def test_memory_comes_back_when_a_batch_is_settled():
    books = account()
    finished(books, 10, size=5_000)
    assert books.used == 10 * (PLACE_BYTES + 5_000)
    batch = books.take(10, 10**9)
    assert books.used == 10 * (PLACE_BYTES + 5_000)
    books.settle(batch)
    assert books.used == 0


def test_a_batch_cannot_be_settled_twice():
    books = account()
    finished(books, 3)
    batch = books.take(3, 10**9)
    books.settle(batch, SHUTDOWN)
    books.settle(batch)
    ledger = books.ledger()
    assert (ledger.shipped, dict(ledger.dropped), books.used) == (0, {"shutdown": 3}, 0)


def test_a_running_request_is_charged_for_its_long_body_and_only_for_what_it_holds_at_its_end():
    books = account(ring_bytes=1_200_000)
    books.begin()
    first = long_body(books, 2**20, b"", b"x" * 60_000)
    assert books.used == 960_000 + 16 * CHUNK_BYTES, "sixteen times as much as came: it is rarely charged, then"
    second = long_body(books, 2**20, b"", b"x" * 50_000)
    assert (second.off, second.chunks, second.size()) == (True, [], 50_000)
    assert books.used == 960_000 + 16 * CHUNK_BYTES
    books.finish(record(first.finish()))
    assert books.used == PLACE_BYTES + 60_000 + CHUNK_BYTES


def test_a_batch_ends_at_its_bytes_or_its_events():
    books = account()
    finished(books, 10, size=1000)
    assert len(books.take(3, 10**9)) == 3
    assert len(books.take(100, 2500)) == 2
    assert len(books.take(100, 1)) == 1, "one event is always taken"
    assert len(books.take(100, 10**9)) == 4


def test_after_the_end_requests_are_dropped_as_such():
    books = account()
    finished(books, 2)
    books.shut()
    finished(books, 1)
    books.write_off(SHUTDOWN)
    assert books.ledger().dropped == {"shutdown": 3}
    assert (books.used, books.ledger().in_flight) == (0, 0)
    assert not books.reserve(1)


def test_a_full_batch_wakes_the_shipper():
    books = account(batch_events=3)
    finished(books, 2)
    assert not books.wake.is_set()
    finished(books, 1)
    assert books.wake.is_set()


@pytest.mark.parametrize("threads", [8])
def test_the_books_are_exact_under_threads(threads):
    books = account(ring_events=500, sample=0.7, keep_errors=False, keep_slow=0)
    each = 2000
    stop = threading.Event()
    unbalanced = []

    def request():
        for i in range(each):
            books.begin()
            size = 5_000 * (i % 3)
            books.finish(record(size if books.reserve(size) else 0, prediction_id=b"%d" % i))

    def ship():
        while not stop.is_set() or books.waiting:
            books.settle(books.take(64, 10**9), None if len(books) % 2 else REJECTED)

    def look():
        while not stop.is_set():
            ledger = books.ledger()
            if not ledger.balanced or ledger.in_flight < 0:
                unbalanced.append(ledger)

    workers = [threading.Thread(target=request) for _ in range(threads)]
    others = [threading.Thread(target=ship), threading.Thread(target=look)]
    for thread in [*workers, *others]:
        thread.start()
    for thread in workers:
        thread.join()
    stop.set()
    for thread in others:
        thread.join()
    ledger = books.ledger()
    assert unbalanced == []
    assert (ledger.seen, ledger.in_flight, books.used) == (threads * each, 0, 0)
    assert ledger.shipped + ledger.sampled_out + sum(ledger.dropped.values()) == threads * each
    assert ledger.sampled_out > 0
