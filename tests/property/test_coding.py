"""Predictions that are known as numbers count, are logged, joined and estimated as the same ones known as texts are."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neural.monitoring.engine.gathering import joined_rows
from neural.monitoring.performance import PerformanceSettings
from neural.monitoring.performance.block import Block
from neural.monitoring.performance.estimate import Estimator
from neural.monitoring.performance.rows import rows_of
from neural.monitoring.predictions.rows import arrow_rows
from neural.monitoring.records import PREDICTION, Coding, Column, Kind, RecordBatch
from neural.monitoring.windows.layout import Layout

WORDS = st.lists(st.sampled_from(["0", "1", "a", "", "é", None]), min_size=1, max_size=30)


def batch(words: list[str | None], first: int) -> RecordBatch:
    n = len(words)
    coding = Coding.of(words)
    missing = np.array([word is None for word in words])
    share = np.linspace(0.1, 0.9, n)
    return RecordBatch(
        model="m",
        version="1",
        times=1_000.0 + np.arange(n),
        row_ids=[f"r{first + at}" for at in range(n)],
        features={},
        predictions=Column(PREDICTION, Kind.CATEGORICAL, coding.values(), missing, coding=coding),
        probabilities={"0": 1 - share, "1": share},
    )


def without_coding(one: RecordBatch) -> RecordBatch:
    assert one.predictions is not None
    return dataclasses.replace(one, predictions=dataclasses.replace(one.predictions, coding=None))


@given(WORDS)
def test_a_coding_is_its_values(words):
    coding = Coding.of(words)
    assert coding.values().tolist() == words
    assert dict(zip(coding.names, coding.counts(), strict=True)) == {word: words.count(word) for word in words}


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_coded_predictions_are_treated_as_others(parts):
    starts = np.cumsum([0, *map(len, parts)])
    coded = joined_rows([batch(words, int(first)) for words, first in zip(parts, starts, strict=False)])
    plain = without_coding(coded)
    made = coded.predictions
    assert made is not None
    assert made.coding is not None
    assert made.coding.values().tolist() == made.values.tolist() == [word for words in parts for word in words]
    assert arrow_rows(coded, coded.times).equals(arrow_rows(plain, plain.times))
    tallies = [Layout(None, 10).count({PREDICTION: one.predictions}, len(one)) for one in (coded, plain)]
    np.testing.assert_array_equal(tallies[0].sums, tallies[1].sums)
    rows = [rows_of(one, PerformanceSettings(task="classification")) for one in (coded, plain)]
    blocks = [Block.of([one], 1, 7).to_json() for one in rows if one is not None]
    assert blocks[0] == blocks[1]
    assert len(blocks) == 2
    estimates = []
    for one in rows:
        estimator = Estimator("1", 60.0)
        estimator.observe_rows(one)
        estimates.append(estimator.to_json())
    assert estimates[0] == estimates[1]
