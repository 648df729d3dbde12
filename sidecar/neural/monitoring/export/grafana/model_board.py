"""One model: traffic, latency, errors, performance, data."""

from __future__ import annotations

from neural.monitoring.export.grafana.choices import LATENCY, ME, MODEL_CHOICE, NAME, VERSION_CHOICE, latency_quantile
from neural.monitoring.export.grafana.panels import BAD, GOOD, WARN, Dashboard, Panel, Query, row

_ERRORS = f'sum by (model, version) (rate(neural_errors_total{{{ME},error_type="server"}}[$__rate_interval]))'
_REQUESTS = f"sum by (model, version) (rate(neural_requests_total{{{ME}}}[$__rate_interval]))"

MODEL = Dashboard(
    "neural-model",
    "Neural / Model",
    "One model: traffic, latency, errors, performance, data.",
    (
        row("Traffic"),
        Panel(
            "Requests a second by status",
            (Query(f"sum by (status) (rate(neural_requests_total{{{ME}}}[$__rate_interval]))", "{{status}}"),),
            unit="reqps",
            stack=True,
        ),
        Panel(
            "Latency",
            tuple(Query(latency_quantile(q, ME), f"p{q * 100:g}", exemplars=q == 0.99) for q in (0.5, 0.95, 0.99)),
            unit="s",
            minimum=0,
            description="As seen inside the model server. Dots are traces.",
        ),
        Panel(
            "Errors by kind",
            (Query(f"sum by (error_type) (rate(neural_errors_total{{{ME}}}[$__rate_interval]))", "{{error_type}}"),),
            unit="reqps",
            stack=True,
        ),
        Panel(
            "Latency, all of it",
            (
                Query(
                    f"sum by (le) (increase({LATENCY}_bucket{{{ME}}}[$__rate_interval]))"
                    f" or sum(increase({LATENCY}{{{ME}}}[$__rate_interval]))",
                    "{{le}}",
                ),
            ),
            "heatmap",
            "s",
            width=12,
        ),
        Panel("Error share", (Query(f"{_ERRORS} / {_REQUESTS}", NAME),), unit="percentunit", minimum=0, width=6),
        Panel(
            "Since the last request",
            (Query(f"max(neural_traffic_staleness_seconds{{{ME}}})"),),
            "stat",
            "s",
            width=6,
            steps=((None, GOOD), (300, WARN), (900, BAD)),
        ),
        row("Performance, from the labels that have arrived"),
        Panel(
            "Accuracy, precision, recall, F1",
            tuple(Query(f"neural_model_{name}{{{ME}}}", f"{name} {NAME}") for name in ("accuracy", "precision", "recall", "f1")),
            unit="percentunit",
            width=12,
            maximum=1,
        ),
        Panel("Other metrics", (Query(f"neural_model_performance{{{ME}}}", "{{metric}}"),), width=6),
        Panel(
            "Predictions with a label",
            (Query(f"neural_label_coverage_ratio{{{ME}}}", NAME),),
            unit="percentunit",
            width=6,
            minimum=0,
            maximum=1,
        ),
        row("Data"),
        Panel("Quality score", (Query(f"neural_data_quality_score{{{ME}}}", NAME),), unit="percentunit", maximum=1),
        Panel(
            "Bad values",
            (
                Query(f"neural_missing_values_rate{{{ME}}}", "missing"),
                Query(f"neural_outlier_rate{{{ME}}}", "outliers"),
                Query(f"neural_data_quality_ratio{{{ME}}}", "{{check}}"),
            ),
            unit="percentunit",
            minimum=0,
        ),
        Panel(
            "Bodies that could not be decoded",
            (Query(f"sum by (reason) (rate(neural_unparsed_total{{{ME}}}[$__rate_interval])) or vector(0)", "{{reason}}"),),
            unit="reqps",
            stack=True,
        ),
    ),
    (MODEL_CHOICE, VERSION_CHOICE),
)
