"""What capture costs the server it sits in, beside its peers where they are installed.

    python tests/benchmarks/bench_capture.py [--json out.json] [--rounds 60]

- Request path: microseconds of CPU added to one request in process, against the same Starlette application bare; the shipper is
  held back, its cost stands by itself. Every round runs all candidates one after another, so that a noisy neighbour hits all of
  them alike; reported are the median and quartiles of the difference to the bare application of the same round.
- Shipping: CPU of the whole process per request with everything shipped over a Unix socket to another process, minus bare.
- gRPC: CPU of the server process per unary call, with the interceptor minus without; the client is another process.
- Import time and memory, in fresh processes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import json
import logging
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from neural.capture import CaptureMiddleware
from neural.capture.testing import Collector

PATH = "/v1/models/m:predict"
ANSWER = b'{"predictions": [1.0, 2.0, 3.0]}'.ljust(100)
HEADERS = [
    (b"host", b"localhost:8000"), (b"user-agent", b"python-httpx/0.28"), (b"accept", b"*/*"), (b"accept-encoding", b"gzip, deflate"),
    (b"connection", b"keep-alive"), (b"content-type", b"application/json"), (b"content-length", b"200"), (b"x-request-id", b"r-1"),
]  # fmt: skip
BODIES = {"200 B": [b"x" * 200], "1 MB": [b"x" * 65_536] * 16}  # servers hand a large body over in chunks of 64 KiB
REQUESTS = {"200 B": 300, "1 MB": 60}  # in one round
BARS = {"200 B": 4.0, "1 MB": 8.0, "shipping": 6.0, "grpc": 6.0, "import": 30.0, "memory": 8.0}


@dataclass
class Result:
    """One line of the table. ``low`` and ``high`` are quartiles; ``bar`` is what the value must not exceed."""

    case: str
    candidate: str
    unit: str
    value: float
    low: float
    high: float
    bar: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        return None if self.bar is None else self.value <= self.bar


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """(median, lower, upper)."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return middle, low, high


# --- the application and who wraps it


async def predict(request: Request) -> Response:
    await request.body()
    return Response(ANSWER, media_type="application/json")


def bare() -> Starlette:
    return Starlette(routes=[Route(PATH, predict, methods=["POST"])])


class PassThrough:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class DequeFloor:
    """The least that capture can cost: chunks appended to lists, lists to a deque."""

    def __init__(self, app: Any) -> None:
        self.app, self.kept = app, deque(maxlen=65_536)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        received, sent, started = [], [], time.perf_counter_ns()

        async def keep_received() -> Any:
            message = await receive()
            received.append(message.get("body"))
            return message

        async def keep_sent(message: Any) -> None:
            sent.append(message)
            await send(message)

        await self.app(scope, keep_received, keep_sent)
        self.kept.append((started, received, sent))


def held_back(app: Any) -> CaptureMiddleware:
    """Capture whose shipper does not run: what is recorded waits until ``emptied``."""
    options = {"ring_bytes": 2**33, "ring_events": 10**8, "degrade": False, "flush_interval": 10**6, "heartbeat_interval": 10**6}
    wrapped = CaptureMiddleware(app, model="m", transport=Collector(), **options)
    wrapped.recorder.asleep = False
    return wrapped


def emptied(app: Any) -> None:
    if isinstance(app, CaptureMiddleware):
        account = app.recorder.account
        account.settle(account.take(10**9, 10**15))
    elif isinstance(app, DequeFloor):
        app.kept.clear()


def peer(module: str, wrap: Callable[[Any, Any], Any]) -> Any:
    """The application wrapped by a peer, or None where the peer is not installed."""
    with contextlib.suppress(ImportError):
        return wrap(importlib.import_module(module), bare())
    return None


def with_starlette_exporter(module: Any, app: Any) -> Any:
    app.add_middleware(module.PrometheusMiddleware)
    return app


def candidates() -> dict[str, Any]:
    found = {
        "bare": bare(),
        "pass-through": PassThrough(bare()),
        "deque floor": DequeFloor(bare()),
        "neural.capture": held_back(bare()),
        "asgi-correlation-id": peer("asgi_correlation_id", lambda m, app: m.CorrelationIdMiddleware(app)),
        "opentelemetry asgi": peer("opentelemetry.instrumentation.asgi", lambda m, app: m.OpenTelemetryMiddleware(app)),
        "starlette-exporter": peer("starlette_exporter", with_starlette_exporter),
        "prometheus-fastapi-instrumentator": peer(
            "prometheus_fastapi_instrumentator", lambda m, app: m.Instrumentator().instrument(app) and app
        ),
    }
    return {name: app for name, app in found.items() if app is not None}


# --- the request path


def scope() -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": PATH, "raw_path": PATH.encode(),
        "query_string": b"", "root_path": "", "scheme": "http", "headers": list(HEADERS), "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8000),
    }  # fmt: skip


def run(app: Any, number: int, body: list[bytes]) -> float:
    """Microseconds of CPU a request."""
    messages = [{"type": "http.request", "body": chunk, "more_body": i < len(body) - 1} for i, chunk in enumerate(body)]

    async def requests() -> None:
        for _ in range(number):
            left = iter(messages)

            async def receive() -> Any:
                return next(left)

            async def send(_message: Any) -> None:
                pass

            await app(scope(), receive, send)

    began = time.process_time()
    asyncio.run(requests())
    return (time.process_time() - began) / number * 1e6


def request_path(rounds: int) -> Iterator[Result]:
    for size, body in BODIES.items():
        apps = candidates()
        times: dict[str, list[float]] = {name: [] for name in apps}
        for round_number in range(rounds + 2):
            for name, app in apps.items():
                spent = run(app, REQUESTS[size], body)
                emptied(app)
                if round_number > 1:  # the first two warm up
                    times[name].append(spent)
        for name, spent_times in times.items():
            if name == "bare":
                yield Result(f"request path, {size}", name, "µs a request", *quartiles(spent_times))
                continue
            added = [mine - theirs for mine, theirs in zip(spent_times, times["bare"], strict=True)]
            bar = BARS[size] if name == "neural.capture" else None
            notes = {"told by itself, µs": apps[name].overhead_ns / 1000} if name == "neural.capture" else {}
            yield Result(f"request path, {size}", name, "µs added", *quartiles(added), bar, notes)


# --- shipping

SIDECAR = """
import sys
from neural.capture.testing import MemorySidecar
from neural.capture.transport import Reply
class Forgetful(MemorySidecar):
    def receive(self, data):
        return Reply(200)
with Forgetful() as sidecar:
    print(sidecar.endpoint, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def sidecar_process() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-c", SIDECAR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def shipping(rounds: int) -> Iterator[Result]:
    """Requests at full speed, then a flush; all CPU of the process counts."""
    number = 2_000
    with sidecar_process() as endpoint:
        plain, capture = bare(), CaptureMiddleware(bare(), model="m", endpoint=endpoint)
        added, shipped = [], []
        for round_number in range(max(rounds // 4, 5) + 1):
            without = run(plain, number, BODIES["200 B"])
            began = time.process_time()
            run(capture, number, BODIES["200 B"])
            on_path = time.process_time() - began
            assert capture.flush(30)
            both = time.process_time() - began
            if round_number:
                added.append(both / number * 1e6 - without)
                shipped.append((both - on_path) / number * 1e6)
        ledger = capture.ledger()
        capture.close()
    assert ledger.balanced
    notes = {"shipped": ledger.shipped, "dropped": dict(ledger.dropped), "after the last request, µs": quartiles(shipped)[0]}
    yield Result("CPU with shipping, 200 B", "neural.capture", "µs added", *quartiles(added), BARS["shipping"], notes)


def encoding(rounds: int) -> Iterator[Result]:
    """Records to wire bytes alone, on this thread."""
    from neural.capture.batching import Batcher
    from neural.wire.encode import encode_columns
    from neural.wire.event import CaptureBatch

    app = held_back(bare())
    run(app, 256, BODIES["200 B"])
    records = app.recorder.account.take(256, 10**9)
    batcher, head = Batcher(app.settings), CaptureBatch("s", 1)
    spent = []
    for _ in range(rounds + 2):
        began = time.process_time()
        for _ in range(4):
            encode_columns(head, batcher.columns(records))
        spent.append((time.process_time() - began) / 4 / len(records) * 1e6)
    yield Result("records to wire bytes", "neural.capture", "µs an event", *quartiles(spent[2:]))


# --- gRPC

CLIENT = """
import sys, grpc
channel = grpc.insecure_channel(sys.argv[1])
call = channel.unary_unary("/b.B/Echo")
body = b"x" * 200
for line in sys.stdin:
    for _ in range(int(line)):
        call(body)
    print("done", flush=True)
"""


@contextlib.contextmanager
def grpc_client(port: int) -> Iterator[Callable[[int], None]]:
    command = [sys.executable, "-c", CLIENT, f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    assert process.stdin
    assert process.stdout

    def calls(number: int) -> None:
        process.stdin.write(f"{number}\n")
        process.stdout.readline()

    try:
        yield calls
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def grpc_unary(rounds: int) -> Iterator[Result]:
    try:
        import grpc
        import grpc.aio

        from neural.capture.grpc import AioCaptureInterceptor, CaptureInterceptor
    except ImportError:
        return
    number = 300
    options = {"ring_bytes": 2**33, "ring_events": 10**8, "degrade": False, "flush_interval": 10**6, "heartbeat_interval": 10**6}

    def handler(behaviour: Any) -> Any:
        return grpc.method_handlers_generic_handler("b.B", {"Echo": grpc.unary_unary_rpc_method_handler(behaviour)})

    def compare(name: str, plain: Callable[[int], None], captured: Callable[[int], None], empty: Callable[[], None]) -> Result:
        added = []
        for _ in range(max(rounds // 3, 5)):
            spent = []
            for calls in (plain, captured):
                began = time.process_time()
                calls(number)
                spent.append((time.process_time() - began) / number * 1e6)
            empty()
            added.append(spent[1] - spent[0])
        return Result("gRPC unary, CPU of the server", name, "µs added", *quartiles(added), BARS["grpc"])

    def threaded(interceptors: list[Any]) -> tuple[Any, int]:
        server = grpc.server(ThreadPoolExecutor(2), interceptors=interceptors)
        server.add_generic_rpc_handlers((handler(lambda request, _context: request),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        return server, port

    interceptor = CaptureInterceptor(transport=Collector(), **options)
    servers = [threaded([]), threaded([interceptor])]
    with grpc_client(servers[0][1]) as plain, grpc_client(servers[1][1]) as captured:
        plain(200), captured(200)
        account = interceptor.recorder.account
        yield compare("neural.capture, threaded", plain, captured, lambda: account.settle(account.take(10**9, 10**15)))
    for server, _ in servers:
        server.stop(0).wait()
    yield from aio_unary(AioCaptureInterceptor(transport=Collector(), **options), grpc, handler, compare)


def aio_unary(interceptor: Any, grpc: Any, handler: Any, compare: Any) -> Iterator[Result]:
    import threading

    started, ports, holder = threading.Event(), [], {}

    async def echo(request: bytes, _context: Any) -> bytes:
        return request

    async def serve() -> None:
        holder["stop"], holder["loop"] = asyncio.Event(), asyncio.get_running_loop()
        servers = []
        for interceptors in ([], [interceptor]):
            server = grpc.aio.server(interceptors=interceptors)
            server.add_generic_rpc_handlers((handler(echo),))
            ports.append(server.add_insecure_port("127.0.0.1:0"))
            await server.start()
            servers.append(server)
        started.set()
        await holder["stop"].wait()
        for server in servers:
            await server.stop(0)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    started.wait(10)
    with grpc_client(ports[0]) as plain, grpc_client(ports[1]) as captured:
        plain(200), captured(200)
        account = interceptor.recorder.account
        yield compare("neural.capture, asyncio", plain, captured, lambda: account.settle(account.take(10**9, 10**15)))
    holder["loop"].call_soon_threadsafe(holder["stop"].set)
    thread.join(10)


# --- weight

IMPORT = "import time; began = time.process_time(); import neural.capture; print((time.process_time() - began) * 1000)"
MEMORY = """
def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6
before = resident()
from neural.capture import CaptureMiddleware
app = CaptureMiddleware(None, model="m")
print(resident() - before)
"""


def weight() -> Iterator[Result]:
    for case, code, unit, bar in (
        ("import neural.capture, cold", IMPORT, "ms of CPU", BARS["import"]),
        ("resident memory without traffic", MEMORY, "MB added", BARS["memory"]),
    ):
        values = [
            float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
            for _ in range(7)
        ]
        yield Result(case, "neural.capture", unit, *quartiles(values), bar)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="write the results to this file")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--only", default="", help="cases whose function's name contains this")
    arguments = parser.parse_args()
    logging.disable()  # one peer warns of every request
    gc.collect()
    gc.freeze()  # what was imported is no business of the candidates
    cases = {"request_path": request_path, "shipping": shipping, "encoding": encoding, "grpc_unary": grpc_unary}
    results = [result for name, case in cases.items() if arguments.only in name for result in _shown(case(arguments.rounds))]
    if arguments.only in "weight":
        results += list(_shown(weight()))
    if arguments.json:
        table = [{**asdict(result), "met": result.met} for result in results]
        Path(arguments.json).write_text(json.dumps(table, indent=2, ensure_ascii=False), encoding="utf-8")


def _shown(results: Iterator[Result]) -> Iterator[Result]:
    for result in results:
        bar = "" if result.bar is None else f"   bar {result.bar:g}: {'met' if result.met else 'MISSED'}"
        print(
            f"{result.case:34} {result.candidate:34} {result.value:8.2f} {result.unit:14} [{result.low:.2f}, {result.high:.2f}]{bar}"
            + ("" if not result.notes else f"   {result.notes}"),
            flush=True,
        )
        yield result


if __name__ == "__main__":
    main()
