"""A middleware whose batches stay in the process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from neural.capture import CaptureMiddleware
from neural.capture.testing import Collector

sys.path.insert(0, str(Path(__file__).parent))
from capture_app import APP


@pytest.fixture
def collector():
    return Collector()


@pytest.fixture
def capture(collector):
    made = []

    def make(app=APP, **options):
        middleware = CaptureMiddleware(app, transport=collector, **options)
        made.append(middleware)
        return middleware

    yield make
    for middleware in made:
        middleware.close()


@pytest.fixture
def events(collector):
    def shipped(middleware, count=None):
        assert middleware.flush(10)
        found = collector.events
        assert count is None or len(found) == count
        return found

    return shipped
