"""The OpenAPI 3.1 document, written from the operations themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from neural.capture.version import __version__
from neural.monitoring.api.operation import Operation
from neural.monitoring.api.problems import PROBLEM_TYPE
from neural.monitoring.api.schemas import SCHEMAS

_EXAMPLES: Mapping[str, Any] = json.loads(files("neural.monitoring.api").joinpath("examples.json").read_bytes())
"""Operation → a reply, shortened. Written by tests/unit/api/examples.py from real answers."""
EVENT_STREAM = "text/event-stream"
_PATH_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


def openapi_document(paths: Mapping[str, Mapping[str, Operation]]) -> dict[str, Any]:
    """``paths``: path → method → operation."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Neural Monitoring",
            "version": __version__,
            "summary": "What the monitoring sidecar knows: drift, quality, performance, SLOs, alerts.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {
            _PATH_PARAMETER.sub(r"{\1}", path): {method.lower(): _operation(path, one) for method, one in operations.items()}
            for path, operations in paths.items()
        },
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "dashboard.token; not asked for on loopback without one.",
                }
            },
        },
    }


def _operation(path: str, operation: Operation) -> dict[str, Any]:
    parameters = [_query(one) for one in operation.parameters]
    parameters += [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PATH_PARAMETER.findall(path)
    ]
    body: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(operation),
    }
    if parameters:
        body["parameters"] = parameters
    if operation.body_schema is not None:
        content = {"schema": dict(operation.body_schema), "example": operation.body_example}
        body["requestBody"] = {"required": True, "content": {"application/json": content}}
    if operation.mutates or operation.private:
        body["security"] = [{"token": []}, {}]
    return body


def _query(parameter: Any) -> dict[str, Any]:
    body = {"name": parameter.name, "in": "query", "description": parameter.description, "schema": parameter.schema()}
    return body | ({"example": parameter.example} if parameter.example is not None else {})


def _responses(operation: Operation) -> dict[str, Any]:
    example = _EXAMPLES.get(operation.name)
    media = {"schema": dict(operation.response)} | ({"example": example} if example is not None else {})
    success: dict[str, Any] = {"description": HTTPStatus(operation.success).phrase}
    if operation.success != HTTPStatus.NO_CONTENT:
        success["content"] = {operation.media: media}
    problems = sorted({*operation.problems, 400, 500, 503})
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": _EXAMPLES["problem"]}
    responses: dict[str, Any] = {str(operation.success): success}
    if operation.success == HTTPStatus.OK and operation.media != EVENT_STREAM:
        responses["304"] = {"description": "Not changed since the ETag in If-None-Match"}
    responses |= {str(code): {"description": HTTPStatus(code).phrase, "content": {PROBLEM_TYPE: problem}} for code in problems}
    return responses
