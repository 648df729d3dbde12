"""One table of settings: keyword, environment and README say the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from neural.capture import Settings, SettingsError, load_settings
from neural.capture.options import Options
from neural.capture.settings import ENV_PREFIX, settings_table
from neural.capture.transport import Endpoint

README = Path(__file__).parents[3] / "middleware/neural/capture/README.md"


def test_the_readme_holds_the_table():
    assert settings_table() in README.read_text(encoding="utf-8")


def test_a_keyword_goes_before_the_environment_before_the_default():
    env = {f"{ENV_PREFIX}MODEL": "from-env", f"{ENV_PREFIX}SAMPLE": "0.5"}
    settings = load_settings({"model": "keyword", "version": None}, env)
    assert (settings.model, settings.sample, settings.version) == ("keyword", 0.5, "")


def test_the_environment_is_read_in_the_type_of_the_setting():
    env = {"QUERY": "yes", "KEEP_ERRORS": "0", "EXCLUDE": "/a, /b,,", "RING_BYTES": "1000", "TIMEOUT": "2.5", "HEADERS": ""}
    settings = load_settings({}, {ENV_PREFIX + name: value for name, value in env.items()})
    assert (settings.query, settings.keep_errors, settings.exclude) == (True, False, ("/a", "/b"))
    assert (settings.ring_bytes, settings.timeout, settings.headers) == (1000, 2.5, ())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample": 0}, "sample: 0.0 is not above 0 and at most 1"),
        ({"sample": 1.5}, "sample"),
        ({"ring_bytes": 0}, "ring_bytes: 0 is not above 0"),
        ({"ring_bytes": "many"}, "ring_bytes: 'many' is not a int"),
        ({"keep_slow": -1}, "keep_slow"),
        ({"query": "perhaps"}, "query: 'perhaps' is not a bool"),
        ({"timeout": float("nan")}, "timeout"),
        ({"flush_intervall": 1}, "did you mean flush_interval?"),
        ({"zzz": 1}, "zzz: there is no such setting"),
    ],
)
def test_a_mistake_is_told_with_its_name(options, message):
    with pytest.raises(SettingsError) as caught:
        load_settings(options, {})
    assert message in str(caught.value)


def test_settings_are_values():
    assert load_settings({"model": "a"}, {}) == Settings(model="a")
    assert hash(Settings()) == hash(Settings())


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("unix:///run/a.sock", Endpoint(path="/run/a.sock")),
        ("unix:/run/a.sock", Endpoint(path="/run/a.sock")),
        ("http://sidecar:99", Endpoint(host="sidecar", port=99)),
        ("http://sidecar", Endpoint(host="sidecar", port=4319)),
        ("tcp://127.0.0.1:1", Endpoint(host="127.0.0.1", port=1)),
        ("http://[::1]:7", Endpoint(host="::1", port=7)),
        ("https://sidecar", Endpoint(host="sidecar", port=4319, tls=True)),
    ],
)
def test_endpoints_that_are_understood(text, endpoint):
    assert Endpoint.parse(text) == endpoint


@pytest.mark.parametrize("text", ["", "sidecar:80", "unix://relative", "http://", "http://a:port", "http://a:99999", "ftp://a"])
def test_endpoints_that_are_refused(text):
    with pytest.raises(SettingsError, match="endpoint"):
        Endpoint.parse(text)


def test_importing_capture_loads_nothing_heavy():
    code = "import sys; before = set(sys.modules); import neural.capture, neural.capture.auto; print(*set(sys.modules) - before)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    roots = {name.split(".")[0] for name in loaded}
    assert not roots & {"asyncio", "http", "email", "ssl", "logging", "multiprocessing", "dataclasses", "inspect"}, (
        "they are slow to import"
    )
    assert {name for name in roots if name not in sys.stdlib_module_names} == {"neural"}
    assert "neural.wire.encode" in loaded
    assert not {"neural.wire.decode", "neural.wire.message", "neural.wire.table"} & {*loaded}, "a model server reads no batches"


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("", "names no application"),
        ("json", "names no application"),
        ("json:nothing", "nothing"),
        ("json:", "names no application"),
    ],
)
def test_auto_tells_what_is_wrong_with_the_applications_name(target, error):
    from neural.capture.auto import load_app

    with pytest.raises(SettingsError, match=error):
        load_app(target)


def test_auto_wraps_an_application_or_a_factory(monkeypatch, tmp_path):
    import importlib

    from neural.capture import auto

    (tmp_path / "server_for_auto.py").write_text("async def app(scope, receive, send): ...\ndef make():\n    return app\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("NEURAL_CAPTURE_MODEL", "from-env")
    for target in ("server_for_auto:app", "server_for_auto:make()"):
        monkeypatch.setenv("NEURAL_CAPTURE_APP", target)
        module = importlib.reload(auto)
        module.__dict__.pop("app", None)
        assert module.app.settings.model == "from-env"
        assert module.app.app.__module__ == "server_for_auto"
        assert module.app is module.app


def test_the_typed_keywords_are_the_settings():
    named = {"model", "version", "endpoint"}
    assert set(Options.__annotations__) == set(Settings._fields) - named


def test_no_header_that_carries_credentials_is_captured_by_default():
    words = ("auth", "cookie", "token", "secret", "key", "credential", "password", "session", "signature", "api-")
    assert not [header for header in Settings().headers if any(word in header for word in words)]
    assert Settings().query is False
