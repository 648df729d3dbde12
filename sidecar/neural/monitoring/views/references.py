"""What current traffic is compared with, by model version: where it came from, and what its columns look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neural.monitoring.store import Store

if TYPE_CHECKING:
    from neural.monitoring.windows import Reference  # loads numpy: a probe by the CLI does without

REFERENCES = "references"
"""Key of the stored value: one ``reference_dict`` for each model version."""
_MOMENTS = ("mean", "std", "minimum", "maximum", "median")


def reference_dict(model: str, version: str, reference: Reference) -> dict[str, Any]:
    """``model``, ``version``, ``hash`` and ``reference_version`` (they name it in every verdict), ``source``, ``rows``, ``created_at`` (Unix
    seconds), ``performance``, and ``columns``: name, kind, n (usable values), missing_rate, distinct, cells, and mean, std, minimum,
    maximum, median (None for categories)."""
    columns = [
        {
            "name": column.name,
            "kind": column.kind.value,
            "n": column.n,
            "missing_rate": column.missing_rate,
            "distinct": column.distinct,
            "cells": len(column.counts),
            **{name: getattr(column, name) for name in _MOMENTS},
        }
        for column in reference.columns.values()
    ]
    return {
        "model": model,
        "version": version,
        "hash": reference.hash,
        "reference_version": reference.version,
        "source": reference.source,
        "rows": reference.rows,
        "created_at": reference.created_at,
        "performance": dict(reference.performance),
        "columns": columns,
    }


def references(store: Store, now: float, *, model: str | None = None, version: str | None = None) -> dict[str, Any]:
    """``status`` ("ok" | "no_data": nothing is compared yet), ``timestamp``, ``references``: one for each model version that has one."""
    stored: list[Mapping[str, Any]] = store.value(REFERENCES, []) or []
    found = [dict(one) for one in stored if model in (None, one["model"]) and version in (None, one["version"])]
    return {"status": "ok" if found else "no_data", "timestamp": now, "references": found}
