"""Texts, embeddings and whole rows as columns with panes: what they measure, and that it adds up."""

from __future__ import annotations

import numpy as np
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.windows import PaneStore, Reference, ReferenceSettings, WindowSettings, build_reference, column_of
from neural.monitoring.windows.derive import Derivation
from neural.monitoring.windows.text import text_columns

NOW = 1_700_000_000.0
WORDS = ["late", "flight", "gate", "weather", "crew", "delay"]


def texts(random, n, words=WORDS):
    return [" ".join(random.choice(words, 4)) for _ in range(n)]


def columns_of(random, n, words=WORDS, centre=0.0):
    vectors = (random.normal(size=(n, 24)) + centre).astype(np.float32)
    a = random.normal(size=n)
    return {
        "note": column_of("note", texts(random, n, words), Kind.TEXT),
        "vector": Column("vector", Kind.EMBEDDING, vectors, np.zeros(n, dtype=bool)),
        "a": column_of("a", a),
        "b": column_of("b", a + random.normal(0, 0.1, n)),
    }


def batch(columns):
    n = len(next(iter(columns.values())))
    return RecordBatch("m", "1", np.full(n, NOW), [""] * n, columns)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abcd", {"letters": 1.0, "digits": 0.0, "new_tokens": 1.0}),
        ("gate 12", {"letters": 4 / 7, "digits": 2 / 7, "spaces": 1 / 7, "new_tokens": 0.5}),
        ("Gate!", {"punctuation": 0.2, "new_tokens": 1.0}),
        ("GATE", {"new_tokens": 0.0}),
        ("é", {"beyond_ascii": 1.0}),
        (" \n", {"spaces": 1.0, "new_tokens": None}),
        ("", {"letters": None, "new_tokens": None}),
    ],
)
def test_a_text_in_numbers(text, expected):
    found = text_columns(column_of("note", [text], Kind.TEXT), frozenset({"gate"}))
    for what, value in expected.items():
        column = found[f"@text:note:{what}"]
        assert column.missing[0] == (value is None)
        assert value is None or column.values[0] == pytest.approx(value)


def test_derived_columns_are_the_same_in_any_batch_and_after_a_round_trip():
    random = np.random.default_rng(0)
    reference = build_reference(columns_of(random, 400), source="test", created_at=NOW, whole_rows=True)
    again = Reference.from_bytes(reference.to_bytes())
    assert again.hash == reference.hash
    rows = columns_of(random, 97)
    whole = again.derivation.derive(rows)
    assert {name.rsplit(":", 1)[0] for name in whole} == {"@text:note", "@vector:vector", "@rows"}
    for size in (1, 2, 5, 64):
        parts = [
            reference.derivation.derive({name: part(column, at, at + size) for name, column in rows.items()})
            for at in range(0, 97, size)
        ]
        for name, column in whole.items():
            np.testing.assert_array_equal(np.concatenate([one[name].values for one in parts]), column.values)


def part(column, start, end):
    return Column(column.name, column.kind, column.values[start:end], column.missing[start:end])


def test_the_reference_expects_of_new_rows_what_it_did_not_learn_from():
    """A vocabulary knows every token of the rows it comes from: their share of new tokens says nothing."""
    unique = [f"id{at} late" for at in range(1_000)]
    reference = build_reference({"note": column_of("note", unique, Kind.TEXT)}, source="test", created_at=NOW)
    assert reference.columns["@text:note:new_tokens"].mean == pytest.approx(0.5)


def test_panes_of_derived_columns_add_up_over_batches_and_a_restart():
    random = np.random.default_rng(2)
    reference = build_reference(columns_of(random, 400), source="test", created_at=NOW, whole_rows=True)
    rows = columns_of(random, 60)
    stores = [PaneStore(WindowSettings(), ManualClock(NOW + 1)) for _ in range(2)]
    for store in stores:
        store.set_default_reference(reference)
    stores[0].add_rows(batch(rows))
    for at in range(0, 60, 7):
        stores[1].add_rows(batch({name: part(column, at, at + 7) for name, column in rows.items()}))
        stores[1].restore(stores[1].snapshot())
    one, other = (store.evaluation("m", "1", NOW + 2).window.columns for store in stores)
    assert one.keys() == other.keys()
    for name, pane in one.items():
        np.testing.assert_array_equal(pane.counts, other[name].counts)
        assert (pane.n, pane.missing) == (other[name].n, other[name].missing)


def test_a_learnt_reference_knows_embeddings_and_whole_rows_without_having_kept_them():
    random = np.random.default_rng(3)
    clock = ManualClock(NOW + 1)
    learning = ReferenceSettings(learn="300 rows", whole_rows=True)
    store = PaneStore(WindowSettings(), clock, learning)
    for _ in range(3):
        store.add_rows(batch(columns_of(random, 100)))
        store.restore(store.snapshot())
    learnt = store.reference("m", "1")
    assert learnt is not None
    assert {"@vector:vector:cos0", "@rows:pca", "@text:note:digits", "vector"} <= set(learnt.columns)
    assert not any(name.startswith("@sketch") for name in learnt.columns)


def test_rows_that_no_longer_go_together_show_in_the_reconstruction_alone():
    random = np.random.default_rng(4)
    a = random.normal(size=2_000)
    going = {"a": column_of("a", a), "b": column_of("b", a + random.normal(0, 0.1, 2_000))}
    reference = build_reference(going, source="test", created_at=NOW, whole_rows=True)
    apart = {"a": column_of("a", random.normal(size=500)), "b": column_of("b", random.normal(size=500))}
    assert reference.derivation.derive(apart)["@rows:pca"].values.mean() > 5 * (reference.columns["@rows:pca"].mean or 0.0)


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.EMBEDDING])
def test_columns_without_a_value_derive_without_complaint(kind):
    values = np.full((30, 3), np.nan, dtype=np.float32) if kind is Kind.EMBEDDING else np.full(30, None, dtype=object)
    column = Column("x", kind, values, np.ones(30, dtype=bool))
    reference = build_reference({"x": column}, source="test", created_at=NOW, whole_rows=True)
    assert isinstance(reference.derivation, Derivation)
    store = PaneStore(WindowSettings(), ManualClock(NOW))
    store.set_default_reference(reference)
    store.add_rows(batch({"x": column}))
    assert store.evaluation("m", "1", NOW + 1).window.rows == 30
