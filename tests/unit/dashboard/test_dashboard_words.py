from __future__ import annotations

import math

import pytest

from neural.monitoring.dashboard import words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"), (math.nan, "–"), (math.inf, "–"), (0, "0"), (0.12345, "0.123"), (7, "7"), (1234, "1,234"), (56789, "56.8 k"),
        (2.5e6, "2.5 M"), (0.00001, "1.0e-05"), (-3.14159, "-3.14"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits(value, shown):
    assert words.number(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.5, "50%"),
        (0.99951, "99.95%"),
        (0.999999, "> 99.99%"),
        (1.0, "100%"),
        (0.00001, "< 0.01%"),
        (0.0, "0%"),
        (None, "–"),
    ],
)
def test_percentages_never_round_a_little_to_nothing_nor_almost_all_to_all(share, shown):
    assert words.percent(share) == shown


@pytest.mark.parametrize(
    ("length", "shown"),
    [(0.0000123, "12.3 µs"), (0.0314, "31.4 ms"), (2.5, "2.5 s"), (150, "2.5 min"), (7200, "2 h"), (259200, "3 d")],
)
def test_times_are_told_in_the_unit_people_would_use(length, shown):
    assert words.seconds(length) == shown


def test_names_are_never_markup_in_a_figure():
    assert words.plain("<a href='x'>&%{y}") == "&lt;a href='x'&gt;&amp;%\u200b{y}"


def test_long_names_keep_both_ends():
    short = words.shortened("customer_lifetime_value_in_the_last_30_days", 20)
    assert len(short) == 20
    assert short.startswith("customer_")
    assert short.endswith("0_days")


def test_lists_name_a_few_and_count_the_rest():
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.listed(list("abcde")) == "a, b, c and 2 more"
