"""``init`` writes what ``run`` can start."""

from __future__ import annotations

import stat

import pytest
import yaml

from neural.monitoring.settings import load_settings


def test_writes_a_commented_file_that_loads(neural, tmp_path):
    path = tmp_path / "data"
    said = neural("init", "--model-name", "fraud", "--model-version", "3.10", "--storage-path", path)
    text = (path / "neural-monitor.yaml").read_text()
    assert said.code == 0
    assert f"neural monitor run --storage-path {path}" in said.out
    assert sum(line.lstrip().startswith("#") for line in text.splitlines()) > 10
    settings = load_settings(path / "neural-monitor.yaml")
    assert (settings.model.name, settings.model.version) == ("fraud", "3.10")
    assert settings.resolve(settings.store.path) == path
    assert settings.capture.listen == (f"unix://{path}/capture.sock",)
    assert f"NEURAL_CAPTURE_ENDPOINT={settings.capture.listen[0]}" in said.out


def test_the_defaults_are_the_seeds(neural, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert neural("init").code == 0
    settings = load_settings(tmp_path / "monitoring_data" / "neural-monitor.yaml")
    assert (settings.model.name, settings.model.version) == ("default", "1.0")
    assert not settings.export.prometheus.enabled
    assert settings.slos == ()


def test_everything_that_can_be_enabled_is(neural, tmp_path):
    said = neural(
        "init", "--storage-path", tmp_path, "--enable-prometheus", "--enable-alerting", "--enable-slo",
        "--slack-webhook", "https://hooks.slack.com/services/X/Y/Z", "--email-smtp", "smtp.example.org:2525", "--email-user", "me@example.org",
        "--email-to", "a@example.org", "--email-to", "b@example.org", "--format", "json",
    )  # fmt: skip
    assert said.json["config"] == str(tmp_path / "neural-monitor.yaml")
    written = yaml.safe_load((tmp_path / "neural-monitor.yaml").read_text())
    assert written["export"]["prometheus"]["enabled"] is True
    assert [one["type"] for one in written["slos"]] == ["availability", "latency", "accuracy", "error_rate"]
    assert written["alerts"][0]["name"] == "High Error Rate"
    assert written["channels"]["slack"]["webhook"] == "https://hooks.slack.com/services/X/Y/Z"
    assert written["channels"]["email"]["to_addrs"] == ["a@example.org", "b@example.org"]
    assert (written["channels"]["email"]["smtp_server"], written["channels"]["email"]["smtp_port"]) == ("smtp.example.org", 2525)
    load_settings(tmp_path / "neural-monitor.yaml")


def test_a_file_with_a_secret_is_for_its_owner_only(neural, tmp_path):
    neural("init", "--storage-path", tmp_path, "--slack-webhook", "https://hooks.slack.com/services/X/Y/Z")
    assert stat.S_IMODE((tmp_path / "neural-monitor.yaml").stat().st_mode) == 0o600


def test_never_overwrites_without_force(neural, tmp_path):
    neural("init", "--storage-path", tmp_path, "--model-name", "first")
    said = neural("init", "--storage-path", tmp_path, "--model-name", "second")
    assert said.code == 2
    assert "--force" in said.err
    assert load_settings(tmp_path / "neural-monitor.yaml").model.name == "first"
    assert neural("init", "--storage-path", tmp_path, "--model-name", "second", "--force").code == 0
    assert load_settings(tmp_path / "neural-monitor.yaml").model.name == "second"


def test_the_file_can_be_written_elsewhere_and_still_knows_its_state(neural, tmp_path):
    said = neural("init", "--storage-path", tmp_path / "state", "--output", tmp_path / "etc" / "monitor.yaml")
    settings = load_settings(tmp_path / "etc" / "monitor.yaml")
    assert settings.resolve(settings.store.path) == tmp_path / "state"
    assert f"--config {tmp_path / 'etc' / 'monitor.yaml'}" in said.out


@pytest.mark.parametrize("name", ['a"b', "x: [y", "# no", "${HOME}", "line\nbreak", "ü – λ", "{brace}"])
def test_odd_names_stay_what_they_are(neural, tmp_path, name):
    path = tmp_path / "data"
    neural("init", "--model-name", "m", "--model-version", name, "--storage-path", path)
    assert yaml.safe_load((path / "neural-monitor.yaml").read_text())["model"]["version"].replace("$${", "${") == name


def test_a_path_too_long_for_a_socket_falls_back_to_tcp(neural, tmp_path):
    path = tmp_path / ("x" * 120)
    neural("init", "--storage-path", path)
    assert load_settings(path / "neural-monitor.yaml").capture.listen == ("tcp://127.0.0.1:4319",)


def test_a_folder_that_cant_be_made_is_one_clear_line(neural, tmp_path):
    (tmp_path / "taken").touch()
    said = neural("init", "--storage-path", tmp_path / "taken")
    assert said.code == 2
    assert said.err.count("\n") == 1
