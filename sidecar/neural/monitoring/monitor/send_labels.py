"""Labels to a running sidecar, from Python."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpx

from neural.monitoring.errors import NeuralError

DEFAULT_ENDPOINT = "unix:///var/run/neural/capture.sock"
LABELS_A_REQUEST = 1_000
TRIES = 5  # while the sidecar is away or asks to wait
_FIRST_WAIT_SECONDS = 0.2


def send_labels(
    labels: Mapping[str, Any] | Iterable[Mapping[str, Any]],
    endpoint: str = DEFAULT_ENDPOINT,
    *,
    token: str = "",
    timeout: float = 10.0,
    sleep: Callable[[float], object] = time.sleep,
) -> int:
    """Hand true outcomes to the sidecar; returns how many were accepted.

    ``labels``: id → label, or dicts {"id", "label", "time"}; ``endpoint``: unix:///path or http://host:port, as in ``capture.listen``.
    Sending a label again does no harm, so a request that failed is sent again, with longer and longer waits. Raises NeuralError when the sidecar
    refuses, or stays away.
    """
    items: list[Mapping[str, Any]]
    items = [{"id": name, "label": label} for name, label in labels.items()] if isinstance(labels, Mapping) else list(labels)
    socket = endpoint.removeprefix("unix://") if endpoint.startswith("unix://") else None
    transport = httpx.HTTPTransport(uds=socket) if socket is not None else None
    base = "http://sidecar" if socket is not None else endpoint.rstrip("/")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(transport=transport, base_url=base, headers=headers, timeout=timeout, trust_env=False) as client:
        parts = [items[start : start + LABELS_A_REQUEST] for start in range(0, len(items), LABELS_A_REQUEST)]
        accepted = [_send(client, part, endpoint, sleep) for part in parts]
    return sum(accepted)


def _send(client: httpx.Client, items: list[Mapping[str, Any]], endpoint: str, sleep: Callable[[float], object]) -> int:
    why = ""
    for attempt in range(TRIES):
        if attempt:
            sleep(_FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
        try:
            reply = client.post("/v1/labels", json={"labels": items})
        except httpx.HTTPError as error:
            why = f"can't be reached ({error})"
            continue
        if reply.is_success:
            return int(reply.json()["accepted"])
        why = f"answered {reply.status_code}: {reply.text[:200]}"
        if reply.status_code not in (429, 503):
            break
    raise NeuralError(f"{endpoint}: {why}")
