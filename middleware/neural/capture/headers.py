"""Which headers leave the process, on the shipper's thread: those on the allow-list, and the few that say something of the event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from neural.capture.record import RawHeaders
from neural.capture.settings import Settings
from neural.wire.columns import HeaderColumns

TRACEPARENT: Final = b"traceparent"
_MAX_BYTES: Final = 4_096  # of a header's value


class Found(NamedTuple):
    """A header that is about the event itself: its place in the batch, its name, its value in UTF-8."""

    event: int
    name: bytes
    value: bytes


class HeaderFilter:
    """Picks headers by name. ``asked`` are told one by one, whether they are shown or not."""

    def __init__(self, shown: Iterable[str], asked: Iterable[str] = ()) -> None:
        self._shown = frozenset(name.lower().encode() for name in shown)
        self._asked = frozenset(name.encode() for name in asked if name)
        self._wanted = self._shown | self._asked

    def columns(self, headers: Sequence[RawHeaders]) -> tuple[HeaderColumns, list[Found]]:
        """The headers of a batch's events that are shown, and those asked for.

        Servers and frameworks give names in lower case, so a name is looked up as it is.
        """
        found: list[Found] = []
        columns = self._alike(headers, found) or self._each(headers, found)
        values = columns.values
        if values and (max(map(len, values)) > _MAX_BYTES or not b"".join(values).isascii()):
            columns = columns._replace(values=[*map(_utf8, values)])
        return columns, found

    def _alike(self, headers: Sequence[RawHeaders], found: list[Found]) -> HeaderColumns | None:
        """Where all events have the same names in the same order, as those of one client and one route have: a look-up for
        each name, not for each header. None where they have not.
        """
        number = len(headers)
        if len({*map(len, headers)}) != 1:  # type: ignore[arg-type]  # lists, or tuples
            return None
        names: list[bytes] = []
        columns: list[list[bytes]] = []
        for pairs in zip(*headers, strict=True):
            name = pairs[0][0]
            if [pair[0] for pair in pairs].count(name) != number:
                return None
            if name in self._wanted:
                names.append(name)
                columns.append([pair[1] for pair in pairs])
        for name, values in zip(names, columns, strict=True):
            if name in self._asked:
                found += [Found(event, name, _utf8(value)) for event, value in enumerate(values)]
        places = [place for place, name in enumerate(names) if name in self._shown]
        names, columns = [names[place] for place in places], [columns[place] for place in places]
        if not names:
            return HeaderColumns()
        return HeaderColumns([len(names)] * number, names * number, [*chain.from_iterable(zip(*columns, strict=True))])

    def _each(self, headers: Sequence[RawHeaders], found: list[Found]) -> HeaderColumns:
        """Any headers. The inner loop runs for every header that came, wanted or not."""
        wanted, asked, shown = self._wanted, self._asked, self._shown
        counts: list[int] = []
        names: list[bytes] = []
        values: list[bytes] = []
        before = 0
        for pairs in headers:
            for pair in pairs:
                if pair[0] in wanted:
                    name = pair[0]
                    if name in asked:
                        found.append(Found(len(counts), name, _utf8(pair[1])))
                        if name not in shown:
                            continue
                    names.append(name)
                    values.append(pair[1])
            after = len(names)
            counts.append(after - before)
            before = after
        return HeaderColumns(counts, names, values)


def request_filter(settings: Settings) -> HeaderFilter:
    return HeaderFilter(settings.headers, ["traceparent", settings.model_header.lower(), settings.version_header.lower()])


def response_filter(settings: Settings) -> HeaderFilter:
    return HeaderFilter(settings.headers)


def _utf8(value: bytes) -> bytes:
    """Headers are Latin-1."""
    return value[:_MAX_BYTES].decode("latin-1").encode()


def encoded(metadata: RawHeaders) -> list[tuple[bytes, bytes]]:
    """gRPC gives text, but bytes for binary values."""
    return [(name.encode(), value if isinstance(value, bytes) else _text(value)) for name, value in metadata]


def _text(value: Any) -> bytes:
    return str(value).encode("latin-1", "replace")
