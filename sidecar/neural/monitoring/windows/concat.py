"""Columns of several batches, put end to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind

Block = tuple[int, Mapping[str, Column]]
"""Rows, and columns of that length; a column may be absent."""


def concat_columns(blocks: Sequence[Block]) -> dict[str, Column]:
    """All columns that occur, missing where a block does not have them. The first block with a column decides its kind."""
    kinds: dict[str, Kind] = {}
    for _, columns in blocks:
        for name, column in columns.items():
            kinds.setdefault(name, column.kind)
    return {name: _concat(name, kind, blocks) for name, kind in kinds.items()}


def take_rows(columns: Mapping[str, Column], chosen: NDArray[Any] | slice) -> dict[str, Column]:
    """The rows chosen by an index, a mask or a slice."""
    return {
        name: Column(
            name, column.kind, column.values[chosen], column.missing[chosen], None if column.invalid is None else column.invalid[chosen]
        )
        for name, column in columns.items()
    }  # fmt: skip


def _concat(name: str, kind: Kind, blocks: Sequence[Block]) -> Column:
    width = max((_width(columns.get(name)) for _, columns in blocks), default=0)
    parts = [_part(name, kind, rows, columns.get(name), width) for rows, columns in blocks]
    invalid = np.concatenate([part.invalid if part.invalid is not None else np.zeros(len(part), dtype=bool) for part in parts])
    return Column(
        name,
        kind,
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.missing for part in parts]),
        invalid if invalid.any() else None,
    )


def _width(column: Column | None) -> int:
    """Dimensions of an embedding."""
    return column.values.shape[1] if column is not None and column.values.ndim == 2 else 0


def _part(name: str, kind: Kind, rows: int, column: Column | None, width: int) -> Column:
    other_width = kind is Kind.EMBEDDING and _width(column) != width  # such rows are invalid
    if column is not None and not other_width and (column.kind is kind or (_numbers(column.kind) and _numbers(kind))):
        return column
    gone = np.ones(rows, dtype=bool)
    if kind is Kind.EMBEDDING:
        values: NDArray[Any] = np.full((rows, width), np.nan, dtype=np.float32)
    elif _numbers(kind):
        values = np.full(rows, np.nan)
    else:
        values = np.full(rows, None, dtype=object)
    if column is None:
        return Column(name, kind, values, gone)
    return Column(name, kind, values, column.missing, ~column.missing)


def _numbers(kind: Kind) -> bool:
    return kind in (Kind.NUMERIC, Kind.BOOLEAN)
