"""Which headers leave the process: alike or not, batches come to the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neural.capture.headers import Found, HeaderFilter
from neural.wire.columns import HeaderColumns

FILTER = HeaderFilter(["content-type", "X-Request-Id"], ["traceparent", "content-type", ""])
NAMES = st.sampled_from([b"content-type", b"x-request-id", b"traceparent", b"host", b"cookie"])
PAIRS = st.tuples(NAMES, st.binary(max_size=5))


def plainly(headers):
    """What is asked of the filter, written down as it is said."""
    shown = [
        [(n, v.decode("latin-1").encode()) for n, v in pairs if n in {b"content-type", b"x-request-id"}] for pairs in headers
    ]
    found = [
        (event, n, v.decode("latin-1").encode())
        for event, pairs in enumerate(headers)
        for n, v in pairs
        if n in {b"content-type", b"traceparent"}
    ]
    flat = [pair for pairs in shown for pair in pairs]
    return [len(pairs) for pairs in shown] if flat else [], [n for n, _ in flat], [v for _, v in flat], sorted(found)


def filtered(headers):
    columns, found = FILTER.columns(headers)
    counts = list(columns.counts) if columns.names else []
    return counts, list(columns.names), list(columns.values), sorted(map(tuple, found))


@given(st.lists(st.lists(PAIRS, max_size=6), min_size=1, max_size=6))
def test_any_headers(headers):
    assert filtered(headers) == plainly(headers)


@given(st.lists(NAMES, max_size=6), st.integers(1, 5), st.data())
def test_headers_that_are_alike(names, events, data):
    headers = [[(bytes(bytearray(name)), data.draw(st.binary(max_size=5))) for name in names] for _ in range(events)]
    assert filtered(headers) == plainly(headers)


def test_a_name_asked_for_is_told_though_it_is_not_shown():
    columns, found = FILTER.columns([[(b"traceparent", b"t")], [(b"traceparent", b"u")]])
    assert (columns, found) == (HeaderColumns(), [Found(0, b"traceparent", b"t"), Found(1, b"traceparent", b"u")])


def test_a_long_value_is_cut():
    columns, _ = FILTER.columns([[(b"x-request-id", b"x" * 10_000)]])
    assert [*map(len, columns.values)] == [4_096]
