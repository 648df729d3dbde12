"""Alert rules that can't do what they say: unknown signals, channels that are not there, limits nothing can cross."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from neural.monitoring.alerts import RuleSettings, predefined_rules
from neural.monitoring.alerts.expression import ALIASES, Reference, compile_expression
from neural.monitoring.drift.specs import DRIFT_SPECS
from neural.monitoring.performance.specs import SPECS as PERFORMANCE_SPECS
from neural.monitoring.quality.specs import SPECS as QUALITY_SPECS
from neural.monitoring.settings.finding import Finding, Weight
from neural.monitoring.settings.nearest import suggestion
from neural.monitoring.settings.root import Settings
from neural.monitoring.settings.units import duration_text
from neural.monitoring.signal import SignalSpec
from neural.monitoring.slo.burn import burn_windows, why_it_cannot_fire
from neural.monitoring.slo.judge import SPECS as SLO_SPECS
from neural.monitoring.traffic import TrafficMonitor

ENGINE_SPECS: tuple[SignalSpec, ...] = (
    *(SignalSpec(f"capture.{name}", "", "count") for name in ("seen", "shipped", "sampled_out")),
    SignalSpec("capture.dropped", "", "count", ("reason",)),
    SignalSpec("capture.loss_ratio", ""),
    SignalSpec("sidecar.evaluation_seconds", "", "s"),
    SignalSpec("sidecar.memory_bytes", "", "By"),
    SignalSpec("sidecar.backlog", "", "count"),
)
"""The engine stands beside this room and can't be asked; a test holds the two together."""

KNOWN: Mapping[str, SignalSpec] = {
    spec.name: spec
    for spec in (*TrafficMonitor.specs, *DRIFT_SPECS, *QUALITY_SPECS, *PERFORMANCE_SPECS, *SLO_SPECS, *ENGINE_SPECS)
}
_SHARES = re.compile(
    r"(.*_rate|.*_ratio|quality\.score|slo\.(compliance|target)|performance\.(accuracy|precision|recall|f1|roc_auc|pr_auc|coverage)|.*\.alarm)"
)
_NOT_SHARES = frozenset({"slo.burn_rate", "requests.rate"})
_COMPARISON = re.compile(r"([A-Za-z_][\w.]*)\s*(<=|>=|<|>)\s*(\d+(?:\.\d+)?)")


def alert_rules(settings: Settings) -> Iterator[Finding]:
    """Every rule of the file."""
    first: dict[str, int] = {}
    for index, rule in enumerate(settings.alerts):
        key = f"alerts[{index}]"
        other = first.setdefault(rule.name, index)
        if other != index:
            yield Finding(Weight.ERROR, f"{key}.name", f"{rule.name} is already the name of alerts[{other}]")
        yield from _channels(rule, key, settings)
        yield from _signals(rule, key, own_monitors=bool(settings.monitors))
        yield from _limits(rule, key)
        yield from _times(rule, key, settings)
        yield from _inhibits(rule, key, settings.alerts)


def burn_alerts(settings: Settings) -> Iterator[Finding]:
    """Burn-rate alerts that were asked for and that not even total failure would fire."""
    for index, slo in enumerate(settings.slos):
        for window in burn_windows(slo.period_seconds, settings.windows.pane_seconds):
            asked = slo.burn_alerts is not None and window.severity in slo.burn_alerts
            reason = why_it_cannot_fire(window, slo.goal)
            if asked and reason:
                yield Finding(Weight.ERROR, f"slos[{index}].burn_alerts", f"{slo.name}: {reason}")


def _channels(rule: RuleSettings, key: str, settings: Settings) -> Iterator[Finding]:
    for position, name in enumerate(rule.channels or ()):
        if name not in settings.channels:
            hint = suggestion(name, settings.channels) or "add it under channels:"
            yield Finding(Weight.ERROR, f"{key}.channels[{position}]", f"{name} is not a channel", hint)


def _references(rule: RuleSettings) -> Sequence[Reference]:
    if rule.when is not None:
        expression = compile_expression(rule.when)
        return (*expression.references, *expression.asked)
    return (Reference(ALIASES.get(rule.metric, rule.metric)),) if rule.metric is not None else ()


def _signals(rule: RuleSettings, key: str, *, own_monitors: bool) -> Iterator[Finding]:
    where = f"{key}.{'when' if rule.when is not None else 'metric'}"
    for reference in _references(rule):
        spec = KNOWN.get(reference.name)
        if spec is None:
            # A monitor of one's own may yield it: then it is only worth a look.
            weight = Weight.WARNING if own_monitors else Weight.ERROR
            yield Finding(weight, where, f"{reference.name} is not a signal", suggestion(reference.name, (*KNOWN, *ALIASES)))
        elif len(reference.path) > len(spec.labels):
            has = f"the label{'s' if len(spec.labels) > 1 else ''} {', '.join(spec.labels)}" if spec.labels else "no labels"
            yield Finding(Weight.ERROR, where, f"{reference} has too many brackets: {spec.name} has {has}")
        elif rule.metric is not None:
            for label in (*rule.where, *rule.for_each):
                if label not in spec.labels and label not in {"model", "version"}:
                    hint = suggestion(label, (*spec.labels, "model", "version"))
                    yield Finding(Weight.ERROR, key, f"{spec.name} has no label {label}", hint)


def _limits(rule: RuleSettings, key: str) -> Iterator[Finding]:
    """Comparisons with a share that nothing can cross, or everything does."""
    if rule.metric is not None:
        pairs = [(rule.metric, ">", rule.above), (rule.metric, "<", rule.below)]
        comparisons = [(name, sign, value) for name, sign, value in pairs if value is not None]
    else:
        found = _COMPARISON.finditer(rule.when or "")
        comparisons = [(match[1], match[2], float(match[3])) for match in found]
    for name, sign, value in comparisons:
        if not _is_share(ALIASES.get(name, name)):
            continue
        if (sign == ">" and value >= 1) or (sign == ">=" and value > 1) or (sign == "<" and value <= 0):
            hint = f"5% is written {name} > 0.05" if value > 1 else ""
            yield Finding(Weight.ERROR, key, f"{name} {sign} {value:g} can never be true: {name} is between 0 and 1", hint)
        elif (sign.startswith("<") and value > 1) or (sign == ">=" and value <= 0):
            yield Finding(Weight.ERROR, key, f"{name} {sign} {value:g} is always true: {name} is between 0 and 1")


def _is_share(name: str) -> bool:
    return name not in _NOT_SHARES and name in KNOWN and bool(_SHARES.fullmatch(name))


def _times(rule: RuleSettings, key: str, settings: Settings) -> Iterator[Finding]:
    every = settings.windows.evaluate_every
    if 0 < rule.for_ < every:
        message = f"{duration_text(rule.for_)} is shorter than windows.evaluate_every ({duration_text(every)}): it waits for the next evaluation"
        yield Finding(Weight.WARNING, f"{key}.for", message)
    if rule.for_ > settings.store.keep.signals:
        message = f"{duration_text(rule.for_)} is longer than signals are kept ({duration_text(settings.store.keep.signals)})"
        yield Finding(Weight.ERROR, f"{key}.for", message)


def _inhibits(rule: RuleSettings, key: str, rules: Sequence[RuleSettings]) -> Iterator[Finding]:
    known = {one.name for one in (*rules, *predefined_rules())}
    for name in rule.inhibits:
        if not set(name) & set("*?[") and name not in known:
            yield Finding(Weight.WARNING, f"{key}.inhibits", f"{name} is not a rule", suggestion(name, known))
