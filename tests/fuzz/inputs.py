"""Everything else that reads bytes from outside: the wire, CloudEvents, labels, replies, redaction, the configuration."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path

from tests.fuzz.target import Target

from neural.capture.body import long_body
from neural.capture.redact import REDACTED, make_redactor
from neural.capture.settings import Settings as CaptureSettings
from neural.capture.settings import SettingsError
from neural.capture.transport import _read_reply
from neural.monitoring.clock import ManualClock
from neural.monitoring.decode.jsonpath import find, parse_path
from neural.monitoring.errors import ConfigError
from neural.monitoring.ingest import Refused, read_labels
from neural.monitoring.ingest.cloudevent_http import read_half
from neural.monitoring.ingest.cloudevents import CloudEventSettings, Pairing
from neural.monitoring.settings import parse_settings
from neural.wire import CaptureBatch, CaptureEvent, Flag, Ledger, Limits, Outcome, Protocol, WireError, encode_batch
from neural.wire.decode import decode_batch

ROOT = Path(__file__).parents[2]
NOW = 1_700_000_000.0
SECRET = "hunter2-of-the-fuzzer"


def input_targets() -> dict[str, Target]:
    return {
        "wire": Target(wire, wire_seeds),
        "cloudevents": Target(cloudevents, cloudevent_seeds),
        "labels": Target(labels, label_seeds),
        "reply": Target(reply, reply_seeds),
        "redact": Target(redact, redact_seeds),
        "jsonpath": Target(jsonpath, lambda: [b"$.a.b[0]['c d'][*]\0{}", b'$.*[-1]["x"]\0[{"x":1}]']),
        "config": Target(config, config_seeds),
    }


def wire(data: bytes) -> None:
    """A batch or a WireError with a reason; and a batch can be written and read again."""
    try:
        batch = decode_batch(data, Limits(max_events=4_096, max_body_bytes=65_536))
    except WireError as error:
        assert error.reason.isidentifier()
        return
    again = decode_batch(encode_batch(batch))
    assert repr(again) == repr(batch)


def wire_seeds() -> Iterable[bytes]:
    text = (ROOT / "tests/golden/wire/batch.hex").read_text()
    yield bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))
    rich = CaptureEvent(
        "id", 1_700_000_000_000_000_000, 5, 2, Protocol.GRPC, Outcome.TIMEOUT, 200, 4, "GET", "/p", "q=1", "m", "2",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "b7ad6b7169203331", 0.25, Flag.STREAMED, 9, 9, b"{}", b"[]",
        {"content-type": "a"}, {"x": "y"},
    )  # fmt: skip
    ledger = Ledger(9, 5, 1, {"ring_full": 2, "shutdown": 1}, 0)
    yield encode_batch(
        CaptureBatch("host:1:ab", 7, [rich, CaptureEvent("b", 2)], ledger, {"service.name": "s"}, "bodies_off", 999)
    )
    yield encode_batch(CaptureBatch("s", 1))


def cloudevents(data: bytes) -> None:
    """``name: value`` lines, an empty line, the body. Halves pair, or are refused; what they become can be written."""
    head, _, body = data.partition(b"\n\n")
    headers = {}
    for line in head.split(b"\n")[:64]:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    pairing = Pairing(CloudEventSettings(max_pending=2), ManualClock(NOW))
    for kind in ("request", "response"):
        try:
            half = read_half(
                {**headers, "ce-type": headers.get("ce-type", "") or f"org.kubeflow.serving.inference.{kind}"}, body, now=NOW
            )
        except Refused as refused:
            assert 400 <= refused.status < 500
            return
        if half is not None:
            for batch in pairing.add(half):
                assert batch.ledger.balanced
                assert len(decode_batch(encode_batch(batch)).events) == len(batch.events)


def cloudevent_seeds() -> Iterable[bytes]:
    names = b"ce-specversion: 1.0\nce-id: i\nce-source: s\nce-time: 2023-11-14T22:13:20.250Z\nce-inferenceservicename: fraud\n"
    more = b"ce-namespace: n\nce-endpoint: canary\nce-component: predictor\nce-statuscode: 500\nce-traceparent: 00-0a-b7-01\n"
    yield names + more + b'ce-metadata: {"X-Id":["1"]}\n\n{"instances":[[1,2]]}'
    yield b'ce-id: 1\nce-requestid: r\nce-modelid: m\nce-type: io.seldon.serving.inference.request\n\n{"data":{}}'
    yield b'content-type: application/cloudevents+json\n\n{"specversion":"1.0","id":"i","data_base64":"e30=","time":"2024-01-01"}'
    yield b'content-type: application/cloudevents+json\n\n{"id":"i","type":"org.kubeflow.serving.inference.request","data":{"a":1}}'


def labels(data: bytes) -> None:
    """Canonical labels or a refusal; what is accepted has finite times and comes back from JSON."""
    try:
        canonical = read_labels(data, now=NOW)
    except Refused as refused:
        assert 400 <= refused.status < 500
        return
    for one in json.loads(canonical)["labels"]:
        assert isinstance(one["id"], str)
        assert one["id"]
        assert math.isfinite(one["time"])
        assert one["label"] is not None


def label_seeds() -> Iterable[bytes]:
    yield b'{"labels": [{"id": "a", "label": 1, "time": "2023-11-14T22:13:20+02:00"}]}'
    yield b'[{"id": 7, "label": true, "time": 5.5}]'
    yield b'{"id":"b","label":0}\n\n{"id":"r","label":[1,0,"x"]}\r\n'


class _Canned:
    """A socket that has these bytes to give, a few at a time, and then ends."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def recv(self, size: int) -> bytes:
        chunk, self._data = self._data[: min(size, 977)], self._data[min(size, 977) :]
        return chunk


def reply(data: bytes) -> None:
    """What a sidecar may answer: a status, or an OSError. Never more than the ceilings are read."""
    try:
        found, keep = _read_reply(_Canned(data), math.inf)  # type: ignore[arg-type]
    except OSError:
        return
    assert 0 <= found.status <= 999
    assert found.retry_after is None or 0 <= found.retry_after <= 60
    assert isinstance(keep, bool)


def reply_seeds() -> Iterable[bytes]:
    yield b'HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{"accepted":1,"duplicate":false}\n'
    yield b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\ncontent-length: 0\r\nConnection: close\r\n\r\n"
    yield b"HTTP/1.0 503 \r\nretry-after: nan\r\n\r\n"


def redact(data: bytes) -> None:
    """A path, a NUL byte, a body. What the path leads to is blanked, or the body is gone."""
    text, _, body = data.partition(b"\0")
    path = text.decode("utf-8", "replace")
    try:
        redactor = make_redactor(CaptureSettings(redact=(path, "**.ssn")))
    except SettingsError:
        return
    assert redactor is not None
    headers, half = [(b"content-type", b"application/json")], len(body) // 2
    for sent in (body, long_body(_FullPurse(), len(body), body[:half], body[half:])):
        left = redactor(Protocol.HTTP, sent, headers)
        if left:
            _no_ssn(json.loads(left))


class _FullPurse:
    def reserve(self, size: int) -> bool:
        return True

    def release(self, size: int) -> None:
        pass


def _no_ssn(node: object) -> None:
    if isinstance(node, dict):
        assert node.get("ssn", REDACTED) == REDACTED
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _no_ssn(inner)


def redact_seeds() -> Iterable[bytes]:
    yield b'instances.*.email\0{"instances":[{"email":"e","ssn":1},{"x":{"ssn":[1,2]}}],"ssn":{"a":1}}'
    yield b'**.token\0[{"token":1,"a":{"token":{"ssn":1}}},[[[{"ssn":null}]]]]'
    yield b'$.a.0.*\0{"a":[[1,2],{"0":3}]}'


def jsonpath(data: bytes) -> None:
    """A path, a NUL byte, a document."""
    text, _, body = data.partition(b"\0")
    try:
        path = parse_path(text.decode("utf-8", "replace"))
    except ValueError as error:
        assert str(error)
        return
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return
    find(document, path)


def config(data: bytes) -> None:
    """Settings or mistakes in words, with their place; no secret in any of them."""
    try:
        parse_settings(data, name="f.yaml", env={"A": SECRET, "SLACK_WEBHOOK": f"https://x/{SECRET}"})
    except ConfigError as error:
        problems = getattr(error, "problems", (error,))
        assert problems
        for problem in problems:
            assert SECRET not in str(problem)
            assert problem.where.startswith("f.yaml"), problem.where


def config_seeds() -> Iterable[bytes]:
    for path in sorted([*(ROOT / "tests/golden/settings").glob("in-*.yaml"), *(ROOT / "config").glob("*imal.yaml")]):
        yield path.read_bytes()
    full = (ROOT / "config/full.yaml").read_text()
    yield "\n".join(line for line in full.splitlines() if not line.lstrip().startswith("#")).encode()
    yield b"model: {name: a}\nchannels: {slack: {webhook: '${A}'}}\nalerts: [{name: x, when: drift.score > 0.2, for: 5m, channels: [slack]}]\n"
