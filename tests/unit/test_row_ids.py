"""Ids kept as requests and counts are the same ids, to whoever asks: texts, Arrow, hashes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neural.monitoring.performance.hashing import hash_ids
from neural.monitoring.predictions.rows import arrow_rows
from neural.monitoring.records import RecordBatch
from neural.monitoring.row_ids import RowIds, joined_ids

REQUESTS = st.lists(
    st.tuples(st.text(max_size=70) | st.text("abc:", max_size=70), st.sampled_from([1, 2, 9, 10, 11, 101, 1001]) | st.integers(1, 40)),
    min_size=1,
    max_size=4,
)  # fmt: skip


def made(requests):
    return RowIds([name for name, _ in requests], [rows for _, rows in requests])


def texts(requests):
    return [text for name, rows in requests for text in ([name] if rows == 1 else [f"{name}:{row}" for row in range(rows)])]


@given(REQUESTS)
@example([("p" * 24, 4200), ("é" * 9, 12)])
def test_the_texts_are_those_of_each_row(requests):
    ids, expected = made(requests), texts(requests)
    assert (list(ids), len(ids)) == (expected, len(expected))
    assert ids == expected
    assert [ids[at] for at in (0, len(ids) // 2, -1)] == [expected[at] for at in (0, len(ids) // 2, -1)]
    assert ids[1:-1:3] == expected[1:-1:3]
    with pytest.raises(IndexError):
        ids[len(ids)]


@given(REQUESTS, st.integers(0, 2**64 - 1))
@example([("p" * 24, 70_000)], 7)
@example([("", 17), ("12345678", 17), ("1234567", 17)], 7)
def test_hashes_are_those_of_the_texts(requests, key):
    np.testing.assert_array_equal(hash_ids(made(requests), key), hash_ids(texts(requests), key))


@given(REQUESTS)
def test_arrow_reads_the_same_texts(requests):
    ids = made(requests)
    batch = RecordBatch("m", "1", np.zeros(len(ids)), ids, {})
    written = arrow_rows(batch, batch.times).column("prediction_id")
    written.validate(full=True)
    assert written.equals(pa.array(texts(requests), pa.string()))


def test_batches_are_joined_in_order_whatever_they_hold():
    first, second = RowIds(["a"], [2]), RowIds(["b", "c"], [1, 2])
    assert joined_ids([first, second]) == ["a:0", "a:1", "b", "c:0", "c:1"]
    assert isinstance(joined_ids([first, second]), RowIds)
    assert joined_ids([first, ["x"]]) == ["a:0", "a:1", "x"]
