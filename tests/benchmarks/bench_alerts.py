"""What alerting costs on one core: many rules over many signals, a thousand messages to a local endpoint, and history played again.

Run with ``python tests/benchmarks/bench_alerts.py``. Prints one line a case with its bar; ``--json FILE`` for machines. Times are the
median of rounds; CPU time where nothing is waited for, wall time where the network is part of it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from neural.monitoring.alerts import AlertEngine, Delivery, RuleSettings, backtest, build_rule, build_rules
from neural.monitoring.alerts.channels.webhook import WebhookChannel
from neural.monitoring.alerts.rule import Rule
from neural.monitoring.clock import ManualClock, system_clock
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import MemoryStore, open_store

NOW = 1_700_000_000.0
RULES, SIGNALS, MESSAGES = 1000, 5000, 1000
HISTORY_SECONDS = 86_400.0
HISTORY_SIGNALS = 100
Figure = dict[str, float | str | None]


def figure(name: str, value: float, unit: str, bar: float, *, less_is_better: bool = True) -> Figure:
    return {"name": name, "value": value, "unit": unit, "bar": bar, "met": str(value <= bar if less_is_better else value >= bar)}


def rules(count: int) -> list[Rule]:
    """Half expressions, half thresholds; each on a feature of its own, none of which crosses."""
    made: list[Rule] = []
    for number in range(count):
        feature = f"f{number % 1000}"
        if number % 2:
            fields = {"when": f'drift.psi["{feature}"] > {5 + number} && requests.count > 10.0'}
        else:
            fields = {"metric": "drift.psi", "where": {"feature": feature}, "above": 5.0 + number}
        made.append(build_rule(RuleSettings.model_validate({"name": f"rule {number}", **fields})))
    return made


def signals(count: int, now: float, *, high: bool = False) -> list[Signal]:
    labels = {"model": "m", "version": "1"}
    names = ("drift.psi", "drift.ks", "drift.wasserstein", "drift.evidence", "quality.feature_missing_rate")
    verdict = (
        Verdict(Outcome.BAD, "too high", 9.0, 1.0, 500, evidence={"moved": [{"bin": "<= 1", "change": 0.2}]}) if high else None
    )
    found = [Signal("requests.count", 500.0, now, labels)]
    for number in range(count - 1):
        value = 1e6 if high and number % 5 == 0 else 0.01 * (number % 7)
        found.append(
            Signal(names[number % 5], value, now, {**labels, "feature": f"f{number // 5}"}, verdict if value > 1 else None)
        )
    return found


def evaluation(rounds: int, *, high: bool) -> float:
    """Median CPU milliseconds of one evaluation."""
    clock, store = ManualClock(NOW), MemoryStore()
    engine = AlertEngine(rules(RULES), store, {}, clock)
    given = [signals(SIGNALS, NOW + 60.0 * number, high=high) for number in range(rounds + 3)]
    times: list[float] = []
    for one in given:
        clock.advance(60)
        begin = time.process_time()
        engine.evaluate(one, clock())
        times.append(time.process_time() - begin)
    return statistics.median(times[3:]) * 1e3  # the first ones fire, and fill caches


@contextmanager
def endpoint() -> Iterator[tuple[str, list[bytes]]]:
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def delivery() -> tuple[float, float]:
    """(wall seconds until a thousand messages were taken, longest evaluation meanwhile in wall milliseconds), on a real state file."""
    with tempfile.TemporaryDirectory() as folder, endpoint() as (url, got):
        store = open_store(Path(folder))
        channel = WebhookChannel(url, name="hook")
        firing = [
            build_rule(RuleSettings.model_validate({"name": f"r{n}", "when": f"error_rate > 0.{n:04}1"})) for n in range(MESSAGES)
        ]
        quick = AlertEngine(rules(20), MemoryStore(), {}, system_clock)
        engine = AlertEngine(firing, store, {"hook": _ungrouped(channel)}, system_clock)
        sender = Delivery(store, {"hook": channel}, system_clock)
        begin = time.perf_counter()
        engine.evaluate([Signal("error_rate", 0.9, system_clock(), {"model": "m", "version": "1"})], system_clock())
        sender.start()
        longest = 0.0
        while len(got) < MESSAGES:
            now = system_clock()
            start = time.perf_counter()
            quick.evaluate(signals(100, now), now)
            store.put_value("bench", now)  # an evaluation writes to the same file
            longest = max(longest, time.perf_counter() - start)
            time.sleep(0.05)
        took = time.perf_counter() - begin
        sender.stop()
        store.close()
    return took, longest * 1e3


class _ungrouped:
    """The channel, told of every alert by itself."""

    def __init__(self, channel: WebhookChannel) -> None:
        from neural.monitoring.alerts.channels import Policy

        self.name, self.kind, self.policy = channel.name, channel.kind, Policy(group_wait=0, group_interval=0, grouped=False)
        self.send, self.close = channel.send, channel.close


def replay() -> float:
    """How many times faster than real time a day of minutely history is played through the predefined rules."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder))
        labels = {"model": "m", "version": "1"}
        with store.transaction():
            for minute in range(int(HISTORY_SECONDS // 60)):
                now = NOW + 60.0 * minute
                bad = 600 <= minute < 630
                own = [
                    Signal("error_rate", 0.2 if bad else 0.001, now, labels), Signal("requests.count", 500.0, now, labels),
                    Signal("latency.p95", 0.1, now, labels), Signal("drift.alarm", 0.0, now, labels), Signal("quality.alarm", 0.0, now, labels),
                    Signal("capture.loss_ratio", 0.0, now, labels), Signal("sidecar.backlog", 0.0, now, labels),
                ]  # fmt: skip
                store.write_signals([*own, *signals(HISTORY_SIGNALS - len(own), now)])
        begin = time.perf_counter()
        found = backtest(build_rules([]), store, since=NOW, until=NOW + HISTORY_SECONDS)
        took = time.perf_counter() - begin
        store.close()
    assert found.evaluations == HISTORY_SECONDS // 60
    assert [row.rule for row in found.alerts] == ["High error rate"]
    return HISTORY_SECONDS / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    cases: list[Callable[[], list[Figure]]] = [
        lambda: [
            figure("evaluation, 1,000 rules over 5,000 signals, all quiet", evaluation(options.rounds, high=False), "ms CPU", 25)
        ],
        lambda: [figure("the same, all 1,000 firing", evaluation(options.rounds, high=True), "ms CPU", 25)],
        _delivery_figures,
        lambda: [figure("backtest, a day of minutes, 100 signals each", replay(), "x real time", 1000, less_is_better=False)],
    ]
    figures: list[Figure] = []
    for case in cases:
        for one in case():
            figures.append(one)
            print(
                f"{one['name']:<60} {one['value']:>10.1f} {one['unit']:<12} bar {one['bar']:g}: {'met' if one['met'] == 'True' else 'NOT met'}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def _delivery_figures() -> list[Figure]:
    took, longest = delivery()
    return [
        figure("1,000 alerts fired, queued and delivered over HTTP", took, "s", 10),
        figure("longest evaluation meanwhile", longest, "ms", 1000),
    ]


if __name__ == "__main__":
    main()
