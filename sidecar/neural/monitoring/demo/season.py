"""April to December on the winter's model: which alerts fired, and at which flights of the year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from neural.monitoring.demo.client import Client
from neural.monitoring.demo.data import Flights
from neural.monitoring.store import AlertRow


def season_report(alerts: Sequence[AlertRow], client: Client, flights: Flights) -> list[Mapping[str, Any]]:
    """Each alert with the date of the flights that were being sent when it fired."""
    found: list[Mapping[str, Any]] = []
    for alert in alerts:
        fired_at = alert.fired_at or 0.0
        row = min(client.traffic.rows_at(fired_at), len(flights) - 1)
        date = dt.datetime.fromtimestamp(float(flights.departs[row]), dt.UTC).date().isoformat()
        found.append({"rule": alert.rule, "flight_date": date, "rows": row, "message": alert.message})
    return found
