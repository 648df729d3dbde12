"""What one call of ``Decoding.decode`` collects."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

from neural.monitoring.decode.assembly import Group, LayoutKey
from neural.monitoring.decode.parsed import Bulk, Request, Table, Undecodable, Unparsed
from neural.monitoring.decode.stacking import layout_of
from neural.monitoring.decode.traffic import ModelVersion
from neural.wire.event import CaptureEvent

_MAX_FAILURES: Final = 1000  # failures of one batch that are described; all are counted


@dataclass(slots=True)
class Work:
    """Events as traffic, rows by layout, and what could not be decoded."""

    events: list[tuple[ModelVersion, CaptureEvent]] = field(default_factory=list[tuple[ModelVersion, CaptureEvent]])
    groups: dict[LayoutKey, Group] = field(default_factory=dict[LayoutKey, Group])
    unparsed: dict[ModelVersion, Counter[str]] = field(default_factory=lambda: defaultdict[ModelVersion, Counter[str]](Counter))
    failures: list[Unparsed] = field(default_factory=list[Unparsed])

    def fail(self, key: ModelVersion, event: CaptureEvent, problem: Undecodable, prefix: str = "") -> None:
        reason = prefix + problem.reason
        self.unparsed[key][reason] += 1
        if len(self.failures) < _MAX_FAILURES:
            self.failures.append(Unparsed(reason, problem.detail, event.prediction_id, event.path))

    def add(self, key: ModelVersion, decoder: str, event: CaptureEvent, request: Request, outputs: Table | None) -> None:
        """The rows of one request."""
        group = self._group(key, decoder, request.table, outputs)
        group.add([event], [request.request_id or event.prediction_id], [len(request.table)], request.table, outputs)

    def add_bulk(self, key: ModelVersion, decoder: str, events: list[CaptureEvent], bulk: Bulk) -> None:
        """The rows of many requests of one row each."""
        identities = [own or event.prediction_id for own, event in zip(bulk.request_ids, events, strict=True)]
        group = self._group(key, decoder, bulk.inputs, bulk.outputs)
        group.add(events, identities, [1] * len(events), bulk.inputs, bulk.outputs)

    def _group(self, key: ModelVersion, decoder: str, inputs: Table, outputs: Table | None) -> Group:
        layout: LayoutKey = (key, decoder, layout_of(inputs), None if outputs is None else layout_of(outputs))
        group = self.groups.get(layout)
        if group is None:
            group = self.groups[layout] = Group(key, decoder)
        return group
