"""What ``config check`` found, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from neural.monitoring.clock import system_clock
from neural.monitoring.errors import StoreError
from neural.monitoring.store import STATE_FILE, open_store

if TYPE_CHECKING:
    from neural.monitoring.settings import Settings


_WEEK_SECONDS = 7 * 86400.0
_EVERY_SECONDS = 300.0


def found_in(settings: Settings, storage_path: Path | None = None) -> list[dict[str, Any]]:
    """What there is to object to; the state in ``storage_path``, where there is one, says how much traffic there is.

    Each finding: weight ("error" | "warning"), where ("file:line"), key (dotted), message, hint, text (all of it in one line)."""
    from neural.monitoring.settings import check

    return [
        {
            "weight": one.weight.value,
            "where": one.where,
            "key": one.key,
            "message": one.message,
            "hint": one.hint,
            "text": str(one),
        }
        for one in check(settings, requests_per_second=observed_rate(storage_path))
    ]


def observed_rate(storage_path: Path | None, now: float | None = None) -> float | None:
    """Requests a second over the last week, of all models together; None without state."""
    if storage_path is None or not (storage_path / STATE_FILE).is_file():
        return None
    until = system_clock() if now is None else now
    store = open_store(storage_path, read_only=True)
    try:
        signals = store.read_signals(["requests.rate"], since=until - _WEEK_SECONDS, until=until, every=_EVERY_SECONDS)
    except StoreError:
        return None
    finally:
        store.close()
    rates: dict[float, float] = {}
    for signal in signals:
        rates[signal.time] = rates.get(signal.time, 0.0) + (signal.value or 0.0)
    return sum(rates.values()) / len(rates) if rates else None
