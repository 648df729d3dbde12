"""The page parses, in both formats, whatever the labels hold."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from neural.monitoring.export.family import Exemplar, Family, MetricSpec, number
from neural.monitoring.export.text import close, render, wants_openmetrics


def family(kind="gauge", name="m", labels=("a",)) -> Family:
    return Family(MetricSpec(name, kind, 'Says "hi" and \\ and\nmore', labels))


# Prometheus' own parsers split lines at "\n" only; the Python parser uses str.splitlines, which also splits at these.
label_text = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=40
)


@given(label_text, st.floats(allow_nan=False, allow_infinity=False))
def test_any_label_value_reads_back_in_both_formats(value, amount):
    one = family()
    one.add(amount, value)
    plain = next(iter(parse_text(render([one]))))
    assert plain.samples[0].labels == {"a": value}
    assert plain.samples[0].value == amount
    opened = next(iter(parse_openmetrics(close(render([one], openmetrics=True)))))
    assert opened.samples[0].labels == {"a": value}
    assert opened.samples[0].value == amount
    assert opened.documentation == one.spec.help


def test_histograms_are_cumulative_and_carry_exemplars_in_openmetrics_only():
    one = family("histogram", "h_seconds")
    one.add_histogram((0.1, 1.0), (3, 2, 1), 4.5, "x", exemplars=(Exemplar("ab", 0.05, 1.5), None, None))
    assert render([one]).splitlines()[2:] == [
        'h_seconds_bucket{a="x",le="0.1"} 3.0',
        'h_seconds_bucket{a="x",le="1.0"} 5.0',
        'h_seconds_bucket{a="x",le="+Inf"} 6.0',
        'h_seconds_sum{a="x"} 4.5',
        'h_seconds_count{a="x"} 6.0',
    ]
    opened = next(iter(parse_openmetrics(close(render([one], openmetrics=True)))))
    assert opened.samples[0].exemplar.labels == {"trace_id": "ab"}
    assert opened.samples[0].exemplar.value == 0.05


def test_an_exemplar_that_is_too_long_is_left_out():
    one = family("histogram", "h_seconds", ())
    one.add_histogram((0.1,), (1, 0), 0.1, exemplars=(Exemplar("a" * 200, 0.05, 1.5), None))
    assert "aaa" not in render([one], openmetrics=True)


def test_counters_and_info_follow_each_formats_naming():
    counter, info = family("counter", "c_total", ()), family("info", "b_info", ("v",))
    counter.add(2)
    info.add(1, "9")
    assert "# TYPE c_total counter" in render([counter])
    assert "# TYPE c counter\nc_total 2.0" in render([counter], openmetrics=True)
    assert "# TYPE b_info gauge" in render([info])
    assert '# TYPE b info\nb_info{v="9"} 1.0' in render([info], openmetrics=True)


def test_no_data_adds_nothing_and_an_empty_family_no_line():
    one = family()
    one.add(None, "x")
    assert render([one]) == ""
    assert close(render([one], openmetrics=True)) == "# EOF\n"


@pytest.mark.parametrize(
    ("value", "text"), [(1, "1.0"), (0.1, "0.1"), (1e22, "1e+22"), (-0.0, "0.0"), (2**53, "9007199254740992.0"), (1e-9, "1e-09")]
)
def test_numbers_are_short_and_exact(value, text):
    assert number(value) == text
    assert math.isclose(float(number(value)), value)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            True,
        ),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.9", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=nonsense", False),
        ("text/plain;q=0.5 , application/openmetrics-text ; q=0.5", True),
        (",;,;=;q=,", False),
    ],
)
def test_openmetrics_is_given_to_those_who_prefer_it(accept, expected):
    assert wants_openmetrics(accept) is expected
