"""What decoders are given and what they give back, before rows of many requests become columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal, Protocol, cast, runtime_checkable

from numpy.typing import NDArray

from neural.monitoring.records import Kind, RecordBatch, TrafficBatch
from neural.wire.event import CaptureEvent

Values = Sequence[Any] | NDArray[Any]
"""n raw values of one column: JSON values in a list, or a numpy array of shape (n,) or (n, d)."""


class Reason(StrEnum):
    """Why a body could not be decoded. Those starting with ``response_`` keep the request's rows, without predictions."""

    EMPTY = "empty_body"
    BODIES_OFF = "bodies_off"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    TOO_WIDE = "too_wide"
    TOO_MANY_ROWS = "too_many_rows"
    BAD_ENCODING = "bad_content_encoding"
    BAD_JSON = "bad_json"
    NAN_LITERAL = "nan_literal"
    NUMBER_RANGE = "number_out_of_range"
    DUPLICATE_KEYS = "duplicate_keys"
    BAD_CSV = "bad_csv"
    BAD_PROTOBUF = "bad_protobuf"
    MALFORMED = "malformed"
    SHAPE = "shape_mismatch"
    NO_DECODER = "no_decoder"
    UNSUPPORTED = "unsupported"
    DECODER_ERROR = "decoder_error"


class Undecodable(Exception):
    """Raised by decoders, caught by ``Decoding``: the body is not what the protocol says it is."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Unparsed:
    """One request whose bodies could not be decoded. ``detail`` names the place, never a value of the body."""

    reason: str
    detail: str
    prediction_id: str
    path: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one capture batch turned into."""

    rows: list[RecordBatch]
    traffic: list[TrafficBatch]
    failures: list[Unparsed]


@dataclass(slots=True)  # not frozen: one is made for every request, and freezing doubles the price
class Rows:
    """A table row by row: what JSON with one row a request gives. Every row has ``len(names)`` values.

    ``kinds`` are those the protocol states, or empty.
    """

    names: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    kinds: tuple[Kind | None, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(slots=True)  # not frozen: one is made for every request, and freezing doubles the price
class Columns:
    """A table column by column: what tensors give. Every column has ``count`` values. ``kinds`` as in ``Rows``.

    ``widths``: the length of the lists in each column, or the members of its objects, 0 for scalars; () when all are scalars;
    None when nobody has looked.
    ``types``: the Python types in each column, or () when nobody has looked.
    """

    names: tuple[str, ...]
    columns: Sequence[Values]
    count: int
    kinds: tuple[Kind | None, ...] = ()
    widths: tuple[Any, ...] | None = None
    types: Sequence[set[type]] = ()

    def __len__(self) -> int:
        return self.count


Table = Rows | Columns

ANONYMOUS: Final = ""
"""Name of a column the protocol gives no name to. A table with one such column holds scalars or lists."""


class _Unloaded:
    """Marks a document that has not been parsed yet (None is a document)."""


UNLOADED: Final = _Unloaded()


@dataclass(slots=True)
class Exchange:
    """One request and its response, on their way through a decoder.

    ``request`` and ``response`` are the bodies after content decoding. The documents are the parsed JSON, or the
    ``Undecodable`` that says why a body is none: parsing is done in bulk, before the decoder sees the exchange.
    """

    event: CaptureEvent
    request: bytes
    response: bytes
    request_document: Any = UNLOADED
    response_document: Any = UNLOADED
    request_tail: bytes = b""  # V2's binary extension: what follows the JSON
    response_tail: bytes = b""
    response_problem: Undecodable | None = None


@dataclass(slots=True)  # not frozen: one is made for every request, and freezing doubles the price
class Request:
    """The decoded request: its rows, and the id the protocol carries ("" when it has none)."""

    table: Table
    request_id: str = ""


@dataclass(slots=True)
class Many:
    """Requests of one path with their responses, plain bodies all of them. Documents are as in ``Exchange``; () until they are parsed."""

    path: str
    requests: Sequence[bytes]
    responses: Sequence[bytes]
    request_documents: Sequence[Any] = ()
    response_documents: Sequence[Any] = ()

    def __len__(self) -> int:
        return len(self.requests)

    def part(self, start: int, stop: int) -> Many:
        columns = (self.requests, self.responses, self.request_documents, self.response_documents)
        return Many(self.path, *(column[start:stop] for column in columns))


@dataclass(frozen=True, slots=True)
class Bulk:
    """Many decoded requests of one layout, one row each. ``request_ids`` as in ``Request``."""

    inputs: Columns
    outputs: Columns | None
    request_ids: Sequence[str]


@runtime_checkable
class ReadsInBulk(Protocol):
    """A decoder that can take many requests of one layout in a few C calls."""

    def bulk(self, many: Many) -> Bulk | None:
        """All of them, one row each, from their documents; None (or any exception) when they are not all alike."""
        ...


@runtime_checkable
class Skims(Protocol):
    """A decoder that can read many alike bodies without parsing all of their text."""

    def skim(self, many: Many) -> Bulk | None:
        """All of them, one row each, from their bytes; None (or any exception) when they are to be parsed."""
        ...


_ABILITIES: Final[dict[type, tuple[bool, bool]]] = {}  # of the decoders' classes


def _abilities(decoder: object) -> tuple[bool, bool]:
    """Whether it reads in bulk, and skims. Remembered: Python takes 20 µs to look at an object's methods anew each time."""
    found = _ABILITIES.get(type(decoder))
    if found is None:
        found = _ABILITIES[type(decoder)] = (isinstance(decoder, ReadsInBulk), isinstance(decoder, Skims))
    return found


def bulk_reader(decoder: object) -> ReadsInBulk | None:
    """The decoder, where it reads in bulk."""
    return cast("ReadsInBulk", decoder) if _abilities(decoder)[0] else None


def skimmer(decoder: object) -> Skims | None:
    """The decoder, where it skims."""
    return cast("Skims", decoder) if _abilities(decoder)[1] else None


Reads = Literal["json", "any", "bytes"]
"""What a decoder wants loaded: JSON documents (a body that is none is refused); JSON where a body is; or nothing."""


class Decoder(Protocol):
    """Reads one protocol. A new protocol is one file with one class of this shape, and a line in the registry."""

    name: str
    reads: Reads

    def claims_path(self, path: str) -> bool:
        """True when the path alone says that this is the protocol."""
        ...

    def claims(self, exchange: Exchange) -> bool:
        """True when headers or the body's first level say that this is the protocol. Must be quick and never raise."""
        ...

    def request(self, exchange: Exchange) -> Request:
        """The request's rows. Raises Undecodable."""
        ...

    def response(self, exchange: Exchange, request: Request) -> Table | None:
        """The response's outputs, one row for each row of the request; None when there are none. Raises Undecodable."""
        ...


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Bounds on what one request may hold. They protect the sidecar; a request beyond them is unparsed."""

    max_body_bytes: int = 16 * 2**20  # after decompression
    max_rows: int = 100_000
    max_columns: int = 20_000
    max_depth: int = 32
