"""The demo's clients: one sends the flights at an even pace, one reports each outcome when the flight has arrived."""

from __future__ import annotations

import asyncio
import heapq
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
import numpy as np

from neural.monitoring.demo.feed import Feed, Incident, Request
from neural.monitoring.demo.plan import Act, Episode, incident_at

MAX_ROWS_PER_SECOND = 400.0
"""So that the model server, at about 3 ms a request, takes less than a third of one core."""
ROWS_PER_REQUEST = 8
"""Requests hold 1 to this many rows, evenly drawn."""
CATCH_UP_SECONDS = 0.1
"""Lateness up to this is made up for, so that small delays don't add up; more of it only makes the story longer."""
MAX_OPEN_REQUESTS = 200
MAX_WAITING_REQUESTS = 12
"""Open requests outside the second incident. On a busy machine more of them would wait in the server, and the story would have a slowness of its own;
so it takes longer instead."""
SLOW_SECONDS = 1.0
"""What the slow dependency adds to each request in the second incident."""
IDLE_CONNECTION_SECONDS = 30.0
"""Connections are reused for this long: less than the server keeps them open, so that none is closed under a request."""
LABEL_BATCH_SECONDS = 0.25
LABEL_TRIES = 20


@dataclass(slots=True)
class Traffic:
    """What has been sent so far. ``progress`` holds (Unix time, rows sent) pairs, for delays counted in rows."""

    requests: int = 0
    rows: int = 0
    failed: int = 0
    unanswered: Counter[str] = field(default_factory=Counter[str])  # by kind of error
    labels_sent: int = 0
    progress: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    def rows_at(self, when: float) -> int:
        """Rows sent by that time, by linear interpolation."""
        times, rows = zip(*self.progress, strict=True) if self.progress else ((when,), (0,))
        return round(float(np.interp(when, times, rows)))


@dataclass(slots=True)
class Client:
    """Drives the model server for ``seconds``, and tells the sidecar the outcomes after ``label_delay_seconds``."""

    feed: Feed
    total_rows: int
    seconds: float
    acts: list[Act]
    server_url: str
    socket_path: str
    seed: int
    rows_per_request: int = ROWS_PER_REQUEST
    traffic: Traffic = field(default_factory=Traffic)
    episodes: list[Episode] = field(default_factory=list[Episode])
    started_at: float = 0.0
    _due: list[tuple[float, int, Request]] = field(default_factory=list[tuple[float, int, Request]])

    async def run(self) -> None:
        """Send everything, wait for the answers and for the last outcomes."""
        limits = httpx.Limits(max_connections=MAX_OPEN_REQUESTS, keepalive_expiry=IDLE_CONNECTION_SECONDS)
        async with httpx.AsyncClient(base_url=self.server_url, limits=limits, timeout=30, trust_env=False) as http:
            await http.get("/v2/health/ready")
            done = asyncio.Event()
            labels = asyncio.create_task(self._report_outcomes(done))
            self.started_at = time.time()
            await self._send_all(http)
            done.set()
            await labels

    async def _send_all(self, http: httpx.AsyncClient) -> None:
        """At an even pace: when the machine falls behind, the story takes longer, and no burst makes up for it."""
        swift, slow = set[asyncio.Task[None]](), set[asyncio.Task[None]]()
        position, due = 0, time.time()
        for size in self._sizes():
            stop = min(position + size, self.total_rows)
            await asyncio.sleep(max(0.0, due - time.time()))
            due = max(due, time.time() - CATCH_UP_SECONDS) + self.seconds * (stop - position) / self.total_rows
            incident = incident_at(self.acts, position / self.total_rows)
            await self._follow(http, incident)
            task = asyncio.create_task(self._send(http, self.feed.request(position, stop, incident)))
            of_its_kind, most = (slow, MAX_OPEN_REQUESTS) if incident is Incident.SLOW else (swift, MAX_WAITING_REQUESTS)
            of_its_kind.add(task)
            task.add_done_callback(of_its_kind.discard)
            position = stop
            if len(of_its_kind) >= most:
                await asyncio.wait(of_its_kind, return_when=asyncio.FIRST_COMPLETED)
            if position >= self.total_rows:
                break
        await self._follow(http, None)
        await asyncio.gather(*swift, *slow)

    def _sizes(self) -> list[int]:
        random = np.random.default_rng([self.seed, 2])
        return [int(n) for n in random.integers(1, self.rows_per_request + 1, size=self.total_rows)]

    async def _follow(self, http: httpx.AsyncClient, incident: Incident | None) -> None:
        """Begin and end incidents, and take note of when."""
        current = self.episodes[-1] if self.episodes and self.episodes[-1].ended_at is None else None
        if incident is (current.incident if current else None):
            return
        if current is not None:
            current.ended_at = time.time()
        if incident is not None:
            self.episodes.append(Episode(incident, time.time()))
        await http.post("/dependency", json={"delay_seconds": SLOW_SECONDS if incident is Incident.SLOW else 0.0})

    async def _send(self, http: httpx.AsyncClient, request: Request) -> None:
        trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"  # as an airport's tracer would: alerts name it
        headers = {"content-type": "application/json", "x-prediction-id": request.prediction_id, "traceparent": trace}
        self.traffic.requests += 1
        self.traffic.rows += len(request.outcomes)
        self.traffic.progress.append((time.time(), self.traffic.rows))
        try:
            response = await http.post(request.path, content=request.body, headers=headers)
        except httpx.HTTPError as error:
            self.traffic.unanswered[type(error).__name__] += 1
            return
        if response.is_success:
            heapq.heappush(self._due, (time.time() + self._flight_seconds(), self.traffic.requests, request))
        else:
            self.traffic.failed += 1

    def _flight_seconds(self) -> float:
        """Hours in the air are seconds here: between 1/60 and 1/15 of the story."""
        return self.seconds / 60 * (1 + 3 * ((self.traffic.requests * 0.618034) % 1))

    async def _report_outcomes(self, done: asyncio.Event) -> None:
        transport = httpx.AsyncHTTPTransport(uds=self.socket_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://sidecar", timeout=10) as http:
            while not (done.is_set() and not self._due):
                await asyncio.sleep(LABEL_BATCH_SECONDS)
                await self._report_due(http)

    async def _report_due(self, http: httpx.AsyncClient) -> None:
        arrived: list[dict[str, str | int]] = []
        while self._due and self._due[0][0] <= time.time():
            request = heapq.heappop(self._due)[2]
            pairs = zip(request.row_ids, request.outcomes, strict=True)
            arrived += [{"id": row, "label": outcome} for row, outcome in pairs if outcome is not None]
        if arrived and await self._post_labels(http, arrived):
            self.traffic.labels_sent += len(arrived)

    async def _post_labels(self, http: httpx.AsyncClient, labels: list[dict[str, str | int]]) -> bool:
        """Retry while the sidecar is away or busy, as an airport's system would."""
        for attempt in range(LABEL_TRIES):
            try:
                response = await http.post("/v1/labels", json={"labels": labels})
                if response.is_success:
                    return True
            except httpx.HTTPError:
                pass  # the sidecar is away: try again
            await asyncio.sleep(0.1 * (attempt + 1))
        return False
