"""The dashboard's pages."""

from neural.monitoring.dashboard.pages.page import Page, View
from neural.monitoring.dashboard.pages.registry import PAGES

__all__ = ["PAGES", "Page", "View"]
