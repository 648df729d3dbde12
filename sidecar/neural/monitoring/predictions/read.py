"""Reading the log: open segments and Parquet alike, as one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neural.monitoring.predictions.layout import PARQUET, SEGMENT, Hour, hours, parquet_of, stem_of, stem_parts
from neural.monitoring.predictions.rows import TIME
from neural.monitoring.predictions.segment import read_segment

_FIRST = ("prediction_id", "time", "model", "version", "latency_seconds", "weight", "prediction", "label")
_EMPTY = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("time", TIME),
        ("model", pa.string()),
        ("version", pa.string()),
        ("latency_seconds", pa.float64()),
        ("weight", pa.float64()),
        ("prediction", pa.string()),
    ]
)


def read_predictions(
    path: Path | str,
    *,
    model: str | None = None,
    version: str | None = None,
    since: float | None = None,
    until: float | None = None,
    limit: int | None = None,
    labels: Mapping[str, Any] | None = None,
) -> pa.Table:
    """Rows with ``since`` ≤ time < ``until`` (Unix seconds), in time order; with ``limit`` the newest of them.

    Columns: prediction_id, time, model, version, latency_seconds, weight (never null), prediction, label
    (where known), prob_<class> …, feature_<name> …
    Where files differ, a column missing in one is null there, and one of two types becomes float or string.
    ``labels``: prediction id → label, filled in for the rows that have none or another one.
    """
    tables: list[pa.Table] = []
    rows = 0
    for hour, folder in reversed(list(hours(Path(path), model=model, version=version))):
        if (until is not None and hour.start >= until) or (since is not None and hour.end <= since):
            continue
        if limit is not None and rows >= limit and hour.end <= _oldest(tables):
            continue
        for table in _hour_tables(hour, folder):
            chosen = _newest(_between(table, since, until), limit)
            if chosen.num_rows:
                tables.append(chosen)
                rows += chosen.num_rows
    result = unified(tables).sort_by("time") if tables else _EMPTY.empty_table()
    if limit is not None and result.num_rows > limit:
        result = result.slice(result.num_rows - max(limit, 0))
    result = result if labels is None else _labelled(result, labels)
    names = [name for name in _FIRST if name in result.column_names]
    return result.select([*names, *(name for name in result.column_names if name not in names)])


def _oldest(tables: Sequence[pa.Table]) -> float:
    least = _compute().min
    oldest: float = min(least(table["time"]).as_py().timestamp() for table in tables)
    return oldest


def _hour_tables(hour: Hour, folder: Path) -> Iterable[pa.Table]:
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if stem_parts(path) is not None and (path.suffix == PARQUET or stem_of(path) not in files):
            files[stem_of(path)] = path
    for path in files.values():
        table = _read(path)
        if table is not None and table.num_rows:
            n, at = table.num_rows, table.column_names.index("weight")
            if table["weight"].null_count:  # of a release before: a row that stands for itself
                table = table.set_column(at, "weight", table["weight"].fill_null(1.0))
            table = table.append_column("model", pa.array([hour.model] * n, pa.string()))
            yield table.append_column("version", pa.array([hour.version] * n, pa.string()))


def _read(path: Path) -> pa.Table | None:
    """None when the file has gone since it was listed, or is not whole: an hour may be rolled while we read."""
    if path.suffix == SEGMENT:
        table = read_segment(path)
        if table is not None or not parquet_of(path).exists():
            return table
        path = parquet_of(path)
    try:
        return pq.ParquetFile(path).read()
    except (OSError, pa.ArrowInvalid):
        return None


def _between(table: pa.Table, since: float | None, until: float | None) -> pa.Table:
    if since is not None:
        table = table.filter(_compute().field("time") >= _moment(since))
    if until is not None:
        table = table.filter(_compute().field("time") < _moment(until))
    return table


def _compute() -> Any:
    import pyarrow.compute  # 8 MB and 40 ms that writing the log need not pay

    return pyarrow.compute


def _newest(table: pa.Table, limit: int | None) -> pa.Table:
    if limit is None or table.num_rows <= limit:
        return table
    order = _compute().call_function("sort_indices", [table["time"]])
    return table.take(order.slice(table.num_rows - max(limit, 0)))


def _moment(seconds: float) -> pa.Scalar:
    return pa.scalar(datetime.fromtimestamp(seconds, UTC), TIME)


def unified(tables: Sequence[pa.Table]) -> pa.Table:
    """One table of many: a column that is missing somewhere is null there; of mixed type, it becomes float or string."""
    types: dict[str, set[pa.DataType]] = {}
    for table in tables:
        for field in table.schema:
            types.setdefault(field.name, set()).add(field.type)
    schema = pa.schema([(name, _common(found)) for name, found in types.items()])
    return pa.concat_tables([_fitted(table, schema) for table in tables])


def _common(types: set[pa.DataType]) -> pa.DataType:
    known = [item for item in types if not pa.types.is_null(item)]
    if len(known) == 1:
        return known[0]
    numeric = all(pa.types.is_floating(item) or pa.types.is_integer(item) or pa.types.is_boolean(item) for item in known)
    return pa.float64() if known and numeric else pa.string()


def _fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns, held = [], set(table.column_names)  # asked once: Arrow lists all of them anew each time
    for field in schema:
        if field.name not in held:
            columns.append(pa.nulls(table.num_rows, field.type))
            continue
        column = table[field.name]
        columns.append(column if column.type == field.type else _cast(column, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_boolean(column.type) and pa.types.is_floating(kind):
        return column.cast(pa.uint8()).cast(kind)
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        texts = [None if value is None else str(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])


def _labelled(table: pa.Table, labels: Mapping[str, Any]) -> pa.Table:
    stored = table["label"].to_pylist() if "label" in table.column_names else [None] * table.num_rows
    ids = table["prediction_id"].to_pylist()
    values = [str(labels[row]) if row in labels else old for row, old in zip(ids, stored, strict=True)]
    column = pa.array(values, pa.string())
    if "label" in table.column_names:
        return table.set_column(table.column_names.index("label"), "label", column)
    return table.append_column("label", column)
