"""Can the verdicts be trusted?"""

from __future__ import annotations

from neural.monitoring.export.grafana.panels import BAD, CALM, GOOD, WARN, Dashboard, Panel, Query, row

CAPTURE = Dashboard(
    "neural-capture",
    "Neural / Capture and sidecar",
    "Can the verdicts be trusted? What was seen, what was lost, and how the sidecar feels.",
    (
        row("Ledger"),
        Panel(
            "Where requests went, a second",
            (
                Query("sum(rate(neural_capture_shipped_total[$__rate_interval]))", "shipped"),
                Query("sum(rate(neural_capture_sampled_out_total[$__rate_interval]))", "sampled out"),
                Query("sum by (reason) (rate(neural_capture_dropped_total[$__rate_interval])) or vector(0)", "lost: {{reason}}"),
            ),
            unit="reqps",
            stack=True,
            width=12,
        ),
        Panel(
            "Ledgers that don't add up",
            (Query("sum(neural_capture_unbalanced_sources)", instant=True),),
            "stat",
            width=4,
            decimals=0,
            steps=((None, GOOD), (1, BAD)),
            description="Anything but 0 is a bug in capture.",
        ),
        Panel("Requests on their way", (Query("sum(neural_capture_in_flight)"),), width=4, minimum=0),
        Panel("Processes that reported", (Query("sum(neural_capture_sources)"),), "stat", width=4, decimals=0),
        row("Sidecar"),
        Panel("Memory", (Query("neural_sidecar_memory_bytes", "{{instance}}"),), unit="bytes", width=6, minimum=0),
        Panel(
            "CPU",
            (Query("rate(neural_sidecar_cpu_seconds_total[$__rate_interval])", "{{instance}}"),),
            unit="percentunit",
            width=6,
            minimum=0,
        ),
        Panel("Backlog", (Query("neural_sidecar_backlog", "{{instance}}"),), width=6, minimum=0),
        Panel("Evaluation time", (Query("neural_sidecar_evaluation_seconds", "{{instance}}"),), unit="s", width=6, minimum=0),
        Panel(
            "Signals are this old",
            (Query("time() - neural_sidecar_last_evaluation_timestamp_seconds", "{{instance}}"),),
            unit="s",
            minimum=0,
        ),
        Panel(
            "What the engine counts, a second",
            (Query("sum by (kind) (rate(neural_sidecar_events_total[$__rate_interval]))", "{{kind}}"),),
        ),
        Panel("Parts of the sidecar", (Query("neural_sidecar_stat", instant=True),), "table"),
        Panel(
            "Series folded into _other",
            (Query("neural_metrics_folded_series", "{{instance}}"),),
            "stat",
            width=6,
            decimals=0,
            steps=((None, GOOD), (1, WARN)),
        ),
        Panel("Time to write a scrape", (Query("neural_metrics_scrape_seconds", "{{instance}}"),), unit="s", width=6, minimum=0),
        Panel(
            "Releases",
            (Query("count by (release) (neural_build_info)", "{{release}}", instant=True),),
            "stat",
            width=6,
            decimals=0,
            steps=((None, CALM),),
        ),
        Panel(
            "Up since",
            (Query("min(neural_sidecar_start_time_seconds) * 1000", instant=True),),
            "stat",
            "dateTimeFromNow",
            width=6,
        ),
    ),
)
