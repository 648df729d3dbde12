"""What a reload changes."""

from __future__ import annotations

import pytest

from neural.monitoring.settings import changes, parse_settings
from neural.monitoring.settings.changes import TAKES_EFFECT_AT_ONCE
from neural.monitoring.settings.schema import plain_schema
from neural.monitoring.settings.shape import Shape


def between(before: str, after: str) -> list[str]:
    first, second = (parse_settings(f"model: {{name: a}}\n{text}", env={}) for text in (before, after))
    return [str(change) for change in changes(first, second)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", []),
        ("", "windows: {length: 1h}", []),
        ("", "dashboard: {refresh: 9s}", ["dashboard.refresh: 5.0 → 9.0 (from the next start)"]),
        ("", "dashboard: {port: 9}", ["dashboard.port: 8052 → 9 (from the next start)"]),
        ("", "export: {otlp: {}}", ["export.otlp: None → {} (from the next start)"]),
        (
            "export: {otlp: {sample: 1%}}",
            "export: {otlp: {sample: 2%}}",
            ["export.otlp.sample: 0.01 → 0.02 (from the next start)"],
        ),
        (
            "features: {a: {}}",
            "features: {a: {required: true}, b: {}}",
            ["features.a.required: False → True (from the next start)", "features.b: None → {} (from the next start)"],
        ),
        ("alerts: [{name: x, when: error_rate > 0.1}]", "", ["alerts: [{'name': 'x', 'when': 'error_rate > 0.1'}] → []"]),
    ],
)
def test_each_difference_is_one_line(before, after, expected):
    assert between(before, after) == expected


def test_a_secret_says_only_that_it_changed():
    lines = between(
        "dashboard: {token: one-hunter2}\ncapture: {tokens: [x-hunter2]}",
        "dashboard: {token: two-hunter2}\ncapture: {tokens: [y-hunter2]}",
    )
    assert lines == [
        "capture.tokens: ['(secret)'] → ['(secret)'] (from the next start)",
        "dashboard.token: '(secret)' → '(secret)' (from the next start)",
    ]
    hooks = between(
        "channels: {slack: {webhook: 'https://a/hunter2'}}", "channels: {slack: {webhook: 'https://b/hunter2'}, log: {}}"
    )
    assert "hunter2" not in str(hooks)
    assert len(hooks) == 2


def test_what_takes_effect_at_once_are_keys_of_the_file():
    shape = Shape(plain_schema())
    for key in TAKES_EFFECT_AT_ONCE:
        assert shape.at(tuple(key.split("."))), key
