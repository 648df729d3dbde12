"""From the file to settings, or to every mistake in it."""

from __future__ import annotations

import pytest

from neural.monitoring.errors import ConfigError
from neural.monitoring.settings import ConfigErrors, load_settings, parse_settings


def mistakes(text: str, env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        parse_settings(text, name="n.yaml", env=env or {})
    return [str(problem) for problem in caught.value.problems]


def test_the_least_file_is_a_name():
    settings = parse_settings("model: {name: flights}", env={})
    assert (settings.model.name, settings.model.version) == ("flights", "1.0")
    assert settings.capture.listen == ("unix:///var/run/neural/capture.sock",)
    assert settings.export.prometheus.port == 9090
    assert settings.export.otlp is None
    assert settings.store.max_disk == 5 * 2**30
    assert settings.dashboard.port == 8052


def test_text_keeps_its_spelling_where_text_is_asked_for():
    settings = parse_settings("model: {name: 007, version: 1.10}\nfeatures: {x: {allowed: [NO, 1, true]}}", env={})
    assert (settings.model.name, settings.model.version) == ("007", "1.10")
    assert settings.features["x"].allowed == ["NO", "1", "true"]


def test_durations_sizes_and_shares_are_words():
    settings = parse_settings(
        "model: {name: a}\nwindows: {length: 1h30m}\nstore: {max_disk: 20GiB}\nexport: {otlp: {sample: 5%}}", env={}
    )
    assert settings.windows.length == 5400
    assert settings.store.max_disk == 20 * 2**30
    assert settings.export.otlp is not None
    assert settings.export.otlp.sample == pytest.approx(0.05)


def test_all_mistakes_are_named_in_the_order_of_their_lines():
    found = mistakes(
        "modle: {name: x}\nwindows:\n  lenght: 1h\n  pane: soon\nexport:\n  prometheus: {port: http}\nmax_disk: 5GiB\nslos:\n  - {name: a, type: latency}\n"
    )
    assert found == [
        "n.yaml:1: model: is required",
        "n.yaml:1: modle: is not a known key (did you mean model?)",
        "n.yaml:3: windows.lenght: is not a known key (did you mean length?)",
        "n.yaml:4: windows.pane: 'soon' is not a duration: write for example 30s, 5m, 1h30m, 7d",
        "n.yaml:6: export.prometheus.port: 'http' is not a whole number",
        "n.yaml:7: max_disk: is not known here (it belongs in store.max_disk)",
        "n.yaml:9: slos[0]: a latency objective needs a threshold, such as 100ms",
    ]


def test_a_misspelt_key_that_belongs_elsewhere_is_found_there():
    assert mistakes("model: {name: a}\nevaluate_evry: 1m\n") == [
        "n.yaml:2: evaluate_evry: is not known here (it belongs in windows.evaluate_every)"
    ]


def test_one_mistake_is_still_a_config_error_with_its_parts():
    with pytest.raises(ConfigError) as caught:
        parse_settings("model: {name: a}\ndashboard: {prot: 1}", name="n.yaml", env={})
    error = caught.value
    assert (error.where, error.key, error.hint) == ("n.yaml:2", "dashboard.prot", "did you mean port?")
    assert str(error) == "n.yaml:2: dashboard.prot: is not a known key (did you mean port?)"


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("export: 5", "export: 5 is not a mapping of keys to values"),
        ("export:", "export: nothing is not a mapping of keys to values"),
        ("slos: {name: x}", "slos: should be a list"),
        ("slos: [{name: x, type: latncy}]", "did you mean latency?"),
        ("export: {otlp: {protocol: grcp}}", "'grcp' is not one of grpc, http/protobuf (did you mean grpc?)"),
        ("dashboard: {port: 0}", "dashboard.port: 0 should be greater than or equal to 1"),
        ("capture: {listen: localhost:80}", "'localhost:80' is not an address"),
        ("capture: {listen: 5}", "capture.listen: 5 is not a list"),
        ("capture: {listen: [unix:///a, tcp:/x]}", "capture.listen[1]: 'tcp:/x' is not an address"),
        (f"capture: {{listen: unix:///{'a' * 200}}}", "longer than 107 bytes"),
        ("export: {otlp: {endpoint: collector}}", "'collector' is not an endpoint"),
        ("export: {otlp: {endpoint: 'http://collector:'}}", "'http://collector:' is not an endpoint"),
        ("export: {otlp: {endpoint: 'http://collector:99999'}}", "is not an endpoint"),
        ("export: {otlp: {endpoint: 'unix:///x'}}", "is not an endpoint"),
        ("dashboard: {enabled: maybe}", "'maybe' is not true or false"),
        ("monitors: [{use: nonsense}]", "monitors[0].use: 'nonsense'"),
        ("model: {name: again}", "model: is given twice (first on line 1)"),
        ("store: {keep: {signals: -1d}}", "store.keep.signals"),
    ],
)
def test_each_mistake_says_where_and_what(yaml, message):
    found = mistakes(f"model: {{name: a}}\n{yaml}\n")
    assert len(found) == 1
    assert message in found[0]
    assert found[0].startswith("n.yaml:2: ")


def test_the_environment_fills_in_with_defaults_and_escapes():
    text = 'model: {name: "${NAME}", version: "${V:-7}"}\ndashboard: {port: "${PORT}"}\nlog: {level: "${L:-debug}"}\nstore: {path: "/x/$${A}/${NAME}"}'
    settings = parse_settings(text, env={"NAME": "fl", "PORT": "81"})
    assert (settings.model.name, settings.model.version, settings.dashboard.port, settings.log.level) == ("fl", "7", 81, "debug")
    assert str(settings.store.path) == "/x/${A}/fl"


def test_an_empty_variable_takes_the_default():
    assert parse_settings("model: {name: '${N:-x}'}", env={"N": ""}).model.name == "x"


def test_a_variable_that_is_not_set_is_one_mistake_with_a_hint():
    assert mistakes("model: {name: a}\ndashboard: {port: '${PRT}'}", {"PORT": "1"}) == [
        "n.yaml:2: dashboard.port: the environment variable PRT is not set (did you mean PORT?)"
    ]
    assert "write ${ZZZ:-a default}" in mistakes("model: {name: '${ZZZ}'}")[0]


def test_a_broken_placeholder_is_named():
    assert mistakes("model: {name: '${a b}'}") == [
        "n.yaml:1: model.name: has a ${ without a name and a } (write $${ for a literal ${)"
    ]


def test_a_secret_comes_from_a_file_beside_the_configuration(tmp_path):
    (tmp_path / "token.txt").write_text("s3cret\n")
    config = tmp_path / "n.yaml"
    config.write_text("model: {name: a}\ndashboard: {token: {file: token.txt}}\ncapture: {tokens: [{file: token.txt}, plain]}\n")
    settings = load_settings(config, env={})
    assert settings.dashboard.token is not None
    assert settings.dashboard.token.get_secret_value() == "s3cret"
    assert [token.get_secret_value() for token in settings.capture.tokens] == ["s3cret", "plain"]
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("content", "message"), [(None, "No such file"), (b"\xff\xfe", "not UTF-8"), (b"x" * 70_000, "larger than 64 KiB")]
)
def test_a_secret_file_that_can_not_be_read_is_named(tmp_path, content, message):
    if content is not None:
        (tmp_path / "t").write_bytes(content)
    (tmp_path / "n.yaml").write_text("model: {name: a}\ndashboard: {token: {file: t}}\n")
    with pytest.raises(ConfigError, match=message) as caught:
        load_settings(tmp_path / "n.yaml", env={})
    assert ":2: dashboard.token:" in str(caught.value)


@pytest.mark.parametrize(
    "yaml",
    [
        "dashboard: {port: '${SECRET}'}", "dashboard: {token: [hunter2]}", "log: {level: '${SECRET}'}", "capture: {listen: '${SECRET}'}",
        "model: {name: a, extra: '${SECRET}'}", "export: {otlp: {headers: {authorization: {x: '${SECRET}'}}}}", "windows: {pane: '${SECRET}'}",
        "capture: {tokens: hunter2}", "dashboard: '${SECRET}'", "features: {a: {range: ['${SECRET}', 1]}}",
    ],
)  # fmt: skip
def test_no_message_prints_a_secret(yaml):
    found = mistakes(f"model: {{name: a}}\n{yaml}\n" if "model" not in yaml else yaml, {"SECRET": "hunter2"})
    assert found
    assert "hunter2" not in "\n".join(found)


def test_settings_know_where_they_stand(tmp_path):
    config = tmp_path / "n.yaml"
    config.write_text(
        "model: {name: a}\nslos:\n  - name: x\n    type: availability\n    window: 7d\nreference:\n  source: ref.parquet\n"
    )
    settings = load_settings(config, env={})
    assert settings.where("slos[0].window") == f"{config}:5"
    assert settings.where("slos[0].target") == f"{config}:3"
    assert settings.where("dashboard.port") == ""
    assert settings.resolve("ref.parquet") == tmp_path / "ref.parquet"
    assert settings.resolve("/abs").as_posix() == "/abs"


def test_decoding_names_the_model_where_requests_do_not():
    settings = parse_settings("model: {name: flights, version: 3}", env={})
    assert (settings.decoding.model, settings.decoding.version) == ("flights", "3")
    own = parse_settings("model: {name: flights}\ncapture: {model: other}", env={})
    assert (own.decoding.model, own.decoding.version) == ("other", "1.0")


def test_settings_are_frozen():
    settings = parse_settings("model: {name: a}", env={})
    with pytest.raises(ValueError, match="frozen"):
        settings.model = settings.model  # type: ignore[misc]


DESIGNED = """
    model: {name: flights, version: "3"}
    capture: {listen: unix:///var/run/neural/capture.sock, protocol: auto}      # mapping: for plain JSON, by JSONPath
    features:
      temp:    {kind: numeric, range: [-40, 130]}
      carrier: {kind: categorical}
      email:   {redact: hash}
    reference: {source: reference.parquet}                                      # or {learn: 24h}
    windows: {length: 1h, evaluate_every: 1m}
    drift: {false_alarms: 1 per 30d, methods: {numeric: [ks, psi, wasserstein], categorical: [chi2, psi]}}
    performance: {task: classification, labels_within: 7d}
    slos:
      - {name: fast, type: latency, threshold: 100ms, target: 99%, window: 28d}
      - {name: right, type: accuracy, target: 95%, window: 24h}
    alerts:
      - name: High Error Rate
        when: error_rate > 0.05
        for: 5m
        severity: critical
        channels: [slack, email]
        cooldown: 10m
        message: "Error rate is {error_rate:.2%}"
    channels:
      slack: {webhook: "${SLACK_WEBHOOK}"}
    export: {prometheus: {port: 9090}, otlp: {endpoint: http://otel-collector:4317}}
    store: {path: /var/lib/neural, max_disk: 5GiB, keep: {signals: 30d, predictions: 7d}}
    dashboard: {port: 8052}
"""


def test_the_file_that_was_designed_loads_as_it_stands():
    settings = parse_settings(DESIGNED, env={"SLACK_WEBHOOK": "https://hooks.example.com/T/B"})
    assert settings.features["temp"].range == (-40, 130)
    assert settings.drift.false_alarms.seconds_between == 30 * 86400
    assert [(slo.name, slo.limit, slo.goal) for slo in settings.slos] == [("fast", 0.1, 0.99), ("right", 0.0, 0.95)]
    assert (settings.alerts[0].for_, settings.alerts[0].cooldown) == (300, 600)
    assert settings.channels["slack"].webhook.get_secret_value() == "https://hooks.example.com/T/B"
    assert settings.prediction_log.keep == 7 * 86400
    assert settings.export.otlp.endpoint == "http://otel-collector:4317"
    assert "hooks.example.com" not in repr(settings)


def test_a_channels_name_is_its_type_and_a_wrong_type_is_named():
    assert mistakes("model: {name: a}\nchannels: {slak: {webhook: 'https://x'}}") == [
        "n.yaml:2: channels.slak: the type 'slak' is not one of log, webhook, slack, teams, email, pagerduty, alertmanager (did you mean slack?)"
    ]
    assert mistakes("model: {name: a}\nchannels: {on-call: {type: slack, webhok: 'https://x/secret'}}") == [
        "n.yaml:2: channels.on-call.webhook: is required",
        "n.yaml:2: channels.on-call.webhok: is not a known key (did you mean webhook?)",
    ]


def test_a_channels_secret_is_not_printed_and_may_come_from_a_file(tmp_path):
    assert "hunter2" not in str(mistakes("model: {name: a}\nchannels: {slack: {webhook: hunter2}}"))
    (tmp_path / "hook").write_text("https://hooks.example.com/x\n")
    (tmp_path / "n.yaml").write_text("model: {name: a}\nchannels: {slack: {webhook: {file: hook}}}")
    loaded = load_settings(tmp_path / "n.yaml", env={})
    assert loaded.channels["slack"].webhook.get_secret_value() == "https://hooks.example.com/x"


def test_how_long_predictions_stay_can_be_said_in_two_places():
    assert parse_settings("model: {name: a}\npredictions: {keep: 3d}", env={}).prediction_log.keep == 3 * 86400
    assert parse_settings("model: {name: a}\nstore: {keep: {predictions: 2d}}", env={}).prediction_log.keep == 2 * 86400


def test_an_empty_token_is_no_token():
    assert parse_settings("model: {name: a}\ndashboard: {token: '${T:-}'}", env={}).dashboard.token is None
    assert mistakes("model: {name: a}\ncapture: {tokens: ['${T:-}']}") == ["n.yaml:2: capture.tokens: is not valid"]
