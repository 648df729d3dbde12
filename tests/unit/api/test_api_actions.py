"""Handing in labels, and loading the configuration again."""

from __future__ import annotations

import json

import pytest

from neural.monitoring.api import Problem
from neural.monitoring.errors import ConfigError


async def test_labels_are_handed_on_as_they_came(serve):
    taken = []

    def take(body):
        taken.append(json.loads(body))
        return len(taken[-1]["labels"])

    labels = [{"id": "p1", "label": 1}, {"id": "p2", "label": "yes", "time": 5}]
    async with serve(labels=take).client() as client:
        reply = await client.post("/api/v1/labels", json={"labels": labels})
    assert (reply.status_code, reply.json()) == (202, {"accepted": 2})
    assert taken == [{"labels": labels}]


@pytest.mark.parametrize("body", [{}, {"labels": []}, {"labels": "x"}, []])
async def test_a_body_without_labels_is_refused(serve, body):
    async with serve(labels=len).client() as client:
        assert (await client.post("/api/v1/labels", json=body)).status_code == 422


async def test_what_the_sidecar_refuses_is_said(serve):
    def busy(_):
        raise Problem(429, "the sidecar is full", headers={"Retry-After": "3"})

    async with serve(labels=busy).client() as client:
        reply = await client.post("/api/v1/labels", json={"labels": [{"id": "p", "label": 1}]})
    assert (reply.status_code, reply.headers["retry-after"], reply.json()["detail"]) == (429, "3", "the sidecar is full")


async def test_a_reload_says_what_changed_or_why_not(serve):
    def wrong():
        raise ConfigError("is not a known key", where="a.yaml:3", key="windwos")

    async with serve(reload=lambda: {"changed": ["slos"]}).client() as client:
        assert (await client.post("/api/v1/reload")).json() == {"changed": ["slos"]}
    async with serve(reload=wrong).client() as client:
        reply = await client.post("/api/v1/reload")
    assert reply.status_code == 422
    assert "the old configuration stays in force: a.yaml:3: windwos" in reply.json()["detail"]


@pytest.mark.parametrize("path", ["/api/v1/labels", "/api/v1/reload"])
async def test_strangers_may_do_neither(serve, path):
    async with serve(labels=len, reload=dict).client("10.0.0.7") as client:
        assert (await client.post(path, json={"labels": [{"id": "p", "label": 1}]})).status_code == 403
    async with serve().client() as client:
        assert (await client.post(path, json={})).status_code == 404


async def test_too_many_labels_at_once_are_refused(serve):
    async with serve(labels=len).client() as client:
        reply = await client.post("/api/v1/labels", json={"labels": [{"id": "p", "label": 1}] * 20_001})
    assert (reply.status_code, reply.json()["detail"]) == (413, "20001 labels, at most 20000 a request")
