"""From an objective's counts to its signals, each with a sentence that says why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from neural.monitoring.signal import Outcome, Signal, SignalSpec, Verdict
from neural.monitoring.slo.budget import BurnVerdict, budget_remaining, judge_burns
from neural.monitoring.slo.burn import BurnWindow, window_name
from neural.monitoring.slo.counts import Counts
from neural.monitoring.slo.ledger import Row, SLOLedger
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


def slo_signals(ledger: SLOLedger, version: str, now: float) -> list[Signal]:
    """Every signal of one objective, for one of the model's versions: a budget outlives a release, so all carry the same numbers."""
    labels, by_window, by_severity = ledger.labels(version)
    counts, windows = ledger.period(now), ledger.in_windows(now)
    burns = _burns(windows, 1.0 - ledger.goal)
    signals = [
        Signal("slo.target", ledger.goal, now, labels),
        Signal("slo.compliance", counts.compliance, now, labels, compliance_verdict(ledger.settings, counts)),
        Signal("slo.budget_remaining", budget_remaining(counts, ledger.goal), now, labels, _budget_verdict(ledger, counts)),
        *[Signal("slo.burn_rate", burn, now, labels) for burn, labels in zip(burns, by_window, strict=True)],
    ]
    for severity, of_severity in by_severity.items():
        value, verdict = _burn_alert(ledger, severity, windows, burns)
        signals.append(Signal("slo.burn_alert", value, now, of_severity, verdict))
    return signals


def _burns(windows: Sequence[tuple[float, float]], allowed: float) -> list[float | None]:
    """``burn_rate`` of many windows: hundreds of objectives are judged at every evaluation."""
    return [
        None if total <= 0 else 0.0 if good >= total else (1.0 if good <= 0 else (total - good) / total) / allowed
        for good, total in windows
    ]


def compliance_verdict(settings: SLOSettings, counts: Counts) -> Verdict:
    """OK, BAD, or UNKNOWN without events: missing data is never "met"."""
    compliance, goal, noun, where = counts.compliance, settings.goal, settings.noun, window_text(settings)
    evidence = {"good": counts.good, "total": counts.total, "type": str(settings.type), "window": where}
    if compliance is None:
        return Verdict(Outcome.UNKNOWN, f"no {noun} in {where}", None, goal, 0, method="slo", evidence=evidence)
    met = compliance >= goal
    share = f"{_percent(compliance)} of {counts.total:,.0f} {noun} in {where}"
    reason = f"{share} were good: {'meets' if met else 'misses'} the target of {_percent(goal)}"
    return Verdict(
        Outcome.OK if met else Outcome.BAD, reason, compliance, goal, round(counts.total), method="slo", evidence=evidence
    )


def window_text(settings: SLOSettings) -> str:
    """'the last 28d', 'this month'."""
    return _window_words(settings.window)


@cache
def _window_words(window: float | str) -> str:
    return f"this {window}" if isinstance(window, str) else f"the last {window_name(window)}"


def _budget_verdict(ledger: SLOLedger, counts: Counts) -> Verdict:
    settings, left = ledger.settings, budget_remaining(counts, ledger.goal)
    if left is None:
        return Verdict(Outcome.UNKNOWN, f"no {settings.noun} in {window_text(settings)}", None, 0.0, 0, method="slo")
    allowed = (1 - ledger.goal) * counts.total
    reason = f"{counts.bad:,.0f} bad {settings.noun} of the {allowed:,.1f} that the target allows in {window_text(settings)}"
    return Verdict(Outcome.OK if left >= 0 else Outcome.BAD, reason, left, 0.0, round(counts.total), method="slo")


def _burn_alert(
    ledger: SLOLedger, severity: Severity, windows: Sequence[tuple[float, float]], burns: Sequence[float | None]
) -> tuple[float | None, Verdict]:
    """The row of the table that fires, else the one that comes nearest, in words."""
    rows = ledger.rows[severity]
    if not rows or all(burns[long] is None for _, long, _ in rows):
        reason = f"no events in the last {window_name(rows[-1][0].long_seconds)}" if rows else "the burn table has no such row"
        return None, Verdict(Outcome.UNKNOWN, reason, method="multi-window burn rate")
    shown = _telling_row(ledger, rows, windows, burns)
    verdict = Verdict(
        Outcome.BAD if shown.fires else Outcome.OK, shown.reason, shown.long_burn, shown.window.factor, round(shown.long.total),
        None, None, "multi-window burn rate", _burn_evidence(shown, ledger.settings) if shown.fires else {},
    )  # fmt: skip
    return float(shown.fires), verdict


def _telling_row(
    ledger: SLOLedger, rows: Sequence[Row], windows: Sequence[tuple[float, float]], burns: Sequence[float | None]
) -> BurnVerdict:
    goal, guard = ledger.goal, ledger.settings.guard
    nearest, telling = -1.0, 0

    def judged_row(row: BurnWindow, long: int, short: int) -> BurnVerdict:
        return judge_burns(row, Counts(*windows[long]), Counts(*windows[short]), (burns[long], burns[short]), goal, guard)

    for at, (row, long, short) in enumerate(rows):
        near = min(burns[long] or 0.0, burns[short] or 0.0) / row.factor
        if near > nearest:
            nearest, telling = near, at
        if near >= 1:
            judged = judged_row(row, long, short)
            if judged.fires:
                return judged
    return judged_row(*rows[telling])


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


@lru_cache(maxsize=1024)
def _percent(share: float) -> str:
    """Enough digits that 99.95% is not rounded to 100%."""
    text = f"{100 * share:.4f}".rstrip("0").rstrip(".")
    return "just under 100%" if text == "100" and share < 1 else f"{text}%"
