"""The OpenAPI document tells the truth: requests made from it get only documented replies, and bodies fit their schemas."""

from __future__ import annotations

import asyncio
import runpy
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXTS = st.text(max_size=30) | st.sampled_from(["age", "fast", "drift.score", "nan", "-1", "1e400", "\x00", "%2F"])


async def document_of(served):
    async with served.client() as client:
        return (await client.get("/openapi.json")).json()


async def test_the_document_is_whole(serve):
    document = await document_of(serve(config={}))
    assert document["openapi"] == "3.1.0"
    assert {"/api/v1/status", "/api/v1/signals/{name}", "/api/v1/silences/{silence_id}", "/health", "/ready"} <= set(
        document["paths"]
    )
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(_refs(document)) <= known


def _refs(node):
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
        for value in node.values():
            yield from _refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _refs(value)


def _values(schema):
    """Values a client may send for a parameter: fitting ones and others."""
    if schema.get("enum"):
        return st.sampled_from(schema["enum"]) | TEXTS
    kind = schema["type"]
    if kind == "array":
        return st.lists(_values(schema["items"]), max_size=3)
    if kind in {"integer", "number"}:
        return (st.integers(-10, 10**6) | st.floats()).map(str) | TEXTS
    return TEXTS


@st.composite
def requests(draw, document):
    path = draw(st.sampled_from(sorted(document["paths"])))
    method = draw(st.sampled_from(sorted(document["paths"][path])))
    operation = document["paths"][path][method]
    query = {}
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", draw(st.sampled_from(["drift.score", "fast", "x", "%00", "ü"])))
        elif draw(st.booleans()):
            query[parameter["name"]] = draw(_values(parameter["schema"]))
    body = None
    if "requestBody" in operation:
        example = operation["requestBody"]["content"]["application/json"]["example"]
        junk = st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS, lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXTS, x, max_size=3), max_leaves=5)  # fmt: skip
        body = draw(
            st.just(example) | junk | st.fixed_dictionaries({key: st.just(value) | junk for key, value in example.items()})
        )
    return path, method, query, body, operation


def test_every_reply_is_a_documented_one(serve):
    served = serve(bad=True, config={"model": {"name": "fraud"}}, labels=len, reload=dict)
    document = asyncio.run(document_of(served))
    components = {"components": document["components"]}

    async def ask(path, method, query, body):
        async with served.client() as client:
            return (
                await client.request(method, path, params=query, json=body)
                if body is not None
                else await client.request(method, path, params=query)
            )

    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(requests(document))
    def check(request):
        path, method, query, body, operation = request
        reply = asyncio.run(ask(path, method, query, body))
        assert reply.status_code < 500
        described = operation["responses"].get(str(reply.status_code))
        assert described is not None, (request[:4], reply.status_code, reply.text)
        if "content" in described:
            kind = reply.headers["content-type"].partition(";")[0]
            schema = described["content"][kind]["schema"]
            jsonschema.Draft202012Validator({**schema, **components}).validate(
                reply.json() if kind.endswith("json") else reply.text
            )

    check()


@pytest.mark.parametrize("path", ["/api/v1", "/openapi.json"])
async def test_the_way_in_is_signposted(serve, path):
    async with serve().client() as client:
        reply = await client.get(path)
    assert reply.status_code == 200
    assert "/api/v1/drift" in reply.text


async def test_every_operation_shows_an_example_that_fits_its_schema(serve):
    document = await document_of(serve(config={}, labels=len, reload=dict))
    components = {"components": document["components"]}
    shown = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for code, response in operation["responses"].items():
                for kind, media in response.get("content", {}).items():
                    if kind.endswith("json"):
                        assert "example" in media, f"{method} {path} {code}: add it to tests/unit/api/examples.py, then run that"
                        jsonschema.Draft202012Validator({**media["schema"], **components}).validate(media["example"])
                        shown += 1
            if "requestBody" in operation:
                media = operation["requestBody"]["content"]["application/json"]
                jsonschema.Draft202012Validator(media["schema"]).validate(media["example"])
    assert shown > 50


def test_the_examples_are_what_the_api_says():
    made = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("examples.py"))))
    assert made.FILE.read_text(encoding="utf-8") == made.text(), "run: python tests/unit/api/examples.py"
