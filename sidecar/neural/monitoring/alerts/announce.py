"""From changed episodes to alert rows and messages: what is quiet, what is told, and when it is told again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neural.monitoring.alerts.acknowledge import acknowledgements, as_evidence
from neural.monitoring.alerts.channels.protocol import Channel
from neural.monitoring.alerts.lifecycle import Change, Episode
from neural.monitoring.alerts.memory import EngineMemory, Key
from neural.monitoring.alerts.names import AlertSeverity, AlertState
from neural.monitoring.alerts.notification import entry_of
from neural.monitoring.alerts.notifier import Notifier
from neural.monitoring.alerts.quieting import Caller, inhibited_by, silenced_by
from neural.monitoring.alerts.rule import Rule
from neural.monitoring.clock import Clock
from neural.monitoring.store.protocol import Store
from neural.monitoring.store.rows import AlertRow, Silence

Changes = Mapping[Key, tuple[Episode, Change]]


class Announcer:
    """Writes alert rows and queues messages. Silenced and inhibited alerts are written as suppressed, and told when that ends."""

    def __init__(self, store: Store, channels: Mapping[str, Channel], clock: Clock, silences: Sequence[Silence]) -> None:
        self._store = store
        self._notifier = Notifier(store, channels, clock)
        self._silences = tuple(silences)

    def replace_silences(self, silences: Sequence[Silence]) -> None:
        """Use other maintenance windows of the configuration from now on; those of the store stay."""
        self._silences = tuple(silences)

    def announce(self, changes: Changes, memory: EngineMemory, rules: Mapping[str, Rule], now: float) -> list[AlertRow]:
        """Take in what changed; returns the rows of alerts that look different now. Call within a transaction."""
        rows: list[AlertRow] = []
        self._notifier.discard()
        for key, (episode, change) in changes.items():
            if change in (Change.CANCELLED, Change.RESOLVED):
                memory.episodes.pop(key, None)
            else:
                memory.episodes[key] = episode
            if change is Change.RESOLVED:
                rows.append(self._resolve(episode, rules.get(episode.rule), memory, now))
            elif change is Change.PENDING:
                rows.append(_row(episode, rules.get(episode.rule), now))
        firing = [episode for episode in memory.episodes.values() if episode.firing]
        standing = _standing(firing, rules)
        if firing:
            rows.extend(self._tell_firing(firing, changes, memory, rules, now))
        self._notifier.flush(now, standing)
        return rows

    def _tell_firing(
        self, firing: list[Episode], changes: Changes, memory: EngineMemory, rules: Mapping[str, Rule], now: float
    ) -> list[AlertRow]:
        silences = [*self._silences, *self._store.silences(active_at=now)]
        given = acknowledgements(self._store)
        callers = [_caller(episode, rules.get(episode.rule)) for episode in firing]
        inhibitors = [caller for caller in callers if caller.inhibits]
        fired = {id(episode) for episode, change in changes.values() if change is Change.FIRED}
        rows: list[AlertRow] = []
        for episode, caller in zip(firing, callers, strict=True):
            quiet = silenced_by(caller, silences, now) or inhibited_by(caller, inhibitors)
            said = dict(as_evidence(given[episode.alert_id])) if episode.alert_id in given else episode.acknowledged
            is_changed = id(episode) in fired or bool(quiet) != bool(episode.suppressed_by) or said != episode.acknowledged
            episode.suppressed_by, episode.acknowledged = quiet, said
            if quiet:
                self._take_back(episode, memory)
            if is_changed:
                row = _row(episode, rules.get(episode.rule), now)
                self._store.put_alert(row)
                rows.append(row)
            if not quiet:
                self._tell(episode, rules.get(episode.rule), memory, now)
        return rows

    def _tell(self, episode: Episode, rule: Rule | None, memory: EngineMemory, now: float) -> None:
        if rule is None:
            return
        is_repeat = episode.notified_at is not None
        channels = self._notifier.channels_for(rule.channels)
        if is_repeat:
            channels = [channel for channel in channels if _is_due_again(episode, rule, channel, now)]
        elif 0 <= now - memory.told.get(episode.fingerprint, float("-inf")) < rule.cooldown_seconds:
            return
        if not channels:
            return
        entry = entry_of(_row(episode, rule, now), rule, repeat=is_repeat)
        for channel in channels:
            self._notifier.queue(channel, entry)
            episode.told_at[channel.name] = now
        episode.notified_at = memory.told[episode.fingerprint] = now

    def _take_back(self, episode: Episode, memory: EngineMemory) -> None:
        """What has become quiet before its message left is not told at all."""
        for channel in self._notifier.channels_for(tuple(episode.told_at)):
            if self._notifier.take_back(channel, episode.scope[0], episode.alert_id):
                del episode.told_at[channel.name]
        if episode.notified_at is not None and not episode.told_at:
            episode.notified_at = None
            memory.told.pop(episode.fingerprint, None)

    def _resolve(self, episode: Episode, rule: Rule | None, memory: EngineMemory, now: float) -> AlertRow:
        row = _row(episode, rule, now, resolved=True)
        self._store.put_alert(row)
        if episode.notified_at is not None:
            for channel in self._notifier.channels_for(tuple(episode.told_at)):
                if channel.policy.send_resolved:
                    self._notifier.queue(channel, entry_of(row, rule))
            memory.told[episode.fingerprint] = episode.notified_at
        return row


def _standing(firing: list[Episode], rules: Mapping[str, Rule]) -> dict[tuple[str, str], int]:
    """(channel, model) → the worst severity among the alerts that it was told of and that still fire."""
    worst: dict[tuple[str, str], int] = {}
    for episode in firing:
        if episode.told_at and episode.rule in rules and not episode.suppressed_by:
            rank = rules[episode.rule].severity.rank
            for channel in episode.told_at:
                key = (channel, episode.scope[0])
                worst[key] = max(worst.get(key, rank), rank)
    return worst


def _is_due_again(episode: Episode, rule: Rule, channel: Channel, now: float) -> bool:
    told = episode.told_at.get(channel.name)
    if told is None:
        return True
    repeat = None if episode.acknowledged else rule.repeat_seconds  # who has it needs no reminder
    waits = [wait for wait in (repeat, channel.policy.resend) if wait is not None]
    return bool(waits) and not 0 <= now - told < min(waits)


def _caller(episode: Episode, rule: Rule | None) -> Caller:
    row_labels = _labels(episode, rule)
    severity = str(rule.severity) if rule else ""
    return Caller(episode.rule, {**row_labels, "rule": episode.rule, "severity": severity}, rule.inhibits if rule else ())


def _labels(episode: Episode, rule: Rule | None) -> dict[str, str]:
    model, version = episode.scope
    own = {name: value for name, value in (("model", model), ("version", version)) if value}
    return {**(rule.labels if rule else {}), **episode.labels, **own}


def _row(episode: Episode, rule: Rule | None, now: float, *, resolved: bool = False) -> AlertRow:
    is_error = "problem" in episode.labels
    state = AlertState.RESOLVED if resolved else AlertState.SUPPRESSED if episode.suppressed_by else AlertState.FIRING
    said = episode.acknowledged
    evidence = {**episode.evidence, **({"suppressed_by": episode.suppressed_by} if episode.suppressed_by else {})}
    if said:
        evidence["acknowledged"] = said
    return AlertRow(
        alert_id=episode.alert_id,
        fingerprint=episode.fingerprint,
        rule=episode.rule,
        severity=str(rule.severity) if rule else str(AlertSeverity.WARNING),
        state=str(state if episode.firing else AlertState.PENDING),
        title=f"{episode.rule}: the rule can't be evaluated" if is_error else episode.rule,
        message=episode.message,
        source=rule.family if rule else "",
        started_at=episode.started_at,
        fired_at=episode.fired_at,
        resolved_at=now if resolved else None,
        acknowledged_by=said.get("by", ""),
        acknowledged_at=said.get("at"),
        acknowledged_note=said.get("note", ""),
        labels=_labels(episode, rule),
        evidence=evidence,
        updated_at=now,
    )
