"""The alerts:, silences: and channels: parts of the file, and the predefined rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from neural.monitoring.alerts import (
    ChannelsSettings,
    RuleSettings,
    SilenceSettings,
    build_channels,
    build_rules,
    build_silences,
    predefined_rules,
)
from neural.monitoring.alerts.template import field_names
from neural.monitoring.errors import ConfigError

CHANNELS = TypeAdapter(ChannelsSettings)


def rule(**fields):
    return RuleSettings.model_validate({"name": "x", **fields})


def test_the_example_of_the_file_reads_as_meant():
    one = RuleSettings.model_validate(
        {
            "name": "High Error Rate", "when": "error_rate > 0.05", "for": "5m", "severity": "critical", "channels": ["slack", "email"],
            "cooldown": "10m", "message": "Error rate is {error_rate:.2%}",
        }
    )  # fmt: skip
    assert (one.for_, one.cooldown, one.channels) == (300.0, 600.0, ("slack", "email"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "either when"),
        ({"when": "a > 1", "metric": "a", "above": 1}, "either when"),
        ({"metric": "a"}, "needs above"),
        ({"when": "a > 1", "above": 1}, "go with metric"),
        ({"when": "a >"}, "not a CEL expression"),
        ({"when": "a > 1", "message": "{a"}, "not closed"),
        ({"when": "a > 1", "for": "5 parsecs"}, "not a duration"),
        ({"when": "a > 1", "severity": "terrible"}, "critical"),
        ({"when": "a > 1", "chanels": ["x"]}, "Extra inputs"),
        ({"when": "a > 1", "repeat": 0}, "greater than 0"),
    ],
)
def test_mistakes_are_named(fields, words):
    with pytest.raises(ValidationError, match=words):
        rule(**fields)


def test_a_rule_of_the_same_name_replaces_the_predefined_one():
    rules = {
        one.name: one
        for one in build_rules([RuleSettings(name="Data drift", metric="drift.score", above=0.5, severity="critical")])
    }
    assert str(rules["Data drift"].severity) == "critical"
    assert len(rules) == len(predefined_rules())


def test_a_predefined_rule_can_be_switched_off():
    assert "Data drift" not in {one.name for one in build_rules([RuleSettings(name="Data drift", enabled=False)])}
    assert build_rules([], predefined=[]) == []


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="named 'x'"):
        build_rules([rule(when="a > 1"), rule(when="a > 2")])


def test_predefined_rules_read_only_signals_that_exist():
    """The table in ARCHITECTURE.md is the catalogue."""
    text = (Path(__file__).parents[3] / "ARCHITECTURE.md").read_text()
    known = set(re.findall(r"`([a-z_]+(?:\.[a-z0-9_]+)?)(?:\{[a-z,]+\})?`", text))
    for one in build_rules([]):
        assert {reference.name for reference in one.condition.references} <= known, one.name
        named = {name for name in field_names(one.message) if "." in name}
        assert named <= known, one.name
        assert one.runbook
        assert one.message


def test_a_silence_needs_a_time_zone_an_author_and_an_end():
    silence = SilenceSettings.model_validate(
        {"match": {"rule": "Data*"}, "starts": "2026-03-01T22:00:00Z", "ends": "2026-03-02T00:00:00+01:00", "author": "ana"}
    )
    assert build_silences([silence])[0].ends_at - silence.starts == 3600.0
    for broken in ({"starts": "2026-03-01T22:00:00"}, {"ends": "2026-03-01T00:00:00Z"}, {"author": ""}, {"match": {}}):
        with pytest.raises(ValidationError):
            SilenceSettings.model_validate({**silence.model_dump(), **broken})


def test_the_key_of_a_channel_is_its_type_unless_it_says_otherwise():
    settings = CHANNELS.validate_python(
        {
            "slack": {"webhook": "https://hooks.slack.com/x"},
            "night": {"type": "pagerduty", "routing_key": "k"},
            "email": {"smtp_server": "s", "from_addr": "a@b", "to_addrs": ["c@d"], "smtp_port": 465},
            "webhook": {"url": "https://x", "secret": "s", "group_wait": "5s"},
            "teams": {"webhook": "https://t"},
            "alertmanager": {"urls": ["http://am:9093"]},
        }
    )
    channels = build_channels(settings)
    assert {name: channel.kind for name, channel in channels.items()} == {
        "log": "log", "slack": "slack", "night": "pagerduty", "email": "email", "webhook": "webhook", "teams": "teams", "alertmanager": "alertmanager",
    }  # fmt: skip
    assert channels["webhook"].policy.group_wait == 5.0
    assert channels["slack"].policy.min_interval == 1.0
    assert channels["alertmanager"].policy.resend == 60.0
    for channel in channels.values():
        channel.close()


def test_secrets_are_not_shown():
    settings = CHANNELS.validate_python(
        {"slack": {"webhook": "https://hooks.slack.com/s3cret"}, "night": {"type": "pagerduty", "routing_key": "s3cret"}}
    )
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in str(CHANNELS.dump_json(settings))


@pytest.mark.parametrize(
    "broken",
    [
        {"slack": {"webhook": "ftp://x"}},
        {"slack": {}},
        {"carrier_pigeon": {"url": "https://x"}},
        {"email": {"smtp_server": "x"}},
        {"slack": {"webhook": "https://x", "hook": 1}},
    ],
)
def test_wrong_channels_are_refused(broken):
    with pytest.raises(ValidationError):
        CHANNELS.validate_python(broken)
