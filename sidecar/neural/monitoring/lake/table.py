"""The files of a log as one Ibis table: Parquet read by the engine where it lies, open segments handed over as Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neural.monitoring.errors import DataError
from neural.monitoring.lake.engines import Engine
from neural.monitoring.lake.files import LogFile
from neural.monitoring.lake.places import Place

if TYPE_CHECKING:
    import ibis.expr.types as ir

MODEL, VERSION, UNROLLED, TIME = "@model", "@version", "@unrolled", "time"
MOST_SOURCES = 100
"""Tables that are laid together: the expression, and the time to plan it, grow with them."""


def log_table(
    engine: Engine, place: Place, files: Sequence[LogFile], since: float | None, until: float | None
) -> ir.Table | None:
    """Rows with ``since`` ≤ time < ``until``, with their model and version; None when the files hold no rows at all.

    A column that a file lacks is null there; one that is a number here and text there is text.
    """
    import ibis

    tables: list[Any] = []
    for (model, version, rolled), group in groupby(sorted(files, key=_source), _source):
        paths = [one.path for one in group]
        parts = [engine.parquet(place, paths)] if rolled else [engine.held(one) for one in _segments(place, paths)]
        named = {MODEL: ibis.literal(model), VERSION: ibis.literal(version), UNROLLED: ibis.literal(not rolled)}
        tables += [_between(part, since, until).mutate(**named) for part in parts]
        if len(tables) > MOST_SOURCES:
            raise DataError(
                f"more than {MOST_SOURCES} models, versions and layouts of columns at once: name a model, or a version"
            )
    if not tables:
        return None
    types = _common_types(tables)
    fitted = [_fitted(one, types) for one in tables]
    whole = ibis.union(*fitted) if len(fitted) > 1 else fitted[0]
    return engine.shared(whole)


def _source(file: LogFile) -> tuple[str, str, bool]:
    return file.model, file.version, file.rolled


def _segments(place: Place, paths: Sequence[str]) -> list[pa.Table]:
    """The segments' rows, those of one layout together."""
    alike: dict[str, list[pa.Table]] = {}
    for path in paths:
        table = _segment(place, path)
        if table is not None:
            alike.setdefault(table.schema.to_string(), []).append(table)
    return [pa.concat_tables(tables) for tables in alike.values()]


def _segment(place: Place, path: str) -> pa.Table | None:
    """The whole messages of an open segment; a torn last one is left out, and a file that was rolled meanwhile is None."""
    batches: list[pa.RecordBatch] = []
    try:
        with place.files.open_input_file(path) as source, pa.ipc.open_stream(source) as reader:
            try:
                for batch in reader:
                    batches.append(batch)  # noqa: PERF402 - what was read before a torn message counts
            except (pa.ArrowInvalid, OSError, EOFError):
                pass
            return pa.Table.from_batches(batches, reader.schema) if batches else None
    except (pa.ArrowInvalid, OSError):
        return None


def _between(table: Any, since: float | None, until: float | None) -> Any:
    if since is not None:
        table = table.filter(table[TIME] >= datetime.fromtimestamp(since, UTC))
    if until is not None:
        table = table.filter(table[TIME] < datetime.fromtimestamp(until, UTC))
    return table


def _common_types(tables: Sequence[Any]) -> dict[str, Any]:
    types: dict[str, Any] = {}
    for table in tables:
        for name, found in table.schema().items():
            found = found.copy(nullable=True)
            before = types.setdefault(name, found)
            if before != found:
                types[name] = _common_type(before, found)
    return types


def _common_type(one: Any, other: Any) -> str:
    if _is_moment(one) and _is_moment(other):
        return "timestamp('UTC', 6)"  # engines differ in how they say so
    return "float64" if all(str(each) != "string" and _is_number(each) for each in (one, other)) else "string"


def _is_moment(kind: Any) -> bool:
    return str(kind).startswith("timestamp")


def _is_number(kind: Any) -> bool:
    return kind == "float64" or (not isinstance(kind, str) and (kind.is_numeric() or kind.is_boolean()))


def _fitted(table: Any, types: dict[str, Any]) -> Any:
    import ibis

    schema = table.schema()
    columns = {name: table[name].cast(kind) if name in schema else ibis.null(kind) for name, kind in types.items()}
    return table.select(**columns)
