"""AlertEngine: rules over signals at every evaluation; alerts and messages out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from neural.monitoring.alerts.acknowledge import acknowledgements, latest_by_family
from neural.monitoring.alerts.announce import Announcer
from neural.monitoring.alerts.channels.protocol import Channel
from neural.monitoring.alerts.evidence import Surroundings, evidence_of, message_values
from neural.monitoring.alerts.index import LabelOrder, Scope
from neural.monitoring.alerts.lifecycle import Change, Episode, step
from neural.monitoring.alerts.memory import EngineMemory, Key, key_of
from neural.monitoring.alerts.rule import Answer, Rule
from neural.monitoring.alerts.ruleset import Look, RuleSet
from neural.monitoring.alerts.template import render
from neural.monitoring.clock import Clock
from neural.monitoring.signal import Signal, SignalSpec
from neural.monitoring.store.protocol import Store
from neural.monitoring.store.rows import AlertRow, Silence

RULE_ERROR = {"problem": "rule_error"}
"""The labels that tell an alert about a rule that can't be evaluated from the rule's own alerts."""
_STEPS_AN_ELAPSED = 2.0
"""An evaluation counts for at most this many intervals: time that nobody watched doesn't make an alert fire."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """One evaluation."""

    look: Look
    now: float
    elapsed: float
    moment: int  # milliseconds, in the ids of what begins


class AlertEngine:
    """Evaluates rules, keeps the alerts' states, writes alerts and messages.

    Not thread-safe: one thread evaluates. State survives a restart through the store. ``evaluate_every`` is the usual time between
    evaluations in seconds; ``silences`` are those of the configuration, beside those of the store; ``specs`` give the order of
    labels in expressions; ``around`` is what evidence points at.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        store: Store,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        evaluate_every: float = 60.0,
        specs: Iterable[SignalSpec] = (),
        silences: Sequence[Silence] = (),
        around: Surroundings | None = None,
    ) -> None:
        self._store = store
        self._order = LabelOrder(specs)
        self._longest_step = _STEPS_AN_ELAPSED * evaluate_every
        self._around = around or Surroundings()
        self._memory = EngineMemory.load(store)
        self._announcer = Announcer(store, channels, clock, silences)
        self._rules = RuleSet(rules, self._order)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in force."""
        return self._rules.rules

    @property
    def pending(self) -> list[Episode]:
        """Alerts whose condition holds, but not yet for long enough."""
        return [episode for episode in self._memory.episodes.values() if not episode.firing]

    @property
    def firing(self) -> list[Episode]:
        """Alerts that have fired and not resolved."""
        return [episode for episode in self._memory.episodes.values() if episode.firing]

    def replace_rules(self, rules: Sequence[Rule]) -> None:
        """Use other rules from now on. Alerts of rules that are gone resolve at the next evaluation."""
        self._rules = RuleSet(rules, self._order)

    def replace_silences(self, silences: Sequence[Silence]) -> None:
        """Use other maintenance windows of the configuration from now on; those of the store stay."""
        self._announcer.replace_silences(silences)

    def acknowledged(self, model: str, version: str, now: float) -> dict[str, float]:
        """Family ("drift" …) → when an alert of it was last acknowledged for this model version (Unix seconds)."""
        return latest_by_family(list(acknowledgements(self._store).values()), model, version, now)

    def evaluate(self, signals: Sequence[Signal], now: float) -> list[AlertRow]:
        """Judge every rule. Returns the alerts that changed, and writes them, and the messages about them, in one transaction."""
        memory = self._memory
        elapsed = 0.0 if memory.evaluated_at is None else min(max(now - memory.evaluated_at, 0.0), self._longest_step)
        memory.evaluated_at = now
        moment = max(int(now * 1000), memory.begun + 1)
        this = _Pass(self._rules.look(signals), now, elapsed, moment)
        memory.versions.see(this.look.serving(), now)
        changes = self._judge_all(this)
        try:
            with self._store.transaction():
                rows = self._announcer.announce(changes, memory, self._rules.by_name, now)
                memory.save(self._store)
        except Exception:
            self._memory = EngineMemory.load(self._store)  # nothing was written: nothing has happened
            raise
        return rows

    def _judge_all(self, this: _Pass) -> dict[Key, tuple[Episode, Change]]:
        active = self._memory.of_rule()
        changes: dict[Key, tuple[Episode, Change]] = {}
        for rule in self._rules.rules:
            episodes = active.pop(rule.name, [])
            answers = this.look.answers(rule, [key[1] for key, _ in episodes])
            if episodes or any(answer.holds is not False for _, answer in answers):
                self._judge(rule, answers, episodes, this, changes)
        for episodes in active.values():  # rules that are gone
            for key, episode in episodes:
                episode.evidence["ended"] = "the rule was removed"
                changes[key] = (episode, Change.RESOLVED if episode.firing else Change.CANCELLED)
        return changes

    def _judge(
        self,
        rule: Rule,
        answers: list[tuple[Scope, Answer]],
        episodes: list[tuple[Key, Episode]],
        this: _Pass,
        changes: dict[Key, tuple[Episode, Change]],
    ) -> None:
        """Match answers with episodes: known ones move on, unknown ones whose condition holds begin."""
        left = dict(episodes)
        for scope, answer in answers:
            labels = RULE_ERROR if answer.error else dict(answer.labels)
            key = key_of(rule.name, scope, labels)
            episode = left.pop(key, None)
            change = self._move(rule, scope, answer, episode, this)
            if change is not None:
                changes[key] = change
        healthy = {scope for scope, answer in answers if answer.holds is not None and not answer.error}
        for key, episode in left.items():  # nothing was said of these: their series has gone, or the rule works again
            is_error = dict(episode.labels) == RULE_ERROR
            holds = False if is_error and episode.scope in healthy else None
            changes[key] = (episode, step(episode, rule, holds, this.elapsed, this.now))

    def _move(
        self, rule: Rule, scope: Scope, answer: Answer, episode: Episode | None, this: _Pass
    ) -> tuple[Episode, Change] | None:
        is_new = episode is None
        if episode is None:
            begins = answer.holds or (answer.holds is None and rule.no_data == "alert")
            if not begins:
                return None
            episode = _begin(rule, scope, answer, this)
            self._memory.begun = this.moment
        change = step(episode, rule, answer.holds, this.elapsed, this.now, is_new=is_new)
        if answer.holds or change is Change.FIRED:
            self._describe(episode, rule, answer, this, fresh=change is Change.FIRED)
        elif change is Change.RESOLVED:
            episode.evidence["ended"] = "no data for too long" if answer.holds is None else "the condition no longer holds"
        return episode, change

    def _describe(self, episode: Episode, rule: Rule, answer: Answer, this: _Pass, *, fresh: bool) -> None:
        """Gather evidence when it begins and when it fires; in between only the numbers move."""
        if not fresh and episode.evidence:
            episode.evidence["latest_value"] = answer.value
            return
        view, model = this.look.whole(episode.scope), episode.scope[0]
        serving = [version for of_model, version in this.look.serving() if of_model == model]
        versions = self._memory.versions.told(model, serving)
        of_versions = this.look.of_versions(episode.scope)
        episode.evidence = evidence_of(
            rule, answer, view, this.now, around=self._around, versions=versions, of_versions=of_versions
        )
        template = "" if answer.error else rule.message
        values = message_values(answer, view.flat(), dict(episode.labels), rule) if template else {}
        episode.message = render(template, values) if template else episode.evidence["reason"]


def _begin(rule: Rule, scope: Scope, answer: Answer, this: _Pass) -> Episode:
    labels = RULE_ERROR if answer.error else dict(answer.labels)
    identity = "\0".join((rule.name, *scope, *(f"{name}={value}" for name, value in sorted(labels.items()))))
    fingerprint = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
    return Episode(f"{fingerprint}-{this.moment:x}", fingerprint, rule.name, scope, labels, this.now)
