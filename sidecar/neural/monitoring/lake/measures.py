"""What is measured of a column, as expressions: numbers in one pass, values counted beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

LARGEST = 1e150
"""Beyond it a square overflows a float64; such values count as infinite and stay out of mean and quantiles."""
MOST_VALUES = 50
"""Values of one column that are counted by name."""
REACHED = "reached:"
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def kind_of(column: Any) -> str:
    """numeric, boolean, categorical, or "embedding" for what is only counted."""
    kind = column.type()
    if kind.is_boolean():
        return "boolean"
    if kind.is_numeric():
        return "numeric"
    return "categorical" if kind.is_string() else "embedding"


def presence(column: Any) -> dict[str, Any]:
    return {"count": column.count(), "missing": column.isnull().sum()}


def numbers(column: Any, *, quantiles: Sequence[str] = ("p50", "p95"), exact: bool = True) -> dict[str, Any]:
    """count (finite values), missing, infinite, mean, std (of the population), min, max; quantiles exact and interpolated linearly,
    or by the engine's sketch, which holds no values in memory.
    """
    values = column.cast("float64")
    finite = _finite(values)
    gone = values.isnull() | values.isnan()
    points = [_QUANTILES[name] for name in quantiles]  # one question: each keeps the values in memory
    return {
        "count": finite.count(),
        "missing": gone.sum(),
        "infinite": ((values.abs() > LARGEST) & ~gone).sum(),
        "mean": finite.mean(),
        "std": finite.std(how="pop"),
        "min": finite.min(),
        "max": finite.max(),
        "quantiles": finite.quantile(points) if exact else finite.approx_quantile(points),
    }


def _finite(values: Any) -> Any:
    import ibis

    return ibis.ifelse(values.abs() <= LARGEST, values, None)


def reached(column: Any, edges: Collection[float]) -> dict[str, Any]:
    """How many finite values lie at or below each edge: their differences are the counts of a pane on the same grid."""
    values = _finite(column.cast("float64"))
    return {f"{REACHED}{at}": (values <= float(edge)).sum() for at, edge in enumerate(edges)}


def named_quantiles(found: dict[str, Any], quantiles: Sequence[str] = ("p50", "p95")) -> dict[str, Any]:
    """The answer of ``numbers`` with each quantile under its name."""
    if "quantiles" not in found:
        return found
    values = found.pop("quantiles") or [None] * len(quantiles)
    return {**found, **dict(zip(quantiles, values, strict=True))}


def agreement(prediction: Any, label: Any) -> dict[str, Any]:
    """Measures over the rows that have a prediction and a label. Labels are text; numbers in them are compared as numbers."""
    import ibis

    both = prediction.notnull() & label.notnull()
    asked: dict[str, Any] = {"labelled": both.sum()}
    if kind_of(prediction) == "numeric":
        truth = label.try_cast("float64")
        error: Any = ibis.ifelse((prediction.abs() <= LARGEST) & (truth.abs() <= LARGEST), prediction - truth, None)
        asked |= {"mae": error.abs().mean(), "mean_square": (error * error).mean()}
        asked |= {"whole": (prediction == prediction.floor()).all(where=both), "accuracy": (prediction == truth).mean(where=both)}
        return asked
    if kind_of(prediction) == "boolean":
        label = label.lower().isin(["true", "1", "1.0"])
    return asked | {"accuracy": (prediction == label).mean(where=both)}


def counted_values(table: Any, columns: Mapping[str, Any], known: Mapping[str, Collection[str]]) -> Any:
    """One row, one column ``values``: [{key, value, rows, distinct}], the most frequent ``MOST_VALUES`` of each column, ties by name, and
    those that are ``known``, however rare.

    The columns are laid under each other, so that the files are read once however many there are.
    """
    import ibis

    pairs = [ibis.struct({"key": key, "value": column.cast("string")}) for key, column in columns.items()]
    long = table.select(pair=ibis.array(pairs).unnest())
    long = long.select(key=long.pair["key"], value=long.pair["value"])
    counted = long.filter(long.value.notnull()).group_by("key", "value").aggregate(rows=lambda t: t.count())
    ranked = counted.mutate(
        rank=ibis.row_number().over(group_by="key", order_by=[ibis.desc("rows"), "value"]),
        distinct=counted.count().over(group_by="key"),
    )
    wanted = ranked["rank"] < MOST_VALUES
    for key, names in known.items():
        wanted |= (ranked["key"] == key) & ranked["value"].isin(list(names))
    return collected(ranked.filter(wanted), "values", ("key", "value", "rows", "distinct"))


def collected(table: Any, name: str, fields: Sequence[str]) -> Any:
    """A table as one row: a list of its rows."""
    import ibis

    return table.aggregate(**{name: ibis.struct({field: table[field] for field in fields}).collect()})
