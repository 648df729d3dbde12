"""What the API answers, and how it refuses."""

from __future__ import annotations

import jsonschema
import pytest

from neural.monitoring import views
from neural.monitoring.api.schemas import NAMES, SCHEMAS
from neural.monitoring.views import Snapshot, SnapshotBoard

VIEWS = sorted(NAMES)


def validate(instance, name):
    jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": dict(SCHEMAS)}}).validate(
        instance
    )


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("state", ["well", "ill", "empty"])
async def test_every_view_answers_as_its_schema_says(serve, name, state):
    async with serve(filled=state != "empty", bad=state == "ill").client() as client:
        reply = await client.get(f"/api/v1/{name}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    validate(reply.json(), NAMES[name])


async def test_the_answer_is_the_views_own(serve, now):
    served = serve(bad=True)
    async with served.client() as client:
        assert (await client.get("/api/v1/status")).json() == views.status(served.store, now)
        assert (await client.get("/api/v1/drift", params={"window": 5})).json()["total_samples"] == 5
        assert (await client.get("/api/v1/alerts", params={"hours": 100, "severity": "info"})).json()["total_alerts"] == 1
        assert list((await client.get("/api/v1/slo", params={"name": "fast"})).json()["slos"]) == ["fast"]


class TestSignals:
    async def test_the_latest_can_be_narrowed(self, serve):
        async with serve().client() as client:
            everything = (await client.get("/api/v1/signals")).json()
            some = (await client.get("/api/v1/signals?name=drift.feature_score&name=error_rate&feature=age")).json()["signals"]
        validate(everything, "Signals")
        assert [(s["name"], s["labels"].get("feature")) for s in some] == [("drift.feature_score", "age")]

    async def test_pages_cover_all_of_the_past_once(self, serve):
        times, params = [], {"limit": 7}
        async with serve().client() as client:
            while params is not None:
                page = (await client.get("/api/v1/signals/drift.feature_score", params=params)).json()
                validate(page, "SignalPage")
                times = [s["time"] for s in page["signals"]] + times
                params = page["next"]
        assert len(times) == 60
        assert times == sorted(times)

    async def test_a_stretch_of_time(self, serve, now):
        async with serve().client() as client:
            page = (await client.get("/api/v1/signals/error_rate", params={"since": now - 120, "until": now - 60})).json()
        assert [s["time"] for s in page["signals"]] == [now - 120, now - 60]
        assert page["next"] is None


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "status", "says"),
        [
            ("/api/v1/drift?window=0", 400, "between 1 and"),
            ("/api/v1/drift?window=nan", 400, "whole number"),
            ("/api/v1/drift?widnow=1", 400, "did you mean window?"),
            ("/api/v1/drift?window=1&window=2", 400, "more than once"),
            ("/api/v1/alerts?severity=bad", 400, "one of info, warning, critical"),
            ("/api/v1/alerts?hours=inf", 400, "between"),
            ("/api/v1/slo?name=nothing", 404, "no objective 'nothing'"),
            ("/api/v1/nothing", 404, "see /api/v1"),
            ("/api/v1/signals?" + "&".join(["name=x"] * 51), 400, "more than 50"),
            ("/api/v1/status?model=" + "x" * 600, 400, "1 to 512"),
        ],
    )
    async def test_a_mistake_is_a_problem_document_that_says_how_to_mend_it(self, serve, path, status, says):
        async with serve().client() as client:
            reply = await client.get(path)
        assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
        validate(reply.json(), "Problem")
        assert says in reply.json()["detail"]

    async def test_the_wrong_method_says_which_are_right(self, serve):
        async with serve().client() as client:
            reply = await client.post("/api/v1/status", json={})
            options = await client.options("/api/v1/silences")
        assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
        assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")

    async def test_a_store_that_cant_be_read_is_503_with_the_reason(self, serve):
        served = serve()
        served.store.close()
        async with served.client() as client:
            reply = await client.get("/api/v1/status")
            ready = await client.get("/ready")
        assert (reply.status_code, ready.status_code) == (503, 503)
        assert "closed" in reply.json()["detail"]

    async def test_a_bug_is_500_without_its_traceback(self, serve, monkeypatch, caplog):
        monkeypatch.setattr("neural.monitoring.api.reading.ask", lambda *_: 1 / 0)
        async with serve().client() as client:
            reply = await client.get("/api/v1/status", headers={"X-Request-Id": "r-1"})
        assert (reply.status_code, reply.json()["request_id"]) == (500, "r-1")
        assert "division" not in reply.text
        assert "ZeroDivisionError" in caplog.text


class TestHTTP:
    async def test_an_etag_holds_until_something_is_said_differently(self, serve, fill_store, now):
        served = serve()
        async with served.client() as client:
            first = await client.get("/api/v1/alerts")
            status = await client.get("/api/v1/status")
            served.clock.advance(1)
            assert (await client.get("/api/v1/status", headers={"If-None-Match": status.headers["etag"]})).status_code == 304
            again = await client.get("/api/v1/alerts", headers={"If-None-Match": first.headers["etag"]})
            fill_store(served.store, now, bad=True)
            changed = await client.get("/api/v1/alerts", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert changed.status_code == 200

    async def test_head_is_get_without_the_body(self, serve):
        async with serve().client() as client:
            assert (await client.head("/api/v1/alerts")).headers["etag"] == (await client.get("/api/v1/alerts")).headers["etag"]

    async def test_large_answers_are_compressed_for_who_asks(self, serve):
        async with serve().client() as client:
            small = await client.get("/ready")
            large = await client.get("/api/v1/signals", headers={"Accept-Encoding": "gzip"})
            plain = await client.get("/api/v1/signals", headers={"Accept-Encoding": "identity"})
        assert (small.headers.get("content-encoding"), large.headers["content-encoding"]) == (None, "gzip")
        assert plain.headers.get("content-encoding") is None
        assert large.json() == plain.json()

    async def test_a_request_id_is_given_back_or_made(self, serve):
        async with serve().client() as client:
            assert (await client.get("/ready", headers={"X-Request-Id": "abc-1"})).headers["x-request-id"] == "abc-1"
            assert len((await client.get("/ready", headers={"X-Request-Id": "bad id\x7f"})).headers["x-request-id"]) == 32

    async def test_no_other_origin_is_let_in(self, serve):
        async with serve().client() as client:
            reply = await client.get("/api/v1/status", headers={"Origin": "http://evil.example"})
        assert not [name for name in reply.headers if name.startswith("access-control")]


class TestProbes:
    async def test_alive_while_the_engine_evaluates(self, serve, now):
        board = SnapshotBoard()
        served = serve(board=board)
        async with served.client() as client:
            assert (await client.get("/health")).json() == {"status": "alive", "last_evaluation": None}
            board.publish(Snapshot(now, now))
            assert (await client.get("/health")).status_code == 200
            served.clock.advance(100)  # longer than people wait: a restart would make a backlog longer
            assert (await client.get("/health")).status_code == 200
            served.clock.advance(900)
            dead = await client.get("/health")
        assert dead.status_code == 503
        assert "the engine has stopped" in dead.json()["detail"]

    async def test_a_model_in_trouble_is_no_reason_to_restart_the_sidecar(self, serve):
        async with serve(bad=True).client() as client:
            assert (await client.get("/health")).status_code == 200
            assert (await client.get("/ready")).json() == {"status": "ready"}
            assert (await client.get("/api/v1/health")).json()["status"] == "critical"


async def test_the_settings_are_shown_only_when_handed_over(serve):
    async with serve(config={"model": {"name": "fraud"}}).client() as client:
        assert (await client.get("/api/v1/config")).json() == {"model": {"name": "fraud"}}
    async with serve().client() as client:
        assert (await client.get("/api/v1/config")).status_code == 404
