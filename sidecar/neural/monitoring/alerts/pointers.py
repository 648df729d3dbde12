"""Where to look: the command that shows the same again, whenever it is run, and the dashboard's page at that time."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from neural.monitoring.alerts.index import Scope

_COMMANDS = {
    "drift": "drift", "quality": "quality", "performance": "performance", "slo": "slo", "capture": "health", "sidecar": "health",
}  # fmt: skip
_PAGES = {
    "drift": "drift", "quality": "quality", "performance": "performance", "slo": "slo", "capture": "capture", "sidecar": "capture",
}  # fmt: skip


def command(family: str, scope: Scope, labels: Mapping[str, str], options: Sequence[str], now: float) -> str:
    """The command line that shows what was to be seen at ``now`` (Unix seconds); ``options`` say where the state is.

    Quoted for a shell: names come from outside.
    """
    words = ["neural", "monitor", _COMMANDS.get(family, "status")]
    model, version = scope
    words += ["--model", model] if model else []
    words += ["--model-version", version] if version else []
    words += ["--name", labels["slo"]] if family == "slo" and labels.get("slo") else []
    at = datetime.fromtimestamp(math.ceil(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return shlex.join([*words, "--at", at, *options])


def dashboard_link(url: str, family: str, scope: Scope, labels: Mapping[str, str], feature: str, now: float) -> str:
    """The dashboard's page on what the rule watches, with its right edge just after ``now`` (Unix seconds); "" without a dashboard."""
    if not url:
        return ""
    chosen = {
        "model": scope[0],
        "version": scope[1],
        "until": str(math.ceil(now)),
        "feature": feature,
        "slo": labels.get("slo", ""),
    }
    query = urlencode({name: value for name, value in chosen.items() if value})
    return f"{url.rstrip('/')}/{_PAGES.get(family, '')}?{query}"
