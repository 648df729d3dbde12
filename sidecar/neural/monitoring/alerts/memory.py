"""What the alert engine must remember over a restart: active episodes, and when each alert was last told."""

from __future__ import annotations

from dataclasses import dataclass, field

from neural.monitoring.alerts.index import Scope
from neural.monitoring.alerts.lifecycle import Episode
from neural.monitoring.alerts.versions import VersionHistory
from neural.monitoring.store.protocol import Store

STATE_KEY = "alerts.engine"
_FORMAT = 1
_REMEMBER_SECONDS = 7 * 86400.0
"""How long an alert's last message counts for its cooldown; no cooldown is longer."""

Key = tuple[str, Scope, tuple[tuple[str, str], ...]]
"""(rule, scope, instance labels)"""

Saved = tuple[list[tuple[object, ...]], dict[str, float], str]
"""What was last written: enough to see whether anything changed."""


def key_of(rule: str, scope: Scope, labels: dict[str, str]) -> Key:
    """The identity of an alert, over all its episodes."""
    return rule, scope, tuple(sorted(labels.items()))


@dataclass(slots=True)
class EngineMemory:
    """Episodes by identity; ``told``: fingerprint → when it last notified. ``evaluated_at`` is the last evaluation (Unix seconds).

    ``begun``: milliseconds in the id of the episode that began last; a later one has more, however the clock stands.
    """

    episodes: dict[Key, Episode] = field(default_factory=dict[Key, Episode])
    told: dict[str, float] = field(default_factory=dict[str, float])
    evaluated_at: float | None = None
    begun: int = 0
    versions: VersionHistory = field(default_factory=VersionHistory)
    _saved: Saved | None = None
    _saved_at: float = 0.0

    def of_rule(self) -> dict[str, list[tuple[Key, Episode]]]:
        """Active episodes by rule."""
        found: dict[str, list[tuple[Key, Episode]]] = {}
        for key, episode in self.episodes.items():
            found.setdefault(key[0], []).append((key, episode))
        return found

    def save(self, store: Store) -> None:
        """Write what changed; nothing at an evaluation at which nothing did, unless the clock was set back: time counts from there."""
        now = self.evaluated_at or 0.0
        self.told = {one: at for one, at in self.told.items() if abs(now - at) < _REMEMBER_SECONDS}
        state: Saved = ([one.progress for one in self.episodes.values()], dict(self.told), repr(self.versions.known))
        if (state != self._saved or now < self._saved_at) and (self._saved or self.episodes or self.told or self.versions.known):
            episodes = [one.to_dict() for one in self.episodes.values()]
            body = {"format": _FORMAT, "episodes": episodes, "told": self.told, "evaluated_at": self.evaluated_at}
            store.put_value(STATE_KEY, {**body, "versions": self.versions.known, "begun": self.begun})
            self._saved, self._saved_at = state, now

    @classmethod
    def load(cls, store: Store) -> EngineMemory:
        """Continue where the last engine stopped. Messages and evidence come from the alerts' own rows."""
        state = store.value(STATE_KEY)
        if not isinstance(state, dict) or state.get("format") != _FORMAT:
            return cls()
        rows = {row.alert_id: row for row in store.alerts(states=["firing", "suppressed"])}
        versions = VersionHistory(state.get("versions"))
        memory = cls(told=dict(state["told"]), evaluated_at=state["evaluated_at"], versions=versions, _saved=([], {}, ""))
        memory.begun = int(state.get("begun", 0))
        for data in state["episodes"]:
            episode = Episode.from_dict(data)
            row = rows.get(episode.alert_id)
            if row is not None:
                episode.evidence, episode.message = dict(row.evidence), row.message
            memory.episodes[key_of(episode.rule, episode.scope, dict(episode.labels))] = episode
        return memory
