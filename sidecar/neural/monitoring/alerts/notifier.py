"""Puts messages into the outbox: one for each state change and receiver, grouped by model where the channel wants it.

A message that still waits says what is true when it leaves: an alert stands in it once, with its newest state, and not at all when
it was silenced or inhibited before anybody was told.
"""

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

Key = tuple[str, str]
"""(channel, group)"""
Entry = Mapping[str, Any]
WITHDRAWN = "withdrawn"
"""State of a message that had nothing left to say before it was sent."""

_NOTHING = -1
"""Below the rank of any severity."""


@dataclass(slots=True)
class _Group:
    """The newest message of one group on one channel. ``rank`` is the worst severity it tells; ``_NOTHING`` when it only says what is over."""

    message_id: str
    due_at: float
    rank: int


class Notifier:
    """Collects news with ``queue``; ``flush`` writes outbox rows.

    Call both inside the transaction that writes the alerts, so that both are there or neither. Delivery claims a message in a
    transaction too, so a message that still waits can take more alerts.
    """

    def __init__(self, store: Store, channels: Mapping[str, Channel], clock: Clock) -> None:
        self._store = store
        self._channels = channels
        self._clock = clock
        self._waiting: dict[Key, list[Entry]] = {}
        self._groups: dict[Key, _Group] = {}
        for row in store.outbox(state="queued"):
            alerts = row.payload.get("alerts", [])
            self._groups[row.channel, str(row.payload.get("group", ""))] = _Group(
                row.message_id, row.next_attempt_at, _rank(alerts)
            )

    def channels_for(self, wanted: tuple[str, ...] | None) -> list[Channel]:
        """The channels a rule tells: those it names that exist, or all."""
        if wanted is None:
            return list(self._channels.values())
        return [self._channels[name] for name in wanted if name in self._channels]

    def queue(self, channel: Channel, entry: Entry) -> None:
        """One alert's news for one channel."""
        self._waiting.setdefault((channel.name, str(entry["model"])), []).append(entry)

    def take_back(self, channel: Channel, model: str, alert_id: str) -> bool:
        """Take an alert out of the message that waits. True when it was news that nobody has heard, and now nobody will."""
        row = self._waiting_row((channel.name, model))
        if row is None:
            return False
        held: list[Entry] = list(row.payload["alerts"])
        kept = [entry for entry in held if entry["alert_id"] != alert_id]
        if len(kept) == len(held):
            return False
        if kept:
            self._store.put_outbox(replace(row, payload=notification(row.message_id, model, row.payload["created_at"], kept)))
        else:
            self._store.put_outbox(replace(row, state=WITHDRAWN))
            self._groups.pop((channel.name, model), None)
        return not any(entry["alert_id"] == alert_id and entry["repeat"] for entry in held)

    def discard(self) -> None:
        """Forget what was queued in a transaction that failed."""
        self._waiting.clear()

    def flush(self, now: float, standing: Mapping[Key, int] | None = None) -> None:
        """Write what was queued: into messages that still wait, then into new ones.

        ``standing`` is the worst severity (its rank) that a group was told of before and that still fires: only what is worse doesn't wait
        for the interval. What joins an incident that people know of is no second page within it. Without it, what the last message told counts.
        """
        waiting, self._waiting = self._waiting, {}
        for key, entries in waiting.items():
            if not self._channels[key[0]].policy.grouped:
                for entry in entries:
                    self._write(key, [entry], now, _NOTHING)
                continue
            last = self._groups.get(key)
            known = standing.get(key, _NOTHING) if standing is not None else last.rank if last else _NOTHING
            rest = self._append(key, entries, known)
            for start in range(0, len(rest), MOST_ALERTS):
                known = max(known, self._write(key, rest[start : start + MOST_ALERTS], now, known))

    def _write(self, key: Key, entries: list[Entry], now: float, known: int) -> int:
        message_id, rank = uuid.uuid4().hex, _rank(entries)
        due_at = self._due_at(key, rank, now, known)
        payload = notification(message_id, key[1], now, entries)
        row = OutboxRow(message_id, str(entries[0]["alert_id"]), key[0], payload, created_at=now, next_attempt_at=due_at)
        self._store.put_outbox(row)
        self._groups[key] = _Group(message_id, due_at, rank)
        return rank

    def _append(self, key: Key, entries: list[Entry], known: int) -> list[Entry]:
        """Add to the group's message if that still waits; returns what didn't fit."""
        row, group = self._waiting_row(key), self._groups.get(key)
        if row is None or group is None:
            return entries
        held: dict[str, Entry] = {str(entry["alert_id"]): entry for entry in row.payload["alerts"]}
        rest: list[Entry] = []
        for entry in entries:
            if entry["alert_id"] in held or len(held) < MOST_ALERTS:
                held[str(entry["alert_id"])] = entry
            else:
                rest.append(entry)
        payload = notification(row.message_id, key[1], row.payload["created_at"], list(held.values()))
        if (rank := _rank(list(held.values()))) > max(group.rank, known):
            # What fires has its whole wait, so that all of it is together; something worse doesn't wait for the interval.
            soonest = self._clock() + self._channels[key[0]].policy.group_wait
            is_first = group.rank == known == _NOTHING
            group.due_at = soonest if is_first else min(group.due_at, soonest)
        group.rank = rank
        self._store.put_outbox(replace(row, payload=payload, next_attempt_at=group.due_at))
        return rest

    def _waiting_row(self, key: Key) -> OutboxRow | None:
        """The group's message, if it still waits for its first attempt."""
        group = self._groups.get(key)
        if group is None or group.due_at <= self._clock():
            return None
        found = self._store.outbox(message_id=group.message_id, state="queued")
        return found[0] if found and found[0].attempts == 0 else None

    def _due_at(self, key: Key, rank: int, now: float, known: int) -> float:
        policy, last = self._channels[key[0]].policy, self._groups.get(key)
        soonest = now + policy.group_wait
        if not policy.grouped or last is None or rank > known or last.due_at > soonest + policy.group_interval:
            return soonest
        return max(soonest, last.due_at + policy.group_interval)


def _rank(entries: list[Entry]) -> int:
    return max((AlertSeverity(entry["severity"]).rank for entry in entries if entry.get("status") == "firing"), default=_NOTHING)
