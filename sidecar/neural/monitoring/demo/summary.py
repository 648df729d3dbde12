"""The demo's last words, in plain text."""

from __future__ import annotations

from collections.abc import Callable

from neural.monitoring.demo.options import DemoOptions
from neural.monitoring.demo.plan import IN_WORDS
from neural.monitoring.demo.result import DemoResult


def summarise(result: DemoResult, options: DemoOptions, say: Callable[..., None]) -> None:
    """What happened, whether it adds up, and where to look next."""
    say(f"\n{result.requests:,} requests with {result.rows:,} flights, {result.labels:,} outcomes reported.", "bold")
    if result.unanswered:
        why = ", ".join(f"{kind} {count}" for kind, count in result.unanswered.items())
        say(f"  The model server did not answer some requests: {why}", "bold red")
    _detections(result, say)
    _season(result, say)
    _ledger(result, say)
    if result.overhead_us_p50 is not None:
        say(f"Capture cost the model server {result.overhead_us_p50:.1f} µs a request (median, measured by itself).")
    _where_next(result, options, say)


def _detections(result: DemoResult, say: Callable[..., None]) -> None:
    for one in result.detections:
        if one.detected:
            say(
                f"  ✓ {IN_WORDS[one.incident]}: noticed after {one.delay_seconds:.1f} s and {one.delay_rows:,} rows ({one.alert})",
                "green",
            )
        else:
            say(f"  ✗ {IN_WORDS[one.incident]}: not noticed", "bold red")
    if not result.season:
        say(f"  Alerts without a cause: {result.false_alarms}", "green" if result.false_alarms == 0 else "bold red")


def _season(result: DemoResult, say: Callable[..., None]) -> None:
    for one in result.season:
        say(f"  {one['flight_date']} (row {one['rows']:,}): {one['rule']}: {one['message']}")


def _ledger(result: DemoResult, say: Callable[..., None]) -> None:
    ledger = result.ledger
    dropped = ", ".join(f"{reason} {count:,}" for reason, count in ledger.dropped.items()) or "none"
    verdict = "adds up" if result.balanced else "DOES NOT ADD UP"
    say(
        f"Loss ledger {verdict}: {ledger.seen:,} seen = {ledger.shipped:,} shipped + {ledger.sampled_out:,} sampled out + dropped ({dropped}).",
        "green" if result.balanced else "bold red",
    )


def _where_next(result: DemoResult, options: DemoOptions, say: Callable[..., None]) -> None:
    if options.keep:
        say(f"\nDashboard: {result.urls['dashboard']}\nMetrics:   {result.urls['metrics']}")
    else:
        say(
            "\nLook again (add --keep to leave it all running; then also at "
            + result.urls["dashboard"]
            + " and "
            + result.urls["metrics"]
            + "):"
        )
        say(f"  neural monitor dashboard --storage-path {result.storage_path}")
    for command in ("status", "drift", "quality", "alerts", "slo", "health"):
        say(f"  neural monitor {command} --storage-path {result.storage_path}")
