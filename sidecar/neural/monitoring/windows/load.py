"""Reads a reference file: Parquet, CSV or NPZ."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from neural.monitoring.errors import DataError, ReferenceDataError
from neural.monitoring.records import LATENCY, PREDICTION, PROBABILITY_PREFIX, Column
from neural.monitoring.windows.columns import columns_from

MAX_FILE_BYTES = 4 * 2**30


def load_reference_file(path: Path) -> dict[str, Column]:
    """Columns by name. ``prediction``, ``probability:<class>`` and ``latency`` may be written with or without their ``@``.

    An NPZ file holds one 1-D array a column, or a 2-D array ``data`` with ``feature_names`` beside it.
    Raises ReferenceDataError, in one line, when the file is missing, of another type, too large, or not readable.
    """
    readers = {".parquet": _parquet, ".pq": _parquet, ".csv": _csv, ".npz": _npz}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ReferenceDataError(f"{path}: a reference is a .parquet, .csv or .npz file")
    if not path.is_file():
        raise ReferenceDataError(f"{path}: no such file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ReferenceDataError(f"{path}: larger than {MAX_FILE_BYTES} bytes; a sample of some 100,000 rows is enough")
    try:
        columns = reader(path)
    except (OSError, ValueError, KeyError, DataError, zipfile.BadZipFile) as error:
        raise ReferenceDataError(
            f"{path}: can't be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
    if not columns or not max(len(column) for column in columns.values()):
        raise ReferenceDataError(f"{path}: holds no rows")
    return {_column_name(name): _renamed(column) for name, column in columns.items()}


def _parquet(path: Path) -> dict[str, Column]:
    from pyarrow import parquet

    return columns_from(parquet.read_table(path))


def _csv(path: Path) -> dict[str, Column]:
    from pyarrow import csv

    return columns_from(csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True)))


def _npz(path: Path) -> dict[str, Column]:
    with np.load(path, allow_pickle=False) as arrays:
        if "data" in arrays.files and arrays["data"].ndim == 2:
            names = [str(name) for name in arrays["feature_names"]] if "feature_names" in arrays.files else None
            columns = columns_from(arrays["data"], names)
            more = {name: arrays[name] for name in arrays.files if name not in ("data", "feature_names")}
            return {**columns, **columns_from(more)}
        return columns_from({name: arrays[name] for name in arrays.files})


_SPECIAL = {PREDICTION.removeprefix("@"): PREDICTION, LATENCY.removeprefix("@"): LATENCY}


def _column_name(name: str) -> str:
    if f"@{name}".startswith(PROBABILITY_PREFIX):
        return f"@{name}"
    return _SPECIAL.get(name, name)


def _renamed(column: Column) -> Column:
    name = _column_name(column.name)
    return column if name == column.name else Column(name, column.kind, column.values, column.missing, column.invalid)
