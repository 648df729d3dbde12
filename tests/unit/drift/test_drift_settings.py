from __future__ import annotations

import pytest

from neural.monitoring.drift import DriftSettings, FalseAlarms, parse_false_alarms


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("1 per 30d", 2_592_000), ("2 per week", 302_400), ("1 per month", 2_592_000), ("1/24h", 86_400), ("0.5 per day", 172_800)],
)
def test_budgets_are_read_as_written(written, seconds):
    assert parse_false_alarms(written).seconds_between == seconds


@pytest.mark.parametrize("written", ["none", "0 per day", "1 per 0d", "1 per blue moon", "-1 per day", ""])
def test_other_words_are_refused_with_an_example(written):
    with pytest.raises(ValueError, match="1 per 30d"):
        parse_false_alarms(written)


def test_a_budget_reads_back_as_it_was_written():
    assert str(FalseAlarms(1, 30 * 86_400)) == "1 per 30d"
    assert parse_false_alarms(str(FalseAlarms(2, 3_600))) == FalseAlarms(2, 3_600)
    assert DriftSettings().model_dump(mode="json")["false_alarms"] == "1 per 30d"


def test_unknown_methods_are_refused_by_name():
    with pytest.raises(ValueError, match="choose from ks, psi"):
        DriftSettings(methods={"numeric": ["kss"]})


def test_methods_that_need_numbers_are_refused_for_categories():
    with pytest.raises(ValueError, match="'ks' needs numbers"):
        DriftSettings(methods={"categorical": ["ks"]})
