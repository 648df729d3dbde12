"""The three kinds of condition: a CEL expression, a threshold on a metric, a Python function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from neural.monitoring.alerts.expression import Expression, Reference, compile_expression
from neural.monitoring.alerts.index import SignalView
from neural.monitoring.alerts.rule import NO, Answer, Facts
from neural.monitoring.signal import Outcome, Signal

_QUIET = [NO]
_MOST_SIGNALS = 8
"""Signals a reason quotes."""


class CelCondition:
    """``error_rate > 0.05 && requests.rate > 1``"""

    __slots__ = ("expression", "references")

    def __init__(self, source: str) -> None:
        self.expression: Expression = compile_expression(source)
        self.references: tuple[Reference, ...] = self.expression.references

    def check(self, view: SignalView, facts: Facts) -> list[Answer]:
        try:
            result = self.expression.run(facts.context)
        except Exception as error:
            return [self._cannot(view, facts, error)]
        if result is False:
            return _QUIET
        if result is not True:
            return [Answer(holds=True, error=f"{self.expression.source!r} gives {result!r}, not true or false")]
        signals = self._signals(view)
        told = signals[0] if signals else None
        verdict = told.verdict if told is not None else None
        return [
            Answer(
                holds=True,
                reason=f"{self.expression.source} ({_quoted(signals)})" + (f": {verdict.reason}" if verdict is not None else ""),
                signals=signals,
                value=told.value if told is not None else None,
                threshold=verdict.threshold if verdict is not None else None,
            )
        ]

    def describe(self) -> str:
        return self.expression.source

    def _cannot(self, view: SignalView, facts: Facts, error: Exception) -> Answer:
        missing = [str(reference) for reference in self.references if reference.variable not in facts.held]
        if missing:
            return Answer(holds=None, reason=f"no data: {', '.join(missing[:_MOST_SIGNALS])}", signals=self._signals(view))
        if isinstance(error, KeyError):
            return Answer(holds=None, reason=f"no data: no series {error.args[0]!r}", signals=self._signals(view))
        return Answer(holds=True, error=f"{self.expression.source!r} can't be evaluated: {error}", signals=self._signals(view))

    def _signals(self, view: SignalView) -> tuple[Signal, ...]:
        found: list[Signal] = []
        for reference in self.references:
            signal = view.signal(reference)
            found.extend([signal] if signal is not None else _worst(view.series(reference.name).values()))
        found.sort(key=_telling)
        return tuple(found[:_MOST_SIGNALS])


@dataclass(frozen=True, slots=True)
class ThresholdCondition:
    """``metric: drift.score, above: 0.2``.

    A metric with labels: ``where`` picks series, ``for_each`` gives each value of those labels an alert of its own; without it the
    rule is true when any series crosses, and tells the worst.
    """

    reference: Reference
    above: float | None = None
    below: float | None = None
    where: Mapping[str, str] = field(default_factory=dict[str, str])
    for_each: tuple[str, ...] = ()

    @property
    def references(self) -> tuple[Reference, ...]:
        return (self.reference,)

    def check(self, view: SignalView, facts: Facts) -> list[Answer]:
        del facts
        if not self.for_each and self._is_quiet(view.bounds(self.reference.name)):
            return _QUIET
        groups: dict[tuple[str, ...], list[Signal]] = {}
        for signal in self._picked(view):
            groups.setdefault(tuple(signal.labels.get(name, "") for name in self.for_each), []).append(signal)
        return [self._judge(dict(zip(self.for_each, key, strict=True)), signals) for key, signals in groups.items()]

    def describe(self) -> str:
        metric = str(self.reference) + "".join(f"{{{name}={value}}}" for name, value in self.where.items())
        limits = [
            f"above {self.above:g}" if self.above is not None else "",
            f"below {self.below:g}" if self.below is not None else "",
        ]
        return f"{metric} is {' or '.join(limit for limit in limits if limit)}"

    def _is_quiet(self, bounds: tuple[float, float] | None) -> bool:
        """True when no series of the signal, whatever its labels, crosses a limit: the usual case, seen at a glance."""
        if bounds is None or self.where or self.reference.path:
            return False
        return (self.above is None or bounds[1] <= self.above) and (self.below is None or bounds[0] >= self.below)

    def _picked(self, view: SignalView) -> Iterator[Signal]:
        depth = len(self.reference.path)
        if self.where and not depth:
            (label, wanted), *others = self.where.items()
            for signal in view.labelled(self.reference.name, label, wanted):
                if all(signal.labels.get(name) == value for name, value in others):
                    yield signal
            return
        for path, signal in view.series(self.reference.name).items():
            if path[:depth] == self.reference.path and all(
                signal.labels.get(name) == value for name, value in self.where.items()
            ):
                yield signal

    def _judge(self, labels: Mapping[str, str], signals: list[Signal]) -> Answer:
        known = [signal for signal in signals if signal.value is not None]
        if not known:
            return Answer(holds=None, reason=f"no data: {self.reference}", labels=labels)
        crossing = [signal for signal in known if self._limit(signal) is not None]
        if not crossing:
            return Answer(holds=False, labels=labels)
        worst, *others = sorted(crossing, key=self._excess, reverse=True)
        limit = self._limit(worst)
        return Answer(
            holds=True,
            reason=_crossing_text(worst, limit or 0.0, len(others)),
            signals=(worst, *others[: _MOST_SIGNALS - 1]),
            value=worst.value,
            threshold=limit,
            labels=labels,
        )

    def _limit(self, signal: Signal) -> float | None:
        value = signal.value
        if value is None:
            return None
        if self.above is not None and value > self.above:
            return self.above
        return self.below if self.below is not None and value < self.below else None

    def _excess(self, signal: Signal) -> float:
        return abs((signal.value or 0.0) - (self._limit(signal) or 0.0))


class CallableCondition:
    """A Python function of the flat numbers; truthy means the condition holds."""

    __slots__ = ("function", "references")

    def __init__(self, function: Callable[[Mapping[str, float]], object]) -> None:
        self.function = function
        self.references: tuple[Reference, ...] = ()

    def check(self, view: SignalView, facts: Facts) -> list[Answer]:
        del view
        try:
            holds = bool(self.function(facts.flat))
        except Exception as error:
            return [Answer(holds=True, error=f"the condition raised {type(error).__name__}: {error}")]
        return [Answer(holds=True, reason=f"{self.describe()} is true")] if holds else [NO]

    def describe(self) -> str:
        name = getattr(self.function, "__name__", "")
        return "the condition" if name in ("", "<lambda>") else name


def _crossing_text(worst: Signal, limit: float, others: int) -> str:
    """The worst series in words. A flag's own sentence says it all."""
    value, why = worst.value or 0.0, worst.verdict.reason if worst.verdict is not None else ""
    more = f", and {others} more" if others else ""
    if why and limit == 0 and value == 1:
        return why + more
    side = "above" if value > limit else "below"
    return f"{_name(worst)} is {value:.4g}, {side} {limit:g}{more}" + (f": {why}" if why else "")


def _telling(signal: Signal) -> int:
    """Bad verdicts first."""
    return 0 if signal.verdict is not None and signal.verdict.outcome is Outcome.BAD else 1


def _worst(signals: Iterable[Signal]) -> list[Signal]:
    known = [signal for signal in signals if signal.value is not None]
    return sorted(known, key=lambda signal: signal.value or 0.0, reverse=True)[:3]


def _quoted(signals: tuple[Signal, ...]) -> str:
    return ", ".join(f"{_name(signal)} is {'unknown' if signal.value is None else f'{signal.value:.4g}'}" for signal in signals)


def _name(signal: Signal) -> str:
    more = [value for name, value in signal.labels.items() if name not in ("model", "version")]
    return signal.name + "".join(f'["{value}"]' for value in more)
