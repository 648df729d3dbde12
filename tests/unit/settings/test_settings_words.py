"""Units written back, and the nearest name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural.monitoring.section import parse_duration_seconds, parse_fraction, parse_size_bytes
from neural.monitoring.settings.nearest import nearest, suggestion
from neural.monitoring.settings.units import duration_text, fraction_text, size_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3600, "1h"), (5400, "1h30m"), (0.1, "100ms"), (2592000, "30d"), (1.5, "1.5s"), (0, "0s"), (90061, "1d1h1m1s")],
)
def test_durations_read_as_people_write_them(seconds, text):
    assert duration_text(seconds) == text


@given(st.floats(min_value=0, max_value=1e8, allow_nan=False))
def test_a_written_duration_reads_back(seconds):
    assert parse_duration_seconds(duration_text(seconds)) == pytest.approx(seconds)


@given(st.integers(min_value=0, max_value=2**45))
def test_a_written_size_reads_back(size):
    assert parse_size_bytes(size_text(size)) == size


@given(st.floats(min_value=0, max_value=1))
def test_a_written_share_reads_back(share):
    assert parse_fraction(fraction_text(share)) == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("widnows", "windows"),
        ("Windows", "windows"),
        ("evaluate-every", "evaluate_every"),
        ("evaluateEvery", "evaluate_every"),
        ("max", "max_disk"),
        ("foo", None),
    ],
)
def test_the_nearest_name_is_found(name, expected):
    assert nearest(name, ["windows", "evaluate_every", "max_disk"]) == expected


def test_a_few_known_names_are_listed_and_many_are_not():
    assert suggestion("zzz", ["b", "a"]) == "known here: a, b"
    assert suggestion("zzz", [f"name{i}" for i in range(50)]) == ""
