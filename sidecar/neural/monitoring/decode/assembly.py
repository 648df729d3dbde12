"""Decoded requests of one layout to one RecordBatch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from neural.monitoring.decode.features import FeatureBuilder
from neural.monitoring.decode.naming import row_ids
from neural.monitoring.decode.outcomes import OutcomeReader
from neural.monitoring.decode.parsed import Table
from neural.monitoring.decode.settings import DecodeSettings, FeatureSpec
from neural.monitoring.decode.stacking import stack
from neural.monitoring.decode.traffic import ModelVersion, seconds, trace_id, weights_of
from neural.monitoring.records import Column, RecordBatch
from neural.wire.event import CaptureEvent

LayoutKey = tuple[ModelVersion, str, tuple[Any, ...], tuple[Any, ...] | None]


@dataclass(slots=True)
class Group:
    """Requests of one layout, collected from one capture batch."""

    model: ModelVersion
    decoder: str
    events: list[CaptureEvent] = field(default_factory=list[CaptureEvent])
    identities: list[str] = field(default_factory=list[str])
    counts: list[int] = field(default_factory=list[int])  # rows of each event
    inputs: list[Table] = field(default_factory=list[Table])
    outputs: list[Table] = field(default_factory=list[Table])  # for all of them or for none

    def add(
        self, events: list[CaptureEvent], identities: list[str], counts: list[int], inputs: Table, outputs: Table | None
    ) -> None:
        self.events.extend(events)
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

    def batch(self, group: Group) -> RecordBatch:
        """The group's rows in columns. Raises Undecodable when the layout is beyond the limits."""
        names, columns, kinds = stack(group.inputs)
        counts = np.array(group.counts, dtype=np.int64)
        ids = group.identities
        if (counts != 1).any():
            ids = list(chain.from_iterable(map(row_ids, group.identities, counts.tolist())))
        predictions, probabilities = self._outputs(group)
        return RecordBatch(
            model=group.model[0],
            version=group.model[1],
            times=np.repeat(seconds([event.started_unix_ns for event in group.events]), counts),
            row_ids=ids,
            features=self._features.build(names, columns, kinds),
            predictions=predictions,
            probabilities=probabilities,
            latency_seconds=np.repeat(seconds([event.duration_ns for event in group.events]), counts),
            weights=np.repeat(weights_of(group.events), counts),
            decoder=group.decoder,
            trace_ids=_row_traces(group.events, group.counts),
        )

    def _outputs(self, group: Group) -> tuple[Column | None, Mapping[str, Any]]:
        if not group.outputs:
            return None, {}
        names, columns, _ = stack(group.outputs)
        return self._outcomes.read(names, columns) if names else (None, {})


def _row_traces(events: list[CaptureEvent], counts: list[int]) -> list[str]:
    """The trace of each row; empty when no request carried one."""
    if not any(event.traceparent for event in events):
        return []
    return list(chain.from_iterable([trace_id(event.traceparent)] * rows for event, rows in zip(events, counts, strict=True)))
