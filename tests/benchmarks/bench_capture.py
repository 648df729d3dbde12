"""What capture costs the server it sits in, beside its peers where they are installed.

    python tests/benchmarks/bench_capture.py [--json out.json] [--rounds 60]

- Request path: microseconds of CPU added to one request in process, against the same Starlette application bare; the shipper is
  held back, its cost stands by itself. Every round runs all candidates one after another, so that a noisy neighbour hits all of
  them alike; reported are the median and quartiles of the difference to the bare application of the same round.
- Shipping: CPU of the whole process per request with everything shipped over a Unix socket to another process, minus bare.
- Import time and memory, in fresh processes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from asgi_candidates import PATH, DequeFloor, PassThrough, bare, peers
from results import Result, paired, quartiles, shown, written

from neural.capture import CaptureMiddleware
from neural.capture.testing import Collector

HEADERS = [
    (b"host", b"localhost:8000"), (b"user-agent", b"python-httpx/0.28"), (b"accept", b"*/*"), (b"accept-encoding", b"gzip, deflate"),
    (b"connection", b"keep-alive"), (b"content-type", b"application/json"), (b"content-length", b"200"), (b"x-request-id", b"r-1"),
]  # fmt: skip
BODIES = {"200 B": [b"x" * 200], "1 MB": [b"x" * 65_536] * 16}  # servers hand a large body over in chunks of 64 KiB
REQUESTS = {"200 B": 300, "1 MB": 60}  # in one round
BARS = {"200 B": 4.0, "1 MB": 8.0, "shipping": 6.0, "import": 30.0, "memory": 8.0}


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


def candidates() -> dict[str, Any]:
    return {
        "bare": bare(),
        "pass-through": PassThrough(bare()),
        "deque floor": DequeFloor(bare()),
        "neural.capture": held_back(bare()),
        **peers(),
    }


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
            bar = BARS[size] if name == "neural.capture" else None
            notes = {"told by itself, µs": apps[name].overhead_ns / 1000} if name == "neural.capture" else {}
            yield Result(f"request path, {size}", name, "µs added", *paired(spent_times, times["bare"]), bar, notes)


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


# --- weight

IMPORT = "import time; began = time.process_time(); import neural.capture; print((time.process_time() - began) * 1000)"
BESIDE_A_SERVER = "import starlette.applications, uvicorn\n"
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
    """In processes of their own, with bytecode as an installed package has it: the first run compiles, and does not count."""
    with tempfile.TemporaryDirectory() as folder:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = folder
        for case, code, unit, bar in (
            ("import neural.capture, bare Python", IMPORT, "ms of CPU", BARS["import"]),
            ("the same beside uvicorn, Starlette", BESIDE_A_SERVER + IMPORT, "ms of CPU", BARS["import"]),
            ("resident memory without traffic", MEMORY, "MB added", BARS["memory"]),
        ):
            command = [sys.executable, "-c", code]
            values = [
                float(subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout) for _ in range(12)
            ]
            yield Result(case, "neural.capture", unit, *quartiles(values[1:]), bar)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="write the results to this file")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--only", default="", help="cases whose function's name contains this")
    arguments = parser.parse_args()
    logging.disable()  # one peer warns of every request
    gc.collect()
    gc.freeze()  # what was imported is no business of the candidates
    cases = {"request_path": request_path, "shipping": shipping, "encoding": encoding}
    results = [result for name, case in cases.items() if arguments.only in name for result in shown(case(arguments.rounds))]
    if arguments.only in "weight":
        results += shown(weight())
    written(results, arguments.json)


if __name__ == "__main__":
    main()
