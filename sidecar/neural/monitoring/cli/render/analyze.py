"""``analyze`` as text: the rows, then a table of numbers and one of categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from neural.monitoring.cli.render.console import facts, heading, sentence, table
from neural.monitoring.reports.words import clock_time, number, percent, seconds

_STATISTICS = ("count", "missing", "infinite", "mean", "std", "min", "p50", "p95", "max")
_COMPARED = ("moved", "PSI", "KS", "values")
_SHOWN = 5  # values of a category in a line; JSON has more


def render_profile(console: Console, found: dict[str, Any]) -> None:
    heading(console, f"{clock_time(found['first'])} to {clock_time(found['last'])} UTC", detail=f"{found['rows']:,} rows")
    facts(
        console,
        [
            ("models", _shares(found["models"], found["rows"], lambda one: f"{one['model']} {one['version']}".strip())),
            ("before sampling", f"{number(found['weighted_rows'])} rows" if found["weighted_rows"] != found["rows"] else ""),
            ("not yet rolled", _unrolled(found)),
            ("predictions", _shares(found["predictions"].get("classes", ()), found["rows"], lambda one: str(one["value"]))),
            ("latency", _latency(found["latency"])),
            ("performance", _performance(found["performance"])),
            ("drift", (found["drift"] or {}).get("reason", "")),
            ("quality", (found["quality"] or {}).get("reason", "")),
        ],
    )
    features = found["features"]
    rows = [_numbers(name, one) for name, one in features.items() if one["kind"] == "numeric"]
    if found["predictions"].get("kind") == "numeric":
        rows.append(_numbers("prediction", found["predictions"]))
    rows += [_numbers(f"probability of {name}", one) for name, one in found["probabilities"].items()]
    words = [_words(name, one) for name, one in features.items() if one["kind"] != "numeric"]
    if rows:
        console.print()
        table(console, ("number", *_STATISTICS), rows, right=_STATISTICS)
    if words:
        console.print()
        right = ("count", "missing", "distinct")
        table(console, ("category", *right, "most frequent"), words, right=right)
    compared = (found["drift"] or {}).get("columns", ())
    if compared:
        console.print()
        table(console, ("column", "drifting", *_COMPARED), [_drifted(one) for one in compared], right=_COMPARED)
    if found["columns_left_out"]:
        sentence(console, f"  … and {found['columns_left_out']:,} columns that were not measured", "dim")


def _drifted(one: Mapping[str, Any]) -> tuple[str, ...]:
    moved = "" if one["effect"] is None else percent(one["effect"], 1)
    return (one["column"], "yes" if one["drifting"] else "no", moved, number(one["psi"]), number(one["ks"]), number(one["n"]))


def _shares(counted: Sequence[Mapping[str, Any]], rows: int, name: Any) -> str:
    parts = [f"{name(one)} {one['rows']:,} ({percent(one['rows'] / rows, 1)})" for one in counted[:_SHOWN]]
    return ", ".join([*parts, *(["…"] if len(counted) > _SHOWN else [])])


def _unrolled(found: Mapping[str, Any]) -> str:
    rows = found["unrolled_rows"]
    return f"{rows:,} rows of open hours, counted here, and not in Parquet yet" if rows else ""


def _latency(found: Mapping[str, Any]) -> str:
    if not found.get("count"):
        return ""
    return " · ".join(f"{name} {seconds(found[name])}" for name in ("p50", "p95", "p99", "max"))


def _performance(found: Mapping[str, Any]) -> str:
    if not found.get("labelled"):
        return ""
    said = (
        f"accuracy {percent(found['accuracy'])}"
        if "accuracy" in found
        else f"MAE {number(found['mae'])}, RMSE {number(found['rmse'])}"
    )
    return f"{said} over {found['labelled']:,} labelled rows"


def _numbers(name: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    return (name, *("" if key == "infinite" and not one[key] else number(one[key]) for key in _STATISTICS))


def _words(name: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    distinct = number(one["distinct"]) if "distinct" in one else ""
    top = one.get("top", ())
    more = ["…"] if one.get("distinct", 0) > _SHOWN else []
    return (
        name,
        number(one["count"]),
        number(one["missing"]),
        distinct,
        ", ".join([*(f"{v['value']} {v['rows']:,}" for v in top[:_SHOWN]), *more]),
    )
