"""From an objective's counts to its signals, each with a sentence that says why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from neural.monitoring.signal import Outcome, Signal, SignalSpec, Verdict
from neural.monitoring.slo.budget import BurnVerdict, budget_remaining, burn_rate, judge_burn
from neural.monitoring.slo.burn import window_name
from neural.monitoring.slo.counts import Counts
from neural.monitoring.slo.ledger import SLOLedger
from neural.monitoring.slo.settings import Severity, SLOSettings

SPECS = (
    SignalSpec(
        "slo.compliance", "Share of events in the objective's window that were good", labels=("slo",), higher_is_worse=False
    ),
    SignalSpec(
        "slo.budget_remaining", "Share of the error budget left; negative when overspent", labels=("slo",), higher_is_worse=False
    ),
    SignalSpec("slo.burn_rate", "Error rate over what the target allows; 1 spends exactly the budget", labels=("slo", "window")),
    SignalSpec("slo.target", "Share of events that must be good", labels=("slo",), higher_is_worse=False),
    SignalSpec(
        "slo.burn_alert", "1 while the error budget burns too fast, by severity (page, ticket)", labels=("slo", "severity")
    ),
)


def slo_signals(ledger: SLOLedger, version: str, now: float) -> Iterator[Signal]:
    """Every signal of one objective, for one of the model's versions: a budget outlives a release, so all carry the same numbers."""
    settings, goal = ledger.settings, ledger.settings.goal
    labels, by_window, by_severity = ledger.labels(version)
    counts, last = ledger.period(now), ledger.counts.slot(now)
    windows = {seconds: ledger.counts.sum(last - slots + 1, last) for _, seconds, slots in ledger.windows}
    yield Signal("slo.target", goal, now, labels)
    yield Signal("slo.compliance", counts.compliance, now, labels, compliance_verdict(settings, counts))
    yield Signal("slo.budget_remaining", budget_remaining(counts, goal), now, labels, _budget_verdict(settings, counts))
    for seconds, window in windows.items():
        yield Signal("slo.burn_rate", burn_rate(window, goal), now, by_window[seconds])
    for severity in ledger.severities:
        value, burn = _burn_alert(ledger, severity, windows)
        yield Signal("slo.burn_alert", value, now, by_severity[severity], burn)


def compliance_verdict(settings: SLOSettings, counts: Counts) -> Verdict:
    """OK, BAD, or UNKNOWN without events: missing data is never "met"."""
    compliance, goal = counts.compliance, settings.goal
    evidence = {"good": counts.good, "total": counts.total, "type": str(settings.type), "window": window_text(settings)}
    if compliance is None:
        return Verdict(
            Outcome.UNKNOWN, f"no {settings.noun} in {window_text(settings)}", None, goal, 0, method="slo", evidence=evidence
        )
    met = compliance >= goal
    words = "meets" if met else "misses"
    share = f"{_percent(compliance)} of {counts.total:,.0f} {settings.noun} in {window_text(settings)}"
    reason = f"{share} were good: {words} the target of {_percent(goal)}"
    return Verdict(
        Outcome.OK if met else Outcome.BAD, reason, compliance, goal, round(counts.total), method="slo", evidence=evidence
    )


def window_text(settings: SLOSettings) -> str:
    """'the last 28d', 'this month'."""
    window = settings.window
    return f"the last {window_name(window)}" if isinstance(window, float) else f"this {window}"


def _budget_verdict(settings: SLOSettings, counts: Counts) -> Verdict:
    left = budget_remaining(counts, settings.goal)
    if left is None:
        return Verdict(Outcome.UNKNOWN, f"no {settings.noun} in {window_text(settings)}", None, 0.0, 0, method="slo")
    allowed = (1 - settings.goal) * counts.total
    reason = f"{counts.bad:,.0f} bad {settings.noun} of the {allowed:,.1f} that the target allows in {window_text(settings)}"
    return Verdict(Outcome.OK if left >= 0 else Outcome.BAD, reason, left, 0.0, round(counts.total), method="slo")


def _burn_alert(ledger: SLOLedger, severity: Severity, windows: Mapping[float, Counts]) -> tuple[float | None, Verdict]:
    settings = ledger.settings
    verdicts = [
        judge_burn(row, windows[row.long_seconds], windows[row.short_seconds], settings.goal, settings.guard)
        for row in ledger.table
        if row.severity is severity
    ]
    if all(verdict.long_burn is None for verdict in verdicts):
        reason = verdicts[-1].reason if verdicts else "the burn table has no such row"
        return None, Verdict(Outcome.UNKNOWN, reason, method="multi-window burn rate")
    shown = next((verdict for verdict in verdicts if verdict.fires), None) or max(verdicts, key=_nearness)
    outcome = Outcome.BAD if shown.fires else Outcome.OK
    verdict = Verdict(
        outcome, shown.reason, shown.long_burn, shown.window.factor, round(shown.long.total),
        method="multi-window burn rate", evidence=_burn_evidence(shown, settings) if shown.fires else {},
    )  # fmt: skip
    return float(shown.fires), verdict


def _nearness(verdict: BurnVerdict) -> float:
    return min(verdict.long_burn or 0.0, verdict.short_burn or 0.0) / verdict.window.factor


def _burn_evidence(verdict: BurnVerdict, settings: SLOSettings) -> dict[str, Any]:
    row = verdict.window
    return {
        "long_window": window_name(row.long_seconds),
        "short_window": window_name(row.short_seconds),
        "long_burn": verdict.long_burn,
        "short_burn": verdict.short_burn,
        "bad": verdict.long.bad,
        "total": verdict.long.total,
        "target": settings.goal,
        "budget_share": row.budget,
        "type": str(settings.type),
    }


def _percent(share: float) -> str:
    """Enough digits that 99.95 % is not rounded to 100 %."""
    text = f"{100 * share:.4f}".rstrip("0").rstrip(".")
    return "just under 100 %" if text == "100" and share < 1 else f"{text} %"
