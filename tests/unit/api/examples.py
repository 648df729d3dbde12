"""The examples of the OpenAPI document, from real answers: `python tests/unit/api/examples.py` writes them anew."""

from __future__ import annotations

import asyncio
import json
import runpy
import sys
import tempfile
from pathlib import Path

import httpx
import numpy as np
from starlette.applications import Starlette

from neural.monitoring.api import api_routes
from neural.monitoring.clock import ManualClock
from neural.monitoring.predictions import PredictionLog, PredictionLogSettings
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.slo import SLOSettings, slo_key
from neural.monitoring.store import MemoryStore
from neural.monitoring.views import REFERENCES, reference_dict
from neural.monitoring.windows import build_reference

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "sidecar" / "neural" / "monitoring" / "api" / "examples.json"


def answers():
    """Operation → the reply to its GET, over half an hour of state with an incident, shortened."""
    state = runpy.run_path(str(Path(__file__).resolve().parents[1] / "conftest.py"))
    store, now = MemoryStore(), state["NOW"]
    state["fill"](store, now, bad=True)
    ages = Column("age", Kind.NUMERIC, np.arange(18.0, 90.0), np.zeros(72, bool))
    reference = build_reference({"age": ages}, source="reference.parquet", created_at=now)
    store.put_value(REFERENCES, [{**reference_dict("fraud", "3", reference), "hash": "d67ad93fd72f570b"}])  # whatever its format
    with tempfile.TemporaryDirectory() as folder:
        log = PredictionLog(Path(folder) / "predictions", PredictionLogSettings(), lambda: now)
        log.append(
            RecordBatch(
                "fraud", "3", np.array([now]), ["pred_001"], {"age": Column("age", Kind.NUMERIC, np.array([41.0]), np.zeros(1, bool))},
                Column("@prediction", Kind.CATEGORICAL, np.array(["yes"], dtype=object), np.zeros(1, bool)), latency_seconds=np.array([0.012]),
            )
        )  # fmt: skip
        log.checkpoint()
        store.add_slo_counts(slo_key("fraud", "fast"), now - 3600.0, 995.0, 1000.0)
        routes = api_routes(
            store, writer=store, clock=ManualClock(now), config={"model": {"name": "fraud", "version": "3"}},
            predictions=Path(folder) / "predictions", labels=lambda body: 1, reload=lambda: {"changed": []}, objectives=[SLOSettings(name="fast", type="latency", threshold="100ms", target=0.99, window="28d")],
        )  # fmt: skip
        found = asyncio.run(_ask(Starlette(routes=routes)))
        log.close()
    return found


async def _ask(app):
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8052") as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
        found = {}
        for path, operations in paths.items():
            for method, operation in operations.items():
                if method == "get":
                    reply = await client.get(path.replace("{name}", "drift.score"), headers={"X-Request-Id": "0"})
                    is_page = reply.headers["content-type"].startswith("text/html")
                    found[operation["operationId"]] = f"{reply.text[:160]}…" if is_page else shortened(reply.json())
        label = {"labels": [{"id": "pred_001", "label": 1}]}
        found["labels"] = (await client.post("/api/v1/labels", json=label)).json()
        found["reload"] = (await client.post("/api/v1/reload")).json()
        found["acknowledge"] = (
            await client.post("/api/v1/alerts/a1/acknowledge", json={"author": "ada", "note": "rolling back"})
        ).json()
        problem = await client.get("/api/v1/drift", params={"windw": 5}, headers={"X-Request-Id": "0f6e"})
        made = {"matchers": {"rule": "drift"}, "seconds": 3600, "author": "ada", "reason": "new model"}
        silence = (await client.post("/api/v1/silences", json=made)).json()
    return {**found, "silence": {**silence, "silence_id": "4bc88888e4ef4707"}, "problem": problem.json()}


def shortened(node):
    """Of lists of objects and of pairs the first item, of others the first two: an example shows the form."""
    if isinstance(node, list):
        return [shortened(item) for item in node[: 1 if isinstance(node[0], dict | list) else 2]] if node else []
    if isinstance(node, dict):
        return {name: shortened(value) for name, value in node.items()}
    return node


def text():
    return json.dumps(answers(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    sys.exit(0)
