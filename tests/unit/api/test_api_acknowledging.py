"""POST /api/v1/alerts/{alert_id}/acknowledge."""

from __future__ import annotations

import pytest

from neural.monitoring.store import AlertRow


def firing(store, alert_id="a-1"):
    store.put_alert(AlertRow(alert_id, "f", "Data drift", "warning", "firing", "Data drift", "m", "drift", 1.0, fired_at=1.0))
    return f"/api/v1/alerts/{alert_id}/acknowledge"


async def test_an_alert_is_acknowledged_and_says_by_whom(serve, now):
    served = serve(filled=False)
    path = firing(served.store)
    async with served.client() as client:
        reply = await client.post(path, json={"author": "ada", "note": "rolling back"})
        assert reply.status_code == 200
        said = {key: reply.json()[key] for key in ("acknowledged_by", "acknowledged_at", "acknowledged_note")}
        assert said == {"acknowledged_by": "ada", "acknowledged_at": now, "acknowledged_note": "rolling back"}
        assert (await client.get("/api/v1/alerts")).json()["alerts"][0]["acknowledged_by"] == "ada"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "object"),
        ({}, "author"),
        ({"author": ""}, "author"),
        ({"author": 1}, "author"),
        ({"author": "x" * 600}, "author"),
        ({"author": "ada", "note": 1}, "note"),
        ({"author": "ada", "until": 5}, "'until' is not known"),
    ],
)
async def test_a_body_that_does_not_fit_names_the_mistake(serve, body, says):
    served = serve(filled=False)
    async with served.client() as client:
        reply = await client.post(firing(served.store), json=body)
    assert reply.status_code == 422
    assert says in reply.json()["detail"]


async def test_what_does_not_fire_is_404(serve):
    async with serve(filled=False).client() as client:
        assert (await client.post("/api/v1/alerts/nothing/acknowledge", json={"author": "ada"})).status_code == 404


async def test_strangers_may_not(serve):
    served = serve(filled=False)
    async with served.client("10.0.0.7") as client:
        assert (await client.post(firing(served.store), json={"author": "ada"})).status_code == 403
    async with serve(filled=False, writer=None).client() as client:
        assert (await client.post("/api/v1/alerts/a-1/acknowledge", json={"author": "ada"})).status_code == 404
