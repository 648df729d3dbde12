"""Every model at one glance."""

from __future__ import annotations

from neural.monitoring.export.grafana.choices import NAME, latency_quantile
from neural.monitoring.export.grafana.panels import BAD, GOOD, WARN, Dashboard, Panel, Query

FLEET = Dashboard(
    "neural-fleet",
    "Neural / Fleet",
    "Is it well? Every model at one glance.",
    (
        Panel("Active models", (Query("sum(neural_active_models)", instant=True),), "stat", width=4, height=4, decimals=0),
        Panel(
            "Firing alerts",
            (Query('sum(neural_alerts{state="firing"}) or vector(0)', instant=True),),
            "stat",
            width=4,
            height=4,
            decimals=0,
            steps=((None, GOOD), (1, BAD)),
        ),
        Panel(
            "Models drifting",
            (Query("sum(neural_drift_alarm)", instant=True),),
            "stat",
            width=4,
            height=4,
            decimals=0,
            steps=((None, GOOD), (1, BAD)),
        ),
        Panel(
            "Models with bad data",
            (Query("sum(neural_quality_alarm)", instant=True),),
            "stat",
            width=4,
            height=4,
            decimals=0,
            steps=((None, GOOD), (1, BAD)),
        ),
        Panel(
            "Worst error budget",
            (Query("min(neural_slo_budget_remaining_ratio)", instant=True),),
            "stat",
            "percentunit",
            width=4,
            height=4,
            steps=((None, BAD), (0, WARN), (0.25, GOOD)),
        ),
        Panel(
            "Requests lost by capture",
            (Query("(sum(neural_capture_dropped_total) or vector(0)) / sum(neural_capture_seen_total)", instant=True),),
            "stat",
            "percentunit",
            width=4,
            height=4,
            steps=((None, GOOD), (0.001, WARN), (0.01, BAD)),
        ),
        Panel(
            "Predictions a second",
            (Query("sum by (model, version) (rate(neural_predictions_total[$__rate_interval]))", NAME),),
            unit="ops",
            stack=True,
        ),
        Panel(
            "Server errors",
            (
                Query(
                    'sum by (model, version) (rate(neural_errors_total{error_type="server"}[$__rate_interval]))'
                    " / sum by (model, version) (rate(neural_requests_total[$__rate_interval]))",
                    NAME,
                ),
            ),
            unit="percentunit",
            minimum=0,
        ),
        Panel(
            "95th percentile of latency",
            (Query(latency_quantile(0.95), NAME),),
            unit="s",
            minimum=0,
        ),
        Panel("Drift score", (Query('max by (model, version) (neural_drift_score{drift_type="distribution"})', NAME),), width=12),
        Panel(
            "Data quality",
            (Query("min by (model, version) (neural_data_quality_score)", NAME),),
            unit="percentunit",
            width=12,
            maximum=1,
        ),
        Panel(
            "Open alerts",
            (Query("sum by (rule, severity, state) (neural_alerts) > 0", instant=True),),
            "table",
            width=12,
            description="What fires now, and what is about to.",
        ),
        Panel(
            "Accuracy", (Query("max by (model, version) (neural_model_accuracy)", NAME),), unit="percentunit", width=12, maximum=1
        ),
    ),
)
