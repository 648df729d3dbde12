from __future__ import annotations

import json

import pytest

from neural.monitoring.ingest import Refused, parse_time, read_labels

NOW = 1_700_000_000.0


def read(body: bytes | str) -> list[dict]:
    raw = body if isinstance(body, bytes) else body.encode()
    return json.loads(read_labels(raw, now=NOW))["labels"]


@pytest.mark.parametrize(
    "body",
    [
        '{"labels": [{"id": "a", "label": 1}]}',
        '[{"id": "a", "label": 1}]',
        '{"id": "a", "label": 1}',
        '{"id": "a", "label": 1}\n',
    ],
    ids=["object with labels", "bare list", "bare object", "one JSON line"],
)
def test_every_form_gives_the_same_label(body):
    assert read(body) == [{"id": "a", "label": 1, "time": NOW}]


def test_json_lines_keep_their_order_and_blank_lines_are_nothing():
    assert [one["id"] for one in read('{"id":"b","label":0}\n\n{"id":"a","label":1}\r\n')] == ["b", "a"]


def test_a_list_is_one_label_for_each_row():
    assert [(one["id"], one["label"]) for one in read('{"id":"r","label":[1,0,"x"]}')] == [("r:0", 1), ("r:1", 0), ("r:2", "x")]


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("1700000001.5", 1700000001.5),
        ('"2023-11-14T22:13:20Z"', NOW),
        ('"2023-11-15T00:13:20+02:00"', NOW),
        ('"2023-11-14T22:13:20"', NOW),
    ],
    ids=["unix seconds", "RFC 3339 UTC", "RFC 3339 with zone", "without zone is UTC"],
)
def test_times_are_unix_seconds_or_rfc_3339(time, seconds):
    assert read(f'{{"id":"a","label":1,"time":{time}}}')[0]["time"] == seconds


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"id":"a"}', "bad_labels"),
        ('{"id":"","label":1}', "bad_labels"),
        ('{"id":"a","label":null}', "bad_labels"),
        ('{"id":"a","label":{}}', "bad_labels"),
        ('{"id":"a","label":[[1]]}', "bad_labels"),
        ('{"id":"a","label":1,"time":"yesterday"}', "bad_labels"),
        ('{"id":true,"label":1}', "bad_labels"),
        ('{"labels": 3}', "bad_labels"),
        ("5", "bad_labels"),
        ("not json", "bad_json"),
        ('{"id":"a","label":1}\n{broken', "bad_json"),
        (b"\xff\xfe", "bad_json"),
        ('{"id":"' + "a" * 600 + '","label":1}', "bad_labels"),
        ('{"id":"a","label":"' + "x" * 5000 + '"}', "bad_labels"),
    ],
)
def test_what_is_no_label_is_refused_with_a_reason(body, reason):
    with pytest.raises(Refused) as refused:
        read(body)
    assert refused.value.reason == reason
    assert refused.value.status == 400


def test_rows_are_counted_singly_against_the_ceiling():
    with pytest.raises(Refused) as refused:
        read(json.dumps({"id": "a", "label": [1] * 100_001}))
    assert refused.value.status == 413


def test_an_empty_list_is_no_mistake():
    assert read('{"labels": []}') == []


def test_whole_number_ids_are_texts():
    assert read('{"id":17,"label":1}')[0]["id"] == "17"


def test_parse_time_knows_when_it_does_not_know():
    assert parse_time("") is None
    assert parse_time("2023-13-01T00:00:00Z") is None
    assert parse_time("2023-11-14T22:13:20.123456789Z") == pytest.approx(NOW + 0.123456, abs=1e-6)
