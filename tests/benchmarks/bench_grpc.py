"""What the gRPC interceptors cost a unary call, beside their peers where they are installed.

    python tests/benchmarks/bench_grpc.py [--json out.json] [--rounds 100]

- In the server: CPU of the server process a call, with an interceptor minus without. All servers run in one process, the
  client is another one and asks them turn by turn, a few calls at a time; what is reported is the median of the differences
  to the bare server of the same round. gRPC's own threads burn more or less from round to round: hence many short rounds.
- By itself: CPU of the interceptor's own code for a call, with a stand-in for gRPC's core, minus the same call without it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
from results import Result, paired, shown, written

from neural.capture.grpc import AioCaptureInterceptor, CaptureInterceptor
from neural.capture.testing import Collector

BAR = 6.0
CALLS = 60  # in one turn
OPTIONS = {"ring_bytes": 2**33, "ring_events": 10**8, "degrade": False, "flush_interval": 10**6, "heartbeat_interval": 10**6}
BODY = b"x" * 200

CLIENT = """
import sys, grpc
calls = [grpc.insecure_channel(target).unary_unary("/b.B/Echo") for target in sys.argv[1:]]
body = b"x" * 200
for line in sys.stdin:
    which, number = map(int, line.split())
    for _ in range(number):
        calls[which](body)
    print("done", flush=True)
"""


def _opentelemetry(aio: bool) -> Any:
    module = importlib.import_module("opentelemetry.instrumentation.grpc")
    provider = importlib.import_module("opentelemetry.sdk.trace").TracerProvider()
    return (module.aio_server_interceptor if aio else module.server_interceptor)(tracer_provider=provider)


def _prometheus(aio: bool) -> Any:
    if aio:
        raise ImportError("py-grpc-prometheus has none")
    registry = importlib.import_module("prometheus_client").CollectorRegistry()
    return importlib.import_module("py_grpc_prometheus.prometheus_server_interceptor").PromServerInterceptor(registry=registry)


class PassThrough(grpc.ServerInterceptor):
    """The least that any interceptor costs."""

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        return continuation(details)


class AioPassThrough(grpc.aio.ServerInterceptor):
    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        return await continuation(details)


def interceptors(aio: bool) -> dict[str, Any]:
    ours = (AioCaptureInterceptor if aio else CaptureInterceptor)(transport=Collector(), **OPTIONS)
    ours.recorder.asleep = False  # nothing is shipped: that is measured elsewhere
    found = {"bare": None, "pass-through": AioPassThrough() if aio else PassThrough(), "neural.capture": ours}
    for name, make in (("opentelemetry grpc", _opentelemetry), ("py-grpc-prometheus", _prometheus)):
        with contextlib.suppress(ImportError, AttributeError):
            found[name] = make(aio)
    return found


def handler(behaviour: Any) -> Any:
    return grpc.method_handlers_generic_handler("b.B", {"Echo": grpc.unary_unary_rpc_method_handler(behaviour)})


def started(server: Any, behaviour: Any) -> str:
    server.add_generic_rpc_handlers((handler(behaviour),))
    return f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"


@contextlib.contextmanager
def threaded(found: dict[str, Any]) -> Iterator[list[str]]:
    servers = [grpc.server(ThreadPoolExecutor(1), interceptors=[one] if one else []) for one in found.values()]
    targets = [started(server, lambda request, _context: request) for server in servers]
    for server in servers:
        server.start()
    yield targets
    for server in servers:
        server.stop(0).wait()


@contextlib.contextmanager
def on_a_loop(found: dict[str, Any]) -> Iterator[list[str]]:
    ready, targets, holder = threading.Event(), [], {}

    async def echo(request: bytes, _context: Any) -> bytes:
        return request

    async def serve() -> None:
        holder["stop"], holder["loop"] = asyncio.Event(), asyncio.get_running_loop()
        servers = [grpc.aio.server(interceptors=[one] if one else []) for one in found.values()]
        targets.extend([started(server, echo) for server in servers])
        for server in servers:
            await server.start()
        ready.set()
        await holder["stop"].wait()
        for server in servers:
            await server.stop(0)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait(20)
    yield targets
    holder["loop"].call_soon_threadsafe(holder["stop"].set)
    thread.join(20)


@contextlib.contextmanager
def client(targets: list[str]) -> Iterator[Callable[[int, int], None]]:
    command = [sys.executable, "-c", CLIENT, *targets]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def calls(which: int, number: int) -> None:
        process.stdin.write(f"{which} {number}\n")
        process.stdout.readline()

    try:
        yield calls
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def emptied(interceptor: Any) -> None:
    if isinstance(interceptor, CaptureInterceptor | AioCaptureInterceptor):
        account = interceptor.recorder.account
        account.settle(account.take(10**9, 10**15))


def in_the_server(rounds: int, aio: bool) -> Iterator[Result]:
    found = interceptors(aio)
    names = list(found)
    spent: dict[str, list[float]] = {name: [] for name in names}
    with (on_a_loop if aio else threaded)(found) as targets, client(targets) as calls:
        order = list(range(len(names)))
        for round_number in range(rounds + 3):
            order.append(order.pop(0))
            for which in order:
                began = time.process_time()
                calls(which, CALLS)
                microseconds = (time.process_time() - began) / CALLS * 1e6
                emptied(found[names[which]])
                if round_number > 2:  # the first ones warm up
                    spent[names[which]].append(microseconds)
    case = f"gRPC unary, {'asyncio' if aio else 'threaded'}"
    yield from results(case, spent)


def results(case: str, spent: dict[str, list[float]]) -> Iterator[Result]:
    for name, mine in spent.items():
        if name == "bare":
            yield Result(case, name, "µs a call", *paired(mine, [0.0] * len(mine)))
        else:
            yield Result(case, name, "µs added", *paired(mine, spent["bare"]), BAR if name == "neural.capture" else None)


# --- the interceptor's own code


class Context:
    """Answers what is asked of the threaded server's context, as quickly as it does."""

    def code(self) -> None:
        return None

    def is_active(self) -> bool:
        return True

    def time_remaining(self) -> float:
        return 100.0


def by_itself(rounds: int) -> Iterator[Result]:
    method = grpc.unary_unary_rpc_method_handler(lambda request, _context: request)
    details = types.SimpleNamespace(
        method="/b.B/Echo", invocation_metadata=(("user-agent", "grpc-python"), ("x-request-id", "r"))
    )
    interceptor, context = interceptors(aio=False)["neural.capture"], Context()

    def run(intercept: Callable[[Any, Any], Any], number: int = 300) -> float:
        began = time.process_time()
        for _ in range(number):
            found = intercept(lambda _: method, details)
            request = found.request_deserializer(BODY) if found.request_deserializer else BODY
            response = found.unary_unary(request, context)
            if found.response_serializer:
                found.response_serializer(response)
            found = None
        return (time.process_time() - began) / number * 1e6

    spent: dict[str, list[float]] = {"bare": [], "neural.capture": []}
    for _ in range(rounds):
        spent["bare"].append(run(lambda continuation, details: continuation(details)))
        spent["neural.capture"].append(run(interceptor.intercept_service))
        emptied(interceptor)
    yield from results("gRPC unary, the interceptor alone", spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="write the results to this file")
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    gc.collect()
    gc.freeze()
    lines = shown(by_itself(arguments.rounds))
    for aio in (False, True):
        lines += shown(in_the_server(arguments.rounds, aio))
    written(lines, arguments.json)


if __name__ == "__main__":
    main()
