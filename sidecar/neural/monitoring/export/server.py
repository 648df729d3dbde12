"""A small HTTP server for one page, in a thread of its own: for scripts that have no event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from neural.monitoring.errors import NeuralError

PageOf = Callable[[str], tuple[str, str | bytes]]
"""Accept header → (content type, body)."""
_REQUEST_TIMEOUT_SECONDS = 10.0


class PortInUseError(NeuralError):
    """The port is taken, or may not be used."""


class MetricsServer:
    """Serves GET /metrics (and /, which says where it is). ``port`` 0 takes a free one; read it back from ``port``."""

    def __init__(self, page: PageOf, *, host: str = "127.0.0.1", port: int = 9090) -> None:
        try:
            self._server = _Server((host, port), _handler(page))
        except OSError as error:
            raise PortInUseError(f"can't serve metrics on {host}:{port}: {error.strerror}: choose another port") from None
        self.host, self.port = host, int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="neural-metrics", daemon=True, kwargs={"poll_interval": 0.1}
        )

    def start(self) -> MetricsServer:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port. Safe to call twice."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def wait(self) -> None:
        """Until the server is stopped, or the caller is interrupted."""
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16


def _handler(page: PageOf) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_TIMEOUT_SECONDS
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms for an acknowledgement

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(200, *page(self.headers.get("Accept", "")))
            elif path == "/":
                self._answer(200, "text/plain; charset=utf-8", "The metrics are at /metrics\n")
            else:
                self._answer(404, "text/plain; charset=utf-8", "Not here; the metrics are at /metrics\n")

        def _answer(self, status: int, kind: str, content: str | bytes) -> None:
            body = content.encode() if isinstance(content, str) else content
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Scrapes are not news."""

    return Handler
