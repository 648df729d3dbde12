from __future__ import annotations

import itertools
import json
import math
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neural.monitoring.errors import DataError, ReferenceDataError
from neural.monitoring.records import Kind
from neural.monitoring.windows import (
    Reference,
    ReferenceSettings,
    build_reference,
    column_of,
    columns_from,
    load_reference_file,
    sagemaker_features,
)


def listed(column):
    return column.values.tolist()  # noqa: PD011 - a Column, not a pandas Series


def reference_of(values, **more):
    return build_reference({"x": column_of("x", values)}, source="test", created_at=0.0, **more).columns["x"]


def test_moments_and_quantiles_are_those_of_the_values():
    values = np.random.default_rng(0).normal(3.0, 2.0, 1001)
    column = reference_of(np.append(values, [np.nan, np.inf]))
    assert (column.n, column.missing, column.non_finite, column.total) == (1001, 1, 1, 1003)
    assert column.mean == pytest.approx(values.mean())
    assert column.std == pytest.approx(values.std())
    assert (column.minimum, column.maximum) == (values.min(), values.max())
    assert column.median == np.median(values)
    assert column.mad == pytest.approx(np.median(np.abs(values - np.median(values))))
    assert (column.q1, column.q3) == pytest.approx(tuple(np.quantile(values, [0.25, 0.75])))


def test_a_column_of_few_values_has_a_cell_for_each_and_for_each_gap():
    column = reference_of([1.0, 2.0, 2.0, 5.0])
    labels = [column.cell_label(at) for at in range(len(column.counts))]
    assert dict(zip(labels, column.counts.tolist(), strict=True)) == {
        "<= 1": 0, "= 1": 1, "1 to 2": 0, "= 2": 2, "2 to 5": 0, "= 5": 1, "> 5": 0,
    }  # fmt: skip


def test_heavy_ties_among_many_values_have_a_cell_of_their_own():
    random = np.random.default_rng(1)
    values = np.where(random.random(5000) < 0.5, 0.0, random.normal(size=5000))
    column = reference_of(values, cells=64)
    labels = [column.cell_label(at) for at in range(len(column.counts))]
    assert column.counts[labels.index("= 0")] == (values == 0).sum()


def test_categories_beyond_the_most_frequent_share_a_cell():
    words = ["a"] * 50 + ["b"] * 30 + ["c"] * 5 + ["d"] * 1
    column = reference_of(words, max_categories=2)
    assert column.labels == ("a", "b")
    assert column.counts.tolist() == [50, 30, 6, 0]
    assert column.categories == {"a": 50, "b": 30, "c": 5, "d": 1}
    assert column.singletons == 1
    assert column.cell_label(2) == "_other"


def test_an_empty_column_has_no_cells_to_fill():
    column = reference_of([None, None])
    assert (column.n, column.missing) == (0, 2)
    assert column.mean is None
    assert column.counts.sum() == 0


def test_equal_rows_have_equal_hashes_whenever_they_are_built():
    columns = columns_from({"x": [1.0, 2.0], "c": ["a", "b"]})
    one = build_reference(columns, source="a", created_at=1.0)
    two = build_reference(dict(reversed(columns.items())), source="b", created_at=2.0)
    assert one.hash == two.hash
    assert one.hash != build_reference(columns_from({"x": [1.0, 3.0], "c": ["a", "b"]}), source="a", created_at=1.0).hash


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format": 99}', b"[1]"])
def test_bytes_that_are_no_reference_are_refused(data):
    with pytest.raises(ReferenceDataError):
        Reference.from_bytes(data)


@pytest.mark.parametrize("changed", [{"rows": 10**60}, {"rows": -1}, {"version": 10**30}])
def test_counts_that_could_not_be_stored_again_are_refused(changed):
    stored = json.loads(build_reference(columns_from({"x": [1.0, 2.0]}), source="a", created_at=1.0).to_bytes())
    with pytest.raises(ReferenceDataError, match="is no count"):
        Reference.from_bytes(json.dumps({**stored, **changed}).encode())


FRAME = pd.DataFrame({"x": [1.0, np.nan, 3.0], "n": [1, 2, 3], "c": ["a", None, "c"], "b": [True, False, True]})


@pytest.mark.parametrize(
    "data",
    [FRAME, FRAME.to_dict("list"), FRAME.to_dict("records"), pa.Table.from_pandas(FRAME)],
    ids=["pandas", "a dict of lists", "a list of dicts", "arrow"],
)
def test_tables_of_any_shape_make_the_same_columns(data):
    columns = columns_from(data)
    assert {name: column.kind for name, column in columns.items()} == {
        "x": Kind.NUMERIC, "n": Kind.NUMERIC, "c": Kind.CATEGORICAL, "b": Kind.BOOLEAN,
    }  # fmt: skip
    assert columns["x"].missing.tolist() == [False, True, False]
    assert columns["c"].missing.tolist() == [False, True, False]
    assert listed(columns["n"]) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("data", [None, "rows.csv", b"1,2", 7], ids=lambda data: type(data).__name__)
def test_what_holds_no_rows_is_refused_by_the_name_of_its_type(data):
    with pytest.raises(DataError, match=f"data is {type(data).__name__}; rows are needed"):
        columns_from(data)


def test_matrices_take_names():
    assert list(columns_from(np.zeros((2, 3)))) == ["feature_0", "feature_1", "feature_2"]
    assert list(columns_from([[1, "a"], [2, "b"]], ["n", "c"])) == ["n", "c"]
    with pytest.raises(DataError, match="2 feature names were given for 3"):
        columns_from(np.zeros((2, 3)), ["a", "b"])


def test_a_mixed_column_is_of_categories_and_a_number_among_words_stays_its_text():
    column = columns_from({"x": ["a", 1, 2.0, True, None]})["x"]
    assert listed(column) == ["a", "1", "2", "True", None]


def test_lists_of_vectors_are_embeddings():
    column = columns_from({"e": [[1.0, 2.0], [3.0, 4.0]]})["e"]
    assert column.kind is Kind.EMBEDDING
    assert build_reference({"e": column}, source="t", created_at=0.0).columns["e"].maximum == pytest.approx(5.0)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "npz"])
def test_files_are_read(tmp_path, suffix):
    path = tmp_path / f"reference.{suffix}"
    table = {"x": [1.0, 2.0], "prediction": ["yes", "no"], "@probability:yes": [0.9, 0.2]}
    if suffix == "npz":
        np.savez(path, **{name: np.array(values) for name, values in table.items()})
    else:
        frame = pd.DataFrame(table)
        frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    columns = load_reference_file(path)
    assert set(columns) == {"x", "@prediction", "@probability:yes"}
    assert listed(columns["@prediction"]) == ["yes", "no"]
    assert columns["@prediction"].name == "@prediction"


def test_kinds_can_be_said(tmp_path):
    path = tmp_path / "reference.csv"
    pd.DataFrame({"code": [1, 2, 1], "x": ["1", "2", "oops"]}).to_csv(path, index=False)
    columns = load_reference_file(path, {"code": Kind.CATEGORICAL, "x": Kind.NUMERIC})
    assert listed(columns["code"]) == ["1", "2", "1"]
    assert columns["x"].invalid.tolist() == [False, False, True]


def test_a_slice_of_the_prediction_log_is_a_reference(tmp_path):
    for hour in ("10", "11"):
        folder = tmp_path / "model=m" / "version=1" / "date=2026-01-01" / f"hour={hour}"
        folder.mkdir(parents=True)
        rows = {
            "prediction_id": ["a", "b"],
            "time": [1.0, 2.0],
            "latency_seconds": [0.1, 0.2],
            "weight": [1.0, 1.0],
            "prediction": ["1", "0"],
            "prob_1": [0.8, 0.1],
            "feature_temp": [20.0, 21.0],
            "feature_prediction_kind": ["x", "y"],
        }
        if hour == "11":
            rows["feature_more"] = [1, 2]
        pq.write_table(pa.table(rows), folder / "w-1.parquet")
    columns = load_reference_file(tmp_path)
    assert set(columns) == {"@latency", "@prediction", "@probability:1", "temp", "prediction_kind", "more"}
    assert len(columns["temp"]) == 4
    assert columns["more"].missing.sum() == 2
    assert len(load_reference_file(tmp_path / "model=m" / "version=1" / "date=2026-01-01" / "hour=10")["temp"]) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.csv", None, "no such file"),
        ("rows.xlsx", b"x", "is a .parquet, .csv or .npz"),
        ("broken.parquet", b"not parquet", "can't be read"),
        ("broken.npz", b"not a zip", "can't be read"),
        ("empty.csv", b"a,b\n", "holds no rows"),
        ("baseline.json", b"{}", "not a SageMaker statistics.json"),
    ],
)
def test_files_that_are_no_reference_are_refused_in_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReferenceDataError, match=message) as caught:
        load_reference_file(path)
    assert "\n" not in str(caught.value)


def test_an_encrypted_archive_is_refused_in_one_line(tmp_path):
    path = tmp_path / "secret.npz"
    np.savez(path, x=np.arange(3.0))
    archive = bytearray(path.read_bytes())
    archive[6] |= 1  # the flag that says so: of the entry
    archive[archive.index(b"PK\x01\x02") + 8] |= 1  # and in the archive's list
    path.write_bytes(archive)
    with pytest.raises(ReferenceDataError, match=r"can't be read: .*encrypted"):
        load_reference_file(path)


def test_an_array_whose_head_is_cut_off_is_refused_in_one_line(tmp_path):
    path = tmp_path / "cut.npz"
    head = b"{'descr': ('<f8', "
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
    with pytest.raises(ReferenceDataError, match=r"can't be read: .*EOF"):
        load_reference_file(path)


@pytest.mark.parametrize(("code", "order"), [(0xD800, "<"), (0x270064, "<"), (0x110000, ">")])
def test_texts_that_are_no_characters_are_refused_in_one_line(tmp_path, code, order):
    path = tmp_path / "half.npz"
    np.savez(path, x=np.array([97, code], f"{order}u4").view(f"{order}U1"))
    with pytest.raises(ReferenceDataError, match=r"can't be read: .*no character of Unicode"):
        load_reference_file(path)


def test_an_empty_folder_is_no_log(tmp_path):
    with pytest.raises(ReferenceDataError, match="holds no Parquet"):
        load_reference_file(tmp_path)


def baseline(path, with_sketch=True):
    random = np.random.default_rng(0)
    values = np.sort(random.normal(10.0, 2.0, 1024))
    sketch = {"parameters": {"c": 0.64, "k": 2048}, "data": [[], values[:512:2].tolist(), values[512::4].tolist()]}
    edges = np.linspace(values[0], values[-1], 11)
    buckets = [
        {"lower_bound": a, "upper_bound": b, "count": int(((values >= a) & (values <= b)).sum())}
        for a, b in itertools.pairwise(edges)
    ]
    numeric = {
        "common": {"num_present": 900, "num_missing": 100},
        "mean": values.mean(), "std_dev": values.std(), "min": values[0], "max": values[-1],
        "distribution": {"kll": {"buckets": buckets, **({"sketch": sketch} if with_sketch else {})}},
    }  # fmt: skip
    words = {
        "common": {"num_present": 1000, "num_missing": 0},
        "distinct_count": 2,
        "distribution": {"categorical": {"buckets": [{"value": "A", "count": 750}, {"value": "B", "count": 250}]}},
    }
    features = [
        {"name": "x", "inferred_type": "Fractional", "numerical_statistics": numeric},
        {"name": "c", "inferred_type": "String", "string_statistics": words},
        {"name": "u", "inferred_type": "Unknown"},
    ]
    path.write_text(json.dumps({"version": 0, "dataset": {"item_count": 1000}, "features": features}))
    return values


@pytest.mark.parametrize("with_sketch", [True, False], ids=["from the sketch", "from the buckets"])
def test_a_sagemaker_baseline_is_a_reference(tmp_path, with_sketch):
    values = baseline(tmp_path / "statistics.json", with_sketch)
    columns = load_reference_file(tmp_path / "statistics.json")
    assert set(columns) == {"x", "c"}
    built = build_reference(columns, source="SageMaker", created_at=0.0)
    x, c = built.columns["x"], built.columns["c"]
    assert (x.n, x.missing) == (900, 100)
    assert x.median == pytest.approx(np.median(values), abs=0.15)
    assert x.std == pytest.approx(values.std(), rel=0.1)
    assert (x.minimum, x.maximum) == (values[0], values[-1])
    assert c.categories == {"A": 750, "B": 250}
    assert listed(columns["x"]) != sorted(values)


def test_sagemaker_constraints_become_feature_settings(tmp_path):
    path = tmp_path / "constraints.json"
    features = [
        {"name": "age", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": True}},
        {"name": "city", "inferred_type": "String", "completeness": 0.9, "string_constraints": {"domains": ["A", "B"]}},
    ]
    path.write_text(json.dumps({"version": 0, "features": features}))
    assert sagemaker_features(path) == {
        "age": {"kind": "numeric", "required": True, "range": [0.0, 1e308]},
        "city": {"kind": "categorical", "allowed": ["A", "B"]},
    }


def test_learning_is_written_as_time_or_rows():
    assert ReferenceSettings(learn="24h").learn.seconds == 86_400
    assert ReferenceSettings(learn="5_000 rows").learn.rows == 5000
    assert ReferenceSettings(learn=300).learn.rows == 300
    with pytest.raises(ValueError, match="24h or 5000 rows"):
        ReferenceSettings(learn="soon")


def test_no_value_of_a_reference_is_nan():
    for values in ([np.nan], [np.inf], [1e308, -1e308, 1e308], [0.0], []):
        for value in (getattr(reference_of(values), name) for name in ("mean", "std", "median", "mad", "q1", "q3")):
            assert value is None or math.isfinite(value)
