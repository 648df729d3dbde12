"""Is the data sound: now, and over the last evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neural.monitoring.signal import Signal
from neural.monitoring.store import Report, Store
from neural.monitoring.views.current import Current, current, history, outcome, reason, reports_of, verdict_dict
from neural.monitoring.views.drift import mean_of

RATES = ("missing", "outlier", "invalid", "unseen", "stale")
CHECKS = {
    "schema_violations": "count",
    "stuck_columns": "count",
    "shifted_columns": "count",
    "duplicate_rate": "1",
    "freshness": "s",
}
"""What is checked of whole columns and rows, with its unit; schema violations include the order of columns."""
BESIDE_DRIFT = "shifted_columns"
"""Told among the findings; whether a shift matters is the drift verdict's to say, within its false-alarm budget."""
DUPLICATES = "duplicate_rows"
RECENT_REPORTS = 10


def quality(store: Store, window: int = 100, *, model: str | None = None, version: str | None = None) -> dict[str, Any]:
    """The newest ``window`` quality reports summed up, and the state now.

    Keys of the seed: ``status`` ("ok" | "no_data"), ``total_reports``, ``healthy_rate``, ``avg_quality_score``,
    ``avg_missing_rate``, ``avg_outlier_rate``, ``avg_invalid_rate`` (None without data), ``total_warnings``,
    ``recent_reports`` (the newest ten). Beside them ``model``, ``window`` and ``current``: outcome, is_healthy, score,
    missing_rate, outlier_rate, invalid_rate, unseen_rate, stale_rate, reason, time, verdict, ``features`` (worst first: feature
    and the same five rates, outcome, reason), ``checks`` (name → value, unit, outcome, reason of each of ``CHECKS`` that was made),
    ``findings`` (what was found, each with column, kind, count, rows, rate, text, first_seen, example, outcome), ``history``
    ([time, score], oldest first).
    """
    now_state = current(store, model=model, version=version)
    reports = reports_of(store, "quality", window, now_state, version)
    return {
        "status": "ok" if reports or now_state.one("quality.score") else "no_data",
        "model": {"name": now_state.model, "version": now_state.version},
        "window": window,
        **_summary(reports),
        "current": {**quality_now(now_state), "history": history(store, now_state, "quality.score")},
    }


def _summary(reports: Sequence[Report]) -> dict[str, Any]:
    bodies = [report.body for report in reports]
    return {
        "total_reports": len(reports),
        "healthy_rate": sum(bool(body.get("is_healthy")) for body in bodies) / len(bodies) if bodies else None,
        "avg_quality_score": mean_of(bodies, "quality_score"),
        "avg_missing_rate": mean_of(bodies, "missing_rate"),
        "avg_outlier_rate": mean_of(bodies, "outlier_rate"),
        "avg_invalid_rate": mean_of(bodies, "invalid_rate"),
        "total_warnings": sum(len(body.get("warnings") or ()) for body in bodies),
        "recent_reports": [dict(body) for body in bodies[-RECENT_REPORTS:]],
    }


def quality_now(now_state: Current) -> dict[str, Any]:
    """The quality of the newest evaluation: bad when the alarm, the score or a check is."""
    score = now_state.one("quality.score")
    alarm = now_state.one("quality.alarm") or score
    judged = [alarm, score, *(now_state.one(f"quality.{name}") for name in CHECKS if name != BESIDE_DRIFT)]
    worst = next((signal for signal in judged if outcome(signal) == "bad"), alarm)
    return {
        "outcome": outcome(worst),
        "is_healthy": None if outcome(worst) == "unknown" else outcome(worst) == "ok",
        "score": now_state.value("quality.score"),
        **{f"{rate}_rate": now_state.value(f"quality.{rate}_rate") for rate in RATES},
        "reason": reason(worst),
        "time": worst.time if worst else None,
        "verdict": verdict_dict(worst.verdict) if worst else None,
        "features": _features(now_state),
        "checks": checks_now(now_state),
        "findings": findings_in(alarm.verdict.evidence if alarm and alarm.verdict else {}, now_state),
    }


def has_findings(state: Mapping[str, Any]) -> bool:
    """Whether anything in an answer's ``current`` is bad: the verdict, a check, a column, what is found in columns and rows."""
    parts = (state, *state["checks"].values(), *state["features"], *state["findings"])
    return any(part["outcome"] == "bad" for part in parts)


def checks_now(now_state: Current) -> dict[str, dict[str, Any]]:
    """The checks that were made: name → value, unit, outcome, reason. ``reason`` says of what is bad; else of how it is judged."""
    made = {name: now_state.one(f"quality.{name}") for name in CHECKS}
    return {name: _check(signal, CHECKS[name]) for name, signal in made.items() if signal is not None}


def _check(signal: Signal, unit: str) -> dict[str, Any]:
    judged = outcome(signal)
    if signal.verdict is None and unit == "count" and signal.value is not None:  # of an earlier moment: the verdict is not kept
        judged = "bad" if signal.value else "ok"
    return {"value": signal.value, "unit": unit, "outcome": judged, "reason": reason(signal)}


def findings_in(evidence: Mapping[str, Any], now_state: Current) -> list[dict[str, Any]]:
    """The findings in the evidence of ``quality.alarm``: rates first, then columns, then rows that repeat, which are only bad by a limit."""
    found = [dict(row) for family in ("findings", "schema", "others") for row in evidence.get(family) or ()]
    repeated = outcome(now_state.one("quality.duplicate_rate"))
    for row in found:
        row["outcome"] = repeated if row.get("kind") == DUPLICATES else "bad"
    return sorted(found, key=lambda row: row["outcome"] != "bad")


def _features(now_state: Current) -> list[dict[str, Any]]:
    found = {rate: now_state.by_label(f"quality.feature_{rate}_rate", "feature") for rate in RATES}
    rows = []
    for name in sorted(set().union(*found.values())):
        signals = [signals[name] for signals in found.values() if name in signals]
        judged = min(signals, key=lambda signal: ("bad", "ok", "unknown").index(outcome(signal)))
        rates = {f"{rate}_rate": signals[name].value if name in signals else None for rate, signals in found.items()}
        rows.append({"feature": name, **rates, "outcome": outcome(judged), "reason": reason(judged)})
    return sorted(
        rows, key=lambda row: (row["outcome"] != "bad", -max(row[f"{rate}_rate"] or 0.0 for rate in RATES), row["feature"])
    )
