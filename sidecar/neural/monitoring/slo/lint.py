"""The maths over objectives: pages that can't fire, budgets too small to judge, thresholds nobody promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from neural.monitoring.slo.burn import burn_windows, why_it_cannot_fire, window_name
from neural.monitoring.slo.settings import Severity, SLOSettings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with an objective. ``key`` is dotted: ``slos[0].target``. error: it can't work as written."""

    weight: Literal["error", "warning"]
    key: str
    message: str
    hint: str = ""


def lint_slos(
    slos: Sequence[SLOSettings],
    *,
    slot_seconds: float = 60.0,
    evaluate_every: float = 60.0,
    requests_per_second: float | None = None,
) -> list[Finding]:
    """Everything found, errors first. ``requests_per_second`` is what was observed, None when unknown."""
    found = [
        finding
        for index, slo in enumerate(slos)
        for finding in (
            *_pages(slo, f"slos[{index}]", slot_seconds),
            *_windows(slo, f"slos[{index}]", slot_seconds, evaluate_every),
            *_budget(slo, f"slos[{index}]", slot_seconds, requests_per_second),
        )
    ]
    return sorted(found, key=lambda finding: finding.weight != "error")


def _pages(slo: SLOSettings, key: str, slot: float) -> Iterator[Finding]:
    """What is asked to page can page. Said of all severities when they were asked for by name, else of pages."""
    asked = slo.burn_alerts if slo.burn_alerts is not None else (Severity.PAGE,)
    for severity in asked:
        rows = [row for row in burn_windows(slo.period_seconds, slot) if row.severity is severity]
        idle = [row for row in rows if why_it_cannot_fire(row, slo.goal)]
        if not idle:
            continue
        why = why_it_cannot_fire(max(idle, key=lambda row: row.factor), slo.goal)
        is_wrong = severity is Severity.PAGE or len(idle) == len(rows)
        hint = (
            "raise the target, or write burn_alerts: [ticket]"
            if severity is Severity.PAGE
            else "raise the target, or write burn_alerts: []"
        )
        yield Finding("error" if is_wrong else "warning", f"{key}.target", f"{slo.name}: {why}", hint)


def _windows(slo: SLOSettings, key: str, slot: float, evaluate_every: float) -> Iterator[Finding]:
    if slo.period_seconds < 10 * slot:
        message = f"{slo.name}: the window of {window_name(slo.period_seconds)} holds fewer than ten slots of {window_name(slot)}"
        yield Finding("error", f"{key}.window", message, "make the window longer, or windows.pane shorter")
    shortest = min(row.short_seconds for row in burn_windows(slo.period_seconds, slot))
    if evaluate_every > shortest:
        message = f"{slo.name}: evaluations come every {window_name(evaluate_every)}, burn windows are as short as {window_name(shortest)}"
        yield Finding("warning", f"{key}.window", message, "evaluate more often, or make the window longer")


def _budget(slo: SLOSettings, key: str, slot: float, rate: float | None) -> Iterator[Finding]:
    """The budget holds at least a few events."""
    events = slo.period_seconds / slot if slo.sliced else None if rate is None else rate * slo.period_seconds
    if events is None or slo.noun == "labelled predictions":
        return
    allowed = (1 - slo.goal) * events
    if allowed < 1:
        message = f"{slo.name}: {1 - slo.goal:.4%} of {events:,.0f} {slo.noun} in the window is {allowed:.2g}: a single bad one misses the target"
        yield Finding("warning", f"{key}.target", message, "lower the target, or make the window longer")
