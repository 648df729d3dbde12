"""What must not leave the process does not."""

from __future__ import annotations

import gzip
import json

import pytest

from neural.capture import Settings, SettingsError
from neural.capture.record import Record
from neural.capture.redact import blank, make_redactor
from neural.wire import Flag

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


def record(body: bytes, *, encoding: bytes = b"", size: int | None = None) -> Record:
    made = Record()
    made.flags = 0
    made.request_chunks, made.request_size = body, len(body) if size is None else size
    made.request_headers = [(b"content-encoding", encoding)] if encoding else []
    made.response_chunks, made.response_size, made.response_headers = None, 0, ()
    return made


def redacted(made: Record, *paths: str) -> Record:
    make_redactor(Settings(redact=paths or ("email",)))(made)
    return made


def test_a_json_body_is_blanked_and_says_so():
    made = redacted(record(b'{"email": "a@b", "x": 1}'))
    assert json.loads(made.request_chunks) == {"email": X, "x": 1}
    assert made.flags == Flag.REDACTED


def test_a_packed_body_stays_packed():
    made = redacted(record(gzip.compress(b'{"email": "a@b"}'), encoding=b"gzip"))
    assert json.loads(gzip.decompress(made.request_chunks)) == {"email": X}


@pytest.mark.parametrize(
    "made",
    [
        record(b"email=a@b"),
        record(b'{"email": "a@b"', size=500),
        record(b'{"email": "a@b"}', encoding=b"br"),
        record(b"not gzip", encoding=b"gzip"),
        record(gzip.compress(b'{"email": 1}')[:-4], encoding=b"gzip"),
        record(gzip.compress(b" " * 20_000_000 + b"1"), encoding=b"gzip"),
        record(b"[" * 100_000),
    ],
    ids=["no JSON", "cut off", "an unknown encoding", "broken gzip", "gzip cut off", "a bomb", "nested without end"],
)
def test_a_body_that_cannot_be_read_is_left_out(made):
    redacted(made)
    assert made.request_chunks is None
    assert Flag(made.flags) == Flag.REDACTED | Flag.BODIES_OFF


def test_an_empty_path_is_a_mistake():
    with pytest.raises(SettingsError, match="redact"):
        make_redactor(Settings(redact=("a..b",)))


def test_without_paths_there_is_no_redactor():
    assert make_redactor(Settings()) is None
