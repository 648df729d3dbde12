"""What moved, how much, and how sure we are."""

from __future__ import annotations

from neural.monitoring.export.grafana.choices import FEATURE_CHOICE, ME, MODEL_CHOICE, NAME, VERSION_CHOICE, YES_NO
from neural.monitoring.export.grafana.panels import BAD, GOOD, WARN, Dashboard, Panel, Query

DRIFT = Dashboard(
    "neural-drift",
    "Neural / Drift",
    "What moved, how much, and how sure we are.",
    (
        Panel("Drift", (Query(f"max(neural_drift_alarm{{{ME}}})", instant=True),), "stat", width=4, height=6, words=YES_NO),
        Panel(
            "Features drifting",
            (Query(f"sum(neural_drifting_features{{{ME}}})", instant=True),),
            "stat",
            width=4,
            height=6,
            decimals=0,
        ),
        Panel(
            "Scores by kind",
            (Query(f"max by (drift_type) (neural_drift_score{{{ME}}})", "{{drift_type}}"),),
            width=16,
            height=6,
            description="0 is no drift. The feature score is that of the worst feature.",
        ),
        Panel(
            "Feature by time",
            (Query(f'max by (feature) (neural_feature_drift{{{ME},method="score"}})', "{{feature}}"),),
            "heatmap",
            width=24,
            height=12,
        ),
        Panel(
            "Ranking",
            (Query(f'topk(20, max by (feature) (neural_feature_drift{{{ME},method="score"}}))', "{{feature}}", instant=True),),
            "bargauge",
            width=8,
            height=10,
            minimum=0,
            steps=((None, GOOD), (0.1, WARN), (0.2, BAD)),
        ),
        Panel(
            "Evidence over its threshold",
            (
                Query(f'max by (feature) (neural_feature_drift_evidence{{{ME},feature=~"$feature"}})', "{{feature}}"),
                Query(f"max(neural_drift_evidence{{{ME}}})", "all columns together"),
            ),
            width=16,
            height=10,
            steps=((None, "transparent"), (1, BAD)),
            description="The sequential detector's evidence, and that of all columns together. At 1 the false-alarm budget says: drift.",
        ),
        Panel("By method", (Query(f'neural_feature_drift{{{ME},feature=~"$feature"}}', "{{feature}} {{method}}"),), width=12),
        Panel(
            "Data quality of the same features",
            (Query(f'neural_feature_quality_ratio{{{ME},feature=~"$feature"}}', "{{feature}} {{check}}"),),
            unit="percentunit",
            width=12,
        ),
        Panel(
            "Verdict over time",
            (Query(f"max by (model, version) (neural_drift_alarm{{{ME}}})", NAME),),
            "state-timeline",
            width=16,
            height=6,
            words=YES_NO,
        ),
        Panel(
            "Evaluations by verdict, a minute",
            (
                Query(
                    f"sum by (outcome) (rate(neural_drift_evaluations_total{{{ME}}}[$__rate_interval])) * 60",
                    "{{outcome}}",
                    exemplars=True,
                ),
            ),
            width=8,
            height=6,
            stack=True,
            description="Dots are traces of requests that came in with drift.",
        ),
    ),
    (MODEL_CHOICE, VERSION_CHOICE, FEATURE_CHOICE),
    "now-24h",
)
