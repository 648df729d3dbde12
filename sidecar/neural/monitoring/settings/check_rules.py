"""Alert rules and burn-rate alerts that can't do what they say. The maths is the alerts room's; this gives it the rest of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from neural.monitoring.alerts import LintContext, build_rules, lint_rules
from neural.monitoring.drift.specs import DRIFT_SPECS
from neural.monitoring.performance.specs import SPECS as PERFORMANCE_SPECS
from neural.monitoring.quality.specs import SPECS as QUALITY_SPECS
from neural.monitoring.settings.finding import Finding, Weight
from neural.monitoring.settings.root import Settings
from neural.monitoring.signal import SignalSpec
from neural.monitoring.slo import lint_slos
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
_UNKNOWN_SIGNAL = "there is no signal"


def alert_rules(settings: Settings, requests_per_second: float | None = None) -> Iterator[Finding]:
    """Every rule of the file, among the predefined ones. ``requests_per_second`` is what was observed, None when unknown."""
    index_of: dict[str, int] = {}
    for index, rule in enumerate(settings.alerts):
        other = index_of.setdefault(rule.name, index)
        if other != index:
            yield Finding(Weight.ERROR, f"alerts[{index}].name", f"{rule.name} is already the name of alerts[{other}]")
    if len(index_of) < len(settings.alerts):
        return  # which of two rules is meant can't be told
    context = _context(settings, requests_per_second)
    for finding in lint_rules(build_rules(settings.alerts), [slo.name for slo in settings.slos], context):
        name = next((name for name in index_of if finding.key.startswith(f"alerts.{name}.")), None)
        if name is None:
            continue  # a predefined rule: not the user's to mend
        part = finding.key.removeprefix(f"alerts.{name}.")
        # A monitor of one's own may yield the signal: then it is only worth a look.
        perhaps = settings.monitors and finding.message.startswith(_UNKNOWN_SIGNAL)
        weight = Weight.WARNING if perhaps else Weight(finding.weight)
        yield Finding(weight, f"alerts[{index_of[name]}].{part}", finding.message, finding.hint)


def objectives(settings: Settings, requests_per_second: float | None = None) -> Iterator[Finding]:
    """Pages that can't fire, with the arithmetic; windows too short for their slots; budgets that one request spends."""
    found = lint_slos(
        settings.slos,
        slot_seconds=settings.windows.pane_seconds,
        evaluate_every=settings.windows.evaluate_every,
        requests_per_second=requests_per_second,
    )
    for finding in found:
        yield Finding(Weight(finding.weight), finding.key, finding.message, finding.hint)


def _context(settings: Settings, requests_per_second: float | None) -> LintContext:
    return LintContext(
        signals={name: spec.labels for name, spec in KNOWN.items()},
        channels=("log", *settings.channels),
        evaluate_every=settings.windows.evaluate_every,
        window_length=settings.windows.length,
        keep_signals=settings.store.keep.signals,
        requests_per_window=None if requests_per_second is None else requests_per_second * settings.windows.length,
    )
