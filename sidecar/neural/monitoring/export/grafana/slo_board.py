"""Promises, budgets, burn."""

from __future__ import annotations

from neural.monitoring.export.grafana.choices import ME, MODEL_CHOICE, SLO_CHOICE, VERSION_CHOICE, YES_NO
from neural.monitoring.export.grafana.panels import BAD, GOOD, WARN, Dashboard, Panel, Query

SLO = Dashboard(
    "neural-slo",
    "Neural / SLO",
    "What was promised, what is left, and how fast it burns.",
    (
        Panel(
            "Error budget left",
            (Query(f'min by (slo) (neural_slo_budget_remaining_ratio{{{ME},slo=~"$slo"}})', "{{slo}}", instant=True),),
            "gauge",
            "percentunit",
            width=12,
            minimum=-0.5,
            maximum=1,
            steps=((None, BAD), (0, WARN), (0.25, GOOD)),
        ),
        Panel(
            "Good events against the promise",
            (
                Query(f'neural_slo_compliance_ratio{{{ME},slo=~"$slo"}}', "{{slo}}"),
                Query(f'neural_slo_target_ratio{{{ME},slo=~"$slo"}}', "{{slo}} promised"),
            ),
            unit="percentunit",
            width=12,
            maximum=1,
        ),
        Panel(
            "Budget burn-down",
            (Query(f'neural_slo_budget_remaining_ratio{{{ME},slo=~"$slo"}}', "{{slo}}"),),
            unit="percentunit",
            width=12,
            steps=((None, BAD), (0, "transparent")),
        ),
        Panel(
            "Burn rate",
            (Query(f'neural_slo_burn_rate{{{ME},slo=~"$slo"}}', "{{slo}} {{window}}"),),
            width=12,
            steps=((None, "transparent"), (1, WARN), (14.4, BAD)),
            description="1 uses the budget up exactly by the window's end.",
        ),
        Panel(
            "Burn alerts",
            (Query(f'max by (slo, severity) (neural_slo_burn_alert{{{ME},slo=~"$slo"}})', "{{slo}} {{severity}}"),),
            "state-timeline",
            width=24,
            height=6,
            words=YES_NO,
        ),
    ),
    (MODEL_CHOICE, VERSION_CHOICE, SLO_CHOICE),
    "now-7d",
)
