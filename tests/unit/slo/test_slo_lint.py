"""The maths over objectives."""

from __future__ import annotations

import pytest

from neural.monitoring.slo import SLOSettings, lint_slos


def lint(fields, **more):
    return lint_slos([SLOSettings.model_validate({"name": "x", "type": "availability", **fields})], **more)


def test_a_sound_objective_is_left_in_peace():
    assert lint({}, requests_per_second=10) == []
    assert lint({"type": "latency", "threshold": "100ms", "window": "30d"}) == []


def test_a_page_that_can_not_fire_is_an_error_with_the_arithmetic():
    [finding] = lint({"type": "accuracy", "target": "75%", "window": "30d"})
    assert finding.weight == "error"
    assert "1 / (1 − 0.75) = 4" in finding.message
    assert finding.key == "slos[0].target"
    assert lint({"type": "accuracy", "target": "75%", "window": "30d", "burn_alerts": ["ticket"]}) == []


def test_a_page_of_which_one_row_can_not_fire_is_an_error_too_and_such_a_ticket_a_warning():
    [finding] = lint({"type": "accuracy", "target": "90%", "window": "30d"})
    assert finding.weight == "error"
    assert "above 93.06%" in finding.message
    [finding] = lint({"type": "accuracy", "target": "60%", "window": "30d", "burn_alerts": ["ticket"]})
    assert finding.weight == "warning"


def test_windows_too_short_to_judge_are_found():
    assert [one.weight for one in lint({"window": "5m"})] == ["error"]
    assert any("evaluations come every 10m" in one.message for one in lint({"window": "30d"}, evaluate_every=600))


@pytest.mark.parametrize(("rate", "count"), [(0.0001, 1), (1.0, 0)])
def test_a_budget_of_less_than_one_event_is_found(rate, count):
    assert len(lint({"target": 0.999, "window": "1d"}, requests_per_second=rate)) == count
