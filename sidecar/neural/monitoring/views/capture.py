"""Where every request went: the loss ledger, and what could not be decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from neural.monitoring.store import Store
from neural.monitoring.views.current import CAPTURE, Current, current
from neural.monitoring.views.snapshot import ledger_from
from neural.wire.event import Ledger

FAILURE_EXAMPLES = 20


def capture(store: Store, now: float) -> dict[str, Any]:
    """``status`` ("ok" | "no_data"), ``timestamp``, ``ledger`` (all sources added up: seen, shipped, sampled_out,
    dropped{reason}, in_flight, lost, loss_ratio, balanced), ``sources`` {source: the same}, ``counters`` (the sidecar's
    running totals), ``unparsed_rate``, ``overhead_us_p50`` (the middleware's own measurement, None when unknown), ``backlog``,
    ``failures`` (the newest decode failures: time, reason, detail, prediction_id, path).
    """
    return capture_now(store, now, current(store))


def capture_now(store: Store, now: float, now_state: Current) -> dict[str, Any]:
    """The same, with the signals already read."""
    stored: Mapping[str, Any] = store.value(CAPTURE, {}) or {}
    sources = {name: ledger_from(body) for name, body in (stored.get("sources") or {}).items()}
    total = ledger_from(stored["ledger"]) if stored.get("ledger") else add_ledgers(sources)
    return {
        "status": "ok" if stored else "no_data",
        "timestamp": now,
        "ledger": ledger_dict(total),
        "sources": {name: ledger_dict(one) for name, one in sorted(sources.items())},
        "counters": dict(stored.get("counters") or {}),
        "overhead_us_p50": stored.get("overhead_us_p50"),
        "unparsed_rate": now_state.value("unparsed_rate"),
        "backlog": now_state.value("sidecar.backlog"),
        "failures": [{"time": report.time, **report.body} for report in store.reports("decode_failure", limit=FAILURE_EXAMPLES)],
    }


def add_ledgers(ledgers: Mapping[str, Ledger]) -> Ledger:
    """All sources' totals as one ledger."""
    dropped: Counter[str] = Counter()
    for one in ledgers.values():
        dropped.update(one.dropped)
    sums = {name: sum(getattr(one, name) for one in ledgers.values()) for name in ("seen", "shipped", "sampled_out", "in_flight")}
    return Ledger(dropped=dict(dropped), **sums)


def ledger_dict(ledger: Ledger) -> dict[str, Any]:
    """A ledger as JSON, with what follows from it: lost, loss_ratio (None before the first request), balanced."""
    lost = sum(ledger.dropped.values())
    return {
        **ledger._asdict(),
        "dropped": dict(ledger.dropped),
        "lost": lost,
        "loss_ratio": lost / ledger.seen if ledger.seen else None,
        "balanced": ledger.balanced,
    }
