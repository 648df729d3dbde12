"""A view as a report: a page of its own that can be sent to somebody without the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from neural.monitoring.dashboard.reading import Reader
from neural.monitoring.reports.objectives import DEFAULT_SECONDS, sla_reports
from neural.monitoring.reports.sla import sla_html
from neural.monitoring.reports.stakeholder import DEFAULT_HOURS, stakeholder_html
from neural.monitoring.slo import SLOSettings

Document = Callable[[Reader, Sequence[SLOSettings]], str]


def _report(reader: Reader, _: Sequence[SLOSettings]) -> str:
    """What stands on the pages at the right edge, for the model shown."""
    model, version = reader.model
    hours = reader.range_seconds / 3600 if reader.selection.range else DEFAULT_HOURS
    return stakeholder_html(
        reader.store, reader.now, model=model or None, version=version or None, at=reader.selection.until, hours=hours
    )


def _sla(reader: Reader, objectives: Sequence[SLOSettings]) -> str:
    """Of the stretch of time chosen, else of the last month, for the model shown."""
    start = reader.since if reader.selection.range else reader.until - DEFAULT_SECONDS
    found = sla_reports(reader.store, objectives, start, reader.until, model=reader.model[0])
    return sla_html([one for one in found if one["model"] in ("", reader.model[0])], start, reader.until)


DOCUMENTS: Mapping[str, Document] = {"report": _report, "sla": _sla}
"""Name → the HTML page. May raise StoreError."""
