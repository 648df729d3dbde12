"""The soak: a sidecar at full speed for half an hour or more, its memory sampled, its slope tested: ``make soak``.

Full speed: a sender keeps batches of 100-feature rows coming as fast as they are acknowledged, for as long as the sidecar does not
ask to wait. Writes a table to the terminal and the curve to docs/images/soak-memory.svg. Exits 1 when memory grew or was too much.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
from tests.sidecars import NEURAL, SidecarProcess, batch, event, free_port
from tests.soak.curve import Sample, svg, verdict

ROOT = Path(__file__).parents[2]
CURVE = ROOT / "docs" / "images" / "soak-memory.svg"
ROWS_PER_EVENT, EVENTS_PER_BATCH = 10, 20
SAMPLE_EVERY_SECONDS = 5.0


def _events(features: int, source: str, rng: np.random.Generator) -> list:
    names = [f"feature_{i:03}" for i in range(features)]
    made = []
    for number in range(EVENTS_PER_BATCH):
        values = np.round(rng.normal(size=(ROWS_PER_EVENT, features)), 4).tolist()
        rows = [dict(zip(names, row, strict=True)) for row in values]
        made.append(event(f"{source}-{number}", rows, rng.random(ROWS_PER_EVENT).round(4).tolist()))
    return made


def _sender(socket: str, features: int, counts: multiprocessing.Array) -> None:  # type: ignore[valid-type]  # ctypes
    """Bodies are made once and sent under new ids, so that the sender does not cost more than the sidecar."""
    rng = np.random.default_rng(1)
    templates = [_events(features, "soak", rng) for _ in range(8)]
    sequence = 0
    with httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://s", timeout=30) as client:
        while True:
            sequence += 1
            now = int(time.time() * 1e9)
            events = [
                one._replace(prediction_id=f"{sequence}-{at}", started_unix_ns=now)
                for at, one in enumerate(templates[sequence % 8])
            ]
            body = batch("soak", sequence, events)
            while True:
                try:
                    answer = client.post("/v1/capture", content=body, headers={"content-type": "application/x-protobuf"})
                except httpx.HTTPError:
                    return  # the sidecar was stopped
                if answer.status_code == 200:
                    counts[0] += EVENTS_PER_BATCH * ROWS_PER_EVENT
                    break
                counts[1] += 1
                time.sleep(min(float(answer.headers.get("retry-after", 1)), 1.0))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--neural", default=NEURAL, help="the command of an installation without the tests' own packages")
    parser.add_argument("--out", type=Path, default=CURVE)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="neural-soak-") as name:
        samples = _soak(Path(name), options.minutes * 60, options.features, options.neural)
    found = verdict(samples)
    print(json.dumps(found, indent=2))
    if options.minutes >= 5:
        options.out.write_text(svg(samples, found, options.features))
    return 0 if found["flat"] and found["within"] else 1


def _soak(folder: Path, seconds: float, features: int, neural: str) -> list[Sample]:
    """Near the defaults, but what fills slowly is full within the first third: a window of nine minutes with its late rows, a log that reaches its ceiling."""
    settings = {
        "export": {"prometheus": {"enabled": True, "port": free_port()}},
        "windows": {"pane": "10s", "length": "8m", "lateness": "1m", "evaluate_every": "30s"},
        "store": {"checkpoint_every": "30s", "journal": {"max_size": "256MiB"}},
        "predictions": {"max_size": "512MiB"},
        "reference": {"learn": "5000 rows"},
    }
    sidecar = SidecarProcess(folder, settings, neural=neural)
    sidecar.start()
    counts = multiprocessing.Array("q", 2)
    sender = multiprocessing.Process(target=_sender, args=(str(sidecar.socket), features, counts), daemon=True)
    sender.start()
    begin, samples = time.monotonic(), []
    try:
        while (elapsed := time.monotonic() - begin) < seconds:
            time.sleep(SAMPLE_EVERY_SECONDS)
            disk = sum(path.stat().st_size for path in sidecar.state.rglob("*") if path.is_file())
            samples.append(Sample(elapsed, sidecar.rss_bytes(), counts[0], counts[1], disk))
            if len(samples) % 12 == 0:
                last = samples[-1]
                print(
                    f"{elapsed / 60:5.1f} min  {last.rss_bytes / 2**20:6.1f} MiB  {last.rows:>10} rows  {last.refused} waits  {disk / 2**20:.0f} MiB on disk",
                    flush=True,
                )
    finally:
        sender.terminate()
        sender.join()
        sidecar.stop(60)
    return samples


if __name__ == "__main__":
    sys.exit(main())
