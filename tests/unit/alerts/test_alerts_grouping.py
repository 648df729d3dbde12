"""Grouping: what happens within the waiting time travels together, durably, and something worse does not wait."""

from __future__ import annotations

import pytest

from neural.monitoring.alerts import AlertEngine, Delivery, DeliveryResult, RuleSettings, build_rule
from neural.monitoring.alerts.channels import Policy
from neural.monitoring.alerts.notification import MOST_ALERTS
from neural.monitoring.clock import ManualClock
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import MemoryStore, Silence

LABELS = {"model": "m", "version": "1"}


class Grouped:
    kind, name = "grouped", "g"

    def __init__(self, **policy):
        self.policy, self.sent = Policy(**{"group_wait": 30, "group_interval": 300, **policy}), []

    def send(self, notification):
        self.sent.append([(entry["rule"], entry["status"]) for entry in notification["alerts"]])
        return DeliveryResult(ok=True)

    def close(self):
        pass


class Bench:
    def __init__(self, *rules, store=None, clock=None, **policy):
        self.store, self.clock, self.channel = store or MemoryStore(), clock or ManualClock(1000.0), Grouped(**policy)
        self.engine = AlertEngine(rules, self.store, {"g": self.channel}, self.clock, evaluate_every=10)
        self.delivery = Delivery(self.store, {"g": self.channel}, self.clock)

    def tick(self, seconds=10, **values):
        self.clock.advance(seconds)
        self.engine.evaluate([Signal(name, value, self.clock(), LABELS) for name, value in values.items()], self.clock())
        self.delivery.deliver_due(self.clock())
        return self.channel.sent


def rule(name, **fields):
    return build_rule(RuleSettings.model_validate({"name": name, "when": f"{name} > 0.5", "cooldown": 0, **fields}))


def test_what_fires_within_the_wait_is_one_message():
    bench = Bench(rule("a"), rule("b"), rule("c"))
    bench.tick(a=1, b=0, c=0)
    bench.tick(a=1, b=1, c=0)
    assert bench.tick(a=1, b=1, c=1) == []
    assert bench.tick(a=1, b=1, c=1) == [[("a", "firing"), ("b", "firing"), ("c", "firing")]]


def test_what_follows_waits_for_the_interval():
    bench = Bench(rule("a"), rule("b"))
    for _ in range(5):
        bench.tick(a=1, b=0)
    assert len(bench.channel.sent) == 1
    bench.tick(a=1, b=1)
    for _ in range(26):
        assert len(bench.tick(a=1, b=1)) == 1
    for _ in range(4):
        bench.tick(a=1, b=1)
    assert bench.channel.sent[1:] == [[("b", "firing")]]


def test_something_worse_pulls_the_waiting_message_forward():
    bench = Bench(rule("a"), rule("b"), rule("c", severity="critical"))
    for _ in range(5):
        bench.tick(a=1, b=0, c=0)
    bench.tick(a=1, b=1, c=0)  # waits for the interval
    bench.tick(a=1, b=1, c=1)
    for _ in range(3):
        bench.tick(a=1, b=1, c=1)
    assert bench.channel.sent[1:] == [[("c", "firing"), ("b", "firing")]], "the worst first"


def test_a_restart_adds_to_the_message_that_waits():
    first = Bench(rule("a"), rule("b"))
    first.tick(a=1, b=0)
    second = Bench(rule("a"), rule("b"), store=first.store, clock=first.clock)
    second.tick(a=1, b=1)
    for _ in range(3):
        second.tick(a=1, b=1)
    assert second.channel.sent == [[("a", "firing"), ("b", "firing")]]


def test_more_than_fit_into_one_message_go_into_the_next():
    rules = [rule(f"r{i}") for i in range(MOST_ALERTS + 10)]
    bench = Bench(*rules, group_interval=0)
    bench.tick(**{f"r{i}": float(i < 5) for i in range(len(rules))})
    bench.tick(**{f"r{i}": 1.0 for i in range(len(rules))})
    for _ in range(6):
        bench.tick(**{f"r{i}": 1.0 for i in range(len(rules))})
    assert [len(one) for one in bench.channel.sent] == [MOST_ALERTS, 10]


def test_a_channel_that_wants_no_resolved_gets_none():
    bench = Bench(rule("a"), group_wait=0, group_interval=0, send_resolved=False)
    bench.tick(a=1)
    bench.tick(a=0)
    assert bench.channel.sent == [[("a", "firing")]]


def answers(signals, **fields):
    from neural.monitoring.alerts.index import LabelOrder
    from neural.monitoring.alerts.ruleset import RuleSet

    one = build_rule(RuleSettings.model_validate({"name": "r", **fields}))
    return [answer for _, answer in RuleSet([one], LabelOrder()).look(signals).answers(one)]


def series(name, **by_feature):
    return [Signal(name, value, 0.0, {**LABELS, "feature": feature}) for feature, value in by_feature.items()]


def test_a_threshold_tells_the_worst_series_and_counts_the_others():
    [answer] = answers(series("drift.psi", age=0.4, zip=0.9, fare=0.1, day=0.5), metric="drift.psi", above=0.3)
    assert answer.reason == 'drift.psi["zip"] is 0.9, above 0.3, and 2 more'
    assert [signal.labels["feature"] for signal in answer.signals] == ["zip", "day", "age"]


def test_a_threshold_may_have_two_sides():
    assert answers(series("x.y", a=-3.0), metric="x.y", above=2, below=-2)[0].reason == 'x.y["a"] is -3, below -2'
    assert answers(series("x.y", a=1.0), metric="x.y", above=2, below=-2)[0].holds is False


def test_each_series_of_for_each_may_lack_data_by_itself():
    found = answers(series("x.y", a=None, b=5.0, c=1.0), metric="x.y", above=2, for_each=["feature"])
    assert {answer.labels["feature"]: answer.holds for answer in found} == {"a": None, "b": True, "c": False}


def test_an_expression_over_all_features_names_those_that_count():
    [answer] = answers(series("drift.psi", age=0.4, zip=0.9), when="drift.psi.exists(k, drift.psi[k] > 0.3)")
    assert 'drift.psi["zip"] is 0.9' in answer.reason


def test_bad_verdicts_come_first_in_the_evidence():
    bad = Signal("b.x", 1.0, 0.0, LABELS, Verdict(Outcome.BAD, "b is broken"))
    [answer] = answers([Signal("a.x", 1.0, 0.0, LABELS), bad], when="a.x > 0 && b.x > 0")
    assert answer.signals[0] is bad
    assert answer.reason.endswith("b is broken")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", 7.0),
        ("999999", 3600.0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2000 22:13:50 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_may_be_seconds_or_a_date(header, expected):
    import httpx

    from neural.monitoring.alerts.channels.http import HTTPPoster

    poster = HTTPPoster(clock=lambda: 1_700_000_000.0)
    assert poster._retry_after(httpx.Response(429, headers={"Retry-After": header} if header else {})) == expected
    poster.close()


class TestAMessageThatWaits:
    """It says what is true when it leaves."""

    def test_an_alert_stands_in_it_once_with_its_newest_state(self):
        bench = Bench(rule("a"), rule("b"))
        bench.tick(a=1, b=1)
        bench.tick(a=0, b=1)
        for _ in range(3):
            bench.tick(a=0, b=1)
        assert bench.channel.sent == [[("b", "firing"), ("a", "resolved")]]

    def test_a_page_takes_the_ticket_out_of_it(self):
        bench = Bench(rule("ticket"), rule("page", severity="critical", inhibits=["ticket"]))
        bench.tick(ticket=1, page=0)
        bench.tick(ticket=1, page=1)
        for _ in range(40):
            bench.tick(ticket=1, page=1)
        assert bench.channel.sent == [[("page", "firing")]], "one message where one will do"
        for _ in range(40):
            bench.tick(ticket=1, page=0)
        assert bench.channel.sent[1:] == [[("ticket", "firing"), ("page", "resolved")]], "and the ticket when the page is over"

    def test_what_is_silenced_before_it_leaves_is_not_told_and_its_end_neither(self):
        bench = Bench(rule("a"))
        bench.tick(a=1)
        bench.store.put_silence(Silence("s", {"rule": "a"}, 0.0, 1e9, "ada", "known"))
        for value in (1, 1, 1, 1, 0, 0, 0, 0, 0):
            bench.tick(a=value)
        assert bench.channel.sent == []
        assert [row.state for row in bench.store.outbox()] == ["withdrawn"]

    def test_what_was_told_once_is_not_taken_back_when_it_is_silenced_later(self):
        bench = Bench(rule("a"))
        for _ in range(5):
            bench.tick(a=1)
        bench.store.put_silence(Silence("s", {"rule": "a"}, 0.0, 1e9, "ada", "known"))
        for _ in range(3):
            bench.tick(a=1)
        for _ in range(40):
            bench.tick(a=0)
        assert bench.channel.sent == [[("a", "firing")], [("a", "resolved")]]

    def test_the_end_of_a_silence_tells_what_was_withdrawn(self):
        bench = Bench(rule("a"))
        bench.tick(a=1)
        bench.store.put_silence(Silence("s", {"rule": "a"}, 0.0, bench.clock() + 60, "ada", "known"))
        for _ in range(12):
            bench.tick(a=1)
        assert bench.channel.sent == [[("a", "firing")]]


def test_resolved_does_not_overtake_a_firing_that_waits_to_be_tried_again_and_other_alerts_do():
    bench = Bench(rule("a"), rule("b"), group_wait=0, group_interval=0)
    real, bench.channel.send = bench.channel.send, lambda _: DeliveryResult(ok=False, retryable=True)
    bench.tick(a=1, b=0)  # the next attempt is in 4 to 6 s
    bench.channel.send = real
    assert bench.tick(1, a=1, b=1) == [[("b", "firing")]]
    assert len(bench.tick(1, a=0, b=1)) == 1
    assert bench.tick(10, a=0, b=1)[1:] == [[("a", "firing")], [("a", "resolved")]]


def test_what_fires_has_its_whole_wait_even_when_it_joins_news_of_what_is_over():
    bench = Bench(rule("a"), rule("b"), rule("c", severity="critical"), group_interval=0)
    for values in ({"a": 1}, {"a": 1}, {"a": 1}, {"a": 1}, {"a": 0}, {"a": 0}, {"a": 0, "b": 1}, {"b": 1}, {"b": 1, "c": 1}):
        bench.tick(**{"a": 0, "b": 0, "c": 0, **values})
    assert bench.tick(a=0, b=1, c=1)[1:] == [[("c", "firing"), ("b", "firing"), ("a", "resolved")]]


def test_what_joins_an_incident_that_people_know_of_waits_for_the_interval_though_a_part_of_it_is_over():
    bench = Bench(rule("a"), rule("b"), rule("c"), rule("d", severity="critical"))
    for _ in range(5):
        bench.tick(a=1, b=1, c=0, d=0)
    for _ in range(31):
        bench.tick(a=0, b=1, c=0, d=0)  # a is over, and people are told; b goes on
    assert bench.channel.sent == [[("a", "firing"), ("b", "firing")], [("a", "resolved")]]
    for _ in range(5):
        bench.tick(a=0, b=1, c=1, d=0)
    assert len(bench.channel.sent) == 2
    for _ in range(4):
        bench.tick(a=0, b=1, c=1, d=1)
    assert bench.channel.sent[2:] == [[("d", "firing"), ("c", "firing")]], "something worse takes it along"


def test_a_new_incident_does_not_wait_for_the_interval_of_the_last():
    bench = Bench(rule("a"), rule("b"))
    for _ in range(5):
        bench.tick(a=1, b=0)
    bench.tick(a=0, b=0)
    for _ in range(4):
        bench.tick(a=0, b=1)
    assert bench.channel.sent[1:] == [[("b", "firing"), ("a", "resolved")]]
