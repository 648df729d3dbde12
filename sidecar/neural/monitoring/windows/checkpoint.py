"""Panes as bytes and back: one JSON header and the arrays behind it, deflated. No pickle."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind
from neural.monitoring.windows.layout import Layout
from neural.monitoring.windows.learner import Learner
from neural.monitoring.windows.model_panes import ModelPanes
from neural.monitoring.windows.reference import Reference
from neural.monitoring.windows.settings import WindowSettings
from neural.monitoring.windows.tally import Tally
from neural.monitoring.windows.traffic import LATENCY_CELLS, TrafficPane

FORMAT = 1
MAX_BYTES = 2**31  # of one snapshot, inflated
_TYPES = {"f": np.dtype("<f8"), "i": np.dtype("<i8"), "b": np.dtype("?")}


class _Writer:
    """Collects arrays; the header refers to them by number."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def put(self, array: NDArray[Any]) -> list[Any]:
        code = {"f": "f", "i": "i", "b": "b"}[array.dtype.kind]
        data = zlib.compress(np.ascontiguousarray(array, dtype=_TYPES[code]).tobytes(), 1)
        self.chunks.append(data)
        return [code, list(array.shape), len(data)]


class _Reader:
    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def take(self, spec: list[Any]) -> NDArray[Any]:
        code, shape, length = spec
        raw = zlib.decompressobj().decompress(self._data[self._at : self._at + length], MAX_BYTES)
        self._at += length
        return np.frombuffer(raw, dtype=_TYPES[code]).reshape(shape).copy()


def pack_models(models: Mapping[tuple[str, str], ModelPanes]) -> bytes:
    writer = _Writer()
    items = [{"key": list(key), **_pack_model(panes, writer)} for key, panes in models.items()]
    header = orjson.dumps({"format": FORMAT, "models": items})
    return b"".join([len(header).to_bytes(8, "little"), header, *writer.chunks])


def unpack_models(
    data: bytes, settings: WindowSettings, learner: Callable[[], Learner | None]
) -> dict[tuple[str, str], ModelPanes]:
    """Raises ValueError when the bytes are no snapshot of this format."""
    size = int.from_bytes(data[:8], "little")
    try:
        header = orjson.loads(data[8 : 8 + size])
        if header["format"] != FORMAT:
            raise ValueError(f"panes of format {header['format']!r}; this version reads {FORMAT}")
        reader = _Reader(memoryview(data)[8 + size :])
        return {(item["key"][0], item["key"][1]): _unpack_model(item, reader, settings, learner()) for item in header["models"]}
    except (KeyError, TypeError, IndexError, zlib.error) as error:
        raise ValueError(f"the stored panes can't be read: {error!r}") from error


def _pack_model(panes: ModelPanes, writer: _Writer) -> dict[str, Any]:
    reference = panes.layout.reference
    return {
        "reference": reference.to_bytes().decode() if reference else None,
        "places": [[place.name, place.kind.value, place.centre] for place in panes.layout.places.values()],
        "latest": _pack_tally(panes.latest, writer),
        "latest_since": panes.latest_since,
        "latest_seasons": list(panes.latest_seasons.items()),
        "late_rows": panes.late_rows,
        "panes": [[number, _pack_tally(tally, writer)] for number, tally in panes.panes.items()],
        "traffic": [[number, _pack_traffic(pane, writer)] for number, pane in panes.traffic.items()],
        "learner": _pack_learner(panes.learner, writer) if panes.learner else None,
    }


def _unpack_model(item: Mapping[str, Any], reader: _Reader, settings: WindowSettings, learner: Learner | None) -> ModelPanes:
    reference = Reference.from_bytes(item["reference"].encode()) if item["reference"] else None
    layout = Layout(reference, settings.max_columns)
    for name, kind, centre in item["places"]:
        place = layout.place(name, Kind(kind))
        if place is not None:
            place.centre = centre
    latest = _unpack_tally(item["latest"], reader)
    panes = {int(number): _unpack_tally(body, reader) for number, body in item["panes"]}
    traffic = {int(number): _unpack_traffic(body, reader) for number, body in item["traffic"]}
    if item["learner"] is not None:
        held = _unpack_learner(item["learner"], reader, learner)
    else:
        held = None
    return ModelPanes(
        settings,
        layout,
        held,
        latest,
        float(item["latest_since"]),
        panes,
        traffic,
        int(item["late_rows"]),
        latest_seasons={int(hour): int(rows) for hour, rows in item.get("latest_seasons", ())},
    )


def _pack_tally(tally: Tally, writer: _Writer) -> dict[str, Any]:
    arrays = [writer.put(array) for array in (tally.sums, tally.counts, tally.low, tally.high)]
    return {"rows": tally.rows, "names": [[at, names] for at, names in tally.names.items()], "arrays": arrays}


def _unpack_tally(body: Mapping[str, Any], reader: _Reader) -> Tally:
    sums, counts, low, high = (reader.take(spec) for spec in body["arrays"])
    return Tally(sums, counts, low, high, int(body["rows"]), {int(at): dict(names) for at, names in body["names"]})


_TRAFFIC_SCALARS = ("requests", "failed", "client_errors", "events", "latency_sum", "latency_max", "first_time", "last_time")


def _pack_traffic(pane: TrafficPane, writer: _Writer) -> dict[str, Any]:
    used = np.flatnonzero(pane.latency_counts)
    return {
        **{name: getattr(pane, name) for name in _TRAFFIC_SCALARS},
        "by_status": [[code, count] for code, count in pane.by_status.items()],
        "unparsed": dict(pane.unparsed),
        "cells": [writer.put(used), writer.put(pane.latency_counts[used])],
    }


def _unpack_traffic(body: Mapping[str, Any], reader: _Reader) -> TrafficPane:
    used, weights = (reader.take(spec) for spec in body["cells"])
    counts = np.zeros(LATENCY_CELLS)
    counts[used] = weights
    return TrafficPane(
        **{name: body[name] for name in _TRAFFIC_SCALARS},
        by_status={int(code): float(count) for code, count in body["by_status"]},
        unparsed=dict(body["unparsed"]),
        latency_counts=counts,
    )


def _pack_learner(learner: Learner, writer: _Writer) -> dict[str, Any]:
    learner.compact()
    rows, columns = learner.blocks[0] if learner.blocks else (0, {})
    return {
        "seen": learner.seen,
        "first_time": learner.first_time,
        "last_time": learner.last_time,
        "rows": rows,
        "priorities": writer.put(learner.priorities[0] if learner.priorities else np.empty(0)),
        "columns": [_pack_column(column, writer) for column in columns.values()],
    }


def _unpack_learner(body: Mapping[str, Any], reader: _Reader, learner: Learner | None) -> Learner | None:
    priorities = reader.take(body["priorities"])
    columns = {item["name"]: _unpack_column(item, reader) for item in body["columns"]}
    if learner is None:
        return None
    learner.resume(columns, priorities, int(body["seen"]), body["first_time"], float(body["last_time"]))
    return learner


def _pack_column(column: Column, writer: _Writer) -> dict[str, Any]:
    words = column.values.dtype == object
    return {
        "name": column.name,
        "kind": column.kind.value,
        "words": column.values.tolist() if words else None,
        "numbers": None if words else writer.put(np.asarray(column.values, dtype=np.float64)),
        "missing": writer.put(column.missing),
        "invalid": None if column.invalid is None else writer.put(column.invalid),
    }


def _unpack_column(item: Mapping[str, Any], reader: _Reader) -> Column:
    if item["words"] is not None:
        values: NDArray[Any] = np.empty(len(item["words"]), dtype=object)
        values[:] = item["words"]
    else:
        values = reader.take(item["numbers"])
    missing = reader.take(item["missing"])
    invalid = None if item["invalid"] is None else reader.take(item["invalid"])
    return Column(item["name"], Kind(item["kind"]), values, missing, invalid)
