"""Where the microseconds of capture go, stage by stage: on the request path, and on the shipper's thread.

    python tests/benchmarks/bench_profile.py [--json out.json] [--rounds 40]

Each stage runs for 256 requests in a row, as often as there are rounds; reported is CPU a request, median and quartiles. Run
one after another like this, the code of a stage is warm and its data is not, which is near to what a busy server sees.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

from asgi_candidates import ANSWER
from bench_capture import held_back, scope, sidecar_process
from results import Result, quartiles, shown, written

from neural.capture.batching import Batcher
from neural.capture.transport import Endpoint, HTTPTransport
from neural.wire.encode import encode_columns
from neural.wire.event import CaptureBatch

NUMBER = 256
REQUEST = {"type": "http.request", "body": b"x" * 200, "more_body": False}
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-length", b"100"), (b"content-type", b"application/json")],
}
BODY = {"type": "http.response.body", "body": ANSWER, "more_body": False}


async def server_receive() -> Any:
    return REQUEST


def server_send(_message: Any) -> None:
    """A plain function: what the server does with a message is not ours."""


def finished(coroutine: Any) -> None:
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")


async def nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    """An application that does nothing."""


Stopwatch = Callable[[str, Callable[[], None]], None]


def request_path(time_of: Stopwatch) -> None:
    app = held_back(nothing)
    account, scopes = app.recorder.account, [scope() for _ in range(NUMBER)]
    time_of("count, id", lambda: [account.begin() for _ in scopes])
    exchanges: list[Any] = []
    begin = app._begin
    time_of("count, id, open", lambda: exchanges.extend([begin(one, server_receive, server_send) for one in scopes]))
    time_of("receive, the server's own", lambda: [finished(server_receive()) for _ in exchanges])
    time_of("receive", lambda: [finished(one.receive()) for one in exchanges])
    time_of("send: start", lambda: [one.send(START) for one in exchanges])
    time_of("send: body", lambda: [one.send(BODY) for one in exchanges])
    time_of("finish: record, ring", lambda: [one.finish() for one in exchanges])
    time_of("all, with an empty application", lambda: [finished(app(one, server_receive, server_send)) for one in scopes])
    account.settle(account.take(10 * NUMBER, 10**12))


def shipping(time_of: Stopwatch, transport: HTTPTransport) -> None:
    app = held_back(nothing)
    account, batcher = app.recorder.account, Batcher(app.settings)
    for _ in range(NUMBER):
        exchange = app._begin(scope(), server_receive, server_send)
        finished(exchange.receive())
        exchange.send(START)
        exchange.send(BODY)
        exchange.finish()
    kept: dict[str, Any] = {}
    headers = batcher._request_filter, batcher._response_filter
    time_of("take from the ring", lambda: kept.update(rows=account.take(NUMBER, 10**12)))
    rows = kept["rows"]
    time_of("of the columns: headers", lambda: [one.columns([row[6 + i] for row in rows]) for i, one in enumerate(headers)])
    time_of("columns", lambda: kept.update(columns=batcher.columns(rows)))
    time_of("encode", lambda: kept.update(parts=encode_columns(CaptureBatch("bench", 1), kept["columns"])))
    time_of("send over the Unix socket", lambda: transport.send(kept["parts"]))
    time_of("settle, free", lambda: account.settle(rows))


def measured(rounds: int, case: str, once: Callable[[Stopwatch], object]) -> Iterator[Result]:
    spent: dict[str, list[float]] = {}

    def time_of(stage: str, work: Callable[[], None]) -> None:
        began = time.thread_time_ns()
        work()
        spent.setdefault(stage, []).append((time.thread_time_ns() - began) / NUMBER / 1000)

    for _ in range(rounds + 2):
        once(time_of)
    for stage, times in spent.items():
        yield Result(case, stage, "µs a request", *quartiles(times[2:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="write the results to this file")
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    gc.collect()
    gc.freeze()
    lines = shown(measured(arguments.rounds, "request path", request_path))
    with sidecar_process() as endpoint:
        transport = HTTPTransport(Endpoint.parse(endpoint), timeout=5.0)
        lines += shown(measured(arguments.rounds, "shipper's thread", lambda watch: shipping(watch, transport)))
        transport.close()
    written(lines, arguments.json)


if __name__ == "__main__":
    main()
