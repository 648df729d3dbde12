"""The data quality monitor of the Python API: checks tables that people hand it."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.quality.check import Expected, Profile, check_columns, profile_columns
from neural.monitoring.quality.detect import Base
from neural.monitoring.quality.feature_types import feature_of
from neural.monitoring.quality.report import QualityReport
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.quality.standing import Standing
from neural.monitoring.quality.table import repeated_rows
from neural.monitoring.store import Report, Store, open_store
from neural.monitoring.windows.columns import columns_from

KEPT_REPORTS = 1_000


class DataQualityMonitor:
    """Checks NumPy arrays, pandas and Arrow tables, dicts of lists and lists of dicts.

    ``feature_types``: column → "positive", "probability", "binary", "integer", a kind ("numeric", "categorical", …), or a dict of rules as in
    the YAML's ``features``: range, allowed, pattern, constraint, required, kind. ``missing_threshold``: a larger share of missing values is
    unhealthy. ``outlier_threshold``: in standard deviations of the reference statistics (of the data itself where there are none), scaled
    MADs or half box widths by ``outlier_method`` ("zscore", "mad", "iqr"). With ``storage_path`` every report is kept in the state store there.
    Raises DataError for a feature type that does not exist.
    """

    def __init__(
        self,
        feature_names: Sequence[str] | None = None,
        feature_types: Mapping[str, str | Mapping[str, Any] | FeatureSettings] | None = None,
        missing_threshold: float = 0.1,
        outlier_threshold: float = 3.0,
        storage_path: str | Path | None = None,
        *,
        outlier_method: Literal["zscore", "mad", "iqr"] | None = None,
        model: str = "default",
        version: str = "1.0",
        settings: QualitySettings | None = None,
        store: Store | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.feature_names = list(feature_names) if feature_names is not None else None
        self.feature_types = dict(feature_types or {})
        base = settings or QualitySettings()
        given = {"missing_threshold": float(missing_threshold), "outlier_threshold": float(outlier_threshold)}
        self.settings = base.model_copy(update=given | ({"outlier_method": outlier_method} if outlier_method else {}))
        self.missing_threshold, self.outlier_threshold = float(missing_threshold), float(outlier_threshold)
        self._schema = {name: feature_of(name, given) for name, given in self.feature_types.items()}
        self.reference_statistics: Mapping[str, Profile] = {}
        self._duplicates: Base | None = None
        self._standing = Standing()
        self._store = store
        self._finalizer: Callable[[], object] | None = None
        if store is None and storage_path is not None:
            owned = open_store(Path(storage_path))
            self._store, self._finalizer = owned, weakref.finalize(self, owned.close)
        self._model, self._version, self._clock = model, version, clock
        self._reports: deque[QualityReport] = deque(maxlen=KEPT_REPORTS)

    def set_reference_statistics(self, data: Any) -> None:
        """Take types, means and spreads from reference rows. Raises DataError when the data makes no table."""
        columns = columns_from(data, self._names_for(data))
        self.reference_statistics = profile_columns(columns, self.settings)
        repeated = repeated_rows(columns, max((len(column) for column in columns.values()), default=0))
        self._duplicates = Base(repeated.count, repeated.compared)

    def check_quality(self, data: Any) -> QualityReport:
        """Check rows. Raises DataError when the data makes no table; anything inside a table is a finding, never an exception."""
        columns = columns_from(data, self._names_for(data))
        expected = Expected(
            self.reference_statistics,
            self._schema,
            self.feature_names,
            ordered=hasattr(data, "columns") or hasattr(data, "column_names"),
            duplicates=self._duplicates,
        )
        report = check_columns(columns, expected, self.settings, now=self._clock())
        report = replace(report, findings=tuple(self._standing.date(report.findings, report.timestamp)))
        self._reports.append(report)
        if self._store is not None:
            self._store.add_report(Report("quality", report.timestamp, self._model, self._version, report.to_dict()))
        return report

    def get_quality_summary(self, window: int = 100) -> dict[str, Any]:
        """Over the last ``window`` reports. ``status`` is "no_data" when there are none."""
        reports = self._recent(window)
        if not reports:
            return {"status": "no_data", "total_reports": 0}
        count = len(reports)
        return {
            "status": "ok",
            "total_reports": count,
            "healthy_rate": sum(bool(report["is_healthy"]) for report in reports) / count,
            "avg_quality_score": sum(report["quality_score"] for report in reports) / count,
            "avg_missing_rate": sum(report["missing_rate"] for report in reports) / count,
            "avg_outlier_rate": sum(report["outlier_rate"] for report in reports) / count,
            "avg_invalid_rate": sum(report["invalid_rate"] for report in reports) / count,
            "total_warnings": sum(len(report["warnings"]) for report in reports),
            "recent_reports": reports[-10:],
        }

    def close(self) -> None:
        """Close the store, if this monitor opened it. Reports so far stay in memory and in the store."""
        if self._finalizer is not None:
            self._finalizer()
            self._store, self._finalizer = None, None

    def _recent(self, window: int) -> list[Mapping[str, Any]]:
        if self._store is not None:
            return [report.body for report in self._store.reports("quality", limit=max(window, 1), model=self._model)]
        return [report.to_dict() for report in list(self._reports)[-max(window, 1) :]]

    def _names_for(self, data: Any) -> Sequence[str] | None:
        """The names given, for data that carries none."""
        named = hasattr(data, "columns") or hasattr(data, "column_names") or isinstance(data, Mapping)
        return None if named or self.feature_names is None else self._fitting(data)

    def _fitting(self, data: Any) -> Sequence[str] | None:
        """More or fewer columns than names are a schema violation, not an exception: the missing names are made up."""
        names = self.feature_names or []
        shape = getattr(data, "shape", None)
        first = data[0] if shape is None and isinstance(data, Sequence) and len(data) else None
        if isinstance(first, Mapping):
            return None
        width = shape[1] if shape is not None and len(shape) == 2 else len(first) if isinstance(first, Sequence) else len(names)
        return [names[at] if at < len(names) else f"feature_{at}" for at in range(width)]
