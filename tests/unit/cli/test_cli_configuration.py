"""``config``, ``rules`` and ``backtest``: what works on a configuration."""

from __future__ import annotations

import json
import time

import jsonschema
import pytest
import yaml

from neural.monitoring.settings import load_settings

GOOD = """\
model: {name: fraud, version: "3"}
capture: {listen: "tcp://127.0.0.1:4319"}
store: {path: .}
slos:
  - {name: fast, type: latency, threshold: 100ms, target: 99%, window: 28d}
alerts:
  - {name: Too Many Errors, when: error_rate > 0.05, severity: critical, message: "{error_rate:.2%}"}
channels: {log: {}}
"""


@pytest.fixture
def configured(folder):
    """A storage path with half an hour of history, the last third of it bad, and a configuration."""
    path = folder(bad=True)
    (path / "neural-monitor.yaml").write_text(GOOD)
    return path


class TestConfig:
    def test_check_finds_nothing_in_a_good_file(self, neural, configured):
        said = neural("config", "check", configured / "neural-monitor.yaml", "--format", "json")
        assert [one for one in said.json["findings"] if one["weight"] == "error"] == []
        assert said.code in {0, 1}

    def test_check_names_every_mistake_with_its_line(self, neural, tmp_path):
        (tmp_path / "bad.yaml").write_text("model: {name: x}\nwindows:\n  lenght: 1h\n  pane: soon\n")
        said = neural("config", "check", tmp_path / "bad.yaml")
        assert said.code == 2
        assert "bad.yaml:3" in said.err
        assert "did you mean" in said.err.lower()
        assert "bad.yaml:4" in said.err
        assert "Traceback" not in said.err

    def test_check_says_what_cannot_work_although_it_is_valid(self, neural, configured):
        (configured / "neural-monitor.yaml").write_text(GOOD + "reference: {source: nowhere.parquet}\n")
        said = neural("config", "check", "--storage-path", configured)
        assert said.code == 2
        assert "nowhere.parquet is not there" in said.out

    def test_show_has_every_default_and_no_secret(self, neural, configured):
        (configured / "neural-monitor.yaml").write_text(
            GOOD.replace("{log: {}}", "{slack: {webhook: https://hooks.slack.com/services/SECRET}}")
        )
        said = neural("config", "show", "--storage-path", configured)
        assert said.code == 0
        assert "SECRET" not in said.out
        assert yaml.safe_load(said.out)["windows"]["length"] == 3600.0
        assert neural("config", "show", "--storage-path", configured, "--format", "json").json["model"]["name"] == "fraud"

    def test_schema_fits_what_init_writes(self, neural, tmp_path):
        schema = neural("config", "schema").json
        neural("init", "--storage-path", tmp_path, "--enable-slo", "--enable-alerting", "--enable-prometheus")
        written = yaml.safe_load((tmp_path / "neural-monitor.yaml").read_text())
        jsonschema.Draft202012Validator(schema).validate(written)

    def test_full_is_a_file_that_loads(self, neural, tmp_path):
        (tmp_path / "full.yaml").write_text(neural("config", "full").out)
        assert load_settings(tmp_path / "full.yaml").model.name

    def test_a_missing_file_is_one_line_that_says_how_to_make_one(self, neural, tmp_path):
        for command in (["config", "check"], ["run"], ["backtest"], ["rules", "prometheus"]):
            said = neural(*command, "--storage-path", tmp_path)
            assert (said.code, said.err.count("\n")) == (2, 1)
            assert "neural monitor init" in said.err


class TestRules:
    def test_prometheus_rules_name_the_objective_and_the_model(self, neural, configured):
        said = neural("rules", "prometheus", "--storage-path", configured)
        document = yaml.safe_load(said.out)
        assert said.code == 0
        assert document["groups"]
        assert "fraud" in said.out
        assert "fast" in said.out

    def test_the_predefined_rules_can_be_read(self, neural):
        assert all(rule["name"] for rule in yaml.safe_load(neural("rules", "predefined").out))


class TestOpenSLO:
    def test_objectives_go_out_and_come_back(self, neural, configured, tmp_path):
        out = neural("slo", "export", "--storage-path", configured)
        assert out.code == 0
        assert yaml.safe_load(out.out)["apiVersion"] == "openslo/v1"
        (tmp_path / "slos.yaml").write_text(out.out)
        back = neural("slo", "import", tmp_path / "slos.yaml")
        (tmp_path / "again.yaml").write_text("model: {name: fraud}\n" + back.out)
        (one,) = load_settings(tmp_path / "again.yaml").slos
        assert (one.name, str(one.type), one.limit, one.goal, one.period_seconds) == ("fast", "latency", 0.1, 0.99, 28 * 86400.0)

    def test_a_document_that_is_none_is_one_line(self, neural, tmp_path):
        (tmp_path / "no.yaml").write_text("kind: [")
        said = neural("slo", "import", tmp_path / "no.yaml")
        assert said.code == 2
        assert said.err.startswith("neural monitor: ")
        assert "Traceback" not in said.err


class TestBacktest:
    def test_says_what_would_have_fired(self, neural, configured):
        document = neural("backtest", "--storage-path", configured, "--since", "1h", "--format", "json").json
        own = next(one for one in document["rules"] if one["rule"] == "Too Many Errors")
        assert (document["evaluations"], own["alerts"], own["alerts_then"]) == (30, 1, 0)
        assert any(one["side"] == "would" and "6.00%" in one["text"] for one in document["timeline"])

    def test_text_has_a_table_and_a_timeline(self, neural, configured):
        said = neural("backtest", "--storage-path", configured, "--since", "1h")
        assert said.code == 0
        assert "30 evaluations replayed" in said.out
        assert "Too Many Errors" in said.out

    def test_no_history_is_said(self, neural, configured):
        assert (
            "No history" in neural("backtest", "--storage-path", configured, "--since", "2001-01-01", "--until", "2001-02-01").out
        )
        assert neural("backtest", "--storage-path", configured, "--since", "0s", "--until", "1h").code == 2


class TestChannelTest:
    def test_says_what_happened(self, neural, configured):
        said = neural("alerts", "test", "--channel", "log", "--storage-path", configured, "--format", "json")
        assert said.code == 0
        assert said.json["delivered"] is True

    def test_a_channel_nobody_configured_is_one_line(self, neural, configured):
        said = neural("alerts", "test", "--channel", "slack", "--storage-path", configured)
        assert said.code == 2
        assert "there are: log" in said.err


class TestCheckWithState:
    def test_thresholds_are_held_against_the_traffic_that_was_stored(self, neural, folder):
        from neural.monitoring.cli.findings import observed_rate

        path = folder()
        assert observed_rate(path) == pytest.approx(12.5)
        file = path / "new.yaml"
        file.write_text(
            "model: {name: m}\nstore: {path: x}\nwindows: {length: 1m}\nalerts: [{name: a, when: error_rate > 0.001}]\n"
        )
        said = neural("config", "check", file, "--storage-path", path)
        assert said.code == 1
        assert "one request of 750 in the window (0.133%) sets it off" in said.out
        assert "sets it off" not in neural("config", "check", file, "--storage-path", path / "none").out


class TestSilences:
    def test_are_made_and_ended_in_the_storage_path(self, neural, configured):
        said = neural("alerts", "silence", "--match", "rule=drift", "--match", "severity=warning", "--for", "2h", "--reason", "x",
                      "--author", "ada", "--storage-path", configured, "--format", "json")  # fmt: skip
        made = said.json
        assert made["matchers"] == {"rule": "drift", "severity": "warning"}
        assert made["ends_at"] == pytest.approx(time.time() + 7200, abs=60)
        listed = [
            one["silence_id"] for one in neural("alerts", "--storage-path", configured, "--format", "json").json["silences"]
        ]
        assert made["silence_id"] in listed
        assert neural("alerts", "unsilence", made["silence_id"], "--storage-path", configured).code == 0
        assert neural("alerts", "unsilence", made["silence_id"], "--storage-path", configured).code == 2

    @pytest.mark.parametrize("arguments", [["--match", "rule"], ["--match", "=x"], ["--match", "rule=x", "--for", "soon"], []])
    def test_mistakes_are_usage_errors(self, neural, configured, arguments):
        said = neural("alerts", "silence", *arguments, "--storage-path", configured)
        assert said.code == 2
        assert "Error: " in said.err


class TestLabels:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("a.csv", "id,label,time\np1,1,2026-11-23T00:00:00Z\np2,yes,\np3,0.5,1700000000\np4,01,\n"),
            ("a.jsonl", '{"id": "p1", "label": 1, "time": "2026-11-23T00:00:00Z"}\n\n{"id": "p2", "label": "yes"}\n{"id": "p3", "label": 0.5, "time": 1700000000}\n{"id": "p4", "label": "01"}\n'),
            ("a.json", json.dumps({"labels": [{"id": "p1", "label": 1, "time": "2026-11-23T00:00:00Z"}, {"id": "p2", "label": "yes"}, {"id": "p3", "label": 0.5, "time": 1700000000}, {"id": "p4", "label": "01"}]})),
        ],
        ids=["csv", "json lines", "json"],
    )  # fmt: skip
    def test_every_form_of_file_says_the_same(self, tmp_path, name, text):
        from neural.monitoring.cli.label_file import read_labels

        (tmp_path / name).write_text(text)
        assert list(read_labels(tmp_path / name)) == [
            {"id": "p1", "label": 1, "time": "2026-11-23T00:00:00Z"}, {"id": "p2", "label": "yes"},
            {"id": "p3", "label": 0.5, "time": 1700000000}, {"id": "p4", "label": "01"}]  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "text", "says"),
        [("a.csv", "key,label\n", "lacks the column id"), ("a.jsonl", '{"id": "p"}\n', ":1: a label needs"), ("a.jsonl", "{\n", ":1: is no JSON"),
         ("a.json", "5", "neither a list"), ("a.csv", "id,label\np1,\n", ":2: a label needs"), ("a.json", "[" * 100_000, "no JSON")],
    )  # fmt: skip
    def test_a_mistake_names_its_line(self, neural, tmp_path, name, text, says):
        (tmp_path / name).write_text(text)
        said = neural("labels", "import", tmp_path / name, "--sidecar", "http://127.0.0.1:1")
        assert said.code == 2
        assert says in said.err

    def test_where_to_is_read_from_the_configuration(self, neural, configured, tmp_path):
        (tmp_path / "a.csv").write_text("id,label\np1,1\n")
        (configured / "neural-monitor.yaml").write_text(GOOD.replace("4319", "1"))
        said = neural("labels", "import", tmp_path / "a.csv", "--storage-path", configured)
        assert said.code == 2
        assert "http://127.0.0.1:1: can't be reached" in said.err

    def test_somebody_must_be_there_to_take_them(self, neural, tmp_path):
        (tmp_path / "a.csv").write_text("id,label\np1,1\n")
        assert "--sidecar" in neural("labels", "import", tmp_path / "a.csv", "--storage-path", tmp_path).err
        assert neural("labels", "import", tmp_path / "a.csv", "--sidecar", "http://127.0.0.1:1").code == 2


def test_a_folder_in_place_of_the_file_is_called_a_folder(neural, tmp_path):
    said = neural("config", "check", tmp_path)
    assert (said.code, said.err) == (2, f"neural monitor: {tmp_path}: is a folder, not a file\n")
