"""Acknowledging: somebody says "I have it". The alert goes on and its end is told; only the reminders stop.

Acknowledgements stand in the store beside the alerts, so that any process may write one (API, CLI) and the engine, which owns the
alerts, takes it in at its next evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from neural.monitoring.alerts.names import AlertState
from neural.monitoring.errors import DataError
from neural.monitoring.store.protocol import Store
from neural.monitoring.store.rows import AlertRow

STORE_KEY = "alerts.acknowledged"
_KEEP_SECONDS = 7 * 86400.0
_MOST_KEPT = 1000
_OPEN = (str(AlertState.FIRING), str(AlertState.SUPPRESSED))


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who has the alert, since when (Unix seconds), and what they say. ``source`` is the alert's family: "drift", "slo" …"""

    alert_id: str
    author: str
    at: float
    note: str = ""
    source: str = ""
    model: str = ""
    version: str = ""


def open_alerts(store: Store, wanted: str) -> list[AlertRow]:
    """The firing alerts meant by ``wanted``: an alert's id, the beginning of one, or the name of a rule."""
    rows = store.alerts(states=_OPEN)
    exact = [row for row in rows if row.alert_id == wanted]
    return exact or [row for row in rows if row.rule == wanted or (wanted and row.alert_id.startswith(wanted))]


def acknowledge(store: Store, alert_id: str, *, author: str, note: str = "", now: float) -> AlertRow:
    """Note that ``author`` has the alert; a later one replaces an earlier one. Returns the alert as it stands now.

    Raises DataError when no alert of that id fires.
    """
    with store.transaction():
        row = next((row for row in store.alerts(states=_OPEN) if row.alert_id == alert_id), None)
        if row is None:
            raise DataError(f"no alert {alert_id} is firing")
        said = Acknowledgement(
            alert_id, author, now, note, row.source, row.labels.get("model", ""), row.labels.get("version", "")
        )
        kept = [one for one in acknowledgements(store).values() if one.alert_id != alert_id and now - one.at < _KEEP_SECONDS]
        store.put_value(STORE_KEY, [asdict(one) for one in [*kept, said][-_MOST_KEPT:]])
        row = replace(row, acknowledged_by=author, acknowledged_at=now, acknowledged_note=note, updated_at=now)
        store.put_alert(row)
    return row


def acknowledgements(store: Store) -> dict[str, Acknowledgement]:
    """Those of the last days, by alert id, in the order in which they were given."""
    return {data["alert_id"]: Acknowledgement(**data) for data in store.value(STORE_KEY, [])}


def latest_by_family(given: Sequence[Acknowledgement], model: str, version: str, now: float) -> dict[str, float]:
    """Family → when an alert of it was last acknowledged for this model version, as of ``now``.

    What a monitor that has alarmed needs to know to look anew. An alert over all versions speaks for each of them.
    """
    found: dict[str, float] = {}
    for one in given:
        if one.at <= now and one.model in ("", model) and one.version in ("", version):
            found[one.source] = max(one.at, found.get(one.source, one.at))
    return found


def as_evidence(said: Acknowledgement) -> Mapping[str, Any]:
    """What the alert's evidence says of it."""
    return {"by": said.author, "at": said.at, **({"note": said.note} if said.note else {})}
