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
_UNKNOWN_SIGNAL = "there is no signal"


def alert_rules(settings: Settings) -> Iterator[Finding]:
    """Every rule of the file, among the predefined ones."""
    index_of: dict[str, int] = {}
    for index, rule in enumerate(settings.alerts):
        other = index_of.setdefault(rule.name, index)
        if other != index:
            yield Finding(Weight.ERROR, f"alerts[{index}].name", f"{rule.name} is already the name of alerts[{other}]")
    if len(index_of) < len(settings.alerts):
        return  # which of two rules is meant can't be told
    for finding in lint_rules(build_rules(settings.alerts), [slo.name for slo in settings.slos], _context(settings)):
        name = next((name for name in index_of if finding.key.startswith(f"alerts.{name}.")), None)
        if name is None:
            continue  # a predefined rule: not the user's to mend
        part = finding.key.removeprefix(f"alerts.{name}.")
        # A monitor of one's own may yield the signal: then it is only worth a look.
        perhaps = settings.monitors and finding.message.startswith(_UNKNOWN_SIGNAL)
        weight = Weight.WARNING if perhaps else Weight(finding.weight)
        yield Finding(weight, f"alerts[{index_of[name]}].{part}", finding.message, finding.hint)


def burn_alerts(settings: Settings) -> Iterator[Finding]:
    """Burn-rate alerts that were asked for and that not even total failure would fire."""
    for index, slo in enumerate(settings.slos):
        for window in burn_windows(slo.period_seconds, settings.windows.pane_seconds):
            asked = slo.burn_alerts is not None and window.severity in slo.burn_alerts
            reason = why_it_cannot_fire(window, slo.goal)
            if asked and reason:
                yield Finding(Weight.ERROR, f"slos[{index}].burn_alerts", f"{slo.name}: {reason}")


def _context(settings: Settings) -> LintContext:
    return LintContext(
        signals={name: spec.labels for name, spec in KNOWN.items()},
        channels=("log", *settings.channels),
        evaluate_every=settings.windows.evaluate_every,
        window_length=settings.windows.length,
        keep_signals=settings.store.keep.signals,
    )
