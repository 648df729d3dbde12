"""HTTP on plain sockets: what a sidecar may answer, and what it may do instead."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
import trustme

from neural.capture.certificates import TLSFiles
from neural.capture.testing import MemorySidecar
from neural.capture.transport import Endpoint, HTTPTransport, Reply
from neural.wire import CaptureBatch, CaptureEvent, encode_batch

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BATCH = encode_batch(CaptureBatch("s", 1, [CaptureEvent("a", 1)]))


@contextlib.contextmanager
def server(*replies: bytes, wrap=None):
    """Answers each request on a connection of its own accord; an empty reply hangs up. Yields (endpoint, requests)."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests, pending = [], list(replies)

    def serve():
        with contextlib.suppress(OSError):
            while pending:
                connection, _ = listener.accept()
                with contextlib.suppress(OSError), wrap(connection) if wrap else connection as peer:
                    while pending:
                        data = b""
                        while b"\r\n\r\n" not in data:
                            part = peer.recv(65536)
                            if not part:
                                raise ConnectionError
                            data += part
                        head, _, body = data.partition(b"\r\n\r\n")
                        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                        while len(body) < length:
                            body += peer.recv(65536)
                        requests.append((head, body))
                        reply = pending.pop(0)
                        if not reply:
                            break
                        peer.sendall(reply)
                        if b"close" in reply.lower():
                            break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Endpoint(host="127.0.0.1", port=listener.getsockname()[1]), requests
    finally:
        listener.close()


@contextlib.contextmanager
def transport(endpoint: Endpoint, **options):
    made = HTTPTransport(endpoint, **{"timeout": 5.0, **options})
    try:
        yield made
    finally:
        made.close()


def test_a_batch_is_one_post_on_a_connection_that_stays():
    with server(OK, OK) as (endpoint, requests), transport(endpoint) as http:
        assert http.send([b"ab", b"cd"]) == Reply(200)
        assert http.send([]) == Reply(200)
    head, _ = requests[0]
    assert head.startswith(b"POST /v1/capture HTTP/1.1\r\n")
    assert b"Content-Type: application/x-protobuf" in head
    assert [body for _, body in requests] == [b"abcd", b""]


def test_large_parts_arrive_whole_and_in_order():
    parts = [b"a" * 10, b"b" * 1_000_000, b"c" * 5, memoryview(b"d" * 300_000), b"e"]
    with server(OK) as (endpoint, requests), transport(endpoint) as http:
        http.send(parts)
    assert requests[0][1] == b"".join(parts)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", Reply(204)),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: 2.5\r\nContent-Length: 0\r\n\r\n", Reply(429, 2.5)),
        (b"HTTP/1.1 429 Slow\r\nretry-after: 99999\r\nContent-Length: 0\r\n\r\n", Reply(429, 60.0)),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: -1\r\nContent-Length: 0\r\n\r\n", Reply(429, 0.0)),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: nan\r\nContent-Length: 0\r\n\r\n", Reply(429)),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n", Reply(429)),
        (b"HTTP/1.0 503 \r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Reply(503)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nx", Reply(200)),
    ],
)
def test_replies_are_understood(reply, expected):
    with server(reply) as (endpoint, _), transport(endpoint) as http:
        assert http.send([b"x"]) == expected


@pytest.mark.parametrize("reply", [b"SSH-2.0-OpenSSH\r\n\r\n", b"\0" * 20_000, b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1\r\n\r\n", b""])
def test_garbage_is_an_error_and_the_connection_is_not_used_again(reply):
    with server(reply, OK) as (endpoint, _), transport(endpoint) as http:
        with pytest.raises(ConnectionError):
            http.send([b"x"])
        assert http.send([b"y"]) == Reply(200)


def test_a_connection_the_sidecar_closed_while_idle_is_opened_again():
    with server(OK + b"", b"", OK) as (endpoint, requests), transport(endpoint) as http:
        assert http.send([b"1"]) == Reply(200)
        assert http.send([b"2"]) == Reply(200)
    assert [body for _, body in requests] == [b"1", b"2", b"2"]


def test_a_sidecar_that_asks_to_close_gets_a_new_connection():
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with server(closing, OK) as (endpoint, requests), transport(endpoint) as http:
        assert [http.send([b"1"]), http.send([b"2"])] == [Reply(200), Reply(200)]
    assert len(requests) == 2


def test_one_that_accepts_and_never_reads_costs_one_timeout():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = Endpoint(host="127.0.0.1", port=listener.getsockname()[1])
        with transport(endpoint, timeout=0.2) as http, pytest.raises(TimeoutError):
            http.send([b"x" * 20_000_000])


def test_one_that_answers_a_byte_at_a_time_costs_one_timeout():
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip():
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                while not stop.wait(0.02):
                    connection.sendall(b"H")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        with (
            transport(Endpoint(host="127.0.0.1", port=listener.getsockname()[1]), timeout=0.3) as http,
            pytest.raises(TimeoutError),
        ):
            http.send([b"x"])
        stop.set()
        thread.join()


@pytest.mark.parametrize("endpoint", [Endpoint(path="/nowhere/x.sock"), Endpoint(host="127.0.0.1", port=1)])
def test_one_that_is_not_there_is_an_error(endpoint):
    with transport(endpoint) as http, pytest.raises(OSError):
        http.send([b"x"])


def test_tls_is_checked_against_the_given_authority(tmp_path):
    import ssl

    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with server(OK, wrap=lambda peer: context.wrap_socket(peer, server_side=True)) as (plain, requests):
        endpoint = Endpoint(host=plain.host, port=plain.port, tls=True)
        with transport(endpoint) as http, pytest.raises(ssl.SSLError):
            http.send([b"x"])
        with transport(endpoint, tls=TLSFiles(ca=str(tmp_path / "ca.pem"))) as http:
            assert http.send([b"secret"]) == Reply(200)
    assert requests[0][1] == b"secret"


@pytest.mark.parametrize("host", ["", "127.0.0.1"], ids=["Unix socket", "TCP"])
def test_the_test_kits_sidecar_speaks_it(host):
    with MemorySidecar(host=host) as sidecar:
        with transport(Endpoint.parse(sidecar.endpoint)) as http:
            assert http.send([BATCH]) == Reply(200)
            sidecar.answer = lambda batch: Reply(429, 1.5)
            assert http.send([BATCH]) == Reply(429, 1.5)
        assert [event.prediction_id for event in sidecar.events] == ["a"]
