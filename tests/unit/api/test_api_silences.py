"""Making and ending silences, and who may."""

from __future__ import annotations

import pytest

BODY = {"matchers": {"rule": "drift"}, "seconds": 3600, "author": "ada", "reason": "new model"}


async def test_a_silence_is_made_listed_and_ended(serve, now):
    served = serve(filled=False)
    async with served.client() as client:
        made = await client.post("/api/v1/silences", json=BODY)
        assert made.status_code == 201
        assert made.json() | {"silence_id": ""} == {
            "silence_id": "", "matchers": {"rule": "drift"}, "starts_at": now, "ends_at": now + 3600, "author": "ada", "reason": "new model",
            "every": "", "lasts": 0.0, "time_zone": "UTC"}  # fmt: skip
        assert (await client.get("/api/v1/silences")).json()["silences"] == [made.json()]
        assert served.store.silences(active_at=now)[0].silence_id == made.json()["silence_id"]
        where = made.headers["location"]
        assert (await client.delete(where)).status_code == 204
        assert (await client.get("/api/v1/silences")).json()["silences"] == []
        assert (await client.delete(where)).status_code == 404


async def test_a_maintenance_window_comes_again_until_it_has_come_for_the_last_time(serve, now):
    served = serve(filled=False)
    body = {**BODY, "every": "sat,sun 22:00", "time_zone": "Europe/Berlin", "ends_in_seconds": 1e7}
    async with served.client() as client:
        made = (await client.post("/api/v1/silences", json=body)).json()
    assert {key: made[key] for key in ("every", "lasts", "time_zone", "ends_at")} == {
        "every": "sat,sun 22:00", "lasts": 3600.0, "time_zone": "Europe/Berlin", "ends_at": now + 1e7}  # fmt: skip
    assert served.store.silences(active_at=now)[0].every == "sat,sun 22:00"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"matchers": {}}, "matchers"),
        ({"matchers": {"rule": 1}}, "texts"),
        ({"matchers": {"rule": ""}}, "texts"),
        ({"matchers": "rule=drift"}, "matchers"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"seconds": 1e12}, "seconds"),
        ({"author": 1}, "author"),
        ({"reason": "x" * 600}, "reason"),
        ({"until": 5}, "'until' is not known"),
        ({"every": "soon", "ends_in_seconds": 1e7}, "not a recurrence"),
        ({"every": "", "ends_in_seconds": 1e7}, "not a recurrence"),
        ({"every": "SAT 22:00", "ends_in_seconds": 1e7}, "small letters"),
        ({"every": 7, "ends_in_seconds": 1e7}, "small letters"),
        ({"every": "sat 22:00"}, "ends_in_seconds"),
        ({"every": "sat 22:00", "ends_in_seconds": 0}, "ends_in_seconds"),
        ({"every": "sat 22:00", "ends_in_seconds": 1e7, "time_zone": "Mars"}, "not a time zone"),
        ({"every": "sat 22:00", "ends_in_seconds": 1e7, "seconds": 1e6}, "seconds: must be a number from 1 to 604800"),
        ({"ends_in_seconds": 1e7}, "goes with every"),
        ({"every": "sat 22:00", "ends_in_seconds": 1e7, "time_zone": ["UTC"]}, "not a time zone"),
        ({"time_zone": "UTC"}, "goes with every"),
    ],
)
async def test_a_body_that_does_not_fit_names_the_mistake(serve, change, says):
    async with serve().client() as client:
        reply = await client.post("/api/v1/silences", json={**BODY, **change})
    assert reply.status_code == 422
    assert says in reply.json()["detail"]


async def test_bodies_are_json_and_bounded(serve):
    async with serve().client() as client:
        assert (await client.post("/api/v1/silences", content=b"{}", headers={"Content-Type": "text/plain"})).status_code == 415
        assert (
            await client.post("/api/v1/silences", content=b"{", headers={"Content-Type": "application/json"})
        ).status_code == 400
        assert (
            await client.post("/api/v1/silences", content=b"[" * 50_000, headers={"Content-Type": "application/json"})
        ).status_code == 400
        large = await client.post("/api/v1/silences", content=b" " * 70_000, headers={"Content-Type": "application/json"})
        assert large.status_code == 413
        assert (await client.post("/api/v1/silences", json=[])).status_code == 422


class TestWhoMayChangeThings:
    async def test_without_a_token_this_machine_only(self, serve):
        served = serve()
        for host, status in (("127.0.0.1", 201), ("::1", 201), ("10.0.0.7", 403), ("", 201)):
            async with served.client(host) as client:
                assert (await client.post("/api/v1/silences", json=BODY)).status_code == status, host

    async def test_with_a_token_only_who_has_it(self, serve):
        served = serve(token="s3cret-ü")
        async with served.client() as client:
            bare = await client.post("/api/v1/silences", json=BODY)
            wrong = await client.post("/api/v1/silences", json=BODY, headers={"Authorization": "Bearer nope"})
            right = await client.post("/api/v1/silences", json=BODY, headers=[(b"Authorization", "Bearer s3cret-ü".encode())])
        assert (bare.status_code, wrong.status_code, right.status_code) == (401, 401, 201)
        assert bare.headers["www-authenticate"] == "Bearer"

    async def test_reading_needs_no_token(self, serve):
        async with serve(token="s3cret").client("10.0.0.7") as client:
            assert (await client.get("/api/v1/silences")).status_code == 200

    async def test_a_foreign_web_page_may_not_even_from_this_machine(self, serve):
        async with serve().client() as client:
            assert (
                await client.post("/api/v1/silences", json=BODY, headers={"Origin": "http://evil.example"})
            ).status_code == 403
            assert (
                await client.post("/api/v1/silences", json=BODY, headers={"Origin": "http://localhost:8052"})
            ).status_code == 201

    async def test_a_foreign_name_that_resolves_to_this_machine_is_foreign(self, serve):
        async with serve().client(name="evil.example:8052") as client:
            reply = await client.post("/api/v1/silences", json=BODY, headers={"Origin": "http://evil.example:8052"})
        assert reply.status_code == 403

    async def test_without_a_writer_nothing_can_be_changed(self, serve):
        async with serve(writer=None).client() as client:
            assert (await client.post("/api/v1/silences", json=BODY)).status_code == 405
            assert (await client.delete("/api/v1/silences/x")).status_code == 404
