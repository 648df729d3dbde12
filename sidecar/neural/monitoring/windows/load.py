"""Reads reference rows: a Parquet, CSV or NPZ file, a slice of the prediction log, or a SageMaker baseline."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neural.monitoring.errors import DataError, ReferenceDataError
from neural.monitoring.records import LATENCY, PREDICTION, PROBABILITY_PREFIX, Column, Kind
from neural.monitoring.windows.columns import column_of, columns_from
from neural.monitoring.windows.moments import unix_seconds
from neural.monitoring.windows.sagemaker import sagemaker_columns
from neural.monitoring.windows.seasons import TIME

MAX_FILE_BYTES = 4 * 2**30
MAX_LOG_ROWS = 200_000


def load_reference_file(path: Path, kinds: Mapping[str, Kind] | None = None, *, time: str | None = None) -> dict[str, Column]:
    """Columns by name. ``prediction``, ``probability:<class>`` and ``latency`` may be written with or without their ``@``.

    A folder of Parquet files is read as a slice of the prediction log (the whole log, or one model's, day's or hour's folder), evenly
    thinned to 200,000 rows. An NPZ file holds one 1-D array a column, or a 2-D array ``data`` with ``feature_names`` beside it. A
    ``statistics.json`` is a SageMaker baseline. ``kinds``: columns that are to be read as something else than they look like. ``time``: the
    column that says when each row was; it becomes ``@time``, Unix seconds.
    Raises ReferenceDataError, in one line, when the file is missing, of another type, too large, or not readable.
    """
    columns = _log_columns(path, time) if path.is_dir() else _file_columns(path)
    if not columns or not max(len(column) for column in columns.values()):
        raise ReferenceDataError(f"{path}: holds no rows")
    told = _told_times(path, columns, time) if time is not None else {}
    named = {_column_name(name): _renamed(column) for name, column in columns.items()} | told
    return {name: _as_kind(column, (kinds or {}).get(name)) for name, column in named.items()}


def _told_times(path: Path, columns: dict[str, Column], time: str) -> dict[str, Column]:
    """Takes the column of times out of the others."""
    if time not in columns:
        raise ReferenceDataError(f"{path}: has no column {time!r} that says when each row was; name it in reference.time")
    seconds = unix_seconds(columns.pop(time))
    if not np.isfinite(seconds).any():
        raise ReferenceDataError(f"{path}: the column {time!r} holds no times: write timestamps, or Unix seconds")
    return {TIME: Column(TIME, Kind.NUMERIC, seconds, np.isnan(seconds))}


def _file_columns(path: Path) -> dict[str, Column]:
    readers = {".parquet": _parquet, ".pq": _parquet, ".csv": _csv, ".npz": _npz, ".json": sagemaker_columns}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ReferenceDataError(f"{path}: a reference is a .parquet, .csv or .npz file, or a folder of the prediction log")
    if not path.is_file():
        raise ReferenceDataError(f"{path}: no such file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ReferenceDataError(f"{path}: larger than {MAX_FILE_BYTES} bytes; a sample of some 100,000 rows is enough")
    try:
        return reader(path)
    except Exception as error:  # of a damaged archive numpy and zipfile raise whatever comes up below them
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ReferenceDataError:
    why = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ReferenceDataError(f"{path}: can't be read: {why}")


def _log_columns(path: Path, time: str | None = None) -> dict[str, Column]:
    """Features under their own names, and the model's answers."""
    import pyarrow as pa
    from pyarrow import parquet

    files = sorted(path.rglob("*.parquet"))
    if not files:
        raise ReferenceDataError(f"{path}: holds no Parquet files; the prediction log rolls them at the end of each hour")
    try:
        rows = sum(parquet.read_metadata(file).num_rows for file in files)
        every = max(1, -(-rows // MAX_LOG_ROWS))
        tables = [_thinned(parquet.ParquetFile(file).read(), every) for file in files]
        columns = columns_from(pa.concat_tables(tables, promote_options="permissive"))
    except (OSError, ValueError, KeyError, DataError) as error:
        raise _unreadable(path, error) from error
    left_out = _LOG_ONLY - {time}
    kept = [column for name, column in columns.items() if name not in left_out and name != "label"]
    return {column.name: column for column in (_renamed(column, _log_name(column.name)) for column in kept)}


def _thinned(table: Any, every: int) -> Any:
    return table if every == 1 else table.take(np.arange(0, table.num_rows, every))


def _as_kind(column: Column, kind: Kind | None) -> Column:
    if kind is None or kind is column.kind:
        return column
    return column_of(
        column.name, [None if gone else value for gone, value in zip(column.missing, column.values.tolist(), strict=True)], kind
    )


def _parquet(path: Path) -> dict[str, Column]:
    from pyarrow import parquet

    return columns_from(parquet.read_table(path))


def _csv(path: Path) -> dict[str, Column]:
    from pyarrow import csv

    return columns_from(csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True)))


def _npz(path: Path) -> dict[str, Column]:
    if not zipfile.is_zipfile(path):
        raise ReferenceDataError(f"{path}: is no .npz file: save it with numpy.savez, a column each")
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:  # numpy leaves one open that it can't read
        read = {name: _texts_of_characters(arrays[name]) for name in arrays.files}
    if "data" in read and read["data"].ndim == 2:
        names = [str(name) for name in read["feature_names"]] if "feature_names" in read else None
        columns = columns_from(read["data"], names)
        return {**columns, **columns_from({name: array for name, array in read.items() if name not in ("data", "feature_names")})}
    return columns_from(read)


def _texts_of_characters(array: Any) -> Any:
    """The array. Raises ValueError for texts of what is no Unicode: numpy takes any number for a character, a reference can't store it."""
    if array.dtype.kind == "U" and array.dtype.itemsize:
        codes = array.ravel().astype(array.dtype.newbyteorder("=")).view(np.uint32)
        if ((codes > sys.maxunicode) | ((codes >= _SURROGATES[0]) & (codes <= _SURROGATES[1]))).any():
            raise ValueError("a text holds what is no character of Unicode")
    return array


_SURROGATES = (0xD800, 0xDFFF)
_SPECIAL = {
    PREDICTION.removeprefix("@"): PREDICTION,
    LATENCY.removeprefix("@"): LATENCY,
    "latency_seconds": LATENCY,
}
# How the prediction log writes features and probabilities, and what of it is not a column to watch.
_LOG_FEATURE, _LOG_PROBABILITY = "feature_", "prob_"
_LOG_ONLY = frozenset({"prediction_id", "time", "model", "version", "weight", "metadata"})


def _column_name(name: str) -> str:
    if f"@{name}".startswith(PROBABILITY_PREFIX):
        return f"@{name}"
    return _SPECIAL.get(name, name)


def _log_name(name: str) -> str:
    if name.startswith(_LOG_PROBABILITY):
        return PROBABILITY_PREFIX + name.removeprefix(_LOG_PROBABILITY)
    return name.removeprefix(_LOG_FEATURE)


def _renamed(column: Column, name: str | None = None) -> Column:
    name = name or _column_name(column.name)
    return column if name == column.name else Column(name, column.kind, column.values, column.missing, column.invalid)
