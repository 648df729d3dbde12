"""Properties of alerts: whatever the answers and whatever the clock does."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from neural.monitoring.alerts import AlertEngine, RuleSettings, build_rule
from neural.monitoring.alerts.channels import Policy
from neural.monitoring.alerts.template import render
from neural.monitoring.clock import ManualClock
from neural.monitoring.signal import Signal
from neural.monitoring.store import MemoryStore

EVERY = 60.0
answers = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=40)
# mostly regular, sometimes a jump forward or back, as an NTP step, a pause of the machine or a wrong time zone makes
steps = st.lists(st.one_of(st.just(EVERY), st.floats(-1e6, 1e6), st.just(0.0)), min_size=40, max_size=40)
rules = st.fixed_dictionaries(
    {
        "for": st.sampled_from([0, 30, 60, 180, 600]),
        "keep_firing_for": st.sampled_from([0, 60, 300]),
        "cooldown": st.sampled_from([0, 300, 3600]),
        "repeat": st.sampled_from([None, 300, 3600]),
        "no_data": st.sampled_from(["keep", "ok", "alert"]),
    }
)


class Quiet:
    kind = "quiet"
    name = "quiet"
    policy = Policy(group_wait=0, group_interval=0, grouped=False)


def play(fields, answers, steps, restart_at=None):
    """(time, answer, changed rows) of each evaluation, and the store."""
    clock, store = ManualClock(1e9), MemoryStore()
    rule = build_rule(RuleSettings.model_validate({"name": "r", "when": "x > 0.5", **fields}))
    make = lambda: AlertEngine([rule], store, {"quiet": Quiet()}, clock, evaluate_every=EVERY)  # noqa: E731
    engine, story = make(), []
    for i, (answer, step) in enumerate(zip(answers, steps, strict=False)):
        if i == restart_at:
            engine = make()
        clock.advance(step)
        value = None if answer is None else float(answer)
        rows = engine.evaluate([Signal("x", value, clock(), {"model": "m", "version": "1"})], clock())
        story.append((clock(), answer, rows))
    return story, store


@settings(max_examples=150, deadline=None)
@given(rules, answers, steps)
def test_states_follow_each_other_as_they_must(fields, answers, steps):
    story, store = play(fields, answers, steps)
    state = "inactive"
    for _, answer, rows in story:
        for row in rows:
            allowed = {
                "inactive": {"pending", "firing"},
                "pending": {"pending", "firing"},
                "firing": {"resolved"},
                "resolved": {"pending", "firing"},
            }
            assert row.state in allowed[state], f"{state} → {row.state}"
            state = row.state
            if row.state == "resolved":
                assert row.fired_at is not None, "an alert resolved that never fired"
    assert all(row.fired_at is not None for row in store.alerts())


@settings(max_examples=150, deadline=None)
@given(rules, answers, steps)
def test_nothing_fires_without_having_been_seen_for_its_time(fields, answers, steps):
    story, _ = play(fields, answers, steps)
    held, before = 0.0, None
    for now, answer, rows in story:
        holds = answer if answer is not None else {"alert": True, "ok": False, "keep": None}[fields["no_data"]]
        if not holds:
            held, before = 0.0, None  # a gap in the data begins the count anew while pending
        else:
            held += 0.0 if before is None else min(max(now - before, 0.0), 2 * EVERY)
            before = now
        if any(row.state == "firing" for row in rows):
            assert holds
            assert held >= fields["for"] - 1e-6


@settings(max_examples=100, deadline=None)
@given(rules, answers, steps, st.integers(0, 39))
@example(  # the clock is set back before it: nothing else changes then
    {"for": 60, "keep_firing_for": 0, "cooldown": 0, "repeat": None, "no_data": "keep"}, [True] * 3, [60.0, -1.0, 60.0], 2
)
def test_a_restart_at_any_moment_changes_nothing(fields, answers, steps, restart_at):
    plain, store = play(fields, answers, steps)
    broken, other = play(fields, answers, steps, restart_at)
    assert [[(row.state, row.alert_id) for row in rows] for *_, rows in plain] == [
        [(row.state, row.alert_id) for row in rows] for *_, rows in broken
    ]
    said = lambda store: [(row.created_at, row.payload["alerts"][0]["status"]) for row in store.outbox()]  # noqa: E731
    assert said(store) == said(other)


@settings(max_examples=150, deadline=None)
@given(rules, answers, steps)
@example(  # it begins anew at a moment at which it began before
    {"for": 0, "keep_firing_for": 0, "cooldown": 0, "repeat": None, "no_data": "keep"},
    [True, True, False, True, False, True],
    [60.0, 60.0, 60.0, 60.0, 0.0, 0.0],
)
def test_each_change_of_state_is_said_at_most_once_and_only_what_fired_is_said_to_be_over(fields, answers, steps):
    _, store = play({**fields, "repeat": None}, answers, steps)
    said = [(entry["alert_id"], entry["status"]) for row in store.outbox() for entry in row.payload["alerts"]]
    assert len(said) == len(set(said))
    assert all((alert_id, "firing") in said for alert_id, status in said if status == "resolved")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="{}abc.:%!_[]0159fx ", max_size=60))
def test_no_template_breaks_or_reaches_out(template):
    text = render(template, {"a": 1.5, "b": "x", "abc": None})
    assert len(text) <= 4000
    assert "<" not in text
