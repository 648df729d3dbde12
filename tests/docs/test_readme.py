"""If a claim in a document isn't tested, it isn't a claim: the blocks and commands of README and CONTRIBUTING run."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)


def lines(document: str) -> list[str]:
    return [line for block in blocks(document, "bash") for line in block.splitlines() if line.strip()]


CAPTURE = "middleware/neural/capture/README.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / CAPTURE])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_in_documents_exist(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (document.parent / target).exists(), target
    for path in re.findall(r"`((?:sidecar|middleware|config|tests|docs|proto|k8s)/[\w./*-]+)`", text):
        assert list(ROOT.glob(path.rstrip("/"))), path


PYTHON_BLOCKS = [
    (document, code) for document in ("README.md", "CONTRIBUTING.md", CAPTURE) for code in blocks(document, "python")
]


@pytest.mark.parametrize(("document", "code"), PYTHON_BLOCKS)
def test_python_blocks_run(document: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, document, "exec"), {"__name__": "readme"})


def test_the_testing_kits_docstring_runs_as_written() -> None:
    import asyncio

    import neural.capture.testing as kit
    from neural.capture import CaptureMiddleware

    async def my_app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def receive() -> dict:
        return {"type": "http.request", "body": b"{}"}

    async def send(_message: dict) -> None: ...

    def requests(app: CaptureMiddleware) -> None:
        asyncio.run(app({"type": "http", "method": "POST", "path": "/predict", "headers": []}, receive, send))

    assert kit.__doc__
    code = kit.__doc__[kit.__doc__.index("with MemorySidecar") :].replace("...requests...", "requests(app)")
    assert "requests(app)" in code
    made = {**vars(kit), "CaptureMiddleware": CaptureMiddleware, "my_app": my_app, "requests": requests}
    exec(compile(code, kit.__name__, "exec"), made)
    requests(made["app"])
    assert made["app"].flush()
    assert made["collector"].events[0].status == 200


@pytest.mark.parametrize("text", blocks("README.md", "yaml"))
def test_yaml_blocks_load(text: str, tmp_path: Path) -> None:
    from neural.monitoring.settings import parse_settings

    settings = parse_settings(text, folder=tmp_path, env={"SLACK_WEBHOOK": "https://hooks.example.com/x"})
    assert settings.model.name


def test_the_monitor_of_contributing_runs_in_a_sidecar_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe: one file, one line of YAML, and its signal is stored and usable in a rule."""
    from neural.monitoring.app.monitors import build_monitors
    from neural.monitoring.export import TrafficTotals
    from neural.monitoring.settings import parse_settings
    from neural.monitoring.store import MemoryStore
    from neural.monitoring.windows import PaneStore, WindowSettings

    folder = tmp_path / "my_package"
    folder.mkdir()
    (folder / "night.py").write_text(blocks("CONTRIBUTING.md", "python")[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = parse_settings('model: {name: m}\nmonitors: [{use: "my_package.night:NightTraffic"}]\n', folder=tmp_path, env={})
    monitors = build_monitors(settings, MemoryStore(), time.time, [TrafficTotals()])
    night = next(monitor for monitor in monitors if monitor.name == "night")
    panes = PaneStore(WindowSettings(), time.time)
    (signal_,) = night.evaluate(panes.evaluation("m", "1.0", 1_700_000_000.0))
    assert signal_.name == "night.requests"


@pytest.mark.parametrize("command", [line.split("#")[0].split() for line in lines("README.md") if line.startswith("make")])
def test_make_targets_exist(command: list[str]) -> None:
    done = subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_make_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "test-fast", "bench", "lint", "fmt", "proto", "clean"):
        assert f"make {target} " in listed


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the README's `init` and `run` have been typed, with a model server sending traffic to it."""
    folder = tmp_path_factory.mktemp("readme")
    init, run = (line for line in lines("README.md") if line.startswith(("neural monitor init", "neural monitor run")))
    _shell(init, folder)
    path = folder / "monitoring_data" / "neural-monitor.yaml"
    path.write_text(
        path.read_text().replace("port: 9090", f"port: {_free_port()}").replace("port: 8052", f"port: {_free_port()}")
    )
    process = subprocess.Popen(["sh", "-c", f"exec {BIN}/{run}"], cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        _wait_for(folder / "monitoring_data" / "capture.sock", process)
        yield folder
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=40)
        assert process.returncode == 0, err


@pytest.mark.slow
def test_the_commands_of_the_look_chapter_answer(running: Path) -> None:
    commands = [
        line for line in lines("README.md") if line.startswith("neural monitor") and " init" not in line and " run" not in line
    ]
    assert len(commands) == 6
    for command in commands:
        done = _shell(command, running, codes=(0, 1))
        assert done.stdout.strip(), command


@pytest.mark.slow
def test_the_no_code_command_captures_a_server_that_knows_nothing(running: Path, tmp_path: Path) -> None:
    command = next(line for line in lines("README.md") if line.startswith("NEURAL_CAPTURE_APP"))
    (tmp_path / "my_server.py").write_text(
        "from starlette.applications import Starlette\n"
        "from starlette.responses import JSONResponse\n"
        "from starlette.routing import Route\n"
        "async def predict(request):\n"
        "    return JSONResponse({'predictions': [1 for _ in (await request.json())['instances']]})\n"
        "app = Starlette(routes=[Route('/v1/models/fraud:predict', predict, methods=['POST'])])\n"
    )
    port, socket_path = _free_port(), running / "monitoring_data" / "capture.sock"
    environment = f"NEURAL_CAPTURE_ENDPOINT=unix://{socket_path} PYTHONPATH={tmp_path}"
    line = command.replace("uvicorn", f"exec {BIN}/uvicorn")
    process = subprocess.Popen(
        ["sh", "-c", f"export {environment} {line.split(' exec ')[0]}; exec {line.split(' exec ')[1]} --port {port}"],
        cwd=tmp_path,
    )
    try:
        reply = _post_until_answered(f"http://127.0.0.1:{port}/v1/models/fraud:predict", {"instances": [{"amount": 3.0}]})
        assert reply.json() == {"predictions": [1]}
        assert reply.headers["x-prediction-id"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    from neural.monitoring.store import open_store

    store = open_store(running / "monitoring_data", read_only=True)
    transport = httpx.HTTPTransport(uds=str(socket_path))
    with httpx.Client(transport=transport, base_url="http://sidecar") as client:  # its true outcome, by its id
        label = {"labels": [{"id": reply.headers["x-prediction-id"], "label": 1}]}
        assert client.post("/v1/labels", json=label).status_code == 200
    store.close()


def _shell(command: str, folder: Path, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode in codes, f"{command}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _post_until_answered(url: str, body: object) -> httpx.Response:
    deadline = time.monotonic() + 30
    while True:
        try:
            return httpx.post(url, json=body, trust_env=False)
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_demo_file_that_users_copy_loads(tmp_path: Path) -> None:
    from neural.monitoring.settings import load_settings

    shutil.copy(ROOT / "sidecar/neural/monitoring/demo/flights.yaml", tmp_path / "flights.yaml")
    environment = {"NEURAL_DEMO": str(tmp_path), "NEURAL_DEMO_PORT": "8052", "NEURAL_DEMO_METRICS_PORT": "9090"}
    assert len(load_settings(tmp_path / "flights.yaml", env=environment).slos) == 5


def test_the_table_of_the_seed_has_every_row_and_every_test_it_names_exists() -> None:
    sys.path.insert(0, str(ROOT / "tests" / "spec"))
    import seed

    table = (ROOT / "docs" / "seed.md").read_text()
    wanted = [bullet for _, bullet in seed.feature_bullets()] + seed.metric_names() + seed.best_practices()
    wanted += [option for options in seed.cli_options().values() for option in options]
    assert not [row for row in wanted if row not in table]
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "spec").glob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", table):
        assert f"def {name}(" in tests, name
