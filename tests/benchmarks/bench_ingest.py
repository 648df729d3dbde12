"""What the sidecar's way in costs, on one core: an ingest request to its acknowledgement, and what the engine does with it afterwards.

"whole way" is the engine of ``app.build`` on one journal entry after the other: wire bytes to columns, panes on the grid of a learnt
reference, every monitor, the label joiner, traffic, and the prediction log on disk. Batches have the shipper's default size.

Run with ``python tests/benchmarks/bench_ingest.py`` (``--seconds 1`` for a quick look). Prints one line a case: the median and quartiles of
microseconds an event (or row), and the rate at the median; ``--json FILE`` for machines. Each case runs in interleaved rounds, so that a
noisy neighbour hits all of them alike.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from neural.monitoring.app import build
from neural.monitoring.app.memory import keep_small
from neural.monitoring.decode import Decoding
from neural.monitoring.ingest import Deduplicator, Entry, EntryKind, IngestService, Journal
from neural.monitoring.settings import load_settings
from neural.wire import CaptureBatch, CaptureEvent, encode_batch
from neural.wire.decode import decode_batch

EVENTS = 256
FEATURES = 20
START = 1_700_000_000_000_000_000
RNG = random.Random(7)


@dataclass(frozen=True)
class Bench:
    name: str
    unit: str
    count: int
    run: Callable[[], object]
    bar_per_second: float | None = None


def number() -> float:
    return round(RNG.gauss(0, 1), 6)


def v1_bodies() -> tuple[bytes, bytes]:
    row = {f"f{i}": number() for i in range(FEATURES - 2)} | {"c0": RNG.choice("abc"), "c1": RNG.choice("xy")}
    return orjson.dumps({"instances": [row]}), orjson.dumps({"predictions": [{"label": 1, "probability": RNG.random()}]})


def plain_bodies() -> tuple[bytes, bytes]:
    """As people's own FastAPI servers have it."""
    row = {f"f{i}": number() for i in range(FEATURES - 2)} | {"c0": RNG.choice("abc"), "c1": RNG.choice("xy")}
    return orjson.dumps(row), orjson.dumps({"prediction": 1, "probability": RNG.random()})


def v2_bodies() -> tuple[bytes, bytes]:
    inputs = [{"name": f"f{i}", "shape": [1], "datatype": "FP64", "data": [number()]} for i in range(FEATURES)]
    return orjson.dumps({"inputs": inputs}), v2_answer()


def v2_wide_bodies() -> tuple[bytes, bytes]:
    tensor = {"name": "x", "shape": [1, FEATURES], "datatype": "FP64", "data": [number() for _ in range(FEATURES)]}
    return orjson.dumps({"inputs": [tensor]}), v2_answer()


def v2_answer() -> bytes:
    outputs = [("label", "INT64", 1), ("probability", "FP64", RNG.random())]
    return orjson.dumps(
        {"model_name": "m", "outputs": [{"name": n, "shape": [1], "datatype": d, "data": [v]} for n, d, v in outputs]}
    )


def batch(bodies: Callable[[], tuple[bytes, bytes]], path: str) -> CaptureBatch:
    headers = {"content-type": "application/json"}
    events = []
    for place in range(EVENTS):
        request, response = bodies()
        events.append(
            CaptureEvent(
                f"prediction-{place}", START + place, 5_000_000, status=200, path=path, request_body=request, response_body=response,
                request_size=len(request), response_size=len(response), request_headers=headers, response_headers=headers,
            )
        )  # fmt: skip
    return CaptureBatch("pod:1:bench", 1, events)


def binary_batch(rows: int, requests: int) -> CaptureBatch:
    rng = np.random.default_rng(7)

    def body(key: str, name: str, array: np.ndarray) -> tuple[bytes, dict[str, str]]:
        raw = array.tobytes()
        tensor = {"name": name, "shape": list(array.shape), "datatype": "FP32", "parameters": {"binary_data_size": len(raw)}}
        head = orjson.dumps({key: [tensor]})
        return head + raw, {"inference-header-content-length": str(len(head)), "content-type": "application/octet-stream"}

    def event(place: int) -> CaptureEvent:
        request, request_headers = body("inputs", "x", rng.normal(size=(rows, FEATURES)).astype("<f4"))
        response, response_headers = body("outputs", "probability", rng.random(rows).astype("<f4"))
        return CaptureEvent(
            f"p{place}", START, 5_000_000, status=200, path="/v2/models/m/infer", request_body=request, response_body=response,
            request_headers=request_headers, response_headers=response_headers,
        )  # fmt: skip

    return CaptureBatch("pod:1:bench", 1, [event(place) for place in range(requests)])


def decode_bench(name: str, made: CaptureBatch, unit: str, count: int, bar: float) -> Bench:
    wire, decoding = encode_batch(made), Decoding()
    return Bench(name, unit, count, lambda: decoding.decode(decode_batch(wire)), bar)


def engine_bench(folder: Path, name: str, made: CaptureBatch, unit: str, count: int, bar: float) -> Bench:
    """Entries through the engine as ``neural monitor run`` puts it together. Sixteen batches with ids of their own, over and over."""
    config = folder / "m.yaml"
    folder.mkdir()
    config.write_text(
        "model: {name: m}\nreference: {learn: 2000 rows}\nstore: {path: state}\ndashboard: {enabled: false}\n"
        "slos: [{name: up, type: availability, target: 99%, window: 28d}]\n"
    )
    engine = build(load_settings(config)).engine
    now = time.time_ns()
    events = [
        [
            one._replace(prediction_id=f"{RNG.getrandbits(64):016x}{at:08x}", started_unix_ns=now + at)
            for at, one in enumerate(made.events)
        ]
        for _ in range(16)
    ]
    wires = [encode_batch(CaptureBatch(made.source, 1, batch)) for batch in events]
    state = {"position": 0}

    def run() -> None:
        for wire in wires:
            state["position"] += 1
            engine._apply(Entry(EntryKind.BATCH, wire, state["position"], time.time()), replay=False)

    for _ in range(1 + 5_000 // (count * len(wires))):
        run()
    engine._processor.settle()
    assert engine._panes.reference("m", "1.0") is not None
    assert engine._processor.totals.counts["rows"] == count * state["position"]
    return Bench(name, unit, count * len(wires), run, bar)


def accept_bench(folder: str, made: CaptureBatch) -> Bench:
    service = IngestService(Journal(folder, segment_bytes=2**24, max_bytes=2**33), Deduplicator(), time.time)
    state = {"sequence": 0}

    def run() -> None:
        state["sequence"] += 1
        service.accept_batch(encode_batch(CaptureBatch(made.source, state["sequence"], made.events)))
        if state["sequence"] % 50 == 0:
            service._journal.truncate_before(service._journal.end)

    return Bench("encode, check, journal, acknowledge", "event", EVENTS, run)


def benches(folder: str) -> list[Bench]:
    v1 = batch(v1_bodies, "/v1/models/m:predict")
    plain = batch(plain_bodies, "/predict")
    v2 = batch(v2_bodies, "/v2/models/m/infer")
    wide = batch(v2_wide_bodies, "/v2/models/m/infer")
    bodies = [event.request_body for event in v1.events]
    root = Path(folder)
    return [
        Bench("floor: orjson, one body at a time (V1)", "event", EVENTS, lambda: [orjson.loads(body) for body in bodies]),
        decode_bench("V1 JSON, 20 features: wire to columns", v1, "event", EVENTS, 100_000),
        decode_bench("plain JSON, 20 features: wire to columns", plain, "event", EVENTS, 100_000),
        decode_bench("V2 JSON, one tensor of 20: wire to columns", wide, "event", EVENTS, 100_000),
        decode_bench("V2 JSON, 20 named tensors: wire to columns", v2, "event", EVENTS, 100_000),
        decode_bench("V2 binary, 1,000 x 20: wire to columns", binary_batch(1000, 10), "row", 10_000, 1_000_000),
        engine_bench(root / "v1", "V1 JSON, 20 features: whole way", v1, "event", EVENTS, 100_000),
        engine_bench(root / "plain", "plain JSON, 20 features: whole way", plain, "event", EVENTS, 100_000),
        engine_bench(root / "wide", "V2 JSON, one tensor of 20: whole way", wide, "event", EVENTS, 100_000),
        engine_bench(root / "v2", "V2 JSON, 20 named tensors: whole way", v2, "event", EVENTS, 100_000),
        engine_bench(root / "binary", "V2 binary, 1,000 x 20: whole way", binary_batch(1000, 10), "row", 10_000, 1_000_000),
        accept_bench(str(root / "journal"), v1),
    ]


def measure(cases: list[Bench], seconds: float) -> dict[str, list[float]]:
    """Microseconds of CPU a unit, one sample a round; rounds until the time is over."""
    for case in cases:
        case.run()
    samples: dict[str, list[float]] = {case.name: [] for case in cases}
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(samples[cases[0].name]) < 5:
        for case in cases:
            begun = time.process_time_ns()
            case.run()
            samples[case.name].append((time.process_time_ns() - begun) / 1000 / case.count)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    keep_small()  # as the sidecar does: what an allocation costs depends on it
    with tempfile.TemporaryDirectory() as folder:
        cases = benches(folder)
        samples = measure(cases, options.seconds)
    results = []
    for case in cases:
        low, median, high = statistics.quantiles(samples[case.name], n=4)
        best = min(samples[case.name])
        results.append({
            "case": case.name, "unit": case.unit, "median_us": median, "quartiles_us": [low, high], "best_us": best,
            "per_second": 1e6 / median, "bar_per_second": case.bar_per_second,
        })  # fmt: skip
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    for one in results:
        bar = f"  bar {one['bar_per_second']:,.0f}/s" if one["bar_per_second"] else ""
        spread = f"{one['quartiles_us'][0]:.2f} to {one['quartiles_us'][1]:.2f}, best {one['best_us']:.2f}"
        print(f"{one['case']:46} {one['median_us']:7.2f} us a {one['unit']} ({spread})  {one['per_second']:,.0f}/s{bar}")


if __name__ == "__main__":
    main()
