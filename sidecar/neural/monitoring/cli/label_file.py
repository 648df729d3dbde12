"""Labels out of a file: CSV, JSON or JSON Lines, a label at a time."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from neural.monitoring.errors import DataError

MAX_LINE_CHARACTERS = 1_000_000


def read_labels(path: Path) -> Iterator[dict[str, Any]]:
    """Each label as {"id", "label"} and, where given, "time". Raises DataError naming the line."""
    if str(path) == "-":
        yield from _lines("-", sys.stdin)
        return
    reader = {".csv": _csv, ".json": _document}.get(path.suffix.lower(), _lines)
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            yield from reader(str(path), file)
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: {error}") from None


def _lines(name: str, file: IO[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file, start=1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise DataError(f"{name}:{number}: the line is longer than {MAX_LINE_CHARACTERS:,} characters")
        if line.strip():
            yield _label(f"{name}:{number}", _json(f"{name}:{number}", line))


def _document(name: str, file: IO[str]) -> Iterator[dict[str, Any]]:
    body = _json(name, file.read())
    items = body.get("labels") if isinstance(body, dict) else body
    if not isinstance(items, list):
        raise DataError(f'{name}: holds neither a list of labels nor {{"labels": [...]}}')
    for index, item in enumerate(items):
        yield _label(f"{name}: label {index + 1}", item)


def _csv(name: str, file: IO[str]) -> Iterator[dict[str, Any]]:
    try:
        rows = csv.DictReader(file)
        missing = {"id", "label"} - set(rows.fieldnames or ())
        if missing:
            raise DataError(f"{name}:1: the header lacks the column {', '.join(sorted(missing))}")
        for row in rows:
            yield _label(f"{name}:{rows.line_num}", {**row, "label": _number(row["label"])})
    except csv.Error as error:
        raise DataError(f"{name}: {error}") from None


def _json(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: is no JSON ({error})") from None


def _label(where: str, item: Any) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not item.get("id") or item.get("label") is None:
        raise DataError(f'{where}: a label needs "id" and "label"')
    label: dict[str, Any] = {"id": str(item["id"]), "label": item["label"]}
    if item.get("time"):
        label["time"] = _number(item["time"]) if isinstance(item["time"], str) else item["time"]
    return label


def _number(text: str | None) -> str | int | float | None:
    """A cell as a number, where it is written as one writes numbers ("01" stays text: it may be a code)."""
    if text is None or text == "":
        return None
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if kind is int and str(value) != text:
            return text
        return value if math.isfinite(value) else text
    return text
