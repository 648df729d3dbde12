"""Labels as protobuf: what Google's library writes is read, and nothing else is taken for labels."""

from __future__ import annotations

import contextlib
import struct

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural.monitoring.ingest.label_message import labels_json
from neural.monitoring.ingest.labels import read_labels
from neural.monitoring.ingest.refusal import Refused
from neural.wire.protobuf import FIXED64, VARINT, bytes_field, tag, text_field, varint


def label(identity: str, value: bytes, time: float = 0.0) -> bytes:
    stamp = tag(5, FIXED64) + struct.pack("<d", time) if time else b""
    return bytes_field(1, text_field(1, identity) + value + stamp)


def double(number: float) -> bytes:
    return tag(3, FIXED64) + struct.pack("<d", number)


def test_every_kind_of_label_is_read():
    message = label("a", text_field(2, "yes")) + label("b", double(0.0), 12.5) + label("ü", tag(4, VARINT) + varint(0))
    read = orjson.loads(read_labels(labels_json(message), now=7.0))["labels"]
    assert read == [
        {"id": "a", "label": "yes", "time": 7.0}, {"id": "b", "label": 0.0, "time": 12.5}, {"id": "ü", "label": False, "time": 7.0},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "message",
    [b"\xff", label("a", b""), label("", double(1.0)), bytes_field(1, b"\xff\xff"), tag(1, VARINT) + varint(3), label("a", double(float("nan")))],
    ids=["garbage", "no label", "no id", "damaged label", "a number", "not a number"],
)  # fmt: skip
def test_what_is_no_label_is_refused(message):
    with pytest.raises(Refused) as refused:
        read_labels(labels_json(message), now=0.0)
    assert refused.value.status == 400


@given(st.binary(max_size=60))
def test_no_bytes_do_more_than_be_refused(message):
    with contextlib.suppress(Refused):
        read_labels(labels_json(message), now=0.0)
