"""YAML without its surprises."""

from __future__ import annotations

from pathlib import Path

import pytest

from neural.monitoring.errors import ConfigError
from neural.monitoring.settings.document import Document, parse_document, plain_value, read_document


def parse(text: str | bytes) -> Document:
    raw = text.encode() if isinstance(text, str) else text
    return parse_document(raw, name="n.yaml", folder=Path("/somewhere"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("NO", "NO"), ("on", "on"), ("1:30", "1:30"), ("0777", 777), ("0x1F", 31), ("1_000", 1000), ("~", None), ("null", None),
        ("true", True), ("false", False), ("1.5", 1.5), ("1e3", 1000.0), ("2026-01-01", "2026-01-01"), ("9" * 5000, "9" * 5000), (".", "."), ("", None),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema(text, value):
    assert plain_value(text) == value
    assert type(plain_value(text)) is type(value)


def test_every_value_knows_its_line():
    document = parse("a:\n  b: 1\n  c:\n    - x\n    - y\n")
    assert document.data == {"a": {"b": 1, "c": ["x", "y"]}}
    assert document.lines["a", "b"] == 2
    assert document.lines["a", "c", 1] == 5
    assert document.where(("a", "c", 1)) == "n.yaml:5"
    assert document.where(("a", "missing", "deeper")) == "n.yaml:1"


def test_a_key_given_twice_is_named_with_both_lines():
    problems = parse("a: 1\nb: 2\na: 3\n").problems
    assert [str(problem) for problem in problems] == ["n.yaml:3: a: is given twice (first on line 1)"]


def test_anchors_and_merges_work_and_own_keys_win():
    document = parse("base: &base {x: 1, y: 2}\nother:\n  <<: *base\n  y: 3\n")
    assert document.data["other"] == {"x": 1, "y": 3}


def test_the_first_of_several_merges_wins():
    document = parse("a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc: {<<: [*a, *b]}\n")
    assert document.data["c"] == {"x": 1, "z": 3}


def test_a_billion_laughs_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    with pytest.raises(ConfigError, match="too many values"):
        parse("\n".join(lines))


def test_an_alias_to_its_own_parent_is_refused():
    with pytest.raises(ConfigError, match=r"too many values|not valid YAML"):
        parse("a: &a\n  b: *a\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 10_000, "nested deeper than 32"),
        ("a: " + "{a: " * 40 + "1" + "}" * 40, "nested deeper than 32"),
        ("a: 1\n---\nb: 2\n", "more than one document"),
        ("- 1\n", "n.yaml:1: must be a mapping"),
        ("a: [1\nb: 2\n", "not valid YAML"),
        ("a: \x01", "not valid YAML"),
        (b"a: 1\nb: \xff\n", "n.yaml:2: is not UTF-8"),
        (b"x" * (1 << 20) + b"x", "larger than 1024 KiB"),
        ("a: *nowhere", "not valid YAML"),
    ],
    ids=[
        "open lists",
        "deep mappings",
        "two documents",
        "a list",
        "an open list",
        "a control character",
        "Latin-1",
        "too large",
        "no such anchor",
    ],
)
def test_what_can_not_be_read_says_why(text, message):
    with pytest.raises(ConfigError, match=message):
        parse(text)


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['echo']", "!custom 1", "!!binary aGk=", "!!set {a}"])
def test_tags_are_reported_not_built(tag):
    document = parse(f"a: {tag}\n")
    assert document.data == {"a": None}
    assert "is not supported" in str(document.problems[0])


def test_a_byte_order_mark_and_an_empty_file_are_fine():
    assert parse(b"\xef\xbb\xbfa: 1\n").data == {"a": 1}
    assert parse("# nothing\n").data == {}


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(
        ConfigError, match=r"absent.yaml: can't be read: No such file or directory \(neural monitor init writes one\)"
    ):
        read_document(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match="can't be read: Is a directory"):
        read_document(tmp_path)


def test_a_key_that_is_a_list_is_reported():
    assert "a key must be a word" in str(parse("? [a, b]\n: 1\n").problems[0])
