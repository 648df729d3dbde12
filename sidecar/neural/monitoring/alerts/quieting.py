"""Who must not call now: silences (a person said so) and inhibition (another alert already says it)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from neural.monitoring.alerts.recurrence import open_since
from neural.monitoring.store.rows import Silence


@dataclass(frozen=True, slots=True)
class Caller:
    """What matching looks at: a firing alert's identity. ``labels`` include rule and severity."""

    rule: str
    labels: Mapping[str, str]
    inhibits: tuple[str, ...] = ()


def silenced_by(caller: Caller, silences: Iterable[Silence], now: float) -> str:
    """'' or who silenced it, and why. Matchers are exact, or globs where they hold ``*``; every matcher must match."""
    for silence in silences:
        if silence.matchers and _matches(silence.matchers, caller.labels) and open_since(silence, now) is not None:
            return f"silenced by {silence.author}: {silence.reason}" if silence.reason else f"silenced by {silence.author}"
    return ""


def inhibited_by(caller: Caller, firing: Sequence[Caller]) -> str:
    """'' or the alert that says it already. A rule inhibits by name or glob, where the labels that both have are equal."""
    for other in firing:
        if other.rule == caller.rule or not any(fnmatchcase(caller.rule, glob) for glob in other.inhibits):
            continue
        if not _mutual(caller, other) and _agree(other.labels, caller.labels):
            return f"inhibited by {other.rule}"
    return ""


def _mutual(caller: Caller, other: Caller) -> bool:
    """Two rules that inhibit each other: neither does, so that at least one of them is heard."""
    return any(fnmatchcase(other.rule, glob) for glob in caller.inhibits)


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    own = ("rule", "severity")
    return all(
        not one[name] or not other[name] or one[name] == other[name] for name in one.keys() & other.keys() if name not in own
    )


def _matches(matchers: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(fnmatchcase(labels.get(name, ""), pattern) for name, pattern in matchers.items())
