"""What a lake of prediction logs holds, in one question to the engine."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from neural.monitoring.errors import NeuralError
from neural.monitoring.lake import cells, measures
from neural.monitoring.lake.engines import Engine, engine_of
from neural.monitoring.lake.files import LogFile, find_files
from neural.monitoring.lake.places import Place, place_of
from neural.monitoring.lake.table import MODEL, TIME, UNROLLED, VERSION, log_table
from neural.monitoring.records import LATENCY, PREDICTION, PROBABILITY_PREFIX
from neural.monitoring.windows import Reference

MOST_COLUMNS = 1_000
"""Features and probabilities that are measured; how many more there are is said."""
MOST_MODELS = 100
TOP_VALUES = 10
EXACT_VALUES = 50_000_000
"""Values, over all numeric columns, up to which quantiles are exact: an engine holds every value of an exact quantile in memory."""
_FEATURE, _PROBABILITY = "feature_", "prob_"
_PREDICTION, _LABEL, _LATENCY = "prediction", "label", "latency_seconds"
_LATENCY_QUANTILES = ("p50", "p95", "p99")
_PARTS = ("features", "probabilities", "predictions", "latency", "performance")
_Asked = dict[tuple[str, str], dict[str, Any]]  # (part, column) → measure → expression, and later its value


def profile(
    path: Path | str,
    *,
    model: str | None = None,
    version: str | None = None,
    since: float | None = None,
    until: float | None = None,
    engine: str = "duckdb",
    spark_master: str | None = None,
    reference: Reference | None = None,
) -> dict[str, Any]:
    """What the prediction log in ``path`` holds of the rows with ``since`` ≤ time < ``until`` (Unix seconds). JSON-able.

    ``path``: a folder, or a URL of an object store (see ``places``). ``engine``: duckdb or spark.
    ``status`` (ok, no_data), ``rows``, ``weighted_rows`` (with what sampling left out), ``unrolled_rows`` (those of them in open hours, not
    yet Parquet), ``first`` and ``last`` (Unix seconds), ``models`` (rows by model and version), ``features`` and ``probabilities`` (by name:
    count, missing, and mean, std, min, p50, p95, max, or distinct and top), ``predictions`` (the same; by class in ``classes``), ``latency``
    (seconds, over rows), ``performance`` (accuracy, or mae and rmse, over rows with a label), ``quantiles`` (exact, or approximate beyond
    ``EXACT_VALUES``). Models are pooled unless one is named. With a ``reference``, columns that it has too get ``cells``: how many values
    lie in each of its cells, as in a pane.
    Raises DataError when there is no such folder, NeuralError without the extra or when a file can't be read.
    """
    place = place_of(path)
    answer: dict[str, Any] = {"path": place.name, "model": model, "version": version, "since": since, "until": until}
    files = find_files(place, model=model, version=version, since=since, until=until)
    with TemporaryDirectory(prefix="neural-lake-") as spill:
        asked = engine_of(engine, spill, spark_master) if files or engine != "spark" else None  # Spark takes a while to start
        try:
            found = {} if asked is None else _found(asked, place, files, (since, until), reference)
        finally:
            if asked is not None:
                asked.close()
    if not found.get("rows"):
        return {"status": "no_data", "message": f"{place.name}: no predictions{_where(answer)}", **answer, "rows": 0}
    return {"status": "ok", **answer, "files": len(files), **found}


def _found(
    engine: Engine,
    place: Place,
    files: Sequence[LogFile],
    between: tuple[float | None, float | None],
    reference: Reference | None,
) -> dict[str, Any]:
    unreadable: tuple[type[Exception], ...] = (*engine.errors, OSError)
    try:
        table = log_table(engine, place, files, *between)
        return {} if table is None else _answered(engine.connection, table, reference)
    except unreadable as error:
        raise NeuralError(f"{place.name}: can't be read: {str(error).splitlines()[0]}") from None


def _where(asked: Mapping[str, Any]) -> str:
    narrowed = [name for name in ("model", "version", "since", "until") if asked[name] is not None]
    return f" with this {', '.join(narrowed)}" if narrowed else " in it"


def _answered(connection: Any, table: Any, reference: Reference | None) -> dict[str, Any]:
    columns = {} if reference is None else dict(reference.columns)
    exact = _values_of(connection, table) <= EXACT_VALUES
    asked, counted, left_out = _questions(table, exact=exact)
    known = {name: cells.known_names(column) for name in counted if (column := columns.get(reference_name(name))) is not None}
    for key, measured in asked.items():
        column = columns.get(reference_name(*key))
        if column is not None and key[0] != "performance" and measures.kind_of(table[_log_name(*key)]) in {"numeric", "boolean"}:
            measured |= cells.questions(table[_log_name(*key)], column)
    names = {f"{index}:{name}": (key, name) for index, key in enumerate(asked) for name in asked[key]}
    row = connection.to_pyarrow(expression(table, asked, counted, known)).to_pylist()[0]
    values: _Asked = {}
    for column_name, (key, name) in names.items():
        values.setdefault(key, {})[name] = _plain(row[column_name])
    for one in sorted(row["values"] or [], key=lambda one: (-one["rows"], one["value"])):
        key = _key(one["key"])
        values[key]["distinct"] = one["distinct"]
        values[key].setdefault("top", []).append({"value": one["value"], "rows": one["rows"]})
    for key, measured in values.items():
        cells.answer(measured, columns.get(reference_name(*key)))
    return {
        **{name: _plain(row[name]) for name in ("rows", "weighted_rows", "unrolled_rows")},
        **{name: _unix_seconds(row[name]) for name in ("first", "last")},
        "models": sorted(row["models"] or [], key=lambda one: (-one["rows"], one["model"], one["version"])),
        "columns_left_out": left_out,
        "quantiles": "exact" if exact else "approximate",
        **_parts(table, values),
    }


def _values_of(connection: Any, table: Any) -> int:
    """Numbers in the table: its rows are counted first, which costs next to nothing in Parquet."""
    numeric = sum(1 for name in table.columns if measures.kind_of(table[name]) == "numeric")
    return int(connection.to_pyarrow(table.count()).as_py()) * numeric


def _unix_seconds(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()  # Spark's have no zone: its session's is UTC


def expression(
    table: Any,
    asked: Mapping[tuple[str, str], Mapping[str, Any]],
    counted: Mapping[str, Any],
    known: Mapping[str, Collection[str]],
) -> Any:
    """The one expression: a row of aggregates, with lists for what is counted by value."""
    import ibis

    weighted = table["weight"].fill_null(1.0).sum() if "weight" in table.columns else table.count().cast("float64")
    head = {
        "rows": table.count(), "weighted_rows": weighted,
        "unrolled_rows": table[UNROLLED].sum(), "first": table[TIME].min(), "last": table[TIME].max(),
    }  # fmt: skip
    flat = {f"{index}:{name}": one for index, key in enumerate(asked) for name, one in asked[key].items()}
    models = table.group_by(model=table[MODEL], version=table[VERSION]).aggregate(rows=lambda t: t.count())
    models = models.order_by(ibis.desc("rows"), "model", "version").limit(MOST_MODELS)
    whole = table.aggregate(**head, **flat).cross_join(measures.collected(models, "models", ("model", "version", "rows")))
    if not counted:
        return whole.mutate(values=ibis.null())
    return whole.cross_join(measures.counted_values(table, counted, known))


def _questions(table: Any, *, exact: bool) -> tuple[_Asked, dict[str, Any], int]:
    """Measures of every column, columns whose values are counted, and the number of columns that were left out."""
    asked: _Asked = {}
    counted: dict[str, Any] = {}
    names = [name for name in table.columns if name.startswith((_FEATURE, _PROBABILITY))]
    for name in names[:MOST_COLUMNS]:
        key = _key(name)
        kind = measures.kind_of(table[name])
        asked[key] = measures.numbers(table[name], exact=exact) if kind == "numeric" else measures.presence(table[name])
        if kind in {"categorical", "boolean"}:
            counted[name] = table[name]
    if _PREDICTION in table.columns:
        made = table[_PREDICTION]
        numeric = measures.kind_of(made) == "numeric"
        asked[_key(_PREDICTION)] = measures.numbers(made, exact=exact) if numeric else measures.presence(made)
        counted[_PREDICTION] = made
        if _LABEL in table.columns:
            asked["performance", ""] = measures.agreement(made, table[_LABEL].cast("string"))
    if _LATENCY in table.columns:
        asked["latency", ""] = measures.numbers(table[_LATENCY], quantiles=_LATENCY_QUANTILES, exact=exact)
    return asked, counted, max(0, len(names) - MOST_COLUMNS)


def _key(column: str) -> tuple[str, str]:
    if column.startswith(_FEATURE):
        return "features", column.removeprefix(_FEATURE)
    return ("probabilities", column.removeprefix(_PROBABILITY)) if column.startswith(_PROBABILITY) else ("predictions", "")


def _log_name(part: str, name: str) -> str:
    return {"features": _FEATURE + name, "probabilities": _PROBABILITY + name, "predictions": _PREDICTION}.get(part, _LATENCY)


def reference_name(part: str, name: str = "") -> str:
    """A column's name in a reference; also of a column of the log, given alone."""
    part, name = (part, name) if part in _PARTS else _key(part)
    special = {"predictions": PREDICTION, "probabilities": PROBABILITY_PREFIX + name, "latency": LATENCY}
    return special.get(part, name)


def _parts(table: Any, values: _Asked) -> dict[str, Any]:
    parts: dict[str, Any] = {name: {} for name in _PARTS}
    for (part, name), found in values.items():
        found = measures.named_quantiles(found, *([_LATENCY_QUANTILES] if part == "latency" else []))
        if part == "features":
            kind = measures.kind_of(table[_FEATURE + name])
            if kind in {"categorical", "boolean"}:
                found = {**found, "distinct": found.get("distinct", 0), "top": found.get("top", [])[:TOP_VALUES]}
            parts[part][name] = {"kind": kind, **found}
        elif part == "probabilities":
            parts[part][name] = found
        elif part == "predictions":
            parts[part] = _predictions(measures.kind_of(table[_PREDICTION]), found)
        else:
            parts[part] = found if part == "latency" else _performance(found)
    return parts


def _predictions(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    """Classes by rows; numbers are classes when they are few and whole."""
    top = found.pop("top", [])[: measures.MOST_VALUES]
    distinct = found.pop("distinct", 0)
    whole = kind != "numeric" or (distinct <= measures.MOST_VALUES and all(float(one["value"]).is_integer() for one in top))
    return {"kind": kind, **found, "distinct": distinct, "classes": top if whole else []}


def _performance(found: dict[str, Any]) -> dict[str, Any]:
    head = {"labelled": found["labelled"] or 0}
    if not head["labelled"]:
        return head
    if "mae" not in found or found["whole"]:
        return head | {"accuracy": found["accuracy"]}
    square = found["mean_square"]
    return head | {"mae": found["mae"], "rmse": None if square is None else math.sqrt(square)}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
