"""The CloudEvents HTTP binding: binary mode (headers and raw body) and structured mode (one JSON envelope)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import orjson

from neural.monitoring.ingest.cloudevents import Half
from neural.monitoring.ingest.labels import parse_time
from neural.monitoring.ingest.refusal import Refused

STRUCTURED: Final = "application/cloudevents+json"
_REQUEST_TYPES: Final = frozenset({"org.kubeflow.serving.inference.request", "io.seldon.serving.inference.request"})
_RESPONSE_TYPES: Final = frozenset({"org.kubeflow.serving.inference.response", "io.seldon.serving.inference.response"})
_MAX_ATTRIBUTE: Final = 4096  # characters
_MAX_METADATA: Final = 64  # headers in KServe's metadata attribute
_PLAIN_COMPONENTS: Final = frozenset({"", "predictor"})
_PLAIN_ENDPOINTS: Final = frozenset({"", "default"})
_LATEST: Final = 2**63 / 1e9  # Unix seconds; nanoseconds since 1970 are what the wire can say


def read_half(headers: Mapping[str, str], body: bytes, *, now: float) -> Half | None:
    """The half a POST carries; None for CloudEvents of other types, which are none of ours. Raises Refused when it is no CloudEvent."""
    content_type = headers.get("content-type", "")
    if content_type.startswith(STRUCTURED):
        attributes, content_type, body = _structured(body)
    else:
        attributes = {name[3:]: value[:_MAX_ATTRIBUTE] for name, value in headers.items() if name.startswith("ce-")}
    kind = attributes.get("type", "")
    if not kind or not attributes.get("id"):
        raise Refused(400, "no_cloudevent", "ce-id and ce-type are needed")
    if kind not in _REQUEST_TYPES | _RESPONSE_TYPES:
        return None
    return _half(attributes, content_type, body, is_request=kind in _REQUEST_TYPES, now=now)


def _half(attributes: Mapping[str, str], content_type: str, body: bytes, *, is_request: bool, now: float) -> Half:
    seldon = attributes["type"].startswith("io.seldon")
    endpoint, component = attributes.get("endpoint", ""), attributes.get("component", "")
    service = attributes.get("inferenceservicename", "") or attributes.get("modelid", "")
    model = service if component in _PLAIN_COMPONENTS else f"{service}-{component}"
    status = attributes.get("statuscode", "")
    return Half(
        identity=(attributes.get("requestid", "") if seldon else "") or attributes["id"],  # Seldon pairs by requestid
        is_request=is_request,
        model=model,
        time=_time(attributes.get("time", ""), now),
        body=body,
        content_type=content_type,
        version="" if endpoint in _PLAIN_ENDPOINTS else endpoint,  # a canary is a version of its own
        status=int(status) if status.isascii() and status.isdigit() and len(status) == 3 else 200,
        traceparent=attributes.get("traceparent", ""),
        headers=_metadata(attributes.get("metadata", "")),
    )


def _time(text: str, now: float) -> float:
    """Unix seconds; the time of arrival where the logger's is missing or can't be."""
    time = parse_time(text)
    return time if time is not None and 0 < time < _LATEST else now


def _structured(body: bytes) -> tuple[dict[str, str], str, bytes]:
    """(attributes, content type, data) of a JSON envelope."""
    try:
        envelope: Any = orjson.loads(body)
        if not isinstance(envelope, dict):
            raise Refused(400, "no_cloudevent", "the envelope is no object")
        if "data_base64" in envelope:
            data = base64.b64decode(str(envelope["data_base64"]), validate=True)
        else:
            data = orjson.dumps(envelope.get("data"))
    except (orjson.JSONDecodeError, binascii.Error):
        raise Refused(400, "no_cloudevent", "the envelope is damaged") from None
    attributes = {
        name: str(value)[:_MAX_ATTRIBUTE]
        for name, value in envelope.items()
        if name not in ("data", "data_base64") and not isinstance(value, dict | list)
    }
    return attributes, attributes.get("datacontenttype", "application/json"), data


def _metadata(text: str) -> dict[str, str]:
    """The request headers that KServe was asked to pass on (metadataHeaders), a JSON object of lists."""
    try:
        document = orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(document, dict):
        return {}
    found = {}
    for name, value in list(document.items())[:_MAX_METADATA]:
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, str):
            found[name.lower()] = first[:_MAX_ATTRIBUTE]
    return found
