"""The routes of the HTTP API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute, Route

from neural.monitoring.api.acknowledging import acknowledge_operation
from neural.monitoring.api.actions import Reload, TakeLabels, action_operations
from neural.monitoring.api.openapi import openapi_document
from neural.monitoring.api.operation import Call, Operation, Reply
from neural.monitoring.api.predictions import prediction_operation
from neural.monitoring.api.probes import probe_operations
from neural.monitoring.api.problems import Problem
from neural.monitoring.api.reading import signal_operations, view_operations
from neural.monitoring.api.reports import report_operations
from neural.monitoring.api.resource import Resource
from neural.monitoring.api.silences import silence_operations
from neural.monitoring.api.stream import Stream
from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.slo import SLOSettings
from neural.monitoring.store import Store
from neural.monitoring.views import SnapshotBoard

PREFIX = "/api/v1"


def api_routes(
    store: Store,
    board: SnapshotBoard | None = None,
    *,
    writer: Store | None = None,
    token: str | None = None,
    clock: Clock = system_clock,
    config: Mapping[str, Any] | None = None,
    predictions: Path | None = None,
    labels: TakeLabels | None = None,
    reload: Reload | None = None,
    objectives: Sequence[SLOSettings] = (),
) -> list[BaseRoute]:
    """GET /api/v1/… over ``store``, /health, /ready and /openapi.json.

    ``board`` tells /health whether the engine still evaluates. ``writer``: a store that silences and
    acknowledgements are written to; without it nothing can be changed. ``token``: asked for by what changes things; without one only
    this machine may. ``config``: the settings in force, with no secret in them. ``predictions``: the folder of the prediction log.
    ``labels`` and ``reload``: what POST /api/v1/labels and /api/v1/reload do (see ``actions``).
    ``objectives``: what SLA reports are about, beside those in the store.
    """
    paths = _paths(store, board, writer, clock, config)
    paths |= {f"{PREFIX}/{path}": {"GET": one} for path, one in report_operations(store, clock, objectives).items()}
    if predictions is not None:
        paths[f"{PREFIX}/predictions"] = {"GET": prediction_operation(predictions)}
    paths |= {f"{PREFIX}/{name}": {"POST": operation} for name, operation in action_operations(labels, reload).items()}
    described = dict(paths)
    routes: list[BaseRoute] = []
    if board is not None:
        stream = Stream(board)
        described[f"{PREFIX}/stream"] = {"GET": stream.operation}
        routes.append(Route(f"{PREFIX}/stream", stream))
    document = openapi_document(described)
    describe = Operation("openapi", "This document", lambda _: Reply(document))
    index = Operation("index", "What there is", lambda _: Reply({"paths": sorted(described), "openapi": "/openapi.json"}))
    routes += [Route(path, Resource(operations, token=token)) for path, operations in paths.items()]
    routes.append(Route("/openapi.json", Resource({"GET": describe})))
    routes.append(Route(PREFIX, Resource({"GET": index})))
    routes.append(Route(f"{PREFIX}/{{rest:path}}", Resource(_nowhere())))
    return routes


def probe_routes(store: Store, board: SnapshotBoard | None = None, *, clock: Clock = system_clock) -> list[BaseRoute]:
    """/health and /ready alone: beside /metrics, where a kubelet reaches them."""
    alive, ready = probe_operations(store, board, clock)
    return [Route("/health", Resource({"GET": alive})), Route("/ready", Resource({"GET": ready}))]


def _paths(
    store: Store, board: SnapshotBoard | None, writer: Store | None, clock: Clock, config: Mapping[str, Any] | None
) -> dict[str, dict[str, Operation]]:
    paths = {f"{PREFIX}/{name}": {"GET": operation} for name, operation in view_operations(store, clock).items()}
    latest, over_time = signal_operations(store)
    paths[f"{PREFIX}/signals"] = {"GET": latest}
    paths[f"{PREFIX}/signals/{{name}}"] = {"GET": over_time}
    many, one = silence_operations(store, writer, clock)
    paths[f"{PREFIX}/silences"] = many
    if one:
        paths[f"{PREFIX}/silences/{{silence_id}}"] = one
    if writer is not None:
        paths[f"{PREFIX}/alerts/{{alert_id}}/acknowledge"] = {"POST": acknowledge_operation(writer, clock)}
    if config is not None:
        paths[f"{PREFIX}/config"] = {"GET": Operation("config", "The settings in force", partial(_config, config), tag="sidecar")}
    alive, ready = probe_operations(store, board, clock)
    paths["/health"], paths["/ready"] = {"GET": alive}, {"GET": ready}
    return paths


def _config(config: Mapping[str, Any], _: Call) -> Reply:
    return Reply(dict(config))


def _nowhere() -> dict[str, Operation]:
    """Any path nobody knows, by any method: the same problem document."""

    def missing(call: Call) -> Reply:
        raise Problem(404, f"there is no {PREFIX}/{call.path['rest'][:200]}: see {PREFIX}")

    return {method: Operation("nowhere", "", missing) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")}
