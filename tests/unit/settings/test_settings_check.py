"""What is wrong although the file is valid."""

from __future__ import annotations

import os

import pytest

from neural.monitoring.settings import Weight, check, load_settings


@pytest.fixture
def found(tmp_path):
    def run(yaml: str) -> list[str]:
        config = tmp_path / "n.yaml"
        store = "" if "store:" in yaml else f"store: {{path: {tmp_path}/state}}\n"
        config.write_text(f"model: {{name: a}}\n{yaml}\n{store}")
        return [str(finding).removeprefix(f"{tmp_path}/") for finding in check(load_settings(config, env={}))]

    return run


def test_a_good_file_has_no_findings(found):
    assert found("") == []


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("reference: {source: gone.parquet}", "n.yaml:2: error: reference.source: "),
        ("dashboard: {port: 9090}", "n.yaml:2: error: dashboard.port: port 9090 is already that of export.prometheus.port"),
        ("capture: {listen: tcp://127.0.0.1:8052}", "dashboard.port: port 8052 is already that of capture.listen[0]"),
        ("capture: {listen: tcp://0.0.0.0:4319}", "capture.listen: anybody who reaches this address can send data"),
        ("dashboard: {host: 0.0.0.0}", "warning: dashboard.host: 0.0.0.0 is open to others and no token is set"),
        ("windows: {length: 3d}", "windows.length: 3d is longer than panes are kept (2d) (raise store.keep.panes)"),
        ("slos: [{name: x, type: availability, window: 100d}]", "slos[0].window: x looks back 100d, and counts are kept 90d"),
        ("windows: {length: 10m, evaluate_every: 1h}", "windows.evaluate_every: 1h is longer than windows.length (10m)"),
        (
            "performance: {labels_within: 30d}",
            "warning: performance.labels_within: labels are awaited 30d, and predictions are kept 7d",
        ),
        ("store: {path: ., max_disk: 512MiB}", "store.journal.max_size: 1GiB leaves nothing of store.max_disk (512MiB)"),
        ("store: {path: ., journal: {max_size: 16MiB}}", "store.journal.segment: two segments must fit"),
        ("store: {path: n.yaml}", "is not a folder"),
        ("slos: [{name: x, type: availability}, {name: x, type: accuracy}]", "slos[1].name: x is already the name of slos[0]"),
    ],
)
def test_each_finding_says_where_and_what(found, yaml, message):
    findings = found(yaml)
    assert len(findings) == 1
    assert message in findings[0]


def test_two_ports_on_two_addresses_are_fine(found):
    assert found("capture: {listen: tcp://127.0.0.1:9090, tokens: [x]}\nexport: {prometheus: {host: 10.0.0.1}}") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written_is_an_error(found, tmp_path):
    (tmp_path / "ro").mkdir(mode=0o500)
    assert "permission denied" in found("store: {path: ro}")[0]


def test_errors_come_first(tmp_path):
    config = tmp_path / "n.yaml"
    config.write_text("model: {name: a}\ndashboard: {host: 0.0.0.0, port: 9090}\nstore: {path: .}\n")
    assert [finding.weight for finding in check(load_settings(config, env={}))] == [Weight.ERROR, Weight.WARNING]


def test_other_rooms_can_add_checks(tmp_path):
    config = tmp_path / "n.yaml"
    config.write_text("model: {name: a}\nstore: {path: .}\n")
    settings = load_settings(config, env={})
    seen = []

    def mine(given):
        seen.append(given)
        return iter(())

    assert check(settings, more=[mine]) == []
    assert seen == [settings]
