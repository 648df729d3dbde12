"""Every metric the sidecar exports: names, kinds, labels. Dashboards, rules and docs are checked against this table."""

from __future__ import annotations

from collections.abc import Mapping

from neural.monitoring.export.family import Family, MetricSpec

_MODEL = ("model", "version")

SEED: tuple[MetricSpec, ...] = (
    MetricSpec("neural_predictions_total", "counter", "Predictions decoded, corrected for sampling", _MODEL),
    MetricSpec("neural_prediction_latency_seconds", "histogram", "Latency of requests as seen inside the model server", _MODEL),
    MetricSpec("neural_model_accuracy", "gauge", "Accuracy over the labels that arrived in the window", _MODEL),
    MetricSpec("neural_model_precision", "gauge", "Precision over the labels that arrived in the window", _MODEL),
    MetricSpec("neural_model_recall", "gauge", "Recall over the labels that arrived in the window", _MODEL),
    MetricSpec("neural_model_f1", "gauge", "F1 score over the labels that arrived in the window", _MODEL),
    MetricSpec(
        "neural_drift_score",
        "gauge",
        "Drift score by kind: distribution, prediction, performance, concept, feature (the worst)",
        (*_MODEL, "drift_type"),
    ),
    MetricSpec("neural_data_quality_score", "gauge", "Data quality, 1 is flawless", _MODEL),
    MetricSpec("neural_missing_values_rate", "gauge", "Share of feature values that are missing", _MODEL),
    MetricSpec("neural_outlier_rate", "gauge", "Share of feature values that are outliers", _MODEL),
    MetricSpec(
        "neural_errors_total",
        "counter",
        "Requests that went wrong, by whose fault: server, client, unparsed",
        (*_MODEL, "error_type"),
    ),
    MetricSpec("neural_active_models", "gauge", "Model versions with traffic"),
)
"""The seed's twelve, with its names and labels."""

TRAFFIC: tuple[MetricSpec, ...] = (
    MetricSpec(
        "neural_requests_total", "counter", "Requests by status, corrected for sampling", (*_MODEL, "status"), wide="status"
    ),
    MetricSpec(
        "neural_unparsed_total",
        "counter",
        "Requests whose bodies could not be decoded, by reason",
        (*_MODEL, "reason"),
        wide="reason",
    ),
    MetricSpec("neural_window_latency_seconds", "gauge", "Latency percentiles over the window", (*_MODEL, "percentile")),
    MetricSpec("neural_window_request_rate", "gauge", "Requests a second over the window", _MODEL),
    MetricSpec("neural_window_error_ratio", "gauge", "Share of the window's requests that the server failed", _MODEL),
    MetricSpec("neural_traffic_staleness_seconds", "gauge", "Time since the last request", _MODEL),
)

MONITORS: tuple[MetricSpec, ...] = (
    MetricSpec("neural_drift_alarm", "gauge", "1 while the false-alarm-budgeted verdict is drift", _MODEL),
    MetricSpec("neural_drift_evidence", "gauge", "Evidence of drift over all columns, over its threshold; 1 is an alarm", _MODEL),
    MetricSpec(
        "neural_drift_evaluations_total", "counter", "Evaluations by drift verdict: ok, bad, unknown", (*_MODEL, "outcome")
    ),
    MetricSpec("neural_drifting_features", "gauge", "Features called drifting", _MODEL),
    MetricSpec("neural_acknowledged_drifting_features", "gauge", "Drifting features whose drift was acknowledged", _MODEL),
    MetricSpec("neural_feature_drift", "gauge", "Drift of a feature by method, such as ks or psi", (*_MODEL, "feature", "method"), wide="feature"),
    MetricSpec(
        "neural_feature_drift_evidence", "gauge", "Evidence of drift over its threshold, 1 is an alarm", (*_MODEL, "feature"), wide="feature"
    ),
    MetricSpec("neural_quality_alarm", "gauge", "1 while data quality is called bad", _MODEL),
    MetricSpec("neural_data_quality_ratio", "gauge", "Share of feature values that are invalid or unseen", (*_MODEL, "check")),
    MetricSpec(
        "neural_feature_quality_ratio", "gauge", "Share of one feature's values that are missing, outlier, invalid, unseen",
        (*_MODEL, "feature", "check"), wide="feature",
    ),
    MetricSpec("neural_model_performance", "gauge", "Performance over the labels that arrived in the window", (*_MODEL, "metric"), wide="metric"),
    MetricSpec("neural_label_coverage_ratio", "gauge", "Share of predictions whose label is known", _MODEL),
    MetricSpec("neural_labels_in_window", "gauge", "Labels that arrived in the window", _MODEL),
    MetricSpec("neural_slo_compliance_ratio", "gauge", "Share of good events over the SLO's window", (*_MODEL, "slo"), wide="slo"),
    MetricSpec("neural_slo_target_ratio", "gauge", "The share of good events that was promised", (*_MODEL, "slo"), wide="slo"),
    MetricSpec("neural_slo_budget_remaining_ratio", "gauge", "Error budget left, 1 is all, below 0 is overspent", (*_MODEL, "slo"), wide="slo"),
    MetricSpec("neural_slo_burn_rate", "gauge", "Budget burn, 1 uses it up by the window's end", (*_MODEL, "slo", "window"), wide="slo"),
    MetricSpec("neural_slo_burn_alert", "gauge", "1 while both windows of an alert are over its factor", (*_MODEL, "slo", "severity"), wide="slo"),
    MetricSpec("neural_signal", "gauge", "Any signal that has no metric of its own", (*_MODEL, "signal"), wide="signal"),
    MetricSpec("neural_signals_bad", "gauge", "Signals whose verdict is bad", _MODEL),
    MetricSpec("neural_alerts", "gauge", "Open alerts by rule and state", ("rule", "severity", "state"), wide="rule"),
)  # fmt: skip

CAPTURE: tuple[MetricSpec, ...] = (
    MetricSpec("neural_capture_seen_total", "counter", "Requests the capture side has seen, over all sources"),
    MetricSpec("neural_capture_shipped_total", "counter", "Requests shipped and acknowledged"),
    MetricSpec("neural_capture_sampled_out_total", "counter", "Requests left out by sampling"),
    MetricSpec(
        "neural_capture_dropped_total", "counter", "Requests lost on the capture side, by reason", ("reason",), wide="reason"
    ),
    MetricSpec("neural_capture_in_flight", "gauge", "Requests begun or waiting to be shipped"),
    MetricSpec("neural_capture_sources", "gauge", "Processes that have reported a ledger"),
    MetricSpec("neural_capture_unbalanced_sources", "gauge", "Sources whose ledger does not add up; anything but 0 is a bug"),
    MetricSpec("neural_capture_loss_ratio", "gauge", "Share of the requests seen that were lost"),
)

SIDECAR: tuple[MetricSpec, ...] = (
    MetricSpec("neural_build_info", "info", "The version that runs", ("release",)),
    MetricSpec("neural_sidecar_start_time_seconds", "gauge", "When the sidecar started, in Unix seconds"),
    MetricSpec("neural_sidecar_last_evaluation_timestamp_seconds", "gauge", "When the signals were computed, in Unix seconds"),
    MetricSpec("neural_sidecar_evaluation_seconds", "gauge", "Time the last evaluation took"),
    MetricSpec("neural_sidecar_memory_bytes", "gauge", "Resident memory of the sidecar"),
    MetricSpec("neural_sidecar_cpu_seconds_total", "counter", "CPU time the sidecar has used"),
    MetricSpec("neural_sidecar_backlog", "gauge", "Journal entries waiting to be processed"),
    MetricSpec("neural_sidecar_events_total", "counter", "Running totals of the engine by kind", ("kind",), wide="kind"),
    MetricSpec(
        "neural_sidecar_stat",
        "gauge",
        "Numbers of the sidecar's parts: ingest, spans, delivery",
        ("component", "stat"),
        wide="stat",
    ),
    MetricSpec("neural_metrics_folded_series", "gauge", "Series of this scrape that went into _other because of the budget"),
    MetricSpec("neural_metrics_folded_samples_total", "counter", "Samples of all scrapes that went into _other or were left out"),
    MetricSpec("neural_metrics_scrape_seconds", "gauge", "Time it took to write the page before this one"),
)

_BIN = (*_MODEL, "reference", "feature", "bin")
FLEET: tuple[MetricSpec, ...] = (
    MetricSpec(
        "neural_slo_good_events_total", "counter", "Events that kept an objective on events", ("model", "slo"), wide="slo"
    ),
    MetricSpec(
        "neural_slo_events_total", "counter", "Events that an objective on events has judged", ("model", "slo"), wide="slo"
    ),
    MetricSpec(
        "neural_fleet_columns_left_out", "gauge", "Columns without bin counters, because of export.prometheus.fleet_columns"
    ),
    MetricSpec("neural_feature_bin_total", "counter", "Values of a column in each bin of its reference", _BIN),
    MetricSpec(
        "neural_feature_bin_expected_ratio", "gauge", "Share of the reference in the same bin, half a row added to each", _BIN
    ),
)
"""What the recording rules add up over pods. Last on the page: where the budget of series is short, these go first."""

CATALOGUE: Mapping[str, MetricSpec] = {spec.name: spec for spec in (*SEED, *TRAFFIC, *MONITORS, *CAPTURE, *SIDECAR, *FLEET)}
"""By name, in the order of the page."""


def new_families() -> dict[str, Family]:
    """An empty family for every metric."""
    return {name: Family(spec) for name, spec in CATALOGUE.items()}
