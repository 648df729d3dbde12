"""CSV and JSON Lines bodies."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any, Final

import orjson

from neural.monitoring.decode.parsed import Reason, Undecodable

_NUMBER: Final = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_MAX_CELL: Final = 128 * 1024  # characters: csv's own default


def read_csv(body: bytes, max_rows: int) -> list[list[str]]:
    """The non-empty lines as cells. Raises Undecodable."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Undecodable(Reason.BAD_CSV, "not UTF-8") from None
    rows = list[list[str]]()
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if row:
                rows.append(row)
            if len(rows) > max_rows + 1:  # and a header
                raise Undecodable(Reason.TOO_MANY_ROWS, f"more than {max_rows} lines")
    except csv.Error as error:
        raise Undecodable(Reason.BAD_CSV, str(error)[:80]) from None
    return rows


def csv_columns(rows: Sequence[Sequence[str]], width: int) -> list[list[Any]]:
    """Cells by column: numbers where the whole column is numeric, else text. An empty cell is missing.

    "007" stays text: a leading zero says that it is a code.
    """
    if any(len(row) != width for row in rows):
        raise Undecodable(Reason.SHAPE, f"lines without {width} cells")
    return [_typed(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def _typed(cells: Sequence[str]) -> list[Any]:
    stripped = [cell.strip() for cell in cells]
    if all(is_number(cell) for cell in stripped if cell):
        return [float(cell) if cell else None for cell in stripped]
    return [cell or None for cell in cells]


def is_number(cell: str) -> bool:
    """True for what a column of numbers may hold: 1, -2.5, 1e-3, nan, inf; not for "007"."""
    lowered = cell.lower()
    if lowered in ("nan", "inf", "-inf", "infinity", "-infinity"):
        return True
    return cell.isascii() and _NUMBER.fullmatch(cell) is not None and len(cell) < 400


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """True when the first line names columns: none of its cells is a number, and no name comes twice."""
    first = rows[0] if rows else ()
    return (
        bool(first) and not any(is_number(cell.strip()) or not cell.strip() for cell in first) and len(set(first)) == len(first)
    )


def read_json_lines(body: bytes, max_rows: int) -> list[Any]:
    """One document for each non-empty line. Raises Undecodable."""
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > max_rows:
        raise Undecodable(Reason.TOO_MANY_ROWS, f"more than {max_rows} lines")
    try:
        return [orjson.loads(line) for line in lines]
    except orjson.JSONDecodeError:
        raise Undecodable(Reason.BAD_JSON, "a line is not JSON") from None


def content_type(headers: Any) -> str:
    """The media type, lower-case, without parameters."""
    return str(headers.get("content-type", "")).partition(";")[0].strip().lower()
