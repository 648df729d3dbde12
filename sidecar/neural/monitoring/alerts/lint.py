"""The maths over alert rules: what can't fire, what always fires, what a single request would set off, what nobody would hear."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from neural.monitoring.alerts.condition import CelCondition, ThresholdCondition
from neural.monitoring.alerts.evidence import OWN_NAMES
from neural.monitoring.alerts.expression import ALIASES, Reference
from neural.monitoring.alerts.lint_range import answer_at, corner_answers
from neural.monitoring.alerts.rule import Rule
from neural.monitoring.alerts.template import field_names

_COUNTS = ("requests.count", "rows.count")
_PER_REQUEST = ("error_rate", "client_error_rate", "unparsed_rate")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a rule. ``key`` is dotted: ``alerts.<rule name>.when``. error: it can't work as written."""

    weight: Literal["error", "warning"]
    key: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class LintContext:
    """What the rest of the configuration says. Times are seconds; ``requests_per_window`` is what was observed, None when unknown.

    ``signals``: every signal that some monitor may yield, name → labels beyond model and version; empty when unknown.
    """

    signals: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    channels: Collection[str] = ("log",)
    evaluate_every: float = 60.0
    window_length: float = 3600.0
    keep_signals: float = 30 * 86400.0
    requests_per_window: float | None = None


def lint_rules(rules: Sequence[Rule], slos: Iterable[str] = (), context: LintContext | None = None) -> list[Finding]:
    """Everything found, rule by rule, errors first. ``slos`` are the objectives' names."""
    context = context or LintContext()
    found = [finding for rule in rules for check in _CHECKS for finding in check(rule, context)]
    found += [*_unknown_slos(rules, list(slos)), *_twins(rules), *_unknown_inhibitions(rules)]
    return sorted(found, key=lambda finding: finding.weight != "error")


def _key(rule: Rule, part: str) -> str:
    return f"alerts.{rule.name}.{part}"


def _condition_key(rule: Rule) -> str:
    return _key(rule, "metric" if isinstance(rule.condition, ThresholdCondition) else "when")


def _signals(rule: Rule, context: LintContext) -> Iterator[Finding]:
    """Every signal exists, and is asked for with labels it has."""
    if not context.signals:
        return
    for reference in rule.condition.references:
        labels = context.signals.get(reference.name)
        if labels is None:
            near = difflib.get_close_matches(reference.name, [*context.signals, *ALIASES], n=1)
            yield Finding(
                "error",
                _condition_key(rule),
                f"there is no signal {reference.name!r}",
                f"did you mean {near[0]}?" if near else "",
            )
        elif len(reference.path) > len(labels):
            yield Finding(
                "error", _condition_key(rule), f"{reference.name} has {_labels_text(labels)}, not {len(reference.path)}"
            )
    if isinstance(rule.condition, ThresholdCondition):
        has = context.signals.get(rule.condition.reference.name, ())
        for name in (*rule.condition.for_each, *rule.condition.where):
            if name not in (*has, "model", "version"):
                yield Finding("error", _key(rule, "for_each"), f"{rule.condition.reference.name} has no label {name!r}")


def _corners(rule: Rule, context: LintContext) -> Iterator[Finding]:
    """The condition can be true, and can be false."""
    del context
    try:
        answers = corner_answers(rule.condition)
    except Exception as error:
        yield Finding("error", _condition_key(rule), f"{rule.condition.describe()!r} can't be evaluated: {error}")
        return
    if answers == {False}:
        yield Finding(
            "error", _condition_key(rule), f"it can't fire: {rule.condition.describe()} is false whatever the values are"
        )
    elif answers == {True}:
        yield Finding(
            "error", _condition_key(rule), f"it always fires: {rule.condition.describe()} is true whatever the values are"
        )


def _times(rule: Rule, context: LintContext) -> Iterator[Finding]:
    """Holding times suit the evaluations and the window."""
    if rule.for_seconds > context.keep_signals:
        message = f"for ({rule.for_seconds:g} s) is longer than signals are kept ({context.keep_signals:g} s)"
        yield Finding("error", _key(rule, "for"), message)
    elif rule.for_seconds > context.window_length:
        message = f"for ({rule.for_seconds:g} s) is longer than the window ({context.window_length:g} s)"
        yield Finding(
            "warning", _key(rule, "for"), f"{message}: the same rows are judged only within one window", "raise windows.length"
        )
    if 0 < rule.for_seconds < context.evaluate_every:
        message = f"for ({rule.for_seconds:g} s) is shorter than the time between evaluations ({context.evaluate_every:g} s)"
        yield Finding("warning", _key(rule, "for"), f"{message}: it fires at the second evaluation")
    if rule.repeat_seconds is not None and rule.repeat_seconds < rule.cooldown_seconds:
        message = f"repeat ({rule.repeat_seconds:g} s) is shorter than cooldown ({rule.cooldown_seconds:g} s)"
        yield Finding("warning", _key(rule, "repeat"), message)


def _noise(rule: Rule, context: LintContext) -> Iterator[Finding]:
    """One request must not be enough, at the traffic there is."""
    requests = context.requests_per_window
    if not requests or requests < 1:
        return
    one = 1 / requests
    if _fires_at(rule, one, requests):
        message = f"one request of {requests:,.0f} in the window ({one:.3%}) sets it off"
        yield Finding("warning", _condition_key(rule), message, "raise the threshold, or add && requests.count >= a number")


def _fires_at(rule: Rule, share: float, requests: float) -> bool:
    condition = rule.condition
    if isinstance(condition, ThresholdCondition):
        return condition.reference.name in _PER_REQUEST and condition.above is not None and share > condition.above >= 0
    names = {reference.name for reference in condition.references}
    if not isinstance(condition, CelCondition) or not names & set(_PER_REQUEST) or names - {*_PER_REQUEST, *_COUNTS}:
        return False
    values: dict[Reference, float] = {one: requests if one.name in _COUNTS else share for one in condition.references}
    try:
        return answer_at(condition, values) and not answer_at(condition, {**values, **_without_failures(condition)})
    except Exception:
        return False  # told by another check


def _without_failures(condition: CelCondition) -> dict[Reference, float]:
    return {reference: 0.0 for reference in condition.references if reference.name in _PER_REQUEST}


def _channels(rule: Rule, context: LintContext) -> Iterator[Finding]:
    """Somebody hears it."""
    if rule.channels is None:
        return
    missing = [name for name in rule.channels if name not in context.channels]
    if missing and len(missing) == len(rule.channels):
        yield Finding(
            "error",
            _key(rule, "channels"),
            f"nobody hears it: there is no channel {' or '.join(missing)}",
            _known(context.channels),
        )
    elif missing:
        yield Finding("warning", _key(rule, "channels"), f"there is no channel {' or '.join(missing)}", _known(context.channels))
    elif not rule.channels:
        yield Finding("warning", _key(rule, "channels"), "nobody hears it: the list of channels is empty")


def _message(rule: Rule, context: LintContext) -> Iterator[Finding]:
    """The message names numbers that exist."""
    if not context.signals:
        return
    known = {*context.signals, *ALIASES, *OWN_NAMES, *rule.labels, "model", "version"}
    if isinstance(rule.condition, ThresholdCondition):
        known.update(rule.condition.for_each)
    for name in field_names(rule.message):
        if name.partition("[")[0] not in known:
            near = difflib.get_close_matches(name, known, n=1)
            yield Finding(
                "warning",
                _key(rule, "message"),
                f"{{{name}}} will always read 'no data'",
                f"did you mean {near[0]}?" if near else "",
            )


_CHECKS: tuple[Callable[[Rule, LintContext], Iterator[Finding]], ...] = (_signals, _corners, _times, _noise, _channels, _message)


def _unknown_slos(rules: Sequence[Rule], slos: Sequence[str]) -> Iterator[Finding]:
    for rule in rules:
        for reference in rule.condition.references:
            if reference.name.startswith("slo.") and reference.path and reference.path[0] not in slos:
                near = difflib.get_close_matches(reference.path[0], slos, n=1)
                hint = f"did you mean {near[0]}?" if near else _known(slos)
                yield Finding("error", _condition_key(rule), f"there is no SLO {reference.path[0]!r}", hint)


def _twins(rules: Sequence[Rule]) -> Iterator[Finding]:
    first: dict[tuple[object, ...], Rule] = {}
    for rule in rules:
        if not rule.condition.references:
            continue
        for_each = rule.condition.for_each if isinstance(rule.condition, ThresholdCondition) else ()
        other = first.setdefault((rule.condition.describe(), for_each, rule.severity, rule.channels), rule)
        if other is not rule:
            yield Finding("warning", _condition_key(rule), f"it says the same as {other.name!r}: {rule.condition.describe()}")


def _unknown_inhibitions(rules: Sequence[Rule]) -> Iterator[Finding]:
    for rule in rules:
        for glob in rule.inhibits:
            if not any(fnmatchcase(other.name, glob) for other in rules if other is not rule):
                yield Finding("warning", _key(rule, "inhibits"), f"no other rule is called {glob!r}")


def _known(names: Iterable[str]) -> str:
    return "there are: " + (", ".join(sorted(names)) or "none")


def _labels_text(labels: Sequence[str]) -> str:
    return f"{len(labels)} label{'s' if len(labels) != 1 else ''}" + (f" ({', '.join(labels)})" if labels else "")
