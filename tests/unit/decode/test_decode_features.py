from __future__ import annotations

import math

import numpy as np
import pytest

from neural.monitoring.decode import DecodeSettings, FeatureSettings, Reason, Undecodable
from neural.monitoring.decode.features import FeatureBuilder
from neural.monitoring.records import Kind


def build(columns, schema=None, builder=None, **settings):
    builder = builder or FeatureBuilder(DecodeSettings(**settings), schema or {})
    return builder.build(tuple(columns), list(columns.values()))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5, None], Kind.NUMERIC),
        ([True, False, None], Kind.BOOLEAN),
        ([True, 2], Kind.NUMERIC),
        (["a", None], Kind.CATEGORICAL),
        (["a", 1], Kind.CATEGORICAL),
        (["x" * 65], Kind.TEXT),
        ([None, None], Kind.NUMERIC),
        (np.array([1, 2], dtype=np.int8), Kind.NUMERIC),
        (np.array([True, False]), Kind.BOOLEAN),
        ([[0.5] * 200], Kind.EMBEDDING),
    ],
)
def test_the_kind_follows_the_values(values, kind):
    assert build({"x": values})["x"].kind is kind


def test_a_column_once_numeric_stays_numeric_and_strings_count_as_invalid():
    builder = FeatureBuilder(DecodeSettings(), {})
    build({"x": [1.0]}, builder=builder)
    column = build({"x": ["abc", 2, None, [1], "3"]}, builder=builder, schema=None)["x"]
    assert column.kind is Kind.NUMERIC
    assert column.invalid.tolist() == [True, False, False, True, True]
    assert column.missing.tolist() == [False, False, True, False, False]
    np.testing.assert_array_equal(column.values, [math.nan, 2, math.nan, math.nan, math.nan])


def test_a_column_once_categorical_stays_so_and_numbers_become_their_text():
    builder = FeatureBuilder(DecodeSettings(), {})
    build({"x": ["a"]}, builder=builder)
    column = build({"x": [1, 1.0, 2.5, True, None, {}.keys]}, builder=builder)["x"]
    assert column.values.tolist() == ["1", "1", "2.5", "true", None, None]
    assert column.missing.tolist() == [False, False, False, False, True, False]
    assert column.invalid.tolist() == [False] * 5 + [True]


def test_a_column_that_was_all_missing_is_decided_by_its_first_value():
    builder = FeatureBuilder(DecodeSettings(), {})
    assert build({"x": [None]}, builder=builder)["x"].kind is Kind.NUMERIC
    assert build({"x": ["a"]}, builder=builder)["x"].kind is Kind.CATEGORICAL


def test_the_protocols_word_decides_while_all_is_missing():
    builder = FeatureBuilder(DecodeSettings(), {})
    assert builder.build(("x",), [[None, None]], (Kind.CATEGORICAL,))["x"].kind is Kind.CATEGORICAL


def test_the_schema_decides_before_the_values():
    schema = {"zip": FeatureSettings(kind=Kind.CATEGORICAL), "flag": FeatureSettings(kind=Kind.BOOLEAN)}
    columns = build({"zip": [10115, 10117.0], "flag": [1, 7]}, schema)
    assert columns["zip"].values.tolist() == ["10115", "10117"]
    assert columns["flag"].values[0] == 1.0
    assert columns["flag"].invalid.tolist() == [False, True]


def test_infinities_stay_and_integers_beyond_floats_do_not_crash():
    column = build({"x": [math.inf, -math.inf, 10**400, -(10**400), 10**300]})["x"]
    assert column.values.tolist() == [math.inf, -math.inf, math.inf, -math.inf, 1e300]
    assert not column.missing.any()


def test_nan_from_a_tensor_is_missing():
    column = build({"x": np.array([1.0, np.nan], dtype=np.float32)})["x"]
    assert column.missing.tolist() == [False, True]


def test_a_vector_becomes_one_column_each_with_the_names_at_hand():
    vectors = [[1, 2], [3, None]]
    assert list(build({"": vectors})) == ["feature_0", "feature_1"]
    assert list(build({"input-0": vectors})) == ["feature_0", "feature_1"]
    assert list(build({"": vectors}, feature_names=["age", "hours"])) == ["age", "hours"]
    assert list(build({"": vectors}, {"a": FeatureSettings(), "b": FeatureSettings()})) == ["a", "b"]
    assert list(build({"a": vectors, "b": [1, 2]})) == ["a_0", "a_1", "b"]
    column = build({"": vectors})["feature_1"]
    assert column.missing.tolist() == [False, True]


def test_a_vector_with_strings_keeps_the_kind_of_each_place():
    columns = build({"": [[1, "a"], [2, "b"]]})
    assert [column.kind for column in columns.values()] == [Kind.NUMERIC, Kind.CATEGORICAL]


def test_a_long_vector_is_one_embedding():
    column = build({"e": [[0.5] * 300, None, [1.0] * 299, "x"]})["e"]
    assert column.kind is Kind.EMBEDDING
    assert column.values.shape == (4, 300)
    assert column.values.dtype == np.float32
    assert column.missing.tolist() == [False, True, False, False]
    assert column.invalid.tolist() == [False, False, True, True]


def test_an_embedding_by_schema_is_not_spread():
    schema = {"e": FeatureSettings(kind=Kind.EMBEDDING)}
    assert build({"e": np.ones((2, 3)), "x": [1, 2]}, schema)["e"].values.shape == (2, 3)


def test_objects_are_spread_by_dotted_names():
    columns = build({"who": [{"age": 1, "home": {"zip": "a"}}, {"age": 2}], "x": [1, 2]})
    assert set(columns) == {"who.age", "who.home.zip", "x"}
    assert columns["who.home.zip"].values.tolist() == ["a", None]


def test_deep_objects_are_refused():
    deep: object = 1
    for _ in range(30):
        deep = {"a": deep}
    with pytest.raises(Undecodable) as refused:
        build({"x": [deep]})
    assert refused.value.reason is Reason.TOO_DEEP


def test_too_many_columns_are_refused():
    with pytest.raises(Undecodable) as refused:
        build({f"c{i}": [1] for i in range(20)}, max_columns=10)
    assert refused.value.reason is Reason.TOO_WIDE


def test_ragged_vectors_are_invalid_not_a_crash():
    columns = build({"x": [[1, 2], [3], [1, 2]]})
    (column,) = columns.values()
    assert column.kind is Kind.EMBEDDING
    assert column.invalid.tolist() == [False, True, False]


@pytest.mark.parametrize("how", ["hash", "mask", "drop"])
def test_redaction_happens_before_anything_leaves(how):
    schema = {"email": FeatureSettings(redact=how), "x": FeatureSettings()}
    columns = build({"email": ["a@b.c", None, "a@b.c"], "x": [1, 2, 3]}, schema, hash_key="key")
    assert ("email" in columns) == (how != "drop")
    assert "a@b.c" not in repr(columns)
    if how != "drop":
        values = columns["email"].values.tolist()
        assert values[0] == values[2]
        assert values[1] is None
        assert columns["email"].missing.tolist() == [False, True, False]


def test_hashes_depend_on_the_key_and_hide_numbers_too():
    schema = {"id": FeatureSettings(redact="hash")}
    one = build({"id": [12345]}, schema, hash_key="a")["id"]
    two = build({"id": [12345]}, schema, hash_key="b")["id"]
    assert one.kind is Kind.CATEGORICAL
    assert one.values[0] != two.values[0]
    assert one.values[0] != "12345"


def test_a_range_upside_down_is_a_config_error():
    with pytest.raises(ValueError, match="upside down"):
        FeatureSettings(range=(5, 1))


@pytest.mark.parametrize("wrong", [[], [1, 2], {}, {"a": 1}, [[1]], [0.5] * 200])
def test_one_list_or_object_among_numbers_is_invalid_and_the_others_keep_their_values(wrong):
    builder = FeatureBuilder(DecodeSettings(), {})
    for _ in range(2):  # in the first batch, and once the kind is known
        built = build({"x": [1.5, wrong, 2.5]}, builder=builder)
        assert list(built) == ["x"]
        assert built["x"].kind is Kind.NUMERIC
        np.testing.assert_array_equal(built["x"].values, [1.5, np.nan, 2.5])
        np.testing.assert_array_equal(built["x"].invalid, [False, True, False])
    alone = build({"x": [wrong]}, builder=builder)
    assert list(alone) == ["x"]
    assert alone["x"].invalid is not None
    assert alone["x"].invalid.all()


def test_an_empty_list_decides_nothing():
    builder = FeatureBuilder(DecodeSettings(), {})
    assert build({"x": [[], []]}, builder=builder) == {}
    assert builder.kinds() == {}
    assert build({"x": ["a"]}, builder=builder)["x"].kind is Kind.CATEGORICAL
