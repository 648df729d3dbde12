"""Capture batches to rows and traffic: the way from bytes to columns.

Bodies of one capture batch are parsed together, decoded one by one, and stacked by model, version and column layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from neural.monitoring.decode.assembly import Assembler, Group
from neural.monitoring.decode.detection import Detector, may_be_json
from neural.monitoring.decode.documents import DocumentReader
from neural.monitoring.decode.exchange import Opener
from neural.monitoring.decode.garbage import no_garbage_collection
from neural.monitoring.decode.naming import Names
from neural.monitoring.decode.parsed import (
    Bulk,
    Decoded,
    Decoder,
    Exchange,
    ReadsInBulk,
    Reason,
    Request,
    Skims,
    Table,
    Undecodable,
)
from neural.monitoring.decode.registry import build_decoders
from neural.monitoring.decode.settings import DecodeSettings, FeatureSpec
from neural.monitoring.decode.traffic import ModelVersion, traffic_batches
from neural.monitoring.decode.work import Work
from neural.monitoring.records import RecordBatch
from neural.wire.event import CaptureBatch, CaptureEvent

_MAX_MODELS = 256  # model versions whose column kinds are remembered; beyond it the oldest are decided anew
_CHUNK = 64  # requests parsed together: more of them no longer fit the processor's cache
_WORTH_BULK = 2  # requests
_NOT_JSON = Undecodable(Reason.BAD_JSON, "not JSON")

_Waiting = tuple[ModelVersion, Exchange, Decoder | None]


def _by_path(waiting: Sequence[_Waiting]) -> dict[tuple[ModelVersion, str], list[_Waiting]]:
    found: dict[tuple[ModelVersion, str], list[_Waiting]] = {}
    for one in waiting:
        found.setdefault((one[0], one[1].event.path), []).append(one)
    return found


class Decoding:
    """Decodes the batches of all models. Not thread-safe: the engine thread owns it.

    Rows come from requests that succeeded; the others are traffic only. A request that can't be decoded is traffic too, and is
    counted under its reason. Nothing a body holds raises.
    """

    def __init__(self, settings: DecodeSettings | None = None, schema: Mapping[str, FeatureSpec] | None = None) -> None:
        self._settings = settings if settings is not None else DecodeSettings()
        self._schema = schema if schema is not None else {}
        self._names = Names(self._settings.model, self._settings.version)
        self._detector = Detector(build_decoders(self._settings), forced=self._settings.protocol != "auto")
        self._opener = Opener(self._settings.max_body)
        self._reader = DocumentReader(
            duplicate_keys=self._settings.duplicate_keys == "accept", nan_literals=self._settings.nan_literals == "accept"
        )
        self._assemblers: dict[ModelVersion, Assembler] = {}

    def snapshot(self) -> Mapping[str, Any]:
        """JSON-able: the kinds of columns and outputs decided so far, so that a restart decides nothing anew."""
        return {"models": [[*key, assembler.snapshot()] for key, assembler in self._assemblers.items()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        for model, version, assembler in state["models"]:
            self._assembler((model, version)).restore(assembler)

    def decode(self, batch: CaptureBatch) -> Decoded:
        """The batch's rows by model, version and layout; its traffic by model and version; and what could not be decoded."""
        work = Work()
        with no_garbage_collection():
            for start in range(0, len(batch.events), _CHUNK):
                self._decode_chunk(work, batch.events[start : start + _CHUNK])
            rows = [built for group in work.groups.values() if (built := self._assemble(work, group)) is not None]
            return Decoded(rows, traffic_batches(work.events, work.unparsed), work.failures)

    def _decode_chunk(self, work: Work, events: Sequence[CaptureEvent]) -> None:
        waiting: list[_Waiting] = []
        for event in events:
            key = self._names.of(event)
            work.events.append((key, event))
            if self._opener.has_rows(event):
                self._open(work, key, event, waiting)
        waiting = self._skim(work, waiting)
        self._load_documents(waiting)
        for (key, _), (decoder, exchanges) in self._sorted(work, waiting).items():
            if not self._decode_bulk(work, key, decoder, exchanges):
                for exchange in exchanges:
                    self._decode_one(work, key, exchange, decoder)

    def _open(self, work: Work, key: ModelVersion, event: CaptureEvent, waiting: list[_Waiting]) -> None:
        try:
            waiting.append((key, self._opener.open(event), self._detector.by_path(event.path)))
        except Undecodable as problem:
            work.fail(key, event, problem)

    def _skim(self, work: Work, waiting: list[_Waiting]) -> list[_Waiting]:
        """Takes out what can be read without parsing it."""
        rest = list[_Waiting]()
        for (key, _), members in _by_path(waiting).items():
            decoder: object = members[0][2]
            taken = False
            if isinstance(decoder, Skims):
                taken = self._take(work, key, decoder, decoder.skim, [exchange for _, exchange, _ in members])
            if not taken:
                rest += members
        return rest

    def _load_documents(self, waiting: Sequence[_Waiting]) -> None:
        """Parses every body that is JSON, or may be: all requests in one call, all responses in another."""
        wanted, answered = list[Exchange](), list[Exchange]()
        for _, exchange, decoder in waiting:
            if decoder is not None and decoder.reads == "bytes":
                continue
            if (decoder is not None and decoder.reads == "json") or may_be_json(exchange):
                wanted.append(exchange)
            else:
                exchange.request_document = _NOT_JSON
            if exchange.response:
                answered.append(exchange)
        for exchange, document in zip(wanted, self._reader.read_many([exchange.request for exchange in wanted]), strict=True):
            exchange.request_document = document
        for exchange, document in zip(
            answered, self._reader.read_many([exchange.response for exchange in answered]), strict=True
        ):
            exchange.response_document = document

    def _sorted(self, work: Work, waiting: Sequence[_Waiting]) -> dict[tuple[ModelVersion, str], tuple[Decoder, list[Exchange]]]:
        """The exchanges by model version and decoder, in their order."""
        found: dict[tuple[ModelVersion, str], tuple[Decoder, list[Exchange]]] = {}
        for key, exchange, decoder in waiting:
            if decoder is None:
                try:
                    decoder = self._detector.by_content(exchange)
                except Undecodable as problem:
                    work.fail(key, exchange.event, problem)
                    continue
            mine = found.get((key, decoder.name))
            if mine is None:
                found[key, decoder.name] = (decoder, [exchange])
            else:
                mine[1].append(exchange)
        return found

    def _decode_bulk(self, work: Work, key: ModelVersion, decoder: Decoder, exchanges: list[Exchange]) -> bool:
        """Decodes all of them at once where the decoder can and they are alike; False when each has to be looked at."""
        return isinstance(decoder, ReadsInBulk) and self._take(work, key, decoder, decoder.bulk, exchanges)

    def _take(
        self,
        work: Work,
        key: ModelVersion,
        decoder: Any,
        read: Callable[[list[Exchange]], Bulk | None],
        exchanges: list[Exchange],
    ) -> bool:
        if len(exchanges) < _WORTH_BULK or any(exchange.response_problem for exchange in exchanges):
            return False
        try:
            bulk = read(exchanges)
        except Exception:  # one of them is not what it should be: the slow way finds out which
            return False
        if bulk is None or len(bulk.inputs.names) > self._settings.max_columns:
            return False
        work.add_bulk(key, decoder.name, [exchange.event for exchange in exchanges], bulk)
        return True

    def _decode_one(self, work: Work, key: ModelVersion, exchange: Exchange, decoder: Decoder) -> None:
        event = exchange.event
        try:
            if decoder.reads == "json" and type(exchange.request_document) is Undecodable:
                raise exchange.request_document
            request = decoder.request(exchange)
            rows = len(request.table)
            if rows > self._settings.max_rows:
                raise Undecodable(Reason.TOO_MANY_ROWS, f"{rows} rows, at most {self._settings.max_rows} are decoded")
            if len(request.table.names) > self._settings.max_columns:
                raise Undecodable(Reason.TOO_WIDE, f"{len(request.table.names)} columns")
        except Undecodable as problem:
            work.fail(key, event, problem)
            return
        except Exception as error:
            work.fail(key, event, Undecodable(Reason.DECODER_ERROR, type(error).__name__))
            return
        if rows:
            outputs = self._outputs(work, key, exchange, decoder, request)
            work.add(key, decoder.name, exchange.event, request, outputs)

    def _outputs(self, work: Work, key: ModelVersion, exchange: Exchange, decoder: Decoder, request: Request) -> Table | None:
        """The response's table; None when there is none, or none that fits: then the request's rows stand alone."""
        try:
            if exchange.response_problem is not None:
                raise exchange.response_problem
            if decoder.reads == "json" and type(exchange.response_document) is Undecodable:
                raise exchange.response_document
            if not exchange.response:
                return None
            table = decoder.response(exchange, request)
            if table is not None and len(table) != len(request.table):
                raise Undecodable(Reason.SHAPE, f"{len(table)} outputs for {len(request.table)} rows")
            return table
        except Undecodable as problem:
            work.fail(key, exchange.event, problem, "response_")
        except Exception as error:
            work.fail(key, exchange.event, Undecodable(Reason.DECODER_ERROR, type(error).__name__), "response_")
        return None

    def _assembler(self, key: ModelVersion) -> Assembler:
        found = self._assemblers.get(key)
        if found is None:
            if len(self._assemblers) >= _MAX_MODELS:
                self._assemblers.pop(next(iter(self._assemblers)))
            found = self._assemblers[key] = Assembler(self._settings, self._schema)
        return found

    def _assemble(self, work: Work, group: Group) -> RecordBatch | None:
        try:
            return self._assembler(group.model).batch(group)
        except Undecodable as problem:
            failure = problem
        except Exception as error:
            failure = Undecodable(Reason.DECODER_ERROR, type(error).__name__)
        for event in group.events:
            work.fail(group.model, event, failure)
        return None
