"""Events of one batch that go the same way through the decoder: same model version and path, and nothing unusual about them, or something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from neural.monitoring.decode.exchange import is_wrapped_by, without_rows
from neural.monitoring.decode.parsed import Many
from neural.monitoring.decode.traffic import ModelVersion
from neural.wire.event import Flag, Outcome
from neural.wire.event import Protocol as Transport
from neural.wire.table import EventTable, Same

_UNUSUAL: Final = int(Flag.BODIES_OFF | Flag.REQUEST_TRUNCATED | Flag.RESPONSE_TRUNCATED)


@dataclass(frozen=True, slots=True)
class Alike:
    """``places`` are those of the events in their table. ``plain``: whole bodies without any content coding."""

    path: str
    places: Sequence[int]
    plain: bool

    def many(self, table: EventTable, max_body_bytes: int) -> Many | None:
        """The events as what is decoded in bulk; None when that can't be."""
        if not self.plain:
            return None
        events = table.take(self.places)
        requests, responses = events.column("request_body"), events.column("response_body")
        sizes = list(map(len, requests))
        if not min(sizes) or max(sizes) > max_body_bytes or max(map(len, responses)) > max_body_bytes:
            return None
        return Many(self.path, requests, responses)


def alike_events(table: EventTable, keys: Sequence[ModelVersion]) -> Iterator[Alike]:
    """The events that may hold rows, in groups, in order of appearance."""
    paths, plain = table.column("path"), _plain(table)
    places = _places_with_rows(table)
    if all(isinstance(column, Same) for column in (keys, paths, plain)):
        if places:
            yield Alike(paths[0], places, plain[0])
        return
    groups: dict[tuple[ModelVersion, str, bool], list[int]] = {}
    for place in places:
        groups.setdefault((keys[place], paths[place], plain[place]), []).append(place)
    for (_, path, is_plain), members in groups.items():
        yield Alike(path, members, is_plain)


def _places_with_rows(table: EventTable) -> Sequence[int]:
    columns = [table.column(name) for name in ("outcome", "protocol", "grpc_status", "method", "status")]
    everything = range(len(table))
    if all(isinstance(column, Same) for column in columns):
        return everything if _has_rows(*(column[0] for column in columns)) else ()
    found = [place for place, values in enumerate(zip(*columns, strict=True)) if _has_rows(*values)]
    return everything if len(found) == len(table) else found


def _has_rows(outcome: Outcome, protocol: Transport, grpc_status: int, method: str, status: int) -> bool:
    """True when the request reached the model and was answered: the others are traffic only."""
    if outcome is not Outcome.COMPLETED:
        return False
    if protocol is Transport.GRPC:
        return grpc_status == 0
    return 200 <= status < 300 and not without_rows(method)


def _plain(table: EventTable) -> Sequence[bool]:
    columns: list[Sequence[Any]] = [table.column(name) for name in ("flags", "request_headers", "response_headers")]
    if all(isinstance(column, Same) for column in columns):
        return Same(_is_plain(*(column[0] for column in columns)), len(table))
    return [_is_plain(*values) for values in zip(*columns, strict=True)]


def _is_plain(flags: int, request_headers: Mapping[str, str], response_headers: Mapping[str, str]) -> bool:
    return not (int(flags) & _UNUSUAL or is_wrapped_by(request_headers) or is_wrapped_by(response_headers))
