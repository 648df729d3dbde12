"""The HTTP API: what the views answer, as JSON over Starlette, with an OpenAPI document."""

from __future__ import annotations

from neural.monitoring.api.problems import Problem
from neural.monitoring.api.routes import PREFIX, api_routes, probe_routes

__all__ = ["PREFIX", "Problem", "api_routes", "probe_routes"]
