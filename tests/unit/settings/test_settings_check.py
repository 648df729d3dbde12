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
        ("capture: {protocol: v3}", "n.yaml:2: error: capture.protocol: v3 is not a protocol"),
        ("capture: {protocol: mapping}", "capture.protocol: mapping needs capture.mapping"),
        ("capture: {protocol: protobuf}", "capture.protocol: protobuf needs capture.descriptor_set"),
        ("capture: {descriptor_set: gone.binpb}", "gone.binpb is not there"),
        ("dashboard: {port: 9090}", "n.yaml:2: error: dashboard.port: port 9090 is already that of export.prometheus.port"),
        ("capture: {listen: tcp://127.0.0.1:8052}", "capture.listen[0]: port 8052 is already that of dashboard.port"),
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
        ("slos: [{name: x, type: availability, target: 92%, burn_alerts: [page]}]", "slos[0].target: x: the page over"),
        (
            "alerts: [{name: a, when: error_rat > 0.05}]",
            "alerts[0].when: there is no signal 'error_rat' (did you mean error_rate?)",
        ),
        ("alerts: [{name: a, when: 'drift.feature_scor[\"x\"] > 0.05'}]", "(did you mean drift.feature_score?)"),
        (
            "alerts: [{name: a, metric: drift.scor, above: 1}]",
            "alerts[0].metric: there is no signal 'drift.scor' (did you mean drift.score?)",
        ),
        (
            "alerts: [{name: a, when: 'error_rate[\"x\"] > 0.05'}]",
            "alerts[0].when: error_rate has 0 labels, not 1",
        ),
        (
            "alerts: [{name: a, metric: drift.psi, above: 0.2, for_each: [featur]}]",
            "alerts[0].for_each: drift.psi has no label 'featur'",
        ),
        (
            "alerts: [{name: a, when: error_rate > 5}]",
            "alerts[0].when: it can't fire: error_rate > 5",
        ),
        ("alerts: [{name: a, metric: accuracy, below: 0}]", "alerts[0].metric: it can't fire: performance.accuracy is below 0"),
        ("alerts: [{name: a, when: quality_score < 1.5}]", "alerts[0].when: it always fires: quality_score < 1.5"),
        (
            "alerts: [{name: a, when: error_rate > 0.1, channels: [slak]}]\nchannels: {slack: {webhook: 'http://x'}}",
            "nobody hears it: there is no channel slak (there are: log, slack)",
        ),
        (
            "alerts: [{name: a, when: error_rate > 0.1, channels: [slack]}]",
            "alerts[0].channels: nobody hears it: there is no channel slack (there are: log)",
        ),
        (
            "alerts: [{name: a, when: error_rate > 0.1}, {name: a, when: error_rate > 0.2}]",
            "alerts[1].name: a is already the name of alerts[0]",
        ),
        (
            "alerts: [{name: a, when: error_rate > 0.1, for: 10s}]",
            "warning: alerts[0].for: for (10 s) is shorter than the time between evaluations (60 s)",
        ),
        (
            "alerts: [{name: a, when: error_rate > 0.1, for: 60d}]",
            "alerts[0].for: for (5.184e+06 s) is longer than signals are kept",
        ),
        (
            "alerts: [{name: a, when: error_rate > 0.1, inhibits: [Data drifts]}]",
            "alerts[0].inhibits: no other rule is called 'Data drifts'",
        ),
        (
            "alerts: [{name: a, when: my.own > 1}]\nmonitors: [{use: 'my_package:Mine'}]",
            "warning: alerts[0].when: there is no signal 'my.own'",
        ),
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


def test_rules_that_are_sound_are_left_alone(found):
    rules = [
        "error_rate > 0.05 && requests.rate > 5", 'drift.feature_score["x"] > 0.2', 'slo.burn_rate["fast"]["1h"] > 14.4', "latency_p95 > 1.5",
        "has(performance.accuracy) && performance.accuracy < 0.8", 'capture.dropped["ring_full"] > 1000', "sidecar.memory_bytes > 1e9", 'drift.chi2["x"] > 9',
    ]  # fmt: skip
    lines = "\n".join(f"  - {{name: r{index}, when: '{rule}'}}" for index, rule in enumerate(rules))
    assert found(f"alerts:\n{lines}\nslos: [{{name: fast, type: latency, threshold: 100ms}}]") == []


def test_the_engines_signals_are_those_it_yields():
    from neural.monitoring.engine.capture_signals import CAPTURE_SPECS
    from neural.monitoring.settings.check_rules import ENGINE_SPECS

    assert {(spec.name, spec.labels) for spec in ENGINE_SPECS} == {(spec.name, spec.labels) for spec in CAPTURE_SPECS}


def test_the_predefined_rules_pass_their_own_check(tmp_path):
    from neural.monitoring.alerts import predefined_rules

    settings = load_settings(_written(tmp_path, ""), env={})
    with_all = settings.model_copy(update={"alerts": predefined_rules()})
    assert [str(finding) for finding in check(with_all)] == []


def _written(folder, yaml):
    (folder / "n.yaml").write_text(f"model: {{name: a}}\nstore: {{path: .}}\n{yaml}\n")
    return folder / "n.yaml"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_feature_that_the_reference_does_not_have_is_named(tmp_path, suffix):
    import pyarrow as pa
    import pyarrow.parquet

    if suffix == "csv":
        (tmp_path / "ref.csv").write_text("temp,carrier\n1,UA\n")
    else:
        pyarrow.parquet.write_table(pa.table({"temp": [1.0], "carrier": ["UA"]}), tmp_path / "ref.parquet")
    yaml = f"reference: {{source: ref.{suffix}}}\nfeatures: {{temp: {{kind: numeric}}, carier: {{kind: categorical}}}}\ndrift: {{ignore: [zzz]}}"
    findings = [str(finding) for finding in check(load_settings(_written(tmp_path, yaml), env={}))]
    assert [one.partition(": warning: ")[2] for one in findings] == [
        f"features.carier: carier is not a column of ref.{suffix} (did you mean carrier?)",
        f"drift.ignore[0]: zzz is not a column of ref.{suffix} (known here: carrier, temp)",
    ]


def test_a_reference_that_is_no_table_is_left_to_the_loader(tmp_path):
    (tmp_path / "ref.parquet").write_bytes(b"nonsense")
    assert check(load_settings(_written(tmp_path, "reference: {source: ref.parquet}\nfeatures: {x: {}}"), env={})) == []
