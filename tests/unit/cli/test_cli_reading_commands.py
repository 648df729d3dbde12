"""The commands that answer questions: what they print and with which exit code they end."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import replace

import jsonschema
import pytest

from neural.monitoring.signal import Outcome
from neural.monitoring.store import OutboxRow, open_store

COMMANDS = ("status", "drift", "quality", "performance", "alerts", "slo", "capture", "health")
FINDS_THE_INCIDENT = {"status", "drift", "quality", "performance", "alerts", "slo", "health"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_well_system_ends_with_0_in_text_and_json(neural, folder, command):
    path = folder()
    text, document = neural(command, "--storage-path", path), neural(command, "--storage-path", path, "--format", "json")
    assert (text.code, document.code, text.err, document.err) == (0, 0, "", "")
    assert document.json["status"] in {"ok", "healthy", "no_alerts"}
    assert text.out.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_an_incident_ends_with_1_where_it_is_that_commands_business(neural, folder, command):
    path = folder(bad=True)
    expected = 1 if command in FINDS_THE_INCIDENT else 0
    assert neural(command, "--storage-path", path).code == expected
    assert neural(command, "--storage-path", path, "--format", "json").code == expected


@pytest.mark.parametrize(
    ("name", "labels", "is_healthy"),
    [("quality.score", {}, False), ("quality.schema_violations", {}, False), ("quality.stuck_columns", {}, False),
     ("quality.duplicate_rate", {}, False), ("quality.freshness", {}, False), ("quality.feature_missing_rate", {"feature": "temp"}, True),
     ("quality.shifted_columns", {}, True)],
)  # fmt: skip
def test_quality_ends_with_1_for_whatever_it_finds(neural, folder, name, labels, is_healthy):
    path = folder()
    store = open_store(path)
    alarm = store.latest_signals(["quality.alarm"])[0]
    verdict = replace(alarm.verdict, outcome=Outcome.BAD, reason="as told here")
    store.write_signals([replace(alarm, name=name, value=1.0, verdict=verdict, labels={**alarm.labels, **labels})])
    store.close()
    said, document = neural("quality", "--storage-path", path), neural("quality", "--storage-path", path, "--format", "json")
    assert (said.code, document.code) == (1, 1)
    assert document.json["current"]["is_healthy"] is is_healthy
    assert said.out.startswith("Data quality is good, with findings" if is_healthy else "Data quality is poor")
    assert neural("health", "--storage-path", path).code == (0 if is_healthy else 1)
    assert is_healthy or "as told here" in said.out


@pytest.mark.parametrize("command", COMMANDS)
def test_text_in_a_pipe_has_no_escape_codes_and_no_drawing(neural, folder, command):
    out = neural(command, "--storage-path", folder(bad=True)).out
    assert "\x1b" not in out
    assert not re.search(r"[─━│▁-█]", out)


def test_a_bad_alarm_beside_a_good_score_tells_its_reason_first(neural, folder):
    path = folder(bad=True)
    store = open_store(path)
    alarm = store.latest_signals(["quality.alarm"])[0]
    store.write_signals([replace(alarm, name="quality.score", value=1.0, verdict=None)])
    said = neural("status", "--storage-path", path).out
    assert "Quality      bad  12% of temp is missing  (score now 1.000)" in said
    store.write_signals([replace(alarm, time=alarm.time + 0.5, verdict=None)])
    store.close()
    assert "Quality      bad  the alarm gives no reason" in neural("status", "--storage-path", path).out


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_folder_is_no_data(neural, tmp_path, command):
    said = neural(command, "--storage-path", tmp_path)
    document = neural(command, "--storage-path", tmp_path, "--format", "json")
    assert said.out.startswith("no_data: ")
    assert said.out.count("\n") == 1
    assert document.json["status"] == "no_data"
    assert said.code == document.code == (1 if command == "health" else 0)
    assert list(tmp_path.iterdir()) == []


def test_a_probe_asks_for_the_sidecar_alone(neural, folder, tmp_path):
    """A model that drifts must not take its pod out of service, nor have it restarted."""
    path = folder(bad=True)
    assert neural("health", "--storage-path", path).code == 1
    assert neural("health", "--probe", "--storage-path", path).code == 0
    assert neural("health", "--probe", "--storage-path", tmp_path).code == 0
    assert neural("health", "--probe", "--storage-path", tmp_path / "typo").code == 2
    store = open_store(path)
    store.put_value("sidecar", {**store.value("sidecar"), "stopped_at": time.time()})
    store.close()
    assert neural("health", "--probe", "--storage-path", path).code == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_folder_is_no_data_and_a_mistake(neural, tmp_path, command):
    said = neural(command, "--storage-path", tmp_path / "typo")
    document = neural(command, "--storage-path", tmp_path / "typo", "--format", "json")
    assert (said.code, document.code) == (2, 2)
    assert "no such folder" in said.out
    assert document.json["status"] == "no_data"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_no_store_is_one_clear_line(neural, tmp_path, command):
    (tmp_path / "state.db").write_bytes(b"no database" * 1000)
    said = neural(command, "--storage-path", tmp_path)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("neural monitor: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_what_the_published_schema_says(neural, folder, tmp_path, command):
    schema = neural("schema", command).json
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema).validate
    check(neural(command, "--storage-path", tmp_path, "--format", "json").json)
    check(neural(command, "--storage-path", folder(bad=True), "--format", "json").json)


def test_status_shows_the_numbers_a_person_asks_for(neural, folder):
    out = neural("status", "--storage-path", folder(bad=True)).out
    for expected in (
        "fraud 3",
        "critical",
        "1,100",
        "12.5 requests/s",
        "p95 45.0 ms",
        "6.00%",
        "age moved: PSI 0.31",
        "fast",
        "breached",
        "1 firing",
    ):
        assert expected in out, expected


def test_drift_ranks_the_features_and_says_why(neural, folder):
    said = neural("drift", "--storage-path", folder(bad=True), "--window", "20")
    assert said.out.index("age") < said.out.index("temp")
    assert "10 with drift (50.0%)" in said.out
    assert neural("drift", "--storage-path", folder(bad=True), "--window", "20", "--format", "json").json["total_samples"] == 20


def test_drift_shows_how_many_rows_and_what_threshold(neural, tmp_path):
    from neural.monitoring.signal import Outcome, Signal, Verdict
    from neural.monitoring.store import open_store

    store = open_store(tmp_path)
    labels = {"model": "m", "version": "1"}
    verdict = Verdict(Outcome.BAD, "age drifted", statistic=0.31, threshold=0.02, sample_size=12_345, p_value=1e-9)
    store.write_signals(
        [
            Signal("drift.alarm", 1.0, 1_700_000_000.0, labels, verdict),
            Signal("drift.feature_score", 0.31, 1_700_000_000.0, {**labels, "feature": "age"}, verdict),
            Signal("drift.ks", 0.4, 1_700_000_000.0, {**labels, "feature": "age"}, verdict),
        ]
    )
    store.close()
    said = neural("drift", "--storage-path", tmp_path).out
    for shown in ("over", "0.020", "12,345", "KS", "0.400"):
        assert shown in said, said
    feature = neural("drift", "--storage-path", tmp_path, "--format", "json").json["current"]["features"][0]
    assert (feature["threshold"], feature["sample_size"], feature["p_value"]) == (0.02, 12_345, 1e-9)


def test_alerts_can_be_narrowed_to_hours_and_severity(neural, folder):
    path = folder(bad=True)
    assert neural("alerts", "--storage-path", path, "--hours", "100", "--format", "json").json["total_alerts"] == 3
    only = neural("alerts", "--storage-path", path, "--severity", "warning", "--format", "json")
    assert [a["severity"] for a in only.json["alerts"]] == ["warning"]
    assert only.code == 0
    assert "Silenced until" in neural("alerts", "--storage-path", path).out


def test_an_objective_can_be_asked_for_by_name(neural, folder):
    path = folder()
    assert list(neural("slo", "--storage-path", path, "--name", "fast", "--format", "json").json["slos"]) == ["fast"]
    said = neural("slo", "--storage-path", path, "--name", "fats")
    assert said.code == 2
    assert "there are: fast" in said.out
    assert "no objective named 'fats'" in said.err


def test_names_from_outside_are_text_not_markup(neural, tmp_path):
    from neural.monitoring.signal import Signal
    from neural.monitoring.store import open_store

    store = open_store(tmp_path)
    store.write_signals(
        [Signal("drift.feature_score", 0.5, 1.0, {"model": "m", "version": "1", "feature": "[bold]x[/bold]\x1b[2Jy"})]
    )
    store.close()
    out = neural("drift", "--storage-path", tmp_path).out
    assert "[bold]x[/bold]" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    "arguments",
    [["status", "--format", "xml"], ["drift", "--window", "0"], ["drift", "--window", "x"], ["alerts", "--hours", "-1"],
     ["alerts", "--severity", "bad"], ["slo", "--nmae", "x"], ["nothing"], ["dashboard", "--port", "99999"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_ends_with_2_and_says_what(neural, arguments):
    said = neural(*arguments)
    assert said.code == 2
    assert "Error: " in said.err
    assert "Traceback" not in said.err


def test_a_mistyped_command_gets_a_hint(neural):
    assert "Did you mean drift?" in neural("drfit").err


@pytest.mark.parametrize("command", ["dashboard", "prometheus"])
def test_what_can_not_be_served_is_one_line_and_announces_no_address(neural, folder, tmp_path, command):
    nowhere = neural(command, "--storage-path", tmp_path / "nowhere")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = neural(command, "--storage-path", folder(), "--host", "127.0.0.1", "--port", taken.getsockname()[1])
    for said, words in ((nowhere, "no monitoring data here"), (busy, "choose another")):
        assert said.code == 2
        assert said.err.count("\n") == 1
        assert words in said.err


def test_the_storage_path_can_come_from_the_environment(neural, folder, monkeypatch):
    path = folder()
    monkeypatch.setenv("NEURAL_MONITOR_STORAGE_PATH", str(path))
    assert neural("health").code == 0


@pytest.mark.parametrize(
    "command", [*COMMANDS, "init", "run", "demo", "dashboard", "prometheus", "labels", "config", "completion"]
)
def test_every_command_has_help(neural, command):
    said = neural(command, "--help")
    assert said.code == 0
    assert said.out.startswith("Usage: ")


def test_quality_says_what_is_found_in_columns_and_rows(neural, folder):
    out = neural("quality", "--storage-path", folder(bad=True)).out
    for words in ("Schema and column order  1 violation", "Stuck columns", "Repeated rows", "2.00%", "15.0 min old"):
        assert words in re.sub(" {2,}", "  ", out)
    assert re.search(r"reordered columns +age +bad +4.4% +2023-11-14 22:04:20 +age stands where temp is expected", out)


def test_performance_is_told_by_class_and_by_segment_with_intervals(neural, folder):
    out = neural("performance", "--storage-path", folder(bad=True)).out
    assert re.search(r"^no +200 +190 +0.880 \(0.840 to 0.920\)", out, re.MULTILINE)
    assert re.search(r"^city=oslo +bad +500 +0.710 \(0.670 to 0.740\) +accuracy of city=oslo$", out, re.MULTILINE)
    assert out.index("city=oslo") < out.index("city=rome")


def test_messages_that_never_arrived_are_named_with_their_channel_and_error(neural, tmp_path):
    store = open_store(tmp_path)
    payload = {"alerts": [{"title": "High latency", "status": "firing"}]}
    store.put_outbox(OutboxRow("m", "a", "slack", payload, "dead", 3, time.time(), error="404: no_service"))
    store.close()
    assert neural("alerts", "--storage-path", tmp_path).code == 1
    said = neural("alerts", "--storage-path", tmp_path).out
    assert "1 messages could not be delivered" in said
    assert "High latency (firing) to slack, 3 attempts: 404: no_service" in said
