"""Is it well? One word, and the sentences behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from neural.monitoring.store import Store
from neural.monitoring.views.capture import capture_now
from neural.monitoring.views.current import CAPTURE, SIDECAR, Current, current
from neural.monitoring.views.drift import drift_now
from neural.monitoring.views.quality import quality_now
from neural.monitoring.views.slos import slos_now

HEALTHY, WARNING, CRITICAL, NO_DATA = "healthy", "warning", "critical", "no_data"
LOSS_WORTH_SAYING = 0.001
"""Below one lost request in a thousand the ledger's own view is enough."""
_RANK = (CRITICAL, WARNING, NO_DATA, HEALTHY)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``status``: healthy, warning, critical, or no_data."""

    name: str
    status: str
    detail: str


def health(store: Store, now: float, *, model: str | None = None, version: str | None = None) -> dict[str, Any]:
    """``timestamp``, ``model``, ``version``, ``status`` ("healthy" | "warning" | "critical"; "no_data" before the first
    evaluation), ``issues`` (sentences, worst first; without data, what is awaited), ``checks`` [{name, status, detail}], ``last_evaluation`` and
    ``age_seconds`` of it.
    """
    return health_now(store, now, current(store, model=model, version=version))


def health_now(store: Store, now: float, now_state: Current) -> dict[str, Any]:
    """The same, with the signals already read."""
    checks = list(_checks(store, now_state, now))
    if now_state.newest is None:
        status, issues = NO_DATA, [check for check in checks if check.name == SIDECAR]
    else:
        bad = (check for check in checks if check.status in {CRITICAL, WARNING})
        issues = sorted(bad, key=lambda check: _RANK.index(check.status))
        status = issues[0].status if issues else HEALTHY
    return {
        "timestamp": now,
        "model": now_state.model,
        "version": now_state.version,
        "status": status,
        "issues": [check.detail for check in issues],
        "checks": [asdict(check) for check in checks],
        "last_evaluation": now_state.newest,
        "age_seconds": None if now_state.newest is None else max(0.0, now - now_state.newest),
    }


def _checks(store: Store, now_state: Current, now: float) -> Iterator[Check]:
    yield _sidecar(store, now_state, now)
    yield _alerts(store)
    yield _drift(now_state)
    yield _quality(now_state)
    yield _slos(now_state)
    yield _capture(store, now_state, now)
    yield from _limits(store)


def _sidecar(store: Store, now_state: Current, now: float) -> Check:
    if now_state.newest is None:
        return Check("sidecar", NO_DATA, f"Nothing has been evaluated yet{_awaited(store)}")
    if now_state.stopped_at is not None:
        return Check("sidecar", CRITICAL, f"The sidecar was stopped at {_utc(now_state.stopped_at)}: this is how it was then")
    silent = now_state.silent_seconds(now)
    if silent is not None:
        told = f"No evaluation for {silent:.0f} s, since {_utc(now_state.newest)}: is the sidecar running?"
        return Check("sidecar", CRITICAL, told)
    return Check("sidecar", HEALTHY, f"Last evaluation {max(0.0, now - now_state.newest):.0f} s ago")


def _limits(store: Store) -> Iterator[Check]:
    """Only where one was reached."""
    counters = (store.value(CAPTURE, {}) or {}).get("counters") or {}
    rows, columns = int(counters.get("unwatched_rows") or 0), int(counters.get("unwatched_columns") or 0)
    if rows:
        told = f"{rows:,} rows of model versions beyond windows.max_models were logged and not watched"
        yield Check("models", WARNING, told)
    if columns:
        yield Check("columns", WARNING, f"{columns:,} columns beyond windows.max_columns are logged and not watched")


def _awaited(store: Store) -> str:
    """Where the first requests should come from: the usual reason of an empty page is a server that sends elsewhere."""
    doors = (store.value(SIDECAR, {}) or {}).get("listen") or []
    return f": requests are awaited at {' and '.join(doors)} (the model server's NEURAL_CAPTURE_ENDPOINT)" if doors else ""


def _utc(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _alerts(store: Store) -> Check:
    firing = store.alerts(states=["firing"])
    if not firing:
        return Check("alerts", HEALTHY, "No alert is firing")
    titles = ", ".join(dict.fromkeys(row.title or row.rule for row in firing))
    status = CRITICAL if any(row.severity == "critical" for row in firing) else WARNING
    return Check("alerts", status, f"{len(firing)} alert{'s' if len(firing) > 1 else ''} firing: {titles}")


def _drift(now_state: Current) -> Check:
    state = drift_now(now_state)
    if state["outcome"] == "unknown":
        return Check("drift", NO_DATA, state["reason"] or "Drift is not known: no reference, or not enough data")
    if state["is_drifting"]:
        status = CRITICAL if state["drift_severity"] == "critical" else WARNING
        return Check("drift", status, state["reason"] or "The data has drifted")
    return Check("drift", HEALTHY, state["reason"] or "No drift")


def _quality(now_state: Current) -> Check:
    state = quality_now(now_state)
    if state["is_healthy"] is None:
        return Check("quality", NO_DATA, state["reason"] or "Data quality is not known")
    if state["is_healthy"]:
        return Check("quality", HEALTHY, state["reason"] or "The data is sound")
    return Check("quality", WARNING, state["reason"] or "Data quality is poor")


def _slos(now_state: Current) -> Check:
    found = slos_now(now_state)
    breached = [name for name, one in found.items() if one["status"] == "breached"]
    at_risk = [name for name, one in found.items() if one["status"] == "at_risk"]
    if breached:
        return Check("slo", CRITICAL, f"Objective{'s' if len(breached) > 1 else ''} not met: {', '.join(breached)}")
    if at_risk:
        return Check("slo", WARNING, f"Error budget burns too fast: {', '.join(at_risk)}")
    met = sum(one["status"] == "met" for one in found.values())
    unknown = f", {len(found) - met} without data yet" if met < len(found) else ""
    told = f"{met} objective{'' if met == 1 else 's'} met{unknown}" if found else "No objective measured yet"
    return Check("slo", HEALTHY if met else NO_DATA, told)


def _capture(store: Store, now_state: Current, now: float) -> Check:
    state = capture_now(store, now, now_state)
    ledger = state["ledger"]
    if state["status"] == "no_data" or not ledger["seen"]:
        return Check("capture", NO_DATA, "No request has been captured yet")
    if not ledger["balanced"]:
        return Check("capture", WARNING, "The loss ledger does not add up")
    if ledger["loss_ratio"] > LOSS_WORTH_SAYING:
        return Check("capture", WARNING, f"{ledger['loss_ratio']:.1%} of the requests were lost on the way to the sidecar")
    return Check("capture", HEALTHY, f"{ledger['seen']:,} requests seen, {ledger['lost']:,} lost")
