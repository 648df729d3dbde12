"""Capture batches to rows and traffic: the way from bytes to columns.

Requests of one path are decoded together where they are alike, else one by one, and stacked by model, version and column layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from neural.monitoring.decode.alike import Alike, alike_events
from neural.monitoring.decode.assembly import Assembler, Group
from neural.monitoring.decode.detection import Detector, may_be_json
from neural.monitoring.decode.documents import DocumentReader
from neural.monitoring.decode.exchange import Opener
from neural.monitoring.decode.garbage import no_garbage_collection
from neural.monitoring.decode.naming import Names
from neural.monitoring.decode.parsed import (
    UNLOADED,
    Bulk,
    Decoded,
    Decoder,
    Exchange,
    Many,
    Reason,
    Request,
    Table,
    Undecodable,
    bulk_reader,
    skimmer,
)
from neural.monitoring.decode.registry import build_decoders
from neural.monitoring.decode.settings import DecodeSettings, FeatureSpec
from neural.monitoring.decode.traffic import ModelVersion, traffic_batches
from neural.monitoring.decode.work import Work
from neural.monitoring.records import RecordBatch
from neural.wire.event import CaptureBatch
from neural.wire.table import EventTable

_MAX_MODELS = 256  # model versions whose column kinds are remembered; beyond it the oldest are decided anew
_CHUNK = 64  # requests parsed together where each is looked at: more of them no longer fit the processor's cache
_BULK = 256  # requests decoded in bulk together
_WORTH_BULK = 2  # requests
_NOT_JSON = Undecodable(Reason.BAD_JSON, "not JSON")

_Waiting = tuple[int, Exchange, Decoder | None]
_Documents = tuple[Sequence[Any], Sequence[Any]]


def _is_whole(exchange: Exchange) -> bool:
    return not (exchange.request_tail or exchange.response_tail or exchange.response_problem)


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
        table = EventTable.of(batch.events)
        if not len(table):
            return Decoded([], [], [])
        work = Work(table, self._names.of_all(table))
        with no_garbage_collection():
            for alike in alike_events(table, work.keys):
                self._decode_alike(work, alike)
            rows = [built for group in work.groups.values() if (built := self._assemble(work, group)) is not None]
            return Decoded(rows, traffic_batches(table, work.keys, work.unparsed), work.failures)

    def _decode_alike(self, work: Work, alike: Alike) -> None:
        decoder = self._detector.by_path(alike.path)
        at_once = decoder is not None and decoder.reads == "json" and bulk_reader(decoder)
        many = alike.many(work.table, self._settings.max_body) if at_once else None
        for start in range(0, len(alike.places), _BULK):
            places = alike.places[start : start + _BULK]
            if decoder is None or many is None:
                self._one_by_one(work, places, decoder, None)
            else:
                self._in_bulk(work, places, decoder, many.part(start, start + _BULK))

    def _in_bulk(self, work: Work, places: Sequence[int], decoder: Decoder, many: Many) -> None:
        """Decodes all of them at once where they are alike. Where one is not, smaller parts are tried, and then each by itself."""
        if len(many) >= _WORTH_BULK:
            if not many.request_documents:
                skims = skimmer(decoder)
                if skims is not None and self._take(work, places, decoder.name, skims.skim, many):
                    return
                many.request_documents = self._reader.read_many(many.requests)
                many.response_documents = self._reader.read_many(many.responses)
            bulky = bulk_reader(decoder)
            if bulky is not None and self._take(work, places, decoder.name, bulky.bulk, many):
                return
        if len(many) <= _CHUNK:
            documents = (many.request_documents, many.response_documents) if many.request_documents else None
            self._one_by_one(work, places, decoder, documents)
            return
        for start in range(0, len(many), _CHUNK):
            self._in_bulk(work, places[start : start + _CHUNK], decoder, many.part(start, start + _CHUNK))

    def _take(self, work: Work, places: Sequence[int], decoder: str, read: Callable[[Many], Bulk | None], many: Many) -> bool:
        try:
            bulk = read(many)
        except Exception:  # one of them is not what it should be: the slow way finds out which
            return False
        if bulk is None or len(bulk.inputs.names) > self._settings.max_columns:
            return False
        work.add_bulk(places, decoder, bulk)
        return True

    def _one_by_one(self, work: Work, places: Sequence[int], decoder: Decoder | None, documents: _Documents | None) -> None:
        for start in range(0, len(places), _CHUNK):
            waiting: list[_Waiting] = []
            chunk = places[start : start + _CHUNK]
            for place, event in zip(chunk, work.table.take(chunk), strict=True):
                try:
                    waiting.append((place, self._opener.open(event), decoder))
                except Undecodable as problem:
                    work.fail(place, problem)
            if documents is None:
                self._load_documents([(exchange, decoder) for _, exchange, decoder in waiting])
            else:  # plain bodies: every one of them is waiting
                for (_, exchange, _), request, response in zip(waiting, *documents, strict=True):
                    exchange.request_document = request
                    exchange.response_document = response if exchange.response else UNLOADED
            if (decoder is None or decoder.reads == "any") and self._in_bulk_by_content(work, waiting, decoder):
                continue
            for place, exchange, _ in waiting:
                self._decode_one(work, place, exchange, decoder)

    def _in_bulk_by_content(self, work: Work, waiting: Sequence[_Waiting], known: Decoder | None) -> bool:
        """The same where the bodies have to tell what they are, and turn out to be of one protocol that reads in bulk."""
        exchanges = [exchange for _, exchange, _ in waiting]
        if len(exchanges) < _WORTH_BULK or not all(one.response and _is_whole(one) for one in exchanges):
            return False
        try:
            claimed = [known or self._detector.by_content(exchange) for exchange in exchanges]
        except Undecodable:
            return False
        decoder = bulk_reader(claimed[0])
        if decoder is None or claimed.count(claimed[0]) != len(claimed):
            return False
        many = Many(
            exchanges[0].event.path,
            [exchange.request for exchange in exchanges],
            [exchange.response for exchange in exchanges],
            [exchange.request_document for exchange in exchanges],
            [exchange.response_document for exchange in exchanges],
        )
        return self._take(work, [place for place, _, _ in waiting], claimed[0].name, decoder.bulk, many)

    def _load_documents(self, waiting: Sequence[tuple[Exchange, Decoder | None]]) -> None:
        """Parses every body that is JSON, or may be: all requests in one call, all responses in another."""
        wanted, answered = list[Exchange](), list[Exchange]()
        for exchange, decoder in waiting:
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

    def _decode_one(self, work: Work, place: int, exchange: Exchange, decoder: Decoder | None) -> None:
        try:
            if decoder is None:
                decoder = self._detector.by_content(exchange)
            if decoder.reads == "json" and type(exchange.request_document) is Undecodable:
                raise exchange.request_document
            request = decoder.request(exchange)
            rows = len(request.table)
            if rows > self._settings.max_rows:
                raise Undecodable(Reason.TOO_MANY_ROWS, f"{rows} rows, at most {self._settings.max_rows} are decoded")
            if len(request.table.names) > self._settings.max_columns:
                raise Undecodable(Reason.TOO_WIDE, f"{len(request.table.names)} columns")
        except Undecodable as problem:
            work.fail(place, problem)
            return
        except Exception as error:
            work.fail(place, Undecodable(Reason.DECODER_ERROR, type(error).__name__))
            return
        if rows:
            outputs = self._outputs(work, place, exchange, decoder, request)
            work.add(place, decoder.name, request, outputs)

    def _outputs(self, work: Work, place: int, exchange: Exchange, decoder: Decoder, request: Request) -> Table | None:
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
            work.fail(place, problem, "response_")
        except Exception as error:
            work.fail(place, Undecodable(Reason.DECODER_ERROR, type(error).__name__), "response_")
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
            return self._assembler(group.model).batch(group, work.table)
        except Undecodable as problem:
            failure = problem
        except Exception as error:
            failure = Undecodable(Reason.DECODER_ERROR, type(error).__name__)
        for place in group.places:
            work.fail(place, failure)
        return None
