"""Many rules over one evaluation's signals: what they read is arranged once for all of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from neural.monitoring.alerts.condition import CelCondition
from neural.monitoring.alerts.expression import Reference
from neural.monitoring.alerts.index import LabelOrder, Scope, SignalIndex, SignalView
from neural.monitoring.alerts.names import NoData
from neural.monitoring.alerts.rule import Answer, Facts, Rule
from neural.monitoring.signal import Signal


class RuleSet:
    """Rules, and the signal names and references they need."""

    def __init__(self, rules: Sequence[Rule], order: LabelOrder) -> None:
        self.rules = tuple(rules)
        self.by_name = {rule.name: rule for rule in rules}
        self.order = order
        expressions = [rule.condition.expression for rule in rules if isinstance(rule.condition, CelCondition)]
        self.references: tuple[Reference, ...] = tuple(dict.fromkeys(one for each in expressions for one in each.references))
        self.asked: tuple[Reference, ...] = tuple(dict.fromkeys(one for each in expressions for one in each.asked))
        self.names = {rule.name: _names(rule) for rule in rules}
        every = frozenset(name for names in self.names.values() for name in names)
        self.wanted = None if any(not names for names in self.names.values()) else every

    def look(self, signals: Sequence[Signal]) -> Look:
        """The signals of one evaluation, ready for every rule."""
        return Look(self, signals)


class Look:
    """One evaluation's signals as the rules see them."""

    def __init__(self, rules: RuleSet, signals: Sequence[Signal]) -> None:
        self._rules = rules
        self._signals = signals
        self._index = SignalIndex(signals, rules.order, rules.wanted)
        self._full: SignalIndex | None = self._index if rules.wanted is None else None
        self._facts: dict[Scope, tuple[SignalView, Facts]] = {}
        self._whole: dict[Scope, SignalView] = {}
        self._scopes: dict[tuple[str, ...], set[Scope]] = {}

    def answers(self, rule: Rule, active: Collection[Scope] = ()) -> list[tuple[Scope, Answer]]:
        """What the rule says, in each scope where its signals are found or where one of its alerts is active."""
        names = self._rules.names[rule.name]
        scopes = self._scopes.get(names)
        if scopes is None:
            scopes = self._scopes[names] = self._index.scopes_of(names) if names else set(self._index.full_scopes())
        if active:
            scopes = scopes.union(active)
        if not scopes and rule.no_data is NoData.ALERT:
            scopes = set(self._index.full_scopes())
        found: list[tuple[Scope, Answer]] = []
        for scope in scopes:
            view, facts = self._view(scope)
            found.extend((scope, answer) for answer in rule.condition.check(view, facts))
        return found

    def whole(self, scope: Scope) -> SignalView:
        """Every signal of a scope, whether or not a rule reads it: for evidence and messages."""
        if self._full is None:
            self._full = SignalIndex(self._signals, self._rules.order)
        if scope not in self._whole:
            self._whole[scope] = self._full.view(scope)
        return self._whole[scope]

    def of_versions(self, scope: Scope) -> list[SignalView]:
        """The same of the scope itself, or of each of the model's versions where it is about all of them; the last one first."""
        versions = [one for one in self.serving() if one[0] == scope[0]] if not scope[1] else []
        return [self.whole(one) for one in reversed(versions)] or [self.whole(scope)]

    def serving(self) -> list[Scope]:
        """The (model, version) pairs that have signals now."""
        return [scope for scope in self._index.scopes if scope[1]]

    def _view(self, scope: Scope) -> tuple[SignalView, Facts]:
        known = self._facts.get(scope)
        if known is None:
            view = self._index.view(scope)
            context, held = view.context(self._rules.references, self._rules.asked)
            known = self._facts[scope] = (view, Facts(view, context, held))
        return known


def _names(rule: Rule) -> tuple[str, ...]:
    condition = rule.condition
    references = (*condition.references, *(condition.expression.asked if isinstance(condition, CelCondition) else ()))
    return tuple(sorted({reference.name for reference in references}))
