"""Files that people hand in: references of every kind, and labels."""

from __future__ import annotations

import functools
import io
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.fuzz.target import Target

from neural.monitoring.cli.label_file import read_labels
from neural.monitoring.errors import DataError, ReferenceDataError
from neural.monitoring.windows.build import build_reference
from neural.monitoring.windows.load import load_reference_file
from neural.monitoring.windows.reference import Reference

AGES, PLANS = [31.0, 45.5, 28.0, 60.0], ["gold", "basic", "basic", "gold"]


def file_targets() -> dict[str, Target]:
    seeds = {".csv": _csv, ".parquet": _parquet, ".npz": _npz, ".json": _sagemaker}
    found = {
        f"reference{suffix.replace('.', '-')}": Target(functools.partial(reference_file, suffix), made)
        for suffix, made in seeds.items()
    }
    labels = {".csv": _label_rows, ".jsonl": _label_lines, ".json": _label_document}
    found |= {
        f"labels-file{suffix.replace('.', '-')}": Target(functools.partial(label_file, suffix), made)
        for suffix, made in labels.items()
    }
    return {**found, "reference-stored": Target(stored_reference, _stored)}


def reference_file(suffix: str, data: bytes) -> None:
    """Columns of equal length, of which a reference can be built, or one line that names the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"reference{suffix}"
        path.write_bytes(data)
        try:
            columns = load_reference_file(path)
            assert len({len(column) for column in columns.values()}) == 1
            reference = build_reference(columns, source="fuzz", created_at=0.0)
        except ReferenceDataError as error:
            assert "\n" not in str(error), str(error)
            return
    assert Reference.from_bytes(reference.to_bytes()).hash == reference.hash


def stored_reference(data: bytes) -> None:
    """What a store or a checkpoint holds."""
    try:
        reference = Reference.from_bytes(data)
    except ReferenceDataError as error:
        assert str(error)
        return
    reference.to_bytes()


def label_file(suffix: str, data: bytes) -> None:
    """Labels with an id each, or one line that names the place."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"labels{suffix}"
        path.write_bytes(data)
        try:
            for label in read_labels(path):
                assert label["id"]
                json.dumps(label, allow_nan=False)
        except DataError as error:
            assert str(path) in str(error)
            assert "\n" not in str(error), str(error)


def _csv() -> Iterable[bytes]:
    yield b"age,plan,prediction\n" + b"".join(
        b"%s,%s,0.5\n" % (str(a).encode(), p.encode()) for a, p in zip(AGES, PLANS, strict=True)
    )
    yield 'größe,"a ""b""",latency\n1,,0.1\n,x,nan\n'.encode()


def _parquet() -> Iterable[bytes]:
    for compression in ("none", "zstd"):
        buffer = io.BytesIO()
        pq.write_table(pa.table({"age": AGES, "plan": PLANS, "seen": [True, None, False, True]}), buffer, compression=compression)
        yield buffer.getvalue()


def _npz() -> Iterable[bytes]:
    for arrays in (
        {"age": np.array(AGES), "plan": np.array(PLANS)},
        {"data": np.ones((4, 2)), "feature_names": np.array(["a", "b"])},
    ):
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        yield buffer.getvalue()


def _sagemaker() -> Iterable[bytes]:
    sketch = {"buckets": [{"lower_bound": 0, "upper_bound": 1, "count": 3}, {"lower_bound": 1, "upper_bound": 2, "count": 1}]}
    age = {"common": {"num_present": 4, "num_missing": 0}, "mean": 1.0, "std_dev": 0.5, "distribution": {"kll": sketch}}
    plan = {
        "common": {"num_present": 4, "num_missing": 1},
        "distribution": {"categorical": {"buckets": [{"value": "gold", "count": 4}]}},
    }
    features = [
        {"name": "age", "inferred_type": "Fractional", "numerical_statistics": age},
        {"name": "plan", "inferred_type": "String", "string_statistics": plan},
    ]
    yield json.dumps({"version": 0.0, "dataset": {"item_count": 4}, "features": features}).encode()


def _stored() -> Iterable[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reference.csv"
        path.write_bytes(next(iter(_csv())))
        yield build_reference(load_reference_file(path), source="fuzz", created_at=0.0).to_bytes()


def _label_rows() -> Iterable[bytes]:
    yield b"id,label,time\na,1,2023-11-14T22:13:20Z\nb:0,yes,\n"


def _label_lines() -> Iterable[bytes]:
    yield b'{"id": "a", "label": 1}\n\n{"id": "b:0", "label": "yes", "time": "2023-11-14T22:13:20+02:00"}\n'


def _label_document() -> Iterable[bytes]:
    yield b'{"labels": [{"id": "a", "label": 0.5, "time": 1700000000}]}'
