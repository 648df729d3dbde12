"""Reports over HTTP are those of the command line."""

from __future__ import annotations

import jsonschema
import pytest

from neural.monitoring.api.schemas import SCHEMAS
from neural.monitoring.reports.sla import sla_html
from neural.monitoring.reports.stakeholder import stakeholder_html
from neural.monitoring.slo import SLOSettings, slo_key

FAST = SLOSettings.model_validate({"name": "fast", "type": "latency", "threshold": "100ms", "target": "99%", "window": "28d"})


@pytest.fixture
def counted(serve, now):
    """An objective with a day that went well and an hour that did not."""
    served = serve(bad=True, objectives=[FAST])
    for hour in range(24):
        served.store.add_slo_counts(slo_key("fraud", "fast"), now - (hour + 1) * 3600, 50.0 if hour == 3 else 100.0, 100.0)
    return served


async def test_the_stakeholders_page_is_that_of_the_command_line(counted, now):
    async with counted.client() as client:
        reply = await client.get("/api/v1/report.html")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.text == stakeholder_html(counted.store, now)
    assert "Something is wrong and needs somebody now." in reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]


async def test_the_page_is_as_it_was_at_an_earlier_moment(counted, now):
    async with counted.client() as client:
        before = await client.get("/api/v1/report.html", params={"at": now - 10 * 3600})
    assert "Nothing has been measured yet." in before.text
    assert "No account of requests is kept for that time." in before.text


async def test_sla_reports_have_every_objective_with_its_months(counted, now):
    async with counted.client() as client:
        answer = (await client.get("/api/v1/slo/report")).json()
        narrow = (await client.get("/api/v1/slo/report", params={"since": now - 3 * 3600, "until": now})).json()
        page = await client.get("/api/v1/slo/report.html", params={"since": now - 86400, "until": now})
        day = (await client.get("/api/v1/slo/report", params={"since": now - 86400, "until": now})).json()
    jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/SLAReports", "components": {"schemas": dict(SCHEMAS)}}
    ).validate(answer)
    (report,) = answer["reports"]
    assert (report["slo_name"], report["model"], report["is_meeting"], report["total_measurements"]) == (
        "fast",
        "fraud",
        False,
        2400,
    )
    assert narrow["reports"][0]["is_meeting"] is True
    assert sum(month["total"] for month in report["months"]) == 2400
    assert page.text == sla_html(day["reports"], now - 86400, now)


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("name=slow", 404, "no objective 'slow'"),
        ("since=5&until=5", 404, "since must be before until"),
        ("since=x", 400, "a number"),
    ],
)
@pytest.mark.parametrize("path", ["slo/report", "slo/report.html"])
async def test_mistakes_are_problem_documents(counted, path, query, status, says):
    async with counted.client() as client:
        reply = await client.get(f"/api/v1/{path}?{query}")
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert says in reply.json()["detail"]


async def test_a_report_has_its_etag_and_is_compressed(counted, now):
    between = {"since": now - 86400, "until": now}
    async with counted.client() as client:
        for path, query in (("report.html", {}), ("slo/report.html", between)):
            first = await client.get(f"/api/v1/{path}", params=query, headers={"Accept-Encoding": "gzip"})
            assert first.headers["content-encoding"] == "gzip"
            counted.clock.advance(5)
            again = await client.get(f"/api/v1/{path}", params=query, headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        counted.store.add_slo_counts(slo_key("fraud", "fast"), now - 3600, 0.0, 100.0)
        changed = await client.get("/api/v1/slo/report.html", params=between, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_a_report_over_all_of_time_is_answered(counted):
    async with counted.client() as client:
        answer = (await client.get("/api/v1/slo/report", params={"since": 0, "until": 4_102_444_800})).json()
    assert len(answer["reports"][0]["months"]) == 130 * 12
