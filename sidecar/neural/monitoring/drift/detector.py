"""The Python API's drift detector: exact, one table at a time. The stream's sequential verdict is ``DriftMonitor``'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.drift.concept import concept_score, performance_loss
from neural.monitoring.drift.exact import ColumnDrift, PreparedColumn, compare, prepare, prepare_reference
from neural.monitoring.drift.matching import matched, partners, with_rows
from neural.monitoring.drift.multivariate import RowDrift, RowsMoved
from neural.monitoring.errors import ReferenceDataError
from neural.monitoring.records import PREDICTION, Column, Kind
from neural.monitoring.store import Report, Store, open_store
from neural.monitoring.windows import column_of, columns_from

KIND = "drift"  # of the reports kept in the store
MAX_CLASSES = 50  # whole-numbered predictions with more values than this are read as amounts


@dataclass(frozen=True, slots=True)
class DriftMetrics:
    """The answer of ``detect_drift``.

    ``data_distribution_drift`` and ``prediction_drift``: the largest share of rows that moved in any column, 0 to 1, 0 where chance explains it;
    ``performance_drift``: the largest relative loss of any metric. ``drift_severity``: none, warning or critical. ``feature_drift``:
    feature → share of rows moved (0 where it can't be told), worst first; ``features``: the same with statistics, p-values and reasons.
    ``multivariate``: method → the same of whole rows, where asked for. ``missing_features``: of the reference, not in the data;
    ``new_features``: the other way round; neither could be compared.
    ``timestamp``: Unix seconds.
    """

    is_drifting: bool
    drift_severity: str
    prediction_drift: float
    performance_drift: float
    data_distribution_drift: float
    concept_drift_score: float
    feature_drift: Mapping[str, float] = field(default_factory=dict[str, float])
    timestamp: float = 0.0
    reason: str = ""
    features: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    multivariate: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    missing_features: Sequence[str] = field(default_factory=list[str])
    new_features: Sequence[str] = field(default_factory=list[str])

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def plot(self) -> Any:
        """A plotly figure of the drift by feature. Raises DataError where plotly is not installed."""
        from neural.monitoring.drift.figure import drift_figure

        return drift_figure(self.feature_drift, self.drift_severity)

    def _repr_html_(self) -> str:
        from neural.monitoring.drift.html import drift_table

        return drift_table(self)


class DriftDetector:
    """Compares tables with a reference.

    ``drift_threshold``: the effect (share of rows moved, relative loss) from which a column drifts, ``alert_threshold``: from
    which it is critical. ``multivariate``: methods for whole rows (mmd, pca, domain_classifier). ``in_order``: rows come in the order of
    time, so that neighbours which are alike count as few; say False for tables sorted by a column. ``window_size``: reports kept in
    memory. With ``storage_path`` reports go to the state store in that folder as well.
    """

    def __init__(
        self,
        window_size: int = 1000,
        drift_threshold: float = 0.1,
        alert_threshold: float = 0.2,
        storage_path: str | Path | None = None,
        *,
        alpha: float = 0.05,
        multivariate: Sequence[str] = (),
        in_order: bool = True,
        clock: Clock = system_clock,
        store: Store | None = None,
        model: str = "default",
        version: str = "1.0",
    ) -> None:
        self.window_size = window_size
        self.drift_threshold = drift_threshold
        self.alert_threshold = alert_threshold
        self._alpha = alpha
        self._multivariate = tuple(multivariate)
        self._in_order = in_order
        self._rows: RowDrift | None = None
        self._clock = clock
        self._model = model
        self._version = version
        self._owns_store = store is None
        self._store = store if store is not None else open_store(Path(storage_path)) if storage_path is not None else None
        self._reference: dict[str, PreparedColumn] = {}
        self._prediction: PreparedColumn | None = None
        self._performance: dict[str, float] = {}
        self._reports: list[dict[str, Any]] = []

    def set_reference(
        self,
        data: Any,
        predictions: Any = None,
        performance: Mapping[str, float] | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        """``data``: anything ``columns_from`` takes. Raises DataError when it makes no table, ReferenceDataError without a row."""
        columns = with_rows(columns_from(data, feature_names))
        outputs = None if predictions is None else with_rows({PREDICTION: column_of(PREDICTION, predictions)})[PREDICTION]
        self._reference = prepare(columns, in_order=self._in_order)
        self._rows = RowDrift(columns, self._multivariate) if self._multivariate else None
        self._prediction = None if outputs is None else _prepare_predictions(outputs, in_order=self._in_order)
        self._performance = {name: float(value) for name, value in (performance or {}).items()}

    def detect_drift(
        self,
        data: Any,
        predictions: Any = None,
        performance: Mapping[str, float] | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> DriftMetrics:
        """Raises ReferenceDataError before ``set_reference``, DataError when the data makes no table or shares no column with it."""
        if not self._reference:
            raise ReferenceDataError("there is no reference: call set_reference(data) first")
        columns = matched(columns_from(data, feature_names), self._reference)
        features = self._compare(self._reference, columns)
        rows = self._rows.compare(columns, self._alpha) if self._rows is not None else {}
        outputs: dict[str, ColumnDrift] = {}
        if predictions is not None and self._prediction is not None:
            outputs = self._compare({PREDICTION: self._prediction}, {PREDICTION: column_of(PREDICTION, predictions)})
        metrics = self._metrics(columns, features, outputs, rows, performance or {})
        self._keep(metrics)
        return metrics

    def _compare(self, reference: Mapping[str, PreparedColumn], current: Mapping[str, Column]) -> dict[str, ColumnDrift]:
        return compare(reference, current, alpha=self._alpha, smallest_effect=self.drift_threshold, in_order=self._in_order)

    def _metrics(
        self,
        columns: Mapping[str, Column],
        features: Mapping[str, ColumnDrift],
        outputs: Mapping[str, ColumnDrift],
        rows: Mapping[str, RowsMoved],
        performance: Mapping[str, float],
    ) -> DriftMetrics:
        distribution, prediction = _largest(features), _largest(outputs)
        lost = performance_loss(self._performance, performance)
        score = concept_score(
            prediction=prediction if outputs else None, performance=lost, distribution=distribution if features else None
        )
        worst = max(distribution, prediction, lost or 0.0)
        drifting = [column for column in (*features.values(), *outputs.values()) if column.drifting]
        moved = [found.reason for found in rows.values() if found.drifting]
        is_drifting = bool(drifting or moved) or (lost or 0.0) >= self.drift_threshold
        severity = "none" if not is_drifting else "critical" if worst >= self.alert_threshold else "warning"
        missing = [name for name in self._reference if name not in columns]
        new = [name for name in columns if name not in self._reference]
        told = _reason(drifting, moved, lost if (lost or 0.0) >= self.drift_threshold else None, len(features))
        ranked = sorted(features.values(), key=lambda column: -(column.effect or 0.0))
        return DriftMetrics(
            is_drifting=is_drifting,
            drift_severity=severity,
            prediction_drift=prediction,
            performance_drift=lost or 0.0,
            data_distribution_drift=distribution,
            concept_drift_score=score or 0.0,
            feature_drift={column.name: column.effect or 0.0 for column in ranked},
            features={column.name: column.to_dict() for column in ranked},
            timestamp=self._clock(),
            reason="; ".join(part for part in (told, partners(missing, new)) if part),
            multivariate={name: found.to_dict() for name, found in rows.items()},
            missing_features=missing,
            new_features=new,
        )

    def _keep(self, metrics: DriftMetrics) -> None:
        report = metrics.to_dict()
        self._reports = [*self._reports, report][-self.window_size :]
        if self._store is not None:
            self._store.add_report(Report(KIND, self._clock(), self._model, self._version, report))

    def get_drift_report(self, window: int = 100) -> dict[str, Any]:
        """Of the last ``window`` answers: how often there was drift, and how much on average."""
        stored = self._store.reports(KIND, limit=window, model=self._model) if self._store is not None else []
        return summarize_reports([report.body for report in stored] if stored else self._reports[-window:])

    def close(self) -> None:
        """Close the store this detector opened; one that was handed in stays open."""
        if self._store is not None and self._owns_store:
            self._store.close()


def summarize_reports(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The seed's summary of drift reports; status is "no_data" without any."""
    if not reports:
        return {"status": "no_data", "total_samples": 0, "drift_detected": 0, "drift_rate": 0.0}
    severities = [str(report["drift_severity"]) for report in reports]
    detected = sum(1 for report in reports if report["is_drifting"])
    return {
        "status": "ok",
        "total_samples": len(reports),
        "drift_detected": detected,
        "drift_rate": detected / len(reports),
        "avg_prediction_drift": _mean(reports, "prediction_drift"),
        "avg_performance_drift": _mean(reports, "performance_drift"),
        "avg_distribution_drift": _mean(reports, "data_distribution_drift"),
        "severity_distribution": {name: severities.count(name) for name in ("critical", "warning", "none")},
    }


def _mean(reports: Sequence[Mapping[str, Any]], key: str) -> float:
    return sum(float(report[key]) for report in reports) / len(reports)


def _prepare_predictions(column: Column, *, in_order: bool) -> PreparedColumn:
    """A few whole numbers are classes; other numbers are values."""
    if column.kind is Kind.NUMERIC:
        distinct = np.unique(column.values[np.isfinite(column.values)])
        if len(distinct) <= MAX_CLASSES and bool((distinct == np.round(distinct)).all()):
            return prepare_reference(column, Kind.CATEGORICAL, in_order=in_order)
    return prepare_reference(column, in_order=in_order)


def _largest(columns: Mapping[str, ColumnDrift]) -> float:
    """The largest effect that chance does not explain."""
    return max((column.effect or 0.0 for column in columns.values() if column.drifting), default=0.0)


def _reason(drifting: Sequence[ColumnDrift], moved: Sequence[str], lost: float | None, features: int) -> str:
    parts = [column.verdict.reason for column in sorted(drifting, key=lambda column: -(column.effect or 0.0))[:3]]
    parts.extend(moved)
    if lost is not None:
        parts.append(f"performance is {lost:.1%} worse than the reference's")
    return "; ".join(parts) if parts else f"none of {features} features differs from the reference by more than chance explains"
