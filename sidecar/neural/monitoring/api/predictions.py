"""GET /api/v1/predictions: the prediction log, newest page first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neural.monitoring.api.operation import Call, Operation, Reply
from neural.monitoring.api.parameters import MODEL, SINCE, UNTIL, VERSION, limit

MAX_ROWS = 1000
_RESOLUTION_SECONDS = 1e-6
"""The log keeps times to the microsecond."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """``folder`` is the log's. Predictions hold people's data: reading them asks for the same right as changing things."""

    folder: Path

    def page(self, call: Call) -> Reply:
        """Rows with since ≤ time < until, in time order; ``next`` has the query of the page before, None on the last."""
        from neural.monitoring.predictions import read_predictions  # loads pyarrow: only when somebody asks

        query = call.query
        table = read_predictions(
            self.folder,
            model=query["model"],
            version=query["version"],
            since=query["since"],
            until=query["until"],
            limit=query["limit"],
        )
        rows: list[dict[str, Any]] = [{**row, "time": row["time"].timestamp()} for row in table.to_pylist()]
        following = None
        if len(rows) == query["limit"]:
            oldest = rows[0]["time"]
            # Rows of one request have one time: a request cut by the page's edge is shown whole on the next page.
            whole = [row for row in rows if row["time"] > oldest]
            rows, following = (whole, oldest + _RESOLUTION_SECONDS) if whole else (rows, oldest)
        return Reply({"predictions": rows, "next": _next(call, following)})


def _next(call: Call, until: float | None) -> dict[str, Any] | None:
    if until is None:
        return None
    return {key: value for key, value in {**call.query, "until": round(until, 6)}.items() if value is not None}


def prediction_operation(folder: Path) -> Operation:
    return Operation(
        "predictions",
        "The prediction log, newest page first",
        Predictions(folder).page,
        (MODEL, VERSION, SINCE, UNTIL, limit(100, MAX_ROWS)),
        response={"$ref": "#/components/schemas/PredictionPage"},
        private=True,
        problems=(401, 403),
    )
