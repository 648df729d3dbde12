"""gRPC from end to end: a real server process's shipper, a real sidecar process, TLS and tokens between them."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import grpc
import pytest
import trustme
from tests.sidecars import SidecarProcess, free_port

from neural.monitoring.store import open_store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # httpcore and refused connections
]
SERVICE = "/neural.capture.v1.CaptureService"
CLIENT = textwrap.dedent(
    """
    import asyncio, json, sys
    from neural.capture import CaptureMiddleware, flush, ledgers
    assert "grpc" not in sys.modules
    options, requests, pause = json.loads(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])

    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"predictions": [1.5]}'})

    async def main():
        served = CaptureMiddleware(app, model="m", version="1", flush_interval=0.05, max_backoff=0.2, **options)
        scope = {"type": "http", "method": "POST", "path": "/v1/models/m:predict", "query_string": b"", "headers": []}
        async def receive():
            return {"type": "http.request", "body": b'{"instances": [{"x": 1.0}]}', "more_body": False}
        async def send(message):
            pass
        for _ in range(requests):
            await served(dict(scope), receive, send)
            if pause:
                await asyncio.sleep(pause)
        done = await asyncio.to_thread(flush, 30)
        (ledger,) = ledgers().values()
        print(json.dumps({"flushed": done, "seen": ledger.seen, "shipped": ledger.shipped, "dropped": dict(ledger.dropped)}), flush=True)

    asyncio.run(main())
    """
)


def client(options: dict, requests: int = 300, pause: float = 0.0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, json.dumps(options), str(requests), str(pause)], stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> dict:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return json.loads(out)


def received(sidecar: SidecarProcess) -> dict:
    """What the sidecar's books say once it has been told to stop."""
    sidecar.stop()
    store = open_store(sidecar.state, read_only=True)
    try:
        return store.value("capture")
    finally:
        store.close()


@pytest.fixture
def running(tmp_path):
    """Start sidecars; none is left behind."""
    started: list[SidecarProcess] = []

    def start(settings: dict) -> SidecarProcess:
        sidecar = SidecarProcess(tmp_path, settings)
        sidecar.start()
        started.append(sidecar)
        return sidecar

    yield start
    for sidecar in started:
        sidecar.close()


def test_capture_ships_over_grpc_and_both_books_agree(running, tmp_path):
    port = free_port()
    sidecar = running({"capture": {"grpc": f"tcp://127.0.0.1:{port}"}})
    told = said(client({"endpoint": f"grpc://127.0.0.1:{port}"}))
    assert told == {"flushed": True, "seen": 300, "shipped": 300, "dropped": {}}
    account = received(sidecar)
    (source,) = account["sources"].values()
    assert (source["received"], source["shipped"], account["counters"]["rows"], account["balanced"]) == (300, 300, 300, True)
    assert f"grpc://127.0.0.1:{port}" in sidecar.said()


def test_a_sidecar_that_is_killed_and_comes_back_is_found_again_and_nothing_is_lost(running, tmp_path):
    sidecar = running({"capture": {"grpc": f"unix://{tmp_path}/g.sock"}})
    process = client({"endpoint": f"grpc+unix://{tmp_path}/g.sock"}, requests=200, pause=0.02)
    time.sleep(1.5)
    sidecar.kill()
    time.sleep(0.5)
    sidecar.start()
    assert said(process) == {"flushed": True, "seen": 200, "shipped": 200, "dropped": {}}
    account = received(sidecar)
    assert account["counters"]["events"] == account["counters"]["rows"] == 200
    assert (tmp_path / "g.sock").exists() is False
    assert Path(tmp_path / "c.sock").stat().st_mode & 0o777 == 0o660


@pytest.fixture
def certificate(tmp_path) -> dict[str, str]:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    paths = {name: str(tmp_path / f"{name}.pem") for name in ("ca", "certificate", "key")}
    authority.cert_pem.write_to_path(paths["ca"])
    issued.private_key_pem.write_to_path(paths["key"])
    for place, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(paths["certificate"], append=place > 0)
    return paths


@pytest.mark.parametrize("scheme", ["grpcs", "https"])
def test_from_another_machine_it_takes_a_token_over_tls(running, certificate, scheme):
    port, beside = free_port(), free_port()
    doors = {"grpc": f"tcp://0.0.0.0:{port}"} if scheme == "grpcs" else {}
    listen = [*([f"tcp://0.0.0.0:{port}"] if scheme == "https" else []), f"tcp://127.0.0.1:{beside}"]
    folder = Path(certificate["ca"]).parent
    sidecar = running({
        "capture": {
            **doors, "listen": [f"unix://{folder}/c.sock", *listen], "tokens": ["s3cret"],
            "tls": {"certificate": certificate["certificate"], "key": certificate["key"]},
        }
    })  # fmt: skip
    options = {"endpoint": f"{scheme}://localhost:{port}", "ca_file": certificate["ca"]}
    assert said(client({**options, "token": "s3cret"}, 20)) == {"flushed": True, "seen": 20, "shipped": 20, "dropped": {}}
    assert said(client({**options, "token": "wrong"}, 20))["dropped"] == {"rejected": 20}
    assert said(client(options, 20))["dropped"] == {"rejected": 20}
    assert received(sidecar)["counters"]["events"] == 20
    assert "s3cret" not in sidecar.said()


@pytest.mark.parametrize("scheme", ["grpcs", "https"])
def test_from_another_machine_it_takes_who_shows_a_certificate_of_the_named_authority(running, certificate, tmp_path, scheme):
    """mTLS: no token is needed; without a certificate, or with another authority's, nothing gets in."""
    port, clients, strangers = free_port(), trustme.CA(), trustme.CA()
    clients.cert_pem.write_to_path(tmp_path / "clients.pem")
    for name, authority in (("known", clients), ("stranger", strangers)):
        issued = authority.issue_cert("model-server")
        issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / f"{name}.pem")
    door = {"grpc": f"tcp://0.0.0.0:{port}"} if scheme == "grpcs" else {}
    listen = [f"unix://{tmp_path}/c.sock", *([f"tcp://0.0.0.0:{port}"] if scheme == "https" else [])]
    tls = {"certificate": certificate["certificate"], "key": certificate["key"], "client_ca": str(tmp_path / "clients.pem")}
    sidecar = running({"capture": {**door, "listen": listen, "tls": tls}})
    options = {"endpoint": f"{scheme}://localhost:{port}", "ca_file": certificate["ca"], "shutdown_timeout": 0.5}
    assert said(client({**options, "cert_file": str(tmp_path / "known.pem")}, 20))["shipped"] == 20
    for shown in ({}, {"cert_file": str(tmp_path / "stranger.pem")}):
        process = client({**options, **shown}, 20)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=2.5)  # it goes on trying
        process.kill()
        process.communicate()
    assert received(sidecar)["counters"]["events"] == 20


def test_labels_come_over_grpc_too(running, tmp_path):
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from grpc_tools import protoc

    root = Path(__file__).parents[2] / "proto"
    out = tmp_path / "set"
    assert protoc.main(["", f"-I{root}", f"--descriptor_set_out={out}", str(root / "neural/capture/v1/capture.proto")]) == 0
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
        pool.Add(file)
    make, receipts = (
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"neural.capture.v1.{name}"))
        for name in ("LabelBatch", "Receipt")
    )
    sidecar = running({"capture": {"grpc": f"unix://{tmp_path}/g.sock"}})
    with grpc.insecure_channel(f"unix:{tmp_path}/g.sock") as channel:
        call = channel.unary_unary(f"{SERVICE}/Labels", make.SerializeToString, receipts.FromString)
        now = time.time()
        labels = [{"id": "a", "number": 0.0, "time_unix": now}, {"id": "b", "text": "yes"}, {"id": "c", "truth": False}]
        assert call(make(labels=labels), timeout=10).accepted == 3
        with pytest.raises(grpc.RpcError) as error:
            call(make(labels=[{"id": "d"}]), timeout=10)
        assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "item 1 has no id and label" in error.value.details()
    assert received(sidecar)["counters"]["labels"] == 3


def test_an_address_in_use_is_one_line(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sidecar = SidecarProcess(tmp_path, {"capture": {"grpc": f"tcp://127.0.0.1:{port}"}})
        with pytest.raises(AssertionError):
            sidecar.start()
        assert sidecar.process.wait(10) == 2
        sidecar.close()
    assert f"can't listen on 127.0.0.1:{port}: address already in use" in sidecar.said()
    assert "(choose another with capture.grpc)" in sidecar.said()
    assert "Traceback" not in sidecar.said()
