from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural.monitoring.dashboard.selection import RANGES_SECONDS, Selection

names = st.text(max_size=60)


@given(
    st.builds(
        Selection,
        page=st.sampled_from(["overview", "drift", "slo"]),
        model=names,
        version=names,
        range=st.sampled_from(["", *RANGES_SECONDS]),
        until=st.none() | st.integers(1, 10**10).map(float),
        feature=names,
        slo=names,
    )
)
def test_a_link_reproduces_the_view_it_was_copied_from(selection):
    path, _, query = selection.href("/m/").partition("?")
    assert Selection.parse(path, f"?{query}", "/m/") == selection


@given(st.text(max_size=200), st.text(max_size=300))
def test_any_mangled_link_still_opens_a_view(path, query):
    selection = Selection.parse(path, query)
    assert selection.range in ("", *RANGES_SECONDS)
    assert selection.page


@pytest.mark.parametrize("word", ["nan", "inf", "-5", "1e300", "yesterday", ""])
def test_a_moment_that_is_none_means_now(word):
    assert Selection.parse("/", f"?until={word}").live


def test_an_unknown_range_falls_back_to_auto():
    assert Selection.parse("/", "?range=99y").range == ""


def test_the_plain_view_has_a_plain_link():
    assert Selection().href("/") == "/"
    assert Selection(page="drift").href("/dash/") == "/dash/drift"


def test_what_is_picked_keeps_the_rest_of_the_view():
    here = Selection.parse("/drift", "?range=6h&model=flights&version=3")
    assert here.href(feature="a b&c") == "/drift?model=flights&version=3&range=6h&feature=a+b%26c"


def test_a_huge_query_is_cut():
    assert len(Selection.parse("/", "?feature=" + "x" * 100_000).feature) <= 512
