"""The seed's AlertManager: rules over a dict, cooldown, summary, channels by config."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from neural.monitoring.alerts import (
    Alert,
    AlertChannel,
    AlertManager,
    AlertRule,
    AlertSeverity,
    DeliveryResult,
    create_drift_alert_rule,
    create_latency_alert_rule,
    create_performance_alert_rule,
    create_quality_alert_rule,
)
from neural.monitoring.alerts.channels import Policy
from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import ConfigError


class Recorder:
    kind = "recorder"

    def __init__(self, name):
        self.name, self.policy, self.sent = name, Policy(group_wait=0, group_interval=0, grouped=False), []

    def send(self, notification):
        self.sent += [(entry["title"], entry["message"]) for entry in notification["alerts"]]
        return DeliveryResult(ok=True)

    def close(self):
        pass


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def manager(clock):
    channels = {"slack": Recorder("slack"), "email": Recorder("email"), "log": Recorder("log")}
    one = AlertManager(channels=channels, clock=clock)
    one.recorders = channels
    yield one
    one.close()


def rule(**fields):
    base = {
        "name": "High Error Rate", "condition": lambda data: data.get("error_rate", 0) > 0.05, "severity": AlertSeverity.CRITICAL,
        "channels": [AlertChannel.SLACK, AlertChannel.EMAIL], "cooldown_seconds": 600, "message_template": "Error rate is {error_rate:.2%}",
    }  # fmt: skip
    return AlertRule(**{**base, **fields})


def test_the_seeds_example_reaches_both_channels(manager):
    manager.add_rule(rule())
    [alert] = manager.check_rules({"error_rate": 0.08})
    assert (alert.title, alert.message, alert.severity) == ("High Error Rate", "Error rate is 8.00%", AlertSeverity.CRITICAL)
    assert manager.flush()
    assert manager.recorders["slack"].sent == manager.recorders["email"].sent == [("High Error Rate", "Error rate is 8.00%")]
    assert manager.recorders["log"].sent == []


def test_it_fires_again_only_after_its_cooldown(manager, clock):
    manager.add_rule(rule())
    fired = []
    for _ in range(5):
        fired.append(len(manager.check_rules({"error_rate": 0.08})))
        clock.advance(300)
    assert fired == [1, 0, 1, 0, 1]


def test_a_healthy_value_fires_nothing(manager):
    manager.add_rule(rule())
    assert manager.check_rules({"error_rate": 0.01}) == []
    assert manager.check_rules({}) == []


def test_a_condition_that_raises_is_an_alert(manager):
    manager.add_rule(rule(condition=lambda data: data["missing"] > 1))
    [alert] = manager.check_rules({})
    assert "KeyError" in alert.message
    assert "can't be evaluated" in alert.title


def test_the_default_template_says_the_numbers(manager):
    manager.add_rule(rule(message_template="{title}: {message}"))
    [alert] = manager.check_rules({"error_rate": 0.5})
    assert alert.message == "High Error Rate: error_rate = 0.5"


@pytest.mark.parametrize(
    ("create", "bad", "good"),
    [
        (create_drift_alert_rule, {"drift_score": 0.3}, {"drift_score": 0.1}),
        (create_quality_alert_rule, {"quality_score": 0.5}, {"quality_score": 0.9}),
        (create_performance_alert_rule, {"accuracy": 0.7}, {"accuracy": 0.9}),
        (create_latency_alert_rule, {"latency_p95": 1500.0}, {"latency_p95": 500.0}),
    ],
)
def test_the_predefined_rules_judge_what_they_say(manager, create, bad, good):
    manager.add_rule(create())
    assert manager.check_rules(good) == []
    assert manager.check_rules({}) == []
    [alert] = manager.check_rules(bad)
    assert "no data" not in alert.message


def test_recent_alerts_come_oldest_first_and_by_severity(manager, clock):
    for severity in AlertSeverity:
        manager.send_alert(Alert(clock(), severity, f"t-{severity}", "m", "me", {"k": 1}))
        clock.advance(1)
    assert [alert.title for alert in manager.get_recent_alerts()] == ["t-info", "t-warning", "t-critical"]
    assert [alert.title for alert in manager.get_recent_alerts(1)] == ["t-critical"]
    [critical] = manager.get_recent_alerts(severity=AlertSeverity.CRITICAL)
    assert critical.metadata == {"k": 1}


def test_the_summary_counts_what_is_within_its_hours(manager, clock):
    assert manager.get_alert_summary()["status"] == "no_data"
    manager.send_alert(Alert(clock(), AlertSeverity.CRITICAL, "old", "m", "a"))
    clock.advance(2 * 3600)
    manager.send_alert(Alert(clock(), AlertSeverity.CRITICAL, "new", "m", "a"))
    manager.send_alert(Alert(clock(), AlertSeverity.INFO, "note", "m", "b"))
    summary = manager.get_alert_summary(hours=1)
    assert set(summary) == {"status", "total_alerts", "time_period_hours", "by_severity", "by_source", "recent_critical"}
    assert summary["by_severity"] == {"info": 1, "warning": 0, "critical": 1}
    assert summary["by_source"] == {"a": 1, "b": 1}
    assert [alert["title"] for alert in summary["recent_critical"]] == ["new"]


def test_a_rules_alert_ends_when_its_condition_does(manager, clock):
    manager.add_rule(rule())
    manager.check_rules({"error_rate": 0.5})
    assert [row.state for row in manager._store.alerts()] == ["firing"]
    clock.advance(60)
    manager.check_rules({"error_rate": 0.0})
    assert [row.state for row in manager._store.alerts()] == ["resolved"]


def test_a_removed_rule_is_gone(manager):
    manager.add_rule(rule())
    assert manager.remove_rule("High Error Rate")
    assert not manager.remove_rule("High Error Rate")
    assert manager.check_rules({"error_rate": 1.0}) == []


def test_alerts_are_kept_in_the_storage_path(clock, tmp_path):
    one = AlertManager(storage_path=tmp_path, clock=clock)
    one.send_alert(Alert(clock(), AlertSeverity.WARNING, "t", "m", "s"))
    one.close()
    other = AlertManager(storage_path=tmp_path, clock=clock)
    assert [alert.title for alert in other.get_recent_alerts()] == ["t"]
    other.close()


def test_the_configs_keys_build_the_channels(clock):
    mail = {
        "smtp_server": "smtp.example.com",
        "smtp_port": 587,
        "username": "u",
        "password": "p",
        "from_addr": "a@b",
        "to_addrs": ["c@d"],
    }
    one = AlertManager(
        {"slack_webhook": "https://hooks.slack.com/x", "email_config": mail, "webhook_url": "https://example.com"}, clock=clock
    )
    assert sorted(one._channels) == ["email", "log", "slack", "webhook"]
    one.close()
    other = AlertManager(slack_webhook_url="https://hooks.slack.com/x", clock=clock)
    assert sorted(other._channels) == ["log", "slack"]
    other.close()
    in_order = AlertManager("https://hooks.slack.com/x", mail, "https://example.com", clock=clock)
    assert sorted(in_order._channels) == ["email", "log", "slack", "webhook"]
    in_order.close()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"slack_webhok": "x"}, "alert_config has no key 'slack_webhok'"),
        ({"slack_webhook": "s3cret-not-an-address"}, "must be an http"),
        ({"email_config": {"server": "x"}}, "email_config has no key 'server'"),
    ],
)
def test_mistakes_in_the_config_are_named_without_showing_secrets(clock, config, words):
    with pytest.raises(ConfigError, match=words) as caught:
        AlertManager(config, clock=clock)
    assert "s3cret" not in str(caught.value)


def test_a_forgotten_manager_is_collected_and_its_threads_end(clock):
    one = AlertManager(clock=clock)
    one.send_alert(Alert(clock(), AlertSeverity.INFO, "t", "m", "s"))
    before = [thread for thread in threading.enumerate() if thread.name.startswith("neural-deliver")]
    assert before
    gone = weakref.ref(one)
    del one
    gc.collect()
    assert gone() is None
    assert not any(thread.is_alive() for thread in before)
