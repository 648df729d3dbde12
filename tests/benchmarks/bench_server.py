"""A real server under wrk, with capture and with its peers: throughput, latency and CPU beside the same application bare.

    python tests/benchmarks/bench_server.py [--json out.json] [--rounds 12] [--seconds 1.0]

uvicorn runs on the first core, wrk (the Debian package) and the sidecar on the second. Every candidate has a server process
of its own, which is idle but for its turn. Each round gives all of them a turn, in an order that changes; what is reported
is the median, over the rounds, of the ratio to the bare application of the same round, with quartiles. A neighbour that
takes the machine for a while spoils a round for all of them alike.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
CONNECTIONS = 16
TICKS = os.sysconf("SC_CLK_TCK")
BARS = {"throughput": (0.97, "least"), "p99": (1.05, "most")}

SERVER = """
import sys, logging
import asgi_candidates as candidates
import uvicorn
logging.disable()
name, port, endpoint = sys.argv[1:]
made = {
    "bare": candidates.bare, "neural.capture": lambda: candidates.capture(endpoint),
    "deque floor": lambda: candidates.DequeFloor(candidates.bare()), **candidates.PEERS,
}
try:
    app = made[name]()
except ImportError:
    sys.exit(3)
uvicorn.run(app, port=int(port), log_level="critical", access_log=False, lifespan="off")
"""
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
REQUEST = """
wrk.method = "POST"
wrk.body = string.rep("x", 200)
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Request-Id"] = "r-1"
"""


@dataclass
class Turn:
    """What one turn of one candidate came to."""

    per_second: float
    p99_ms: float
    cpu_us: float  # of the server process, a request


class Server:
    def __init__(self, name: str, endpoint: str, core: int | None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/v1/models/m:predict"
        command = [sys.executable, "-W", "ignore", "-c", SERVER, name, str(port), endpoint]
        self.process = subprocess.Popen(_on(core, command), cwd=HERE, stderr=subprocess.DEVNULL)
        self.installed = self._wait(port)

    def _wait(self, port: int) -> bool:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            time.sleep(0.05)
        return False

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def _on(core: int | None, command: list[str]) -> list[str]:
    return command if core is None else ["taskset", "-c", str(core), *command]


def turn(server: Server, script: str, seconds: float, core: int | None) -> Turn:
    before = server.cpu_seconds()
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--latency", "-s", script, server.address]
    output = subprocess.run(_on(core, command), capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(output)
    requests = int(re.search(r"(\d+) requests in", output)[1])
    spent = server.cpu_seconds() - before
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])
    return Turn(rate, _milliseconds(re.search(r"99%\s+([\d.]+)(us|ms|s)", output)), spent / requests * 1e6)


def _milliseconds(match: re.Match[str]) -> float:
    return float(match[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[match[2]]


@contextlib.contextmanager
def running(names: list[str], cores: tuple[int | None, int | None]) -> Iterator[dict[str, Server]]:
    command = _on(cores[1], [sys.executable, "-c", SIDECAR])
    sidecar = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    servers: dict[str, Server] = {}
    try:
        endpoint = sidecar.stdout.readline().strip()
        servers = {name: Server(name, endpoint, cores[0]) for name in names}
        yield {name: server for name, server in servers.items() if server.installed}
    finally:
        for server in servers.values():
            server.close()
        sidecar.stdin.close()
        sidecar.wait()
        sidecar.stdout.close()


def measure(names: list[str], rounds: int, seconds: float) -> dict[str, list[Turn]]:
    allowed = sorted(os.sched_getaffinity(0))
    cores = (allowed[0], allowed[1]) if len(allowed) > 1 and shutil.which("taskset") else (None, None)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script, running(names, cores) as servers:
        script.write(REQUEST)
        script.flush()
        turns: dict[str, list[Turn]] = {name: [] for name in servers}
        order = list(servers)
        for number in range(rounds + 1):
            order.append(order.pop(0))
            for name in order:
                one = turn(servers[name], script.name, seconds, cores[1])
                if number:  # the first warms up
                    turns[name].append(one)
    return turns


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """(median, lower, upper)."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return middle, low, high


def rows(turns: dict[str, list[Turn]]) -> Iterator[dict]:
    bare = turns["bare"]
    for name, mine in turns.items():
        pairs = list(zip(mine, bare, strict=True))
        figures = {
            "throughput": [a.per_second / b.per_second for a, b in pairs],
            "p99": [a.p99_ms / b.p99_ms for a, b in pairs],
            "CPU added, µs": [a.cpu_us - b.cpu_us for a, b in pairs],
        }
        absolute = {
            "throughput": [a.per_second for a in mine],
            "p99": [a.p99_ms for a in mine],
            "CPU added, µs": [a.cpu_us for a in mine],
        }
        for what, ratios in figures.items():
            value, low, high = quartiles(ratios)
            bar, sense = BARS.get(what, (None, "")) if name == "neural.capture" else (None, "")
            met = None if bar is None else value >= bar if sense == "least" else value <= bar
            row = {"case": what, "candidate": name, "value": value, "low": low, "high": high, "bar": bar, "met": met}
            yield {**row, "absolute": quartiles(absolute[what])[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="write the results to this file")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one turn")
    parser.add_argument(
        "--only", nargs="*", help="candidates beside bare and neural.capture; all that are installed when left out"
    )
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        print("wrk is not installed (apt-get install wrk): nothing measured")
        return
    sys.path.insert(0, str(HERE))
    from asgi_candidates import PEERS

    names = ["bare", "neural.capture", *(["deque floor", *PEERS] if arguments.only is None else arguments.only)]
    turns = measure(names, arguments.rounds, arguments.seconds)
    table = sorted(rows(turns), key=lambda row: row["case"])
    for row in table:
        verdict = "" if row["bar"] is None else f"   bar {row['bar']:g}: {'met' if row['met'] else 'MISSED'}"
        spread = f"[{row['low']:.3f}, {row['high']:.3f}]"
        print(f"{row['case']:14} {row['candidate']:34} {row['value']:8.3f} {spread:18} of {row['absolute']:.1f}{verdict}")
    if arguments.json:
        details = {name: [asdict(one) for one in mine] for name, mine in turns.items()}
        text = json.dumps({"rows": table, "turns": details}, indent=2, ensure_ascii=False)
        Path(arguments.json).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
