"""What must not leave the process does not."""

from __future__ import annotations

import gzip
import json
import threading

import pytest

from neural.capture import Settings, SettingsError
from neural.capture.account import Account
from neural.capture.bodies import body_columns
from neural.capture.body import LongBody, long_body
from neural.capture.redact import blank, make_redactor
from neural.wire import Flag, Protocol

X = "[redacted]"


def blanked(document, path):
    blank(document, tuple(path.split(".")))
    return document


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ({"a": 1, "b": 2}, "a", {"a": X, "b": 2}),
        ({"u": {"email": "e", "n": 1}}, "u.email", {"u": {"email": X, "n": 1}}),
        ({"i": [{"ssn": 1}, {"ssn": 2, "x": 3}]}, "i.*.ssn", {"i": [{"ssn": X}, {"ssn": X, "x": 3}]}),
        ({"i": [{"ssn": 1}]}, "i.ssn", {"i": [{"ssn": X}]}),
        ({"i": [[1, 2], [3, 4]]}, "i.*.1", {"i": [[1, X], [3, X]]}),
        (
            {"a": {"token": 1, "b": [{"token": {"c": 2}}]}, "token": 3},
            "**.token",
            {"a": {"token": X, "b": [{"token": X}]}, "token": X},
        ),
        ({"a": 1}, "b.c", {"a": 1}),
        ([{"a": 1}], "a", [{"a": X}]),
        ({"a": 1, "b": 2}, "*", {"a": X, "b": X}),
        ("text", "a", "text"),
    ],
)
def test_paths_lead_where_they_say(document, path, expected):
    assert blanked(document, path) == expected


def test_nesting_is_bounded():
    document = []
    for _ in range(200):
        document = [document]
    with pytest.raises(ValueError, match="nested"):
        blanked(document, "**.x")


def redacted(body: bytes | LongBody, encoding: bytes = b"", protocol: Protocol = Protocol.HTTP) -> bytes | None:
    headers = [(b"content-encoding", encoding)] if encoding else []
    return make_redactor(Settings(redact=("email",)))(protocol, body, headers)


def long(*chunks: bytes, cap: int = 1000) -> LongBody:
    body = long_body(Account(Settings(), threading.Event()), cap, b"", chunks[0])
    for chunk in chunks[1:]:
        body.add(chunk)
    return body


def test_a_json_body_is_blanked():
    assert json.loads(redacted(b'{"email": "a@b", "x": 1}')) == {"email": X, "x": 1}
    assert json.loads(redacted(long(b'{"email": ', b'"a@b"}'))) == {"email": X}
    assert redacted(b"") == b""


def test_a_packed_body_stays_packed():
    assert json.loads(gzip.decompress(redacted(gzip.compress(b'{"email": "a@b"}'), b"gzip"))) == {"email": X}


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"email=a@b", b""),
        (long(b'{"email": "a@b"', b"}" * 900, b" " * 900), b""),
        (long(b'{"email": "a@b"}', cap=0), b""),
        (b'{"email": "a@b"}', b"br"),
        (b"not gzip", b"gzip"),
        (gzip.compress(b'{"email": 1}')[:-4], b"gzip"),
        (gzip.compress(b" " * 20_000_000 + b"1"), b"gzip"),
        (b"[" * 100_000, b""),
    ],
    ids=[
        "no JSON", "cut off", "let go of", "an unknown encoding", "broken gzip", "gzip cut off", "a bomb", "nested without end",
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_left_out(body, encoding):
    assert redacted(body, encoding) is None


def test_a_grpc_message_is_left_out():
    assert redacted(b'{"email": "a@b"}', protocol=Protocol.GRPC) is None


def test_the_flags_say_what_was_done():
    flags = [0, 0, 0]
    columns = body_columns([b'{"email": 1}', b"?", b""], 100, flags, int(Flag.REQUEST_TRUNCATED), [b"{}", None, b""])
    assert (columns.chunks, columns.lengths, columns.sizes) == ([b"{}", b"", b""], [2, 0, 0], [12, 1, 0])
    assert flags == [Flag.REDACTED, Flag.REDACTED | Flag.BODIES_OFF, Flag.REDACTED]


def test_an_empty_path_is_a_mistake():
    with pytest.raises(SettingsError, match="redact"):
        make_redactor(Settings(redact=("a..b",)))


def test_without_paths_there_is_no_redactor():
    assert make_redactor(Settings()) is None
