"""Bodies that could not be read are shown by their shape: no value of anybody's is in it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural.monitoring.decode import excerpt


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (b"", "an empty body"),
        (b'{"inputs": [{"name": "age", "shape": [1, 12], "data": [41.5, -2e3, null]}]}',
         '{"inputs": [{"name": "…", "shape": [0, 0], "data": [0, 0, null]}]}'),
        (b'{"user": "ada@example.org", "ok": true', '{"user": "…", "ok": true'),
        (b'{"name": "cut in the mid', '{"name": "…'),
        (b'{"ada@example.org": 1}', '{"…": 0}'),
        (b'{"4111111111111111": 1}', '{"…": 0}'),
        (b"age=41&city=Berlin", "xxx=00&xxxx=xxxxxx"),
        (b"Grace\n Hopper", "xxxxx xxxxxx"),
        (b"{oops: Berlin}", "{xxxx: xxxxxx}"),
        (b"\xff\xfe\x00\x01secret", "10 bytes that are no text"),
        ('{"a": "ü'.encode()[:-1], '{"a": "…'),
    ],
)  # fmt: skip
def test_the_shape_stays_and_the_values_go(body, shape):
    assert excerpt(body) == shape


@given(
    st.dictionaries(
        st.sampled_from(["instances", "data", "x_1"]),
        st.lists(st.text(alphabet="abcXYZäß ", min_size=3, max_size=20)),
        max_size=3,
    )
)
def test_no_text_of_a_value_is_left(document):
    shown = excerpt(json.dumps(document, ensure_ascii=False).encode())
    words = {word for values in document.values() for text in values for word in text.split() if len(word) > 2}
    assert not words & set(re.findall(r"\w+", shown)) - {"instances", "data", "x_1"}


@given(st.binary(max_size=6000))
def test_any_bytes_have_a_short_shape_without_letters_of_their_own(body):
    shown = excerpt(body)
    assert len(shown) <= 161
