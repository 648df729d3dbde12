"""The server's own span: whoever traces the server already has one, and the record names it. OpenTelemetry is never imported here."""

from __future__ import annotations

import sys
from typing import Any, Final

TRACER: Final = "opentelemetry.trace"
MODULES: Final = sys.modules
"""``TRACER in MODULES``: somebody in this process may be tracing. Asked before anything else is, for every request."""


def span_id() -> bytes:
    """16 hex digits of the server's span that is active here; empty when there is none. Never raises.

    Inside of an instrumentation the active span may be one for a single message: then its parent is the server's.
    """
    try:
        span: Any = MODULES[TRACER].get_current_span()
        context = span.get_span_context()
        if not context.is_valid or context.is_remote:
            return b""
        parent = getattr(span, "parent", None)
        if parent is not None and not parent.is_remote and span.kind.name == "INTERNAL":
            context = parent
        return b"%016x" % context.span_id
    except Exception:  # another version, or a tracer of somebody's own
        return b""
