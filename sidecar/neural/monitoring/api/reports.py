"""Reports for people: the stakeholders' page, and what was kept of the objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neural.monitoring.api.operation import Call, Operation, Reply
from neural.monitoring.api.parameters import AT, MODEL, SINCE, UNTIL, VERSION, Parameter
from neural.monitoring.api.problems import Problem
from neural.monitoring.clock import Clock
from neural.monitoring.reports.objectives import DEFAULT_SECONDS, sla_reports
from neural.monitoring.reports.sla import sla_html
from neural.monitoring.reports.stakeholder import DEFAULT_HOURS, questions, report_html
from neural.monitoring.slo import SLOSettings
from neural.monitoring.store import Store
from neural.monitoring.views import ask

_HOURS = Parameter("hours", "How far back alerts go, in hours.", "number", default=DEFAULT_HOURS, least=0.001, most=87_600)
_NAME = Parameter("name", "Only the objective of this name.", example="fast")
_PAGE = {"type": "string", "description": "One self-contained page: no script, nothing loaded from anywhere."}
_HTML = "text/html"
_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"}


@dataclass(frozen=True, slots=True)
class Reports:
    """The handlers. ``objectives``: those of the configuration; those of the Python API are in the store."""

    store: Store
    clock: Clock
    objectives: Sequence[SLOSettings] = ()

    def stakeholder(self, call: Call) -> Reply:
        now = self.clock()
        answers = {name: ask(name, self.store, now, wanted) for name, wanted in questions(**call.query).items()}
        return Reply(report_html(answers), headers=_HEADERS, made_from=list(answers.values()))

    def sla(self, call: Call) -> Reply:
        start, end = self._time(call)
        return Reply({"start": start, "end": end, "reports": self._of(call, start, end)})

    def sla_page(self, call: Call) -> Reply:
        start, end = self._time(call)
        found = self._of(call, start, end)
        return Reply(sla_html(found, start, end), headers=_HEADERS, made_from=found)

    def _time(self, call: Call) -> tuple[float, float]:
        end = self.clock() if call.query["until"] is None else call.query["until"]
        start = max(0.0, end - DEFAULT_SECONDS) if call.query["since"] is None else call.query["since"]
        if start >= end:
            raise Problem(404, "no time lies between since and until: since must be before until", parameter="since")
        return start, end

    def _of(self, call: Call, start: float, end: float) -> list[dict[str, Any]]:
        found = sla_reports(self.store, self.objectives, start, end)
        name = call.query["name"]
        chosen = [one for one in found if name in (None, one["slo_name"])]
        if name is not None and not chosen:
            raise Problem(404, f"there is no objective {name!r}", known=sorted({one["slo_name"] for one in found}))
        return chosen


def report_operations(store: Store, clock: Clock, objectives: Sequence[SLOSettings]) -> dict[str, Operation]:
    """Path below the API's prefix → its GET operation."""
    reports = Reports(store, clock, objectives)
    between = (_NAME, SINCE, UNTIL)
    return {
        "report.html": Operation(
            "report", "A report that a stakeholder can read", reports.stakeholder, (_HOURS, MODEL, VERSION, AT),
            response=_PAGE, media=_HTML, tag="reports",
        ),
        "slo/report": Operation(
            "sla", "What was kept of each objective, month by month, with every breach; of the last 30 days where no time is given",
            reports.sla, between, response={"$ref": "#/components/schemas/SLAReports"}, problems=(404,), tag="reports",
        ),
        "slo/report.html": Operation(
            "sla_page", "The same as a page", reports.sla_page, between, response=_PAGE, media=_HTML, problems=(404,), tag="reports",
        ),
    }  # fmt: skip
