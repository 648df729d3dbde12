"""The pages, in the order of the navigation. A new page is one file and one line here."""

from __future__ import annotations

from neural.monitoring.dashboard.pages import alerts, capture, drift, overview, performance, quality, slo
from neural.monitoring.dashboard.pages.page import Page

PAGES: dict[str, Page] = {
    page.name: page for page in (overview.PAGE, drift.PAGE, quality.PAGE, performance.PAGE, slo.PAGE, alerts.PAGE, capture.PAGE)
}
