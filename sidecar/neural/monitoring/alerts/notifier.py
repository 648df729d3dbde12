"""Puts messages into the outbox: one for each state change and receiver, grouped by model where the channel wants it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from neural.monitoring.alerts.channels.protocol import Channel
from neural.monitoring.alerts.names import AlertSeverity
from neural.monitoring.alerts.notification import MOST_ALERTS, notification
from neural.monitoring.clock import Clock
from neural.monitoring.store.protocol import Store
from neural.monitoring.store.rows import OutboxRow

_CLOSING_SECONDS = 1.0
"""A message this close to its time of sending takes no more alerts: the delivery thread may already hold it."""


@dataclass(slots=True)
class _Group:
    """The newest message of one group on one channel."""

    message_id: str
    due_at: float
    rank: int


class Notifier:
    """Writes outbox rows. Call it inside the transaction that writes the alerts, so that both are there or neither."""

    def __init__(self, store: Store, channels: Mapping[str, Channel], clock: Clock) -> None:
        self._store = store
        self._channels = channels
        self._clock = clock
        self._groups: dict[tuple[str, str], _Group] = {}
        for row in store.outbox(state="queued"):
            rank = AlertSeverity(row.payload["alerts"][0]["severity"]).rank if row.payload.get("alerts") else 0
            self._groups[row.channel, str(row.payload.get("group", ""))] = _Group(row.message_id, row.next_attempt_at, rank)

    def channels_for(self, wanted: tuple[str, ...] | None) -> list[Channel]:
        """The channels a rule tells: those it names that exist, or all."""
        if wanted is None:
            return list(self._channels.values())
        return [self._channels[name] for name in wanted if name in self._channels]

    def queue(self, channel: Channel, entry: Mapping[str, Any], now: float) -> None:
        """Put one alert's news into the outbox."""
        key = (channel.name, str(entry["model"]))
        if channel.policy.grouped and self._append(key, entry):
            return
        message_id = uuid.uuid4().hex
        rank = AlertSeverity(entry["severity"]).rank if entry["status"] == "firing" else -1
        due_at = self._due_at(channel, key, rank, now)
        payload = notification(message_id, key[1], now, [entry])
        self._store.put_outbox(
            OutboxRow(message_id, entry["alert_id"], channel.name, payload, created_at=now, next_attempt_at=due_at)
        )
        self._groups[key] = _Group(message_id, due_at, rank)

    def _append(self, key: tuple[str, str], entry: Mapping[str, Any]) -> bool:
        group = self._groups.get(key)
        if group is None or group.due_at <= self._clock() + _CLOSING_SECONDS:
            return False
        rows = self._store.outbox(state="queued", channel=key[0])
        row = next((row for row in rows if row.message_id == group.message_id and row.attempts == 0), None)
        if row is None or len(row.payload["alerts"]) >= MOST_ALERTS:
            return False
        payload = notification(row.message_id, key[1], row.payload["created_at"], [*row.payload["alerts"], entry])
        due_at = row.next_attempt_at
        if entry["status"] == "firing" and (rank := AlertSeverity(entry["severity"]).rank) > group.rank:
            group.rank, due_at = rank, min(due_at, self._clock() + self._channels[key[0]].policy.group_wait)
            group.due_at = due_at
        self._store.put_outbox(replace(row, payload=payload, next_attempt_at=due_at))
        return True

    def _due_at(self, channel: Channel, key: tuple[str, str], rank: int, now: float) -> float:
        policy, last = channel.policy, self._groups.get(key)
        soonest = now + policy.group_wait
        if not policy.grouped or last is None or rank > last.rank or last.due_at > soonest + policy.group_interval:
            return soonest
        return max(soonest, last.due_at + policy.group_interval)
