"""Columns that are missing, extra, or of another type than the reference's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.windows.reference import Reference
from neural.monitoring.windows.window import Window


@dataclass(frozen=True, slots=True)
class SchemaFinding:
    """``kind``: missing_column, extra_column, retyped_column, required_value."""

    column: str
    kind: str
    reason: str

    def text(self) -> str:
        return self.reason

    def to_json(self) -> dict[str, Any]:
        return {"column": self.column, "kind": self.kind, "text": self.reason}


def schema_findings(
    window: Window, reference: Reference | None, schema: Mapping[str, FeatureSettings]
) -> Iterator[SchemaFinding]:
    """Nothing is found in an empty window."""
    if window.rows <= 0:
        return
    present = {name: pane for name, pane in window.columns.items() if not name.startswith("@") and pane.total > 0}
    known = set(schema) if reference is None else {*schema, *reference.feature_names}
    for name, feature in schema.items():
        if feature.required and name in present and present[name].missing:
            missing = present[name].missing
            yield SchemaFinding(name, "required_value", f"required column {name} is missing in {missing} rows")
    if reference is None:
        return
    for name in reference.feature_names:
        column = reference.columns[name]
        if name not in present:
            yield SchemaFinding(name, "missing_column", f"column {name} is in the reference but not in the traffic")
        elif present[name].kind is not column.kind and column.n > 0 and present[name].n > 0:
            kinds = f"{column.kind.value} in the reference, {present[name].kind.value} in the traffic"
            yield SchemaFinding(name, "retyped_column", f"column {name} is {kinds}")
    for name in sorted(set(present) - known):
        yield SchemaFinding(name, "extra_column", f"column {name} is in the traffic but not in the reference")
