from __future__ import annotations

import json

import pytest

from neural.monitoring.decode import Reason, Undecodable
from neural.monitoring.decode.documents import DocumentReader, count_keys, says_a_key_twice


def reasons(documents):
    return [one.reason if isinstance(one, Undecodable) else None for one in documents]


def test_many_bodies_are_read_like_each_alone():
    bodies = [json.dumps({"a": [i, {"b": None}], "t": "12:30"}).encode() for i in range(50)]
    assert DocumentReader().read_many(bodies) == [json.loads(body) for body in bodies]


@pytest.mark.parametrize(
    "bodies",
    [
        [b'{"a":1},{"b":2}', b'{"a":[{}', b"{}]}"],
        [b"[1", b"2]", b"{},{}"],
        [b'{"a":1}', b'{"b":2},{"c":3}'],
        [b'{"a":1},', b'{"b":2}'],
        [b"", b'{"a":1}', b"{},{}"],
        [b'{"a":1} // x', b'{"b":2}'],
        [b"1", b"2]", b"[3"],
    ],
    ids=[
        "one too many, one swallowed",
        "a list over two bodies",
        "two in the last",
        "a comma too many",
        "an empty one",
        "a comment",
        "brackets",
    ],
)
def test_bodies_that_only_make_sense_together_are_refused_one_by_one(bodies):
    read = DocumentReader().read_many(bodies)
    for body, document in zip(bodies, read, strict=True):
        try:
            alone = json.loads(body)
        except ValueError:
            assert isinstance(document, Undecodable)
        else:
            assert document == alone


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a":NaN}', Reason.NAN_LITERAL),
        (b'{"a":[1.0, -Infinity]}', Reason.NAN_LITERAL),
        (b'{"a":Infinity}', Reason.NAN_LITERAL),
        (b'{"a":1e999}', Reason.NUMBER_RANGE),
        (b'{"a":1', Reason.BAD_JSON),
        (b"[" * 5000 + b"]" * 5000, Reason.TOO_DEEP),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, Reason.TOO_DEEP),
        (b'{"a":1,"a":2}', Reason.DUPLICATE_KEYS),
        (b'{"x":[{"a":1,"b":2,"a":3}]}', Reason.DUPLICATE_KEYS),
        (b'{"x":[[[{"a":1,"a":3}]]], "t":"::"}', Reason.DUPLICATE_KEYS),
        (b'{"a" : 1, "a" : 2}', Reason.DUPLICATE_KEYS),
        (b'{"\\u0061":1,"a":2}', Reason.DUPLICATE_KEYS),
        (b'{"a":"\xff"}', Reason.BAD_JSON),
        (b"nul", Reason.BAD_JSON),
        (b"\x00", Reason.BAD_JSON),
    ],
)
def test_what_is_wrong_has_its_reason_and_leaves_its_neighbours_alone(body, reason):
    read = DocumentReader().read_many([b'{"ok":1}', body, b'{"ok":2}'])
    assert reasons(read) == [None, reason, None]
    assert (read[0], read[2]) == ({"ok": 1}, {"ok": 2})


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":{"b":{"c":{"d":1}}}}',
        b'{"t":"a\\":\\"b"}',
        b'{"t":"12:30:00","u":"http://x:80"}',
        b'[{"a":1},{"a":1}]',
        b'{"a":{"a":{"a":1}}}',
        b'[1,{"a":":"},2]',
    ],
)
def test_colons_and_nesting_are_no_duplicates(body):
    assert not says_a_key_twice(body, json.loads(body))


def test_accepting_is_a_choice():
    lenient = DocumentReader(duplicate_keys=True, nan_literals=True)
    one, two, three = lenient.read_many([b'{"a":1,"a":2}', b'{"a":NaN,"b":-Infinity}', b'{"a":1}'])
    assert one == {"a": 2}
    assert two["a"] != two["a"]
    assert two["b"] == float("-inf")
    assert three == {"a": 1}


def test_huge_integers_are_numbers_not_a_crash():
    (document,) = DocumentReader().read_many([b'{"a":123456789012345678901234567890}'])
    assert document["a"] == pytest.approx(1.2345678901234568e29)
    assert reasons(DocumentReader().read_many([b'{"a":' + b"9" * 400 + b"}"])) == [Reason.NUMBER_RANGE]


def test_count_keys_is_exact_on_the_shapes_protocols_use():
    assert count_keys({"inputs": [{"name": 1, "data": 2}, {"name": 1, "data": 2}], "id": "x"}) == 6
    assert count_keys({"instances": [{"a": 1, "b": 2}]}) == 3
    assert count_keys([{"a": 1}, {"b": 2}]) == 2
    assert count_keys({"data": {"names": [], "ndarray": [[1]]}}) == 3
    assert count_keys(5) == count_keys([]) == count_keys(["a"]) == 0
    assert count_keys([{"a": 1}, 2]) == 0


def test_empty_input_is_an_empty_list():
    assert DocumentReader().read_many([]) == []
