"""Alerts: rules over signals, states with evidence, and delivery to people."""

from neural.monitoring.alerts.acknowledge import acknowledge, acknowledgements, open_alerts
from neural.monitoring.alerts.backtest import Backtest, backtest
from neural.monitoring.alerts.build import build_rule, build_rules, build_silences, predefined_rules
from neural.monitoring.alerts.channels import (
    Channel,
    ChannelSettings,
    ChannelsSettings,
    DeliveryResult,
    build_channel,
    build_channels,
)
from neural.monitoring.alerts.delivery import Delivery
from neural.monitoring.alerts.engine import AlertEngine
from neural.monitoring.alerts.evidence import Surroundings
from neural.monitoring.alerts.examples import Examples
from neural.monitoring.alerts.lint import Finding, LintContext, lint_rules
from neural.monitoring.alerts.manager import AlertManager
from neural.monitoring.alerts.names import AlertChannel, AlertSeverity, AlertState, NoData
from neural.monitoring.alerts.notification import test_notification
from neural.monitoring.alerts.recurrence import LONGEST_SECONDS, RECURRENCE_PATTERN, parse_recurrence, zone
from neural.monitoring.alerts.rule import Rule
from neural.monitoring.alerts.seed import (
    Alert,
    AlertRule,
    create_drift_alert_rule,
    create_latency_alert_rule,
    create_performance_alert_rule,
    create_quality_alert_rule,
)
from neural.monitoring.alerts.settings import RuleSettings, SilenceSettings

__all__ = [
    "LONGEST_SECONDS",
    "RECURRENCE_PATTERN",
    "Alert",
    "AlertChannel",
    "AlertEngine",
    "AlertManager",
    "AlertRule",
    "AlertSeverity",
    "AlertState",
    "Backtest",
    "Channel",
    "ChannelSettings",
    "ChannelsSettings",
    "Delivery",
    "DeliveryResult",
    "Examples",
    "Finding",
    "LintContext",
    "NoData",
    "Rule",
    "RuleSettings",
    "SilenceSettings",
    "Surroundings",
    "acknowledge",
    "acknowledgements",
    "backtest",
    "build_channel",
    "build_channels",
    "build_rule",
    "build_rules",
    "build_silences",
    "create_drift_alert_rule",
    "create_latency_alert_rule",
    "create_performance_alert_rule",
    "create_quality_alert_rule",
    "lint_rules",
    "open_alerts",
    "parse_recurrence",
    "predefined_rules",
    "test_notification",
    "zone",
]
