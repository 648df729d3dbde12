"""Each decoder of the registry, and the choice between them, fed by the conformance suite's bodies."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from tests.conformance import test_decoder_conformance as conformance
from tests.conformance import test_decoder_protobuf as described
from tests.fuzz.frame import event, frame
from tests.fuzz.target import Target

from neural.monitoring.decode import DECODERS, Decoded, DecodeSettings, Decoding
from neural.monitoring.records import Kind, RecordBatch
from neural.wire import CaptureBatch, CaptureEvent

SMALL = {"max_rows": 1_000, "max_columns": 500, "max_body": 65_536}
"""Ceilings that inputs of a fuzzer's size can reach."""


def decoder_targets() -> dict[str, Target]:
    """One for each decoder, and "auto"."""
    http = {name: _of_cases(name) for name in sorted(set(DECODERS) - {"protobuf"})}
    auto = Target(_runner(lambda: DecodeSettings(**SMALL), lambda: [("/predict", False)]), _all_seeds)
    return {
        **{f"decode-{name}": target for name, target in http.items()},
        "decode-protobuf": _of_descriptors(),
        "decode-auto": auto,
    }


def _of_cases(decoder: str) -> Target:
    cases = [case for case in conformance.CASES.values() if case.decoder == decoder]

    def settings() -> DecodeSettings:
        mapping = conformance.MAPPING.mapping if decoder == "mapping" else None
        return DecodeSettings(protocol=decoder, mapping=mapping, **SMALL)

    def places() -> list[tuple[str, bool]]:
        streams = [("/inference.GRPCInferenceService/ModelStreamInfer", True)] if decoder == "v2-grpc" else []
        return [*dict.fromkeys((case.path, case.grpc) for case in cases), *streams]

    return Target(_runner(settings, places, _good(cases[0])), lambda: _case_seeds(cases))


def _good(case: conformance.Case) -> CaptureEvent:
    return conformance.event(case, conformance.ROWS[:1], conformance.outs(1), "left")


def _case_seeds(cases: Iterable[conformance.Case]) -> Iterable[bytes]:
    for case in cases:
        for rows in (conformance.ROWS[:1], conformance.ROWS):
            request, headers = case.request(rows)
            response, _ = case.response(conformance.outs(len(rows)))
            yield b"\0" + frame(request, response, content_type=headers.get("content-type", ""))


def _all_seeds() -> Iterable[bytes]:
    return _case_seeds(conformance.CASES.values())


def _of_descriptors() -> Target:
    @functools.cache
    def shop() -> tuple[str, dict]:
        folder = Path(tempfile.mkdtemp(prefix="neural-fuzz-"))
        path, classes = described.compile_in(folder)
        return str(path), classes

    def seeds() -> Iterable[bytes]:
        made = described.event(shop()[1], described.ROWS, described.ANSWERS)
        yield b"\0" + frame(made.request_body, made.response_body)
        yield b"\0" + frame(b"", b"")

    def settings() -> DecodeSettings:
        return DecodeSettings(protocol="protobuf", descriptor_set=shop()[0], **SMALL)

    return Target(_runner(settings, lambda: [("/shop.v1.Scorer/Score", True)]), seeds)


def _runner(
    settings: Callable[[], DecodeSettings], places: Callable[[], list[tuple[str, bool]]], good: CaptureEvent | None = None
) -> Callable[[bytes], None]:
    """The first byte chooses the path. Neighbours of the same decoder must come out whole, whatever stands between them."""
    chosen = functools.cache(settings)
    where = functools.cache(places)

    def run(data: bytes) -> None:
        path, grpc = where()[data[0] % len(where())] if data else where()[0]
        bad = event(data[1:], path, grpc=grpc)
        neighbours = [] if good is None else [good, good._replace(prediction_id="right")]
        decoded = Decoding(chosen()).decode(CaptureBatch("s", 1, [*neighbours[:1], bad, *neighbours[1:]]))
        check(decoded, {one.prediction_id for one in neighbours})

    return run


def check(decoded: Decoded, neighbours: set[str]) -> None:
    """Every request is traffic; failures have a reason that is no crash; columns fit; neighbours are there."""
    assert sum(map(len, decoded.traffic)) == 1 + len(neighbours)
    for failure in decoded.failures:
        assert "decoder_error" not in failure.reason, failure
        assert failure.prediction_id == "bad", failure
    for batch in decoded.rows:
        _check_batch(batch)
    assert neighbours <= {row_id for batch in decoded.rows for row_id in batch.row_ids}


def _check_batch(batch: RecordBatch) -> None:
    assert len(batch.row_ids) == len(batch) == len(batch.weights) == len(batch.latency_seconds)
    for column in [*batch.features.values(), *([batch.predictions] if batch.predictions else [])]:
        assert len(column) == len(column.missing) == len(batch)
        assert column.invalid is None or len(column.invalid) == len(batch)
        if column.kind in (Kind.NUMERIC, Kind.BOOLEAN):
            absent = column.missing if column.invalid is None else column.missing | column.invalid
            np.testing.assert_array_equal(np.isnan(column.values), absent)
    for probabilities in batch.probabilities.values():
        assert probabilities.shape == (len(batch),)
