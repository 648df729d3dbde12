"""Tables of a view as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from neural.monitoring.dashboard.reading import Reader
from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.words import iso_time
from neural.monitoring.views.slos import slos, slos_now

Row = Sequence[str | float | None]
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run these: OWASP, CSV injection


def export(reader: Reader, name: str) -> str | None:
    """The table as CSV text; None if there is no table of that name."""
    make = TABLES.get(name)
    return None if make is None else _text(make(reader))


def _signals(*names: str) -> Callable[[Reader], list[Row]]:
    def rows(reader: Reader) -> list[Row]:
        series = [s for name in names for s in reader.series(name)]
        keys = sorted({key for item in series for key in item.labels})
        return [("time", "signal", *keys, "value"), *(row for item in series for row in _points(item, keys))]

    return rows


def _points(item: Series, keys: Sequence[str]) -> list[Row]:
    labels = [item.labels.get(key, "") for key in keys]
    return [(iso_time(t), item.name, *labels, v) for t, v in zip(item.times, item.values, strict=True)]


def _alerts(reader: Reader) -> list[Row]:
    head: Row = (
        "alert_id",
        "rule",
        "severity",
        "state",
        "title",
        "message",
        "started_at",
        "fired_at",
        "resolved_at",
        "acknowledged_by",
    )
    rows: list[Row] = [
        (a.alert_id, a.rule, a.severity, a.state, a.title, a.message, iso_time(a.started_at), iso_time(a.fired_at),
         iso_time(a.resolved_at), a.acknowledged_by)
        for a in reader.alerts
    ]  # fmt: skip
    return [head, *rows]


def _slo_report(reader: Reader) -> list[Row]:
    """One line an objective: what was promised, what was kept, what is left."""
    head: Row = (
        "slo", "status", "target", "compliance", "error_budget_remaining", "breaches", "breach_seconds", "longest_breach_seconds",
        "from", "until", "reason",
    )  # fmt: skip
    found = slos(reader.store, reader.now, model=reader.model[0] or None, version=reader.model[1] or None)["slos"]
    state = slos_now(reader.current)
    rows: list[Row] = [
        (
            name, one["status"], one["target"], one["compliance_rate"], one["error_budget_remaining"],
            found.get(name, {}).get("total_breaches"), found.get(name, {}).get("total_breach_duration"),
            found.get(name, {}).get("max_breach_duration"), iso_time(reader.since), iso_time(reader.until), one["reason"],
        )
        for name, one in state.items()
    ]  # fmt: skip
    return [head, *rows]


TABLES: dict[str, Callable[[Reader], list[Row]]] = {
    "overview": _signals("requests.rate", "error_rate", "latency.p50", "latency.p95", "latency.p99", "drift.score", "quality.score"),
    "drift": _signals("drift.score", "drift.feature_score", "drift.evidence", "drift.ks", "drift.psi", "drift.wasserstein"),
    "quality": _signals(
        "quality.score", "quality.feature_missing_rate", "quality.feature_invalid_rate", "quality.feature_unseen_rate",
        "quality.feature_outlier_rate",
    ),
    "performance": _signals(
        *(f"performance.{n}" for n in (
            "accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier", "mae", "rmse", "r2", "coverage", "labels"))
    ),
    "slo": _signals("slo.compliance", "slo.target", "slo.budget_remaining", "slo.burn_rate"),
    "slo-report": _slo_report,
    "alerts": _alerts,
    "capture": _signals("capture.seen", "capture.shipped", "capture.sampled_out", "capture.dropped", "capture.loss_ratio", "unparsed_rate"),
}  # fmt: skip


def _text(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return out.getvalue()


def _safe(cell: str | float | None) -> str | float | None:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
