"""Whatever stands in the file, the answer is settings or mistakes in words: never another exception, never a secret."""

from __future__ import annotations

from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neural.monitoring.errors import ConfigError
from neural.monitoring.settings import ConfigErrors, Settings, check, parse_settings
from neural.monitoring.settings.schema import plain_schema
from neural.monitoring.settings.shape import Shape

SHAPE = Shape(plain_schema())
KEYS = sorted(SHAPE.names())
CONFIG = Path(__file__).parents[2] / "config"

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=12),
    st.sampled_from(["1h", "5GiB", "99%", "unix:///a", "tcp://a:1", "${A}", "${A:-1}", "${B", "$${C}", "http://x", "2026-01-01", "a > 1", "{x:.2%}"]),
)  # fmt: skip
keys = st.one_of(st.sampled_from(KEYS), st.text(max_size=8))
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)), max_leaves=8
)


def read(text: str | bytes) -> Settings | None:
    """The settings, or None where the mistakes were told as they should be."""
    try:
        return parse_settings(text, name="n.yaml", env={"A": "hunter2"})
    except ConfigError as error:
        told = error
    problems = told.problems if isinstance(told, ConfigErrors) else (told,)
    assert problems
    for problem in problems:
        assert "hunter2" not in str(problem)
        assert problem.where.startswith("n.yaml")
    return None


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text(text):
    read(text)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data):
    read(data)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(sorted(Settings.model_fields)), values, max_size=4))
def test_any_values_under_known_parts(document):
    found = read(yaml.safe_dump({"model": {"name": "a"}, **document}))
    if found is not None:
        check(found)


def _places(text: str) -> list[tuple[str | int, ...]]:
    found = []

    def walk(value, path):
        found.append(path)
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in pairs:
            walk(inner, (*path, key))

    walk(yaml.safe_load(text), ())
    return found


FULL = yaml.safe_load((CONFIG / "full.yaml").read_text())
PLACES = [path for path in _places((CONFIG / "full.yaml").read_text()) if path]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PLACES), values)
def test_any_value_in_any_place_of_the_full_file(path, value):
    document = yaml.safe_load(yaml.safe_dump(FULL))
    here = document
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    found = read(yaml.safe_dump(document))
    if found is not None:
        check(found)
