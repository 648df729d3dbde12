"""Which columns of a table are compared with which of the reference, and which have no partner."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from neural.monitoring.errors import DataError, ReferenceDataError
from neural.monitoring.records import Column

MAX_NAMED = 5  # names a sentence lists; the lists beside it have all


def with_rows(columns: Mapping[str, Column]) -> Mapping[str, Column]:
    """The reference's columns. Raises ReferenceDataError when they hold no row: everything would look as before."""
    if not columns or not max(len(column) for column in columns.values()):
        named = f" (columns {listed(columns)})" if columns else ""
        raise ReferenceDataError(f"the reference holds no rows{named}: hand in rows the model was trained on")
    return columns


def matched(columns: Mapping[str, Column], reference: Collection[str]) -> dict[str, Column]:
    """Columns under the reference's names; where either side has no names of its own, in order.

    Raises DataError, naming both sides, when no column is shared.
    """
    if columns.keys() & set(reference):
        return dict(columns)
    if len(columns) == len(reference) and (_unnamed(columns) or _unnamed(reference)):
        return dict(zip(reference, columns.values(), strict=True))
    raise DataError(
        f"the data shares no column with the reference: the data has {listed(columns) or 'none'}, the reference {listed(reference)}"
    )


def partners(missing: Collection[str], new: Collection[str]) -> str:
    """Columns without a partner, in words; "" when there are none."""
    parts = [
        f"not in the data: {listed(missing)}" if missing else "",
        f"not in the reference: {listed(new)}" if new else "",
    ]
    return "; ".join(part for part in parts if part)


def listed(names: Collection[str]) -> str:
    shown = ", ".join([*names][:MAX_NAMED])
    return f"{shown} and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else shown


def _unnamed(names: Iterable[str]) -> bool:
    """Counted, not named: feature_0, feature_1 … by ``columns_from``, or 0, 1 … by pandas."""
    return all(name in (f"feature_{at}", str(at)) for at, name in enumerate(names))
