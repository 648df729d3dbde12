"""The alert engine: rules over signals, from the first true condition to the resolved message."""

from __future__ import annotations

import pytest

from neural.monitoring.alerts import AlertEngine, RuleSettings, build_rule
from neural.monitoring.alerts.channels import DeliveryResult, Policy
from neural.monitoring.clock import ManualClock
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import MemoryStore, Silence

MODEL = {"model": "flights", "version": "3"}


class Recorder:
    kind = "recorder"

    def __init__(self, name="rec", policy=None):
        self.name, self.policy, self.sent = name, policy or Policy(group_wait=0, group_interval=0, grouped=False), []

    def send(self, notification):
        self.sent.append(notification)
        return DeliveryResult(ok=True)

    def close(self):
        pass


def rule(**fields):
    return build_rule(RuleSettings.model_validate({"name": "High Error Rate", "when": "error_rate > 0.05", **fields}))


def signal(name, value, now=0.0, verdict=None, **labels):
    return Signal(name, value, now, {**MODEL, **labels}, verdict)


class Bench:
    def __init__(self, *rules, policy=None, store=None, clock=None):
        self.store, self.clock, self.channel = store or MemoryStore(), clock or ManualClock(1000.0), Recorder(policy=policy)
        self.engine = AlertEngine(rules, self.store, {"rec": self.channel}, self.clock, evaluate_every=60)

    def tick(self, *signals, seconds=60):
        self.clock.advance(seconds)
        return self.engine.evaluate(signals, self.clock())

    @property
    def queued(self):
        return [(entry["rule"], entry["status"]) for row in self.store.outbox() for entry in row.payload["alerts"]]


def test_a_true_condition_fires_writes_a_row_and_queues_one_message():
    bench = Bench(rule(message="Error rate is {error_rate:.2%}"))
    [row] = bench.tick(signal("error_rate", 0.08))
    assert (row.state, row.message, row.severity) == ("firing", "Error rate is 8.00%", "warning")
    assert row.labels == MODEL
    assert bench.store.alerts()[0] == row
    assert bench.queued == [("High Error Rate", "firing")]


def test_nothing_changes_while_it_stays_true():
    bench = Bench(rule())
    bench.tick(signal("error_rate", 0.08))
    assert bench.tick(signal("error_rate", 0.09)) == []
    assert len(bench.queued) == 1


def test_it_resolves_when_the_condition_is_gone_and_says_so_once():
    bench = Bench(rule())
    bench.tick(signal("error_rate", 0.08))
    [row] = bench.tick(signal("error_rate", 0.01))
    assert row.state == "resolved"
    assert row.resolved_at == bench.clock()
    bench.tick(signal("error_rate", 0.01))
    assert [status for _, status in bench.queued] == ["firing", "resolved"]


def test_for_must_be_observed_before_it_fires():
    bench = Bench(rule(**{"for": "3m"}))
    assert [row.state for row in bench.tick(signal("error_rate", 0.08))] == ["pending"]
    assert bench.tick(signal("error_rate", 0.08)) == []
    assert bench.tick(signal("error_rate", 0.08)) == []
    assert [row.state for row in bench.tick(signal("error_rate", 0.08))] == ["firing"]


def test_a_pause_of_the_sidecar_does_not_count_as_for():
    bench = Bench(rule(**{"for": "10m"}))
    bench.tick(signal("error_rate", 0.08))
    assert bench.tick(signal("error_rate", 0.08), seconds=3600) == []


def test_a_pending_alert_goes_away_without_a_trace():
    bench = Bench(rule(**{"for": "3m"}))
    bench.tick(signal("error_rate", 0.08))
    assert bench.tick(signal("error_rate", 0.01)) == []
    assert bench.store.alerts() == []
    assert bench.queued == []


def test_keep_firing_for_damps_flapping():
    bench = Bench(rule(keep_firing_for="2m"))
    bench.tick(signal("error_rate", 0.08))
    for value in (0.01, 0.08, 0.01, 0.01):
        assert bench.tick(signal("error_rate", value)) == []
    assert [row.state for row in bench.tick(signal("error_rate", 0.01))] == ["resolved"]


def test_cooldown_holds_back_the_next_message_but_not_the_alert():
    bench = Bench(rule(cooldown="10m"))
    for value in (0.08, 0.01, 0.08, 0.01):
        bench.tick(signal("error_rate", value))
    assert [row.state for row in bench.store.alerts()] == ["resolved", "resolved"]
    assert [status for _, status in bench.queued] == ["firing", "resolved"]


def test_it_is_said_again_after_the_repeat_interval():
    bench = Bench(rule(repeat="5m"))
    for _ in range(6):
        bench.tick(signal("error_rate", 0.08))
    rows = bench.store.outbox()
    assert [row.payload["alerts"][0]["repeat"] for row in rows] == [False, True]


def test_missing_data_neither_fires_nor_resolves():
    bench = Bench(rule())
    assert bench.tick(signal("error_rate", None)) == []
    bench.tick(signal("error_rate", 0.08))
    assert bench.tick(signal("error_rate", None)) == []
    assert bench.tick() == []
    assert [row.state for row in bench.store.alerts()] == ["firing"]


def test_a_firing_alert_without_data_for_an_hour_resolves_and_says_why():
    bench = Bench(rule())
    bench.tick(signal("error_rate", 0.08))
    rows = [row for _ in range(61) for row in bench.tick(signal("error_rate", None))]
    assert [row.state for row in rows] == ["resolved"]
    assert "no data" in rows[0].evidence["ended"]


def test_no_data_can_be_an_alert():
    bench = Bench(rule(no_data="alert"))
    assert [row.state for row in bench.tick(signal("error_rate", None))] == ["firing"]


def test_no_data_can_be_ok():
    bench = Bench(rule(no_data="ok"))
    bench.tick(signal("error_rate", 0.08))
    assert [row.state for row in bench.tick(signal("error_rate", None))] == ["resolved"]


def test_a_condition_that_raises_is_itself_an_alert():
    from neural.monitoring.alerts.condition import CallableCondition
    from neural.monitoring.alerts.rule import Rule

    bench = Bench(Rule("Broken", CallableCondition(lambda data: data["nope"] > 1)))
    [row] = bench.tick(signal("error_rate", 0.0))
    assert row.title == "Broken: the rule can't be evaluated"
    assert "KeyError" in row.message


def test_a_type_error_in_an_expression_is_an_alert_and_resolves_when_mended():
    bench = Bench(rule(when="error_rate"))
    assert "not true or false" in bench.tick(signal("error_rate", 0.2))[0].message
    bench.engine.replace_rules([rule(when="error_rate > 0.5")])
    assert [row.state for row in bench.tick(signal("error_rate", 0.2))] == ["resolved"]


def test_each_version_has_its_own_alert():
    bench = Bench(rule())
    rows = bench.tick(signal("error_rate", 0.08), signal("error_rate", 0.09, version="4"))
    assert sorted(row.labels["version"] for row in rows) == ["3", "4"]


def test_for_each_gives_every_slo_its_own_alert():
    page = rule(
        name="burn",
        when=None,
        metric="slo.burn_alert",
        where={"severity": "page"},
        for_each=["slo"],
        above=0,
        message="{slo} burns",
    )
    bench = Bench(page)
    burns = [("fast", "page"), ("up", "page"), ("right", "ticket")]
    rows = bench.tick(
        *[
            signal("slo.burn_alert", 1.0, slo=slo, severity=severity, version=version)
            for slo, severity in burns
            for version in ("3", "4")
        ]
    )
    assert sorted(row.message for row in rows) == ["fast burns", "up burns"], "two versions share one budget and so one alert"
    assert all("version" not in row.labels for row in rows)
    assert rows[0].labels["slo"] in ("fast", "up")


def test_the_reason_quotes_the_verdict():
    verdict = Verdict(Outcome.BAD, "temp moved by 4 sigma", 9.0, 1.0, sample_size=500, evidence={"bins": [1, 2]})
    bench = Bench(rule(when="drift.alarm > 0"))
    [row] = bench.tick(
        signal("drift.alarm", 1.0, verdict=verdict),
        signal("drift.feature_score", 0.9, feature="temp"),
        signal("capture.loss_ratio", 0.02),
    )
    assert "temp moved by 4 sigma" in row.message
    assert row.evidence["n"] == 500
    assert row.evidence["threshold"] == 1.0
    assert row.evidence["top_features"][0]["feature"] == "temp"
    assert row.evidence["ledger"] == {"loss_ratio": 0.02}
    assert row.evidence["command"].startswith("neural monitor drift --model flights --model-version 3 --at ")


def test_a_restart_continues_firing_alerts_without_saying_it_again():
    first = Bench(rule())
    first.tick(signal("error_rate", 0.08))
    second = Bench(rule(), store=first.store, clock=first.clock)
    assert second.tick(signal("error_rate", 0.08)) == []
    [row] = second.tick(signal("error_rate", 0.01))
    assert (row.state, row.message) == ("resolved", first.store.alerts()[0].message)
    assert [status for _, status in second.queued] == ["firing", "resolved"]


def test_a_restart_keeps_what_a_pending_alert_has_waited():
    first = Bench(rule(**{"for": "2m"}))
    first.tick(signal("error_rate", 0.08))
    first.tick(signal("error_rate", 0.08))
    second = Bench(rule(**{"for": "2m"}), store=first.store, clock=first.clock)
    assert [row.state for row in second.tick(signal("error_rate", 0.08))] == ["firing"]


def test_an_alert_of_a_removed_rule_resolves():
    bench = Bench(rule())
    bench.tick(signal("error_rate", 0.08))
    bench.engine.replace_rules([])
    [row] = bench.tick(signal("error_rate", 0.08))
    assert row.state == "resolved"
    assert row.evidence["ended"] == "the rule was removed"


def test_a_silenced_alert_is_suppressed_and_told_when_the_silence_ends():
    bench = Bench(rule())
    bench.store.put_silence(Silence("s1", {"rule": "High*"}, 0.0, 1180.0, "ana", "release"))
    [row] = bench.tick(signal("error_rate", 0.08))
    assert row.state == "suppressed"
    assert row.evidence["suppressed_by"] == "silenced by ana: release"
    assert bench.queued == []
    bench.tick(signal("error_rate", 0.08))
    assert [row.state for row in bench.tick(signal("error_rate", 0.08))] == ["firing"]
    assert bench.queued == [("High Error Rate", "firing")]


def test_a_firing_rule_inhibits_another_of_the_same_model():
    bench = Bench(rule(name="Gone", when="traffic.staleness > 10", inhibits=["High*"]), rule())
    rows = bench.tick(signal("error_rate", 0.08), signal("traffic.staleness", 60.0), signal("error_rate", 0.08, model="other"))
    assert sorted((row.rule, row.labels["model"], row.state) for row in rows) == [
        ("Gone", "flights", "firing"),
        ("High Error Rate", "flights", "suppressed"),
        ("High Error Rate", "other", "firing"),
    ]


def test_alerts_of_one_model_share_a_message_and_of_others_do_not():
    bench = Bench(rule(), rule(name="Slow", when="latency.p95 > 1"), policy=Policy(group_wait=30, group_interval=300))
    bench.tick(signal("error_rate", 0.08), signal("latency.p95", 2.0), signal("error_rate", 0.5, model="other"))
    messages = sorted(sorted(entry["rule"] for entry in row.payload["alerts"]) for row in bench.store.outbox())
    assert messages == [["High Error Rate"], ["High Error Rate", "Slow"]]
    assert {row.next_attempt_at for row in bench.store.outbox()} == {bench.clock() + 30}


def test_a_worse_alert_does_not_wait_for_the_group_interval():
    bench = Bench(
        rule(), rule(name="Worse", severity="critical", when="latency.p95 > 1"), policy=Policy(group_wait=10, group_interval=3600)
    )
    bench.tick(signal("error_rate", 0.08), signal("latency.p95", 0.1))
    bench.tick(signal("error_rate", 0.08), signal("latency.p95", 2.0))
    assert sorted(row.next_attempt_at for row in bench.store.outbox()) == [1070.0, 1130.0]


def test_a_flag_tells_its_own_sentence():
    verdict = Verdict(Outcome.BAD, "temp drifted", 9.0, 1.0)
    bench = Bench(rule(when=None, metric="drift.alarm", above=0, message="{reason}"))
    [row] = bench.tick(signal("drift.alarm", 1.0, verdict=verdict))
    assert row.message == "temp drifted"


def test_an_unhealthy_sidecar_speaks_for_every_model_and_version():
    bench = Bench(rule(name="Sidecar unhealthy", when="sidecar.backlog > 10", inhibits=["*"]), rule())
    rows = bench.tick(
        signal("sidecar.backlog", 99.0),
        signal("error_rate", 0.5, version="4"),
        signal("error_rate", 0.5, model="other"),
    )
    assert sorted((row.rule, row.state) for row in rows) == [
        ("High Error Rate", "suppressed"), ("High Error Rate", "suppressed"), ("Sidecar unhealthy", "firing"),
    ]  # fmt: skip
    assert bench.queued == [("Sidecar unhealthy", "firing")]


def test_two_rules_that_inhibit_each_other_are_both_heard():
    bench = Bench(rule(name="A", when="error_rate > 0", inhibits=["*"]), rule(name="B", when="error_rate > 0", inhibits=["A"]))
    assert [row.state for row in bench.tick(signal("error_rate", 0.5))] == ["firing", "firing"]


def test_a_failed_write_leaves_no_half_done_change():
    bench = Bench(rule())
    put, bench.store.put_alert = bench.store.put_alert, lambda row: 1 / 0
    with pytest.raises(ZeroDivisionError):
        bench.tick(signal("error_rate", 0.5))
    bench.store.put_alert = put
    assert [row.state for row in bench.tick(signal("error_rate", 0.5))] == ["firing"]
    assert len(bench.queued) == 1


def test_series_are_arranged_once_however_many_rules_pick_one_by_its_label(monkeypatch):
    from neural.monitoring.alerts.index import SignalView

    looked = []
    real = SignalView.series
    monkeypatch.setattr(SignalView, "series", lambda self, name: looked.append(name) or real(self, name))
    rules = [
        build_rule(
            RuleSettings.model_validate({"name": f"r{i}", "metric": "drift.psi", "where": {"feature": f"f{i}"}, "above": 1})
        )
        for i in range(50)
    ]
    bench = Bench(*rules)
    rows = bench.tick(*[signal("drift.psi", float(i == 7) * 9, feature=f"f{i}") for i in range(50)])
    assert [row.rule for row in rows] == ["r7"]
    assert looked.count("drift.psi") < 5, "not once for each of 50 rules"
