"""The seed's AlertManager: rules over a dict of numbers, told through the same outbox and channels as the sidecar's alerts."""

from __future__ import annotations

import logging
import threading
import uuid
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from neural.monitoring.alerts.channels import Channel
from neural.monitoring.alerts.delivery import Delivery
from neural.monitoring.alerts.names import AlertChannel, AlertSeverity, AlertState
from neural.monitoring.alerts.notification import entry_of
from neural.monitoring.alerts.notifier import Notifier
from neural.monitoring.alerts.seed import Alert, AlertRule
from neural.monitoring.alerts.seed_config import channels_from_config
from neural.monitoring.alerts.template import render
from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.store import AlertRow, MemoryStore, Store, open_store

_LOG = logging.getLogger(__name__)
_MOST_RECENT_CRITICAL = 10
_LAST_SECONDS = 1.0
"""How long the end of the process waits for messages that are due."""


class AlertManager:
    """Checks rules, remembers alerts, sends them.

    ``alert_config`` has the keys slack_webhook (or slack_webhook_url), email_config, webhook_url; each can also be given by itself, and the
    Slack address in place of ``alert_config``. With ``storage_path`` alerts are kept in that folder's store. Sending happens in threads:
    ``flush`` waits for it. A rule fires again after its cooldown while its condition holds. A condition that raises becomes an alert.
    """

    def __init__(
        self,
        alert_config: Mapping[str, Any] | str | None = None,
        email_config: Mapping[str, Any] | None = None,
        webhook_url: str | None = None,
        storage_path: str | Path | None = None,
        *,
        slack_webhook_url: str | None = None,
        store: Store | None = None,
        channels: Mapping[str, Channel] | None = None,
        clock: Clock = system_clock,
    ) -> None:
        if isinstance(alert_config, str):
            alert_config, slack_webhook_url = None, alert_config
        own = {"slack_webhook_url": slack_webhook_url, "email_config": email_config, "webhook_url": webhook_url}
        config = {**dict(alert_config or {}), **{key: value for key, value in own.items() if value is not None}}
        self._clock = clock
        self._owned = store is None
        self._store: Store = store or (open_store(Path(storage_path)) if storage_path is not None else MemoryStore())
        self._channels = dict(channels) if channels is not None else channels_from_config(config, clock)
        self._notifier = Notifier(self._store, self._channels, clock)
        self._delivery = Delivery(self._store, self._channels, clock)
        self._lock = threading.Lock()
        self._rules: dict[str, AlertRule] = {}
        self._triggered: dict[str, float] = {}
        self._active: dict[str, AlertRow] = {}
        self._started = False
        self._finalizer = weakref.finalize(self, _close_all, self._delivery, self._store if self._owned else None)

    @property
    def rules(self) -> list[AlertRule]:
        """The rules in force."""
        return list(self._rules.values())

    def add_rule(self, rule: AlertRule) -> None:
        """Add a rule, or replace the one of that name."""
        with self._lock:
            self._rules[rule.name] = rule

    def remove_rule(self, name: str) -> bool:
        """Forget a rule. False when there is none of that name."""
        with self._lock:
            self._triggered.pop(name, None)
            return self._rules.pop(name, None) is not None

    def check_rules(self, data: Mapping[str, Any]) -> list[Alert]:
        """Judge every rule; returns the alerts sent."""
        sent: list[Alert] = []
        for rule in self.rules:
            alert = self._check(rule, dict(data))
            if alert is not None:
                self._send(alert, rule.channels, rule.name)
                sent.append(alert)
        return sent

    def send_alert(self, alert: Alert, channels: Iterable[AlertChannel | str] | None = None) -> None:
        """Remember an alert and send it to the channels (None: every configured one). A channel that isn't configured is skipped."""
        self._send(alert, channels, "")

    def get_recent_alerts(self, n: int = 100, severity: AlertSeverity | str | None = None) -> list[Alert]:
        """The newest ``n``, oldest first."""
        rows = self._store.alerts(severity=None if severity is None else str(severity), limit=n)
        return [_alert(row) for row in reversed(rows)]

    def get_alert_summary(self, hours: float = 24) -> dict[str, Any]:
        """Counts over the last hours: status ("ok", "no_data"), total_alerts, time_period_hours, by_severity, by_source, recent_critical."""
        since = self._clock() - hours * 3600
        alerts = [_alert(row) for row in reversed(self._store.alerts(since=since)) if row.started_at >= since]
        critical = [alert.to_dict() for alert in alerts if alert.severity is AlertSeverity.CRITICAL]
        return {
            "status": "ok" if alerts else "no_data",
            "total_alerts": len(alerts),
            "time_period_hours": hours,
            "by_severity": {str(one): sum(alert.severity is one for alert in alerts) for one in AlertSeverity},
            "by_source": _counted(alert.source for alert in alerts),
            "recent_critical": critical[-_MOST_RECENT_CRITICAL:],
        }

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Wait until everything that can be sent now is sent or has failed. False on time-out."""
        return self._delivery.drain(timeout_seconds)

    def close(self, timeout_seconds: float = 5.0) -> None:
        """Send what is due, stop the threads, close the store if this manager opened it."""
        if self._started:
            self.flush(timeout_seconds)
        self._finalizer()

    def _send(self, alert: Alert, channels: Iterable[AlertChannel | str] | None, rule: str) -> None:
        """Write the alert and its messages. One of a rule stays firing until the condition is gone; any other is over when it is told."""
        wanted = None if channels is None else tuple(str(channel) for channel in channels)
        row = _row(alert, rule)
        with self._lock, self._store.transaction():
            self._store.put_alert(row if rule else replace(row, state=str(AlertState.RESOLVED), resolved_at=alert.timestamp))
            for channel in self._notifier.channels_for(wanted):
                self._notifier.queue(channel, entry_of(row, None))
            self._notifier.flush(self._clock())
            if rule:
                self._end(rule, alert.timestamp)
                self._active[rule] = row
        self._start()
        self._delivery.wake()

    def _end(self, rule: str, now: float) -> None:
        """Mark the rule's last alert as resolved."""
        row = self._active.pop(rule, None)
        if row is not None:
            self._store.put_alert(replace(row, state=str(AlertState.RESOLVED), resolved_at=now, updated_at=now))

    def _start(self) -> None:
        with self._lock:
            if not self._started:
                self._started = True
                self._delivery.start()

    def _check(self, rule: AlertRule, data: dict[str, Any]) -> Alert | None:
        now = self._clock()
        last = self._triggered.get(rule.name)
        is_cooling = last is not None and 0 <= now - last < rule.cooldown_seconds
        try:
            if not rule.condition(data):
                with self._lock:
                    self._end(rule.name, now)
                return None
        except Exception as error:
            if is_cooling:
                return None
            _LOG.warning("the condition of %r raised %s: %s", rule.name, type(error).__name__, error)
            message = f"The condition raised {type(error).__name__}: {error}"
            alert = Alert(
                now,
                max(rule.severity, AlertSeverity.WARNING, key=lambda one: one.rank),
                f"{rule.name}: can't be evaluated",
                message,
                rule.name,
                data,
            )
        else:
            if is_cooling:
                return None
            values = {"title": rule.name, "message": _numbers(data), "rule": rule.name, "severity": str(rule.severity), **data}
            alert = Alert(now, rule.severity, rule.name, render(rule.message_template, values), rule.name, data)
        with self._lock:
            self._triggered[rule.name] = now
        return alert


def _numbers(data: Mapping[str, Any]) -> str:
    shown = [
        f"{key} = {value:g}" for key, value in data.items() if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return ", ".join(shown) or "the condition holds"


def _row(alert: Alert, rule: str) -> AlertRow:
    alert_id = uuid.uuid4().hex
    metadata = dict(alert.metadata)
    return AlertRow(
        alert_id, rule or alert.source, rule or alert.title, str(AlertSeverity(alert.severity)), str(AlertState.FIRING),
        alert.title, alert.message, alert.source, alert.timestamp, fired_at=alert.timestamp,
        evidence={"metadata": _plain(metadata)}, updated_at=alert.timestamp,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    """JSON-able: what isn't a plain value is written as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _alert(row: AlertRow) -> Alert:
    metadata = row.evidence.get("metadata", row.evidence)
    return Alert(row.fired_at or row.started_at, AlertSeverity(row.severity), row.title, row.message, row.source, metadata)


def _counted(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts


def _close_all(delivery: Delivery, store: Store | None) -> None:
    """Runs when the manager is closed or collected, and at the end of the process."""
    delivery.drain(_LAST_SECONDS)
    delivery.stop()
    if store is not None:
        store.close()
