"""A path of the API as an ASGI app: methods, access, parameters, errors, ETags, compression and request ids in one place."""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from neural.monitoring.api.access import require_access
from neural.monitoring.api.body import read_json
from neural.monitoring.api.operation import Call, Operation, Reply
from neural.monitoring.api.parameters import read_parameters
from neural.monitoring.api.problems import PROBLEM_TYPE, Problem
from neural.monitoring.errors import StoreError

log = logging.getLogger(__name__)
GZIP_LEAST_BYTES = 1024
"""Smaller bodies gain nothing from compression."""
_GZIP_LEVEL = 4
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}


class Resource:
    """One path with its operations by method. HEAD is GET without the body; OPTIONS says what is allowed."""

    def __init__(self, operations: Mapping[str, Operation], *, token: str | None = None) -> None:
        self.operations = dict(operations)
        self._token = token
        methods = {*operations, "OPTIONS", *(["HEAD"] if "GET" in operations else [])}
        self._allow = ", ".join(sorted(methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request_id = request_id_of(request)
        response = await self._respond(request, request_id)
        response.headers["X-Request-Id"] = request_id
        await response(scope, receive, send)

    async def _respond(self, request: Request, request_id: str) -> Response:
        try:
            if request.method == "OPTIONS":
                return Response(status_code=204, headers={"Allow": self._allow})
            return await self._answer(request)
        except Problem as problem:
            return problem_response(problem, request_id)
        except StoreError as error:
            log.warning("%s %s: %s", request.method, request.url.path, error)
            return problem_response(Problem(503, str(error), headers={"Retry-After": "5"}), request_id)
        except Exception:
            log.exception("%s %s failed (request %s)", request.method, request.url.path, request_id)
            return problem_response(Problem(500, "the sidecar could not answer; its log has the reason"), request_id)

    async def _answer(self, request: Request) -> Response:
        operation = self.operations.get("GET" if request.method == "HEAD" else request.method)
        if operation is None:
            raise Problem(405, f"{request.method} is not for this path: {self._allow}", headers={"Allow": self._allow})
        if operation.mutates or operation.private:
            require_access(request, self._token)
        query = read_parameters(operation.parameters, request.query_params)
        body = await read_json(request, operation.max_body_bytes) if operation.body_schema is not None else None
        call = Call(query, {key: str(value) for key, value in request.path_params.items()}, body)
        return await run_in_threadpool(_handle, operation, call, request)


def _handle(operation: Operation, call: Call, request: Request) -> Response:
    return _response(operation.handler(call), request, operation.media)


def request_id_of(request: Request) -> str:
    """The caller's, where it is a plain word; else a new one."""
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def problem_response(problem: Problem, request_id: str) -> Response:
    """The problem as application/problem+json."""
    body = orjson.dumps(problem.document(request_id), option=_OPTIONS)
    return Response(body, problem.status, {**_HEADERS, **problem.headers}, PROBLEM_TYPE)


def _response(reply: Reply, request: Request, media: str) -> Response:
    if reply.status == 204:
        return Response(status_code=204, headers={**_HEADERS, **reply.headers})
    headers = {**_HEADERS, **reply.headers}
    if reply.status == 200:
        headers["ETag"] = etag = entity_tag(reply)
        if _matches(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
    body = reply.body.encode() if isinstance(reply.body, str) else orjson.dumps(reply.body, option=_OPTIONS)
    if len(body) >= GZIP_LEAST_BYTES and "gzip" in request.headers.get("accept-encoding", "").lower():
        body, headers["Content-Encoding"] = gzip.compress(body, _GZIP_LEVEL), "gzip"
    return Response(body, reply.status, headers, media)


def entity_tag(reply: Reply) -> str:
    """A weak tag over what the reply says, whatever the time of the look."""
    said: Any = [_lasting(one, reply.volatile) for one in reply.made_from or (reply.body,)]
    return f'W/"{hashlib.blake2b(orjson.dumps(said, option=_OPTIONS), digest_size=12).hexdigest()}"'


def _lasting(said: Any, volatile: tuple[str, ...]) -> Any:
    """Without the numbers of those names, in answers within the answer too; a feature that is called timestamp has no number there."""
    if not isinstance(said, dict):
        return said
    return {
        key: _lasting(value, volatile)
        for key, value in said.items()
        if not (key in volatile and isinstance(value, int | float | None))
    }


def _matches(if_none_match: str, etag: str) -> bool:
    wanted = [part.strip().removeprefix("W/") for part in if_none_match.split(",")]
    return "*" in wanted or etag.removeprefix("W/") in wanted
