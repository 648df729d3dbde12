"""The tables of docs/scale.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tests.scale.costs import GB, MONTH_DAYS, Bill, Fleet, Measured, Prices

PODS = (1, 10, 100, 1_000, 10_000)
RATE = 100.0  # requests/s of a pod: 10,000 pods make a million
SHARES = (100.0, 1_000.0, 10_000.0)  # requests/s of a pod, where a million is spread over fewer
MILLION = 1_000_000.0
BIT_OF_A_CORE = 0.7  # of one core: what a sidecar may use before its backlog grows at the first peak
SECTION = re.compile(r"(<!-- (\w+): written by python -m tests.scale -->\n).*?(<!-- end -->)", re.DOTALL)
Row = tuple[str, Callable[[Fleet], str]]


def figure(value: float) -> str:
    """Two significant digits, or three where the first is a one; thousands with commas."""
    if value == 0:
        return "0"
    if value < 0.0095:
        return f"{value:.1g}"
    rounded = float(f"{value:.{3 if f'{value:e}'[0] == '1' else 2}g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:.2f}".rstrip("0").rstrip(".")


def size(value: float) -> str:
    for unit, scale in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{figure(value / scale)} {unit}"
    return f"{figure(value)} B"


def duration(seconds: float) -> str:
    return f"{figure(seconds)} s" if seconds >= 1 else f"{figure(seconds * 1000)} ms"


def dollars(value: float) -> str:
    return f"${figure(value)}"


def bill(part: str, prices: Prices) -> Callable[[Fleet], str]:
    return lambda fleet: dollars(float(getattr(Bill(fleet, prices), part)))


def rows(prices: Prices) -> list[Row]:
    return [
        ("requests/s", lambda one: figure(one.requests)),
        ("socket, in each pod", lambda one: f"{size(one.wire_bytes)}/s"),
        ("journal, in each pod, between checkpoints", lambda one: size(one.journal_bytes)),
        ("prediction log a day", lambda one: size(one.log_bytes_a_day)),
        ("a file of it", lambda one: size(one.file_bytes)),
        ("objects a day", lambda one: figure(one.objects_a_day)),
        ("cores: capture, in the servers", lambda one: figure(one.server_cores)),
        ("cores: sidecars", lambda one: figure(one.sidecar_cores)),
        ("memory of the sidecars", lambda one: size(one.sidecar_memory_bytes)),
        ("series", lambda one: figure(one.series)),
        ("samples/s", lambda one: figure(one.samples)),
        ("memory of Prometheus", lambda one: size(one.prometheus_bytes)),
        ("an evaluation of the fleet's PSI, CPU", lambda one: duration(one.fleet_rules_seconds)),
        ("… of outlier pods, CPU", lambda one: duration(one.pods_rules_seconds)),
        ("… and series that it records", lambda one: figure(one.recorded_series)),
        ("a profile of a day's log, core hours", lambda one: figure(one.analyze_core_hours_a_day)),
        ("$ a month: cores", bill("cores", prices)),
        ("… memory of the sidecars", bill("memory", prices)),
        ("… Prometheus", bill("prometheus", prices)),
        ("… object store", bill("objects", prices)),
        ("… a profile a day", bill("analyze", prices)),
        ("… together", bill("total", prices)),
        ("$ for a million requests", bill("a_million_requests", prices)),
    ]


def table(heads: Sequence[str], fleets: Sequence[Fleet], prices: Prices) -> str:
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(cell(one) for one in fleets) + " |" for name, cell in rows(prices)]
    return "\n".join(lines) + "\n"


def growing(prices: Prices, measured: Measured) -> str:
    return table([f"{figure(pods)} pods" if pods > 1 else "1 pod" for pods in PODS], [Fleet(pods, RATE, measured=measured) for pods in PODS], prices)  # fmt: skip


def spread(prices: Prices, measured: Measured) -> str:
    """A million requests a second, on ever fewer pods."""
    fleets = [Fleet(round(MILLION / rate), rate, measured=measured) for rate in SHARES]
    return table([f"{figure(one.pods)} pods × {figure(one.rate)}/s" for one in fleets], fleets, prices)


def inputs(prices: Prices, measured: Measured) -> str:
    lines = [
        ("bytes of a captured request on the wire and in the journal", f"{figure(measured.wire_bytes)} B (bodies: 354 B)"),
        ("a row of the prediction log, hour open / Parquet", f"{figure(measured.open_log_bytes)} / {figure(measured.log_bytes)} B"),
        ("capture, CPU a request", f"{measured.server_seconds * 1e6:.1f} µs"),
        ("sidecar, CPU a request at 20,000/s", f"{measured.sidecar_seconds * 1e6:.1f} µs"),
        ("sidecar with next to no traffic, scraped every 15 s", f"{measured.sidecar_cores:.3f} cores, {size(measured.sidecar_memory_bytes)}"),
        ("series of a pod", f"{measured.series}, of them {measured.bin_series} bins counted and as many expected; {measured.series_column} more for each further numeric feature"),
        ("Prometheus: memory a series, scraped or recorded", f"{figure(measured.prometheus_series_bytes)} B"),
        ("Prometheus: an evaluation of the fleet's PSI / of outlier pods, CPU a bin of a pod", f"{figure(measured.rule_fleet_seconds * 1e6)} / {figure(measured.rule_pods_seconds * 1e6)} µs"),
        ("DuckDB: a profile of a row", f"{measured.analyze_seconds * 1e6:.1f} µs"),
        ("price of a core for an hour", f"${prices.core_hour}"),
        ("… of a GiB of memory for an hour", f"${prices.gib_hour}"),
        ("… of a GB in the object store for a month", f"${prices.object_gb_month}"),
        ("… of a thousand writes to it", f"${prices.put_thousand}"),
    ]  # fmt: skip
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in lines)


def bends(prices: Prices, measured: Measured) -> str:
    """Where each part gives, worked out."""
    one, most = Fleet(1, RATE, measured=measured), Fleet(10_000, RATE, measured=measured)
    core = 1 / measured.sidecar_seconds
    journal_gib = (1 << 30) / measured.wire_bytes
    log_days = (2 << 30) / (measured.log_bytes * RATE * 86_400)
    fleet_pods = 15 / one.fleet_rules_seconds
    outlier_pods = 15 / one.pods_rules_seconds
    prometheus_pods = 64 * 2**30 / one.prometheus_bytes
    kept = most.log_bytes_a_day * most.keep_days / GB * prices.object_gb_month
    put = most.objects_a_day * MONTH_DAYS / 1000 * prices.put_thousand
    lines = [
        ("a sidecar's core", f"about {figure(core * BIT_OF_A_CORE)} single-row requests/s ({BIT_OF_A_CORE:.0%} of a core)", "Python's engine is one thread: more pods, or capture's `sample` (counts stay exact, statistics are weighted). Beyond it the ladder sheds bodies, then rows, never counts, and says so"),
        ("journal", f"1 GiB holds {figure(journal_gib)} requests: {figure(journal_gib / RATE / 3600)} hours at {figure(RATE)}/s, {figure(journal_gib / 20_000)} s at 20,000/s, while the engine does not keep up", "senders are asked to wait (503), their rings fill, the ladder sheds"),
        ("prediction log in the pod", f"2 GiB are {figure(log_days)} days at {figure(RATE)}/s", "`predictions: upload` takes every hour to the object store before the oldest goes"),
        ("objects", f"{size(most.file_bytes)} a file and {figure(most.objects_a_day)} files a day at 10,000 pods: writing them is {dollars(put)} a month beside {dollars(kept)} for keeping seven days", "many pods with little traffic are what makes files small: fewer, larger pods, or rewrite the hours with any Parquet tool: the layout is Hive's"),
        ("one listing of an hour", f"{figure(most.objects_a_day / 24)} files an hour at 10,000 pods, at a thousand a listing call", "`--since --until` and `--model` open nothing outside; Spark lists in parallel"),
        ("DuckDB on one machine", f"a day of a million requests/s is {figure(most.requests * 86_400 / 1e9)} billion rows: {figure(most.analyze_core_hours_a_day)} core hours", "`--engine spark`, or hours asked one by one, or capture's `sample`: a thousandth of the rows is 86 million a day, more than any verdict needs"),
        ("one Prometheus: memory", f"64 GiB hold {figure(prometheus_pods)} pods of {measured.series} scraped and {one.recorded_series} recorded series", "fewer columns (`export.prometheus.fleet_columns`), or one Prometheus for each part of the fleet, and the recorded sums federated: `neural:feature_bin:fleet1h` adds up once more"),
        ("one Prometheus: the fleet's PSI", f"one evaluation takes 15 s of a core at {figure(fleet_pods)} pods", "a longer `interval` of the group: an hour's window does not need a look every 15 s; then parts of the fleet, federated"),
        ("one Prometheus: outlier pods", f"15 s of a core at {figure(outlier_pods)} pods, and {one.recorded_series} recorded series for each pod", "fewer columns, a longer interval, or the group only where canaries run"),
        ("memory of the sidecars", f"{size(one.sidecar_memory_bytes)} a pod: {size(most.sidecar_memory_bytes)} at 10,000 pods, the largest part of the bill at {figure(RATE)} requests/s a pod", "fewer, larger pods (second table): several worker processes of one server share a sidecar"),
    ]  # fmt: skip
    return "| what | bends at | what then |\n|---|---|---|\n" + "".join(f"| {a} | {b} | {c} |\n" for a, b, c in lines)


def written(page: str, prices: Prices | None = None, measured: Measured | None = None) -> str:
    """The page with its tables worked out again."""
    made = {"inputs": inputs, "growing": growing, "spread": spread, "bends": bends}
    given = (prices or Prices(), measured or Measured())
    return SECTION.sub(lambda found: found[1] + made[found[2]](*given) + found[3], page)
