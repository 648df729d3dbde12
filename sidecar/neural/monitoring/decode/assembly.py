"""Decoded requests of one layout to one RecordBatch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from neural.monitoring.decode.features import FeatureBuilder
from neural.monitoring.decode.outcomes import OutcomeReader
from neural.monitoring.decode.parsed import Table
from neural.monitoring.decode.settings import DecodeSettings, FeatureSpec
from neural.monitoring.decode.stacking import stack
from neural.monitoring.decode.traffic import ModelVersion, seconds, trace_id, weights_of
from neural.monitoring.records import Column, RecordBatch
from neural.monitoring.row_ids import RowIds
from neural.wire.table import EventTable

LayoutKey = tuple[ModelVersion, str, tuple[Any, ...], tuple[Any, ...] | None]


@dataclass(slots=True)
class Group:
    """Requests of one layout, collected from one capture batch. ``places`` are those of their events in the batch's table."""

    model: ModelVersion
    decoder: str
    places: list[int] = field(default_factory=list[int])
    identities: list[str] = field(default_factory=list[str])
    counts: list[int] = field(default_factory=list[int])  # rows of each event
    inputs: list[Table] = field(default_factory=list[Table])
    outputs: list[Table] = field(default_factory=list[Table])  # for all of them or for none

    def add(self, places: Sequence[int], identities: list[str], counts: list[int], inputs: Table, outputs: Table | None) -> None:
        self.places.extend(places)
        self.identities.extend(identities)
        self.counts.extend(counts)
        self.inputs.append(inputs)
        if outputs is not None:
            self.outputs.append(outputs)


class Assembler:
    """Builds the batches of one model and version: remembers what kinds its columns and outputs have."""

    def __init__(self, settings: DecodeSettings, schema: Mapping[str, FeatureSpec]) -> None:
        self._features = FeatureBuilder(settings, schema)
        self._outcomes = OutcomeReader(settings.outputs)

    def snapshot(self) -> Mapping[str, Any]:
        return {"kinds": self._features.kinds(), "outputs": self._outcomes.snapshot()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._features.restore(state["kinds"])
        self._outcomes.restore(state["outputs"])

    def batch(self, group: Group, table: EventTable) -> RecordBatch:
        """The group's rows in columns. Raises Undecodable when the layout is beyond the limits."""
        inputs = stack(group.inputs)
        events = table.take(group.places)
        ids: Sequence[str] = group.identities
        times, latency, weights = (
            seconds(events.column("started_unix_ns")),
            seconds(events.column("duration_ns")),
            weights_of(events),
        )
        if group.counts.count(1) != len(group.counts):
            counts = np.array(group.counts, dtype=np.int64)
            times, latency, weights = np.repeat(times, counts), np.repeat(latency, counts), np.repeat(weights, counts)
            ids = RowIds(group.identities, group.counts)
        predictions, probabilities = self._outputs(group)
        return RecordBatch(
            model=group.model[0],
            version=group.model[1],
            times=times,
            row_ids=ids,
            features=self._features.build(inputs.names, inputs.columns, inputs.kinds, inputs.types),
            predictions=predictions,
            probabilities=probabilities,
            latency_seconds=latency,
            weights=weights,
            decoder=group.decoder,
            trace_ids=_row_traces(events, group.counts),
        )

    def _outputs(self, group: Group) -> tuple[Column | None, Mapping[str, Any]]:
        if not group.outputs:
            return None, {}
        outputs = stack(group.outputs)
        return self._outcomes.read(outputs.names, outputs.columns) if outputs.names else (None, {})


def _row_traces(events: EventTable, counts: Sequence[int]) -> list[str]:
    """The trace of each row; empty when no request carried one."""
    traceparents = events.column("traceparent")
    if not any(traceparents):
        return []
    return list(chain.from_iterable([trace_id(one)] * rows for one, rows in zip(traceparents, counts, strict=True)))
