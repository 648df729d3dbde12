"""Are the objectives met, and how much of their error budgets is left."""

from __future__ import annotations

from typing import Any

from neural.monitoring.store import Store
from neural.monitoring.views.current import Current, current, outcome, reason, verdict_dict

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
MAX_BREACHES = 1000
"""The newest so many are counted."""


def slos(
    store: Store, now: float, name: str | None = None, *, model: str | None = None, version: str | None = None
) -> dict[str, Any]:
    """``status`` ("ok" | "no_data" | "unknown_slo"), ``timestamp``, ``model``, ``slos`` {name: …}, all or the
    one named, and ``known``: their names (when the one named is not there, those that are).

    Each: ``status`` ("met" | "breached" | "at_risk" | "no_data"), ``slo``, ``target``, ``compliance_rate`` (shares, None
    without data), ``is_meeting``, ``error_budget_remaining`` (1 untouched, 0 spent, negative overspent), ``burn_rates``
    {window: rate}, ``burn_alerts`` {severity: bool}, ``current_breach``, ``reason``, ``verdict``. ``at_risk``: still met, but
    burning fast enough to alert. ``total_breaches``, ``total_breach_duration``, ``max_breach_duration`` (seconds): breaches that
    are over, as far back as reports are kept.
    """
    now_state = current(store, model=model, version=version)
    found = slos_now(now_state)
    past = _past_breaches(store, now_state.model)
    for key, one in found.items():
        durations = past.get(key, [])
        one |= {
            "total_breaches": len(durations),
            "total_breach_duration": sum(durations),
            "max_breach_duration": max(durations, default=0.0),
        }
    known = sorted(found)
    if name is not None:
        found = {key: value for key, value in found.items() if key == name}
    status = "ok" if found else "no_data" if not known else "unknown_slo"
    return {
        "status": status,
        "timestamp": now,
        "model": {"name": now_state.model, "version": now_state.version},
        "slos": found,
        "known": sorted(found) or known,
    }


def _past_breaches(store: Store, model: str) -> dict[str, list[float]]:
    """Durations of the breaches that ended, by objective."""
    found: dict[str, list[float]] = {}
    for report in store.reports("slo_breach", limit=MAX_BREACHES, model=model or None):
        found.setdefault(str(report.body.get("slo", "")), []).append(float(report.body.get("duration_seconds") or 0.0))
    return found


def slos_now(now_state: Current) -> dict[str, dict[str, Any]]:
    """Every objective by name, at the newest evaluation."""
    names = sorted({signal.labels["slo"] for family in now_state.by_name.values() for signal in family
                    if signal.name.startswith("slo.") and "slo" in signal.labels})  # fmt: skip
    return {name: _one(now_state, name) for name in names}


def _one(now_state: Current, name: str) -> dict[str, Any]:
    compliance = now_state.one("slo.compliance", slo=name)
    rate = compliance.value if compliance else None
    target = now_state.value("slo.target", slo=name)
    rates = {s.labels["window"]: s.value for s in now_state.by_name.get("slo.burn_rate", ())
             if s.labels.get("slo") == name and "window" in s.labels}  # fmt: skip
    alerts = {s.labels["severity"]: bool(s.value) for s in now_state.by_name.get("slo.burn_alert", ())
              if s.labels.get("slo") == name and "severity" in s.labels}  # fmt: skip
    meeting = _is_meeting(outcome(compliance), rate, target)
    return {
        "status": "no_data" if meeting is None else "breached" if not meeting else "at_risk" if any(alerts.values()) else "met",
        "slo": name,
        "target": target,
        "compliance_rate": rate,
        "is_meeting": meeting,
        "error_budget_remaining": now_state.value("slo.budget_remaining", slo=name),
        "burn_rates": dict(sorted(rates.items(), key=lambda pair: _seconds(pair[0]))),
        "burn_alerts": alerts,
        "current_breach": meeting is False,
        "reason": reason(compliance),
        "verdict": verdict_dict(compliance.verdict) if compliance else None,
    }


def _seconds(window: str) -> float:
    """The length of a window by its name ("5m"), so that they stand in order; a name of another form comes last."""
    count, unit = window[:-1], window[-1:]
    return int(count) * _UNIT_SECONDS[unit] if count.isascii() and count.isdigit() and unit in _UNIT_SECONDS else float("inf")


def _is_meeting(judged: str, rate: float | None, target: float | None) -> bool | None:
    if rate is None:
        return None
    if judged in {"ok", "bad"}:
        return judged == "ok"
    return None if target is None else rate >= target
