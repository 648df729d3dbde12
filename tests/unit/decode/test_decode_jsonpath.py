from __future__ import annotations

import pytest

from neural.monitoring.decode.jsonpath import find, parse_path

DOCUMENT = {"a": {"b": [{"c": 1}, {"c": 2}, {}]}, "odd name": {"x.y": 3}, "n": None}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", DOCUMENT),
        ("$.a.b[0].c", 1),
        ("$.a.b[-2].c", 2),
        ("$.a.b[9].c", None),
        ("$.a.b[*].c", [1, 2, None]),
        ("$.a.b[*]", [{"c": 1}, {"c": 2}, {}]),
        ("$.a.*", [[{"c": 1}, {"c": 2}, {}]]),
        ("$['odd name'][\"x.y\"]", 3),
        ("$.n.deeper", None),
        ("$.a[0]", None),
        ("$.missing", None),
        ("$.n[*]", None),
        ("$.a.b[0].c[*]", []),
    ],
)
def test_paths_find_what_is_there_and_none_where_nothing_is(path, found):
    assert find(DOCUMENT, parse_path(path)) == found


@pytest.mark.parametrize("path", ["a.b", "", "$..a", "$.a[?(@.b)]", "$.a[", "$.a[x]", "$ .a", "$.a." + "b." * 50 + "c"])
def test_what_is_not_understood_is_said_at_once(path):
    with pytest.raises(ValueError, match=r"JSONPath|can't read"):
        parse_path(path)
