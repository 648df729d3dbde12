"""The seed's SLOTracker on measured values, with the seed's arithmetic made right."""

from __future__ import annotations

import json

import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import DataError
from neural.monitoring.slo import (
    SLO,
    SLOTracker,
    SLOType,
    create_accuracy_slo,
    create_availability_slo,
    create_error_rate_slo,
    create_latency_slo,
    create_throughput_slo,
)

STATUS_KEYS = {
    "status", "slo", "compliance_rate", "is_meeting", "total_measurements", "total_breaches", "total_breach_duration", "max_breach_duration",
    "error_budget_remaining", "recent_compliance", "current_breach", "current_breach_duration",
}  # fmt: skip


@pytest.fixture
def clock():
    return ManualClock()


def tracker(clock, *slos, **more):
    one = SLOTracker(clock=clock, **more)
    for slo in slos:
        one.add_slo(slo)
    return one


def record(one, name, values, clock, every=60):
    for value in values:
        one.record_measurement(name, value)
        clock.advance(every)


def test_the_constructors_are_the_seeds():
    made = [
        create_availability_slo(),
        create_latency_slo(),
        create_accuracy_slo(),
        create_error_rate_slo(),
        create_throughput_slo(),
    ]
    assert [(slo.name, slo.slo_type, slo.target, slo.window_seconds) for slo in made] == [
        ("model_availability", SLOType.AVAILABILITY, 0.999, 86400.0),
        ("prediction_latency_p95", SLOType.LATENCY, 0.1, 3600.0),
        ("model_accuracy", SLOType.ACCURACY, 0.95, 86400.0),
        ("error_rate", SLOType.ERROR_RATE, 0.01, 3600.0),
        ("throughput", SLOType.THROUGHPUT, 100.0, 3600.0),
    ]


def test_a_latency_target_is_not_taken_for_a_share(clock):
    one = tracker(clock, create_latency_slo(target_ms=100))
    record(one, "prediction_latency_p95", [0.05] * 20, clock)
    status = one.get_slo_status("prediction_latency_p95")
    assert set(status) == STATUS_KEYS
    assert (status["compliance_rate"], status["is_meeting"], status["error_budget_remaining"]) == (1.0, True, 1.0)
    record(one, "prediction_latency_p95", [0.2], clock)
    status = one.get_slo_status("prediction_latency_p95")
    assert status["is_meeting"] is False  # one of 21 is more than one of 100
    assert status["error_budget_remaining"] == pytest.approx(1 - (1 / 21) / 0.01)


def test_availability_may_be_measured_as_ones_and_zeros_or_as_a_share(clock):
    one = tracker(clock, create_availability_slo(target=0.9))
    record(one, "model_availability", [1, 1, 1, 1, 1, 1, 1, 1, 1, 0], clock)
    assert one.get_slo_status("model_availability")["is_meeting"] is True
    assert one.get_slo_status("model_availability")["error_budget_remaining"] == pytest.approx(0.0, abs=1e-9)
    record(one, "model_availability", [0.5], clock)
    assert one.get_slo_status("model_availability")["is_meeting"] is False


def test_the_budget_of_an_error_rate_is_the_target(clock):
    one = tracker(clock, create_error_rate_slo(target=0.01))
    record(one, "error_rate", [0.005] * 10, clock)
    status = one.get_slo_status("error_rate")
    assert (status["compliance_rate"], status["is_meeting"]) == (1.0, True)
    assert status["error_budget_remaining"] == pytest.approx(0.5)


def test_no_measurement_is_no_data_and_not_met(clock):
    one = tracker(clock, create_accuracy_slo())
    status = one.get_slo_status("model_accuracy")
    assert (status["status"], status["is_meeting"], status["compliance_rate"]) == ("no_data", None, None)
    assert one.get_slo_status("nope") == {"status": "not_found", "slo": "nope"}


def test_what_is_older_than_the_window_does_not_count(clock):
    one = tracker(clock, create_accuracy_slo(window_hours=1))
    record(one, "model_accuracy", [0.1] * 5, clock)
    clock.advance(3700)
    record(one, "model_accuracy", [0.99], clock)
    assert one.get_slo_status("model_accuracy")["total_measurements"] == 1


def test_a_breach_lasts_from_the_first_miss_to_the_next_hit(clock):
    one = tracker(clock, create_throughput_slo(target=100))
    record(one, "throughput", [120, 80, 70, 110, 60], clock)
    status = one.get_slo_status("throughput")
    assert (status["total_breaches"], status["max_breach_duration"], status["total_breach_duration"]) == (2, 120.0, 180.0)
    assert status["current_breach"]["worst_value"] == 60
    assert status["current_breach_duration"] == 60.0
    assert status["recent_compliance"] == pytest.approx(2 / 5)


def test_a_report_lists_months_and_breaches(clock):
    one = tracker(clock, create_accuracy_slo(window_hours=24 * 60))
    for day in range(40):
        one.record_measurement("model_accuracy", 0.5 if day == 35 else 0.97)
        clock.advance(86400)
    report = one.generate_sla_report("model_accuracy")
    assert report.total_measurements == 40
    assert report.total_breaches == 1
    assert report.max_breach_duration == 86400.0
    assert len(report.months) >= 2
    assert sum(month.total for month in report.months) == 40
    json.dumps(report.to_dict())


def test_a_new_tracker_on_the_same_folder_continues(clock, tmp_path):
    one = tracker(clock, create_accuracy_slo(), storage_path=tmp_path)
    record(one, "model_accuracy", [0.99, 0.5], clock)
    before = one.get_slo_status("model_accuracy")
    one.close()
    other = SLOTracker(tmp_path, clock=clock)
    assert other.get_slo_status("model_accuracy") == before
    other.close()


def test_other_terms_begin_anew(clock):
    one = tracker(clock, create_accuracy_slo())
    record(one, "model_accuracy", [0.5], clock)
    one.add_slo(SLO("model_accuracy", SLOType.ACCURACY, 0.95, 86400.0, "only the words differ"))
    assert one.get_slo_status("model_accuracy")["total_measurements"] == 1
    one.add_slo(create_accuracy_slo(target=0.4))
    assert one.get_slo_status("model_accuracy")["status"] == "no_data"


def test_mistakes_are_errors_in_one_line(clock):
    one = tracker(clock, create_accuracy_slo())
    with pytest.raises(DataError, match="there is no SLO named 'nope'; there are: model_accuracy"):
        one.record_measurement("nope", 1.0)
    with pytest.raises(DataError, match="finite"):
        one.record_measurement("model_accuracy", float("nan"))
    with pytest.raises(DataError, match="longer than zero"):
        SLO("x", SLOType.ACCURACY, 0.9, 0)
    assert one.remove_slo("model_accuracy")
    assert not one.remove_slo("model_accuracy")
    assert one.get_all_slo_status() == {}


def test_a_hundred_thousand_measurements_take_bounded_memory(clock):
    one = tracker(clock, create_latency_slo())
    for _ in range(20_000):
        one.record_measurement("prediction_latency_p95", 0.01)
        clock.advance(1)
    assert len(one._tracks["prediction_latency_p95"].slots) <= 20_000 / 5 + 1
