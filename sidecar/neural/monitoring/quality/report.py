"""The quality report of the Python API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from neural.monitoring.quality.figure import quality_figure
from neural.monitoring.quality.findings import Finding


@dataclass(frozen=True, slots=True)
class QualityReport:
    """One check of one table. Counts are by column, rates over all values; every number is finite.

    ``timestamp``: Unix seconds. ``value_ranges``: column → (smallest, largest) finite number. ``is_healthy`` is False exactly when
    ``warnings`` names something that makes it so.
    """

    timestamp: float
    total_samples: int
    missing_values: Mapping[str, int] = field(default_factory=dict[str, int])
    missing_rate: float = 0.0
    outliers: Mapping[str, int] = field(default_factory=dict[str, int])
    outlier_rate: float = 0.0
    invalid_values: Mapping[str, int] = field(default_factory=dict[str, int])
    invalid_rate: float = 0.0
    schema_violations: tuple[str, ...] = ()
    data_types: Mapping[str, str] = field(default_factory=dict[str, str])
    value_ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    quality_score: float = 1.0
    is_healthy: bool = True
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: the keys of the seed, and ``findings``: each with column, kind, count, rows, rate, text, example, row_ids, first_seen."""
        return {
            "timestamp": self.timestamp,
            "total_samples": self.total_samples,
            "missing_values": dict(self.missing_values),
            "missing_rate": self.missing_rate,
            "outliers": dict(self.outliers),
            "outlier_rate": self.outlier_rate,
            "invalid_values": dict(self.invalid_values),
            "invalid_rate": self.invalid_rate,
            "schema_violations": list(self.schema_violations),
            "data_types": dict(self.data_types),
            "value_ranges": {name: list(limits) for name, limits in self.value_ranges.items()},
            "quality_score": self.quality_score,
            "is_healthy": self.is_healthy,
            "warnings": list(self.warnings),
            "findings": [finding.to_json() for finding in self.findings],
        }

    def plot(self) -> Any:
        """A plotly figure: shares of missing, outlying and invalid values by column. Raises DataError where plotly is not installed."""
        return quality_figure(self.data_types, self.total_samples, self.missing_values, self.outliers, self.invalid_values)

    def _repr_html_(self) -> str:
        """A notebook shows the columns as a table."""
        head = f"<b>Data quality {self.quality_score:.3f}</b>, {'healthy' if self.is_healthy else 'not healthy'}, {self.total_samples} rows"
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(kind)}</td><td>{self.missing_values.get(name, 0)}</td>"
            f"<td>{self.outliers.get(name, 0)}</td><td>{self.invalid_values.get(name, 0)}</td></tr>"
            for name, kind in self.data_types.items()
        )
        table = f"<table><tr><th>column</th><th>type</th><th>missing</th><th>outliers</th><th>invalid</th></tr>{rows}</table>"
        return f"<div>{head}{''.join(f'<br>{escape(text)}' for text in self.warnings)}{table}</div>"
