from __future__ import annotations

from neural.monitoring.dashboard.headline import headline
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import MemoryStore

MODEL = {"model": "m", "version": "1"}


def _store(now, *signals):
    store = MemoryStore()
    store.write_signals([Signal("requests.rate", 12.0, now, MODEL), *signals])
    return store


def _drift(now, outcome, reason="because", value=0.0):
    return Signal("drift.alarm", value, now, MODEL, Verdict(outcome, reason))


def test_an_empty_store_is_not_called_well(empty_store, read):
    found = headline(read(empty_store))
    assert found.level == "unknown"
    assert found.sentence == "Nothing has been measured yet."


def test_a_calm_service_is_well_with_its_figures(calm_store, read):
    found = headline(read(calm_store))
    assert found.level == "ok"
    assert found.findings == ()
    assert "no drift in 12 features" in found.sentence


def test_the_worst_news_comes_first_and_what_was_measured_before_the_alerts_about_it(store, read):
    found = headline(read(store))
    assert (found.level, found.topic, found.sentence) == (
        "bad",
        "drift",
        "The inputs have drifted: temp and dewp.",
    )
    levels = [f.level for f in found.findings]
    assert levels == sorted(levels, key=["bad", "warn", "unknown"].index)
    told = [(f.topic, f.text) for f in found.findings]
    assert ("critical alert", "Data drift: drift.alarm is 1: 2 of 12 features moved, most of all temp.") in told
    assert ("warning alert", "“fast” burns its budget.") in told


def test_the_moment_before_the_incident_was_well(store, read, now):
    found = headline(read(store, f"/?until={now - 25 * 60:.0f}"))
    assert found.level == "ok"


def test_silence_of_the_sidecar_is_bad_news(calm_store, read, now):
    found = headline(read(calm_store, now=now + 1800))
    assert found.level == "bad"
    assert found.sentence.startswith("No news for 30 min")


def test_a_stopped_sidecar_is_bad_news_at_once_and_the_time_before_is_not(now, read, story):
    stopped = MemoryStore()
    story.fill(stopped, now, incident=False)
    stopped.put_value("sidecar", {**(stopped.value("sidecar") or {}), "stopped_at": now + 1})
    found = headline(read(stopped, now=now + 2))
    assert found.level == "bad"
    assert found.sentence.startswith("The sidecar was stopped on ")
    assert headline(read(stopped, f"/?until={now - 60:.0f}", now=now + 2)).level == "ok"


def test_the_python_api_is_never_late(now, read):
    store = _store(now, _drift(now, Outcome.OK, "No drift."))
    store.write_signals([Signal("requests.rate", 12.0, now + step, MODEL) for step in (1, 2, 3)])
    store.put_value("sidecar", {"library": True})
    assert headline(read(store, now=now + 9000)).level == "ok"


def test_not_knowing_is_never_called_well(now, read):
    found = headline(read(_store(now, _drift(now, Outcome.UNKNOWN, "Only 12 rows."))))
    assert found.sentence == "Well, as far as can be judged."
    assert [f.text for f in found.findings] == ["Drift can't be judged: only 12 rows."]


def test_a_lossy_capture_casts_doubt_on_the_rest(now, read):
    ledger = [Signal("capture.seen", 100.0, now, MODEL), Signal("capture.shipped", 90.0, now, MODEL)]
    ledger.append(Signal("capture.dropped", 10.0, now, {**MODEL, "reason": "ring_full"}))
    found = headline(read(_store(now, *ledger, _drift(now, Outcome.OK))))
    assert (found.level, found.topic) == ("warn", "capture")
    assert found.sentence.startswith("10% of requests were not captured")
