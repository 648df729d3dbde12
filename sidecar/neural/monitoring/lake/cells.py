"""Counts in the cells of a reference, asked of an engine: the same numbers as in the sidecar's panes on that grid."""

from __future__ import annotations

from typing import Any

from neural.monitoring.lake import measures
from neural.monitoring.windows import ColumnReference


def questions(column: Any, reference: ColumnReference) -> dict[str, Any]:
    """Of a numeric column, whose reference has edges; none where it has categories instead."""
    return {} if reference.is_categorical or not reference.n else measures.reached(column, reference.edges.tolist())


def known_names(reference: ColumnReference) -> list[str]:
    return list(reference.categories) if reference.is_categorical else []


def answer(measured: dict[str, Any], reference: ColumnReference | None) -> None:
    """What was asked for one column, with the answers for its cells put together under ``cells``."""
    reached = [measured.pop(name) or 0 for name in list(measured) if name.startswith(measures.REACHED)]
    if reference is None:
        return
    if reached:
        measured["cells"] = [after - before for before, after in zip([0, *reached], [*reached, measured["count"]], strict=True)]
    elif reference.is_categorical and "quantiles" not in measured:
        measured["cells"] = _category_cells(measured, reference)


def _category_cells(measured: dict[str, Any], reference: ColumnReference) -> list[int]:
    """The labels, the reference's other categories, and what it does not know."""
    rows = {one["value"]: one["rows"] for one in measured.get("top", ())}
    own = [rows.get(name, 0) for name in reference.labels]
    known = sum(rows.get(name, 0) for name in reference.categories)
    return [*own, known - sum(own), measured["count"] - known]
