"""A batch decodes as its events decode alone: what goes the quick way in bulk, and what has to leave it, give the same rows and reasons."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neural.monitoring.decode import Decoding
from neural.monitoring.decode import decoding as decoding_module
from neural.wire import CaptureBatch, CaptureEvent, Flag, Outcome, encode_batch
from neural.wire.decode import decode_batch

V1, V2 = "/v1/models/m:predict", "/v2/models/m/infer"
NUMBERS = st.one_of(
    st.floats(-1e6, 1e6),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, 1, True, False, None, "1.5", "x", [1.0], {"a": 1}, 1e300]),
)
WORDS = st.one_of(st.sampled_from(["a", "b", "", "ü", None, 3, True, "x:y, z]"]))
LABELS = st.sampled_from([0, 1, "yes", True, None, 1.0, [0.2, 0.8]])


def v1_request(row: tuple) -> dict:
    x, c, _, _ = row
    return {"instances": [{"x": x, "c": c, "y": 2.5}]}


def wide_request(row: tuple) -> dict:
    x, _, _, wide = row
    return {"inputs": [{"name": "w", "shape": [1, len(wide) + 1], "datatype": "FP64", "data": [x, *wide]}]}


def named_request(row: tuple) -> dict:
    x, c, _, _ = row
    kinds = (("x", "FP64", x), ("c", "BYTES", c), ("y", "FP64", 2.5))
    return {"inputs": [{"name": name, "shape": [1], "datatype": kind, "data": [value]} for name, kind, value in kinds]}


def v1_response(row: tuple) -> dict:
    return {"predictions": [{"label": row[2], "probability": 0.25}]}


def v2_response(row: tuple) -> dict:
    return {"outputs": [{"name": "label", "shape": [1], "datatype": "INT64", "data": [row[2]]}]}


def record(row: tuple) -> dict:
    x, c, _, _ = row
    return {"x": x, "c": c, "y": 2.5}


def nested_answer(row: tuple) -> dict:
    return {"prediction": {"label": row[2], "more": {"score": row[3][0], "u": 1}}, "took": 2.5}


def chances(row: tuple) -> dict:
    return {"no": row[3][0], "yes": row[3][-1], "perhaps": 0.5}


def split(row: tuple) -> dict:
    return {"dataframe_split": {"columns": ["x", "c", "y"], "data": [list(record(row).values())]}}


def seldon_request(row: tuple) -> dict:
    return {"data": {"names": ["x", "c", "y"], "ndarray": [list(record(row).values())]}, "meta": {"puid": row[1]}}


SHAPES = {
    "v1": (V1, v1_request, v1_response),
    "wide": (V2, wide_request, v2_response),
    "named": (V2, named_request, v2_response),
    "object": ("/predict", record, lambda row: {"label": row[2], "probability": 0.25}),
    "object in object": ("/predict", lambda row: {"input": record(row), "user": row[1]}, nested_answer),
    "list of one": ("/score", lambda row: [record(row)], lambda row: [row[2]]),
    "vector": ("/predict", lambda row: {"features": [row[0], *row[3]]}, chances),
    "embedding": ("/predict", lambda row: {"v": row[3], "c": row[1]}, lambda row: {"scores": row[3], "took": 1}),
    "columns": ("/predict", lambda row: {"x": [row[0]], "y": [2.5]}, lambda row: {"predictions": [row[2]], "took": 1}),
    "torchserve": ("/predictions/m", lambda row: [row[3]], lambda row: row[2]),
    "split": ("/invocations", split, lambda row: {"predictions": [row[2]]}),
    "records": ("/invocations", lambda row: {"dataframe_records": [record(row)]}, lambda row: {"predictions": [{"a": row[2]}]}),
    "tensors": ("/invocations", lambda row: {"inputs": {"x": [row[0]], "y": 2.5}}, lambda row: [row[2]]),
    "seldon": ("/api/v1.0/predictions", seldon_request, lambda row: {"data": {"names": ["p", "q"], "ndarray": [row[3]]}}),
    "seldon json": ("/api/v1.0/predictions", lambda row: {"jsonData": record(row)}, lambda row: {"jsonData": row[2]}),
}
GOOD = (1.5, "a", 1, [0.5, 2.5])


def damaged(body: bytes, how: str) -> bytes:
    """The body as somebody else sends it."""
    document = json.loads(body)
    if type(document) is not dict and how in ("keys turned", "an id", "extra key"):
        return body
    changes = {
        "spaces": lambda: json.dumps(document, indent=1).encode(),
        "keys turned": lambda: json.dumps(dict(reversed(document.items()))).encode(),
        "an id": lambda: json.dumps({"id": "mine", **document}).encode(),
        "extra key": lambda: json.dumps({**document, "more": {"a": [1, {"b": 2}]}}).encode(),
        "twice": lambda: body[:1] + b'"more":1,"more":2,' + body[1:],
        "nan": lambda: body.replace(b"2.5", b"NaN"),
        "huge": lambda: body.replace(b"2.5", b"1e999"),
        "cut": lambda: body[:-2],
        "two": lambda: body + b"," + body,
        "empty": lambda: b"",
        "two rows": lambda: body.replace(b"}]}", b'},{"x":3,"c":"b","y":1}]}'),
        "other name": lambda: body.replace(b'"y"', b'"z"'),
        "gzip": lambda: gzip.compress(body),
        "none": lambda: body,
    }
    return changes[how]()


HOW = ["none"] * 6 + [
    "spaces",
    "keys turned",
    "an id",
    "extra key",
    "twice",
    "nan",
    "huge",
    "cut",
    "two",
    "empty",
    "two rows",
    "other name",
    "gzip",
]


@st.composite
def events(draw, shape: str, place: int) -> CaptureEvent:
    path, request, response = SHAPES[shape]
    row = (draw(NUMBERS), draw(WORDS), draw(LABELS), draw(st.lists(st.floats(-9, 9), min_size=2, max_size=2)))
    how, answered = draw(st.sampled_from(HOW)), draw(st.sampled_from(["none", "none", "none", "cut", "empty", "spaces"]))
    more = draw(
        st.sampled_from([{}] * 8 + [
            {"status": 500}, {"status": 404}, {"flags": Flag.REQUEST_TRUNCATED}, {"flags": Flag.BODIES_OFF}, {"flags": Flag.STREAMED},
            {"outcome": Outcome.DISCONNECTED}, {"model": "other"}, {"version": "7"}, {"method": "GET"}, {"sampling_fraction": 0.5},
            {"path": "/elsewhere"}, {"path": "/elsewhere"}, {"response_headers": {"content-encoding": "br"}},
        ])
    )  # fmt: skip
    headers = {"content-type": "application/json"} | ({"content-encoding": "gzip"} if how == "gzip" else {})
    return CaptureEvent(**{
        "prediction_id": f"p{place}", "started_unix_ns": 10**9 * place, "duration_ns": 1_000 * place, "status": 200, "path": path,
        "request_body": damaged(json.dumps(request(row)).encode(), how), "response_body": damaged(json.dumps(response(row)).encode(), answered),
        "request_headers": headers, "response_headers": {"content-type": "application/json"},
    } | more)  # fmt: skip


@st.composite
def batches(draw) -> list[CaptureEvent]:
    shapes = draw(st.lists(st.sampled_from(list(SHAPES)), min_size=1, max_size=2))
    return [draw(events(draw(st.sampled_from(shapes)), place)) for place in range(draw(st.integers(1, 10)))]


def good(shape: str) -> CaptureEvent:
    path, request, response = SHAPES[shape]
    return CaptureEvent(
        "good", 1, 1, status=200, path=path, request_body=json.dumps(request(GOOD)).encode(), response_body=json.dumps(response(GOOD)).encode()
    )  # fmt: skip


@cache
def lessons() -> Mapping[str, Any]:
    """What kinds columns have is decided by the first values: all of them, once."""
    decoding = Decoding()
    for shape, how in product(SHAPES, ("none", "an id", "extra key")):  # those that change what columns are called
        event = good(shape)
        event = event._replace(request_body=damaged(event.request_body, how))
        for key in ({}, {"model": "other"}, {"version": "7"}, {"path": "/elsewhere"}):
            decoding.decode(CaptureBatch("s", 1, [event._replace(**key)] * 3))
    return decoding.snapshot()


def taught() -> Decoding:
    """Both ways begin with the same kinds, and know what bodies look like."""
    decoding = Decoding()
    decoding.restore(lessons())
    for shape in SHAPES:
        decoding.decode(CaptureBatch("s", 1, [good(shape)] * 3))
    return decoding


def told(decoding: Decoding, pieces: list[list[CaptureEvent]]) -> tuple[dict, Counter, Counter]:
    """Rows by id, failures, and traffic, over all pieces."""
    rows, failures, traffic = {}, Counter(), Counter()
    for piece in pieces:
        decoded = decoding.decode(decode_batch(encode_batch(CaptureBatch("s", 1, piece))))
        for batch in decoded.rows:
            for place, row_id in enumerate(batch.row_ids):
                cells = [(name, repr(one.values[place]), bool(one.missing[place]), one.invalid is not None and bool(one.invalid[place]))
                         for name, one in batch.features.items()]  # fmt: skip
                made = None if batch.predictions is None else repr(batch.predictions.values[place])
                chances = {name: repr(values[place]) for name, values in batch.probabilities.items()}
                about = (
                    batch.model,
                    batch.version,
                    batch.decoder,
                    batch.times[place],
                    batch.latency_seconds[place],
                    batch.weights[place],
                )
                rows[row_id, batch.times[place], sum(1 for key in rows if key[0] == row_id)] = (cells, made, chances, about)
        failures.update((one.reason, one.prediction_id, one.path) for one in decoded.failures)
        for one in decoded.traffic:
            for at in range(len(one)):
                traffic[one.model, one.version, one.times[at], one.status[at], bool(one.failed[at]), one.weights[at]] += 1
            traffic.update({(one.model, one.version, reason): count for reason, count in one.unparsed.items()})
    return rows, failures, traffic


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(batches())
def test_a_batch_decodes_as_its_events_decode_alone(made):
    together, alone = told(taught(), [made]), told(taught(), [[event] for event in made])
    assert Counter(map(repr, together[0].values())) == Counter(map(repr, alone[0].values()))
    assert {key[:2] for key in together[0]} == {key[:2] for key in alone[0]}
    assert together[1:] == alone[1:]


@pytest.mark.parametrize("path", ["by path", "/predict"])
@pytest.mark.parametrize("shape", SHAPES)
def test_alike_requests_are_never_looked_at_one_by_one(monkeypatch, shape, path):
    """256 requests cost one decoder call, whatever their number; one that is damaged costs its neighbours a smaller bulk, not the quick way."""
    looked_at = []
    look = decoding_module.Decoding._decode_one
    monkeypatch.setattr(decoding_module.Decoding, "_decode_one", lambda self, *rest: looked_at.append(rest) or look(self, *rest))
    decoding = taught()
    looked_at.clear()
    where = {} if path == "by path" else {"path": path, "request_headers": {"content-type": "application/json"}}
    alike = [good(shape)._replace(prediction_id=f"p{place}", **where) for place in range(256)]
    assert sum(map(len, decoding.decode(decode_batch(encode_batch(CaptureBatch("s", 1, alike)))).rows)) == 256
    assert not looked_at
    alike[100] = alike[100]._replace(request_body=b"{")
    decoded = decoding.decode(decode_batch(encode_batch(CaptureBatch("s", 2, alike))))
    assert sum(map(len, decoded.rows)) == 255
    assert [one.prediction_id for one in decoded.failures] == ["p100"]
    assert len(looked_at) <= 64
