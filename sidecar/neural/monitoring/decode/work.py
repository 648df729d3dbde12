"""What one call of ``Decoding.decode`` collects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from neural.monitoring.decode.assembly import Group, LayoutKey
from neural.monitoring.decode.parsed import Bulk, Request, Table, Undecodable, Unparsed
from neural.monitoring.decode.stacking import layout_of
from neural.monitoring.decode.traffic import ModelVersion
from neural.wire.table import EventTable

_MAX_FAILURES: Final = 1000  # failures of one batch that are described; all are counted


@dataclass(slots=True)
class Work:
    """The events and whose they are, rows by layout, and what could not be decoded. Events go by their places in the table."""

    table: EventTable
    keys: Sequence[ModelVersion]
    groups: dict[LayoutKey, Group] = field(default_factory=dict[LayoutKey, Group])
    unparsed: dict[ModelVersion, Counter[str]] = field(default_factory=lambda: defaultdict[ModelVersion, Counter[str]](Counter))
    failures: list[Unparsed] = field(default_factory=list[Unparsed])

    def fail(self, place: int, problem: Undecodable, prefix: str = "") -> None:
        reason = prefix + problem.reason
        self.unparsed[self.keys[place]][reason] += 1
        if len(self.failures) < _MAX_FAILURES:
            identity, path = (self.table.column(name)[place] for name in ("prediction_id", "path"))
            self.failures.append(Unparsed(reason, problem.detail, identity, path))

    def add(self, place: int, decoder: str, request: Request, outputs: Table | None) -> None:
        """The rows of one request."""
        identity = request.request_id or self.table.column("prediction_id")[place]
        group = self._group(self.keys[place], decoder, request.table, outputs)
        group.add([place], [identity], [len(request.table)], request.table, outputs)

    def add_bulk(self, places: Sequence[int], decoder: str, bulk: Bulk) -> None:
        """The rows of many requests of one row each."""
        given = self.table.column("prediction_id")
        group = self._group(self.keys[places[0]], decoder, bulk.inputs, bulk.outputs)
        identities = [own or given[place] for own, place in zip(bulk.request_ids, places, strict=True)]
        group.add(places, identities, [1] * len(places), bulk.inputs, bulk.outputs)

    def _group(self, key: ModelVersion, decoder: str, inputs: Table, outputs: Table | None) -> Group:
        layout: LayoutKey = (key, decoder, layout_of(inputs), None if outputs is None else layout_of(outputs))
        group = self.groups.get(layout)
        if group is None:
            group = self.groups[layout] = Group(key, decoder)
        return group
