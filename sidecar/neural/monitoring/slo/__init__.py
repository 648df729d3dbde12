"""Service level objectives: counted events, error budgets, burn rates and reports."""

from neural.monitoring.slo.burn import BurnWindow, burn_windows
from neural.monitoring.slo.ledger import slo_key
from neural.monitoring.slo.lint import lint_slos
from neural.monitoring.slo.monitor import SLOMonitor
from neural.monitoring.slo.openslo import export_openslo, import_openslo
from neural.monitoring.slo.prometheus import prometheus_rules, prometheus_rules_yaml
from neural.monitoring.slo.report import SLAReport, sla_report
from neural.monitoring.slo.seed import (
    SLO,
    create_accuracy_slo,
    create_availability_slo,
    create_error_rate_slo,
    create_latency_slo,
    create_throughput_slo,
)
from neural.monitoring.slo.settings import GuardSettings, SLOSettings, SLOType
from neural.monitoring.slo.tracker import SLOTracker

__all__ = [
    "SLO",
    "BurnWindow",
    "GuardSettings",
    "SLAReport",
    "SLOMonitor",
    "SLOSettings",
    "SLOTracker",
    "SLOType",
    "burn_windows",
    "create_accuracy_slo",
    "create_availability_slo",
    "create_error_rate_slo",
    "create_latency_slo",
    "create_throughput_slo",
    "export_openslo",
    "import_openslo",
    "lint_slos",
    "prometheus_rules",
    "prometheus_rules_yaml",
    "sla_report",
    "slo_key",
]
