"""Columns that are missing, extra, or of another type than the reference's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.quality.findings import Finding
from neural.monitoring.windows.reference import Reference
from neural.monitoring.windows.window import Window


def schema_findings(window: Window, reference: Reference | None, schema: Mapping[str, FeatureSettings]) -> Iterator[Finding]:
    """Nothing is found in an empty window."""
    if window.rows <= 0:
        return
    present = {name: pane for name, pane in window.columns.items() if not name.startswith("@") and pane.total > 0}
    known = set(schema) if reference is None else {*schema, *reference.feature_names}
    for name, feature in schema.items():
        if feature.required and name in present and present[name].missing:
            missing = present[name].missing
            reason = f"required column {name} is missing in {missing} rows"
            yield Finding(name, "required_value", missing, window.rows, reason, examples=("null",))
    if reference is None:
        return
    for name in reference.feature_names:
        column = reference.columns[name]
        if name not in present:
            reason = f"column {name} is in the reference but not in the traffic"
            yield Finding(name, "missing_column", window.rows, window.rows, reason, examples=("absent",))
        elif present[name].kind is not column.kind and column.n > 0 and present[name].n > 0:
            kinds = f"{column.kind.value} in the reference, {present[name].kind.value} in the traffic"
            found = present[name]
            yield Finding(name, "retyped_column", found.n, window.rows, f"column {name} is {kinds}", examples=(found.kind.value,))
    for name in sorted(set(present) - known):
        reason = f"column {name} is in the traffic but not in the reference"
        yield Finding(name, "extra_column", present[name].total, window.rows, reason, examples=(present[name].kind.value,))
