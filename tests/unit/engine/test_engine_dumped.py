"""A checkpoint's JSON is written in pieces, and is the same JSON."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from neural.monitoring.engine.checkpoint import dumped

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=30,
)


@given(VALUES)
def test_it_is_what_json_writes(value):
    assert b"".join(dumped(value)) == json.dumps(value).encode()
    assert b"".join(dumped(value, depth=1, size=3)) == json.dumps(value).encode()
