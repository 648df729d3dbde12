"""End to end over the Unix socket: a server process with the middleware on one core, a real sidecar on another.

Run with ``python tests/benchmarks/bench_socket.py`` (``--seconds 60 --rate 20000`` is the bar; the default is shorter). The server calls an
ASGI application under ``CaptureMiddleware`` so many times a second, each a single-row JSON prediction of 20 features; the real shipper sends to a
real ``neural monitor run``, which journals, acknowledges, decodes, counts, joins, logs and evaluates. At the end the books are
compared: what the server has seen, what it shipped, what the sidecar received, decoded and wrote to its prediction log. The exit code is 1
when they differ. Prints both processes' share of their core, and how far the sidecar fell behind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import orjson
import pyarrow.ipc
import pyarrow.parquet

from neural.monitoring.store import open_store

FEATURES = 20
BODIES = 4_096  # different requests, made before the clock starts
TICK_SECONDS = 0.002
NEURAL = str(Path(sys.executable).parent / "neural")
CONFIG = """
model: {{name: m, version: "1"}}
capture: {{listen: "unix://{socket}"}}
reference: {{learn: 5000 rows}}
windows: {{evaluate_every: 5s}}
store: {{path: state, checkpoint_every: 10s, journal: {{max_size: 4GiB}}}}
dashboard: {{enabled: false}}
export: {{prometheus: {{enabled: false}}}}
slos: [{{name: up, type: availability, target: 99%, window: 28d}}]
"""


def on_core(core: int) -> list[str]:
    """What to put before a command so that it stays on one core; nothing where there is no such core or no taskset."""
    known = hasattr(os, "sched_getaffinity") and core in os.sched_getaffinity(0) and shutil.which("taskset")
    return ["taskset", "-c", str(core)] if known else []


# The server ----------------------------------------------------------------------


def bodies() -> list[tuple[bytes, bytes]]:
    rng = random.Random(7)
    made = []
    for _ in range(BODIES):
        row = {f"f{i}": round(rng.gauss(0, 1), 6) for i in range(FEATURES - 2)} | {
            "c0": rng.choice("abc"),
            "c1": rng.choice("xy"),
        }
        answer = {"predictions": [{"label": rng.randint(0, 1), "probability": round(rng.random(), 6)}]}
        made.append((orjson.dumps({"instances": [row]}), orjson.dumps(answer)))
    return made


async def drive(endpoint: str, rate: int, seconds: float) -> dict[str, Any]:
    from neural.capture import CaptureMiddleware, flush, ledgers

    made, place = bodies(), 0
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}

    async def model(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(start)
        await send({"type": "http.response.body", "body": made[place][1]})

    app = CaptureMiddleware(model, model="m", version="1", endpoint=endpoint, exclude=())
    scope = {
        "type": "http", "method": "POST", "path": "/v1/models/m:predict", "raw_path": b"/v1/models/m:predict", "query_string": b"",
        "http_version": "1.1", "scheme": "http", "headers": [(b"content-type", b"application/json"), (b"host", b"m")],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": made[place][0], "more_body": False}

    async def send(message: Any) -> None:
        return None

    begin, cpu = time.monotonic(), time.process_time()
    done = 0
    while (now := time.monotonic() - begin) < seconds:
        for _ in range(int(now * rate) - done):
            place = done % BODIES
            await app(dict(scope), receive, send)
            done += 1
        await asyncio.sleep(TICK_SECONDS)
    took, used = time.monotonic() - begin, time.process_time() - cpu
    flushed = await asyncio.to_thread(flush, 60)
    (ledger,) = ledgers().values() if isinstance(ledgers(), dict) else ledgers()
    return {"requests": done, "seconds": took, "cpu_seconds": used, "flushed": flushed, "ledger": as_dict(ledger)}


def as_dict(ledger: Any) -> dict[str, Any]:
    return {name: getattr(ledger, name) for name in ("seen", "shipped", "sampled_out", "dropped", "in_flight")}


# The bench -----------------------------------------------------------------------


class Watch(threading.Thread):
    """Looks at the sidecar's process and store while it runs."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.done, self.memory_mib = pid, threading.Event(), 0.0

    def run(self) -> None:
        while not self.done.wait(0.5):
            try:
                pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            except OSError:
                return
            self.memory_mib = max(self.memory_mib, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)


def cpu_of(pid: int) -> float:
    """Seconds of CPU of a process so far; NaN where /proc is absent."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_sidecar(folder: Path) -> subprocess.Popen[bytes]:
    socket = folder / "c.sock"
    (folder / "m.yaml").write_text(CONFIG.format(socket=socket))
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [*on_core(1), NEURAL, "monitor", "run", "--config", str(folder / "m.yaml")], stdout=log, stderr=log
    )
    end = time.monotonic() + 60
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit((folder / "log").read_text())
        time.sleep(0.05)
    return process


def logged_rows(folder: Path) -> int:
    rows = 0
    for path in (folder / "state" / "predictions").rglob("*"):
        if path.suffix == ".parquet":
            rows += pyarrow.parquet.ParquetFile(path).metadata.num_rows
        elif path.suffix == ".arrows" and not path.with_name(f"{path.stem.removeprefix('_')}.parquet").exists():
            with pyarrow.ipc.open_stream(path) as reader:
                rows += sum(batch.num_rows for batch in reader)
    return rows


def measure(folder: Path, rate: int, seconds: float) -> dict[str, Any]:
    sidecar = start_sidecar(folder)
    watch = Watch(sidecar.pid)
    watch.start()
    idle, begin = cpu_of(sidecar.pid), time.monotonic()
    server = subprocess.run(
        [*on_core(0), sys.executable, __file__, "--serve", f"unix://{folder / 'c.sock'}", "--rate", str(rate), "--seconds", str(seconds)],
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    said = json.loads(server.stdout)
    acknowledged = time.monotonic() - begin
    used = cpu_of(sidecar.pid) - idle
    sidecar.send_signal(signal.SIGTERM)
    drained = time.monotonic()
    code = sidecar.wait(120)
    drained = time.monotonic() - drained
    watch.done.set()
    store = open_store(folder / "state", read_only=True)
    account = store.value("capture")
    backlog = [signal.value or 0.0 for signal in store.read_signals(["sidecar.backlog"])]
    store.close()
    counters, (source,) = account["counters"], account["sources"].values()
    return {
        "rate_asked": rate, "rate": said["requests"] / said["seconds"], "seconds": said["seconds"], "server_cpu": said["cpu_seconds"] / said["seconds"],
        "sidecar_cpu": used / acknowledged, "sidecar_us_per_event": used * 1e6 / said["requests"], "sidecar_memory_mib": watch.memory_mib,
        "backlog_entries_max": max(backlog, default=0.0), "drain_seconds": drained, "exit_code": code, "flushed": said["flushed"],
        "requests": said["requests"], "ledger": said["ledger"], "received": source["received"], "rows": counters["rows"],
        "logged": logged_rows(folder), "unparsed": sum(n for name, n in counters.items() if name.startswith("unparsed")),
    }  # fmt: skip


def reconciled(result: dict[str, Any]) -> list[str]:
    """What does not add up."""
    ledger, requests = result["ledger"], result["requests"]
    wanted = {
        "seen by the server": ledger["seen"], "shipped": ledger["shipped"], "received by the sidecar": result["received"],
        "rows decoded": result["rows"], "rows in the prediction log": result["logged"],
    }  # fmt: skip
    wrong = [f"{what}: {value:,} of {requests:,}" for what, value in wanted.items() if value != requests]
    if ledger["dropped"] or ledger["in_flight"] or result["unparsed"]:
        wrong.append(f"dropped {ledger['dropped']}, in flight {ledger['in_flight']}, unparsed {result['unparsed']}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rate", type=int, default=20_000, help="requests a second")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        print(json.dumps(asyncio.run(drive(options.serve, options.rate, options.seconds))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), options.rate, options.seconds)
    wrong = reconciled(result)
    if options.json is not None:
        options.json.write_text(json.dumps({**result, "lost": wrong}, indent=2) + "\n")
    print(
        f"{result['requests']:,} requests in {result['seconds']:.1f} s: {result['rate']:,.0f}/s (asked {result['rate_asked']:,})"
    )
    print(f"server: {result['server_cpu']:.0%} of its core, request, capture and shipping together")
    print(
        f"sidecar: {result['sidecar_cpu']:.0%} of its core, {result['sidecar_us_per_event']:.1f} us an event, "
        f"{result['sidecar_memory_mib']:.0f} MiB at most; backlog {result['backlog_entries_max']:.0f} entries at most, drained in {result['drain_seconds']:.1f} s"
    )  # fmt: skip
    print("ledger: nothing lost; all of it decoded and in the prediction log" if not wrong else "LOST: " + "; ".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
