"""Where spans go, as the file and OTel's environment variables say."""

from __future__ import annotations

import pytest
from span_fakes import options

from neural.monitoring.errors import ConfigError
from neural.monitoring.export import span_emitter, span_options
from neural.monitoring.export.otlp_transport import Transport
from neural.monitoring.export.span_export import otlp_exporter
from neural.monitoring.settings import OTLPSettings


class TestOptions:
    def test_spans_are_off_unless_asked_for(self):
        assert span_options(None, {}) is None
        assert span_options(None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}) is not None
        assert span_options(OTLPSettings(), {}) is not None
        assert span_options(OTLPSettings(), {"OTEL_SDK_DISABLED": "TRUE"}) is None
        assert span_options(OTLPSettings(), {"OTEL_TRACES_EXPORTER": "none"}) is None
        assert span_options(OTLPSettings(traces=False), {}) is None
        assert span_emitter(None, {}) is None

    @pytest.mark.parametrize(
        ("settings", "env", "protocol", "endpoint"),
        [
            ({}, {}, "grpc", "http://localhost:4317"),
            ({"endpoint": "http://c:4318"}, {}, "http/protobuf", "http://c:4318/v1/traces"),
            ({"endpoint": "http://c:4318/v1/traces"}, {}, "http/protobuf", "http://c:4318/v1/traces"),
            ({"endpoint": "http://c:9999"}, {}, "grpc", "http://c:9999"),
            ({"endpoint": "http://c:9999", "protocol": "http/protobuf"}, {}, "http/protobuf", "http://c:9999/v1/traces"),
            ({"endpoint": "https://c/otlp"}, {}, "http/protobuf", "https://c/otlp/v1/traces"),
            ({}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "http/protobuf", "http://localhost:4318/v1/traces"),
            ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, "http/protobuf", "http://c:4318/v1/traces"),
            ({}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/own"}, "http/protobuf", "http://c:4318/own"),
            ({"protocol": "grpc"}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "grpc", "http://localhost:4317"),
            (
                {},
                {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
                "http/protobuf",
                "http://localhost:4318/v1/traces",
            ),
        ],
    )
    def test_transport_and_endpoint(self, settings, env, protocol, endpoint):
        found = span_options(OTLPSettings(**settings), env)
        assert (found.transport.protocol, found.transport.endpoint) == (protocol, endpoint)

    def test_the_environment_fills_what_the_file_leaves_out(self):
        env = {
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret%20one,X=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x=2", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3", "OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10", "OTEL_BSP_SCHEDULE_DELAY": "250",
            "OTEL_RESOURCE_ATTRIBUTES": "a=b,team=ml%2Fops", "OTEL_SERVICE_NAME": "svc", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "99",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "ca.pem", "OTEL_EXPORTER_OTLP_CLIENT_KEY": "k", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "c",
        }  # fmt: skip
        found = span_options(OTLPSettings(resource={"team": "mine"}), env)
        assert dict(found.transport.headers) == {"api-key": "secret one", "x": "2"}
        assert (found.transport.compression, found.transport.timeout_seconds, found.queue, found.batch, found.delay_seconds) == (
            "gzip",
            3,
            100,
            10,
            0.25,
        )
        assert dict(found.resource) == {"a": "b", "team": "mine", "service.name": "svc"}
        assert (
            found.max_value_length,
            found.transport.certificate,
            found.transport.client_key,
            found.transport.client_certificate,
        ) == (99, "ca.pem", "k", "c")
        assert "secret" not in repr(found)

    def test_the_file_goes_first(self):
        settings = OTLPSettings(
            compression="none", timeout="7s", queue=5, batch=2, delay="1s", headers={"X": "file"}, certificate="own.pem"
        )
        env = {
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
            "OTEL_BSP_SCHEDULE_DELAY": "1",
            "OTEL_EXPORTER_OTLP_HEADERS": "x=env",
        }
        found = span_options(settings, env)
        assert (found.transport.compression, found.transport.timeout_seconds, found.queue, found.batch, found.delay_seconds) == (
            "none",
            7,
            5,
            2,
            1,
        )
        assert dict(found.transport.headers) == {"x": "file"}

    def test_nonsense_in_the_environment_means_the_default(self):
        env = {"OTEL_BSP_MAX_QUEUE_SIZE": "many", "OTEL_BSP_SCHEDULE_DELAY": "-1", "OTEL_EXPORTER_OTLP_TIMEOUT": "inf"}
        found = span_options(OTLPSettings(), env)
        assert (found.queue, found.delay_seconds, found.transport.timeout_seconds) == (2048, 5, 10)

    def test_a_queue_smaller_than_a_batch_grows_to_it(self):
        assert span_options(OTLPSettings(queue=5, batch=50), {}).queue == 50

    @pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
    def test_a_certificate_that_is_not_there_is_one_line(self, protocol):
        with pytest.raises(ConfigError, match=r"export.otlp.certificate: /nowhere.pem can't be read"):
            otlp_exporter(options(transport=Transport(protocol, "https://c:1", certificate="/nowhere.pem")))


@pytest.mark.parametrize(
    ("env", "seconds"),
    [
        ({}, 10.0),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "3"}, 3.0),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "2500"}, 2.5),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "3", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "4000"}, 4.0),
        ({"OTEL_BSP_EXPORT_TIMEOUT": "1500"}, 1.5),
        ({"OTEL_METRIC_EXPORT_TIMEOUT": "1500"}, 10.0),
    ],
)
def test_timeouts_are_read_in_either_unit_and_the_shorter_holds(env, seconds):
    assert span_options(OTLPSettings(endpoint="http://c:4317"), env).transport.timeout_seconds == seconds


@pytest.mark.parametrize(
    ("endpoint", "insecure", "secure"),
    [
        ("c:4317", "", False),
        ("c:4317", "true", False),
        ("c:4317", "false", True),
        ("http://c:4317", "false", False),
        ("https://c", "true", True),
    ],
)
def test_tls_is_asked_for_by_scheme_or_variable(endpoint, insecure, secure):
    env = {"OTEL_EXPORTER_OTLP_INSECURE": insecure, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    assert span_options(None, env).transport.secure is secure
