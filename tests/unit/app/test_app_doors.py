"""Doors: bound before anything starts, refused in one clear line, guarded where strangers can reach them."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from neural.monitoring.app.folder import prepare_folder
from neural.monitoring.app.guard import TokenGuard
from neural.monitoring.app.run import run_sidecar
from neural.monitoring.app.sockets import bind, bind_tcp
from neural.monitoring.errors import ConfigError, NeuralError, StoreError
from neural.monitoring.settings import Address, parse_settings


def test_a_socket_file_left_by_a_killed_sidecar_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "c.sock"
    first = bind(Address(path=str(path)), socket_mode=0o600, setting="capture.listen")
    first.close()  # the file stays, nobody answers
    assert path.exists()
    with bind(Address(path=str(path)), socket_mode=0o600, setting="capture.listen"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_socket_that_somebody_answers_on_is_not_taken(tmp_path: Path) -> None:
    address = Address(path=str(tmp_path / "c.sock"))
    with bind(address, setting="capture.listen"), pytest.raises(NeuralError, match=r"another sidecar listens .* capture.listen"):
        bind(address, setting="capture.listen")


def test_a_file_in_the_way_is_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("keep me")
    with pytest.raises(NeuralError, match="not a socket"):
        bind(Address(path=str(path)), setting="capture.listen")
    assert path.read_text() == "keep me"


def test_a_tcp_port_in_use_names_the_setting() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as busy,
        pytest.raises(NeuralError, match=r"address already in use .*dashboard.port"),
    ):
        bind_tcp("127.0.0.1", busy.getsockname()[1], setting="dashboard.port")


def test_a_storage_path_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError, match=r"state.*store\.path"):
        prepare_folder(tmp_path / "state")


@pytest.mark.parametrize(
    ("header", "status"),
    [("Bearer right", 200), ("Bearer also right", 200), ("Bearer wrong", 401), ("right", 401), ("", 401), ("Basic right", 401)],
)
async def test_a_guarded_door_asks_for_one_of_the_tokens(header: str, status: int) -> None:
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("in"))])
    transport = httpx.ASGITransport(TokenGuard(app, [SecretStr("right"), SecretStr("also right")]))
    async with httpx.AsyncClient(transport=transport, base_url="http://sidecar") as client:
        reply = await client.get("/", headers={"authorization": header} if header else {})
    assert reply.status_code == status


def test_an_open_tcp_door_without_a_token_is_a_config_error(tmp_path: Path) -> None:
    settings = parse_settings('model: {name: m}\ncapture: {listen: "tcp://0.0.0.0:4319"}\n', folder=tmp_path, env={})
    with pytest.raises(ConfigError, match=r"capture\.listen.*no token"):
        run_sidecar(settings)


def test_replies_over_tcp_do_not_wait_for_acknowledgements() -> None:
    """Head and body of a reply are two writes: without TCP_NODELAY each reply takes 40 ms longer."""
    with (
        bind_tcp("127.0.0.1", 0, setting="dashboard.port") as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
