"""What the upstream systems send: flights as V2 or V1 requests, with the incidents' damage where one is under way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.demo.data import CATEGORICAL, FEATURES, NUMERIC, Flights

V2_PATH = "/v2/models/flights/infer"
V1_PATH = "/v1/models/flights:predict"
V1_SHARE = 0.25
"""Share of the requests sent in KServe V1's form; the rest are Open Inference V2."""
NULL_SHARE = 0.3
"""Third incident: this share of ``pressure`` and ``humid`` values is null."""
UNKNOWN_SHARE = 0.15
"""Third incident: this share of the rows carries a carrier code nobody knows."""
BROKEN_SHARE = 0.03
"""Third incident: this share of the requests lacks the tensor ``distance``; the server answers 500."""
UNKNOWN_CARRIER = "ZZ"


class Incident(StrEnum):
    """The three things that go wrong, one after another."""

    CELSIUS = "weather_in_celsius"
    SLOW = "slow_dependency"
    BROKEN = "broken_upstream"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request of the feed. ``outcomes`` are the rows' true labels, None where the flight never arrived."""

    prediction_id: str
    path: str
    body: bytes
    outcomes: list[int | None]
    row_ids: list[str]


class Feed:
    """Turns rows into requests. Deterministic for a seed."""

    def __init__(self, flights: Flights, seed: int) -> None:
        self._flights = flights
        self._random = np.random.default_rng([seed, 1])
        self._sent = 0

    def request(self, start: int, stop: int, incident: Incident | None) -> Request:
        """The rows [start, stop) as one request, as the upstream would send them now."""
        self._sent += 1
        rows = self._flights.take(np.arange(start, stop))
        columns = self._damage(dict(rows.columns), stop - start, incident)
        prediction_id = f"flight-{self._sent:07d}"
        outcomes = [None if np.isnan(late) else int(late) for late in rows.late]
        row_ids = [prediction_id] if len(outcomes) == 1 else [f"{prediction_id}:{row}" for row in range(len(outcomes))]
        path, body = (V1_PATH, _v1(columns)) if self._random.random() < V1_SHARE else (V2_PATH, _v2(columns, prediction_id))
        return Request(prediction_id, path, json.dumps(body, separators=(",", ":")).encode(), outcomes, row_ids)

    def _damage(self, columns: dict[str, NDArray[Any]], n: int, incident: Incident | None) -> dict[str, NDArray[Any]]:
        if incident is Incident.CELSIUS:
            for name in ("temp", "dewp"):
                columns[name] = ((columns[name] - 32) / 1.8).round(2)
        if incident is Incident.BROKEN:
            for name in ("pressure", "humid"):
                columns[name] = np.where(self._random.random(n) < NULL_SHARE, np.nan, columns[name])
            columns["carrier"] = np.where(self._random.random(n) < UNKNOWN_SHARE, UNKNOWN_CARRIER, columns["carrier"])
            if self._random.random() < BROKEN_SHARE:
                del columns["distance"]
        return columns


def _plain(values: NDArray[Any]) -> list[Any]:
    return [None if isinstance(value, float) and value != value else value for value in values.tolist()]  # noqa: PLR0124 – NaN is not itself


def _v2(columns: dict[str, NDArray[Any]], request_id: str) -> dict[str, Any]:
    inputs = [
        {
            "name": name,
            "datatype": "BYTES" if name in CATEGORICAL else "FP64",
            "shape": [len(columns[name])],
            "data": _plain(columns[name]),
        }
        for name in FEATURES
        if name in columns
    ]
    return {"id": request_id, "inputs": inputs}


def _v1(columns: dict[str, NDArray[Any]]) -> dict[str, Any]:
    present = [name for name in (*NUMERIC, *CATEGORICAL) if name in columns]
    lists = [_plain(columns[name]) for name in present]
    return {"instances": [dict(zip(present, row, strict=True)) for row in zip(*lists, strict=True)]}
